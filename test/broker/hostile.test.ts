// What a hostile or unlucky caller tries: tokens that outlive their limits, answers to nobody, two
// policies in one, damaged records.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import type { AuditEntry } from '../../src/broker/audit/entry.ts';
import { keepEndedMillis } from '../../src/broker/ledger.ts';
import { configureAws, keyLives, leasesOf, testCloud, until } from './aws-support.ts';
import { stopClock, testBroker, type TestBroker } from './support.ts';

interface Auth {
  readonly client_token: string;
  readonly accessor: string;
  readonly lease_duration: number;
}

async function makeToken({ call }: TestBroker, body: object, token = 'root'): Promise<Auth> {
  const reply = await call('POST', '/v1/auth/token/create', { token, body });
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Auth;
}

describe('a token', () => {
  test('with a time to live below a second ends, and does not live for ever', async (t) => {
    const world = await testBroker((end) => t.after(end));
    stopClock(world.clock);
    for (const ttl of ['500ms', '1ms', '0.9s']) {
      const made = await makeToken(world, { policies: ['default'], ttl });
      assert.equal(made.lease_duration, 1);
      const seen = await world.call('POST', '/v1/auth/token/lookup', { body: { token: made.client_token } });
      assert.notEqual(seen.body.data['expire_time'], null);
      world.clock.advance(1000);
      const over = await world.call('POST', '/v1/auth/token/lookup', { body: { token: made.client_token } });
      assert.equal(over.status, 403);
    }
  });

  test('with counted uses cannot make tokens, which would not be counted', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { client_token: token } = await makeToken(world, { policies: ['root'], num_uses: 5 });
    const refused = await world.call('POST', '/v1/auth/token/create', { token, body: {} });
    assert.deepEqual(
      [refused.status, refused.body.errors],
      [400, ['restricted use token cannot generate child tokens']],
    );
    const negative = await world.call('POST', '/v1/auth/token/create', { body: { num_uses: -1 } });
    assert.deepEqual([negative.status, negative.body.errors], [400, ['number of uses cannot be negative']]);
  });

  test('is renewed by its accessor for all it asked for, and only sudo lists accessors', async (t) => {
    const world = await testBroker((end) => t.after(end));
    const { accessor, client_token: token } = await makeToken(world, { policies: ['default', 'lister'], ttl: '10m' });
    const renewed = await world.call('POST', '/v1/auth/token/renew-accessor', { body: { accessor, increment: '20m' } });
    const { client_token: shown, lease_duration: seconds } = renewed.body['auth'] as Auth;
    assert.deepEqual([renewed.status, shown, seconds], [200, '', 1200]);
    const { data } = (await world.call('LINK', '/v1/auth/token/accessors')).body;
    assert.ok((data['keys'] as string[]).includes(accessor));
    const policy = 'path "auth/token/accessors" { capabilities = ["list"] }';
    await world.call('PUT', '/v1/sys/policies/acl/lister', { body: { policy } });
    assert.equal((await world.call('LINK', '/v1/auth/token/accessors', { token })).status, 403);
  });

  test('that is not there is as good as revoked', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    assert.equal((await call('POST', '/v1/auth/token/revoke', { body: { token: 'hvs.unknown' } })).status, 204);
    assert.equal((await call('POST', '/v1/auth/token/lookup', { body: { token: 'hvs.unknown' } })).status, 403);
  });
});

test('HEAD asks for health and lends nothing to nobody', async (t) => {
  const { cloud, lentUsers } = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud);
  assert.equal((await world.call('HEAD', '/v1/aws/creds/deploy')).status, 405);
  assert.deepEqual(await lentUsers(), []);
  assert.equal((await world.call('HEAD', '/v1/sys/health', { token: null })).status, 200);
});

