// What happens to kept records between two reads: grants that are confirmed, mounts that are replaced, due times that are
// asked for anew.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { AdjustableClock, systemRandom } from '../../src/base/index.ts';
import type { Barrier } from '../../src/broker/barrier.ts';
import { DueTimes, shards } from '../../src/broker/due.ts';
import type { Engine } from '../../src/broker/engines/engine.ts';
import { keepEndedMillis, Ledger } from '../../src/broker/ledger.ts';
import type { Lease } from '../../src/broker/model.ts';
import { Mounts } from '../../src/broker/mounts.ts';
import { openSqliteStore } from '../../src/broker/storage/sqlite.ts';
import type { Store } from '../../src/broker/storage/store.ts';
import { Tokens } from '../../src/broker/tokens.ts';
import { temporaryFolder, testBarrier } from './support.ts';

describe('a token', () => {
  test('is not made by a parent that ends meanwhile', async (t) => {
    const { barrier } = await ownStore(t);
    const tokens = new Tokens(barrier, new AdjustableClock(), systemRandom, () => {});
    const plan = {
      policies: ['default'],
      displayName: 'x',
      path: 'auth/token/create',
      meta: {},
      ttlSeconds: 600,
      explicitMaxTtlSeconds: 0,
      periodSeconds: 0,
      renewable: true,
      uses: 0,
    };
    const { token: parent } = await tokens.create({ ...plan, parent: null });
    await tokens.end(parent.name);
    await assert.rejects(() => tokens.create({ ...plan, parent: parent.name }), /token/);
    await tokens.forget(parent.name);
    await assert.rejects(() => tokens.create({ ...plan, parent: parent.name }), { code: 'permission-denied' });
    assert.deepEqual(await tokens.children(parent.name), []);
  });
});

describe('a mount', () => {
  const engine = { type: 'aws', paths: [], close: () => {} } as unknown as Engine;
  const ask = { config: {}, options: {}, local: false, sealWrap: false };

  test('that took the path of one being disabled is left alone', async (t) => {
    const { barrier } = await ownStore(t);
    const mounts = new Mounts(barrier, systemRandom, { engines: [engine], methods: [] }, () => {});
    await mounts.enable('aws', 'aws', { ...ask, description: 'first' });
    const first = (await mounts.get('aws'))!;
    await mounts.retire(first);
    await mounts.enable('aws', 'aws', { ...ask, description: 'second' });
    await mounts.retire(first);
    await assert.rejects(() => mounts.tune(first, (before) => ({ ...before, tainted: true })), {
      code: 'mount-unknown',
    });
    assert.deepEqual([(await mounts.get('aws'))?.description, (await mounts.get('aws'))?.tainted], ['second', false]);
  });

  test('what was asked for while the last asking was seen to is not taken back with it', async (t) => {
    const { barrier } = await ownStore(t);
    const mounts = new Mounts(barrier, systemRandom, { engines: [engine], methods: [] }, () => {});
    const marks = async (): Promise<readonly string[]> =>
      (await barrier.keys('due/', 10)).map((key) => /\d{15}/.exec(key)![0]).map((text) => String(Number(text)));
    await mounts.schedule('m', 'work', 1000);
    assert.equal(await mounts.reschedule('m', 'work', 1000, 2000), true);
    assert.deepEqual(await marks(), ['2000']);
    await mounts.schedule('m', 'work', 3000);
    assert.equal(await mounts.reschedule('m', 'work', 2000, undefined), false);
    assert.deepEqual(await marks(), ['3000']);
    assert.equal(await mounts.reschedule('m', 'work', 3000, undefined), true);
    assert.deepEqual(await marks(), []);
    assert.equal(await mounts.reschedule('m', 'work', 3000, 4000), false, 'nothing is asked for any more');
  });
});

