// The life of a token over HTTP: look-ups, renewals, revocations, orphans, uses and addresses.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressIsIn, cidrOf } from '../../../src/broker/addresses.ts';
import { join } from 'node:path';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { openSqliteStore } from '../../../src/broker/storage/sqlite.ts';
import { Tokens } from '../../../src/broker/tokens.ts';
import { upgradeToken } from '../../../src/broker/tokens/record.ts';
import { tokenTtl } from '../../../src/broker/tokens/ttl.ts';
import { testBarrier, temporaryFolder, testBroker, type TestBroker } from '../support.ts';
import { make, refused, seen, tokenWith } from './support.ts';

describe('calls on tokens', () => {
  test('without a token named, a look-up is of the caller; everything else says what is missing', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const own = await world.call('GET', '/v1/auth/token/lookup');
    assert.equal(own.body.data['id'], 'root');
    const texts: readonly (readonly [string, string])[] = [
      ['renew', 'missing token ID'],
      ['revoke', 'missing token ID'],
      ['revoke-orphan', 'missing token ID'],
      ['lookup-accessor', '1 error occurred:\n\t* missing accessor\n\n'],
      ['renew-accessor', '1 error occurred:\n\t* missing accessor\n\n'],
      ['revoke-accessor', '1 error occurred:\n\t* missing accessor\n\n'],
    ];
    for (const [path, text] of texts) assert.deepEqual(await refused(world, `auth/token/${path}`, {}), [400, text]);
  });

  test('of an unknown token or accessor are answered as Vault answers them', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const token = 'hvs.unknown';
    assert.deepEqual(await refused(world, 'auth/token/lookup', { token }), [403, 'bad token']);
    assert.deepEqual(await refused(world, 'auth/token/renew', { token }), [400, 'token not found']);
    assert.deepEqual(await refused(world, 'auth/token/revoke', { token }), [204, undefined]);
    assert.deepEqual(await refused(world, 'auth/token/revoke-orphan', { token }), [400, 'token to revoke not found']);
    const invalid = '1 error occurred:\n\t* invalid accessor\n\n';
    assert.deepEqual(await refused(world, 'auth/token/lookup-accessor', { accessor: 'x' }), [400, invalid]);
    assert.deepEqual(await refused(world, 'auth/token/renew-accessor', { accessor: 'x' }), [400, invalid]);
    const revoked = await world.call('POST', '/v1/auth/token/revoke-accessor', { body: { accessor: 'x' } });
    assert.deepEqual([revoked.status, revoked.body['warnings']], [200, ['No token found with this accessor']]);
  });

  test('of the root token tell no end, and cannot renew it', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { path, renewable, expire_time, ttl, creation_ttl, orphan } = (await seen(world, 'root'))!;
    assert.deepEqual(
      { path, renewable, expire_time, ttl, creation_ttl, orphan },
      { path: 'auth/token/create', renewable: false, expire_time: null, ttl: 0, creation_ttl: 0, orphan: true },
    );
    assert.deepEqual(await refused(world, 'auth/token/renew-self', {}), [400, 'lease is not renewable']);
    assert.deepEqual(await refused(world, 'auth/token/lookup', { token: 5 }), [403, 'invalid token']);
  });

  test('are told apart by what a policy allows: only `sudo` lists accessors and leaves orphans', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "auth/token/*" { capabilities = ["update", "list"] }';
    const token = await tokenWith(world, 'plain', policy);
    const other = (await make(world, { ttl: '1h' })).client_token;
    assert.equal((await world.call('LINK', '/v1/auth/token/accessors', { token })).status, 403);
    assert.deepEqual(await refused(world, 'auth/token/revoke-orphan', { token: other }, { token }), [
      400,
      'root or sudo privileges required to revoke and orphan',
    ]);
    assert.equal((await make(world, {}, { token }, 'create-orphan'))['orphan'], true);
  });
});

