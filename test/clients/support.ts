// What the client tests share: `stint` processes as a user starts them, and the clients nobody here wrote.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

export const root = join(import.meta.dirname, '..', '..');
const main = join(root, 'src/cli/main.ts');
const clientsBin = join(root, '.cache/clients/bin');

export type Environment = Readonly<Record<string, string>>;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The test's environment without anything that could point at a real AWS or a real Vault. */
export function cleanEnvironment(extra: Environment = {}): Record<string, string> {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|VAULT|BAO|STINT|AWSUME|TF|npm)_/.test(name));
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    PATH: `${clientsBin}:${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    ...extra,
  };
}

/** A folder that is removed when the test ends. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-clients-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Path of a command that the machine has of its own; undefined where it is not installed. */
export function commandOnPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** Ends the process with SIGTERM, unless it has ended. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((ended) => child.once('close', ended));
  child.kill('SIGTERM');
  await closed;
}

/** Path of a client that `npm run test:clients` installs; undefined where the machine has no Python. */
export function installedClient(name: string): string | undefined {
  const path = join(clientsBin, name);
  return existsSync(path) ? path : undefined;
}

/**
 * What `test()` takes as `skip`: false when the client is there. With `CI=true` a missing client is
 * not skipped, so that the test fails on it.
 */
export function skipUnless(name: string): string | false {
  return installedClient(name) !== undefined || process.env['CI'] === 'true' ? false : `${name} is not installed here`;
}

/** The same for a client that not every machine can get: without it the test is skipped by name, with `CI=true` too. */
export function skipWithout(name: string): string | false {
  return installedClient(name) !== undefined ? false : `${name} is not to be had here`;
}

/** Runs a program to its end; never throws for an exit code. */
export function run(
  command: string,
  args: readonly string[],
  env: Environment,
  cwd = root,
  stdin = '',
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], { env, cwd, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null && typeof error.code !== 'number') reject(error);
      else resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
    child.stdin?.end(stdin);
  });
}

/** Runs `stint ARGS` to its end. */
export function stint(args: readonly string[], env: Environment, cwd = root): Promise<Finished> {
  return run(process.execPath, [main, ...args], env, cwd);
}

async function serve<Ready>(t: TestContext, args: readonly string[], env: Environment): Promise<Ready> {
  const child = spawn(process.execPath, [main, ...args, '--json'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => stop(child));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', (line) => resolve(JSON.parse(line) as Ready));
    child.once('close', (code) => reject(new Error(`stint ${args.join(' ')} ended with ${code}: ${errors}`)));
  });
}

interface AccountKeys {
  readonly name: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RunningCloud {
  readonly endpoint: string;
  readonly controlToken: string;
  readonly credentialsFile: string;
  readonly accounts: Readonly<Record<string, AccountKeys>>;
  /** The environment in which the admin of the named account acts. */
  admin(account: string): Record<string, string>;
  /** The environment in which these keys act. */
  as(keys: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): Record<string, string>;
  advance(by: string): Promise<void>;
  /** Lets IAM take its time over the next calls of that operation. */
  delay(operation: string, milliseconds: number, count: number): Promise<void>;
}

/** Starts `stint cloud start` on a free port; it ends with the test. */
export async function startCloudProcess(t: TestContext, ...options: readonly string[]): Promise<RunningCloud> {
  const folder = temporaryFolder(t);
  const credentialsFile = join(folder, 'credentials.json');
  const { endpoint } = await serve<{ endpoint: string }>(
    t,
    ['cloud', 'start', '--port', '0', '--credentials-file', credentialsFile, ...options],
    cleanEnvironment({ STINT_HOME: folder }),
  );
  const file = JSON.parse(readFileSync(credentialsFile, 'utf8')) as Pick<RunningCloud, 'accounts' | 'controlToken'>;
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  const as: RunningCloud['as'] = (keys) =>
    cleanEnvironment({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_CONFIG_FILE: empty,
      AWS_SHARED_CREDENTIALS_FILE: empty,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      ...(keys.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: keys.sessionToken }),
      AWS_PAGER: '',
      // The AWS CLI keeps sessions in it, over runs.
      HOME: folder,
      STINT_HOME: folder,
    });
  const control = async (what: string, body: object): Promise<void> => {
    const response = await fetch(`${endpoint}/_stint/${what}`, {
      method: 'POST',
      headers: { 'x-stint-control': file.controlToken, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
  };
  return {
    ...file,
    endpoint,
    credentialsFile,
    as,
    admin(name) {
      const keys = Object.values(file.accounts).find((account) => account.name === name);
      if (keys === undefined) throw new Error(`no account ${name}`);
      return as(keys);
    },
    advance: (by) => control('clock', { advance: by }),
    delay: (operation, delayMs, count) =>
      control('faults', { service: 'iam', operation, when: 'before', delayMs, count }),
  };
}

export interface RunningServer {
  readonly address: string;
  readonly rootToken: string;
  readonly unsealKey: string;
}

/** Starts `stint server --dev` on a free port, its AWS being the embedded one; it ends with the test. */
export function startServerProcess(t: TestContext, cloud: RunningCloud): Promise<RunningServer> {
  const env = cleanEnvironment({
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    STINT_HOME: temporaryFolder(t),
  });
  return serve<RunningServer>(t, ['server', '--dev', '--listen', '127.0.0.1:0'], env);
}

/** Starts `stint server --config` on a free port, with nothing in its storage yet; it ends with the test. */
export function startUninitialisedServer(t: TestContext): Promise<Pick<RunningServer, 'address'>> {
  const folder = temporaryFolder(t);
  const config = join(folder, 'server.yaml');
  writeFileSync(
    config,
    'listener: { address: "127.0.0.1:0" }\nstorage: { sqlite: { path: data } }\nseal: { shamir: {} }\n',
  );
  return serve(t, ['server', '--config', config], cleanEnvironment({ STINT_HOME: folder }));
}
