// When static roles are looked at: what one rotation or deletion has done with is not taken back from the next one,
// which may have begun in the same moment.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import type { Engine } from '../../src/broker/engines/engine.ts';
import { StaticHome } from '../../src/broker/engines/aws/static-home.ts';
import type { StaticRole } from '../../src/broker/engines/aws/static-role.ts';
import { Mounts } from '../../src/broker/mounts.ts';
import { openSqliteStore } from '../../src/broker/storage/sqlite.ts';
import { temporaryFolder, testBarrier } from './support.ts';

const role: StaticRole = {
  version: 1,
  name: 'test',
  userName: 'jane-doe',
  userId: 'AIDA1',
  periodSeconds: 2_592_000,
  assumeRoleArn: '',
  assumeRoleSessionName: '',
  externalId: '',
  key: { accessKeyId: 'AKIA1', secretAccessKey: 's' },
  rotatesAt: 2_592_000_000,
  rotation: null,
  ending: false,
};

/** A static role in a store of its own, and the times at which it is looked at. */
async function place(t: TestContext) {
  const store = openSqliteStore(
    join(
      temporaryFolder((remove) => t.after(remove)),
      'stint.db',
    ),
  );
  t.after(() => store.close());
  const barrier = await testBarrier(store);
  const engine = { type: 'aws', paths: [], close: () => {} } as unknown as Engine;
  const mounts = new Mounts(barrier, systemRandom, { engines: [engine], methods: [] }, () => {});
  await mounts.enable('aws', 'aws', { config: {}, options: {}, local: false, sealWrap: false, description: '' });
  const mount = (await mounts.get('aws'))!;
  const { folder } = (await mounts.ofLease('aws', mount.id))!;
  const noClients = (): never => assert.fail('nobody asks AWS here');
  const home = (): StaticHome => new StaticHome({ clientsOf: noClients, clock: systemClock }, mount, folder, role.name);
  const looks = async (): Promise<readonly number[]> =>
    (await barrier.keys('due/', 10)).map((key) => Number(/\d{15}/.exec(key)![0]));
  return { home, looks };
}

test('a rotation that ends does not put off the look at the next one, which began in that moment', async (t) => {
  const { home, looks } = await place(t);
  const [first, next] = [home(), home()];
  await first.store(() => role);
  await first.schedule(60_000);
  await next.schedule(60_000);
  await first.schedule(undefined);
  assert.deepEqual(await looks(), [60_000]);
  await next.schedule(15_000);
  assert.deepEqual(await looks(), [15_000], 'an earlier one is looked at earlier');
});

test('a role that is deleted takes neither the next role of its name with it, nor the look at that', async (t) => {
  const { home, looks } = await place(t);
  const ended = { ...role, key: null, ending: true };
  const [first, next] = [home(), home()];
  await first.store(() => ended);
  await first.forget(ended);
  assert.equal(await first.load(), undefined);
  await next.schedule(15_000);
  await next.store(() => ({ ...role, key: null }));
  await first.forget(ended);
  assert.deepEqual([(await next.load())?.ending, await looks()], [false, [15_000]]);
});
