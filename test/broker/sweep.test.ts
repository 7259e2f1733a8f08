// The sweeper's parts on a store that several nodes share: shards, claims, lanes.
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { AdjustableClock } from '../../src/base/index.ts';
import type { Barrier } from '../../src/broker/barrier.ts';
import { dueKey, DueTimes, shards, type Due } from '../../src/broker/due.ts';
import { forEachAtOnce, Lanes } from '../../src/broker/lanes.ts';
import { Ledger } from '../../src/broker/ledger.ts';
import type { Lease } from '../../src/broker/model.ts';
import { ShardHolds } from '../../src/broker/shards.ts';
import { MemoryStore, SharedMemory } from '../contract/memory-store.ts';
import { testBarrier } from './support.ts';

function openBarrier(memory: SharedMemory): Promise<Barrier> {
  return testBarrier(new MemoryStore(memory));
}

function frozenClock(): AdjustableClock {
  const clock = new AdjustableClock();
  clock.freeze(true);
  return clock;
}

test('every due time is found once, in time order within its shard, and not before its time', async () => {
  const barrier = await openBarrier(new SharedMemory());
  const all = Array.from({ length: 300 }, (_, index): Due => ({
    at: 1000 + (index % 50),
    kind: 'lease',
    id: `aws/${index}`,
  }));
  await barrier.commit(all.map((due) => ({ key: dueKey(due), value: null })));
  const due = new DueTimes(barrier);
  const found: Due[] = [];
  for (const shard of shards) {
    let last: Due | undefined;
    do {
      const page = await due.upTo(shard, 1024, 7, last);
      for (const one of page) assert.ok(one.at >= (last?.at ?? 0), 'in time order');
      found.push(...page);
      last = page.at(-1);
    } while (last !== undefined);
  }
  assert.deepEqual(new Set(found.map(({ id }) => id)), new Set(all.filter(({ at }) => at <= 1024).map(({ id }) => id)));
  assert.equal(found.length, 150);
  assert.equal(await due.next(shards, 1024), 1025);
  assert.equal(await due.next(shards, 2000), undefined);
});

test('due times of a store from before there were shards are found on their shards', async () => {
  const barrier = await openBarrier(new SharedMemory());
  const ids = Array.from({ length: 1200 }, (_, index) => `aws/creds/deploy/${index}`);
  await barrier.commit(
    ids.map((id, index) => ({ key: `due/${String(5000 + index).padStart(15, '0')}/lease/${id}`, value: null })),
  );
  const due = new DueTimes(barrier);
  await due.upgrade();
  await due.upgrade();
  const pages = await Promise.all(shards.map((shard) => due.upTo(shard, 9999, 2000)));
  assert.deepEqual(new Set(pages.flat().map(({ id }) => id)), new Set(ids));
  assert.equal(pages.flat().find(({ id }) => id === ids[7])?.at, 5007);
  assert.deepEqual(await barrier.keys('due/', 1, '0', ':'), []);
});

test('nodes share the shards out fairly, and take over those of a node that died', async () => {
  const memory = new SharedMemory();
  const clock = frozenClock();
  const node = async (name: string): Promise<ShardHolds> => new ShardHolds(await openBarrier(memory), clock, name);
  const [a, b, c] = [await node('a'), await node('b'), await node('c')];
  assert.deepEqual([...(await a.mine())].sort(), [...shards]);
  assert.deepEqual(await b.mine(), [], 'all are held by a node that lives');
  clock.advance(21_000);
  assert.equal((await a.mine()).length, 8, 'half is given back when a second node lives');
  clock.advance(1);
  const ofB = await b.mine();
  clock.advance(21_000);
  const both = [...(await a.mine()), ...(await b.mine())];
  assert.deepEqual([...both].sort(), [...shards]);
  assert.equal(ofB.length + 8, shards.length);
  // Node a dies: it tells no more that it lives.
  clock.advance(61_000);
  await b.mine();
  clock.advance(21_000);
  assert.deepEqual([...(await b.mine())].sort(), [...shards]);
  await b.release();
  assert.deepEqual([...(await c.mine())].sort(), [...shards], 'what was given back is free at once');
});

