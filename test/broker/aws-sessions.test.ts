// What the AWS engine lends besides plain users and roles, against an AWS that refuses: federation
// and session tokens, policies of groups, choice of role ARNs, times, boundaries, paths and tags.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  AttachGroupPolicyCommand,
  CreateGroupCommand,
  CreateRoleCommand,
  GetUserCommand,
  ListRolesCommand,
  ListUsersCommand,
  PutGroupPolicyCommand,
  PutRolePolicyCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import { CreateBucketCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { account, configureAws, serverUser, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface World {
  readonly admin: IAMClient;
  readonly lentUsers: TestCloud['lentUsers'];
  readonly call: TestBroker['call'];
  /** Writes a role and asks for its credentials. */
  readonly lend: (role: object, ask?: object) => Promise<Reply>;
  /** Clients that act with lent credentials. */
  readonly with: (reply: Reply) => { readonly iam: IAMClient; readonly s3: S3Client; readonly sts: STSClient };
}

async function lendingWorld(t: TestContext): Promise<World> {
  const { cloud, admin, lentUsers } = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud);
  const { call } = broker;
  return {
    admin,
    lentUsers,
    call,
    lend: async (role, ask = {}) => {
      const written = await call('POST', '/v1/aws/roles/lent', { body: role });
      assert.equal(written.status, 204, JSON.stringify(written.body));
      return call('POST', '/v1/aws/creds/lent', { body: ask });
    },
    with: ({ body: { data } }) => {
      const sessionToken = data['session_token'] as string | null;
      const options = {
        endpoint: cloud.endpoint,
        region: 'us-east-1',
        credentials: {
          accessKeyId: data['access_key'] as string,
          secretAccessKey: data['secret_key'] as string,
          ...(sessionToken === null ? {} : { sessionToken }),
        },
      };
      const clients = {
        iam: new IAMClient(options),
        s3: new S3Client({ ...options, forcePathStyle: true }),
        sts: new STSClient(options),
      };
      t.after(() => Object.values(clients).forEach((client) => client.destroy()));
      return clients;
    },
  };
}

function allowing(...actions: readonly string[]): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
  });
}

const refused = { name: /^AccessDenied/ };

describe('a federation token', () => {
  test('may do what its role’s policy and its maker may, and nothing else', async (t) => {
    const world = await lendingWorld(t);
    const lent = await world.lend(
      { credential_type: 'federation_token', policy_document: allowing('s3:ListAllMyBuckets'), default_sts_ttl: 900 },
      {},
    );
    assert.equal(lent.status, 200, JSON.stringify(lent.body));
    assert.deepEqual([lent.body['renewable'], lent.body['lease_duration'], lent.body.data['ttl']], [false, 900, 900]);
    assert.deepEqual(Object.keys(lent.body.data).sort(), [
      'access_key',
      'secret_key',
      'security_token',
      'session_token',
      'ttl',
    ]);
    const { s3, sts } = world.with(lent);
    assert.match((await sts.send(new GetCallerIdentityCommand({}))).Arn!, /:federated-user\/vault-\d{10}-/);
    await s3.send(new ListBucketsCommand({}));
    await assert.rejects(() => s3.send(new CreateBucketCommand({ Bucket: 'not-for-it' })), refused);
  });

  test('joins the policies of the groups its role names', async (t) => {
    const world = await lendingWorld(t);
    await world.admin.send(new CreateGroupCommand({ GroupName: 'makers' }));
    const inline = { GroupName: 'makers', PolicyName: 'make', PolicyDocument: allowing('s3:CreateBucket') };
    await world.admin.send(new PutGroupPolicyCommand(inline));
    const lent = await world.lend({
      credential_type: 'federation_token',
      policy_document: allowing('s3:ListAllMyBuckets'),
      iam_groups: ['makers'],
    });
    const { s3 } = world.with(lent);
    await s3.send(new CreateBucketCommand({ Bucket: 'made-by-the-group' }));
    assert.equal((await s3.send(new ListBucketsCommand({}))).Buckets!.length, 1);
  });

  test('of a role without any policy is refused before AWS is asked, and leaves no lease', async (t) => {
    const world = await lendingWorld(t);
    const lent = await world.lend({ credential_type: 'federation_token' });
    assert.deepEqual(
      [lent.status, lent.body.errors],
      [400, ['must specify at least one of policy_arns or policy_document with federation_token credential_type']],
    );
    assert.deepEqual((await world.call('GET', '/v1/stint/leases')).body.data['leases'], []);
  });

  test('of a role whose group is missing says so, and leaves no lease', async (t) => {
    const world = await lendingWorld(t);
    const lent = await world.lend({ credential_type: 'federation_token', iam_groups: 'nobody' });
    assert.equal(lent.status, 400);
    assert.match(
      lent.body.errors[0]!,
      /^NoSuchEntity: The group with name nobody cannot be found\.\n\tstatus code: 404, request id: /,
    );
    assert.deepEqual((await world.call('GET', '/v1/stint/leases')).body.data['leases'], []);
  });
});

