// `can`, `who-can`, `diff` and `explain` as people type them; what `can` answers is tried by a real call.
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DynamoDBClient, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  IAMClient,
  ListGroupsCommand,
  ListRolesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { ListKeysCommand, KMSClient } from '@aws-sdk/client-kms';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

const folder = mkdtempSync(join(tmpdir(), 'stint-questions-'));
const definition = join(folder, 'stint.config.yaml');
const source = new URL('../cases/access/questions.yaml', import.meta.url).pathname;
let cloud: Cloud;
let principals: Readonly<Record<string, Keys>>;

const admin = (account: string): Keys => cloud.credentials.accounts[account]!;

function stint(...args: readonly string[]): Promise<Finished> {
  const { accessKeyId, secretAccessKey } = admin('111111111111');
  const env = {
    PATH: process.env['PATH'],
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return runStint(args, { cwd: folder, env });
}

const options = (keys: Keys) => ({
  endpoint: cloud.endpoint,
  region: 'us-east-1',
  maxAttempts: 1,
  credentials: {
    accessKeyId: keys.accessKeyId,
    secretAccessKey: keys.secretAccessKey,
    ...(keys.sessionToken === undefined ? {} : { sessionToken: keys.sessionToken }),
  },
});

const roleArn = (name: string): string => `arn:aws:iam::222222222222:role/${name}`;

async function sessionOf(keys: Keys, role: string): Promise<Keys> {
  const { Credentials } = await new STSClient(options(keys)).send(
    new AssumeRoleCommand({ RoleArn: roleArn(role), RoleSessionName: 'test' }),
  );
  return {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken,
  };
}

async function keysOf(user: string): Promise<Keys> {
  const { AccessKey } = await new IAMClient(options(admin('111111111111'))).send(
    new CreateAccessKeyCommand({ UserName: user }),
  );
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

before(async () => {
  cloud = await startCloud();
  copyFileSync(source, definition);
  const applied = await stint('apply', '--yes');
  assert.equal(applied.code, 0, applied.stderr);
  const alice = await keysOf('alice');
  principals = {
    alice,
    bob: await keysOf('bob'),
    'dev/reader': await sessionOf(alice, 'reader'),
    'dev/fenced': await sessionOf(alice, 'fenced'),
  };
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const calls: Readonly<Record<string, readonly [resource: string, (keys: Keys) => Promise<unknown>]>> = {
  'iam:ListUsers': ['*', (keys) => new IAMClient(options(keys)).send(new ListUsersCommand())],
  'iam:ListRoles': ['*', (keys) => new IAMClient(options(keys)).send(new ListRolesCommand())],
  'iam:ListGroups': ['*', (keys) => new IAMClient(options(keys)).send(new ListGroupsCommand())],
  'iam:CreateUser': [
    '*',
    (keys) => new IAMClient(options(keys)).send(new CreateUserCommand({ UserName: `made-${keys.accessKeyId}` })),
  ],
  's3:ListAllMyBuckets': [
    '*',
    (keys) => new S3Client({ ...options(keys), forcePathStyle: true }).send(new ListBucketsCommand()),
  ],
  'ec2:DescribeInstances': ['*', (keys) => new EC2Client(options(keys)).send(new DescribeInstancesCommand())],
  'dynamodb:ListTables': ['*', (keys) => new DynamoDBClient(options(keys)).send(new ListTablesCommand())],
  'kms:ListKeys': ['*', (keys) => new KMSClient(options(keys)).send(new ListKeysCommand())],
  'sts:AssumeRole reader': [roleArn('reader'), (keys) => sessionOf(keys, 'reader')],
  'sts:AssumeRole strict': [roleArn('strict'), (keys) => sessionOf(keys, 'strict')],
  'sts:AssumeRole fenced': [roleArn('fenced'), (keys) => sessionOf(keys, 'fenced')],
};

const refusals = ['AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation'];

async function isAllowed(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    assert.ok(error instanceof Error && refusals.includes(error.name), String(error));
    return false;
  }
}

test('what `can` answers, of the definition and of live accounts, is what AWS does', async () => {
  const seen = { allowed: 0, denied: 0 };
  for (const [principal, keys] of Object.entries(principals)) {
    for (const [name, [resource, call]] of Object.entries(calls)) {
      const action = name.split(' ', 1)[0]!;
      // Reading the accounts again for each would only take time.
      const of = action === 'iam:ListUsers' || action === 'iam:ListGroups' ? ['--live'] : [];
      const absent = ['--without', 'aws:MultiFactorAuthPresent'];
      const asked = await stint('can', principal, action, resource, '--json', ...of, ...absent);
      const { answer } = JSON.parse(asked.stdout) as { answer: 'allowed' | 'denied' };
      const allowed = await isAllowed(call(keys));
      assert.equal(answer, allowed ? 'allowed' : 'denied', `${principal} ${name}: ${asked.stdout}`);
      assert.equal(asked.code, allowed ? 0 : 1);
      seen[answer] += 1;
    }
  }
  assert.ok(seen.allowed > 10 && seen.denied > 10, JSON.stringify(seen));
});

test('`can` says what an answer depends on, and takes it', async () => {
  const strict = ['can', 'alice', 'sts:AssumeRole', roleArn('strict')];
  const open = await stint(...strict);
  assert.equal(open.code, 1);
  assert.match(
    open.stdout,
    /^depends: allowed with MFA of the last 8h\n {2}tell it with --context aws:MultiFactorAuthPresent=… --context aws:MultiFactorAuthAge=…\n/,
  );
  const mfa = ['--context', 'aws:MultiFactorAuthPresent=true', '--context', 'aws:MultiFactorAuthAge=60'];
  const told = await stint(...strict, ...mfa);
  assert.equal(told.code, 0);
  assert.match(told.stdout, /^allowed by statement 1 of stint-assume \(identity-based policy/);
});

test('`can` refuses a misspelt action, principal, resource and context with a cure', async () => {
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [
      ['alice', 'sts:AssumRole', '*'],
      2,
      /error\[value-invalid\]: there is no action `sts:AssumRole`\nhint: did you mean `sts:AssumeRole`\?/,
    ],
    [['alice', 's3:*', '*'], 2, /error\[value-invalid\]: `s3:\*` is no action/],
    [['alise', 's3:GetObject', '*'], 1, /error\[principal-unknown\]: .*\nhint: did you mean `alice`\?/],
    [['alice', 's3:GetObject', 'bucket/x'], 2, /error\[value-invalid\]: the resource `bucket\/x` is no ARN/],
    [
      ['alice', 's3:GetObject', '*', '--context', 'nonsense'],
      2,
      /error\[value-invalid\]: `nonsense` gives no key a value/,
    ],
  ];
  for (const [args, code, said] of cases) {
    const { code: got, stderr } = await stint('can', ...args);
    assert.match(stderr, said);
    assert.equal(got, code, stderr);
  }
});

test('`who-can` tells everybody with the way, and ends with 1 for nobody', async () => {
  const users = await stint('who-can', 'ec2:DescribeInstances', '*', '--context', 'aws:RequestedRegion=us-east-1');
  assert.equal(users.code, 0, users.stderr);
  assert.deepEqual(users.stdout.trimEnd().split('\n').toSorted(), [
    'role arn:aws:iam::222222222222:role/reader',
    'role arn:aws:iam::222222222222:role/strict',
    'user arn:aws:iam::111111111111:user/alice  through 222222222222:reader',
  ]);
  const nobody = await stint('who-can', 'iam:CreateUser', '*');
  assert.equal(nobody.code, 1);
  assert.equal(nobody.stdout, '');
  assert.match(nobody.stderr, /nobody may iam:CreateUser on \*/);
});

test('`diff` of policy files: 3 when access is gained, 0 when it is not, a place when a file is broken', async () => {
  const write = (name: string, statement: object): string => {
    writeFileSync(join(folder, name), JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2));
    return name;
  };
  const narrow = write('narrow.json', { Effect: 'Allow', Action: 's3:PutObject', Resource: '*' });
  const wide = write('wide.json', { Effect: 'Allow', Action: ['s3:PutObject', 'iam:PassRole'], Resource: '*' });
  const broken = write('broken.json', { Effect: 'Allow', Actions: 's3:PutObject', Resource: '*' });
  const gained = await stint('diff', narrow, wide);
  assert.equal(gained.code, 3);
  assert.equal(gained.stdout, '  role policy in files\n    + permission management  iam:PassRole\n');
  const lost = await stint('diff', wide, narrow);
  assert.equal(lost.code, 0);
  assert.match(lost.stdout, /- permission management {2}iam:PassRole/);
  assert.equal((await stint('diff', wide, wide)).stdout, 'No change of access.\n');
  const refused = await stint('diff', narrow, broken);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /error\[policy-file-invalid\]: .*broken\.json:6:7: there is no element `Actions` here\nhint: /,
  );
  const trial = await stint('can', 'ci', 'iam:PassRole', roleArn('reader'), '--policy', wide);
  assert.equal(trial.code, 0, trial.stdout + trial.stderr);
});

test('`diff` of definitions and of live accounts, and `plan`, tell the same change', async () => {
  const changed = join(folder, 'changed.yaml');
  const text = readFileSync(source, 'utf8').replace(
    'trust: [{ group: developers }], managed: [ReadOnlyAccess]',
    'trust: [{ group: developers }], managed: [ReadOnlyAccess, IAMFullAccess]',
  );
  writeFileSync(changed, text);
  const lines = '  role strict in dev\n    + permission management  iam:* (';
  const defined = await stint('diff', source, changed, '--json');
  assert.equal(defined.code, 3, defined.stderr);
  const { gain, changes } = JSON.parse(defined.stdout) as {
    gain: boolean;
    changes: readonly { principals: object[]; gains: { kind: string; count: number }[] }[];
  };
  assert.equal(gain, true);
  assert.deepEqual(changes[0]!.principals, [
    { kind: 'role', name: 'strict', arn: roleArn('strict'), account: 'dev', state: 'changed' },
  ]);
  const live = await stint('diff', 'live', changed);
  assert.equal(live.code, 3);
  assert.ok(live.stdout.startsWith(lines), live.stdout);
  const plan = await stint('plan', '--config', changed);
  assert.ok(plan.stdout.includes(live.stdout), plan.stdout);
  const planned = JSON.parse((await stint('plan', '--config', changed, '--json')).stdout) as {
    permissions: { changes: unknown[] };
  };
  assert.deepEqual(planned.permissions.changes, changes);
  assert.equal((await stint('diff', source, source)).code, 0);
});

test('`explain` tells of a change, a finding and an error, and suggests the nearest id', async () => {
  const changed = join(folder, 'changed.yaml');
  const change = await stint('explain', 'dev/role/strict', '--config', changed);
  assert.equal(change.code, 0, change.stderr);
  assert.match(change.stdout, /~ role strict\n[^]*calls\n {6}attachRolePolicy\n {2}access\n {2}role strict in dev\n/);
  assert.match((await stint('explain', 'plan-moved')).stdout, /^error\[plan-moved\]: AWS changed/);
  assert.match((await stint('explain', 'data-exposure')).stdout, /^suggestion\[data-exposure\]: .*\ncure: /);
  const unknown = await stint('explain', 'plan-moves');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /hint: did you mean `plan-moved`\?/);
});
