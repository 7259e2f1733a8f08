// Vault's calls on leases, of secrets and of tokens, with its shapes and texts.
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { configureAws, leasesOf, testCloud, until, type TestCloud } from './aws-support.ts';
import { stopClock, testBroker, type TestBroker } from './support.ts';
import { make, refused, seen, tokenWith } from './tokens/support.ts';

async function lending(t: TestContext): Promise<TestBroker & TestCloud> {
  const cloud = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud.cloud);
  return Object.assign(Object.create(world) as TestBroker, cloud);
}

async function lend({ call }: TestBroker, token = 'root'): Promise<string> {
  return String((await call('GET', '/v1/aws/creds/deploy', { token })).body['lease_id']);
}

/** The lease id of the only token made with this path. */
async function tokenLease({ call }: TestBroker, path: string): Promise<string> {
  const { keys } = (await call('LINK', `/v1/sys/leases/lookup/${path}`)).body.data as { keys: string[] };
  assert.equal(keys.length, 1);
  return `${path}/${keys[0]!}`;
}

describe('the lease of a secret', () => {
  test('is looked up with every member Vault tells', async (t) => {
    const world = await lending(t);
    stopClock(world.clock);
    const id = await lend(world);
    const { data } = (await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } })).body;
    const { issue_time, expire_time, ttl, ...rest } = data;
    assert.equal(ttl, 1800);
    assert.equal(Date.parse(String(expire_time)) - Date.parse(String(issue_time)), 1_800_000);
    assert.deepEqual(rest, { id, path: 'aws/creds/deploy', last_renewal: null, renewable: true });
  });

  test('is listed in folders, for who has `sudo`', async (t) => {
    const world = await lending(t);
    const id = await lend(world);
    const keysOf = async (path: string): Promise<unknown> =>
      (await world.call('LINK', `/v1/sys/leases/lookup${path}`)).body.data['keys'];
    assert.deepEqual(await keysOf(''), ['auth/', 'aws/']);
    assert.deepEqual(await keysOf('/aws'), ['creds/']);
    assert.deepEqual(await keysOf('/aws/creds/deploy'), [id.split('/').at(-1)]);
    const token = await tokenWith(world, 'list', 'path "sys/leases/*" { capabilities = ["list"] }');
    assert.equal((await world.call('LINK', '/v1/sys/leases/lookup/aws', { token })).status, 403);
  });

  test('is renewed and ended by its id in the body or in the path, by the old paths too', async (t) => {
    const world = await lending(t);
    const id = await lend(world);
    for (const path of ['sys/leases/renew', 'sys/renew']) {
      const inBody = await world.call('PUT', `/v1/${path}`, { body: { lease_id: id, increment: 600 } });
      assert.deepEqual(
        [inBody.status, inBody.body['lease_id'], inBody.body['lease_duration'], inBody.body['renewable']],
        [200, id, 600, true],
      );
      assert.equal((await world.call('PUT', `/v1/${path}/${id}`, { body: {} })).body['lease_duration'], 1800);
    }
    assert.equal((await world.call('PUT', `/v1/sys/revoke/${id}`, { body: {} })).status, 204);
    const [first, second] = [await lend(world), await lend(world)];
    assert.equal((await world.call('PUT', '/v1/sys/revoke', { body: { lease_id: first } })).status, 204);
    assert.equal((await world.call('PUT', `/v1/sys/leases/revoke/${second}`, { body: { sync: true } })).status, 204);
    await lend(world);
    assert.equal((await world.call('PUT', '/v1/sys/revoke-prefix/aws')).status, 204);
    await lend(world);
    assert.equal((await world.call('PUT', '/v1/sys/revoke-force/aws')).status, 204);
    await until('no user is left', async () => (await world.lentUsers()).length === 0);
  });

  test('is ended later when asked so, which is answered at once', async (t) => {
    const world = await lending(t);
    const id = await lend(world);
    await lend(world);
    const later = await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: id, sync: false } });
    assert.deepEqual([later.status, later.body], [202, undefined]);
    assert.equal((await world.call('PUT', '/v1/sys/leases/revoke-prefix/aws', { body: { sync: false } })).status, 202);
    await until('no user is left', async () => (await world.lentUsers()).length === 0);
  });

  test('lent to a batch token ends with that token, and is never renewed beyond it', async (t) => {
    const world = await lending(t);
    stopClock(world.clock);
    const parent = (await make(world, { ttl: '2h' })).client_token;
    const batch = async (body: object, by: string): Promise<string> =>
      (await make(world, { type: 'batch', policies: ['lend'], ttl: '10m', ...body }, { token: by })).client_token;
    const policy = 'path "aws/creds/*" { capabilities = ["read"] }';
    await world.call('PUT', '/v1/sys/policies/acl/lend', { body: { policy } });
    const id = await lend(world, await batch({}, parent));
    const look = async (): Promise<Readonly<Record<string, unknown>>> =>
      (await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } })).body.data;
    const first = await look();
    assert.deepEqual([first['ttl'], first['renewable']], [600, false]);
    world.clock.advance(300_000);
    const renewed = await world.call('PUT', '/v1/sys/leases/renew', { body: { lease_id: id, increment: 1800 } });
    assert.equal(renewed.body['lease_duration'], 300);
    await lend(world, await batch({ no_parent: true }, parent));
    await world.call('POST', '/v1/auth/token/revoke', { body: { token: parent } });
    await until('only what the orphan was lent is left', async () => (await world.lentUsers()).length === 1);
    world.clock.advance(700_000);
    await until('nothing is left', async () => (await world.lentUsers()).length === 0);
  });
});

