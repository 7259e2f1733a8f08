// Writes that take time until authorization sees them: what AWS calls eventual consistency.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  GetRoleCommand,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
  UpdateAssumeRolePolicyCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import {
  CreateGrantCommand,
  CreateKeyCommand,
  EncryptCommand,
  KMSClient,
  ListGrantsCommand,
  PutKeyPolicyCommand,
} from '@aws-sdk/client-kms';
import {
  AttachPolicyCommand,
  CreatePolicyCommand,
  DescribePolicyCommand,
  OrganizationsClient,
} from '@aws-sdk/client-organizations';
import {
  CreateBucketCommand,
  GetBucketPolicyCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { Propagation } from '../../src/cloud/propagation.ts';
import { State } from '../../src/cloud/state.ts';
import { tableName } from '../../src/cloud/world.ts';
import { adminOf, clientsFor, policyText, userWith } from './clients.ts';
import { central, configOf, control, dev, iamOf, stsOf, trustOf, type Keys } from './support.ts';

/** A cloud whose clock stands still, with delays; `pass` lets time pass. */
async function delayedCloud(delays: Readonly<Record<string, string>>) {
  const cloud = await startCloud();
  cloud.clock.freeze(true);
  const { status } = await control(cloud, 'POST', 'propagation', delays);
  assert.equal(status, 200);
  return cloud;
}

const refused =
  (name: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof Error);
    assert.equal(error.name, name);
    assert.match(error.message, message);
    return true;
  };

async function keyOf(iam: IAMClient, UserName: string): Promise<Keys> {
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

test('a new key signs, and a new policy allows, only when they have propagated', async () => {
  await using cloud = await delayedCloud({ iam: '10s' });
  const { iam } = adminOf(cloud, dev);
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const keys = await keyOf(iam, 'ann');
  const ann = stsOf(cloud, keys);
  await assert.rejects(ann.send(new GetCallerIdentityCommand()), refused('InvalidClientTokenId'));
  cloud.clock.advance(9999);
  await assert.rejects(ann.send(new GetCallerIdentityCommand()), refused('InvalidClientTokenId'));
  cloud.clock.advance(1);
  await ann.send(new GetCallerIdentityCommand());
  const own = iamOf(cloud, keys);
  const list = () => own.send(new ListAccessKeysCommand({ UserName: 'ann' }));
  await assert.rejects(list(), refused('AccessDenied'));
  const document = policyText({ Effect: 'Allow', Action: 'iam:*', Resource: '*' });
  await iam.send(new PutUserPolicyCommand({ UserName: 'ann', PolicyName: 'own', PolicyDocument: document }));
  await assert.rejects(list(), refused('AccessDenied'));
  cloud.clock.advance(10_000);
  await list();
});

test('a deleted key signs until its end has propagated, for IAM it is gone at once', async () => {
  await using cloud = await delayedCloud({ iam: '0s' });
  const { iam } = adminOf(cloud, dev);
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const keys = await keyOf(iam, 'ann');
  await control(cloud, 'POST', 'propagation', { iam: '5s' });
  await iam.send(new DeleteAccessKeyCommand({ UserName: 'ann', AccessKeyId: keys.accessKeyId }));
  await iam.send(new DeleteUserCommand({ UserName: 'ann' }));
  await assert.rejects(iam.send(new ListAccessKeysCommand({ UserName: 'ann' })), refused('NoSuchEntityException'));
  const { Arn } = await stsOf(cloud, keys).send(new GetCallerIdentityCommand());
  assert.equal(Arn, `arn:aws:iam::${dev}:user/ann`);
  cloud.clock.advance(5000);
  await assert.rejects(stsOf(cloud, keys).send(new GetCallerIdentityCommand()), refused('InvalidClientTokenId'));
});

test('a new principal is invalid in a trust policy, and a new role cannot be assumed, until they have propagated', async () => {
  await using cloud = await delayedCloud({ iam: '3s' });
  const { iam } = adminOf(cloud, dev);
  const { User } = await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const trust = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS: User!.Arn }, Action: 'sts:AssumeRole' },
  });
  const create = () => iam.send(new CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: trust }));
  await assert.rejects(
    create(),
    refused('MalformedPolicyDocumentException', /^Invalid principal in policy: "AWS":"arn/),
  );
  cloud.clock.advance(3000);
  await create();
  await iam.send(new GetRoleCommand({ RoleName: 'r' }));
  const RoleArn = `arn:aws:iam::${dev}:role/r`;
  await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'r', PolicyDocument: trustOf(dev) }));
  const admin = stsOf(cloud, cloud.credentials.accounts[dev]!);
  const assume = () => admin.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'late' }));
  await assert.rejects(assume(), refused('AccessDenied'));
  cloud.clock.advance(3000);
  const { Credentials } = await assume();
  // Sessions are not IAM's: what STS gives out signs at once; what the role may do takes its time.
  const session: Keys = {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
  await stsOf(cloud, session).send(new GetCallerIdentityCommand());
  const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
  await iam.send(new AttachRolePolicyCommand({ RoleName: 'r', PolicyArn }));
  const read = () => iamOf(cloud, session).send(new GetRoleCommand({ RoleName: 'r' }));
  await assert.rejects(read(), refused('AccessDenied'));
  cloud.clock.advance(3000);
  await read();
});

