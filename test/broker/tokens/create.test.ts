// auth/token/create: shapes, refusals in Vault's words, batch tokens and roles.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stopClock, testBroker, type TestBroker } from '../support.ts';
import { make, refused, seen, tokenWith } from './support.ts';

describe('a made token', () => {
  test('is answered with every member Vault answers, and with no other', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const auth = await make(world, { policies: ['a', 'B'], meta: { team: 'x' }, ttl: '1h', display_name: 'ci run!' });
    const { client_token, accessor, ...rest } = auth;
    assert.match(client_token, /^hvs\.[0-9A-Za-z]{24,}$/);
    assert.match(accessor, /^[0-9A-Za-z]{24}$/);
    assert.deepEqual(rest, {
      policies: ['a', 'b', 'default'],
      token_policies: ['a', 'b', 'default'],
      metadata: { team: 'x' },
      lease_duration: 3600,
      renewable: true,
      entity_id: '',
      token_type: 'service',
      orphan: false,
      mfa_requirement: null,
      num_uses: 0,
    });
  });

  test('is looked up with every member Vault tells, and with no other', async (t) => {
    const world = await testBroker((end) => t.after(end));
    stopClock(world.clock);
    const auth = await make(world, { policies: ['a'], meta: { team: 'x' }, ttl: '1h', display_name: 'ci run!' });
    const data = { ...(await seen(world, auth.client_token)) };
    for (const time of ['creation_time', 'expire_time', 'issue_time']) {
      assert.ok(data[time] !== undefined && data[time] !== null, time);
      delete data[time];
    }
    assert.deepEqual(data, {
      id: auth.client_token,
      accessor: auth.accessor,
      policies: ['a', 'default'],
      path: 'auth/token/create',
      meta: { team: 'x' },
      display_name: 'token-ci-run',
      num_uses: 0,
      orphan: false,
      creation_ttl: 3600,
      ttl: 3600,
      explicit_max_ttl: 0,
      entity_id: '',
      type: 'service',
      renewable: true,
    });
  });

  test('tells its period, its explicit maximum, and its last renewal once there was one', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await make(world, { period: '30m', explicit_max_ttl: '2h' });
    const before = (await seen(world, token))!;
    assert.deepEqual([before['period'], before['explicit_max_ttl'], before['creation_ttl']], [1800, 7200, 1800]);
    assert.equal('last_renewal' in before || 'last_renewal_time' in before, false);
    world.clock.advance(60_000);
    await world.call('POST', '/v1/auth/token/renew-self', { token });
    const after = (await seen(world, token))!;
    assert.ok(Number(after['last_renewal_time']) >= Number(after['creation_time']) + 59);
    assert.equal(typeof after['last_renewal'], 'string');
  });

  test('is bound by the limits of the server, which says so', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    const long = await call('POST', '/v1/auth/token/create', { body: { ttl: '9000h' } });
    assert.equal((long.body['auth'] as { lease_duration: number }).lease_duration, 768 * 3600);
    assert.deepEqual(long.body['warnings'], [
      'TTL of "9000h" exceeded the effective max_ttl of "768h"; TTL value is capped accordingly',
    ]);
    const period = await call('POST', '/v1/auth/token/create', { body: { period: '1000h' } });
    assert.deepEqual(period.body['warnings'], [
      'period of "1000h" exceeded the effective max_ttl of "768h"; period value is capped accordingly',
    ]);
    const unknown = await call('POST', '/v1/auth/token/create', { body: { policies: ['nobody-wrote-it'] } });
    assert.deepEqual(unknown.body['warnings'], ['Policy "nobody-wrote-it" does not exist']);
  });

  test('takes its policies from its maker when it names none, and leaves out `default` when told to', async (t) => {
    const world = await testBroker((end) => t.after(end));
    assert.deepEqual((await make(world, {})).policies, ['root']);
    assert.deepEqual((await make(world, { policies: ['a'], no_default_policy: true })).policies, ['a']);
    const bare = (await make(world, { policies: ['default'], no_default_policy: true })) as object;
    assert.deepEqual('token_policies' in bare, false);
    const token = await tokenWith(world, 'maker', 'path "auth/token/create" { capabilities = ["update"] }');
    assert.deepEqual((await make(world, {}, { token })).policies, ['default', 'maker']);
    assert.deepEqual((await make(world, { policies: ['maker'] }, { token })).policies, ['default', 'maker']);
  });

  test('of a caller with `sudo` may have an id, no parent, a period and other policies', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "auth/token/create" { capabilities = ["update", "sudo"] }';
    const token = await tokenWith(world, 'sudo', policy);
    const made = await make(world, { id: 'chosen', no_parent: true, period: '1h', policies: ['other'] }, { token });
    assert.deepEqual([made.client_token, made['orphan'], made.policies], ['chosen', true, ['default', 'other']]);
    assert.deepEqual(await refused(world, 'auth/token/create', { policies: ['root'] }, { token }), [
      400,
      'root tokens may not be created without parent token being root',
    ]);
  });
});

const refusals: readonly (readonly [object, string])[] = [
  [{ id: 'x' }, 'root or sudo privileges required to specify token id'],
  [{ no_parent: true }, 'root or sudo privileges required to create orphan token'],
  [{ period: '1h' }, 'root or sudo privileges required to create periodic token'],
  [{ policies: ['other'] }, 'child policies must be subset of parent'],
  [{ num_uses: -1 }, 'number of uses cannot be negative'],
  [{ type: 'strange' }, "invalid 'token_type' value"],
  [{ type: 'batch', num_uses: 2 }, 'batch tokens cannot have "num_uses" set'],
  [{ type: 'batch', explicit_max_ttl: '1h' }, 'batch tokens cannot have "explicit_max_ttl" set'],
  [{ type: 'batch', period: '1h' }, 'batch tokens cannot have "period" set'],
  [{ entity_alias: 'alice' }, "'entity_alias' is only allowed in combination with token role"],
  [{ ttl: '-1h' }, 'ttl must be positive'],
  [{ explicit_max_ttl: -5 }, 'explicit_max_ttl must be positive'],
  [{ ttl: 'soon' }, 'time: invalid duration "soon"'],
];