describe('the lease of a token', () => {
  test('is named after the path that made it, looked up, listed and ended', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/auth/token/roles/ci', { body: {} });
    const made = (await make(world, { ttl: '1h', policies: ['default'] }, {}, 'create/ci')).client_token;
    const id = await tokenLease(world, 'auth/token/create/ci');
    assert.match(id, /^auth\/token\/create\/ci\/h[0-9a-f]{64}$/);
    const { data } = (await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } })).body;
    assert.deepEqual(
      [data['id'], data['path'], data['renewable'], data['last_renewal']],
      [id, 'auth/token/create/ci', true, null],
    );
    assert.deepEqual(await refused(world, 'sys/leases/renew', { lease_id: id }), [
      400,
      'tokens cannot be renewed through this endpoint',
    ]);
    assert.equal((await world.call('PUT', `/v1/sys/leases/revoke/${id}`)).status, 204);
    assert.equal(await seen(world, made), undefined);
    assert.deepEqual(await refused(world, 'sys/leases/lookup', { lease_id: id }), [400, 'invalid lease']);
  });

  test('ends with its prefix, now or later, forced or not', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/auth/token/roles/ci', { body: {} });
    const ends = [
      ['revoke-prefix', {}, 204],
      ['revoke-prefix', { sync: false }, 202],
      ['revoke-force', {}, 204],
    ] as const;
    for (const [path, body, status] of ends) {
      const made = (await make(world, { ttl: '1h', policies: ['default'] }, {}, 'create/ci')).client_token;
      const child = (await make(world, { ttl: '1h', policies: ['root'] })).client_token;
      assert.equal((await world.call('PUT', `/v1/sys/leases/${path}/auth/token/create/ci`, { body })).status, status);
      assert.equal(await seen(world, made), undefined);
      assert.notEqual(await seen(world, child), undefined);
    }
    assert.equal((await world.call('LINK', '/v1/sys/leases/lookup/auth/token/create/ci')).status, 404);
  });
});

test('calls on unknown leases are answered in Vault’s words', async (t) => {
  const world = await testBroker((end) => t.after(end));
  const lease_id = 'aws/creds/deploy/nobody';
  assert.deepEqual(await refused(world, 'sys/leases/lookup', {}), [400, 'lease_id must be specified']);
  assert.deepEqual(await refused(world, 'sys/leases/lookup', { lease_id: 5 }), [400, 'invalid lease ID']);
  assert.deepEqual(await refused(world, 'sys/leases/lookup', { lease_id }), [400, 'invalid lease']);
  assert.deepEqual(await refused(world, 'sys/leases/renew', {}), [400, 'lease_id must be specified']);
  assert.deepEqual(await refused(world, 'sys/leases/renew', { lease_id }), [400, 'lease not found']);
  assert.deepEqual(await refused(world, 'sys/leases/revoke', {}), [400, 'lease_id must be specified']);
  assert.equal((await refused(world, 'sys/leases/revoke', { lease_id }))[0], 204);
  assert.equal((await refused(world, 'sys/leases/revoke', { lease_id, sync: false }))[0], 202);
  assert.equal((await refused(world, 'sys/leases/revoke-prefix/no/where', {}))[0], 204);
  assert.equal((await refused(world, 'sys/leases/revoke-force/no/where', {}))[0], 204);
});