test('a session token is its maker for a while, but without MFA IAM refuses it', async (t) => {
  const world = await lendingWorld(t);
  const lent = await world.lend({ credential_type: 'session_token' }, { ttl: '15m' });
  assert.deepEqual([lent.status, lent.body['lease_duration'], lent.body['renewable']], [200, 900, false]);
  const { s3, sts, iam } = world.with(lent);
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, `arn:aws:iam::${account}:user/${serverUser}`);
  await s3.send(new CreateBucketCommand({ Bucket: 'made-by-the-session' }));
  await assert.rejects(() => iam.send(new ListUsersCommand({})), { name: 'InvalidClientTokenId' });
});

describe('an assumed role', () => {
  const arn = (name: string): string => `arn:aws:iam::${account}:role/${name}`;

  async function withRoles(t: TestContext): Promise<World> {
    const world = await lendingWorld(t);
    const principal = { AWS: `arn:aws:iam::${account}:root` };
    const AssumeRolePolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: ['sts:AssumeRole', 'sts:TagSession'], Principal: principal }],
    });
    for (const RoleName of ['one', 'two']) {
      await world.admin.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
      const PolicyDocument = allowing('iam:ListUsers', 'iam:ListRoles', 's3:ListAllMyBuckets');
      await world.admin.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'read', PolicyDocument }));
    }
    return world;
  }

  test('is narrowed by its role’s document and by both kinds of policies of its groups', async (t) => {
    const world = await withRoles(t);
    await world.admin.send(new CreateGroupCommand({ GroupName: 'listers' }));
    const inline = { GroupName: 'listers', PolicyName: 'list', PolicyDocument: allowing('iam:ListRoles') };
    await world.admin.send(new PutGroupPolicyCommand(inline));
    const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
    await world.admin.send(new AttachGroupPolicyCommand({ GroupName: 'listers', PolicyArn }));
    const lent = await world.lend({ credential_type: 'assumed_role', role_arns: arn('one'), iam_groups: 'listers' });
    assert.equal(lent.status, 200, JSON.stringify(lent.body));
    const { iam, s3 } = world.with(lent);
    await iam.send(new ListRolesCommand({}));
    await s3.send(new ListBucketsCommand({}));
    await assert.rejects(() => iam.send(new ListUsersCommand({})), refused);
  });

  test('is the one asked for among several, the only one when nothing is asked, and no other', async (t) => {
    const world = await withRoles(t);
    const several = { credential_type: 'assumed_role', role_arns: [arn('one'), arn('two')] };
    const second = await world.lend(several, { role_arn: arn('two') });
    assert.match(String(second.body.data['arn']), /:assumed-role\/two\//);
    const unsaid = await world.lend(several);
    assert.deepEqual(
      [unsaid.status, unsaid.body.errors[0]],
      [400, 'did not supply a role_arn parameter and unable to determine one'],
    );
    const wrongCase = await world.lend(several, { role_arn: arn('TWO') });
    assert.equal(wrongCase.status, 400);
    const only = await world.lend({ ...several, role_arns: arn('one') }, { role_arn: '' });
    assert.match(String(only.body.data['arn']), /:assumed-role\/one\//);
  });

  test('lives as long as is asked, else as its role says, and never above the longest', async (t) => {
    const world = await withRoles(t);
    const role = { credential_type: 'assumed_role', role_arns: arn('one'), default_sts_ttl: 900, max_sts_ttl: '30m' };
    const seconds = async (ask: object): Promise<unknown> => (await world.lend(role, ask)).body['lease_duration'];
    assert.equal(await seconds({}), 900);
    assert.equal(await seconds({ ttl: '20m' }), 1200);
    assert.equal(await seconds({ ttl: '12h' }), 1800);
    assert.equal((await world.lend(role, { ttl: 1000.9 })).status, 400);
    const short = await world.lend(role, { ttl: 60 });
    assert.equal(short.status, 400);
    assert.match(short.body.errors[0]!, /^Error assuming role: Validation/);
  });

  test('carries its role’s session tags', async (t) => {
    const world = await withRoles(t);
    const tagged = { credential_type: 'assumed_role', role_arns: arn('two'), session_tags: { team: 'red' } };
    assert.equal((await world.lend(tagged)).status, 200);
    const untrusted = { ...tagged, session_tags: { 'aws:team': 'red' } };
    assert.match((await world.lend(untrusted)).body.errors[0]!, /^Error assuming role: /);
  });
});

