// The store stops working after any number of commits, as when the process is killed there; another
// process then sweeps what is due. Whatever was begun is finished or never was; nothing is left behind.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { Barrier } from '../../../src/broker/barrier.ts';
import type { Answer, Call } from '../../../src/broker/call.ts';
import { Cubbyholes } from '../../../src/broker/cubbyholes.ts';
import { DueTimes, shards } from '../../../src/broker/due.ts';
import type { WireEnvelope } from '../../../src/broker/http/wire.ts';
import { Lending, type LendingParts } from '../../../src/broker/lending.ts';
import type { Condition, Store, Write } from '../../../src/broker/storage/store.ts';
import type { TokenPlan } from '../../../src/broker/tokens/plan.ts';
import { Tokens, type MadeToken } from '../../../src/broker/tokens.ts';
import { Wrapping } from '../../../src/broker/wrapping.ts';
import { MemoryStore, SharedMemory } from '../../contract/memory-store.ts';
import { testBarrier } from '../support.ts';

interface Node {
  readonly barrier: Barrier;
  readonly tokens: Tokens;
  readonly lending: Lending;
  readonly wrapping: Wrapping;
}

const clock = new AdjustableClock();
/** Lets `commits` commits through, then none. */
class DyingStore extends MemoryStore implements Store {
  left = Infinity;

  override async commit(batch: readonly Write[], conditions: readonly Condition[] = []): Promise<boolean> {
    if (this.left-- <= 0) throw new Error('killed');
    return super.commit(batch, conditions);
  }
}

async function node(memory: SharedMemory, store: Store = new MemoryStore(memory)): Promise<Node> {
  const barrier = await testBarrier(store);
  const tokens = new Tokens(barrier, clock, systemRandom, () => undefined);
  const ledger = { ofToken: async () => [] };
  const lending = new Lending({ tokens, ledger } as unknown as LendingParts);
  const wrapping = new Wrapping({ tokens, cubbyholes: new Cubbyholes(barrier, tokens), lending, clock });
  return { barrier, tokens, lending, wrapping };
}

/** What the sweeper does with tokens. */
async function sweep({ barrier, tokens, lending }: Node): Promise<void> {
  const due = new DueTimes(barrier);
  for (const shard of shards) {
    for (const { kind, id } of await due.upTo(shard, clock.now(), 1000)) {
      if (kind === 'token' && (await tokens.isOver(id))) await lending.endToken(id);
    }
  }
}

const plan: TokenPlan = {
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
  cubbyhole: { a: { k: 'v' } },
};

function call(path: string, more: Partial<Call>): Call {
  const asked = {
    requestId: 'r',
    operation: 'update',
    path,
    params: {},
    body: {},
    readBody: async () => ({}),
  } as const;
  const nobody = { tokenId: undefined, token: undefined, located: undefined, wrapTtlSeconds: undefined } as const;
  return { ...asked, ...nobody, remoteAddress: '127.0.0.1', host: undefined, origin: undefined, ...more };
}

const answer: Answer = { status: 200, body: { secret: 'hush' }, audited: null, leaseId: '' };

async function wrap({ wrapping }: Node): Promise<string> {
  const wrapped = await wrapping.wrap(call('sys/wrapping/wrap', { wrapTtlSeconds: 60 }), answer);
  return (wrapped.body as WireEnvelope).wrap_info!.token;
}

/** Runs `work` with ever more commits let through, until it ends by itself; `check` looks after each. */
async function killedEverywhere<T>(
  prepare: (node: Node) => Promise<T>,
  work: (node: Node, made: T) => Promise<unknown>,
  check: (node: Node, made: T, commits: number, memory: SharedMemory) => Promise<void>,
): Promise<number> {
  for (let commits = 0; ; commits++) {
    const memory = new SharedMemory();
    const store = new DyingStore(memory);
    const first = await node(memory, store);
    const made = await prepare(first);
    store.left = commits;
    const ended = await work(first, made).then(
      () => true,
      () => false,
    );
    const second = await node(memory);
    await sweep(second);
    await check(second, made, commits, memory);
    if (ended) return commits;
  }
}

function cubbyholes(memory: SharedMemory): readonly string[] {
  return [...memory.entries.keys()].filter((key) => key.startsWith('cubbyhole/'));
}

async function family({ tokens }: Node): Promise<readonly MadeToken[]> {
  const parent = await tokens.create(plan);
  const child = await tokens.create({ ...plan, parent: parent.token.name });
  return [parent, child, await tokens.create({ ...plan, parent: child.token.name })];
}

const alive = async ({ tokens }: Node, made: readonly MadeToken[]): Promise<readonly boolean[]> =>
  Promise.all(made.map(async ({ id }) => (await tokens.lookup(id.reveal())) !== undefined));

test('a revocation killed anywhere takes all of the family or none, and nothing stays of the dead', async () => {
  const steps = await killedEverywhere(
    family,
    ({ lending }, [parent]) => lending.endToken(parent!.token.name),
    async (after, made, commits, memory) => {
      assert.deepEqual(await alive(after, made), commits === 0 ? [true, true, true] : [false, false, false]);
      assert.equal(cubbyholes(memory).length, commits === 0 ? 3 : 0);
      const left = [...memory.entries.keys()].filter((key) => /^(?:token|accessor)/.test(key));
      if (commits > 0) assert.deepEqual(left, []);
    },
  );
  assert.ok(steps >= 6, String(steps));
});

test('a revocation that leaves orphans, killed anywhere, ends the parent alone', async () => {
  await killedEverywhere(
    family,
    ({ lending }, [parent]) => lending.endToken(parent!.token.name, true),
    async (after, made, commits) => {
      assert.deepEqual(await alive(after, made), [commits === 0, true, true]);
      if (commits > 0) assert.equal((await after.tokens.byName(made[1]!.token.name))!.parent, null);
    },
  );
});

test('a wrapping killed anywhere leaves nothing that outlives its time', async () => {
  const steps = await killedEverywhere(
    async () => undefined,
    wrap,
    async (after, _made, commits, memory) => {
      assert.equal(cubbyholes(memory).length, commits === 0 ? 0 : 2);
      clock.advance(61_000);
      await sweep(after);
      assert.deepEqual(cubbyholes(memory), []);
    },
  );
  assert.equal(steps, 1);
});

test('an unwrapping killed anywhere gives the answer to nobody else, and erases it', async () => {
  await killedEverywhere(
    wrap,
    ({ wrapping }, token) => wrapping.unwrap(call('sys/wrapping/unwrap', { body: { token } })),
    async (after, token, commits, memory) => {
      const again = after.wrapping.unwrap(call('sys/wrapping/unwrap', { body: { token } }));
      if (commits === 0) assert.deepEqual((await again).body, answer.body);
      else await assert.rejects(again, /wrapping token is not valid/);
      assert.deepEqual(cubbyholes(memory), []);
    },
  );
});
