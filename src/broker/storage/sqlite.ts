// The store of one node: SQLite through Node's own module. Concurrent batches share one durable
// commit; the file is held by one process at a time. The disk is waited for beside the event loop.
import { closeSync, fdatasync, openSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { isFailure } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import { RecentEntries } from './recent-entries.ts';
import { withCopies } from './sqlite-copies.ts';
import { absent, type Condition, type CopyableStore, type Entry, type Range, type Store, type Write } from './store.ts';

// 2: the key ring is encrypted by a root key of its own (seal/keys.ts brings an older one along).
const formatVersion = 2;

/**
 * So many pages of the write-ahead file are moved into the database at once, which holds everybody up for two syncs.
 * Measured in turn with SQLite's own 1,000, on a busy machine: 903 and 1,086 credentials a second, 192 and 562 with it.
 */
const checkpointPages = 4000;

interface Waiting {
  readonly batch: readonly Write[];
  readonly conditions: readonly Condition[];
  readonly resolve: (committed: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** What an operator may set. */
export interface SqliteLimits {
  /** The file grows to so many pages of 4 KiB at most; beyond, writes fail as on a full disk. */
  readonly maxPages?: number;
}

interface Row {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
}

/**
 * Opens or makes the store in `file`.
 * @throws Failure `storage-in-use` when another process holds it, `store-too-new` when a newer Stint
 *   wrote it, `storage-failed` when it is no store or cannot be opened.
 */
export function openSqliteStore(file: string, limits: SqliteLimits = {}): CopyableStore {
  let database: DatabaseSync | undefined;
  try {
    // Made here, because SQLite would let everybody read it; its log takes over the same mode.
    closeSync(openSync(file, 'a', 0o600));
    database = new DatabaseSync(file);
    prepareFile(database, file);
    if (limits.maxPages !== undefined) database.exec(`PRAGMA max_page_count=${limits.maxPages}`);
    const store = new SqliteStore(database, openSync(`${file}-wal`, 'r+'));
    return withCopies({ store, database, file, open: openSqliteStore, reread: () => store.reread(), guard });
  } catch (error) {
    database?.close();
    throw sqliteFailure(error, file);
  }
}

function prepareFile(database: DatabaseSync, file: string): void {
  // Exclusive locking keeps a second server out; the operating system drops the lock when we are killed.
  // `synchronous=NORMAL` leaves one thing of `FULL` out, the sync of the write-ahead file after each commit
  // (https://www.sqlite.org/pragma.html#pragma_synchronous): the store does that itself, see `#flush`.
  database.exec(
    'PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA secure_delete=ON; ' +
      `PRAGMA wal_autocheckpoint=${checkpointPages}`,
  );
  database.exec('BEGIN IMMEDIATE');
  const found = (database.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;
  if (found > formatVersion) {
    throw brokerFailure(
      'store-too-new',
      `\`${file}\` has store format ${found}; this Stint reads up to ${formatVersion}`,
      {
        hint: 'start the newer Stint that wrote it',
      },
    );
  }
  database.exec(
    'CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID;' +
      'CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);' +
      'INSERT OR IGNORE INTO counter VALUES (1, 0);' +
      `PRAGMA user_version=${formatVersion}`,
  );
  database.exec('COMMIT');
}

class SqliteStore implements Store {
  readonly exclusive = true;
  readonly #database: DatabaseSync;
  /** SQLite's write-ahead file, opened once more to be synced; it is the same file until the store is closed. */
  readonly #log: number;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #get: StatementSync;
  readonly #scan: StatementSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #count: StatementSync;
  #counter: number;
  /** INVARIANT: just what SQLite would answer. The file is ours alone, and every write of it passes here or `reread`. */
  readonly #recent = new RecentEntries();
  #waiting: Waiting[] = [];
  #scheduled = false;
  /** Resolves when the commit under way is on the disk. */
  #syncing: Promise<void> | undefined;
  /** After a failed sync nobody knows what is on the disk. */
  #broken: unknown;
  #closed = false;

  constructor(database: DatabaseSync, log: number) {
    this.#database = database;
    this.#log = log;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#end = database.prepare('COMMIT');
    this.#get = database.prepare('SELECT key, value, version FROM entries WHERE key = ?');
    this.#scan = database.prepare(
      'SELECT key, value, version FROM entries WHERE key >= ? AND key < ? ORDER BY key LIMIT ?',
    );
    this.#put = database.prepare('INSERT OR REPLACE INTO entries (key, value, version) VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM entries WHERE key = ?');
    this.#count = database.prepare('UPDATE counter SET version = ?');
    this.#counter = (database.prepare('SELECT version FROM counter').get() as { version: number }).version;
  }

  /** The entries were replaced: versions go on from the stored counter. */
  reread(): void {
    this.#recent.clear();
    this.#counter = (this.#database.prepare('SELECT version FROM counter').get() as { version: number }).version;
  }

  async get(key: string): Promise<Entry | undefined> {
    return guard(() => this.#entry(key)) ?? undefined;
  }

  #entry(key: string): Entry | null {
    const known = this.#recent.get(key);
    if (known !== undefined) return known;
    const row = this.#get.get(key) as Row | undefined;
    const found = row === undefined ? null : entryOf(row);
    this.#recent.keep(key, found);
    return found;
  }

  async scan(range: Range): Promise<readonly Entry[]> {
    const rows = guard(() => this.#scan.all(range.from, range.to, range.limit)) as unknown as Row[];
    return rows.map(entryOf);
  }

  commit(batch: readonly Write[], conditions: readonly Condition[] = []): Promise<boolean> {
    if (this.#closed) return Promise.reject(brokerFailure('storage-failed', 'the store is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, conditions, resolve, reject });
      this.#schedule();
    });
  }

  // After this turn's input events, and after the commit before it: what arrived meanwhile commits together.
  #schedule(): void {
    if (this.#scheduled || this.#syncing !== undefined) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#syncing;
    this.#flush();
    await this.#syncing;
    this.#recent.clear();
    closeSync(this.#log);
    this.#database.close();
  }

  // INVARIANT: nobody is told of a commit that is not on the disk. Reads may see it a moment sooner, which is
  // safe: whatever is written because of them lies behind it in the same file and is lost with it or not at all.
  #flush(): void {
    this.#scheduled = false;
    const group = this.#waiting;
    this.#waiting = [];
    if (group.length === 0) return;
    const results = this.#written(group);
    if (results === undefined) return;
    if (!results.some((written, index) => written && group[index]!.batch.length > 0)) return tell(group, results);
    this.#syncing = this.#sync().then((failure) => {
      this.#syncing = undefined;
      if (failure === undefined) tell(group, results);
      else refuse(group, failure);
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  /** Waits for the disk. A failure is for ever: the system may have dropped what it could not write. */
  #sync(): Promise<unknown> {
    return new Promise((resolve) => {
      fdatasync(this.#log, (error) => {
        if (error !== null)
          this.#broken ??= storageFailed(`the disk failed (${error.code ?? 'unknown reason'})`, error);
        resolve(this.#broken);
      });
    });
  }

  /** Commits the group; which of its batches were written, or undefined when all were refused. */
  #written(group: readonly Waiting[]): readonly boolean[] | undefined {
    const before = this.#counter;
    try {
      if (this.#broken !== undefined) throw this.#broken;
      this.#begin.run();
      const results = group.map((waiting) => this.#apply(waiting));
      if (this.#counter !== before) this.#count.run(this.#counter);
      this.#end.run();
      return results;
    } catch (error) {
      this.#counter = before;
      this.#recent.clear();
      this.#rollback();
      refuse(group, sqliteFailure(error, 'the store'));
      return undefined;
    }
  }

  #apply({ batch, conditions }: Waiting): boolean {
    const holds = [...batch, ...conditions].every(
      ({ key, expect }) => expect === undefined || expect === this.#versionOf(key),
    );
    if (!holds) return false;
    for (const { key, value } of batch) {
      if (value === undefined) this.#delete.run(key);
      else this.#put.run(key, value, ++this.#counter);
      this.#recent.keep(key, value === undefined ? null : this.#kept(key, value));
    }
    return true;
  }

  // A copy, since what was handed in is the caller's.
  #kept(key: string, value: Uint8Array): Entry {
    return { key, value: new Uint8Array(value), version: String(this.#counter) };
  }

  #versionOf(key: string): string {
    return this.#entry(key)?.version ?? absent;
  }

  #rollback(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself (a full disk does that); the group is refused either way.
    }
  }
}

function tell(group: readonly Waiting[], results: readonly boolean[]): void {
  group.forEach(({ resolve }, index) => resolve(results[index]!));
}

function refuse(group: readonly Waiting[], failure: unknown): void {
  for (const { reject } of group) reject(failure);
}

function entryOf({ key, value, version }: Row): Entry {
  return { key, value, version: String(version) };
}

function guard<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw sqliteFailure(error, 'the store');
  }
}

// SQLite's primary result codes, https://www.sqlite.org/rescode.html
const busy = 5;
const full = 13;

function sqliteFailure(error: unknown, where: string): unknown {
  const code = (error as { errcode?: number }).errcode;
  if (code === undefined) return isFailure(error) ? error : storageFailed((error as Error).message, error);
  if ((code & 0xff) === busy) {
    return brokerFailure('storage-in-use', `\`${where}\` is held by another process`, {
      hint: 'stop the other server, or give this one its own `--storage` folder',
      cause: error,
    });
  }
  const reason = (code & 0xff) === full ? 'the disk is full' : `SQLite error ${code}`;
  return storageFailed(reason, error);
}

function storageFailed(reason: string, cause: unknown): Error {
  return brokerFailure('storage-failed', `the store cannot be used: ${reason}`, {
    hint: 'free space or repair the storage folder; what the request was to record is not recorded',
    cause,
  });
}
