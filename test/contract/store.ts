// The contract of storage, run over every driver: `storeContract(name, open)` in the driver's test.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import {
  absent,
  prefixRange,
  type Condition,
  type Entry,
  type Store,
  type Write,
} from '../../src/broker/storage/store.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const text = (value: Uint8Array): string => Buffer.from(value).toString();

/** `open` gives an empty store and, in `reopen`, the same one after its process ended cleanly. */
export interface StoreUnderTest {
  readonly store: Store;
  readonly reopen: () => Promise<Store>;
  /** Of a store that is not exclusive: the same one, as a second process has it open. */
  readonly beside?: () => Promise<Store>;
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

    withStore(
      'keys are ordered by character code over all that is printable, also where one begins another',
      async ({ store }) => {
        const codes = Array.from({ length: 0x7e - 0x20 + 1 }, (_, index) => String.fromCharCode(0x20 + index));
        const keys = codes.flatMap((code) => [`o/${code}`, `o/${code}/x`, `o/${code}${code}`]);
        await store.commit(keys.toSorted(() => -1).map((key) => ({ key, value: bytes(key) })));
        const found = (await store.scan(prefixRange('o/', 1000))).map(({ key }) => key);
        assert.deepEqual(
          found,
          keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
        );
      },
    );

    withStore('a range begins at its first key and ends before its last', async ({ store }) => {
      await store.commit(['a', 'b', 'b/', 'c', 'c/'].map((key) => ({ key, value: bytes(key) })));
      const scan = async (from: string, to: string, limit = 10): Promise<string[]> =>
        (await store.scan({ from, to, limit })).map(({ key }) => key);
      assert.deepEqual(await scan('b', 'c'), ['b', 'b/']);
      assert.deepEqual(await scan('b\0', 'c/'), ['b/', 'c']);
      assert.deepEqual(await scan('c', 'b'), []);
      assert.deepEqual(await scan('b', 'b'), []);
      assert.deepEqual(await scan('', '\x7f', 0), []);
      assert.deepEqual(await scan('', '\x7f'), ['a', 'b', 'b/', 'c', 'c/']);
    });

    withStore('values of any bytes come back as they were, empty and large ones too', async ({ store }) => {
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251);
      await store.commit([
        { key: 'v/empty', value: new Uint8Array() },
        { key: 'v/every', value: every },
        { key: 'v/large', value: large },
      ]);
      const found = await store.scan(prefixRange('v/', 10));
      assert.deepEqual(
        found.map(({ value }) => Buffer.from(value)),
        [Buffer.alloc(0), Buffer.from(every), Buffer.from(large)],
      );
    });

    withStore('a value that its writer changes afterwards is stored as it was given', async ({ store }) => {
      const value = Buffer.from('given');
      const written = store.commit([{ key: 'k', value }]);
      await written;
      value.fill(0);
      assert.equal(text((await store.get('k'))!.value), 'given');
    });

    withStore('a key of 1,024 characters is kept', async ({ store }) => {
      const key = 'k'.repeat(1024);
      await store.commit([{ key, value: bytes('1') }]);
      assert.equal(text((await store.get(key))!.value), '1');
    });

    withStore(
      'every write gives a key a version it never had, over deletes and openings',
      async ({ store, reopen }) => {
        const seen = new Set<string>();
        const write = async (to: Store): Promise<void> => {
          await to.commit([{ key: 'k', value: bytes('same') }]);
          const { version } = (await to.get('k'))!;
          assert.ok(!seen.has(version) && version !== absent, `version ${version} is new`);
          seen.add(version);
        };
        for (let round = 0; round < 5; round++) {
          await write(store);
          await write(store);
          await store.commit([{ key: 'k', value: undefined }]);
        }
        await store.close();
        const again = await reopen();
        await write(again);
        await again.close();
      },
    );

    withStore('a get and a scan tell the same version', async ({ store }) => {
      await store.commit([{ key: 'k', value: bytes('1') }]);
      assert.deepEqual(await store.scan(prefixRange('k', 1)), [await store.get('k')]);
    });

    withStore('a read tells what was written last, also of a key that was read before', async ({ store, reopen }) => {
      const read = async (from: Store = store): Promise<string | undefined> => {
        const [first, second] = [await from.get('k'), await from.get('k')];
        assert.deepEqual(first, second);
        return first === undefined ? undefined : text(first.value);
      };
      assert.equal(await read(), undefined);
      await store.commit([{ key: 'k', value: bytes('1') }]);
      assert.equal(await read(), '1');
      const refused = store.commit([
        { key: 'k', value: bytes('2') },
        { key: 'none', value: bytes('2'), expect: '1' },
      ]);
      assert.equal(await refused, false);
      assert.equal(await read(), '1');
      await store.commit([{ key: 'k', value: undefined }]);
      assert.equal(await read(), undefined);
      await store.commit([{ key: 'k', value: bytes('3') }]);
      assert.equal(await read(), '3');
      const [, during] = await Promise.all([store.commit([{ key: 'k', value: bytes('4') }]), read()]);
      assert.ok(during === '3' || during === '4');
      assert.equal(await read(), '4');
      await store.close();
      await assert.rejects(() => store.get('k'), { code: 'storage-failed' });
      const again = await reopen();
      assert.equal(await read(again), '4');
      await again.close();
    });

    withStore('deleting what is not there succeeds, unless it was expected', async ({ store }) => {
      assert.equal(await store.commit([{ key: 'none', value: undefined }]), true);
      assert.equal(await store.commit([{ key: 'none', value: undefined, expect: absent }]), true);
      assert.equal(await store.commit([{ key: 'none', value: undefined, expect: '1' }]), false);
    });

    withStore('an empty batch depends on its conditions alone', async ({ store }) => {
      assert.equal(await store.commit([]), true);
      assert.equal(await store.commit([], [{ key: 'none', expect: absent }]), true);
      assert.equal(await store.commit([], [{ key: 'none', expect: '1' }]), false);
    });

    withStore(
      'of batches sent at once, a refused one leaves nothing and stops none of the others',
      async ({ store }) => {
        await store.commit([{ key: 'held', value: bytes('x') }]);
        const outcomes = await Promise.all([
          store.commit([{ key: 'first', value: bytes('1') }]),
          store.commit([
            { key: 'half', value: bytes('2') },
            { key: 'held', value: undefined, expect: absent },
          ]),
          store.commit([{ key: 'last', value: bytes('3') }], [{ key: 'half', expect: absent }]),
        ]);
        assert.deepEqual(outcomes, [true, false, true]);
        assert.deepEqual(
          (await store.scan(prefixRange('', 10))).map(({ key }) => key),
          ['first', 'held', 'last'],
        );
      },
    );

    withStore('counters raised at once by compare-and-set lose no step', async ({ store }) => {
      const raise = async (): Promise<void> => {
        for (;;) {
          const found = await store.get('count');
          const next = bytes(String(Number(found === undefined ? 0 : text(found.value)) + 1));
          if (await store.commit([{ key: 'count', value: next, expect: found?.version ?? absent }])) return;
        }
      };
      await Promise.all(Array.from({ length: 30 }, raise));
      assert.equal(text((await store.get('count'))!.value), '30');
    });

    withStore('any history of batches leaves what a plain table would hold', async ({ store }) => {
      let history = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(anyBatch, { maxLength: 12 }), async (batches) => {
          // Each history has keys of its own, so that all may share one store.
          const under = `history/${String(++history).padStart(4, '0')}/`;
          const model = new Map<string, Entry>();
          for (const batch of batches) await sameInModel(store, model, under, batch);
          const found = await store.scan(prefixRange(under, 100));
          assert.deepEqual(
            found.map(({ key, value }) => `${key}=${text(value)}`),
            [...model.values()].sort(byKey).map(({ key, value }) => `${key}=${text(value)}`),
          );
        }),
        { numRuns: 40 },
      );
    });

    withStore('what one process wrote, another reads at once and builds on', async ({ store, beside }) => {
      const other = await beside?.();
      assert.equal(store.exclusive, other === undefined, 'a store is exclusive or can be opened beside');
      if (other === undefined) return;
      await store.commit([{ key: 'k', value: bytes('1'), expect: absent }]);
      const { version } = (await other.get('k'))!;
      assert.equal(await other.commit([{ key: 'k', value: bytes('2'), expect: version }]), true);
      assert.equal(await store.commit([{ key: 'k', value: bytes('3'), expect: version }]), false);
      await other.close();
      assert.equal(text((await store.get('k'))!.value), '2');
    });

    withStore('a batch sent before the store is closed becomes durable', async ({ store, reopen }) => {
      const sent = store.commit([{ key: 'k', value: bytes('1') }]);
      await store.close();
      const durable = await sent.catch(() => false);
      const again = await reopen();
      assert.equal((await again.get('k')) !== undefined, durable);
      await again.close();
    });

    withStore('a closed store refuses to read and to write', async ({ store }) => {
      await store.close();
      await store.close();
      await assert.rejects(() => store.commit([{ key: 'k', value: bytes('1') }]), { code: 'storage-failed' });
      await assert.rejects(() => store.get('k'), { code: 'storage-failed' });
      await assert.rejects(() => store.scan(prefixRange('', 1)), { code: 'storage-failed' });
    });
  });
}

