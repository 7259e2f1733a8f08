// AWS fails or hangs at every single call of a flow, before the call took effect and after. How many calls a flow makes
// is counted in a run that nobody disturbs. Whatever happens, the books are right afterwards.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { flows, type Flow } from './flows.ts';
import { checkAllEnd, checkBooks, crashWorld, type World } from './world.ts';

/** Ways of AWS to fail; `after` is the answer that gets lost when the call took effect. */
const faults = {
  'is throttled': { when: 'before', error: { code: 'Throttling', status: 400 } },
  'is refused': { when: 'before', error: { code: 'AccessDenied', status: 403 } },
  breaks: { when: 'before', error: { code: 'ServiceFailure', status: 500 } },
  'never answers': { when: 'before', hang: true },
  'breaks after it took effect': { when: 'after', error: { code: 'ServiceFailure', status: 500 } },
  'never answers after it took effect': { when: 'after', hang: true },
} as const;

let struck = 0;

async function countCalls(world: World, flow: Flow): Promise<number> {
  const prepared = await flow.prepare(world);
  await world.server.killAt(0);
  await flow.run(world, prepared);
  const steps = await world.server.steps();
  await flow.after(world, prepared, await checkBooks(world));
  return steps.filter((step) => step !== 'write').length;
}

async function failAt(world: World, flow: Flow, nth: number, fault: object): Promise<void> {
  const prepared = await flow.prepare(world);
  await world.control('POST', 'faults', { service: flow.service, operation: '*', nth, count: 1, ...fault });
  const { status } = await flow.run(world, prepared);
  assert.ok(status !== 0);
  const { faults: armed } = (await world.control('GET', 'faults')) as { faults: { seen: number }[] };
  // A call that AWS refuses by itself, such as looking for what is gone, meets no fault that comes after it.
  if (armed[0]!.seen >= nth) struck++;
  await world.control('DELETE', 'faults');
  await flow.after(world, prepared, await checkBooks(world));
}

describe(
  'whichever call of AWS fails, no orphan is left, no lease is lost, and no key outlives its lease',
  { concurrency: 2 },
  () => {
    for (const flow of flows.filter(({ waitsForAws }) => waitsForAws)) {
      test(`in ${flow.name}`, async (t) => {
        const world = await crashWorld(t, { STINT_AWS_TIMEOUT: '2s' });
        const calls = await countCalls(world, flow);
        assert.ok(calls > 0);
        for (let nth = 1; nth <= calls; nth++) {
          for (const fault of Object.values(faults)) await failAt(world, flow, nth, fault);
        }
        await checkAllEnd(world);
      });
    }
    after(() => console.log(`fault matrix: ${struck} calls of AWS failed, in ${Object.keys(faults).length} ways`));
  },
);
