import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { clientsOf } from './places.ts';
import {
  run,
  skipUnless,
  startCloudProcess,
  startServerProcess,
  stint,
  type Environment,
  type RunningCloud,
} from './support.ts';

const skip = skipUnless('python');

async function keysOfNobody(cloud: RunningCloud) {
  const { iam } = clientsOf(cloud);
  await iam.send(new CreateUserCommand({ UserName: 'nobody' }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'nobody' }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

async function story(part: string, env: Environment): Promise<Record<string, unknown>> {
  const done = await run('python', ['test/clients/story.py', part], env);
  assert.equal(done.code, 0, done.stderr);
  return JSON.parse(done.stdout) as Record<string, unknown>;
}

test('boto3: session tags, S3, durations, pages and the organisation', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  assert.deepEqual(await story('assume', cloud.admin('central')), {
    own: 'allowed',
    other: 'AccessDenied',
    body: 'v',
    too_long: 'ValidationError',
    documents_are_dicts: true,
    no_such_role: 'NoSuchEntity',
    pages: true,
    organization: 'o-stintlocal',
    accounts: ['111111111111', '222222222222', '333333333333', '444444444444'],
  });
});

test('boto3: users, groups, guard rails, a password policy and a first password', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  assert.deepEqual(await story('define', cloud.admin('central')), {
    weak_password: 'PasswordPolicyViolation',
    must_change: true,
    without_mfa: 'AccessDenied',
    own_devices: 'allowed',
    delete_conflict: 'DeleteConflict',
    malformed: 'MalformedPolicyDocument',
    users: ['Administrator', 'admin'],
  });
});

test(
  'boto3: an instance holds its profile, and a program on it has the role by the default chain',
  { skip },
  async (t) => {
    const cloud = await startCloudProcess(t);
    const dev = cloud.admin('dev');
    const { id, profile } = (await story('instance', dev)) as { id: string; profile: string };
    assert.equal(profile, 'arn:aws:iam::222222222222:instance-profile/test_profile');
    const exec = ['cloud', 'exec', '--credentials-file', cloud.credentialsFile, id, '--'];
    const done = await stint([...exec, 'python', 'test/clients/story.py', 'on_instance'], dev);
    assert.equal(done.code, 0, done.stderr);
    assert.deepEqual(JSON.parse(done.stdout), {
      arn: `arn:aws:sts::222222222222:assumed-role/app/${id}`,
      list: 'allowed',
      create: 'AccessDenied',
    });
  },
);

test('boto3: waiters, pages, transfers in parts and presigned addresses', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const { accessKeyId, secretAccessKey } = await keysOfNobody(cloud);
  const env = { ...cloud.admin('dev'), NOBODY: `${accessKeyId}:${secretAccessKey}` };
  const { code, stdout, stderr } = await run('python', ['test/clients/programs/boto_services.py'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    waiters: 'AccessDenied',
    paginators: {
      users: [3, 5],
      roles: [2, 5],
      details: true,
      objects: [3, 7],
      buckets: [1, 1],
      regions: true,
      refused: 'AccessDenied',
    },
    table: { query: [3, 6, 9, 12], scan: 30, filtered: 3, refused: 'AccessDeniedException' },
    transfer: { same: true, parts: '3', metadata: { a: 'b' }, copied: true, refused: 'AccessDenied' },
    presigned: {
      put: 200,
      get: [200, 'content'],
      'head with get': 403,
      changed: 403,
      nobody: 403,
      post: 204,
      'post too large': 400,
      posted: 'small',
      identity: true,
    },
  });
});

test('hvac: the AWS engine is configured, lends an IAM user, lists with LIST, and revokes', { skip }, async (t) => {
  const cloud = await startCloudProcess(t);
  const server = await startServerProcess(t, cloud);
  const seen = await story('lend', {
    ...cloud.admin('dev'),
    VAULT_ADDR: server.address,
    VAULT_TOKEN: server.rootToken,
  });
  const { misprint, no_roles: noRoles, ...rest } = seen as { misprint: string[]; no_roles: string[] };
  assert.match(misprint[0] ?? '', /arn:aws:iam::aws:policy\/AmazonS3FullAccess/);
  assert.deepEqual(noRoles, []);
  assert.deepEqual(rest, {
    authenticated: true,
    lease: { lease: '30m0s', lease_max: '30m0s' },
    roles: ['s3'],
    role: ['arn:aws:iam::aws:policy/AmazonS3FullAccess'],
    lease_duration: 1800,
    create_bucket: 'allowed',
    list_users: 'AccessDenied',
    lookup_is_same: true,
    user_after: 'NoSuchEntity',
    key_after: 'InvalidClientTokenId',
  });
});
