// The least policy of the server's key is enough for each feature, and without any one of its rights the
// feature does not work.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import * as Iam from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { features, keyPolicy, widestScope, type FeatureName } from '../../src/broker/engines/aws/rights.ts';
import { codeAt, stepOf } from '../../src/cloud/services/iam/totp.ts';
import { parsePolicy, policyLimits, policySize } from '../../src/policy/index.ts';
import { certificateOf, sshPublicKey } from '../cloud/iam/certificates.ts';
import { account, configureAws, leasesOf, rootConfig, testCloud, type TestCloud } from './aws-support.ts';
import { signedIdentity } from './signed-identity.ts';
import { testBroker, type TestBroker } from './support.ts';

const limited = 'limited-server';
const other = '333333333333';
const role = (name: string, of = account): string => `arn:aws:iam::${of}:role/${name}`;
const allowing = (Action: string | string[], Principal?: object): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action, ...(Principal === undefined ? { Resource: '*' } : { Principal }) }],
  });

interface World extends TestCloud {
  readonly call: TestBroker['call'];
  readonly broker: TestBroker;
  /** Writes a role of the engine and lends by it; the lease id, or undefined when that was refused. */
  readonly lend: (body: object) => Promise<string | undefined>;
  /** Revokes and says whether AWS had been cleaned up and refuses what was lent. */
  readonly ends: (leaseId: string) => Promise<boolean>;
  /** The configuration with the server's key. */
  readonly own: object;
  /** Gives the server's key exactly this policy. */
  readonly limitTo: (policy: object) => Promise<void>;
}

async function limitedWorld(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  const { call } = broker;
  const { admin } = cloud;
  await configureAws(broker, cloud.cloud);
  await admin.send(new Iam.CreateUserCommand({ UserName: limited }));
  await admin.send(new Iam.CreateGroupCommand({ GroupName: 'readers' }));
  await admin.send(new Iam.CreateGroupCommand({ GroupName: 'others' }));
  const inline = { GroupName: 'readers', PolicyName: 'read', PolicyDocument: allowing('s3:ListAllMyBuckets') };
  await admin.send(new Iam.PutGroupPolicyCommand(inline));
  const { AccessKey } = await admin.send(new Iam.CreateAccessKeyCommand({ UserName: limited }));
  const own = { access_key: AccessKey!.AccessKeyId!, secret_key: AccessKey!.SecretAccessKey! };
  await call('POST', '/v1/aws/config/root', { body: { ...rootConfig(cloud.cloud), ...own } });
  return {
    ...cloud,
    call,
    broker,
    own: { ...rootConfig(cloud.cloud), ...own },
    lend: async (body) => {
      await call('DELETE', '/v1/aws/roles/lent');
      const written = await call('POST', '/v1/aws/roles/lent', { body });
      assert.equal(written.status, 204, JSON.stringify(written.body));
      const lent = await call('GET', '/v1/aws/creds/lent');
      return lent.status === 200 ? String(lent.body['lease_id']) : undefined;
    },
    ends: async (leaseId) => {
      await call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: leaseId } });
      return (await leasesOf(broker)).find(({ id }) => id === leaseId)?.state === 'dead';
    },
    limitTo: async (policy) => {
      const PolicyDocument = JSON.stringify(policy);
      await admin.send(new Iam.PutUserPolicyCommand({ UserName: limited, PolicyName: 'rights', PolicyDocument }));
    },
  };
}

/** `meddle` is done to the lent user before its end. */
async function lendAndEnd(
  { lend, ends, lentUsers }: World,
  body: object,
  meddle: (user: string) => Promise<void> = async () => {},
): Promise<boolean> {
  const before = await lentUsers();
  const leaseId = await lend(body);
  for (const user of await lentUsers()) if (!before.includes(user)) await meddle(user);
  return leaseId !== undefined && ends(leaseId);
}

const everything = {
  credential_type: 'iam_user',
  policy_document: allowing('s3:ListAllMyBuckets'),
  policy_arns: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
  iam_groups: 'readers',
};

