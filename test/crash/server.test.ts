// The promise of the ledger, tried: the server is killed with SIGKILL after every single write of its store and every
// single answer of AWS, in each flow, and starts again. Real processes, a real HTTP AWS. How many such points a flow
// has is counted in a run that nobody disturbs.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { until } from '../broker/aws-support.ts';
import { flows, type Flow } from './flows.ts';
import { checkAllEnd, checkBooks, crashWorld, type World } from './world.ts';

const sizes = new Map<string, readonly string[]>();

async function countSteps(world: World, flow: Flow): Promise<readonly string[]> {
  const prepared = await flow.prepare(world);
  await world.server.killAt(0);
  const { status } = await flow.run(world, prepared);
  assert.ok(status < 300, `undisturbed, ${flow.name} is answered with ${status}`);
  const steps = await world.server.steps();
  await flow.after(world, prepared, await checkBooks(world));
  return steps;
}

async function killAfter(world: World, flow: Flow, step: number): Promise<void> {
  const prepared = await flow.prepare(world);
  await world.server.killAt(step);
  const gone = world.server.gone.then(() => true);
  const running = flow.run(world, prepared).then(
    () => false,
    () => gone,
  );
  // What is done in the background may have its last steps after what can be seen of it from outside.
  if (!(await Promise.race([gone, running]))) {
    const { killAt, steps } = world.server;
    // One that had a step less is disarmed: else it would be killed at the first write of what comes after the flow.
    const alive = async (): Promise<boolean> => !(await Promise.race([gone, killAt(0).then(() => false)]));
    if (flow.parallel === true && (await alive())) return flow.after(world, prepared, await checkBooks(world));
    await until(`step ${step} of ${flow.name} comes`, () => Promise.race([gone, steps().then(() => false)]));
  }
  await Promise.all([gone, running]);
  await world.restart();
  await flow.after(world, prepared, await checkBooks(world));
}

describe(
  'killed after any write and any answer of AWS, the server restarts with no orphan, no lost lease, no double grant',
  { concurrency: 2 },
  () => {
    for (const flow of flows) {
      test(`in ${flow.name}`, async (t) => {
        const world = await crashWorld(t);
        const steps = await countSteps(world, flow);
        sizes.set(flow.name, steps);
        assert.ok(steps.includes('write'), 'the flow writes');
        // One that may have a step less may have had it when they were counted.
        const last = steps.length + (flow.parallel === true ? 1 : 0);
        for (let step = 1; step <= last; step++) await killAfter(world, flow, step);
        await checkAllEnd(world);
      });
    }
    after(() => {
      const all = [...sizes.values()];
      const writes = all.flat().filter((step) => step === 'write').length;
      const total = all.flat().length;
      console.log(
        `crash matrix: ${total} kills in ${all.length} flows, ${writes} after writes and ${total - writes} after answers of AWS`,
      );
    });
  },
);
