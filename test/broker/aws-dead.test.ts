// An AWS that does not answer: nobody else waits for it, its mount can be disabled, and what it holds is ended
// when it answers again. And the keys kept for the probe go when the lease is dead, whatever came between.
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { Barrier } from '../../src/broker/barrier.ts';
import type { Lease } from '../../src/broker/model.ts';
import { unwrapRootKey } from '../../src/broker/seal/keys.ts';
import { openLocalSeal } from '../../src/broker/seal/local.ts';
import { openSqliteStore } from '../../src/broker/storage/sqlite.ts';
import { account, configureAws, leasesOf, rootConfig, testCloud, until, type TestCloud } from './aws-support.ts';
import { temporaryFolder, testBroker, type TestBroker } from './support.ts';

/** `silent` takes connections and says nothing. */
type Way = 'open' | 'silent' | 'closed';

/** A way to the embedded AWS that can be cut. */
async function cuttable(t: TestContext, endpoint: string): Promise<{ url: string; set: (way: Way) => void }> {
  const target = Number(new URL(endpoint).port);
  const sockets = new Set<Socket>();
  let way: Way = 'open';
  const server: Server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => near.destroy());
    if (way === 'closed') near.destroy();
    if (way !== 'open') return;
    const far = createConnection(target, '127.0.0.1');
    sockets.add(far);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): void => sockets.forEach((socket) => socket.destroy());
  t.after(() => {
    close();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    set: (next) => {
      way = next;
      close();
    },
  };
}

interface World extends TestCloud {
  readonly broker: TestBroker;
  readonly call: TestBroker['call'];
  /** How the way to the account of `dead/` is. */
  readonly way: (is: Way) => void;
}

const dead = '333333333333';

/** `aws/` in a living account, and `dead/` in another behind a way that can be cut. */
async function world(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end), [account, dead, '444444444444']);
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  await configureAws(broker, cloud.cloud, { mount: 'dead', id: dead });
  const { url, set } = await cuttable(t, cloud.cloud.endpoint);
  const body = { ...rootConfig(cloud.cloud, dead), iam_endpoint: url, sts_endpoint: url };
  await broker.call('POST', '/v1/dead/config/root', { body });
  return { ...cloud, broker, call: broker.call, way: set };
}

describe('an AWS that does not answer', () => {
  test('keeps neither its mount from being disabled nor its path from being used again, and loses no user', async (t) => {
    const { call, broker, way, lentUsers, cloud } = await world(t);
    const lent = await Promise.all(Array.from({ length: 5 }, () => call('GET', '/v1/dead/creds/deploy')));
    assert.equal((await lentUsers(dead)).length, 5);
    way('closed');
    const began = performance.now();
    assert.equal((await call('DELETE', '/v1/sys/mounts/dead')).status, 204);
    assert.ok(performance.now() - began < 30_000, 'within a client’s patience');
    assert.equal((await call('GET', '/v1/sys/mounts/dead')).status, 400);
    const ids = lent.map(({ body }) => body['lease_id']);
    const left = (await leasesOf(broker)).filter(({ id }) => ids.includes(id));
    assert.deepEqual([left.length, left.every(({ state }) => state === 'revoking' || state === 'stuck')], [5, true]);
    await configureAws(broker, cloud, { mount: 'dead', id: '444444444444' });
    assert.equal((await call('GET', '/v1/dead/creds/deploy')).status, 200);
    way('open');
    await until('every user is gone', async () => {
      await call('POST', '/v1/stint/dev/clock', { body: { advance: '10m' } });
      return (await lentUsers(dead)).length === 0;
    });
    await until('every lease is dead', async () =>
      (await leasesOf(broker)).every(({ id, state }) => !ids.includes(id) || state === 'dead'),
    );
  });

  test('holds up nobody who asks another AWS, nor the end of what was lent there', async (t) => {
    const { call, way, lentUsers } = await world(t);
    await call('POST', '/v1/dead/config/lease', { body: { lease: '1m', lease_max: '1h' } });
    await call('POST', '/v1/aws/config/lease', { body: { lease: '1m', lease_max: '1h' } });
    await Promise.all(Array.from({ length: 30 }, () => call('GET', '/v1/dead/creds/deploy')));
    await call('GET', '/v1/aws/creds/deploy');
    way('silent');
    await call('POST', '/v1/stint/dev/clock', { body: { advance: '2m' } });
    const began = performance.now();
    await until('the living one has ended', async () => (await lentUsers()).length === 0);
    assert.equal((await call('GET', '/v1/aws/creds/deploy')).status, 200);
    assert.ok(performance.now() - began < 10_000, `${performance.now() - began} ms`);
    assert.equal((await lentUsers(dead)).length, 30);
    way('closed');
  });
});

