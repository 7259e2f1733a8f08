import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { finish, type Finished } from '../cli/support.ts';
import { definitions, startCrashWorld, type CrashWorld, type Fate, type SeenCall } from './access-world.ts';

type Name = keyof typeof definitions;

interface Way {
  readonly name: string;
  /** Applied before, undisturbed. */
  readonly from?: Name;
  /** Arguments of the run that is disturbed, and of the one that comes after it. */
  readonly run: (world: CrashWorld) => readonly string[];
}

const ways: readonly Way[] = [
  { name: 'an apply from nothing', run: (world) => ['apply', '--yes', '--config', world.file('first')] },
  {
    name: 'an apply that changes, makes and removes',
    from: 'first',
    run: (world) => ['apply', '--yes', '--config', world.file('second')],
  },
  { name: 'a destroy', from: 'second', run: (world) => ['destroy', '--yes', '--config', world.file('second')] },
];

async function prepare(world: CrashWorld, { from }: Way): Promise<void> {
  await world.reset();
  if (from !== undefined) assertDone(await world.stint('apply', '--yes', '--config', world.file(from)));
  world.count();
}

const assertDone = ({ code, stderr }: Finished): void => assert.equal(code, 0, stderr);

/** The books after an undisturbed run, and its calls in order. */
async function undisturbed(world: CrashWorld, way: Way): Promise<{ books: string; calls: readonly SeenCall[] }> {
  await prepare(world, way);
  const calls: SeenCall[] = [];
  world.watch = { before: (call) => (calls.push(call), 'pass') };
  assertDone(await world.stint(...way.run(world)));
  world.watch = {};
  return { books: await world.books(), calls };
}

/** The same run once more comes to the same end, with nothing left over and nothing of others touched. */
async function assertConverges(world: CrashWorld, way: Way, books: string, what: string): Promise<void> {
  world.watch = {};
  const again = await world.stint(...way.run(world));
  assert.equal(again.code, 0, `${what}: ${again.stderr}`);
  assert.equal(await world.books(), books, what);
}

describe('killed after any call', { concurrency: true }, () => {
  for (const way of ways) {
    test(`${way.name}: the next one comes to the same end`, async (t) => {
      const world = await startCrashWorld();
      t.after(() => world.stop());
      const { books, calls } = await undisturbed(world, way);
      // What reads leaves nothing behind: of those that follow one another the last one stands for all.
      const fatal = calls.filter((call, at) => call.writes || calls[at + 1]?.writes !== false);
      assert.ok(fatal.length > 10, String(fatal.length));
      for (const { number, operation } of fatal) {
        await prepare(world, way);
        const child = world.spawn(...way.run(world));
        world.watch = { after: (call) => void (call.number === number && child.kill('SIGKILL')) };
        const { code, stderr } = await finish(child);
        assert.equal(code, null, `${operation} ${number}: ${stderr}`);
        await assertConverges(world, way, books, `killed after call ${number}, ${operation}`);
      }
    });
  }
});

describe('a call denied', { concurrency: true }, () => {
  for (const way of ways) {
    test(`${way.name}: it stops there, and the next one comes to the same end`, async (t) => {
      const world = await startCrashWorld();
      t.after(() => world.stop());
      const { books, calls } = await undisturbed(world, way);
      const denied: Fate = { code: 'AccessDenied', status: 403 };
      for (const { number, operation } of calls.filter(({ writes }) => writes)) {
        await prepare(world, way);
        world.watch = { before: (call) => (call.number === number ? denied : 'pass') };
        await world.stint(...way.run(world));
        await assertConverges(world, way, books, `denied call ${number}, ${operation}`);
      }
    });
  }
});

describe('every call disturbed once', { concurrency: true }, () => {
  const fates: Readonly<Record<string, Fate>> = {
    throttled: { code: 'Throttling', status: 400 },
    'refused with a 500': { code: 'ServiceFailure', status: 500 },
    'done, its answer lost': 'lost',
  };
  for (const way of ways) {
    for (const [what, fate] of Object.entries(fates)) {
      test(`${what}: ${way.name} comes to its end at once`, async (t) => {
        const world = await startCrashWorld();
        t.after(() => world.stop());
        const { books, calls } = await undisturbed(world, way);
        await prepare(world, way);
        const known = new Set<string>();
        let disturbed = 0;
        const before = ({ text }: SeenCall): Fate => {
          if (known.has(text)) return 'pass';
          known.add(text);
          disturbed++;
          return fate;
        };
        world.watch = { before };
        assertDone(await world.stint(...way.run(world)));
        assert.ok(disturbed >= calls.filter(({ writes }) => writes).length);
        await assertConverges(world, way, books, what);
      });
    }
  }
});
