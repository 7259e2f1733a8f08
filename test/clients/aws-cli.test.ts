import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { clientsOf, execIn, makePlaces } from './places.ts';
import { run, skipUnless, startCloudProcess, temporaryFolder, type Environment, type Finished } from './support.ts';

const skip = skipUnless('aws');

function aws(env: Environment, ...args: readonly string[]): Promise<Finished> {
  return run('aws', args, env);
}

async function json<Answer>(env: Environment, ...args: readonly string[]): Promise<Answer> {
  const done = await aws(env, ...args, '--output', 'json');
  assert.equal(done.code, 0, `aws ${args.join(' ')}: ${done.stderr}`);
  return JSON.parse(done.stdout === '' ? '{}' : done.stdout) as Answer;
}

function trusting(account: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
  });
}

const allow = (action: string, resource: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: resource }] });

/** What is not the matter is made in this process: each call of the AWS CLI takes a second. */
async function person(t: TestContext) {
  const cloud = await startCloudProcess(t);
  const { iam } = clientsOf(cloud, '111111111111');
  await iam.send(new CreateUserCommand({ UserName: 'alice' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }));
  const alice = cloud.as({ accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! });
  return { cloud, central: cloud.admin('central'), alice };
}

test(
  'AWS CLI: a role of another account is assumed, does what it may, and is refused the rest',
  { skip },
  async (t) => {
    const { cloud, central, alice } = await person(t);
    const dev = cloud.admin('dev');
    const role = 'arn:aws:iam::222222222222:role/test_role';
    await json(
      dev,
      'iam',
      'create-role',
      '--role-name',
      'test_role',
      '--assume-role-policy-document',
      trusting('111111111111'),
    );
    const inline = [
      '--role-name',
      'test_role',
      '--policy-name',
      'list',
      '--policy-document',
      allow('s3:ListAllMyBuckets', '*'),
    ];
    await json(dev, 'iam', 'put-role-policy', ...inline);
    await json(dev, 's3api', 'create-bucket', '--bucket', 'dev-artifacts');

    const assume = ['sts', 'assume-role', '--role-arn', role, '--role-session-name', 'alice'];
    const early = await aws(alice, ...assume);
    assert.notEqual(early.code, 0);
    assert.match(
      early.stderr,
      /AccessDenied.*user\/alice is not authorized to perform: sts:AssumeRole on resource: .*test_role/,
    );

    const may = ['--user-name', 'alice', '--policy-name', 'become', '--policy-document', allow('sts:AssumeRole', role)];
    await json(central, 'iam', 'put-user-policy', ...may);
    const { Credentials } = await json<{
      Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string; Expiration: string };
    }>(alice, ...assume);
    const session = cloud.as({
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    });
    const identity = await json<{ Arn: string; Account: string }>(session, 'sts', 'get-caller-identity');
    assert.equal(identity.Arn, 'arn:aws:sts::222222222222:assumed-role/test_role/alice');
    const listed = await aws(session, 's3', 'ls');
    assert.match(listed.stdout, /dev-artifacts/);
    const refused = await aws(session, 's3', 'mb', 's3://not-for-alice');
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /AccessDenied/);

    await cloud.advance('61m');
    const expired = await aws(session, 'sts', 'get-caller-identity');
    assert.match(expired.stderr, /ExpiredToken/);
  },
);

test('AWS CLI: unknown keys, wrong secrets and inactive keys are refused with AWS’s codes', { skip }, async (t) => {
  const { cloud, central, alice } = await person(t);
  const id = alice['AWS_ACCESS_KEY_ID'] ?? '';
  const codes: [Record<string, string>, RegExp, string[]][] = [
    [
      cloud.as({ accessKeyId: 'AKIAQQQQQQQQQQQQQQQQ', secretAccessKey: 'x' }),
      /InvalidClientTokenId/,
      ['sts', 'get-caller-identity'],
    ],
    [cloud.as({ accessKeyId: id, secretAccessKey: 'wrong' }), /SignatureDoesNotMatch/, ['iam', 'list-users']],
    [
      cloud.as({ accessKeyId: 'AKIAQQQQQQQQQQQQQQQQ', secretAccessKey: 'x' }),
      /InvalidAccessKeyId/,
      ['s3api', 'list-buckets'],
    ],
    [cloud.as({ accessKeyId: 'AKIAQQQQQQQQQQQQQQQQ', secretAccessKey: 'x' }), /AuthFailure/, ['ec2', 'describe-vpcs']],
  ];
  for (const [env, code, args] of codes) {
    const done = await aws(env, ...args);
    assert.notEqual(done.code, 0);
    assert.match(done.stderr, code);
  }
  await json(
    central,
    'iam',
    'update-access-key',
    '--user-name',
    'alice',
    '--access-key-id',
    id,
    '--status',
    'Inactive',
  );
  assert.match((await aws(alice, 'sts', 'get-caller-identity')).stderr, /InvalidClientTokenId/);
});