function intent(id: string, now: number): Lease {
  return {
    version: 1,
    id,
    mountPath: 'aws',
    mountId: 'm',
    role: 'deploy',
    kind: 'iam_user',
    strength: 'deletes',
    state: 'granting',
    tokenName: 't',
    displayName: 'token',
    startedAt: now,
    expiresAt: now + 2_400_000,
    ttlSeconds: 1800,
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

async function twoNodes(): Promise<{
  clock: AdjustableClock;
  barrier: Barrier;
  one: Ledger;
  other: Ledger;
  id: string;
}> {
  const memory = new SharedMemory();
  const clock = frozenClock();
  const barrier = await openBarrier(memory);
  const one = new Ledger(barrier, clock, 'one', () => {});
  const other = new Ledger(await openBarrier(memory), clock, 'other', () => {});
  const id = 'aws/creds/deploy/aaaa';
  await one.open(intent(id, clock.now()), []);
  const times = { expiresAt: clock.now() + 1_800_000, ttlSeconds: 1800 };
  await one.apply(id, { type: 'granted', ...times, facts: {}, secret: { accessKeyId: 'AKIA' } });
  return { clock, barrier, one, other, id };
}

test('of nodes that claim the same lease at once, one may act', async () => {
  const { clock, one, other, id } = await twoNodes();
  const until = clock.now() + 120_000;
  const claims = await Promise.all(
    [one, other, one, other].map((ledger) => ledger.claim(id, until, { type: 'revoke' })),
  );
  const [first, second] = [claims[0] !== undefined, claims[1] !== undefined];
  assert.notEqual(first, second);
  assert.deepEqual(
    claims.map((claim) => claim !== undefined),
    [first, second, first, second],
  );
});

test('a claim whose node died is free when its time is over, and is found by then', async () => {
  const { clock, barrier, one, other, id } = await twoNodes();
  const until = clock.now() + 120_000;
  await one.claim(id, until, { type: 'revoke' });
  assert.equal(await other.claim(id, until, { type: 'revoke' }), undefined);
  assert.equal(await new DueTimes(barrier).next(shards, clock.now()), until);
  clock.advance(120_000);
  assert.equal((await other.claim(id, clock.now() + 120_000))?.lease?.claim?.node, 'other');
});

test('what a process was at work on is known to the next one, and nothing else is', async () => {
  const { clock, one, other, id } = await twoNodes();
  const ids = async (ledger: Ledger): Promise<readonly string[]> => {
    const found: string[] = [];
    for await (const page of ledger.atWork()) {
      for (const lease of await Promise.all(page.map((name) => ledger.find(name)))) {
        if (lease !== undefined && ledger.isOthersWork(lease)) found.push(lease.id);
      }
    }
    return found;
  };
  assert.deepEqual(await ids(other), []);
  await one.open(intent('aws/creds/deploy/half', clock.now()), []);
  await one.claim(id, clock.now() + 120_000, { type: 'revoke' });
  assert.deepEqual(await ids(one), []);
  assert.deepEqual(await ids(other), ['aws/creds/deploy/half', id]);
  await one.apply(id, { type: 'acted', found: true, gone: true }, { type: 'probed', answer: 'refused' });
  assert.deepEqual(await ids(other), ['aws/creds/deploy/half']);
});

test('a due mark is dropped only while the lease asks for another time', async () => {
  const { clock, one, id } = await twoNodes();
  const now: Due = { at: (await one.find(id))!.dueAt!, kind: 'lease', id };
  assert.equal(await one.dropStale(now), false);
  await one.apply(id, { type: 'renewed', expiresAt: clock.now() + 3_600_000, ttlSeconds: 3600 });
  assert.equal(await one.dropStale(now), true);
  assert.equal(await one.dropStale({ ...now, at: (await one.find(id))!.dueAt! }), false);
  assert.equal(await one.dropStale({ at: 5, kind: 'lease', id: 'unknown' }), true);
});

test('a lease that cannot be ended is listed as stuck until it has ended', async () => {
  const { clock, one, id } = await twoNodes();
  await one.apply(id, { type: 'revoke' });
  for (let tries = 0; tries < 6; tries++) {
    assert.deepEqual(await one.stuck(10), []);
    clock.advance(3_600_000);
    await one.apply(id, { type: 'act-failed', error: 'no answer' });
  }
  assert.deepEqual(
    (await one.stuck(10)).map(({ id: stuck, lastError }) => [stuck, lastError]),
    [[id, 'no answer']],
  );
  assert.equal(await one.count('aws/'), 1);
  await one.apply(id, { type: 'acted', found: true, gone: true }, { type: 'probed', answer: 'refused' });
  assert.deepEqual(await one.stuck(10), []);
  assert.equal(await one.count('aws/'), 0);
});

test('a lane does so much at once, in the order of coming, and other lanes go on', async () => {
  const lanes = new Lanes({ atOnce: 2, perSecond: 1000 });
  const began: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => (): Promise<void> => {
    began.push(name);
    return new Promise((resolve) => ends.set(name, resolve));
  };
  const runs = ['a1', 'a2', 'a3', 'a4', 'b1'].map((name) => lanes.run(name[0]!, work(name)));
  await new Promise(setImmediate);
  assert.deepEqual([...began].sort(), ['a1', 'a2', 'b1']);
  assert.equal(lanes.waiting('a'), 2);
  ends.get('a2')!();
  await runs[1];
  await new Promise(setImmediate);
  assert.deepEqual(began.slice(3), ['a3']);
  for (const name of ['a1', 'a3', 'b1']) ends.get(name)!();
  await runs[0];
  await new Promise(setImmediate);
  ends.get('a4')!();
  await Promise.all(runs);
});

test('a lane that is throttled goes at half its pace, once for all that were under way, and recovers', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const clock = frozenClock();
  const lanes = new Lanes({ atOnce: 100, perSecond: 8 }, clock);
  let done = 0;
  const go = (work: Parameters<typeof lanes.run>[1]): Promise<void> => lanes.run('a', work).then(() => void done++);
  // All began before the first throttling was known: one news, one halving.
  let answer: (() => void) | undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const refused = Array.from({ length: 10 }, () => go(async (report) => answered.then(() => report.throttled())));
  await new Promise(setImmediate);
  answer!();
  await Promise.all(refused);
  const later = Array.from({ length: 8 }, () => go(async (report) => report.borne()));
  const pass = async (millis: number): Promise<void> => {
    clock.advance(millis);
    mock.timers.tick(millis);
    for (let turns = 0; turns < 50; turns++) await Promise.resolve();
  };
  await pass(0);
  assert.equal(done, 10, 'nothing is saved up after a throttling');
  await pass(1000);
  assert.ok(done >= 12 && done <= 15, `${done - 10} in a second at half of 8`);
  for (let seconds = 0; seconds < 8; seconds++) await pass(1000);
  assert.equal(done, 18);
  await Promise.all(later);
});

test('closed lanes send away who waits and let end what runs', async () => {
  const lanes = new Lanes({ atOnce: 1, perSecond: 1000 });
  let end: (() => void) | undefined;
  const running = lanes.run('a', () => new Promise<void>((resolve) => (end = resolve)));
  const waiting = lanes.run('a', async () => assert.fail('ran'));
  await new Promise(setImmediate);
  lanes.stop();
  end!();
  await running;
  await assert.rejects(waiting, /closed/);
});

test('of many pieces of work all are tried, and the first failure is told', async () => {
  const tried: number[] = [];
  const work = async (item: number): Promise<void> => {
    tried.push(item);
    if (item % 3 === 1) throw new Error(`piece ${item}`);
  };
  await assert.rejects(forEachAtOnce([0, 1, 2, 3, 4, 5], 2, work), /piece 1/);
  assert.deepEqual(new Set(tried), new Set([0, 1, 2, 3, 4, 5]));
});
