import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { openSqliteStore } from '../../../src/broker/storage/sqlite.ts';
import { copiesContract } from '../../contract/copies.ts';
import { storeContract } from '../../contract/store.ts';
import { temporaryFolder } from '../support.ts';

storeContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-broker-test-'));
  const file = join(folder, 'stint.db');
  return {
    store: openSqliteStore(file),
    reopen: async () => openSqliteStore(file),
    cleanUp: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

copiesContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-broker-test-'));
  const file = join(folder, 'stint.db');
  return {
    store: openSqliteStore(file),
    reopen: async () => openSqliteStore(file),
    cleanUp: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

test('copies are for the owner alone, and what a killed process left of them is removed', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const file = join(folder, 'stint.db');
  const store = openSqliteStore(file);
  await store.commit([{ key: 'k', value: Buffer.from('1') }]);
  const copy = await store.snapshot();
  const next = await store.replacement();
  const files = (): string[] => readdirSync(folder).filter((name) => /\.(?:snapshot|restore)-/.test(name));
  assert.ok(files().length >= 2);
  for (const name of files()) assert.equal(statSync(join(folder, name)).mode & 0o077, 0, name);
  await copy.close();
  await next.discard();
  assert.deepEqual(files(), []);
  writeFileSync(`${file}.restore-1`, 'left');
  writeFileSync(`${file}.snapshot-7-wal`, 'left');
  await store.close();
  await openSqliteStore(file).close();
  assert.deepEqual(files(), []);
});

test('a second opener of the same file is refused and told why', async (t) => {
  const file = join(
    temporaryFolder((remove) => t.after(remove)),
    'stint.db',
  );
  const store = openSqliteStore(file);
  assert.throws(() => openSqliteStore(file), { code: 'storage-in-use' });
  await store.close();
  await openSqliteStore(file).close();
});

test('a store of a newer format is refused and left as it is', async (t) => {
  const file = join(
    temporaryFolder((remove) => t.after(remove)),
    'stint.db',
  );
  await openSqliteStore(file).close();
  const raw = new DatabaseSync(file);
  raw.exec('PRAGMA user_version=99');
  raw.close();
  assert.throws(() => openSqliteStore(file), { code: 'store-too-new' });
});

test('a file that is no store is refused', (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  assert.throws(() => openSqliteStore(folder), { code: 'storage-failed' });
});

test('a full disk refuses the batch, keeps what was there, and goes on when there is room again', async (t) => {
  const file = join(
    temporaryFolder((remove) => t.after(remove)),
    'stint.db',
  );
  const store = openSqliteStore(file, { maxPages: 12 });
  await store.commit([{ key: 'kept', value: Buffer.from('1') }]);
  assert.equal(Buffer.from((await store.get('kept'))!.value).toString(), '1');
  const refused = [
    { key: 'kept', value: Buffer.from('2') },
    { key: 'big', value: Buffer.alloc(200_000) },
  ];
  await assert.rejects(() => store.commit(refused), { code: 'storage-failed' });
  assert.equal(await store.get('big'), undefined);
  assert.equal(Buffer.from((await store.get('kept'))!.value).toString(), '1');
  assert.equal(await store.commit([{ key: 'small', value: Buffer.from('2') }]), true);
  await store.close();
});

test('what a refused batch was to change is read as it was, in the batch and beside it', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const store = openSqliteStore(join(folder, 'stint.db'), { maxPages: 12 });
  await store.commit(['a', 'b'].map((key) => ({ key, value: Buffer.from('before') })));
  const { version } = (await store.get('a'))!;
  const big = { key: 'big', value: Buffer.alloc(200_000) };
  const refused = [
    store.commit([{ key: 'a', value: Buffer.from('after') }, { key: 'b', value: undefined }, big]),
    store.commit([{ key: 'c', value: Buffer.from('after') }]),
  ];
  for (const one of refused) await assert.rejects(one, { code: 'storage-failed' });
  const now = await Promise.all(['a', 'b', 'c'].map((key) => store.get(key)));
  assert.deepEqual(
    now.map((entry) => entry && Buffer.from(entry.value).toString()),
    ['before', 'before', undefined],
  );
  assert.equal(await store.commit([{ key: 'a', value: Buffer.from('then'), expect: version }]), true);
  await store.close();
});

test('a value that its owner changes after the commit is read as it was committed', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const store = openSqliteStore(join(folder, 'stint.db'));
  const value = Buffer.from('before');
  await store.commit([{ key: 'k', value }]);
  value.fill(0);
  assert.equal(Buffer.from((await store.get('k'))!.value).toString(), 'before');
  await store.close();
});

test('of many keys written over and over, each is read as it was written last', async (t) => {
  const folder = temporaryFolder((remove) => t.after(remove));
  const store = openSqliteStore(join(folder, 'stint.db'));
  const keys = Array.from({ length: 9000 }, (_, index) => `k/${String(index).padStart(5, '0')}`);
  const write = (text: string, from: number): Promise<boolean> =>
    store.commit(keys.slice(from).map((key) => ({ key, value: Buffer.from(text) })));
  await write('first', 0);
  for (const key of keys) await store.get(key);
  await write('second', 4500);
  await write('third', 8000);
  await store.commit([{ key: keys[0]!, value: undefined }]);
  const found = await Promise.all(keys.map(async (key) => (await store.get(key))?.value));
  const texts = found.map((value) => value && Buffer.from(value).toString());
  assert.deepEqual([texts[0], texts[1], texts[4499], texts[4500]], [undefined, 'first', 'first', 'second']);
  assert.deepEqual([texts[7999], texts[8000], texts[8999]], ['second', 'third', 'third']);
  await store.close();
});