test('AWS CLI: groups, managed policies, versions and the password policy', { skip }, async (t) => {
  const { cloud, central, alice } = await person(t);
  await json(central, 'iam', 'create-group', '--group-name', 'readers');
  await json(central, 'iam', 'add-user-to-group', '--group-name', 'readers', '--user-name', 'alice');
  assert.match(
    (await aws(alice, 'iam', 'list-users')).stderr,
    /AccessDenied.*iam:ListUsers.*no identity-based policy allows/s,
  );
  const attach = ['--group-name', 'readers', '--policy-arn', 'arn:aws:iam::aws:policy/IAMReadOnlyAccess'];
  await json(central, 'iam', 'attach-group-policy', ...attach);
  const { Users } = await json<{ Users: { UserName: string }[] }>(alice, 'iam', 'list-users');
  assert.ok(Users.some(({ UserName }) => UserName === 'alice'));
  const noList = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 'iam:ListUsers', Resource: '*' }],
  });
  const create = ['--policy-name', 'no-list', '--policy-document', noList];
  const { Policy } = await json<{ Policy: { Arn: string } }>(central, 'iam', 'create-policy', ...create);
  await json(central, 'iam', 'attach-user-policy', '--user-name', 'alice', '--policy-arn', Policy.Arn);
  assert.match((await aws(alice, 'iam', 'list-users')).stderr, /explicit deny in an identity-based policy/);
  const version = [
    '--policy-arn',
    Policy.Arn,
    '--policy-document',
    allow('s3:ListAllMyBuckets', '*'),
    '--set-as-default',
  ];
  await json(central, 'iam', 'create-policy-version', ...version);
  assert.equal((await aws(alice, 'iam', 'list-users')).code, 0);
  await json(central, 'iam', 'update-account-password-policy', '--minimum-password-length', '10', '--require-symbols');
  const weak = await aws(central, 'iam', 'create-login-profile', '--user-name', 'alice', '--password', 'short');
  assert.match(weak.stderr, /PasswordPolicyViolation/);
  const details = await json<{ UserDetailList: unknown[] }>(
    cloud.admin('central'),
    'iam',
    'get-account-authorization-details',
  );
  assert.ok(details.UserDetailList.length >= 2);
});

test(
  'AWS CLI on an instance gets the role by its default chain, and loses what the role loses',
  { skip },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const dev = cloud.admin('dev');
    const { instanceId: id } = await makePlaces(cloud);
    const on = (...args: string[]): Promise<Finished> => execIn(cloud, id, ['aws', ...args]);
    const identity = await on('sts', 'get-caller-identity', '--query', 'Arn', '--output', 'text');
    assert.equal(identity.stdout.trim(), `arn:aws:sts::222222222222:assumed-role/app/${id}`, identity.stderr);
    assert.equal((await on('s3', 'ls')).code, 0);
    await json(dev, 'iam', 'delete-role-policy', '--role-name', 'app', '--policy-name', 'list');
    assert.match((await on('s3', 'ls')).stderr, /AccessDenied/);
  },
);

test('AWS CLI: objects go in and out whole, by s3 cp and by a presigned address', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const dev = cloud.admin('dev');
  const folder = temporaryFolder(t);
  const content = 'a line\n'.repeat(50_000);
  writeFileSync(join(folder, 'in'), content);
  await json(dev, 's3api', 'create-bucket', '--bucket', 'stored');
  assert.equal((await aws(dev, 's3', 'cp', join(folder, 'in'), 's3://stored/a b/ü.txt')).code, 0);
  const out = await aws(dev, 's3', 'cp', 's3://stored/a b/ü.txt', '-');
  assert.equal(out.stdout, content);
  // The first version of the CLI presigns with version 2 of signatures in us-east-1, unless told.
  const config = join(folder, 'config');
  writeFileSync(config, '[default]\ns3 =\n  signature_version = s3v4\n');
  for (const [env, signature] of [
    [dev, /Signature=[^&]{8}/],
    [{ ...dev, AWS_CONFIG_FILE: config }, /X-Amz-Signature=.{8}/],
  ] as const) {
    const { stdout } = await aws(env, 's3', 'presign', 's3://stored/a b/ü.txt');
    const address = stdout.trim();
    assert.equal(await (await fetch(address)).text(), content);
    const forged = address.replace(signature, (found) => `${found.slice(0, -8)}00000000`);
    assert.equal((await fetch(forged)).status, 403);
  }
});