describe('a renewal', () => {
  test('gives the increment, never beyond the longest life', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token, accessor } = await make(world, { ttl: '1h', policies: ['default'] });
    const renew = async (path: string, body: object): Promise<Readonly<Record<string, unknown>>> =>
      (await world.call('POST', `/v1/auth/token/${path}`, { body })).body['auth'] as Record<string, unknown>;
    const own = await renew('renew', { token, increment: '2h' });
    assert.deepEqual(
      [own['client_token'], own['lease_duration'], own['accessor'], own['renewable'], own['policies']],
      [token, 7200, accessor, true, ['default']],
    );
    const named = await renew('renew-accessor', { accessor, increment: 60 });
    assert.deepEqual([named['client_token'], named['lease_duration']], ['', 60]);
    // As in Vault: one that asks for nothing gives what the last one gave.
    assert.deepEqual((await renew('renew', { token }))['lease_duration'], 60);
  });

  test('keeps to what the mount of tokens is tuned to, as does a creation', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const body = { default_lease_ttl: '10m', max_lease_ttl: '20m' };
    assert.equal((await world.call('POST', '/v1/sys/auth/token/tune', { body })).status, 204);
    const { client_token: token, lease_duration } = await make(world, { policies: ['default'] });
    assert.equal(lease_duration, 600);
    const renewed = await world.call('POST', '/v1/auth/token/renew', { body: { token, increment: '1h' } });
    assert.equal((renewed.body['auth'] as { lease_duration: number }).lease_duration, 1200);
    assert.match(
      String((renewed.body['warnings'] as string[])[0]),
      /^TTL of "1h" exceeded the effective max_ttl of "20m"/,
    );
  });

  test('of a token that is not renewable is refused', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await make(world, { ttl: '1h', renewable: false });
    assert.deepEqual(await refused(world, 'auth/token/renew', { token }), [400, 'lease is not renewable']);
    assert.deepEqual(await refused(world, 'auth/token/renew-self', {}, { token }), [400, 'lease is not renewable']);
  });
});

describe('a revocation', () => {
  const family = async (world: TestBroker): Promise<readonly [string, string, string]> => {
    const parent = (await make(world, { ttl: '2h' })).client_token;
    const child = (await make(world, { ttl: '1h' }, { token: parent })).client_token;
    const grandchild = (await make(world, { ttl: '30m' }, { token: child })).client_token;
    return [parent, child, grandchild];
  };

  test('takes along children and their children', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const [parent, child, grandchild] = await family(world);
    assert.equal((await world.call('POST', '/v1/auth/token/revoke', { body: { token: parent } })).status, 204);
    for (const token of [parent, child, grandchild]) assert.equal(await seen(world, token), undefined);
  });

  test('that leaves orphans ends only the token itself; the children live on by themselves', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const [parent, child, grandchild] = await family(world);
    assert.equal((await world.call('POST', '/v1/auth/token/revoke-orphan', { body: { token: parent } })).status, 204);
    assert.equal(await seen(world, parent), undefined);
    assert.equal((await seen(world, child))!['orphan'], true);
    assert.equal((await seen(world, grandchild))!['orphan'], false);
    world.clock.advance(100 * 60_000);
    assert.equal(await seen(world, child), undefined);
  });

  test('that leaves orphans leaves them also when it is finished by another', async (t) => {
    const store = openSqliteStore(
      join(
        temporaryFolder((remove) => t.after(remove)),
        'stint.db',
      ),
    );
    t.after(() => store.close());
    const barrier = await testBarrier(store);
    const tokens = new Tokens(barrier, new AdjustableClock(), systemRandom, () => undefined);
    const plan = {
      policies: ['default'],
      displayName: 'token',
      path: 'auth/token/create',
      meta: {},
      parent: null,
      ttlSeconds: 600,
      explicitMaxTtlSeconds: 0,
      periodSeconds: 0,
      renewable: true,
      uses: 0,
    };
    const { token: parent } = await tokens.create(plan);
    const { token: child } = await tokens.create({ ...plan, parent: parent.name });
    assert.equal((await tokens.end(parent.name, true))?.leavesChildren, true);
    // The process that began it died here; the sweeper knows no more than that the token has ended.
    assert.equal((await tokens.end(parent.name))?.leavesChildren, true);
    await assert.rejects(tokens.create({ ...plan, parent: parent.name }), /one use left/);
    await tokens.makeOrphan(child.name, parent.name);
    await tokens.forget(parent.name);
    assert.deepEqual([(await tokens.byName(child.name))?.parent, await tokens.children(parent.name)], [null, []]);
  });

  test('by a token’s last use works', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await make(world, { policies: ['root'], num_uses: 1 });
    assert.equal((await world.call('POST', '/v1/auth/token/revoke-self', { token })).status, 204);
    assert.equal(await seen(world, token), undefined);
  });
});

