// Response wrapping: one answer, one token, one use; texts and shapes of Vault.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AuditEntry } from '../../../src/broker/audit/entry.ts';
import { configureAws, keyLives, testCloud, until } from '../aws-support.ts';
import { temporaryFolder, testBroker, type CallOptions, type Reply, type TestBroker } from '../support.ts';
import { make, refused, seen, storedKeys, tokenWith } from './support.ts';

interface WrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttl: number;
  readonly creation_time: string;
  readonly creation_path: string;
  readonly wrapped_accessor?: string;
}

const gone = 'wrapping token is not valid or does not exist';

async function wrapped(
  { call }: TestBroker,
  method: string,
  path: string,
  body?: object,
  ttl = '60',
  options: CallOptions = {},
): Promise<WrapInfo> {
  const reply = await call(method, `/v1/${path}`, { ...options, headers: { 'X-Vault-Wrap-TTL': ttl }, body });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['wrap_info'] as WrapInfo;
}

function unwrap({ call }: TestBroker, token: string): Promise<Reply> {
  return call('POST', '/v1/sys/wrapping/unwrap', { token });
}

describe('a wrapped answer', () => {
  test('leaves as the place where it can be had, and as nothing else', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const reply = await world.call('POST', '/v1/sys/wrapping/wrap', {
      headers: { 'X-Vault-Wrap-TTL': '5m' },
      body: { secret: 'x', token: 'y' },
    });
    const { wrap_info, ...rest } = reply.body;
    assert.deepEqual(rest, {
      request_id: '',
      lease_id: '',
      renewable: false,
      lease_duration: 0,
      data: null,
      warnings: null,
      auth: null,
      mount_type: '',
    });
    const { token, accessor, creation_time, ...info } = wrap_info as WrapInfo;
    assert.match(token, /^hvs\./);
    assert.equal(accessor.length, 24);
    assert.ok(Math.abs(Date.parse(creation_time) - Date.now()) < 60_000);
    assert.deepEqual(info, { ttl: 300, creation_path: 'sys/wrapping/wrap' });
  });

  test('is had once, word for word, with the token in the header', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { token } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 1.5, b: ['x'], c: { d: null } });
    const got = await unwrap(world, token);
    assert.equal(got.status, 200);
    assert.match(String(got.body['request_id']), /^[0-9a-f-]{36}$/);
    assert.deepEqual(got.body.data, { a: 1.5, b: ['x'], c: { d: null } });
    assert.deepEqual([got.body['wrap_info'], got.body['warnings'], got.body['auth']], [null, null, null]);
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', {}, { token }), [400, gone]);
    assert.deepEqual(await refused(world, 'sys/wrapping/lookup', { token }), [400, gone]);
    assert.equal(await seen(world, token), undefined);
  });

  test('is had with the token in the body by whoever may', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const may = await tokenWith(world, 'may', 'path "sys/wrapping/*" { capabilities = ["update"] }');
    const not = await tokenWith(world, 'not', 'path "x" { capabilities = ["update"] }', { no_default_policy: true });
    const { token } = await wrapped(world, 'GET', 'sys/policies/acl/may');
    assert.equal((await refused(world, 'sys/wrapping/unwrap', { token }, { token: not }))[0], 403);
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', { token }, { token: null }), [
      403,
      'permission denied',
    ]);
    const got = await world.call('POST', '/v1/sys/wrapping/unwrap', { token: may, body: { token } });
    assert.equal(got.body.data['name'], 'may');
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', { token }, { token: may }), [400, gone]);
  });

  test('goes to one of many who come at once', async (t) => {
    const world = await testBroker((end) => t.after(end));
    for (const inBody of [true, false]) {
      const { token } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 'b' });
      const come = (): Promise<Reply> =>
        world.call('POST', '/v1/sys/wrapping/unwrap', inBody ? { body: { token } } : { token });
      const replies = await Promise.all(Array.from({ length: 10 }, come));
      assert.equal(replies.filter(({ status }) => status === 200).length, 1);
    }
  });

  test('is looked at without taking it, by anybody who has the token', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const info = await wrapped(world, 'GET', 'sys/mounts', undefined, '90');
    const { token, creation_time } = info;
    const data = { creation_ttl: 90, creation_time, creation_path: 'sys/mounts' };
    for (const options of [{ body: { token } }, { token }, { token: null, body: { token } }]) {
      assert.deepEqual((await world.call('POST', '/v1/sys/wrapping/lookup', options)).body.data, data);
    }
    assert.equal((await unwrap(world, token)).status, 200);
  });

  test('is passed on to a new token, with its path and at most its time', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const first = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 'b' }, '90');
    const again = await world.call('POST', '/v1/sys/wrapping/rewrap', { body: { token: first.token } });
    const second = again.body['wrap_info'] as WrapInfo;
    assert.deepEqual([second.ttl, second.creation_path], [90, 'sys/wrapping/wrap']);
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', {}, { token: first.token }), [400, gone]);
    const looked = await world.call('POST', '/v1/sys/wrapping/lookup', { body: { token: second.token } });
    assert.deepEqual([looked.body.data['creation_ttl'], looked.body.data['creation_path']], [90, 'sys/wrapping/wrap']);
    assert.deepEqual((await unwrap(world, second.token)).body.data, { a: 'b' });
  });

  test('of a new token tells its accessor, and the token works', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const info = await wrapped(world, 'POST', 'auth/token/create', { policies: ['default'], ttl: '1h' });
    const auth = (await unwrap(world, info.token)).body['auth'] as { client_token: string; accessor: string };
    assert.equal(info.wrapped_accessor, auth.accessor);
    assert.notEqual(await seen(world, auth.client_token), undefined);
  });

  test('of a login tells the accessor of its token, of a secret id that of the secret id', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/auth/userpass', { body: { type: 'userpass' } });
    await world.call('POST', '/v1/auth/userpass/users/alice', { body: { password: 'secret' } });
    const login = await wrapped(world, 'POST', 'auth/userpass/login/alice', { password: 'secret' }, '60', {
      token: null,
    });
    const auth = (await unwrap(world, login.token)).body['auth'] as { accessor: string; metadata: object };
    assert.deepEqual([login.wrapped_accessor, auth.metadata], [auth.accessor, { username: 'alice' }]);
    await world.call('POST', '/v1/sys/auth/approle', { body: { type: 'approle' } });
    await world.call('POST', '/v1/auth/approle/role/ci', { body: {} });
    const secret = await wrapped(world, 'POST', 'auth/approle/role/ci/secret-id', {});
    const { secret_id_accessor: accessor } = (await unwrap(world, secret.token)).body.data;
    assert.deepEqual([secret.wrapped_accessor, typeof accessor], [accessor, 'string']);
  });

  test('is erased when nobody came in time', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { token, accessor } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { secret: 'x' }, '30s');
    world.clock.advance(31_000);
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', { token }), [400, gone]);
    // Its accessor goes with it, after its cubbyhole.
    await until('the token is forgotten', async () => {
      const { keys } = (await world.call('LIST', '/v1/auth/token/accessors')).body.data as { keys: string[] };
      return !keys.includes(accessor);
    });
    await world.broker.stop();
    assert.deepEqual(storedKeys(world, 'cubbyhole/'), []);
  });

  test('is read from its cubbyhole as by clients of old, with a warning', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { token } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 'b' });
    const old = await world.call('GET', '/v1/cubbyhole/response', { token });
    assert.deepEqual((JSON.parse(String(old.body.data['response'])) as Reply['body']).data, { a: 'b' });
    assert.match(String((old.body['warnings'] as string[])[0]), /^Reading from 'cubbyhole\/response' is deprecated/);
    assert.equal((await world.call('GET', '/v1/cubbyhole/response', { token })).status, 403);
  });
});

