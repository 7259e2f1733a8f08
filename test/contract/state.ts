// What every state of the embedded AWS promises, whatever keeps its rows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../src/base/index.ts';
import { tableName } from '../../src/cloud/world.ts';
import { State } from '../../src/cloud/state.ts';

interface Row {
  readonly text: string;
  readonly secret?: Secret;
  readonly bytes?: Uint8Array;
}

const rows = tableName<Row>('test.row');
const others = tableName<Row>('test.other');

/** Runs the suite; `open` gives an empty state, and closes what it opened at the end of the test. */
export function stateContract(kind: string, open: (test: { after(work: () => unknown): void }) => State): void {
  test(`${kind}: rows of one account are listed in order of id, and only they`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    await state.transaction(() => {
      for (const id of ['b', 'a', 'B', 'c']) table.put('1', id, { text: id });
      table.put('2', 'x', { text: 'x' });
    });
    assert.deepEqual(
      [...table.list('1')].map(([id]) => id),
      ['B', 'a', 'b', 'c'],
    );
    assert.deepEqual(
      [...table.list('1', 'a')].map(([id, row]) => [id, row.text]),
      [
        ['b', 'b'],
        ['c', 'c'],
      ],
    );
    assert.deepEqual(
      [...table.list('1', 'bb')].map(([id]) => id),
      ['c'],
    );
    assert.deepEqual([...table.list('3')], []);
    assert.equal(table.count('1'), 4);
    assert.equal(table.count('3'), 0);
  });

  test(`${kind}: the order holds when rows come and go after the first list`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    await state.transaction(() => {
      table.put('1', 'm', { text: 'm' });
      assert.equal([...table.list('1')].length, 1);
      for (const id of ['z', 'a', 'n']) table.put('1', id, { text: id });
      table.delete('1', 'm');
      table.put('1', 'a', { text: 'again' });
    });
    assert.deepEqual(
      [...table.list('1')].map(([id, row]) => `${id}:${row.text}`),
      ['a:again', 'n:n', 'z:z'],
    );
  });

  test(`${kind}: a walk in which rows are deleted and added misses none of the rest`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    const seen: string[] = [];
    await state.transaction(() => {
      for (const id of ['a', 'b', 'c', 'd']) table.put('1', id, { text: id });
      for (const [id] of table.list('1')) {
        seen.push(id);
        table.delete('1', id);
        if (id === 'b') table.put('1', 'bb', { text: 'bb' });
      }
    });
    assert.deepEqual(seen, ['a', 'b', 'bb', 'c', 'd']);
    assert.equal(table.count('1'), 0);
  });

  test(`${kind}: what a throwing transaction changed is undone, in every table`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    await state.transaction(() => {
      table.put('1', 'kept', { text: 'old' });
      table.put('1', 'gone', { text: 'old' });
    });
    await assert.rejects(
      state.transaction(async () => {
        table.put('1', 'kept', { text: 'new' });
        table.put('1', 'kept', { text: 'newer' });
        table.delete('1', 'gone');
        table.put('1', 'extra', { text: 'new' });
        state.table(others).put('1', 'extra', { text: 'new' });
        await Promise.resolve();
        throw new Error('refused');
      }),
      /refused/,
    );
    assert.deepEqual(
      [...table.list('1')].map(([id, row]) => `${id}:${row.text}`),
      ['gone:old', 'kept:old'],
    );
    assert.equal(state.table(others).get('1', 'extra'), undefined);
  });

  test(`${kind}: transactions do not overlap, also when they wait`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    const add = () =>
      state.transaction(async () => {
        const count = table.count('1');
        await Promise.resolve();
        table.put('1', String(count), { text: '' });
      });
    await Promise.all(Array.from({ length: 20 }, add));
    assert.equal(table.count('1'), 20);
  });

  test(`${kind}: every change, an undo and a clear move the revision on`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    const seen = [table.revision('1')];
    await state.transaction(() => table.put('1', 'a', { text: 'a' }));
    seen.push(table.revision('1'));
    await state
      .transaction(() => {
        table.put('1', 'a', { text: 'b' });
        seen.push(table.revision('1'));
        throw new Error('refused');
      })
      .catch(() => undefined);
    seen.push(table.revision('1'));
    await state.transaction(() => state.clear());
    seen.push(table.revision('1'));
    assert.deepEqual(
      seen,
      [...new Set(seen)].sort((a, b) => a - b),
    );
    assert.equal(table.count('1'), 0);
    const other = table.revision('2');
    await state.transaction(() => table.put('1', 'a', { text: 'a' }));
    assert.equal(table.revision('2'), other);
  });

  test(`${kind}: a change outside a transaction is a defect and throws`, (context) => {
    const table = open(context).table(rows);
    assert.throws(() => table.put('1', 'a', { text: 'a' }), /outside a transaction/);
  });

  test(`${kind}: values keep secrets, bytes and odd member names`, async (context) => {
    const state = open(context);
    const table = state.table(rows);
    const value = {
      text: 'a',
      secret: new Secret('s'),
      bytes: Uint8Array.of(0, 255),
      $secret: 'no secret',
      list: [{ $a: 1 }],
    };
    await state.transaction(() => table.put('1', 'a', value));
    assert.equal(table.get('1', 'a')?.secret?.reveal(), 's');
    assert.deepEqual(table.get('1', 'a')?.bytes, Uint8Array.of(0, 255));
  });
}