describe('an IAM user', () => {
  test('cannot do what its boundary does not allow, whatever its policies say', async (t) => {
    const world = await lendingWorld(t);
    const lent = await world.lend({
      credential_type: 'iam_user',
      policy_document: allowing('*'),
      permissions_boundary_arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
    });
    const { iam, s3 } = world.with(lent);
    await s3.send(new ListBucketsCommand({}));
    await assert.rejects(() => s3.send(new CreateBucketCommand({ Bucket: 'beyond-the-boundary' })), refused);
    await assert.rejects(() => iam.send(new ListUsersCommand({})), refused);
  });

  test('has the path and the tags of its role from its first moment, and the groups’ rights', async (t) => {
    const world = await lendingWorld(t);
    await world.admin.send(new CreateGroupCommand({ GroupName: 'readers' }));
    const inline = { GroupName: 'readers', PolicyName: 'read', PolicyDocument: allowing('iam:ListUsers') };
    await world.admin.send(new PutGroupPolicyCommand(inline));
    const lent = await world.lend({
      credential_type: 'iam_user',
      user_path: '/lent/by/stint/',
      iam_tags: ['team=red', 'cost=7'],
      iam_groups: 'readers',
    });
    const [UserName] = await world.lentUsers();
    const { User } = await world.admin.send(new GetUserCommand({ UserName: UserName! }));
    assert.equal(User!.Path, '/lent/by/stint/');
    const tags = Object.fromEntries(User!.Tags!.map(({ Key, Value }) => [Key, Value]));
    const { 'stint:mount': mount, ...others } = tags;
    assert.deepEqual(others, { team: 'red', cost: '7', 'stint:lease': lent.body['lease_id'] });
    assert.equal(mount, (await world.call('GET', '/v1/sys/mounts/aws')).body.data['uuid']);
    const { iam } = world.with(lent);
    await iam.send(new ListUsersCommand({}));
    await assert.rejects(() => iam.send(new ListRolesCommand({})), refused);
    await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: lent.body['lease_id'] } });
    assert.deepEqual(await world.lentUsers(), []);
  });
});

test('a field that creds does not know is told in a warning, as Vault tells it', async (t) => {
  const world = await lendingWorld(t);
  const lent = await world.lend({ credential_type: 'session_token' }, { region: 'eu-west-1' });
  assert.deepEqual(lent.body['warnings'], ['Endpoint ignored these unrecognized parameters: [region]']);
});
