// A section that `stint credentials --write-profile` wrote, read by the AWS CLI, boto3 and the AWS SDK for JavaScript,
// beside sections that the AWS CLI and AWSume write.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseEnv } from 'node:util';
import {
  cleanEnvironment,
  run,
  skipUnless,
  startCloudProcess,
  stint,
  temporaryFolder,
  type Environment,
} from './support.ts';

const role = 'arn:aws:iam::222222222222:role/OrganizationAccountAccessRole';

interface Machine {
  readonly env: Environment;
  readonly file: string;
}

async function machine(t: TestContext): Promise<Machine> {
  const cloud = await startCloudProcess(t);
  const home = temporaryFolder(t);
  mkdirSync(join(home, '.aws'));
  const file = join(home, '.aws/credentials');
  const { accessKeyId, secretAccessKey } = cloud.accounts['111111111111']!;
  const keys = `aws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`;
  writeFileSync(file, `# mine\n[central]\n${keys}`, { mode: 0o600 });
  writeFileSync(
    join(home, '.aws/config'),
    `[profile dev]\nrole_arn = ${role}\nsource_profile = central\nregion = eu-west-1\n`,
  );
  const env = cleanEnvironment({
    HOME: home,
    USER: 'alice',
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_PAGER: '',
  });
  return { env, file };
}

async function write({ env }: Machine, ...more: readonly string[]): Promise<void> {
  const { code, stderr } = await stint(['credentials', 'dev', '--write-profile', 'lent', ...more], env);
  assert.equal(code, 0, stderr);
}

const whoami = {
  aws: ['aws', 'sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text'],
  python: [
    'python',
    '-c',
    'import boto3; print(boto3.client("sts").get_caller_identity()["Arn"], boto3.Session().region_name)',
  ],
  JavaScript: [
    process.execPath,
    '--input-type=module',
    '-e',
    `import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
const client = new STSClient({ region: 'eu-west-1' });
console.log((await client.send(new GetCallerIdentityCommand({}))).Arn);`,
  ],
} as const;

for (const [name, [command, ...args]] of Object.entries(whoami)) {
  test(
    `a written section is read by ${name}, as the role, in its region`,
    { skip: name === 'JavaScript' ? false : skipUnless(command) },
    async (t) => {
      const here = await machine(t);
      await write(here);
      const { stdout, stderr } = await run(command, args, { ...here.env, AWS_PROFILE: 'lent' });
      assert.match(stdout, /assumed-role\/OrganizationAccountAccessRole\/alice/, stderr);
      if (name === 'python') assert.match(stdout, /eu-west-1/);
    },
  );
}

test(
  'what the AWS CLI writes into the file stays, and Stint’s section stays Stint’s',
  { skip: skipUnless('aws') },
  async (t) => {
    const here = await machine(t);
    await write(here);
    const set = async (...args: readonly string[]): Promise<void> => {
      const { code, stderr } = await run('aws', ['configure', 'set', ...args], here.env);
      assert.equal(code, 0, stderr);
    };
    await set('aws_access_key_id', 'AKIAOTHER', '--profile', 'other');
    await set('aws_secret_access_key', 'other', '--profile', 'other');
    await set('aws_session_token', 'changed', '--profile', 'lent');
    await write(here, '--refresh');
    const text = readFileSync(here.file, 'utf8');
    assert.match(text, /^# mine\n\[central\]$/m);
    assert.match(text, /^\[other\]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other$/m);
    assert.doesNotMatch(text, /changed/);
    const [command, ...args] = whoami.aws;
    const { stdout, stderr } = await run(command, args, { ...here.env, AWS_PROFILE: 'lent' });
    assert.match(stdout, /assumed-role/, stderr);
  },
);

test(
  'AWSume neither changes nor removes Stint’s section, nor Stint AWSume’s',
  { skip: skipUnless('awsume') },
  async (t) => {
    const here = await machine(t);
    await write(here);
    const awsume = (...args: readonly string[]): ReturnType<typeof run> =>
      run('awsumepy', args, { ...here.env, AWS_DEFAULT_REGION: 'eu-west-1' });
    const refused = await awsume('dev', '-o', 'lent');
    assert.match(refused.stderr, /not awsume-managed|Immutable/i);
    const made = await awsume('dev', '-o', 'theirs');
    assert.match(readFileSync(here.file, 'utf8'), /^\[theirs\]$/m, made.stderr);
    const before = readFileSync(here.file, 'utf8');
    const taken = await stint(['credentials', 'dev', '--write-profile', 'theirs'], here.env);
    assert.match(taken.stderr, /^error\[section-foreign\]: .*credentials:\d+: `\[theirs\]` was not written by Stint/);
    assert.equal(readFileSync(here.file, 'utf8'), before);
  },
);

test('`dotenv` and `env` are what readers of such files take for a session', { skip: skipUnless('aws') }, async (t) => {
  const { env } = await machine(t);
  const { stdout: dotenv } = await stint(['credentials', 'dev', '--format', 'dotenv'], env);
  const { stdout: lines } = await stint(['credentials', 'dev', '--format', 'env'], env);
  const variables = { ...parseEnv(dotenv) } as Record<string, string>;
  assert.deepEqual(
    Object.entries(variables)
      .map(([name, value]) => `${name}=${value}`)
      .toSorted(),
    lines.trim().split('\n').toSorted(),
  );
  const [command, ...args] = whoami.aws;
  const { stdout, stderr } = await run(command, args, { ...env, ...variables });
  assert.match(stdout, /assumed-role/, stderr);
});
