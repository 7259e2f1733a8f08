import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { test, type TestContext } from 'node:test';
import { isFailure, Secret } from '../../src/base/index.ts';
import { State } from '../../src/cloud/state.ts';
import { openStateFile } from '../../src/cloud/state-file.ts';
import { tableName } from '../../src/cloud/world.ts';

const rows = tableName<{ readonly text: string; readonly secret?: Secret; readonly bytes?: Uint8Array }>('test.row');

function scratch(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'stint-state-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function written(directory: string): Promise<void> {
  const state = new State(openStateFile(directory));
  await state.transaction(() =>
    state
      .table(rows)
      .put('1', 'a', { text: 'hunter2-text', secret: new Secret('hunter2'), bytes: Uint8Array.of(1, 2, 3) }),
  );
  await state.close();
}

const failsWith = (code: string) => (error: unknown) => {
  assert.ok(isFailure(error), String(error));
  assert.equal(error.code, code);
  assert.ok((error.hint ?? '').length > 0);
  return true;
};

test('a state directory is opened again with the same rows, secrets and bytes', async (context) => {
  const directory = scratch(context);
  await written(directory);
  const state = new State(openStateFile(directory));
  const row = state.table(rows).get('1', 'a');
  assert.equal(row?.text, 'hunter2-text');
  assert.equal(row.secret?.reveal(), 'hunter2');
  assert.deepEqual(row.bytes, Uint8Array.of(1, 2, 3));
  await state.transaction(() => state.clear());
  await state.close();
  const again = new State(openStateFile(directory));
  assert.equal(again.table(rows).count('1'), 0);
  await again.close();
});

test('no value stands in clear in the state directory, and the key is for its owner only', async (context) => {
  const directory = scratch(context);
  await written(directory);
  for (const name of readdirSync(directory)) assert.ok(!readFileSync(join(directory, name)).includes('hunter2'), name);
  assert.equal(statSync(join(directory, 'state.key')).mode & 0o777, 0o600);
});

test('a second opening of the same directory is refused and leaves the first one working', async (context) => {
  const directory = scratch(context);
  const state = new State(openStateFile(directory));
  assert.throws(() => openStateFile(directory), failsWith('state-in-use'));
  await state.transaction(() => state.table(rows).put('1', 'a', { text: 'a' }));
  await state.close();
});

test('a state of a newer version is refused', async (context) => {
  const directory = scratch(context);
  await written(directory);
  const database = new DatabaseSync(join(directory, 'state.db'));
  database.exec('UPDATE state_version SET version = 2');
  database.close();
  assert.throws(() => openStateFile(directory), failsWith('state-newer'));
});

test('a state without its key, or with another one, is refused', async (context) => {
  const directory = scratch(context);
  await written(directory);
  const key = join(directory, 'state.key');
  copyFileSync(key, `${key}.copy`);
  writeFileSync(key, Buffer.alloc(32));
  assert.throws(() => new State(openStateFile(directory)), failsWith('state-corrupt'));
  writeFileSync(key, 'short');
  assert.throws(() => openStateFile(directory), failsWith('state-corrupt'));
  rmSync(key);
  assert.throws(() => openStateFile(directory), failsWith('state-key-missing'));
  copyFileSync(`${key}.copy`, key);
  await new State(openStateFile(directory)).close();
});

test('a damaged, truncated or foreign state file is refused', async (context) => {
  const directory = scratch(context);
  await written(directory);
  const file = join(directory, 'state.db');
  const whole = readFileSync(file);
  truncateSync(file, whole.length - 4096);
  assert.throws(() => new State(openStateFile(directory)), failsWith('state-corrupt'));
  writeFileSync(file, 'this is no database, only some text that somebody left here\n'.repeat(100));
  assert.throws(() => openStateFile(directory), failsWith('state-corrupt'));
  writeFileSync(file, whole);
  const database = new DatabaseSync(file);
  database.exec(`UPDATE row SET id = 'b'`);
  database.close();
  assert.throws(() => new State(openStateFile(directory)), failsWith('state-corrupt'));
});

test('a path that cannot be a state directory is refused', (context) => {
  const directory = scratch(context);
  const file = join(directory, 'file');
  writeFileSync(file, '');
  assert.throws(() => openStateFile(file), failsWith('state-unusable'));
  assert.throws(() => openStateFile(join(file, 'below')), failsWith('state-unusable'));
});

test('a commit that the disk refuses is undone in memory and in the file', async (context) => {
  const directory = scratch(context);
  await written(directory);
  const limit = new DatabaseSync(join(directory, 'state.db'));
  const pages = Number(limit.prepare('PRAGMA page_count').get()?.['page_count']);
  limit.close();
  const journal = openStateFile(directory, { maxPages: pages + 2 });
  const state = new State(journal);
  const table = state.table(rows);
  await assert.rejects(
    state.transaction(() => table.put('1', 'big', { text: '', bytes: new Uint8Array(1_000_000) })),
    failsWith('state-unusable'),
  );
  assert.equal(table.get('1', 'big'), undefined);
  await state.transaction(() => table.put('1', 'small', { text: 'small' }));
  await state.close();
  const again = new State(openStateFile(directory));
  assert.deepEqual(
    [...again.table(rows).list('1')].map(([id]) => id),
    ['a', 'small'],
  );
  await again.close();
});

test('killed at any moment, a process has lost nothing it acknowledged and kept no half of a transaction', async (context) => {
  const directory = scratch(context);
  const source = (name: string) => new URL(`../../src/cloud/${name}.ts`, import.meta.url).href;
  const program = `
    import { State } from '${source('state')}';
    import { openStateFile } from '${source('state-file')}';
    const state = new State(openStateFile(${JSON.stringify(directory)}));
    const table = state.table({ name: 'test.row' });
    for (let n = table.count('1'); ; n++) {
      await state.transaction(() => {
        table.put('1', String(n).padStart(9, '0'), { text: String(n) });
        table.put('2', String(n).padStart(9, '0'), { text: String(n) });
      });
      console.log(n);
    }`;
  let acknowledged = -1;
  for (const stopAt of [0, 7, 40]) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exit = once(child, 'exit');
    let seen = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      acknowledged = Number(line);
      if (seen++ === stopAt) child.kill('SIGKILL');
    }
    await exit;
    const state = new State(openStateFile(directory));
    const [first, second] = ['1', '2'].map((account) => [...state.table(rows).list(account)].map(([id]) => Number(id)));
    assert.deepEqual(first, second);
    assert.ok(first!.length > acknowledged, `${first!.length} rows, ${acknowledged + 1} acknowledged`);
    assert.deepEqual(
      first,
      Array.from(first!, (_, index) => index),
    );
    await state.close();
  }
});
