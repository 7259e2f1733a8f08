// Users end whatever others have made of them meanwhile, and a user that is gone already proves its
// lease dead at any age.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as Iam from '@aws-sdk/client-iam';
import { codeAt, stepOf } from '../../src/cloud/services/iam/totp.ts';
import { certificateOf, sshPublicKey } from '../cloud/iam/certificates.ts';
import { configureAws, leasesOf, rootConfig, testCloud, until, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface World {
  readonly cloud: TestCloud;
  readonly broker: TestBroker;
  readonly lend: () => Promise<{ leaseId: string; userName: string; reply: Reply }>;
  readonly revoke: (leaseId: string) => Promise<Reply>;
  readonly state: (leaseId: string) => Promise<string | undefined>;
}

async function lending(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  return {
    cloud,
    broker,
    lend: async () => {
      const before = await cloud.lentUsers();
      const reply = await broker.call('GET', '/v1/aws/creds/deploy');
      assert.equal(reply.status, 200, JSON.stringify(reply.body));
      const [userName] = (await cloud.lentUsers()).filter((name) => !before.includes(name));
      return { leaseId: String(reply.body['lease_id']), userName: userName!, reply };
    },
    revoke: (lease_id) => broker.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id } }),
    state: async (leaseId) => (await leasesOf(broker)).find(({ id }) => id === leaseId)?.state,
  };
}

/** Gives the user everything that AWS lets a user have. */
async function giveEverything({ cloud: { admin, cloud } }: World, UserName: string): Promise<void> {
  const made = await admin.send(new Iam.CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: UserName }));
  const SerialNumber = made.VirtualMFADevice!.SerialNumber!;
  const seed = Buffer.from(made.VirtualMFADevice!.Base32StringSeed!).toString();
  cloud.clock.freeze(true);
  const step = stepOf(cloud.clock.now());
  const [AuthenticationCode1, AuthenticationCode2] = [codeAt(seed, step - 2), codeAt(seed, step - 1)];
  const SSHPublicKeyBody = sshPublicKey();
  const PolicyDocument = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: 's3:*', Resource: '*' }],
  });
  await admin.send(
    new Iam.EnableMFADeviceCommand({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 }),
  );
  await admin.send(new Iam.CreateLoginProfileCommand({ UserName, Password: 'Correct-horse-battery-1' }));
  await admin.send(new Iam.UploadSSHPublicKeyCommand({ UserName, SSHPublicKeyBody }));
  const CertificateBody = certificateOf({ name: UserName, key: 'ec' }).pem;
  await admin.send(new Iam.UploadSigningCertificateCommand({ UserName, CertificateBody }));
  for (const ServiceName of ['codecommit.amazonaws.com', 'cassandra.amazonaws.com']) {
    await admin.send(new Iam.CreateServiceSpecificCredentialCommand({ UserName, ServiceName }));
  }
  await admin.send(new Iam.CreateAccessKeyCommand({ UserName }));
  await admin.send(new Iam.PutUserPolicyCommand({ UserName, PolicyName: 'by-hand', PolicyDocument }));
  await admin.send(new Iam.AttachUserPolicyCommand({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }));
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/PowerUserAccess';
  await admin.send(new Iam.PutUserPermissionsBoundaryCommand({ UserName, PermissionsBoundary }));
  for (const GroupName of ['one', 'two']) {
    await admin.send(new Iam.CreateGroupCommand({ GroupName }));
    await admin.send(new Iam.AddUserToGroupCommand({ UserName, GroupName }));
  }
}

test('a user with a password, MFA, keys, certificates and more of its own is removed with all of it', async (t) => {
  const world = await lending(t);
  const { leaseId, userName } = await world.lend();
  await giveEverything(world, userName);
  assert.equal((await world.revoke(leaseId)).status, 204);
  assert.deepEqual(await world.cloud.lentUsers(), []);
  assert.equal(await world.state(leaseId), 'dead');
  const { VirtualMFADevices } = await world.cloud.admin.send(new Iam.ListVirtualMFADevicesCommand({}));
  assert.deepEqual(VirtualMFADevices, []);
});