describe('leases that cannot be ended', () => {
  test('are counted and listed as Vault’s irrevocable ones, and tell why', async (t) => {
    const world = await lending(t);
    const none = await world.call('GET', '/v1/sys/leases?type=irrevocable');
    assert.deepEqual([none.body.data, none.body['warnings']], [{ lease_count: 0, leases: [] }, null]);
    const id = await lend(world);
    const fault = { service: 'iam', operation: 'DeleteUser', when: 'before', count: 100 };
    await world.control('POST', 'faults', { ...fault, error: { code: 'ServiceFailure', status: 500 } });
    const text = (await refused(world, `sys/leases/revoke-prefix/aws/creds`, {}))[1]!;
    assert.match(text, new RegExp(`^failed to revoke "${id}" \\(1 / 1\\): `));
    for (let hours = 0; hours < 6; hours++) {
      const [before] = await leasesOf(world);
      world.clock.advance(3_600_000);
      await until('it was tried again', async () => {
        const [now] = (await leasesOf(world)) as readonly { state: string; attempts?: number }[];
        return now!.state === 'stuck' || now!.attempts !== (before as { attempts?: number }).attempts;
      });
    }
    const mounts = (await world.call('GET', '/v1/sys/mounts')).body.data as Record<string, { accessor: string }>;
    const accessor = mounts['aws/']!.accessor;
    const count = await world.call('GET', '/v1/sys/leases/count?type=irrevocable');
    assert.deepEqual(count.body.data, { lease_count: 1, counts: { [accessor]: 1 } });
    const { leases } = (await world.call('GET', '/v1/sys/leases?type=irrevocable&limit=none')).body.data as {
      leases: { lease_id: string; mount_id: string; error: string }[];
    };
    assert.deepEqual([leases[0]!.lease_id, leases[0]!.mount_id], [id, accessor]);
    assert.match(leases[0]!.error, /ServiceFailure|aws/);
    assert.deepEqual(await refused(world, 'sys/leases/renew', { lease_id: id }), [
      400,
      'lease is expired and has failed previous revocation attempts',
    ]);
  });

  test('are all that these calls know of', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    for (const path of ['sys/leases', 'sys/leases?type=odd', 'sys/leases/count', 'sys/leases/count?type=odd']) {
      const reply = await call('GET', `/v1/${path}`);
      assert.deepEqual([reply.status, reply.body.errors], [404, []], path);
    }
    const limit = await call('GET', '/v1/sys/leases?type=irrevocable&limit=0');
    assert.deepEqual([limit.status, limit.body.errors[0]], [400, "limit must be 'none' or a positive integer"]);
  });
});

describe('tidying', () => {
  const started =
    "Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs.";

  test('is answered at once and leaves alone whatever lives', async (t) => {
    const world = await lending(t);
    const id = await lend(world);
    const { client_token: token } = await make(world, { ttl: '1h', policies: ['root'] });
    await world.call('POST', '/v1/cubbyhole/a', { token, body: { k: 'v' } });
    for (const [path, kind] of [
      ['auth/token/tidy', 'tokens'],
      ['sys/leases/tidy', 'leases'],
    ] as const) {
      const reply = await world.call('POST', `/v1/${path}`);
      assert.deepEqual([reply.status, reply.body['warnings']], [202, [started]]);
      await until('it is done', async () =>
        world.log.some((line) => line.event === 'tidy.done' && line['kind'] === kind),
      );
    }
    assert.ok(world.log.filter(({ event }) => event === 'tidy.done').every((line) => line['removed'] === 0));
    assert.equal((await world.call('PUT', '/v1/sys/leases/lookup', { body: { lease_id: id } })).status, 200);
    assert.deepEqual((await world.call('GET', '/v1/cubbyhole/a', { token })).body.data, { k: 'v' });
  });
});
