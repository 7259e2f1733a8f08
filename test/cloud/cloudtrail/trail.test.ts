// What the history holds at most.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trail, type TrailEvent } from '../../../src/cloud/trail.ts';
import { shownInput } from '../../../src/cloud/trail-parameters.ts';
import { dev } from '../support.ts';

function eventOf(region: string): Omit<TrailEvent, 'seq'> {
  return {
    at: 0,
    account: dev,
    region,
    service: 'iam',
    operation: 'ListUsers',
    requestId: '',
    principal: { type: 'Anonymous' },
    sourceIp: '127.0.0.1',
    userAgent: '',
    host: '',
    secure: false,
    parameters: null,
    answer: null,
    shared: false,
  };
}

test('the newest ten thousand events are kept over all regions, and a region that had none left may have some again', () => {
  const trail = new Trail();
  for (let index = 0; index < 10_002; index++) trail.record(eventOf(`region-${index}`));
  const kept = (region: string) => [...trail.newest(dev, region)].map(({ seq }) => seq);
  assert.deepEqual([kept('region-0'), kept('region-1'), kept('region-2')], [[], [], [3]]);
  trail.record(eventOf('region-0'));
  trail.record(eventOf('region-0'));
  assert.deepEqual([kept('region-0'), kept('region-2'), kept('region-3')], [[10_004, 10_003], [], []]);
});

test('parameters of more than 100 KB are left out as a whole', () => {
  const documents = (size: number) =>
    shownInput('iam', 'SimulateCustomPolicy', { PolicyInputList: ['x'.repeat(size), '{}'] });
  assert.deepEqual(documents(102_398), { policyInputList: ['x'.repeat(102_398), '{}'] });
  assert.equal(documents(102_399), null);
});