describe('the keys kept for the probe', () => {
  /** The keys that records of leases hold, read from a copy of the store with the key that only the server has. */
  async function keptKeys(t: TestContext, { broker }: World): Promise<readonly unknown[]> {
    const copy = temporaryFolder((remove) => t.after(remove));
    await broker.restart();
    cpSync(broker.folder, copy, { recursive: true });
    const store = openSqliteStore(join(copy, 'stint.db'));
    try {
      const seal = openLocalSeal(join(copy, 'seal.json'), false, systemRandom);
      const rootKey = (await unwrapRootKey(store, seal))!;
      const barrier = (await Barrier.open({ store, clock: systemClock, random: systemRandom }, rootKey))!;
      const leases = await barrier.scan<Lease>('lease/', 1000);
      return leases.flatMap(({ value }) => (value.secret === null ? [] : [value.secret]));
    } finally {
      await store.close();
    }
  }

  async function allDead({ broker, call }: World): Promise<void> {
    await until('every lease is dead', async () => {
      await call('POST', '/v1/stint/dev/clock', { body: { advance: '1m' } });
      return (await leasesOf(broker)).every(({ state }) => state === 'dead');
    });
  }

  const ways: Readonly<Record<string, (here: World) => Promise<void>>> = {
    'a revoke': async ({ call }) => void (await call('PUT', '/v1/sys/leases/revoke-prefix/dead')),
    'a forced revoke while AWS did not answer': async ({ call, way }) => {
      way('silent');
      const forced = call('PUT', '/v1/sys/leases/revoke-force/dead');
      await until('it is forgotten', async () => (await call('LIST', '/v1/sys/leases/lookup/dead')).status === 404);
      way('open');
      assert.equal((await forced).status, 204);
    },
    'a disabled mount': async ({ call }) => void (await call('DELETE', '/v1/sys/mounts/dead')),
    'a new root key': async ({ call }) => {
      assert.equal((await call('POST', '/v1/dead/config/rotate-root')).status, 200);
      await call('PUT', '/v1/sys/leases/revoke-prefix/dead');
    },
    'the end of their token': async ({ call }) => {
      const { body } = await call('POST', '/v1/auth/token/create', { body: { ttl: '10m' } });
      const { client_token: token } = body['auth'] as { client_token: string };
      await call('GET', '/v1/dead/creds/deploy', { token });
      await call('POST', '/v1/auth/token/revoke', { body: { token } });
      await call('PUT', '/v1/sys/leases/revoke-prefix/dead');
    },
  };
  for (const [name, ends] of Object.entries(ways)) {
    test(`are there while the lease lives, and gone when it is dead, after ${name}`, async (t) => {
      const here = await world(t);
      const { body } = await here.call('GET', '/v1/dead/creds/deploy');
      assert.deepEqual(await keptKeys(t, here), [
        { accessKeyId: body.data['access_key'], secretAccessKey: body.data['secret_key'] },
      ]);
      await ends(here);
      await allDead(here);
      assert.deepEqual(await keptKeys(t, here), []);
    });
  }
});