/** Makes the role `name` in AWS, to be assumed from the mount's account, unless it is there. */
async function withTarget({ admin }: World, name: string, ...more: Iam.PutRolePolicyCommandInput[]): Promise<void> {
  const trust = allowing(['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'], { AWS: account });
  const make = new Iam.CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust });
  await admin.send(make).catch((error: unknown) => assert.equal((error as Error).name, 'EntityAlreadyExistsException'));
  for (const policy of more) await admin.send(new Iam.PutRolePolicyCommand(policy));
}

async function giveCredentials({ admin, cloud }: World, UserName: string): Promise<void> {
  const made = await admin.send(new Iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: UserName }));
  const SerialNumber = made.VirtualMFADevice!.SerialNumber!;
  const seed = Buffer.from(made.VirtualMFADevice!.Base32StringSeed!).toString();
  cloud.clock.freeze(true);
  const step = stepOf(cloud.clock.now());
  const [AuthenticationCode1, AuthenticationCode2] = [codeAt(seed, step - 2), codeAt(seed, step - 1)];
  const SSHPublicKeyBody = sshPublicKey();
  const CertificateBody = certificateOf({ name: UserName, key: 'ec' }).pem;
  await admin.send(
    new Iam.EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
  );
  await admin.send(new Iam.CreateLoginProfileCommand({ UserName, Password: 'Correct-horse-battery-1' }));
  await admin.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody }));
  await admin.send(new Iam.UploadSigningCertificateCommand({ UserName, CertificateBody }));
  await admin.send(
    new Iam.CreateServiceSpecificCredentialCommand({ UserName, ServiceName: 'codecommit.amazonaws.com' }),
  );
}

/** Roles that leave room for a few marks only: the others of 20 sessions at once are told so. */
async function endsSomeOfMany(world: World): Promise<boolean> {
  const filler = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 's3:PutObject', Resource: `arn:aws:s3:::${'x'.repeat(9850)}/*` }],
  });
  await withTarget(world, 'full', { RoleName: 'full', PolicyName: 'filler', PolicyDocument: filler });
  const denied = { credential_type: 'assumed_role', role_arns: role('full'), revoke_strength: 'denies' };
  if ((await world.lend(denied)) === undefined) return false;
  const lent = await Promise.all(Array.from({ length: 20 }, () => world.call('GET', '/v1/aws/creds/lent')));
  const ended = await Promise.all(lent.map(({ body }) => world.ends(String(body['lease_id']))));
  assert.equal(ended.every(Boolean), false);
  return ended.some(Boolean);
}

/** What each feature is for, done once: true when all of it worked. `with`: features it builds on. */
const works: Readonly<
  Record<FeatureName, { with?: readonly FeatureName[]; does: (world: World) => Promise<boolean> }>
