// What Stint tells and does beside Vault's paths: orphans, the age of the root key, how a role's credentials end.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import * as Iam from '@aws-sdk/client-iam';
import { account, configureAws, leasesOf, rootConfig, serverUser, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type TestBroker } from './support.ts';

interface World extends TestCloud {
  readonly broker: TestBroker;
  readonly call: TestBroker['call'];
  readonly mountId: string;
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const mountId = String((await broker.call('GET', '/v1/sys/mounts/aws')).body.data['uuid']);
  return { ...cloud, broker, call: broker.call, mountId };
}

interface Orphans {
  readonly orphans: readonly { readonly kind: string; readonly name: string; readonly removed?: boolean }[];
  readonly errors: readonly string[];
}

async function orphans({ call }: World, method: 'GET' | 'POST'): Promise<Orphans> {
  const { status, body } = await call(method, '/v1/aws/stint/orphans');
  assert.equal(status, 200, JSON.stringify(body));
  return body.data as unknown as Orphans;
}

describe('orphans', () => {
  const lost = (mountId: string, leaseId: string): Iam.Tag[] => [
    { Key: 'stint:lease', Value: leaseId },
    { Key: 'stint:mount', Value: mountId },
  ];

  test('are users of this mount that no lease owns; users on loan, of others and by hand are none', async (t) => {
    const there = await world(t);
    const { admin, mountId, call } = there;
    await call('GET', '/v1/aws/creds/deploy');
    const tags: Readonly<Record<string, Iam.Tag[]>> = {
      'vault-lost': lost(mountId, 'aws/creds/deploy/lost'),
      'vault-other-server': lost('00000000-0000-4000-8000-000000000000', 'aws/creds/deploy/other'),
      'vault-half-tagged': [{ Key: 'stint:lease', Value: 'aws/creds/deploy/half' }],
      'vault-by-hand': [],
    };
    for (const [UserName, Tags] of Object.entries(tags))
      await admin.send(new Iam.CreateUserCommand({ UserName, Tags }));
    const before = (await there.lentUsers()).length;
    assert.deepEqual(
      (await orphans(there, 'GET')).orphans.map(({ name }) => name),
      ['vault-lost'],
    );
    assert.equal((await there.lentUsers()).length, before);
    await admin.send(
      new Iam.CreateLoginProfileCommand({ UserName: 'vault-lost', Password: 'Correct-horse-battery-1' }),
    );
    const { orphans: removed, errors } = await orphans(there, 'POST');
    assert.deepEqual([removed.map(({ name, removed: gone }) => [name, gone]), errors], [[['vault-lost', true]], []]);
    assert.equal((await there.lentUsers()).length, before - 1);
    assert.deepEqual(await orphans(there, 'GET'), { orphans: [], errors: [] });
    assert.equal((await leasesOf(there.broker))[0]?.state, 'active');
  });

  test('are found among more than a thousand users', async (t) => {
    const there = await world(t);
    const make = (UserName: string, Tags: Iam.Tag[]): Promise<unknown> =>
      there.admin.send(new Iam.CreateUserCommand({ UserName, Tags }));
    for (let at = 0; at < 1100; at += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, next) => make(`person-${at + next}`, [])));
    }
    await make('a-first', lost(there.mountId, 'aws/creds/deploy/first'));
    await make('z-last', lost(there.mountId, 'aws/creds/deploy/last'));
    assert.deepEqual((await orphans(there, 'GET')).orphans.map(({ name }) => name).sort(), ['a-first', 'z-last']);
  });

  test('are deny policies of this mount that it knows nothing of', async (t) => {
    const there = await world(t);
    const { admin, mountId } = there;
    const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: account } };
    const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
    await admin.send(new Iam.CreateRoleCommand({ RoleName: 'target', AssumeRolePolicyDocument }));
    const PolicyDocument = '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"s3:*","Resource":"*"}}';
    for (const PolicyName of [`StintRevoke-${mountId}`, 'StintRevoke-other', 'mine']) {
      await admin.send(new Iam.PutRolePolicyCommand({ RoleName: 'target', PolicyName, PolicyDocument }));
    }
    assert.deepEqual(
      (await orphans(there, 'POST')).orphans.map(({ name }) => name),
      [`StintRevoke-${mountId}`],
    );
    const { PolicyNames } = await admin.send(new Iam.ListRolePoliciesCommand({ RoleName: 'target' }));
    assert.deepEqual(PolicyNames, ['StintRevoke-other', 'mine']);
  });

  test('of an account that cannot be read are an error of that account alone', async (t) => {
    const there = await world(t);
    const body = { role_arn: 'arn:aws:iam::333333333333:role/none' };
    await there.call('POST', '/v1/aws/config/accounts/333333333333', { body });
    const { errors, orphans: found } = await orphans(there, 'GET');
    assert.deepEqual([found.length, errors.length], [0, 1]);
    assert.match(errors[0]!, /^333333333333: Error assuming the role of the account: AccessDenied/);
  });
});