describe('wrapping', () => {
  test('must be asked for in a way that can be read', async (t) => {
    const world = await testBroker((end) => t.after(end));
    assert.deepEqual(await refused(world, 'sys/wrapping/wrap', { a: 1 }), [
      400,
      'endpoint requires response wrapping to be used',
    ]);
    const header = async (ttl: string): Promise<readonly [number, string | undefined]> =>
      refused(world, 'sys/wrapping/wrap', { a: 1 }, { headers: { 'X-Vault-Wrap-TTL': ttl } });
    assert.deepEqual(await header('soon'), [
      400,
      'error parsing X-Vault-Wrap-TTL header: time: invalid duration "soon"',
    ]);
    assert.deepEqual(await header('-1'), [
      400,
      'error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be negative',
    ]);
    assert.deepEqual(await header('0'), [400, 'endpoint requires response wrapping to be used']);
    const jwt = { headers: { 'X-Vault-Wrap-TTL': '60', 'X-Vault-Wrap-Format': 'jwt' } };
    assert.equal((await refused(world, 'sys/wrapping/wrap', { a: 1 }, jwt))[0], 400);
  });

  test('is asked for where a policy says how long at least and at most', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "sys/mounts" { capabilities = ["read"] min_wrapping_ttl = "30s" max_wrapping_ttl = "5m" }';
    const token = await tokenWith(world, 'short', policy);
    const ask = async (ttl: string): Promise<number> =>
      (await world.call('GET', '/v1/sys/mounts', { token, headers: { 'X-Vault-Wrap-TTL': ttl } })).status;
    assert.equal((await world.call('GET', '/v1/sys/mounts', { token })).status, 403);
    assert.deepEqual(
      [await ask('0'), await ask('29s'), await ask('30s'), await ask('5m'), await ask('301')],
      [403, 403, 200, 200, 403],
    );
  });

  test('is recorded by audit without the token in clear', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const file = join(
      temporaryFolder((remove) => t.after(remove)),
      'audit.log',
    );
    await world.call('PUT', '/v1/sys/audit/file', { body: { type: 'file', options: { file_path: file } } });
    const { token } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { secret: 'hush' });
    await unwrap(world, token);
    const lines = readFileSync(file, 'utf8').trim().split('\n');
    assert.equal(
      lines.some((line) => line.includes(token) || line.includes('hush')),
      false,
    );
    const records = lines.map((line) => JSON.parse(line) as Record<string, Record<string, unknown>>);
    const answered = records.find((record) => record['response']?.['wrap_info'] !== undefined);
    const { ttl, token: shown } = answered!['response']!['wrap_info'] as { ttl: number; token: string };
    assert.deepEqual([ttl, shown.startsWith('hmac-sha256:'), answered!['request']!['wrap_ttl']], [60, true, 60]);
  });

  test('that cannot be told of leaves neither the token nor what was wrapped', async (t) => {
    let failing = false;
    const device = {
      path: 'full/',
      behind: false,
      record: async ({ type }: AuditEntry) => {
        if (failing && type === 'response') throw new Error('no space');
      },
    };
    const world = await testBroker((end) => t.after(end), { auditDevices: [device] });
    const accessors = async (): Promise<unknown> =>
      (await world.call('LINK', '/v1/auth/token/accessors')).body.data['keys'];
    const before = await accessors();
    await world.call('POST', '/v1/sys/auth/people', { body: { type: 'userpass' } });
    await world.call('POST', '/v1/auth/people/users/ann', { body: { password: 'x' } });
    failing = true;
    for (const headers of [{}, { 'X-Vault-Wrap-TTL': '60' }]) {
      const reply = await world.call('POST', '/v1/auth/token/create', { headers, body: { ttl: '1h' } });
      assert.equal(reply.status, 500);
      const login = await world.call('POST', '/v1/auth/people/login/ann', { headers, body: { password: 'x' } });
      assert.equal(login.status, 500);
    }
    failing = false;
    assert.deepEqual(await accessors(), before);
    await world.broker.stop();
    assert.deepEqual(storedKeys(world, 'cubbyhole/'), []);
  });

  test('wraps no refusal and no empty answer', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const headers = { 'X-Vault-Wrap-TTL': '60' };
    assert.equal((await call('GET', '/v1/sys/policies/acl/nobody', { headers })).status, 404);
    assert.equal((await call('LINK', '/v1/cubbyhole', { headers })).status, 404);
    assert.equal((await call('POST', '/v1/cubbyhole/a', { headers, body: { a: 1 } })).status, 204);
    const health = await call('GET', '/v1/sys/health', { headers });
    assert.equal(health.body['initialized'], true);
  });

  test('tokens that are none, or no wrapping tokens, are refused in Vault’s words', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const ordinary = (await make(world, { ttl: '1h' })).client_token;
    for (const path of ['unwrap', 'rewrap', 'lookup']) {
      const ask = async (body: object, options: CallOptions = {}): Promise<readonly [number, string | undefined]> =>
        refused(world, `sys/wrapping/${path}`, body, options);
      assert.deepEqual(await ask({ token: 'hvs.unknown' }), [400, gone]);
      assert.deepEqual(await ask({ token: ordinary }), [400, gone]);
      assert.deepEqual(await ask({}), [400, gone]);
      assert.deepEqual(await ask({ token: '' }), [403, 'error validating wrapping token: empty token in request body']);
      assert.deepEqual(await ask({ token: 5 }), [
        403,
        'error validating wrapping token: could not decode token in request body',
      ]);
      assert.deepEqual(await ask({}, { token: null }), [403, 'error validating wrapping token: token is empty']);
    }
    assert.notEqual(await seen(world, ordinary), undefined);
  });

  test('tokens can do nothing but be unwrapped', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { token } = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 'b' });
    assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token })).status, 403);
    const second = await wrapped(world, 'POST', 'sys/wrapping/wrap', { a: 'b' });
    assert.equal((await world.call('POST', '/v1/sys/wrapping/rewrap', { token: second.token })).status, 403);
  });

  test('of a mount ends with the mount', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    await world.call('POST', '/v1/aws/roles/r', { body: { credential_type: 'iam_user' } });
    const { token } = await wrapped(world, 'GET', 'aws/roles/r');
    assert.equal((await world.call('DELETE', '/v1/sys/mounts/aws')).status, 204);
    assert.deepEqual(await refused(world, 'sys/wrapping/unwrap', { token }), [400, gone]);
    await world.broker.stop();
    assert.deepEqual(storedKeys(world, 'cubbyhole/'), []);
  });

  test('lends AWS credentials under a lease of whoever asked, not of the wrapping token', async (t) => {
    const cloud = await testCloud((end) => t.after(end));
    const world = await testBroker((end) => t.after(end));
    await configureAws(world, cloud.cloud);
    const asker = (await make(world, { ttl: '1h' })).client_token;
    const info = await wrapped(world, 'GET', 'aws/creds/deploy', undefined, '60', { token: asker });
    const lent = (await unwrap(world, info.token)).body;
    assert.match(String(lent['lease_id']), /^aws\/creds\/deploy\//);
    const { access_key, secret_key } = lent.data as { access_key: string; secret_key: string };
    const holder = cloud.as(access_key, secret_key);
    world.clock.advance(90_000);
    assert.equal(await keyLives(holder), true);
    await world.call('POST', '/v1/auth/token/revoke', { body: { token: asker } });
    await until('the credentials are refused', async () => !(await keyLives(holder)));
  });
});