> = {
  iam_user: {
    // Once as it was lent, and once with more than it was lent with, which has to be looked for.
    does: async (world) =>
      (await lendAndEnd(world, everything)) &&
      lendAndEnd(world, everything, async (UserName) => {
        const PolicyDocument = allowing('s3:ListAllMyBuckets');
        const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
        await world.admin.send(new Iam.CreateAccessKeyCommand({ UserName }));
        await world.admin.send(new Iam.PutUserPolicyCommand({ UserName, PolicyName: 'more', PolicyDocument }));
        await world.admin.send(new Iam.AttachUserPolicyCommand({ UserName, PolicyArn }));
        await world.admin.send(new Iam.AddUserToGroupCommand({ UserName, GroupName: 'others' }));
      }),
  },
  'user-cleanup': {
    with: ['iam_user'],
    does: async (world) => {
      const before = await world.lentUsers();
      const leaseId = await world.lend(everything);
      const [user] = (await world.lentUsers()).filter((name) => !before.includes(name));
      await giveCredentials(world, user!);
      const ended = await world.ends(leaseId!);
      const { VirtualMFADevices = [] } = await world.admin.send(new Iam.ListVirtualMFADevicesCommand({}));
      return ended && VirtualMFADevices.every(({ SerialNumber }) => !SerialNumber!.endsWith(user!));
    },
  },
  assumed_role: {
    does: async (world) => {
      await withTarget(world, 'target');
      const tagged = { credential_type: 'assumed_role', role_arns: role('target'), session_tags: { team: 'red' } };
      return (await world.lend(tagged)) !== undefined;
    },
  },
  denies: {
    with: ['assumed_role'],
    does: async (world) => {
      await withTarget(world, 'target');
      // So that what was known of the role a moment ago is asked again.
      world.broker.clock.advance(11 * 60_000);
      const denied = { credential_type: 'assumed_role', role_arns: role('target'), revoke_strength: 'denies' };
      if (!(await lendAndEnd(world, denied))) return false;
      const { PolicyNames: names = [] } = await world.admin.send(
        new Iam.ListRolePoliciesCommand({ RoleName: 'target' }),
      );
      const read = { RoleName: 'target', PolicyName: names[0]! };
      const { PolicyDocument } = await world.admin.send(new Iam.GetRolePolicyCommand(read));
      return decodeURIComponent(PolicyDocument!).includes('aws:SourceIdentity') && endsSomeOfMany(world);
    },
  },
  iam_groups: {
    with: ['federation_token'],
    does: async (world) =>
      (await world.lend({ credential_type: 'federation_token', iam_groups: 'readers' })) !== undefined,
  },
  federation_token: {
    does: async (world) => {
      const body = { credential_type: 'federation_token', policy_document: allowing('s3:ListAllMyBuckets') };
      return (await world.lend(body)) !== undefined;
    },
  },
  session_token: { does: async (world) => (await world.lend({ credential_type: 'session_token' })) !== undefined },
  'rotate-root': {
    does: async ({ call, admin }) => {
      const rotated = await call('POST', '/v1/aws/config/rotate-root');
      const { AccessKeyMetadata = [] } = await admin.send(new Iam.ListAccessKeysCommand({ UserName: limited }));
      return rotated.status === 200 && AccessKeyMetadata.length === 1;
    },
  },
  'root-age': {
    does: async ({ call }) => ((await call('GET', '/v1/aws/stint/root')).body.data?.['created_at'] ?? null) !== null,
  },
  'static-roles': {
    does: async ({ call, admin }) => {
      const username = `static-${Math.floor(performance.now() * 1000)}`;
      await admin.send(new Iam.CreateUserCommand({ UserName: username }));
      for (let keys = 0; keys < 2; keys++) await admin.send(new Iam.CreateAccessKeyCommand({ UserName: username }));
      const written = await call('POST', '/v1/aws/static-roles/s', { body: { username, rotation_period: '1h' } });
      const creds = await call('GET', '/v1/aws/static-creds/s');
      await call('DELETE', '/v1/aws/static-roles/s');
      return written.status === 200 && creds.status === 200;
    },
  },
  accounts: {
    with: ['root-age'],
    does: async ({ call, as, cloud }) => {
      const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[other]!;
      const trust = { RoleName: 'executor', AssumeRolePolicyDocument: allowing('sts:AssumeRole', { AWS: account }) };
      const make = as(accessKeyId, secretAccessKey).send(new Iam.CreateRoleCommand(trust));
      await make.catch((error: unknown) => assert.equal((error as Error).name, 'EntityAlreadyExistsException'));
      // Written anew, so that no session of before is used.
      await call('POST', `/v1/aws/config/accounts/${other}`, { body: { role_arn: role('executor', other) } });
      const { accounts } = (await call('GET', '/v1/aws/stint/root')).body.data;
      return (accounts as Record<string, { account?: string }>)[other]!.account === other;
    },
  },
  'auth-aws': {
    does: async (world) => {
      await withTarget(world, 'web');
      return (await bindsTo(world, role('web'))) && bindsTo(world, `arn:aws:iam::${account}:user/${limited}`);
    },
  },
  'auth-aws-ec2': { does: instanceLogsIn },
  orphans: {
    does: async ({ call }) => {
      const { errors } = (await call('GET', '/v1/aws/stint/orphans')).body.data as { errors: readonly string[] };
      return errors.length === 0;
    },
  },
};

