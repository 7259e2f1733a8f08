// The contract of storage, run over every driver: `storeContract(name, open)` in the driver's test.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { absent, prefixRange, type Store } from '../../src/broker/storage/store.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();

/** `open` gives an empty store and, in `reopen`, the same one after its process ended cleanly. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly reopen: () => Promise<Store>;
  readonly cleanUp: () => Promise<void>;
}

export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const withStore = (title: string, run: (under: StoreUnderTest) => Promise<void>): void => {
    test(title, async () => {
      const under = await open();
      try {
        await run(under);
      } finally {
        await under.store.close();
        await under.cleanUp();
      }
    });
  };

  describe(`the store contract: ${name}`, () => {
    withStore('what was committed is read back, also after the store was opened again', async ({ store, reopen }) => {
      assert.equal(await store.get('a'), undefined);
      assert.equal(await store.commit([{ key: 'a', value: bytes('1') }]), true);
      assert.equal(text((await store.get('a'))!.value), '1');
      await store.close();
      const again = await reopen();
      assert.equal(text((await again.get('a'))!.value), '1');
      await again.close();
    });

    withStore('a batch is written as a whole or not at all', async ({ store }) => {
      await store.commit([{ key: 'held', value: bytes('x') }]);
      const batch = [
        { key: 'new', value: bytes('1') },
        { key: 'held', value: bytes('2'), expect: absent },
      ];
      assert.equal(await store.commit(batch), false);
      assert.equal(await store.get('new'), undefined);
      assert.equal(text((await store.get('held'))!.value), 'x');
    });

    withStore('a write that expects another version is refused', async ({ store }) => {
      await store.commit([{ key: 'k', value: bytes('1') }]);
      const { version } = (await store.get('k'))!;
      assert.equal(await store.commit([{ key: 'k', value: bytes('2'), expect: version }]), true);
      assert.equal(await store.commit([{ key: 'k', value: bytes('3'), expect: version }]), false);
      assert.equal(text((await store.get('k'))!.value), '2');
    });

    withStore('a version is not used again after a delete', async ({ store }) => {
      await store.commit([{ key: 'k', value: bytes('1') }]);
      const { version } = (await store.get('k'))!;
      await store.commit([{ key: 'k', value: undefined, expect: version }]);
      await store.commit([{ key: 'k', value: bytes('1'), expect: absent }]);
      assert.equal(await store.commit([{ key: 'k', value: bytes('2'), expect: version }]), false);
    });

    withStore('a batch may depend on keys it does not write', async ({ store }) => {
      await store.commit([{ key: 'guard', value: bytes('1') }]);
      const { version } = (await store.get('guard'))!;
      assert.equal(await store.commit([{ key: 'a', value: bytes('a') }], [{ key: 'guard', expect: version }]), true);
      await store.commit([{ key: 'guard', value: bytes('2') }]);
      assert.equal(await store.commit([{ key: 'b', value: bytes('b') }], [{ key: 'guard', expect: version }]), false);
      assert.equal(await store.get('b'), undefined);
      assert.equal(await store.commit([{ key: 'c', value: bytes('c') }], [{ key: 'none', expect: absent }]), true);
    });

    withStore('of many at once that expect the same version, one wins', async ({ store }) => {
      await store.commit([{ key: 'k', value: bytes('0') }]);
      const { version } = (await store.get('k'))!;
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.commit([{ key: 'k', value: bytes(String(index)), expect: version }]),
        ),
      );
      assert.equal(outcomes.filter(Boolean).length, 1);
    });

    withStore('many batches at once all become durable', async ({ store }) => {
      const keys = Array.from({ length: 200 }, (_, index) => `many/${String(index).padStart(3, '0')}`);
      await Promise.all(keys.map((key) => store.commit([{ key, value: bytes(key) }])));
      const found = await store.scan(prefixRange('many/', 1000));
      assert.deepEqual(
        found.map(({ key }) => key),
        keys,
      );
    });

    withStore('a scan is ordered by character code, bounded, and can go on after a key', async ({ store }) => {
      const keys = ['a/1', 'a/2', 'a/B', 'a/_', 'a/b', 'a0', 'b'];
      await store.commit([...keys].reverse().map((key) => ({ key, value: bytes(key) })));
      const scan = async (...range: Parameters<typeof prefixRange>): Promise<string[]> =>
        (await store.scan(prefixRange(...range))).map(({ key }) => key);
      assert.deepEqual(await scan('a/', 10), ['a/1', 'a/2', 'a/B', 'a/_', 'a/b']);
      assert.deepEqual(await scan('a/', 2), ['a/1', 'a/2']);
      assert.deepEqual(await scan('a/', 2, 'a/2'), ['a/B', 'a/_']);
      assert.deepEqual(await scan('none/', 10), []);
    });

    withStore('a closed store refuses to write', async ({ store }) => {
      await store.close();
      await assert.rejects(() => store.commit([{ key: 'k', value: bytes('1') }]), { code: 'storage-failed' });
    });
  });
}
