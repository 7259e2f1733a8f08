import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Departures } from '../../../src/broker/http/departures.ts';

test('what leaves together leaves in order, in the same turn, and what comes after it in the next', async () => {
  const departures = new Departures();
  const left: number[] = [];
  departures.add(() => {
    left.push(1);
    departures.add(() => left.push(3));
  });
  departures.add(() => left.push(2));
  assert.deepEqual(left, []);
  await turn();
  assert.deepEqual(left, [1, 2]);
  await turn();
  assert.deepEqual(left, [1, 2, 3]);
});

test('of very many, none waits for all others', async () => {
  const departures = new Departures();
  let left = 0;
  let mostBehind = 0;
  for (let added = 1; added <= 1000; added++) {
    departures.add(() => left++);
    mostBehind = Math.max(mostBehind, added - left);
  }
  assert.ok(mostBehind < 50, `${mostBehind} waited at once`);
  await turn();
  assert.equal(left, 1000);
});