test('a user deleted by hand a moment after it was lent is proved gone, and its lease is dead at once', async (t) => {
  const world = await lending(t);
  const { leaseId, userName: UserName, reply } = await world.lend();
  const { admin } = world.cloud;
  await admin.send(new Iam.DeleteAccessKeyCommand({ UserName, AccessKeyId: reply.body.data['access_key'] as string }));
  const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3FullAccess';
  await admin.send(new Iam.DetachUserPolicyCommand({ UserName, PolicyArn }));
  await admin.send(new Iam.DeleteUserPolicyCommand({ UserName, PolicyName: 'deploy' }));
  await admin.send(new Iam.DeleteUserCommand({ UserName }));
  assert.equal((await world.revoke(leaseId)).status, 204);
  assert.equal(await world.state(leaseId), 'dead');
});

test('a key that may not ask IAM by writing leaves the proof to time', async (t) => {
  const world = await lending(t);
  const { leaseId, userName } = await world.lend();
  const { removeUser } = await import('../../src/broker/engines/aws/user-removal.ts');
  await removeUser(world.cloud.admin, { userName, leaseId, accessKeyId: undefined });
  const fault = { service: 'iam', operation: 'DeleteAccessKey', when: 'before' };
  await world.cloud.control('POST', 'faults', { ...fault, error: { code: 'AccessDenied', status: 403 } });
  assert.equal((await world.revoke(leaseId)).status, 204);
  assert.equal(await world.state(leaseId), 'unverified');
  await world.broker.call('POST', '/v1/stint/dev/clock', { body: { advance: '5m' } });
  await until('the lease is dead', async () => (await world.state(leaseId)) === 'dead');
});

test('a user of the lease’s name with another tag is never touched, and the lease says so', async (t) => {
  const world = await lending(t);
  const { leaseId, userName: UserName } = await world.lend();
  const { admin } = world.cloud;
  for (const Value of ['aws/creds/deploy/another', `${leaseId}x`, '']) {
    await admin.send(new Iam.TagUserCommand({ UserName, Tags: [{ Key: 'stint:lease', Value }] }));
    const refused = await world.revoke(leaseId);
    assert.equal(refused.status, 400);
    assert.match(refused.body.errors[0]!, /does not carry the tag of this lease/);
    assert.equal((await admin.send(new Iam.ListAccessKeysCommand({ UserName }))).AccessKeyMetadata!.length, 1);
  }
});

/** A key that may do what Vault's documented policy holds, and not look at what others gave a user. */
const vaultPolicy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: [
        'iam:*User',
        'iam:*AccessKey',
        'iam:*AccessKeys',
        'iam:*UserPolicy',
        'iam:*UserPolicies',
        'iam:*ForUser',
      ],
      Resource: '*',
    },
    {
      Effect: 'Allow',
      Action: ['iam:ListAttachedUserPolicies', 'iam:*UserToGroup', 'iam:*UserFromGroup'],
      Resource: '*',
    },
  ],
});

test('a key without the rights to clean up names what is in the way, and ends the lease once it has them', async (t) => {
  const world = await lending(t);
  const { admin } = world.cloud;
  const UserName = 'narrow';
  await admin.send(new Iam.CreateUserCommand({ UserName }));
  const narrow = { UserName, PolicyName: 'vault', PolicyDocument: vaultPolicy };
  await admin.send(new Iam.PutUserPolicyCommand(narrow));
  const { AccessKey } = await admin.send(new Iam.CreateAccessKeyCommand({ UserName }));
  const own = { access_key: AccessKey!.AccessKeyId!, secret_key: AccessKey!.SecretAccessKey! };
  await world.broker.call('POST', '/v1/aws/config/root', { body: { ...rootConfig(world.cloud.cloud), ...own } });
  const { leaseId, userName } = await world.lend();
  await admin.send(new Iam.CreateLoginProfileCommand({ UserName: userName, Password: 'Correct-horse-battery-1' }));
  const refused = await world.revoke(leaseId);
  assert.equal(refused.status, 400);
  assert.match(refused.body.errors[0]!, /may not take away: password, MFA devices, SSH keys, .*: DeleteConflict/);
  await admin.send(
    new Iam.PutUserPolicyCommand({ ...narrow, PolicyDocument: vaultPolicy.replace('iam:*User"', 'iam:*"') }),
  );
  assert.equal((await world.revoke(leaseId)).status, 204);
  assert.equal(await world.state(leaseId), 'dead');
});