test('the age of the root key is read from IAM, also of further accounts', async (t) => {
  const { call, cloud, broker } = await world(t);
  const { access_key: accessKeyId } = rootConfig(cloud);
  await call('POST', '/v1/aws/config/accounts/333333333333', {
    body: { role_arn: 'arn:aws:iam::333333333333:role/none' },
  });
  broker.clock.advance(40 * 86_400_000);
  const { data } = (await call('GET', '/v1/aws/stint/root')).body;
  assert.deepEqual(
    [data['account'], data['arn'], data['access_key']],
    [account, `arn:aws:iam::${account}:user/${serverUser}`, accessKeyId],
  );
  assert.ok((data['age_seconds'] as number) >= 40 * 86_400, JSON.stringify(data));
  assert.match(String(data['age']), /^40d/);
  assert.match(JSON.stringify(data['accounts']), /Error assuming the role of the account/);
});

test('a role says how what it lends ends', async (t) => {
  const { call, admin } = await world(t);
  const trust = { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: account } };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await admin.send(new Iam.CreateRoleCommand({ RoleName: 'target', AssumeRolePolicyDocument }));
  const strength = async (body: object): Promise<readonly unknown[]> => {
    await call('DELETE', '/v1/aws/roles/r');
    await call('POST', '/v1/aws/roles/r', { body });
    const { data } = (await call('GET', '/v1/aws/stint/roles/r')).body;
    return [data['revoke_strength'], data['reason']];
  };
  const arn = `arn:aws:iam::${account}:role/target`;
  const assumed = { credential_type: 'assumed_role', role_arns: [arn] };
  assert.deepEqual(await strength({ credential_type: 'iam_user' }), ['deletes', '']);
  assert.deepEqual(await strength({ ...assumed, revoke_strength: 'denies' }), ['denies', '']);
  assert.match(String(await strength(assumed)), /^expires,as Vault/);
  assert.match(String(await strength({ credential_type: 'session_token' })), /^expires,refusing these tokens needs/);
  const elsewhere = { ...assumed, role_arns: [arn, 'arn:aws:iam::444444444444:role/x'], revoke_strength: 'denies' };
  assert.match(String(await strength(elsewhere)), /^expires,no key of this mount acts in its account/);
  assert.equal((await call('GET', '/v1/aws/stint/roles/none')).status, 404);
  assert.deepEqual(
    Object.keys((await call('GET', '/v1/aws/roles/r')).body.data).filter((key) => key.startsWith('revoke')),
    ['revoke_strength'],
  );
});

test('options of a mount are read back as they were given, changed one by one, and refused as a whole', async (t) => {
  const { call } = await world(t);
  assert.equal((await call('GET', '/v1/aws/config/stint')).status, 404);
  const write = (body: object): ReturnType<typeof call> => call('POST', '/v1/aws/config/stint', { body });
  assert.equal((await write({ revoke_strength: 'denies', wait_until_usable: '5s' })).status, 204);
  assert.equal((await write({ source_identity: false, wait_until_usable: 9 })).status, 204);
  const { data } = (await call('GET', '/v1/aws/config/stint')).body;
  assert.deepEqual(data, { revoke_strength: 'denies', source_identity: false, wait_until_usable: '9s' });
  for (const [body, text] of [
    [{ revoke_strength: 'hard', source_identity: true }, /neither `expires` nor `denies`/],
    [{ wait_until_usable: '10m' }, /longer than 55 seconds/],
    [{ wait_until_usable: '-5s' }, /wait_until_usable/],
    [{ source_identity: 'maybe' }, /source_identity/],
  ] as const) {
    const refused = await write(body);
    assert.equal(refused.status, 400, JSON.stringify(body));
    assert.match(refused.body.errors[0]!, text);
  }
  assert.deepEqual((await call('GET', '/v1/aws/config/stint')).body.data, data);
  assert.equal((await call('DELETE', '/v1/aws/config/stint')).status, 204);
  assert.equal((await call('GET', '/v1/aws/config/stint')).status, 404);
});

test('a wrong option leaves a role as it was, and a role without options shows Vault’s fields alone', async (t) => {
  const { call } = await world(t);
  const before = (await call('GET', '/v1/aws/roles/deploy')).body.data;
  assert.equal(
    Object.keys(before).some((key) => ['revoke_strength', 'account', 'wait_until_usable'].includes(key)),
    false,
  );
  const body = { revoke_strength: 'hard', user_path: '/changed/' };
  assert.equal((await call('POST', '/v1/aws/roles/deploy', { body })).status, 400);
  assert.deepEqual((await call('GET', '/v1/aws/roles/deploy')).body.data, before);
  await call('POST', '/v1/aws/roles/deploy', { body: { wait_until_usable: '3s' } });
  await call('DELETE', '/v1/aws/roles/deploy');
  await call('POST', '/v1/aws/roles/deploy', { body: { credential_type: 'iam_user' } });
  assert.equal((await call('GET', '/v1/aws/roles/deploy')).body.data['wait_until_usable'], undefined);
});
