// What is kept of transactions' tokens: SDKs make one for every call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdjustableClock } from '../../../src/base/index.ts';
import type { Call } from '../../../src/cloud/call.ts';
import { isRepeated } from '../../../src/cloud/services/dynamodb/client-tokens.ts';
import { State } from '../../../src/cloud/state.ts';
import { tableName } from '../../../src/cloud/world.ts';
import { dev } from '../support.ts';

function world() {
  const state = new State();
  const clock = new AdjustableClock();
  clock.freeze(true);
  const call = {
    world: { table: state.table.bind(state) },
    clock,
    account: dev,
    region: 'us-east-1',
  } as unknown as Call;
  return {
    clock,
    use: (ClientRequestToken: string) =>
      state.transaction(() => isRepeated({ ClientRequestToken, TransactItems: [] }, call)),
    kept: () =>
      ['dynamodb.transaction', 'dynamodb.transaction-end'].map((name) => state.table(tableName(name)).count(dev)),
  };
}

test('tokens whose ten minutes are over are forgotten with what comes, two at a time', async () => {
  const { clock, use, kept } = world();
  for (let token = 0; token < 10; token++) await use(`old-${token}`);
  assert.deepEqual(kept(), [10, 10]);
  clock.advance(600_001);
  for (let token = 0; token < 5; token++) await use(`new-${token}`);
  assert.deepEqual(kept(), [5, 5]);
});

test('a token that was used again is remembered from its last use', async () => {
  const { clock, use } = world();
  await use('again');
  clock.advance(600_000);
  assert.equal(await use('again'), false);
  clock.advance(599_999);
  await use('other');
  assert.equal(await use('again'), true);
});