const rootRefusals: readonly (readonly [object, string])[] = [
  [{ id: 'hvs.mine' }, "custom token ID cannot have the 'hvs.' prefix"],
  [{ id: 's.mine' }, "custom token ID cannot have the 's.' prefix"],
  [{ id: 'my.own' }, "custom token ID cannot have a '.' in the value"],
  [{ id: 'root' }, 'cannot create a token with a duplicate ID'],
  [{ type: 'batch' }, 'batch tokens cannot be root tokens'],
  [{ policies: ['response-wrapping'] }, 'cannot assign policy "response-wrapping"'],
];

test('a creation that breaks a rule is refused in Vault’s words', async (t) => {
  const world = await testBroker((end) => t.after(end));
  const token = await tokenWith(world, 'maker', 'path "auth/token/*" { capabilities = ["update"] }');
  for (const [body, text] of refusals) {
    assert.deepEqual(await refused(world, 'auth/token/create', body, { token }), [400, text], JSON.stringify(body));
  }
  for (const [body, text] of rootRefusals) {
    assert.deepEqual(await refused(world, 'auth/token/create', body), [400, text], JSON.stringify(body));
  }
  const expiring = await make(world, { ttl: '1h' });
  assert.deepEqual(await refused(world, 'auth/token/create', {}, { token: expiring.client_token }), [
    400,
    'expiring root tokens cannot create non-expiring root tokens',
  ]);
  const counted = await make(world, { num_uses: 5 });
  assert.deepEqual(await refused(world, 'auth/token/create', {}, { token: counted.client_token }), [
    400,
    'restricted use token cannot generate child tokens',
  ]);
});

describe('a batch token', () => {
  const batch = async (world: TestBroker, body: object = {}, token = 'root'): Promise<string> =>
    (await make(world, { type: 'batch', policies: ['default'], ttl: '1h', ...body }, { token })).client_token;

  test('carries all it is in its own id and leaves nothing in the store', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const accessors = async (): Promise<number> =>
      ((await world.call('LINK', '/v1/auth/token/accessors')).body.data['keys'] as string[]).length;
    const before = await accessors();
    const auth = await make(world, { type: 'batch', policies: ['default'], ttl: '1h', meta: { a: 'b' } });
    assert.match(auth.client_token, /^hvb\./);
    assert.deepEqual(
      [auth.accessor, auth['token_type'], auth['renewable'], auth['orphan']],
      ['', 'batch', false, false],
    );
    assert.equal(await accessors(), before);
    await world.restart();
    const data = (await seen(world, auth.client_token))!;
    assert.deepEqual(
      [data['type'], data['renewable'], data['meta'], data['creation_ttl']],
      ['batch', false, { a: 'b' }, 3600],
    );
    assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token: auth.client_token })).status, 200);
  });

  test('can be neither renewed, revoked nor used to make tokens', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const policy = 'path "auth/token/create" { capabilities = ["update"] }';
    await world.call('PUT', '/v1/sys/policies/acl/maker', { body: { policy } });
    const token = await batch(world, { policies: ['default', 'maker'] });
    const tries = [
      ['renew-self', {}, 'batch tokens cannot be renewed', token],
      ['renew', { token }, 'batch tokens cannot be renewed', 'root'],
      ['revoke-self', {}, 'batch tokens cannot be revoked', token],
      ['revoke', { token }, 'batch tokens cannot be revoked', 'root'],
      ['revoke-orphan', { token }, 'batch tokens cannot be revoked', 'root'],
      ['create', {}, 'batch tokens cannot create more tokens', token],
    ] as const;
    for (const [path, body, text, by] of tries) {
      assert.deepEqual(await refused(world, `auth/token/${path}`, body, { token: by }), [400, text], path);
    }
  });

  test('ends with its time, and with its parent unless it is an orphan', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const short = await batch(world, { ttl: '1m' });
    const parent = (await make(world, { ttl: '2h' })).client_token;
    const child = await batch(world, {}, parent);
    const orphan = await batch(world, { no_parent: true }, parent);
    world.clock.advance(61_000);
    assert.equal(await seen(world, short), undefined);
    assert.notEqual(await seen(world, child), undefined);
    await world.call('POST', '/v1/auth/token/revoke', { body: { token: parent } });
    assert.equal(await seen(world, child), undefined);
    assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token: child })).status, 403);
    assert.equal((await seen(world, orphan))!['orphan'], true);
  });

  test('stays what it is when the keys of the store are rotated', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const before = await batch(world);
    assert.equal((await world.call('POST', '/v1/sys/rotate')).status, 204);
    const after = await batch(world);
    await world.restart();
    for (const token of [before, after]) assert.equal((await seen(world, token))!['type'], 'batch');
  });

  test('that was changed or made up is no token', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const token = await batch(world);
    const at = 40;
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    for (const forged of [changed, token.slice(0, -4), 'hvb.', 'hvb.AAAA', `hvb.${'A'.repeat(400)}`, 'hvb.!!!']) {
      assert.equal((await world.call('GET', '/v1/auth/token/lookup-self', { token: forged })).status, 403, forged);
      assert.equal(await seen(world, forged), undefined);
    }
  });
});
