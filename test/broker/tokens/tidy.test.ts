// Tidying removes what a crash left of tokens that are gone, and nothing else.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import type { LogEntry } from '../../../src/broker/index.ts';
import type { Ledger } from '../../../src/broker/ledger.ts';
import type { Lending } from '../../../src/broker/lending.ts';
import { openSqliteStore } from '../../../src/broker/storage/sqlite.ts';
import { Tidy } from '../../../src/broker/tidy.ts';
import { Tokens } from '../../../src/broker/tokens.ts';
import { testBarrier, temporaryFolder } from '../support.ts';

test('tidying removes what is left of tokens that are gone, and nothing of the others', async (t) => {
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
    ttlSeconds: 600,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: true,
    uses: 0,
    cubbyhole: { a: { k: 'v' } },
  };
  const { token: parent } = await tokens.create({ ...plan, parent: null });
  const { token: child } = await tokens.create({ ...plan, parent: parent.name, mountId: 'm' });
  const kept = await store.scan({ from: '', to: '\x7f', limit: 1000 });
  const { token: lost } = await tokens.create({ ...plan, parent: parent.name, mountId: 'm' });
  // As if a process had died half-way through forgetting it.
  await barrier.commit([{ key: `token/${lost.name}`, value: undefined }]);

  const log: LogEntry[] = [];
  const ended: string[] = [];
  const ledger = { ofToken: async (name: string) => [`lease-of-${name}`], find: async () => undefined };
  const lending = { startEnd: async (id: string) => ended.push(id) > 0 };
  await barrier.commit([parent, child, lost].map(({ name }) => ({ key: `token-lease/${name}/x`, value: null })));
  const tidy = new Tidy({
    barrier,
    tokens,
    ledger: ledger as unknown as Ledger,
    lending: lending as unknown as Lending,
    log: (entry) => log.push(entry),
  });
  assert.equal(tidy.start('tokens'), true);
  assert.equal(tidy.start('tokens'), false);
  assert.equal(tidy.start('leases'), true);
  await tidy.idle();
  await tidy.stop();
  assert.equal(tidy.start('tokens'), false);
  assert.deepEqual(ended, [`lease-of-${lost.name}`]);
  assert.deepEqual(
    log.map(({ event }) => event),
    ['tidy.done', 'tidy.done'],
  );
  const left = (await store.scan({ from: '', to: '\x7f', limit: 1000 })).map(({ key }) => key);
  const marks = (key: string): boolean => key.startsWith('due/') || key.startsWith('token-lease/');
  assert.deepEqual(
    left.filter((key) => !marks(key)),
    kept.map(({ key }) => key).filter((key) => !marks(key)),
  );
});
