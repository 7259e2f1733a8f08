import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { testBroker, type Reply, type TestBroker } from './support.ts';

type After = Parameters<typeof testBroker>[0];
type Data = Readonly<Record<string, unknown>>;

interface People extends TestBroker {
  readonly user: (body: Data) => Promise<Reply>;
  readonly login: () => Promise<Reply>;
  readonly renew: (token: string) => Promise<Reply>;
}

/** A cheap one: what passwords cost is not what is tested here. */
const right = { password_hash: hashSync('right', 5) };

async function people(after: After): Promise<People> {
  const broker = await testBroker(after);
  const { call } = broker;
  await call('POST', '/v1/sys/auth/userpass', { body: { type: 'userpass' } });
  return Object.assign(Object.create(broker) as TestBroker, {
    user: (body: Data) => call('POST', '/v1/auth/userpass/users/ann', { body: { ...right, ...body } }),
    login: () => call('POST', '/v1/auth/userpass/login/ann', { token: null, body: { password: 'right' } }),
    renew: (token: string) => call('POST', '/v1/auth/token/renew-self', { token, body: {} }),
  });
}

function authOf(reply: Reply): Data {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Data;
}

function tokenOf(reply: Reply): string {
  return String(authOf(reply)['client_token']);
}

function told(reply: Reply): readonly [number, string | undefined] {
  return [reply.status, reply.body?.errors?.[0]];
}

describe('the token of a login', () => {
  test('has the times, uses and addresses of the user', async (t) => {
    const { user, login, call } = await people((end) => t.after(end));
    await user({
      token_ttl: '10m',
      token_max_ttl: '20m',
      token_explicit_max_ttl: '15m',
      token_num_uses: 5,
      token_bound_cidrs: '127.0.0.0/8',
    });
    const auth = authOf(await login());
    assert.deepEqual([auth['lease_duration'], auth['num_uses'], auth['token_type']], [600, 5, 'service']);
    const { data } = (await call('GET', '/v1/auth/token/lookup-self', { token: String(auth['client_token']) })).body;
    assert.deepEqual(
      [data['explicit_max_ttl'], data['bound_cidrs'], data['num_uses'], data['orphan']],
      [900, ['127.0.0.0/8'], 4, true],
    );
  });

  test('lives as long as the mount allows', async (t) => {
    const { user, login, call } = await people((end) => t.after(end));
    await call('POST', '/v1/sys/auth/userpass/tune', { body: { default_lease_ttl: '1h', max_lease_ttl: '2h' } });
    await user({});
    assert.equal(authOf(await login())['lease_duration'], 3600);
    await user({ token_ttl: '3h' });
    const reply = await login();
    assert.equal(authOf(reply)['lease_duration'], 7200);
    assert.match(
      String((reply.body['warnings'] as string[])[0]),
      /^TTL of "3h" exceeded the effective max_ttl of "2h"/,
    );
  });

  test('has the type that user and mount agree on', async (t) => {
    const { user, login, call } = await people((end) => t.after(end));
    for (const [ofMount, ofUser, type] of [
      ['default-service', 'default', 'service'],
      ['default-service', 'batch', 'batch'],
      ['default-batch', 'default', 'batch'],
      ['default-batch', 'service', 'service'],
      ['service', 'batch', 'service'],
      ['batch', 'service', 'batch'],
    ] as const) {
      await call('POST', '/v1/sys/auth/userpass/tune', { body: { token_type: ofMount } });
      await user({ token_type: ofUser });
      const auth = authOf(await login());
      assert.deepEqual([auth['token_type'], auth['renewable']], [type, type === 'service'], `${ofMount} ${ofUser}`);
    }
  });

  test('never has the policies of root or of the server itself, and default only where it is wanted', async (t) => {
    const { user, login } = await people((end) => t.after(end));
    await user({ token_policies: 'Root' });
    assert.deepEqual(told(await login()), [400, 'auth methods cannot create root tokens']);
    await user({ token_policies: 'response-wrapping' });
    assert.deepEqual(told(await login()), [400, 'cannot assign policy "response-wrapping"']);
    await user({ token_policies: 'b,a,b', token_no_default_policy: true });
    assert.deepEqual(authOf(await login())['token_policies'], ['a', 'b']);
  });

  test('is bound to the address of the login where the user says so', async (t) => {
    const { user, login, call } = await people((end) => t.after(end));
    await user({ token_strictly_bind_ip: true });
    const { data } = (await call('GET', '/v1/auth/token/lookup-self', { token: tokenOf(await login()) })).body;
    assert.deepEqual(data['bound_cidrs'], ['127.0.0.1']);
  });

  test('is renewed by what the user may now', async (t) => {
    const { user, login, renew } = await people((end) => t.after(end));
    await user({ token_ttl: '10m', token_policies: 'a' });
    const token = tokenOf(await login());
    assert.equal(authOf(await renew(token))['lease_duration'], 600);
    await user({ token_ttl: '5m' });
    assert.equal(authOf(await renew(token))['lease_duration'], 300);
    await user({ token_policies: 'default,A' });
    assert.equal((await renew(token)).status, 200);
    await user({ token_policies: 'b' });
    assert.deepEqual(told(await renew(token)), [
      500,
      '1 error occurred:\n\t* failed to renew entry: policies have changed, not renewing\n\n',
    ]);
  });

  test('is not renewed when the user is gone', async (t) => {
    const { user, login, renew, call } = await people((end) => t.after(end));
    await user({});
    const token = tokenOf(await login());
    await call('DELETE', '/v1/auth/userpass/users/ann');
    assert.notEqual((await renew(token)).status, 200);
    await user({});
    assert.equal((await renew(token)).status, 200);
  });

  test('of approle is not renewed when its role is gone', async (t) => {
    const { call, renew } = await people((end) => t.after(end));
    await call('POST', '/v1/sys/auth/approle', { body: { type: 'approle' } });
    await call('POST', '/v1/auth/approle/role/web', { body: { role_id: 'web', token_period: '1h' } });
    const made = (await call('POST', '/v1/auth/approle/role/web/secret-id')).body.data;
    const reply = await call('POST', '/v1/auth/approle/login', {
      token: null,
      body: { role_id: 'web', secret_id: made['secret_id'] },
    });
    assert.equal(authOf(reply)['lease_duration'], 3600);
    assert.equal((await renew(tokenOf(reply))).status, 200);
    await call('POST', '/v1/auth/approle/role/web/period', { body: { token_period: '2h' } });
    assert.equal(authOf(await renew(tokenOf(reply)))['lease_duration'], 7200);
    await call('DELETE', '/v1/auth/approle/role/web');
    assert.deepEqual(told(await renew(tokenOf(reply))), [
      500,
      '1 error occurred:\n\t* failed to renew entry: role "web" does not exist during renewal\n\n',
    ]);
  });

  test('ends when its auth method is disabled', async (t) => {
    const { user, login, call } = await people((end) => t.after(end));
    await user({});
    const token = tokenOf(await login());
    assert.equal((await call('DELETE', '/v1/sys/auth/userpass')).status, 204);
    assert.equal((await call('GET', '/v1/auth/token/lookup-self', { token })).status, 403);
    assert.equal((await login()).status, 403);
  });
});