test('a stop waits for a request whose client has gone', async (t) => {
  let release = (): void => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  let arrived = (): void => {};
  const begun = new Promise<void>((resolve) => (arrived = resolve));
  const slow = {
    path: 'slow/',
    behind: false,
    record: async ({ type, request }: AuditEntry): Promise<void> => {
      if (type !== 'request' || request.path !== 'sys/mounts/late') return;
      arrived();
      await released;
    },
  };
  const { call, broker, restart, log } = await testBroker((end) => t.after(end), { auditDevices: [slow] });
  const { hostname, port } = new URL(broker.address);
  const socket = connect(Number(port), hostname);
  const head = `POST /v1/sys/mounts/late HTTP/1.1\r\nHost: ${hostname}\r\nX-Vault-Token: root\r\n`;
  socket.write(`${head}Content-Length: 14\r\n\r\n{"type":"aws"}`);
  await begun;
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.destroy();
  await closed;
  let ended = false;
  const stopped = broker.stop().then(() => (ended = true));
  // Time enough for the end of the connection to be seen.
  for (let turns = 0; turns < 500; turns++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(ended, false);
  release();
  await stopped;
  assert.deepEqual(log, []);
  await restart();
  assert.equal((await call('GET', '/v1/sys/mounts/late')).status, 200);
});

test('tricks with paths open nothing', async (t) => {
  const world = await testBroker((end) => t.after(end));
  const { call } = world;
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  await call('POST', '/v1/aws/roles/a', { body: { credential_type: 'iam_user' } });
  const policy = 'path "aws/*" { capabilities = ["read"] }\npath "aws/roles/a" { capabilities = ["deny"] }';
  await call('PUT', '/v1/sys/policies/acl/most', { body: { policy } });
  const { client_token: token } = await makeToken(world, { policies: ['most'] });
  for (const path of [
    'aws/roles/a',
    'aws/roles/a/',
    '/aws/roles/a',
    'aws//roles/a',
    'aws/./roles/a',
    'aws/x/../roles/a',
    'aws%2Froles%2Fa',
    'aws/roles/%61',
    'aws/roles/a%00',
    'aws/roles/%2561',
    'AWS/roles/a',
    'aws/roles/A',
    'aws/roles/a?list=true',
    'aws/roles/a%3Flist=true',
    'aws/roles/a;x',
    'aws/roles/a#',
  ]) {
    const reply = await call('GET', `/v1/${path}`, { token });
    assert.ok([307, 400, 403, 404].includes(reply.status), `${path}: ${reply.status}`);
    if (reply.status === 307) assert.equal(reply.headers['location'], '/v1/aws/roles/a');
  }
  assert.equal((await call('GET', '/v1/aws/roles/a?token=root', { token: null })).status, 403);
  for (const name of ['__proto__', 'constructor', 'toString']) {
    assert.equal((await call('GET', `/v1/aws/roles/${name}`)).status, 404);
    assert.equal((await call('GET', `/v1/aws/creds/${name}`)).status, 400);
  }
  const odd = '{"__proto__": {"credential_type": "iam_user"}, "constructor": 1}';
  assert.equal((await call('POST', '/v1/aws/roles/odd', { body: odd })).status, 400);
});

test('a policy that says one thing twice, or something hidden, is refused', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  for (const policy of [
    'path "a" { capabilities = ["deny"] capabilities = ["read"] }',
    'path "a" { capabilities = ["read"] __proto__ = ["deny"] }',
  ]) {
    const reply = await call('PUT', '/v1/sys/policies/acl/p', { body: { policy } });
    assert.equal(reply.status, 400, policy);
  }
});

test("a part of the API that is not there is told as that, beside a body in which Vault's clients see nothing there", async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  const hint = async (path: string): Promise<unknown> => {
    const { status, headers, body } = await call('GET', path);
    assert.deepEqual([status, Object.keys(body)], [404, ['errors']]);
    return headers['x-stint-hint'];
  };
  assert.equal(await hint('/v1/sys/nowhere'), 'this server has no such part of the API');
  assert.equal(await hint('/v1/aws/roles/x'), 'enable an engine there first: `stint secrets enable aws`');
  assert.equal((await call('GET', '/v1/sys/policies/acl/Default')).body.data['name'], 'default');
});

test('lease times that no clock can hold are refused', async (t) => {
  const { call } = await testBroker((end) => t.after(end));
  await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
  for (const lease of ['9'.repeat(400), `${'9'.repeat(30)}h`, '1e400', '-1h']) {
    const reply = await call('POST', '/v1/aws/config/lease', { body: { lease, lease_max: '1h' } });
    assert.equal(reply.status, 400, lease);
    assert.match(reply.body.errors[0]!, /^Invalid lease: /);
  }
  const huge = await call('POST', '/v1/sys/mounts/aws/tune', { body: { max_lease_ttl: '9'.repeat(400) } });
  assert.equal(huge.status, 400);
});