/** What a batch of the history does to one key; `expect` is whether it names the present version or a wrong one. */
interface Step {
  readonly key: string;
  readonly value: string | undefined;
  readonly expect: 'present' | 'wrong' | undefined;
}

const anyStep = fc.record({
  key: fc.constantFrom('a', 'b', 'b/c', 'd'),
  value: fc.option(fc.string({ maxLength: 3 }), { nil: undefined }),
  expect: fc.option(fc.constantFrom('present' as const, 'present' as const, 'wrong' as const), {
    nil: undefined,
  }),
});
const anyBatch = fc.record({
  writes: fc.uniqueArray(anyStep, { selector: ({ key }) => key, maxLength: 4 }),
  conditions: fc.array(anyStep, { maxLength: 2 }),
});

async function sameInModel(
  store: Store,
  model: Map<string, Entry>,
  under: string,
  { writes, conditions }: { readonly writes: readonly Step[]; readonly conditions: readonly Step[] },
): Promise<void> {
  const versionOf = ({ key, expect }: Step): string =>
    expect === 'wrong' ? 'never a version' : (model.get(under + key)?.version ?? absent);
  const batch = writes.map((step): Write => {
    const { key, value, expect } = step;
    const write = { key: under + key, value: value === undefined ? undefined : bytes(value) };
    return expect === undefined ? write : { ...write, expect: versionOf(step) };
  });
  const guards = conditions.map((step): Condition => ({ key: under + step.key, expect: versionOf(step) }));
  const holds = ![...writes, ...conditions].some(({ expect }) => expect === 'wrong');
  assert.equal(await store.commit(batch, guards), holds);
  if (!holds) return;
  for (const { key } of batch) {
    const found = await store.get(key);
    if (found === undefined) model.delete(key);
    else model.set(key, found);
  }
  for (const { key, value } of batch) assert.deepEqual(valueOf(model.get(key)), valueOf(value && { value }));
}

function valueOf(entry: { readonly value: Uint8Array } | undefined): string | undefined {
  return entry === undefined ? undefined : text(entry.value);
}

function byKey(a: Entry, b: Entry): number {
  return a.key < b.key ? -1 : 1;
}
