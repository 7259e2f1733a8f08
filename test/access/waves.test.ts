import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Account } from '../../src/aws/index.ts';
import type { Journal } from '../../src/access/index.ts';
import type { Step } from '../../src/access/plan.ts';
import { runSteps, type RunContext, type RunOutcome } from '../../src/access/waves.ts';

/** `2/dev#1` is the step `1` of the account `dev` in wave 2; what follows ` <` are the steps that it waits for. */
function stepOf(text: string): Step {
  const [id = '', after = ''] = text.split(' <');
  const [, wave = '0', account = ''] = /^(\d+)\/([^#]+)#/.exec(id) ?? [];
  return {
    id,
    account,
    wave: Number(wave),
    rank: 0,
    operation: 'createRole',
    input: {},
    inverse: [],
    after: after === '' ? [] : after.split(','),
  };
}

const journal: Journal = { file: '', run: '', begin: () => 1, end: () => undefined, close: () => undefined };

/** Runs steps of which some fail; tells in which order the calls began. */
async function run(
  texts: readonly string[],
  failing: readonly string[] = [],
  over: Partial<RunContext> = {},
): Promise<RunOutcome & { readonly order: readonly string[] }> {
  const order: string[] = [];
  const outcome = await runSteps(texts.map(stepOf), {
    journal,
    account: async (id) => ({ id }) as Account,
    execute: async (_, { id }) => {
      order.push(id);
      await new Promise((resolve) => setImmediate(resolve));
      if (failing.includes(id)) throw Object.assign(new Error('no'), { name: 'AccessDenied' });
    },
    ...over,
  });
  return { ...outcome, order };
}

const accounts = (wave: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `${wave}/a${at}#1`);

describe('a wave', () => {
  const cases: readonly {
    readonly name: string;
    readonly tolerate?: RunContext['tolerate'];
    readonly failing: number;
    readonly nextStarts: boolean;
  }[] = [
    { name: 'in which nothing fails is followed by the next', failing: 0, nextStarts: true },
    { name: 'in which one fails is the last', failing: 1, nextStarts: false },
    { name: 'in which one of one tolerated fails is not', tolerate: { accounts: 1 }, failing: 1, nextStarts: true },
    {
      name: 'in which two of one tolerated fail is the last',
      tolerate: { accounts: 1 },
      failing: 2,
      nextStarts: false,
    },
    { name: 'in which a tenth of a tenth fails is not', tolerate: { percent: 10 }, failing: 2, nextStarts: true },
    { name: 'in which more than a tenth fails is the last', tolerate: { percent: 10 }, failing: 3, nextStarts: false },
  ];
  for (const { name, tolerate, failing, nextStarts } of cases) {
    test(name, async () => {
      const first = accounts(0, 20);
      const { order, notStarted } = await run([...first, '1/z#1'], first.slice(0, failing), { tolerate });
      assert.equal(order.includes('1/z#1'), nextStarts);
      assert.equal(notStarted.includes('1/z#1'), !nextStarts);
    });
  }

  test('of a hundred accounts stops beginning new ones once too many have failed; what has begun goes on', async () => {
    const steps = Array.from({ length: 100 }, (_, at) => [`0/a${at}#1`, `0/a${at}#2`]).flat();
    const { order, notStarted } = await run(steps, ['0/a3#1']);
    assert.ok(order.includes('0/a2#2') && order.includes('0/a15#2') && !order.includes('0/a3#2'));
    assert.ok(!order.includes('0/a60#1') && notStarted.includes('0/a60#1'), order.join());
  });
});

test('accounts that wait for others give up their place, so that no number of them blocks', async () => {
  const waiting = Array.from({ length: 40 }, (_, at) => `0/w${at}#1 <0/last#1`);
  const { done, order } = await run([...waiting, '0/last#1']);
  assert.equal(done, 41);
  assert.equal(order[0], '0/last#1');
});

test('what waits for a step that failed is not tried, and neither is the rest of its account', async () => {
  const { order, failures, notStarted } = await run(['0/a#1', '0/b#1 <0/a#1', '0/b#2'], ['0/a#1']);
  assert.deepEqual([order, failures.length, notStarted], [['0/a#1'], 1, ['0/b#1', '0/b#2']]);
});

test('a stop lets the calls under way end, starts none, and is no failure', async () => {
  const stop = new AbortController();
  const { done, failures, notStarted } = await run(['0/a#1', '0/a#2', '1/b#1'], [], {
    signal: stop.signal,
    onEvent: ({ type }) => void (type === 'step' && stop.abort()),
  });
  assert.deepEqual([done, failures, notStarted], [1, [], ['0/a#2', '1/b#1']]);
});

test('a call that waited for its next try when it was stopped counts as not started', async () => {
  const stop = new AbortController();
  const { failures, notStarted } = await run(['0/a#1'], [], {
    signal: stop.signal,
    execute: async () => {
      stop.abort();
      stop.signal.throwIfAborted();
    },
  });
  assert.deepEqual([failures, notStarted], [[], ['0/a#1']]);
});