describe('a token with counted uses', () => {
  test('tells how many are left, and none after the last', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await make(world, { policies: ['default'], num_uses: 3 });
    const left: unknown[] = [];
    for (let call = 0; call < 4; call++) {
      const reply = await world.call('GET', '/v1/auth/token/lookup-self', { token });
      left.push(reply.status === 200 ? reply.body.data['num_uses'] : reply.status);
    }
    assert.deepEqual(left, [2, 1, -1, 403]);
  });

  test('is used up by refused calls too, and never used twice at once', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await make(world, { policies: ['default'], num_uses: 5 });
    const calls = Array.from({ length: 12 }, () => world.call('GET', '/v1/sys/mounts', { token }));
    const statuses = (await Promise.all(calls)).map(({ body }) => body.errors[0]);
    // Five were allowed to ask, and told that they may not; the others were unknown.
    assert.equal(statuses.filter((text) => text === '1 error occurred:\n\t* permission denied\n\n').length, 5);
    assert.equal(await seen(world, token), undefined);
  });
});

describe('a token bound to addresses', () => {
  test('is refused from elsewhere, and so are its children', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/auth/token/roles/here', { body: { token_bound_cidrs: '127.0.0.1' } });
    await world.call('POST', '/v1/auth/token/roles/there', { body: { token_bound_cidrs: '10.0.0.0/8' } });
    const here = (await make(world, { ttl: '1h' }, {}, 'create/here')).client_token;
    const there = (await make(world, { ttl: '1h' }, {}, 'create/there')).client_token;
    assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token: here })).status, 200);
    const away = await world.call('GET', '/v1/auth/token/lookup-self', { token: there });
    assert.deepEqual([away.status, away.body.errors[0]], [403, 'permission denied']);
    const child = await make(world, { ttl: '10m' }, { token: here });
    assert.deepEqual((await seen(world, child.client_token))!['bound_cidrs'], ['127.0.0.1']);
  });

  test('is matched by blocks of either family', () => {
    assert.deepEqual(
      ['10.0.0.0/8', ' 10.0.0.1/32', '::1/128', 'fd00::/8', '10.0.0.256', '10.0.0.0/33', 'x', ''].map(cidrOf),
      ['10.0.0.0/8', '10.0.0.1', '::1', 'fd00::/8', undefined, undefined, undefined, undefined],
    );
    assert.equal(addressIsIn('::ffff:10.1.2.3', ['10.0.0.0/8']), true);
    assert.equal(addressIsIn('10.1.2.3', ['11.0.0.0/8', '10.1.2.3']), true);
    assert.equal(addressIsIn('fd00::5', ['10.0.0.0/8', 'fd00::/8']), true);
    assert.equal(addressIsIn('fe80::1%lo', ['fe80::/10']), true);
    assert.equal(addressIsIn('', ['0.0.0.0/0']), false);
  });
});

test('a periodic token renews for ever, unless it has an explicit maximum', () => {
  const rule = {
    incrementSeconds: 9000,
    ttlSeconds: 0,
    maxTtlSeconds: 0,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 600,
    mount: { defaultSeconds: 3600, maxSeconds: 7200 },
    issuedAt: 0,
    now: 0,
  };
  assert.deepEqual(tokenTtl({ ...rule, now: 1e9 }), { allowed: true, ttlSeconds: 600, warning: undefined });
  const capped = tokenTtl({ ...rule, explicitMaxTtlSeconds: 1000, now: 700_000 });
  assert.equal(capped.allowed && capped.ttlSeconds, 300);
  assert.equal(tokenTtl({ ...rule, explicitMaxTtlSeconds: 1000, now: 1_000_000 }).allowed, false);
  const whole = tokenTtl({ ...rule, periodSeconds: 0 });
  assert.equal(whole.allowed && whole.ttlSeconds, 7200);
});

test('a token of the first store format is read as an ordinary one', () => {
  const old = {
    version: 1,
    name: 'n',
    accessor: 'a',
    policies: ['p'],
    displayName: 'token',
    path: 'auth/token/create',
    meta: {},
    parent: null,
    createdAt: 0,
    expiresAt: null,
    creationTtlSeconds: 0,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: false,
    lastRenewedAt: null,
    usesLeft: 0,
  } as const;
  const added = { type: 'service', entityId: '', role: '', boundCidrs: [], maxTtlSeconds: 0, leavesChildren: false };
  assert.deepEqual(upgradeToken(old), { ...old, ...added, version: 2 });
});
