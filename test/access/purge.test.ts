// Full orders of deletion: what AWS refuses to delete while something hangs on it, with everything that can hang on it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Account } from '../../src/aws/index.ts';
import { codeAt, stepOf } from '../../src/cloud/services/iam/totp.ts';
import { certificateOf, sshPublicKey } from '../cloud/iam/certificates.ts';
import { central, dev, wantedOf, World } from './world.ts';

const world = new World();

const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
const PolicyDocument = JSON.stringify(everything);
const statements = everything.Statement;

async function calls(account: string): Promise<string[]> {
  const answer = await fetch(`${world.cloud.endpoint}/_stint/events?limit=5000`, {
    headers: { 'x-stint-control': world.cloud.controlToken },
  });
  const { events } = (await answer.json()) as {
    events: readonly { operation: string; account: string; decision: string; errorCode?: string | null }[];
  };
  return events
    .filter((it) => it.account === account && (it.errorCode ?? null) === null)
    .map(({ operation }) => operation);
}

/** Everything by which a user can sign in or sign. */
async function equip({ iam }: Account, UserName: string): Promise<void> {
  await iam.createLoginProfile({ UserName, Password: 'Secret-Secret-1' });
  await iam.createAccessKey({ UserName });
  await iam.createAccessKey({ UserName });
  for (const name of ['one', 'two']) {
    await iam.uploadSigningCertificate({ UserName, CertificateBody: certificateOf({ name, key: 'ec' }).pem });
  }
  await iam.uploadSSHPublicKey({ UserName, SSHPublicKeyBody: sshPublicKey() });
  for (const ServiceName of ['codecommit.amazonaws.com', 'cassandra.amazonaws.com']) {
    await iam.createServiceSpecificCredential({ UserName, ServiceName });
  }
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: `${UserName}-phone` });
  const { SerialNumber, Base32StringSeed } = VirtualMFADevice!;
  const seed = Buffer.from(Base32StringSeed!).toString();
  const step = stepOf(Date.now());
  await iam.enableMFADevice({
    UserName,
    SerialNumber,
    AuthenticationCode1: codeAt(seed, step - 2),
    AuthenticationCode2: codeAt(seed, step - 1),
  });
  await iam.putUserPolicy({ UserName, PolicyName: 'by-hand', PolicyDocument });
  await iam.attachUserPolicy({ UserName, PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
  await iam.createGroup({ GroupName: 'theirs' });
  await iam.addUserToGroup({ UserName, GroupName: 'theirs' });
}

test('a person goes with every credential, keys switched off before anything is deleted, devices set free before they go', async () => {
  const wanted = wantedOf({
    groups: { developers: {} },
    people: { alice: { groups: ['developers'], boundary: 'ReadOnlyAccess' } },
  });
  await world.apply(wanted);
  const account = await world.accounts.account(central);
  await equip(account, 'alice');
  const before = (await calls(central)).length;
  await world.apply(wantedOf({ groups: { developers: {} } }));
  const made = (await calls(central)).slice(before);
  const at = (operation: string): number => made.lastIndexOf(operation);
  const order = [
    'UpdateAccessKey',
    'DeleteAccessKey',
    'DeleteSigningCertificate',
    'DeleteSSHPublicKey',
    'DeleteServiceSpecificCredential',
    'DeactivateMFADevice',
    'DeleteVirtualMFADevice',
    'DeleteUser',
  ];
  assert.deepEqual(
    order,
    order.toSorted((a, b) => at(a) - at(b)),
  );
  const count = (operation: string): number => made.filter((it) => it === operation).length;
  const counted = ['UpdateAccessKey', 'DeleteAccessKey', 'DeleteSigningCertificate', 'DeleteServiceSpecificCredential'];
  assert.deepEqual(counted.map(count), [2, 2, 2, 2]);
  await assert.rejects(account.iam.getUser({ UserName: 'alice' }), { name: 'NoSuchEntityException' });
  assert.deepEqual((await account.iam.listVirtualMFADevices({})).VirtualMFADevices, []);
  assert.equal((await account.iam.getGroup({ GroupName: 'theirs' })).Users?.length, 0);
});

test('a user with credentials of every kind is deleted although each of them was refused once', async () => {
  const wanted = wantedOf({ groups: { developers: {} }, people: { alice: { groups: ['developers'] } } });
  await world.apply(wanted);
  const account = await world.accounts.account(central);
  await equip(account, 'alice');
  for (const operation of ['DeleteSigningCertificate', 'DeleteSSHPublicKey', 'DeactivateMFADevice', 'DeleteUser']) {
    const error = { code: 'ServiceFailure', status: 500 };
    await world.control('faults', { service: 'iam', operation, when: 'after', count: 1, error });
  }
  await world.apply(wanted, { mode: 'destroy' });
  await assert.rejects(account.iam.getUser({ UserName: 'alice' }), { name: 'NoSuchEntityException' });
});

test('roles, groups, policies, profiles and providers go with everything that others hung on them', async () => {
  const definition = {
    groups: { developers: { statements } },
    providers: { ci: { issuer: 'https://token.actions.githubusercontent.com' } },
    policies: { reader: { statements }, edge: { statements } },
    roles: {
      app: {
        in: ['dev'],
        trust: [{ service: 'ec2.amazonaws.com' }],
        statements,
        policies: ['reader'],
        boundary: 'edge',
        instanceProfile: true,
      },
      build: { in: ['dev'], trust: [{ oidc: { repository: 'example/app', branch: 'main' } }] },
    },
  };
  await world.apply(wantedOf(definition));
  const { iam } = await world.accounts.account(dev);
  const { iam: people } = await world.accounts.account(central);
  await iam.attachRolePolicy({ RoleName: 'app', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
  await iam.putRolePolicy({ RoleName: 'app', PolicyName: 'by-hand', PolicyDocument });
  await iam.createInstanceProfile({ InstanceProfileName: 'theirs' });
  await iam.addRoleToInstanceProfile({ InstanceProfileName: 'theirs', RoleName: 'app' });
  await people.createUser({ UserName: 'guest' });
  await people.addUserToGroup({ UserName: 'guest', GroupName: 'developers' });
  const policy = (name: string): string => `arn:aws:iam::${dev}:policy/stint/default/${name}`;
  for (let version = 2; version <= 5; version++) {
    await iam.createPolicyVersion({ PolicyArn: policy('reader'), PolicyDocument, SetAsDefault: version % 2 === 0 });
  }
  await world.apply(wantedOf(definition), { mode: 'destroy' });
  for (const name of ['reader', 'edge']) {
    await assert.rejects(iam.getPolicy({ PolicyArn: policy(name) }), { name: 'NoSuchEntityException' });
  }
  const roles = (await iam.listRoles({})).Roles?.map(({ RoleName }) => RoleName);
  assert.ok(!roles?.includes('app') && !roles?.includes('build'), roles?.join());
  assert.deepEqual((await iam.listOpenIDConnectProviders({})).OpenIDConnectProviderList, []);
  // What others made stays, and so does the profile that they made for it.
  const profiles = (await iam.listInstanceProfiles({})).InstanceProfiles?.map((it) => it.InstanceProfileName);
  assert.deepEqual(profiles, ['theirs']);
  assert.ok((await people.getUser({ UserName: 'guest' })).User !== undefined);
  await assert.rejects(people.getGroup({ GroupName: 'developers' }), { name: 'NoSuchEntityException' });
});