test('organisation policies and bucket policies bind when they have propagated', async () => {
  await using cloud = await delayedCloud({ organizations: '1m', s3: '30s' });
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'late-policies' }));
  const guest = await userWith(cloud, dev, 'guest');
  const look = () => guest.s3.send(new ListObjectsV2Command({ Bucket: 'late-policies' }));
  const open = policyText({
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${dev}:user/guest` },
    Action: 's3:ListBucket',
    Resource: 'arn:aws:s3:::late-policies',
  });
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'late-policies', Policy: open }));
  await s3.send(new GetBucketPolicyCommand({ Bucket: 'late-policies' }));
  await assert.rejects(look(), refused('AccessDenied'));
  cloud.clock.advance(30_000);
  await look();
  const organizations = new OrganizationsClient(configOf(cloud, cloud.credentials.accounts[central]!));
  const Content = policyText({ Effect: 'Deny', Action: 's3:*', Resource: '*' });
  const made = await organizations.send(
    new CreatePolicyCommand({ Name: 'no-s3', Description: '', Type: 'SERVICE_CONTROL_POLICY', Content }),
  );
  const PolicyId = made.Policy!.PolicySummary!.Id!;
  await organizations.send(new AttachPolicyCommand({ PolicyId, TargetId: dev }));
  await organizations.send(new DescribePolicyCommand({ PolicyId }));
  await look();
  cloud.clock.advance(60_000);
  await assert.rejects(look(), refused('AccessDenied', /service control policy/));
});

test('a grant of KMS and a changed key policy count when they have propagated, a grant token at once', async () => {
  await using cloud = await delayedCloud({ kms: '5m' });
  const admin = new KMSClient(configOf(cloud, cloud.credentials.accounts[dev]!));
  const { KeyMetadata } = await admin.send(new CreateKeyCommand({}));
  const KeyId = KeyMetadata!.Arn!;
  const { iam } = adminOf(cloud, dev);
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  const ann = new KMSClient(configOf(cloud, await keyOf(iam, 'ann')));
  const Plaintext = Buffer.from('text');
  const encrypt = (GrantTokens: string[] = []) => ann.send(new EncryptCommand({ KeyId, Plaintext, GrantTokens }));
  const GranteePrincipal = `arn:aws:iam::${dev}:user/ann`;
  const { GrantToken } = await admin.send(new CreateGrantCommand({ KeyId, GranteePrincipal, Operations: ['Encrypt'] }));
  await admin.send(new ListGrantsCommand({ KeyId }));
  await assert.rejects(encrypt(), refused('AccessDeniedException'));
  await encrypt([GrantToken!]);
  cloud.clock.advance(300_000);
  await encrypt();
  const Policy = policyText(
    { Effect: 'Allow', Principal: { AWS: dev }, Action: 'kms:*', Resource: '*' },
    { Effect: 'Deny', Principal: { AWS: GranteePrincipal }, Action: 'kms:Encrypt', Resource: '*' },
  );
  await admin.send(new PutKeyPolicyCommand({ KeyId, Policy }));
  await encrypt();
  cloud.clock.advance(300_000);
  await assert.rejects(encrypt(), refused('AccessDeniedException', /explicit deny/));
});

test('events tell when a write becomes visible; the route shows, changes and resets the delays', async () => {
  await using cloud = await delayedCloud({ iam: '1500ms' });
  const { iam } = adminOf(cloud, dev);
  cloud.clock.set(Date.parse('2027-01-01T00:00:00Z'));
  await iam.send(new CreateUserCommand({ UserName: 'ann' }));
  await iam.send(new ListAccessKeysCommand({ UserName: 'ann' }));
  const { body } = await control(cloud, 'GET', 'events');
  const events = body['events'] as readonly { readonly operation: string; readonly visibleAt: string | null }[];
  assert.deepEqual(
    events.map(({ operation, visibleAt }) => [operation, visibleAt]),
    [
      ['CreateUser', '2027-01-01T00:00:01Z'],
      ['ListAccessKeys', null],
    ],
  );
  const zero = { organizations: '0s', s3: '0s', kms: '0s' };
  assert.deepEqual((await control(cloud, 'GET', 'propagation')).body, { iam: '1500ms', ...zero, waiting: 2 });
  // Switched off, nothing waits any longer.
  assert.deepEqual((await control(cloud, 'POST', 'propagation', { iam: 0 })).body, { iam: '0s', ...zero, waiting: 0 });
  await control(cloud, 'POST', 'propagation', { iam: '1h', kms: '2s' });
  await control(cloud, 'POST', 'reset');
  assert.deepEqual((await control(cloud, 'GET', 'propagation')).body, { iam: '0s', ...zero, waiting: 0 });
});

test('wrong delays are refused by name, and change nothing', async () => {
  await using cloud = await startCloud();
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [{ iamm: '2s' }, /no name `iamm`/],
    [{ iam: 'soon' }, /not a duration/],
    [{ iam: '25h' }, /a day/],
    [{ iam: '1s', s3: -1 }, /not a duration/],
    [{}, /give a delay/],
    ['[', /not JSON/],
  ];
  for (const [body, message] of wrong) {
    const answer = await control(cloud, 'POST', 'propagation', body);
    assert.equal(answer.status, 400);
    assert.match((answer.body['error'] as { message: string }).message, message);
  }
  const { body } = await control(cloud, 'GET', 'propagation');
  assert.equal(body['iam'], '0s');
});

test('the delays of the organisation file hold from the start and after a reset', async () => {
  const { defaultOrganization } = await import('../../src/cloud/organization.ts');
  const organization = { ...defaultOrganization, propagation: { iam: 60_000 } };
  await using cloud: Cloud = await startCloud({ organization });
  const { iam } = adminOf(cloud, dev);
  for (let round = 0; round < 2; round++) {
    await iam.send(new CreateUserCommand({ UserName: 'ann' }));
    const keys = await keyOf(iam, 'ann');
    const whoAmI = clientsFor(cloud, keys).iam.send(new ListAccessKeysCommand({ UserName: 'ann' }));
    await assert.rejects(whoAmI, refused('InvalidClientTokenId'));
    await control(cloud, 'POST', 'reset');
  }
});

const users = tableName<{ readonly name: string }>('iam.user');

test('several changes of one row arrive in their order; lists and counts agree with single rows', async () => {
  const clock = { at: 0, now: () => clock.at };
  const state = new State();
  const propagation = new Propagation(state, clock, { iam: 100 });
  const write = (id: string, name: string | undefined) =>
    state.transaction(
      () => (name === undefined ? state.table(users).delete('1', id) : state.table(users).put('1', id, { name })),
      (commits) => propagation.note(commits),
    );
  const seen = () => [...propagation.table(users).list('1')].map(([id, { name }]) => `${id}=${name}`).join(' ');
  const check = (expected: string) => {
    const rows = expected === '' ? [] : expected.split(' ');
    assert.equal(seen(), expected);
    assert.equal(propagation.table(users).count('1'), rows.length);
    for (const row of rows) assert.equal(propagation.table(users).get('1', row[0]!)?.name, row.slice(2));
  };
  await state.transaction(() => state.table(users).put('1', 'm', { name: 'old' }));
  await write('a', '1');
  clock.at = 50;
  await write('a', '2');
  await write('z', '1');
  await write('m', undefined);
  check('m=old');
  clock.at = 100;
  check('a=1 m=old');
  await write('b', '1');
  clock.at = 149;
  check('a=1 m=old');
  const revision = propagation.table(users).revision('1');
  clock.at = 150;
  check('a=2 z=1');
  assert.ok(propagation.table(users).revision('1') > revision, 'caches must notice what arrives');
  assert.deepEqual(
    [...propagation.table(users).list('1', 'a')].map(([id]) => id),
    ['z'],
  );
  clock.at = 1000;
  check('a=2 b=1 z=1');
  assert.equal(propagation.view().waiting, 0);
});
