// Ids in order while they come and go, beside the naive way.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HmacKey } from '../../src/cloud/signature/canonical.ts';
import { SortedIds } from '../../src/cloud/sorted-ids.ts';

function listOf(ids: SortedIds, after?: string): string[] {
  const list: string[] = [];
  for (let id = ids.next(after); id !== undefined; id = ids.next(id)) list.push(id);
  return list;
}

test('ids stay in order through thousands of additions and removals', () => {
  let seed = 7;
  const random = (limit: number) => (seed = (seed * 48_271) % 2_147_483_647) % limit;
  const naive = new Set(Array.from({ length: 1500 }, (_, index) => `start-${index}`));
  const ids = new SortedIds(naive);
  for (let step = 0; step < 6000; step++) {
    const id = step < 3000 ? `id-${random(100_000)}` : ([...naive][random(naive.size)] ?? 'none');
    if (naive.delete(id)) ids.remove(id);
    else {
      naive.add(id);
      ids.add(id);
    }
    if (step % 500 !== 0) continue;
    const sorted = [...naive].sort();
    assert.deepEqual(listOf(ids), sorted);
    const after = `id-${random(100_000)}`;
    assert.deepEqual(
      listOf(ids, after),
      sorted.filter((one) => one > after),
    );
  }
});

test('a set that was emptied takes ids again', () => {
  const ids = new SortedIds(['b']);
  ids.remove('b');
  assert.deepEqual([ids.next(undefined), ids.next('a')], [undefined, undefined]);
  ids.add('c');
  ids.add('a');
  assert.deepEqual(listOf(ids), ['a', 'c']);
});

test('the two hashes of a key are HMAC-SHA-256, for keys and texts of any length', () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 }));
  fc.assert(
    fc.property(bytes, fc.array(fc.string({ unit: 'grapheme', maxLength: 300 }), { minLength: 1 }), (key, texts) => {
      const fast = new HmacKey(key);
      for (const text of texts) assert.deepEqual(fast.sign(text), createHmac('sha256', key).update(text).digest());
    }),
  );
});