describe('the ledger', () => {
  test('finds a grant that is confirmed between two of its reads', async (t) => {
    let between: (() => Promise<void>) | undefined;
    const { barrier } = await ownStore(t, async (prefix) => {
      if (!prefix.startsWith('lease/')) return;
      const work = between;
      between = undefined;
      await work?.();
    });
    const ledger = new Ledger(barrier, new AdjustableClock(), 'node', () => {});
    await ledger.open(intent('aws/creds/a/1'), []);
    between = async () => void (await ledger.apply('aws/creds/a/1', granted));
    assert.deepEqual(await ledger.withPrefix('aws/'), ['aws/creds/a/1']);
  });

  test('knows of a mount whether a lease of it has not ended, by its id and not by its path', async (t) => {
    const { barrier } = await ownStore(t);
    const clock = new AdjustableClock();
    const ledger = new Ledger(barrier, clock, 'node', () => {});
    await ledger.open(intent('aws/creds/a/1'), []);
    await ledger.apply('aws/creds/a/1', granted);
    assert.deepEqual([await ledger.holdsOf('mount'), await ledger.holdsOf('other')], [true, false]);
    await end(ledger, 'aws/creds/a/1');
    assert.equal(await ledger.holdsOf('mount'), false);
  });

  test('marks a lease that has ended to be forgotten, and forgets no other', async (t) => {
    const { barrier } = await ownStore(t);
    const clock = new AdjustableClock();
    clock.freeze(true);
    const ledger = new Ledger(barrier, clock, 'node', () => {});
    for (const id of ['aws/creds/a/1', 'aws/creds/a/2']) {
      await ledger.open(intent(id), []);
      await ledger.apply(id, granted);
    }
    await end(ledger, 'aws/creds/a/1');
    clock.advance(keepEndedMillis - 1);
    const due = new DueTimes(barrier);
    const kinds = async (): Promise<readonly string[]> => {
      const found = await Promise.all(shards.map((shard) => due.upTo(shard, clock.now(), 10)));
      return found.flat().flatMap(({ kind, id }) => (kind === 'past' ? [id] : []));
    };
    assert.deepEqual(await kinds(), []);
    clock.advance(1);
    assert.deepEqual(await kinds(), ['aws/creds/a/1']);
    for (const id of ['aws/creds/a/1', 'aws/creds/a/2'])
      await ledger.forgetEnded({ at: clock.now(), kind: 'past', id });
    assert.equal(await ledger.find('aws/creds/a/1'), undefined);
    assert.equal((await ledger.find('aws/creds/a/2'))?.state, 'active');
    assert.deepEqual(await kinds(), []);
  });
});

const granted = {
  type: 'granted',
  expiresAt: Date.now() + 3 * keepEndedMillis,
  ttlSeconds: 600,
  facts: {},
  secret: null,
} as const;

async function end(ledger: Ledger, id: string): Promise<void> {
  await ledger.apply(id, { type: 'revoke' });
  await ledger.apply(id, { type: 'acted', found: true, gone: true });
  await ledger.apply(id, { type: 'probed', answer: 'refused' });
  assert.equal((await ledger.find(id))?.state, 'dead');
}

function intent(id: string): Lease {
  const now = Date.now();
  return {
    version: 1,
    id,
    mountPath: 'aws',
    mountId: 'mount',
    role: 'a',
    kind: 'iam_user',
    strength: 'deletes',
    state: 'granting',
    tokenName: 'token',
    displayName: 'root',
    startedAt: now,
    expiresAt: now + 600_000,
    ttlSeconds: 600,
    renewable: true,
    lastRenewedAt: null,
    confirmed: false,
    removed: false,
    endReason: null,
    attempts: 0,
    lastError: null,
    dueAt: now + 600_000,
    claim: null,
    facts: {},
    secret: null,
    steps: [{ state: 'granting', at: now }],
  };
}

/** A barrier on a store of its own; `afterScan` runs after each range was read, with the range's start. */
async function ownStore(
  t: TestContext,
  afterScan: (from: string) => Promise<void> = async () => {},
): Promise<{ barrier: Barrier }> {
  const folder = temporaryFolder((remove) => t.after(remove));
  const store = openSqliteStore(join(folder, 'stint.db'));
  const watched: Store = {
    exclusive: store.exclusive,
    get: (key) => store.get(key),
    scan: async (range) => {
      const entries = await store.scan(range);
      await afterScan(range.from);
      return entries;
    },
    commit: (batch, conditions) => store.commit(batch, conditions),
    close: () => store.close(),
  };
  t.after(() => store.close());
  return { barrier: await testBarrier(watched) };
}
