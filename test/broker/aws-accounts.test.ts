// One mount lends in several accounts: through a role in each, or with keys of its own.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as Iam from '@aws-sdk/client-iam';
import { account, configureAws, leasesOf, rootConfig, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

const other = '333333333333';
const executor = `arn:aws:iam::${other}:role/stint/executor`;
const target = `arn:aws:iam::${other}:role/target`;

interface World extends TestCloud {
  readonly call: TestBroker['call'];
  readonly broker: TestBroker;
  readonly otherAdmin: Iam.IAMClient;
  /** Writes the account and a role named `there` that lends in it. */
  readonly lendThere: (role: object, ask?: object) => Promise<Reply>;
}

async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end), [account, other]);
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const { accessKeyId, secretAccessKey } = cloud.cloud.credentials.accounts[other]!;
  const otherAdmin = cloud.as(accessKeyId, secretAccessKey);
  const trusting = (Principal: object): string =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal }] });
  const AssumeRolePolicyDocument = trusting({ AWS: `arn:aws:iam::${account}:root` });
  await otherAdmin.send(new Iam.CreateRoleCommand({ RoleName: 'executor', Path: '/stint/', AssumeRolePolicyDocument }));
  const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await otherAdmin.send(new Iam.AttachRolePolicyCommand({ RoleName: 'executor', PolicyArn }));
  const trust = trusting({ AWS: [`arn:aws:iam::${account}:root`, `arn:aws:iam::${other}:root`] });
  await otherAdmin.send(
    new Iam.CreateRoleCommand({ RoleName: 'target', MaxSessionDuration: 14_400, AssumeRolePolicyDocument: trust }),
  );
  return {
    ...cloud,
    broker,
    call: broker.call,
    otherAdmin,
    lendThere: async (role, ask = {}) => {
      const written = await broker.call('POST', '/v1/aws/roles/there', { body: role });
      assert.equal(written.status, 204, JSON.stringify(written.body));
      return broker.call('POST', '/v1/aws/creds/there', { body: ask });
    },
  };
}

const byRole = { role_arn: executor };

test('an IAM user is made and removed in the account of its role', async (t) => {
  const { call, lendThere, lentUsers } = await world(t);
  assert.equal((await call('POST', `/v1/aws/config/accounts/${other}`, { body: byRole })).status, 204);
  const lent = await lendThere({ credential_type: 'iam_user', account: other });
  assert.equal(lent.status, 200, JSON.stringify(lent.body));
  assert.deepEqual([(await lentUsers()).length, (await lentUsers(other)).length], [0, 1]);
  assert.equal((await call('GET', '/v1/aws/roles/there')).body.data['account'], other);
  await call('POST', '/v1/aws/roles/there', { body: { account: '' } });
  assert.equal((await call('DELETE', `/v1/aws/config/accounts/${other}`)).status, 204);
  assert.equal((await call('GET', `/v1/aws/config/accounts/${other}`)).status, 404);
  assert.equal((await call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: lent.body['lease_id'] } })).status, 204);
  assert.deepEqual(await lentUsers(other), []);
});

test('an account with keys of its own is used with them', async (t) => {
  const { call, cloud, lendThere, lentUsers } = await world(t);
  const { access_key, secret_key } = rootConfig(cloud, other);
  const written = await call('POST', `/v1/aws/config/accounts/${other}`, { body: { access_key, secret_key } });
  assert.equal(written.status, 204);
  const shown = await call('GET', `/v1/aws/config/accounts/${other}`);
  assert.deepEqual(
    [shown.body.data['access_key'], JSON.stringify(shown.body).includes(String(secret_key))],
    [access_key, false],
  );
  assert.equal((await lendThere({ credential_type: 'iam_user', account: other })).status, 200);
  assert.equal((await lentUsers(other)).length, 1);
  assert.equal((await lendThere({ credential_type: 'session_token', account: other })).status, 200);
});

test('a session reached through the account’s role lives an hour at most, and says so', async (t) => {
  const { call, lendThere } = await world(t);
  await call('POST', `/v1/aws/config/accounts/${other}`, { body: byRole });
  const role = { credential_type: 'assumed_role', role_arns: target, account: other, default_sts_ttl: '4h' };
  const lent = await lendThere(role);
  assert.equal(lent.status, 200, JSON.stringify(lent.body));
  assert.equal(lent.body['lease_duration'], 3600);
  assert.match(String(lent.body['warnings']), /TTL of "4h0m0s" is longer than AWS lets a session live/);
  const direct = await lendThere({ account: '' });
  assert.deepEqual([direct.body['lease_duration'], direct.body['warnings']], [14_400, null]);
  const refused = await lendThere({ credential_type: 'session_token', role_arns: [], account: other });
  assert.equal(refused.status, 400);
  assert.match(refused.body.errors[0]!, /AWS gives no session_token to a session/);
});

test('a session of a role elsewhere ends when revoked, once the mount reaches that account', async (t) => {
  const { call, broker, lendThere, otherAdmin } = await world(t);
  const role = { credential_type: 'assumed_role', role_arns: target, revoke_strength: 'denies' };
  const before = await lendThere(role);
  assert.match(String(before.body['warnings']), /ends by time only: .* write config\/accounts\/333333333333/);
  await call('POST', `/v1/aws/config/accounts/${other}`, { body: byRole });
  await call('POST', '/v1/stint/dev/clock', { body: { advance: '11m' } });
  const after = await lendThere(role);
  assert.equal(after.body['warnings'], null);
  const strengths = (await leasesOf(broker)).map(({ strength }) => strength).sort();
  assert.deepEqual(strengths, ['denies', 'expires']);
  await call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: after.body['lease_id'] } });
  const { PolicyNames } = await otherAdmin.send(new Iam.ListRolePoliciesCommand({ RoleName: 'target' }));
  assert.equal(PolicyNames!.length, 1);
  const lease = (await leasesOf(broker)).find(({ id }) => id === after.body['lease_id']);
  assert.equal(lease?.state, 'dead');
});

test('an account that cannot be reached as written is refused with all that is wrong', async (t) => {
  const { call, lendThere } = await world(t);
  const write = async (id: string, body: object): Promise<string> =>
    (await call('POST', `/v1/aws/config/accounts/${id}`, { body })).body.errors[0]!;
  assert.match(await write('33', { access_key: 'x' }), /`33` is not the id of an account.*; .*belong together/);
  assert.match(await write(other, {}), /give one of them/);
  assert.match(await write(other, { ...byRole, access_key: 'a', secret_key: 'b' }), /give one of them/);
  assert.match(await write('444444444444', byRole), /it is not of the account 444444444444/);
  assert.match(await write(other, { role_arn: 'executor' }), /not the ARN of an IAM role/);
  assert.equal((await call('LIST', '/v1/aws/config/accounts')).status, 404);
  const role = await call('POST', '/v1/aws/roles/x', { body: { credential_type: 'iam_user', account: other } });
  assert.match(role.body.errors[0]!, /is none of config\/accounts/);
  assert.equal((await call('GET', '/v1/aws/roles/x')).status, 404);
  await call('POST', `/v1/aws/config/accounts/${other}`, { body: { role_arn: `${executor}-missing` } });
  assert.deepEqual((await call('LIST', '/v1/aws/config/accounts')).body.data['keys'], [other]);
  const lent = await lendThere({ credential_type: 'iam_user', account: other });
  assert.match(lent.body.errors[0]!, /Error assuming the role of the account: AccessDenied/);
});
