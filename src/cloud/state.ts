// The tables of the embedded AWS in memory, and the transactions of its calls. Promises: calls change
// the tables one after another, a call that throws leaves no trace, and what a journal was given is
// exactly what was committed.
import { SortedIds } from './sorted-ids.ts';
import type { Table, TableName } from './world.ts';

/** One row after a commit; `value` is absent when the row was deleted. */
export interface RowChange {
  readonly table: string;
  readonly account: string;
  readonly id: string;
  readonly value?: unknown;
}

/** One row of a commit, with what it was before. */
export interface RowCommit extends RowChange {
  readonly before?: unknown;
}

/** Where committed rows are kept beyond the process. */
export interface Journal {
  /** Every row that was ever written and not deleted, in any order. */
  load(): Iterable<RowChange>;
  /** All or nothing, and durable when it returns. A throw undoes the call that made the changes. */
  write(changes: Iterable<RowChange>): void;
  close(): void;
}

/** Rows of one table and account. */
interface Rows {
  readonly table: string;
  readonly account: string;
  readonly values: Map<string, unknown>;
  /** Ids in order; absent until somebody lists, then kept in order by every change. */
  sorted: SortedIds | undefined;
  revision: number;
}

function setRow(rows: Rows, id: string, value: unknown): void {
  rows.revision += 1;
  const known = rows.values.has(id);
  if (value === undefined) {
    if (known) rows.sorted?.remove(id);
    rows.values.delete(id);
    return;
  }
  if (!known) rows.sorted?.add(id);
  rows.values.set(id, value);
}

/** Walks in order and stays right when the walker changes the table: each step looks for what follows the last id. */
function* walk(rows: Rows, after: string | undefined): Generator<readonly [string, unknown]> {
  rows.sorted ??= new SortedIds(rows.values.keys());
  for (let id = rows.sorted.next(after); id !== undefined; id = rows.sorted.next(id)) {
    yield [id, rows.values.get(id)];
  }
}

/** The state of one embedded AWS. Reads are free; changes need a transaction. */
export class State {
  readonly #tables = new Map<string, Map<string, Rows>>();
  /** By name; every call asks for several. */
  readonly #views = new Map<string, Table<unknown>>();
  readonly #journal: Journal | undefined;
  /** What the running transaction changed → the value before it. Absent between transactions. */
  #undo: Map<Rows, Map<string, unknown>> | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** Loads what the journal kept (and closes it when that fails); without one the state lives as long as the process. */
  constructor(journal?: Journal) {
    this.#journal = journal;
    try {
      for (const { table, account, id, value } of journal?.load() ?? []) setRow(this.#rows(table, account), id, value);
    } catch (error) {
      journal?.close();
      throw error;
    }
  }

  table<Value>(name: TableName<Value>): Table<Value> {
    let table = this.#views.get(name.name);
    if (table === undefined) this.#views.set(name.name, (table = this.#view(name)));
    return table as Table<Value>;
  }

  #view<Value>(name: TableName<Value>): Table<Value> {
    const rowsOf = (account: string) => this.#tables.get(name.name)?.get(account);
    return {
      get: (account, id) => rowsOf(account)?.values.get(id) as Value | undefined,
      put: (account, id, value) => this.#change(name.name, account, id, value),
      delete: (account, id) => {
        if (rowsOf(account)?.values.has(id) === true) this.#change(name.name, account, id, undefined);
      },
      list: (account, after) => {
        const rows = rowsOf(account);
        return (rows === undefined ? [][Symbol.iterator]() : walk(rows, after)) as Generator<readonly [string, Value]>;
      },
      count: (account) => rowsOf(account)?.values.size ?? 0,
      revision: (account) => rowsOf(account)?.revision ?? 0,
    };
  }

  /**
   * Runs `work` alone: transactions never overlap, so what `work` read still holds when it writes.
   * Its changes are kept together (and journalled before this resolves) or, when it throws, undone together.
   * `committed` is told of them before the next transaction begins; it must not throw.
   */
  transaction<Result>(
    work: () => Result | Promise<Result>,
    committed?: (commits: Iterable<RowCommit>) => void,
  ): Promise<Result> {
    const result = this.#tail.then(() => this.#run(work, committed));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Empties every table, as part of the running transaction. */
  clear(): void {
    for (const accounts of this.#tables.values()) {
      for (const rows of accounts.values()) {
        for (const id of rows.values.keys()) this.#change(rows.table, rows.account, id, undefined);
      }
    }
  }

  /** Raises the account's revision of a table, for readers whose view of it changed without a write. */
  touch(table: string, account: string): void {
    this.#rows(table, account).revision += 1;
  }

  /** Waits for the running transactions, then gives the journal back. */
  async close(): Promise<void> {
    await this.#tail;
    if (this.#closed) return;
    this.#closed = true;
    this.#journal?.close();
  }

  async #run<Result>(
    work: () => Result | Promise<Result>,
    committed?: (commits: Iterable<RowCommit>) => void,
  ): Promise<Result> {
    if (this.#closed) throw new Error('the state is closed');
    const undo = new Map<Rows, Map<string, unknown>>();
    this.#undo = undo;
    try {
      const result = await work();
      if (undo.size > 0) {
        this.#journal?.write(commitsOf(undo));
        committed?.(commitsOf(undo));
      }
      return result;
    } catch (error) {
      for (const [rows, before] of undo) for (const [id, value] of before) setRow(rows, id, value);
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  #rows(table: string, account: string): Rows {
    let accounts = this.#tables.get(table);
    if (accounts === undefined) this.#tables.set(table, (accounts = new Map()));
    let rows = accounts.get(account);
    if (rows === undefined) {
      rows = { table, account, values: new Map(), sorted: undefined, revision: 0 };
      accounts.set(account, rows);
    }
    return rows;
  }

  #change(table: string, account: string, id: string, value: unknown): void {
    if (this.#undo === undefined) throw new Error(`table ${table} was changed outside a transaction`);
    const rows = this.#rows(table, account);
    let before = this.#undo.get(rows);
    if (before === undefined) this.#undo.set(rows, (before = new Map()));
    if (!before.has(id)) before.set(id, rows.values.get(id));
    setRow(rows, id, value);
  }
}

function* commitsOf(undo: ReadonlyMap<Rows, ReadonlyMap<string, unknown>>): Generator<RowCommit> {
  for (const [rows, values] of undo) {
    for (const [id, before] of values) {
      yield { table: rows.table, account: rows.account, id, value: rows.values.get(id), before };
    }
  }
}