describe('the least policy of the server’s key', () => {
  for (const [name, { with: base = [], does }] of Object.entries(works) as [
    FeatureName,
    (typeof works)[FeatureName],
  ][]) {
    test(`is enough for ${name}, and every right in it is needed`, async (t) => {
      const world = await limitedWorld(t);
      const needs = [...base, name];
      const policy = keyPolicy(needs, widestScope);
      await world.limitTo(policy.Statement.length > 0 ? policy : { ...policy, Statement: [nothing] });
      assert.equal(await does(world), true, 'with all rights');
      for (const { action } of features[name].rights) {
        const Statement = policy.Statement.map((statement) => ({
          ...statement,
          Action: statement.Action.filter((given) => given !== action),
        })).filter(({ Action }) => Action.length > 0);
        await world.limitTo({ ...policy, Statement: Statement.length > 0 ? Statement : [nothing] });
        assert.equal(await does(world), false, `without ${action}`);
      }
    });
  }

  test('is a document that AWS takes, and small enough for one managed policy with all features', () => {
    const text = JSON.stringify(keyPolicy(Object.keys(features) as FeatureName[], widestScope));
    assert.deepEqual(parsePolicy(text, 'identity').problems, []);
    assert.ok(policySize(text, 'identity') <= policyLimits.managedPolicy);
  });
});

/** Binds a role of the auth method to a principal, which it looks up. */
async function bindsTo({ call, own, cloud }: World, arn: string, more: object = {}): Promise<boolean> {
  await call('POST', '/v1/sys/auth/aws', { body: { type: 'aws' } });
  await call('POST', '/v1/auth/aws/config/client', { body: { ...own, endpoint: cloud.endpoint } });
  const body = { bound_iam_principal_arn: arn, ...more };
  return (await call('POST', '/v1/auth/aws/role/bound', { body })).status === 204;
}

/** An instance with a profile logs in. */
async function instanceLogsIn(world: World): Promise<boolean> {
  const { cloud, admin, call } = world;
  await withTarget(world, 'web');
  const profile = { InstanceProfileName: 'web' };
  const make = admin.send(new Iam.CreateInstanceProfileCommand(profile));
  const made = await make.then(
    () => true,
    () => false,
  );
  if (made) await admin.send(new Iam.AddRoleToInstanceProfileCommand({ ...profile, RoleName: 'web' }));
  const settings = { endpoint: cloud.endpoint, region: 'us-east-1', credentials: cloud.credentials.accounts[account]! };
  const [ec2, sts] = [new EC2Client(settings), new STSClient(settings)];
  try {
    const image = { ImageId: 'ami-0123456789abcdef0', MinCount: 1, MaxCount: 1, InstanceType: 't3.micro' } as const;
    const run = new RunInstancesCommand({ ...image, IamInstanceProfile: { Name: 'web' } });
    const { Instances: [instance] = [] } = await ec2.send(run);
    const RoleSessionName = instance!.InstanceId!;
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn: role('web'), RoleSessionName }));
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials!;
    const keys = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    await bindsTo(world, role('web'), {
      resolve_aws_unique_ids: false,
      inferred_entity_type: 'ec2_instance',
      inferred_aws_region: 'us-east-1',
      bound_iam_role_arn: role('web'),
    });
    const body = { role: 'bound', ...signedIdentity({ keys, url: `${cloud.endpoint}/` }) };
    return (await call('POST', '/v1/auth/aws/login', { token: null, body })).status === 200;
  } finally {
    ec2.destroy();
    sts.destroy();
  }
}

const nothing = { Effect: 'Deny', Action: 's3:PutObject', Resource: '*' };
