// The barrier below HTTP: several processes on one store, counts, damaged records, forgotten keys.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { Barrier, mark } from '../../../src/broker/barrier.ts';
import { isRotationDue, newKeyRing, readKeyRing } from '../../../src/broker/seal/key-ring.ts';
import { initializeStore } from '../../../src/broker/seal/keys.ts';
import { decryptRecord, encryptRecord } from '../../../src/broker/seal/record.ts';
import { openSqliteStore } from '../../../src/broker/storage/sqlite.ts';
import type { Store } from '../../../src/broker/storage/store.ts';
import { temporaryFolder } from '../support.ts';

interface Opened {
  readonly store: Store;
  readonly rootKey: Uint8Array;
  /** Another barrier on the same store, as another process would have it. */
  readonly open: () => Promise<Barrier>;
}

async function opened(t: TestContext): Promise<Opened> {
  const folder = temporaryFolder((remove) => t.after(remove));
  const store = openSqliteStore(join(folder, 'stint.db'));
  t.after(() => store.close());
  const parts = { store, clock: new AdjustableClock(), random: systemRandom };
  const key = Buffer.alloc(32, 1);
  const rootKey = (await initializeStore(parts, { seal: undefined, key, shares: 1, threshold: 1 }))!;
  return { store, rootKey, open: async () => (await Barrier.open(parts, rootKey))! };
}

test('a process reads and writes on when another one rotated, also twice, also the root key', async (t) => {
  const { open } = await opened(t);
  const [one, other] = [await open(), await open()];
  await one.commit([{ key: 'k/a', value: 1 }]);
  await one.rotate();
  await one.commit([{ key: 'k/b', value: 2 }]);
  assert.equal((await other.get('k/b'))?.value, 2);
  await one.replaceRootKey(systemRandom.bytes(32), []);
  await one.commit([{ key: 'k/c', value: 3 }]);
  assert.deepEqual(
    (await other.scan('k/', 100)).map(({ value }) => value),
    [1, 2, 3],
  );
  // The other one learns of the new root key when it needs it.
  await other.rotate();
  await other.commit([{ key: 'k/d', value: 4 }]);
  assert.equal((await one.get('k/d'))?.value, 4);
  assert.deepEqual([one.keyStatus().term, other.keyStatus().term], [3, 3]);
});

test('two that rotate at once lose nothing', async (t) => {
  const { open } = await opened(t);
  const [one, other] = [await open(), await open()];
  await Promise.all([one.rotate(), other.rotate(), one.commit([{ key: 'a', value: 1 }])]);
  await Promise.all([one.commit([{ key: 'b', value: 2 }]), other.commit([{ key: 'c', value: 3 }])]);
  const third = await open();
  for (const [key, value] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const) {
    for (const barrier of [one, other, third]) assert.equal((await barrier.get(key))?.value, value);
  }
});

test('encryptions are counted over restarts; a kill loses fewer than 10,000', async (t) => {
  const { open } = await opened(t);
  const first = await open();
  const batch = Array.from({ length: 1000 }, (_, at) => ({ key: `k${at}`, value: at }));
  for (let round = 0; round < 12; round++) await first.commit(batch);
  const counted = first.keyStatus().encryptions;
  assert.ok(counted >= 12_000 && counted < 12_100, String(counted));
  const afterKill = (await open()).keyStatus().encryptions;
  assert.ok(afterKill >= counted - 10_000, String(afterKill));
  await first.forget();
  const after = (await open()).keyStatus().encryptions;
  assert.ok(after >= counted, `${after} of ${counted}`);
});

test('a forgotten barrier does nothing more', async (t) => {
  const { open } = await opened(t);
  const barrier = await open();
  await barrier.commit([{ key: 'a', value: 1 }]);
  await barrier.forget();
  const sealed = { code: 'sealed', message: 'Vault is sealed' };
  await assert.rejects(barrier.get('a'), sealed);
  await assert.rejects(barrier.commit([{ key: 'a', value: 2 }]), sealed);
  await assert.rejects(barrier.rotate(), sealed);
  assert.throws(() => barrier.keyStatus(), sealed);
});

test('a wrong root key opens nothing; a changed, moved or cut record is refused', async (t) => {
  const { open, store } = await opened(t);
  const parts = { store, clock: new AdjustableClock(), random: systemRandom };
  assert.equal(await Barrier.open(parts, Buffer.alloc(32, 9)), undefined);
  const barrier = await open();
  await barrier.commit([{ key: 'a', value: 'one' }]);
  const { value } = (await store.get('a'))!;
  const changed = Buffer.from(value);
  changed[changed.length - 20]! ^= 1;
  const otherTerm = Buffer.from(value);
  otherTerm.writeUInt32BE(77, 0);
  for (const [key, record] of [
    ['b', value],
    ['a', changed],
    ['a', otherTerm],
    ['a', value.subarray(0, 20)],
    ['a', Buffer.alloc(0)],
  ] as const) {
    await store.commit([{ key, value: record }]);
    await assert.rejects(barrier.get(key), { code: 'store-tampered' });
  }
});

test('a mark is listed and waited for, counts as no encryption, and never opens, also in the place of a value', async (t) => {
  const { open, store } = await opened(t);
  const barrier = await open();
  const before = barrier.keyStatus().encryptions;
  await barrier.commit([{ key: 'due/1', value: mark }]);
  assert.equal(barrier.keyStatus().encryptions, before);
  assert.deepEqual(await barrier.keys('due/', 10), ['due/1']);
  const expect = await barrier.version('due/1');
  assert.equal(await barrier.commit([{ key: 'a', value: 1 }], [{ key: 'due/1', expect }]), true);
  await store.commit([{ key: 'a', value: (await store.get('due/1'))!.value }]);
  for (const key of ['due/1', 'a']) await assert.rejects(() => barrier.get(key), { code: 'store-tampered' });
  await barrier.commit([{ key: 'due/1', value: undefined }]);
  assert.equal(await barrier.commit([{ key: 'b', value: 1 }], [{ key: 'due/1', expect }]), false);
});

test('a record is term, version, nonce, ciphertext and tag, and stays so', () => {
  const key = Buffer.alloc(32, 7);
  const random = { bytes: (length: number) => new Uint8Array(length).fill(5) };
  const hex = '000000030105050505050505050505050599d3e60aebac0244d23c7b9083823ae647b2d6e08b1537';
  assert.equal(Buffer.from(encryptRecord('{"a":1}', 'core/test', 3, key, random)).toString('hex'), hex);
  assert.equal(decryptRecord(Buffer.from(hex, 'hex'), 'core/test', key)?.toString(), '{"a":1}');
  assert.equal(decryptRecord(Buffer.from(hex, 'hex'), 'core/other', key), undefined);
});

test('a key is due after enough operations or enough time, unless that is off', () => {
  const ring = newKeyRing(systemRandom, 1000);
  const rotation = { enabled: true, maxOperations: 1_000_000, intervalSeconds: 86_400 };
  const due = (change: Partial<typeof rotation>, encryptions: number, now: number): boolean =>
    isRotationDue({ ...ring, rotation: { ...rotation, ...change } }, encryptions, now);
  assert.equal(due({}, 999_999, 1000), false);
  assert.equal(due({}, 1_000_000, 1000), true);
  assert.equal(due({}, 0, 1000 + 86_400_000), true);
  assert.equal(due({ intervalSeconds: 0 }, 0, 1e13), false);
  assert.equal(due({ enabled: false }, 2_000_000, 1e13), false);
});

test('a key ring of a newer version is refused', () => {
  assert.throws(() => readKeyRing('{"version":3}', 0), { code: 'store-too-new' });
});