describe('a mount', () => {
  test('keeps both of two changes made at once', async (t) => {
    const { call } = await testBroker((end) => t.after(end));
    await call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    const tune = (body: object) => call('POST', '/v1/sys/mounts/aws/tune', { body });
    await Promise.all([
      tune({ max_lease_ttl: '2h' }),
      tune({ listing_visibility: 'unauth' }),
      tune({ description: 'd' }),
    ]);
    const { data } = (await call('GET', '/v1/sys/mounts/aws/tune')).body;
    assert.deepEqual([data['max_lease_ttl'], data['listing_visibility'], data['description']], [7200, 'unauth', 'd']);
  });

  test('is seen by a token whose rule reaches it from above', async (t) => {
    const world = await testBroker((end) => t.after(end));
    await world.call('POST', '/v1/sys/mounts/aws', { body: { type: 'aws' } });
    await world.call('PUT', '/v1/sys/policies/acl/all', { body: { policy: 'path "*" { capabilities = ["read"] }' } });
    await world.call('PUT', '/v1/sys/policies/acl/else', {
      body: { policy: 'path "az*" { capabilities = ["read"] }' },
    });
    const seen = async (policy: string): Promise<readonly string[]> => {
      const { client_token: token } = await makeToken(world, { policies: [policy] });
      return Object.keys(
        (await world.call('GET', '/v1/sys/internal/ui/mounts', { token })).body.data['secret'] as object,
      );
    };
    // What `default` reaches is seen by both.
    const always = ['cubbyhole/', 'identity/', 'sys/'];
    assert.deepEqual([await seen('all'), await seen('else')], [['aws/', ...always], always]);
  });
});

test('the record of a lease that has ended is forgotten 30 days later, and nothing of it stays in the store', async (t) => {
  const { cloud } = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud);
  const { body } = await world.call('GET', '/v1/aws/creds/deploy');
  await world.call('PUT', '/v1/sys/leases/revoke', { body: { lease_id: body['lease_id'] } });
  assert.deepEqual(
    (await leasesOf(world)).map(({ state }) => state),
    ['dead'],
  );
  world.clock.advance(keepEndedMillis - 60_000);
  assert.equal((await leasesOf(world)).length, 1);
  world.clock.advance(60_000);
  await until('the record is forgotten', async () => (await leasesOf(world)).length === 0);
  await world.broker.stop();
  const raw = new DatabaseSync(join(world.folder, 'stint.db'));
  assert.deepEqual(raw.prepare(`SELECT key FROM entries WHERE key LIKE '%${String(body['lease_id'])}%'`).all(), []);
  raw.close();
});

test('a whole lease id given as a prefix is revoked, and nothing beside it', async (t) => {
  const { cloud } = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud);
  const ids = [];
  for (let n = 0; n < 2; n++) ids.push(String((await world.call('GET', '/v1/aws/creds/deploy')).body['lease_id']));
  assert.equal((await world.call('PUT', `/v1/sys/leases/revoke-prefix/${ids[0]}`)).status, 204);
  const states = new Map((await leasesOf(world)).map(({ id, state }) => [id, state]));
  assert.deepEqual([states.get(ids[0]!), states.get(ids[1]!)], ['dead', 'active']);
});

test('a damaged record keeps neither the server from starting nor other leases alive', async (t) => {
  const { cloud, lentUsers, as } = await testCloud((end) => t.after(end));
  const world = await testBroker((end) => t.after(end));
  await configureAws(world, cloud);
  const leases = [];
  for (let n = 0; n < 12; n++) leases.push((await world.call('GET', '/v1/aws/creds/deploy')).body);
  await world.broker.stop();
  const damaged = leases.slice(0, 10).map((lease) => String(lease['lease_id']));
  const raw = new DatabaseSync(join(world.folder, 'stint.db'));
  for (const id of damaged) raw.exec(`UPDATE entries SET value = x'00' WHERE key = 'lease/live/${id}'`);
  raw.close();
  await world.restart();
  await world.call('POST', '/v1/stint/dev/clock', { body: { advance: '31m' } });
  await until('the whole leases ended', async () => (await lentUsers()).length === damaged.length);
  const [whole] = leases.slice(10);
  const { access_key: key, secret_key: secret } = whole!.data as { access_key: string; secret_key: string };
  assert.equal(await keyLives(as(key, secret)), false);
  await until('the damaged ones are told', async () => {
    await world.call('GET', '/v1/sys/health');
    return world.log.some(({ event, lease }) => event === 'sweeper.failed' && lease === damaged[0]);
  });
});
