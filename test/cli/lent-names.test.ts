// The names of what a server lends, as completion has them: how long an answer is good, and for whom.
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { DefinedTarget, TargetSource } from '../../src/assume/index.ts';
import { forgetLentNames, lentNames } from '../../src/cli/lent-names.ts';

const alice = { server: 'http://127.0.0.1:8200', borrower: 'a' };

interface Asking {
  readonly sessions: string;
  /** How often the server was asked. */
  asked: number;
  lends: readonly string[];
  now: number;
  ask(borrowing?: typeof alice): Promise<readonly string[]>;
}

function asking(t: TestContext): Asking {
  const home = mkdtempSync(join(tmpdir(), 'stint-lent-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const state: Asking = {
    sessions: join(home, 'sessions'),
    asked: 0,
    lends: ['lend:x', 'lend:team/y'],
    now: Date.now(),
    ask: (borrowing = alice) => lentNames(source, borrowing, state.sessions, { now: () => state.now }),
  };
  const source: TargetSource = {
    label: 's',
    find: async () => undefined,
    list: async () => {
      state.asked++;
      return state.lends.map((name): DefinedTarget => ({ name, roleArn: '', mfa: false }));
    },
  };
  return state;
}

test('an answer is good for 30 seconds, and one without names for 5', async (t) => {
  const state = asking(t);
  const first = await state.ask();
  assert.deepEqual(first, ['lend:x', 'lend:team/y']);
  state.lends = [];
  state.now += 29_999;
  assert.deepEqual(await state.ask(), first);
  assert.equal(state.asked, 1);
  state.now += 1;
  assert.deepEqual(await state.ask(), []);
  state.lends = ['lend:z'];
  state.now += 4999;
  assert.deepEqual(await state.ask(), []);
  state.now += 1;
  assert.deepEqual(await state.ask(), ['lend:z']);
  assert.equal(state.asked, 3);
});

test('an answer is for one server and one token, and for no time before it', async (t) => {
  const state = asking(t);
  await state.ask();
  await state.ask({ ...alice, borrower: 'b' });
  assert.equal(state.asked, 2);
  await state.ask({ ...alice, server: 'http://127.0.0.1:8201' });
  assert.equal(state.asked, 3);
  state.now -= 1;
  await state.ask({ ...alice, server: 'http://127.0.0.1:8201' });
  assert.equal(state.asked, 4, 'the clock was set back');
});

test('an answer is private, and goes when it is forgotten or is not private any more', async (t) => {
  const state = asking(t);
  await state.ask();
  const ready = join(state.sessions, 'ready');
  assert.deepEqual(readdirSync(ready), ['lent']);
  assert.equal(statSync(join(ready, 'lent')).mode & 0o777, 0o600);
  assert.equal(statSync(ready).mode & 0o777, 0o700);
  chmodSync(join(ready, 'lent'), 0o640);
  await state.ask();
  assert.equal(state.asked, 2);
  assert.match(readFileSync(join(ready, 'lent'), 'utf8'), /lend:x/);
  forgetLentNames(state.sessions);
  assert.deepEqual(readdirSync(ready), []);
  forgetLentNames(state.sessions);
  await state.ask();
  assert.equal(state.asked, 3);
});
