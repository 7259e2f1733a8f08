// Live answers where AWS does not show what decides: never `allowed` as if it were certain, and an exit code of their own.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { IAM } from '@aws-sdk/client-iam';
import { Organizations } from '@aws-sdk/client-organizations';
import { documentOf, ids, LiveWorld, type Keys } from './live-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-unread-'));
const alone = join(folder, 'alone');
let world: LiveWorld;

before(async () => {
  mkdirSync(alone);
  world = await LiveWorld.start(folder);
});
after(async () => {
  await world.cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});

const iamOf = (account: string): IAM => new IAM(world.options(world.admin(account)));

/** The keys of a new user of an account that may do this. */
async function user(account: string, UserName: string, ...statements: readonly object[]): Promise<Keys> {
  const iam = iamOf(account);
  await iam.createUser({ UserName });
  await iam.putUserPolicy({ UserName, PolicyName: 'own', PolicyDocument: documentOf(...statements) });
  const { AccessKey } = await iam.createAccessKey({ UserName });
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

const plain = ['can', 'worker', 's3:GetObject', 'arn:aws:s3:::dev-plain/x', '--live'];
const guardrail = `a guard rail of account ${ids['dev']}`;

test('a member account that may not read guard rails gets no certain yes', async () => {
  const { stdout, stderr, code } = await world.stint(world.admin('dev'), plain, alone);
  assert.equal(code, 3);
  assert.equal(stdout.split('\n', 1)[0], `allowed, unless ${guardrail}, which is not known, denies it`);
  assert.match(stderr, /^warning\[guardrails-unread\] 222222222222: .*\(AccessDeniedException\).*\n {2}hint: .*doctor/);
  const told = JSON.parse((await world.stint(world.admin('dev'), [...plain, '--json'], alone)).stdout) as {
    answer: string;
    unreadOnly: boolean;
    unknownPolicies: readonly string[];
    findings: readonly { code: string }[];
  };
  assert.equal(told.answer, 'depends');
  assert.equal(told.unreadOnly, true);
  assert.deepEqual(told.unknownPolicies, [guardrail]);
  assert.deepEqual(
    told.findings.map(({ code: it }) => it),
    ['guardrails-unread'],
  );
});

test('what is denied anyway stays denied, without a word of what was not read', async () => {
  const closed = ['can', 'worker', 's3:GetObject', 'arn:aws:s3:::dev-closed/x', '--live'];
  const { stdout, stderr, code } = await world.stint(world.admin('dev'), closed, alone);
  assert.equal(code, 1);
  assert.match(stdout, /^denied by statement 1 of arn:aws:s3:::dev-closed /);
  assert.equal(stderr, '');
});

test('`who-can` ends with 3, and calls nobody certain', async () => {
  const args = ['who-can', 's3:GetObject', 'arn:aws:s3:::dev-plain/x', '--live'];
  const { stdout, stderr, code } = await world.stint(world.admin('dev'), args, alone);
  assert.equal(code, 3, stderr);
  assert.match(stdout, /^perhaps \d+ more, if .*which is not known, lets them: /);
  assert.match(stderr, /^warning\[guardrails-unread\]/);
});

test('a delegated administrator reads the guard rails from its own account', async () => {
  const client = new Organizations(world.options(world.admin('central')));
  const Statement = {
    Effect: 'Allow',
    Principal: { AWS: ids['dev'] },
    Action: ['organizations:List*', 'organizations:Describe*'],
    Resource: '*',
  };
  await client.putResourcePolicy({ Content: documentOf(Statement) });
  try {
    const { stdout, stderr, code } = await world.stint(world.admin('dev'), plain, alone);
    assert.equal(stderr, '');
    assert.match(stdout, /^allowed by statement 1 of own /);
    assert.equal(code, 0);
  } finally {
    await client.deleteResourcePolicy({});
  }
});

test('guard rails are read by entering the management account that the definition names', async () => {
  const hub = await user(
    'dev',
    'hub',
    { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' },
    {
      Effect: 'Allow',
      Action: ['iam:*', 's3:*', 'organizations:DescribeOrganization'],
      Resource: '*',
    },
  );
  const fromHub = documentOf({ Effect: 'Allow', Principal: { AWS: ids['dev'] }, Action: 'sts:AssumeRole' });
  const iam = iamOf('central');
  await iam.createRole({ RoleName: 'reader', AssumeRolePolicyDocument: fromHub });
  const file = join(folder, 'hub.json');
  const accounts = {
    central: { id: ids['central'], stage: 'central', central: true },
    dev: { id: ids['dev'], stage: 'dev' },
  };
  writeFileSync(file, JSON.stringify({ version: 1, executor: 'reader', accounts }));
  const args = ['can', 'dev/worker', 's3:DeleteObject', 'arn:aws:s3:::dev-plain/x', '--live', '--config', file];
  const refused = await world.stint(hub, args);
  assert.equal(refused.code, 3, refused.stdout + refused.stderr);
  const rights = { Effect: 'Allow', Action: ['organizations:List*', 'organizations:Describe*'], Resource: '*' };
  const PolicyDocument = documentOf(rights);
  await iam.putRolePolicy({ RoleName: 'reader', PolicyName: 'organization', PolicyDocument });
  const told = await world.stint(hub, args);
  assert.equal(told.code, 1, told.stderr);
  assert.match(told.stdout, /^denied by statement 1 of no-deletes \(service control policy on root\)/);
});

test('a bucket policy that may not be read makes a yes uncertain, and a file of it certain', async () => {
  const own = {
    Effect: 'Allow',
    Action: ['iam:Get*', 'iam:List*', 'sts:AssumeRole', 'organizations:*', 's3:ListAllMyBuckets'],
    Resource: '*',
  };
  const blind = await user('central', 'blind', own);
  const closed = ['can', 'central/worker', 's3:GetObject', 'arn:aws:s3:::central-plain/x', '--live'];
  const file = join(folder, 'central.json');
  const accounts = { central: { id: ids['central'], stage: 'central', central: true } };
  writeFileSync(file, JSON.stringify({ version: 1, accounts }));
  const open = await world.stint(blind, [...closed, '--config', file]);
  assert.equal(open.code, 3, open.stdout);
  assert.equal(
    open.stdout.split('\n', 1)[0],
    'allowed, unless policy of arn:aws:s3:::central-plain, which is not known, denies it',
  );
  assert.match(open.stderr, /^warning\[resource-policy-unread\]: .*arn:aws:s3:::central-plain .*\(AccessDenied\)/);
  const policy = join(folder, 'central-plain.json');
  const statement = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:ListBucket',
    Resource: 'arn:aws:s3:::central-plain',
  };
  writeFileSync(policy, documentOf(statement));
  const given = await world.stint(blind, [...closed, '--config', file, '--resource-policy', policy]);
  assert.equal(given.code, 0, given.stderr);
  assert.equal(given.stderr, '');
});

test('what is of an account that the definition does not name hangs on what nobody read', async () => {
  const file = join(folder, 'one.json');
  const accounts = { central: { id: ids['central'], stage: 'central', central: true } };
  writeFileSync(file, JSON.stringify({ version: 1, accounts }));
  const key = world.keyArn('prod-shared');
  const args = ['can', 'central/worker', 'kms:Decrypt', key, '--live', '--config', file];
  const { stdout, stderr, code } = await world.stint(world.admin('central'), args);
  assert.equal(code, 3);
  const [policy, grants] = [`policy of ${key}, which is not known,`, `grants of ${key}, which is not known,`];
  assert.equal(
    stdout.split('\n', 1)[0],
    `depends: allowed unless ${policy} denies it and if ${grants} allows it or if ${policy} allows it`,
  );
  assert.match(stderr, /^warning\[resource-policy-unread\]: .*not of the definition/);
});

test('a resource that is not there is told, and whether it could be used if it were', async () => {
  const gone = [
    ['s3:GetObject', 'arn:aws:s3:::nowhere-at-all/x', 0],
    ['dynamodb:GetItem', `arn:aws:dynamodb:us-east-1:${ids['dev']}:table/nothing`, 0],
    // Without a key's own word nothing is allowed, and nobody knows what it would say.
    ['kms:Decrypt', `arn:aws:kms:us-east-1:${ids['dev']}:alias/nothing`, 3],
    ['kms:Decrypt', `arn:aws:kms:us-east-1:${ids['dev']}:key/11111111-1111-1111-1111-111111111111`, 3],
  ] as const;
  for (const [action, arn, exit] of gone) {
    const args = ['can', 'dev/worker', action, arn, '--live'];
    const { stdout, stderr, code } = await world.stint(world.admin('central'), args);
    assert.match(stderr, /^warning\[resource-missing\]: AWS says that there is no arn:aws:.*\n {2}hint: .*\n$/);
    assert.equal(code, exit, stdout);
  }
});

test('`diff live` tells no gain that a guard rail of the organisation holds back, and says where it read none', async () => {
  const file = join(folder, 'more.json');
  const accounts = {
    central: { id: ids['central'], stage: 'central', central: true },
    dev: { id: ids['dev'], stage: 'dev' },
  };
  const Action = ['s3:DeleteObject', 's3:GetObject', 'kms:Encrypt', 'dynamodb:DeleteItem'];
  const statements = [{ Effect: 'Allow', Action, Resource: '*' }];
  const roles = { fresh: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], statements } };
  const text = { version: 1, accounts, roles, organization: 'o-stintlocal' };
  writeFileSync(file, JSON.stringify(text));
  const told = await world.stint(world.admin('central'), ['diff', 'live', file]);
  assert.equal(told.code, 3, told.stderr);
  assert.match(told.stdout, /s3:GetObject/);
  assert.doesNotMatch(told.stdout, /DeleteObject|Encrypt|DeleteItem/);
  assert.equal(told.stderr, '');
  const rights = ['iam:*', 'sts:AssumeRole', 'organizations:DescribeOrganization'];
  const blind = await user('central', 'blinder', { Effect: 'Allow', Action: rights, Resource: '*' });
  const unread = await world.stint(blind, ['diff', 'live', file]);
  assert.match(unread.stdout, /s3:DeleteObject/);
  assert.match(unread.stderr, /^warning\[guardrails-unread\] (?:central|dev): .*less may be gained/);
});
