// The contract of a store that can be copied and replaced as a whole, run over every driver that can.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { absent, prefixRange, type CopyableStore, type Entry, type Store } from '../../src/broker/storage/store.ts';

export interface CopyableUnderTest {
  readonly store: CopyableStore;
  readonly reopen: () => Promise<Store>;
  readonly cleanUp: () => Promise<void>;
}

const bytes = (text: string): Uint8Array => Buffer.from(text);
const textOf = (entry: Entry | undefined): string | undefined =>
  entry === undefined ? undefined : Buffer.from(entry.value).toString();

async function all(pages: AsyncIterable<readonly Entry[]>): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for await (const page of pages) for (const entry of page) found.set(entry.key, textOf(entry)!);
  return found;
}

export function copiesContract(name: string, open: () => Promise<CopyableUnderTest>): void {
  const withStore = (title: string, run: (under: CopyableUnderTest) => Promise<void>): void => {
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

  describe(`copies of a store: ${name}`, () => {
    withStore('a snapshot is one moment, in key order, however much is written meanwhile', async ({ store }) => {
      // Two keys are always written together: a copy that tears a batch shows them different.
      const pair = (value: number): { key: string; value: Uint8Array }[] =>
        ['first', 'second'].map((key) => ({ key, value: bytes(String(value)) }));
      const filler = Array.from({ length: 3000 }, (_, at) => ({
        key: `fill/${String(at).padStart(5, '0')}`,
        value: Buffer.alloc(400),
      }));
      await store.commit([...filler, ...pair(0)]);
      const ended = new AbortController();
      let last = 0;
      const writer = (async () => {
        while (!ended.signal.aborted) await store.commit(pair(++last));
      })();
      const copies = await Promise.all([store.snapshot(), store.snapshot()]);
      ended.abort();
      await writer;
      await store.commit([{ key: 'first', value: undefined }]);
      for (const copy of copies) {
        const found = await all(copy.pages());
        assert.equal(found.size, 3002);
        assert.equal(found.get('first'), found.get('second'));
        assert.deepEqual([...found.keys()], [...found.keys()].sort());
        assert.deepEqual(await all(copy.pages()), found);
        await copy.close();
      }
      assert.ok(last > 0);
    });

    withStore('a replacement takes over as a whole, and versions are not used again', async ({ store, reopen }) => {
      await store.commit([
        { key: 'kept', value: bytes('old') },
        { key: 'gone', value: bytes('old') },
      ]);
      const before = (await store.get('kept'))!.version;
      const next = await store.replacement();
      assert.equal((await next.store.scan(prefixRange('', 10))).length, 0);
      await next.store.commit([{ key: 'kept', value: bytes('new'), expect: absent }]);
      await next.store.commit([{ key: 'more', value: bytes('new') }]);
      await store.commit([{ key: 'late', value: bytes('old') }]);
      const reads = async (): Promise<readonly (string | undefined)[]> =>
        Promise.all(['kept', 'gone', 'more'].map(async (key) => textOf(await store.get(key))));
      assert.deepEqual(await reads(), ['old', 'old', undefined]);
      await next.install();
      assert.deepEqual(await reads(), ['new', undefined, 'new']);
      assert.deepEqual(
        (await store.scan(prefixRange('', 10))).map((entry) => [entry.key, textOf(entry)]),
        [
          ['kept', 'new'],
          ['more', 'new'],
        ],
      );
      assert.equal(await store.commit([{ key: 'kept', value: bytes('x'), expect: before }]), false);
      const { version } = (await store.get('more'))!;
      assert.equal(await store.commit([{ key: 'more', value: bytes('y'), expect: version }]), true);
      await store.close();
      const again = await reopen();
      assert.equal(textOf(await again.get('more')), 'y');
      assert.equal(await again.get('gone'), undefined);
      await again.close();
    });

    withStore('a replacement that is discarded leaves no trace', async ({ store }) => {
      await store.commit([{ key: 'kept', value: bytes('old') }]);
      const next = await store.replacement();
      await next.store.commit([{ key: 'kept', value: bytes('new') }]);
      await next.discard();
      assert.equal(textOf(await store.get('kept')), 'old');
      assert.equal(await store.commit([{ key: 'more', value: bytes('1') }]), true);
    });
  });
}
