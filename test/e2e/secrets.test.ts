import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { CreateAccessKeyCommand, CreateLoginProfileCommand, CreateUserCommand, IAMClient } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';

const main = join(import.meta.dirname, '..', '..', 'src/cli/main.ts');

interface Service<Ready> {
  readonly ready: Ready;
  /** Everything it printed besides its ready line. */
  log(): string;
  stop(): Promise<void>;
}

function start<Ready>(
  t: TestContext,
  args: readonly string[],
  folder: string,
  extra: Record<string, string> = {},
): Promise<Service<Ready>> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|VAULT|STINT)_/.test(name));
  const env = { ...Object.fromEntries(kept), STINT_HOME: folder, ...extra };
  const child = spawn(process.execPath, [main, ...args, '--json'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  t.after(stop);
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.once('line', (line) => {
      lines.on('line', (more) => (log += more));
      resolve({ ready: JSON.parse(line) as Ready, log: () => log, stop });
    });
    child.once('close', (code) => reject(new Error(`stint ${args.join(' ')} ended with ${code}: ${log}`)));
  });
}

function everyFile(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

interface CredentialsFile {
  readonly accounts: Readonly<Record<string, { readonly accessKeyId: string; readonly secretAccessKey: string }>>;
}

test('no secret stands in a state file, a store or a log, while the services run and after they ended', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-secrets-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const state = join(folder, 'cloud');
  const cloud = await start<{ endpoint: string; credentialsFile: string }>(
    t,
    ['cloud', 'start', '--port', '0', '--state', state],
    folder,
  );
  const { endpoint, credentialsFile } = cloud.ready;
  const server = await start<{ address: string; rootToken: string }>(
    t,
    ['server', '--dev', '--listen', '127.0.0.1:0', '--storage', join(folder, 'server')],
    folder,
    { AWS_ENDPOINT_URL: endpoint, AWS_REGION: 'us-east-1' },
  );
  const file = JSON.parse(readFileSync(credentialsFile, 'utf8')) as CredentialsFile;
  const credentials = file.accounts['222222222222']!;
  const iam = new IAMClient({ endpoint, region: 'us-east-1', credentials });
  await iam.send(new CreateUserCommand({ UserName: 'alice' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }));
  await iam.send(new CreateLoginProfileCommand({ UserName: 'alice', Password: 'Correct-Horse-9!' }));
  const management = file.accounts['111111111111']!;
  const sts = new STSClient({ endpoint, region: 'us-east-1', credentials: management });
  const role = 'arn:aws:iam::222222222222:role/OrganizationAccountAccessRole';
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: role, RoleSessionName: 'alice' }));

  const lend = async (method: string, path: string, body?: unknown): Promise<{ data?: Record<string, string> }> => {
    const headers = { 'x-vault-token': server.ready.rootToken };
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${server.ready.address}/v1/${path}`, { method, headers, ...sent });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return response.status === 204 ? {} : ((await response.json()) as { data?: Record<string, string> });
  };
  await lend('POST', 'sys/mounts/aws', { type: 'aws' });
  const root = { access_key: credentials.accessKeyId, secret_key: credentials.secretAccessKey };
  await lend('POST', 'aws/config/root', {
    ...root,
    region: 'us-east-1',
    iam_endpoint: endpoint,
    sts_endpoint: endpoint,
  });
  const policy_arns = 'arn:aws:iam::aws:policy/AmazonS3FullAccess';
  await lend('POST', 'aws/roles/s3', { credential_type: 'iam_user', policy_arns });
  const { data = {} } = await lend('GET', 'aws/creds/s3');

  const secrets = {
    'secret key of alice': AccessKey?.SecretAccessKey,
    'password of alice': 'Correct-Horse-9!',
    'secret key of the session': Credentials?.SecretAccessKey,
    'token of the session': Credentials?.SessionToken,
    'lent secret key': data['secret_key'],
    'root token of the server': server.ready.rootToken,
    'secret key of the admin': credentials.secretAccessKey,
  };
  const search = (): void => {
    const texts = [
      ['log of cloud', cloud.log()],
      ['log of server', server.log()],
      ...everyFile(folder)
        .filter((path) => path !== credentialsFile)
        .map((path) => [path, readFileSync(path, 'latin1')]),
    ] as [string, string][];
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(secret !== undefined && secret.length > 8, name);
      for (const [where, text] of texts) assert.ok(!text.includes(secret), `${name} stands in ${where}`);
    }
  };
  search();
  await server.stop();
  await cloud.stop();
  search();
});
