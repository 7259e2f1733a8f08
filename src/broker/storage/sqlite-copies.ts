// Copying and replacing a SQLite store as a whole. A copy is made by SQLite's own online backup, into a
// file beside the store; a replacement grows in such a file and takes over in one transaction.
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { backup, type DatabaseSync } from 'node:sqlite';
import { prefixRange, type CopyableStore, type Entry, type Replacement, type Snapshot, type Store } from './store.ts';

const pageSize = 1000;
/** Database pages copied before others get their turn. */
const backupRate = 100;
const mostTries = 500;
const spoolEnding = '.received';

export interface CopyParts {
  readonly store: Store;
  readonly database: DatabaseSync;
  readonly file: string;
  readonly open: (file: string) => Store;
  /** Tells the store that its entries were replaced. */
  readonly reread: () => void;
  /** Runs work on the database, whose errors become failures of the store. */
  readonly guard: <T>(work: () => T) => T;
}

/** `store` with copies; removes what a killed process left of its own. */
export function withCopies(parts: CopyParts): CopyableStore {
  const { store, file } = parts;
  removeLeftovers(file);
  let count = 0;
  // One at a time: each has its file and reads the whole store.
  let turn: Promise<unknown> = Promise.resolve();
  const nextFile = (kind: string): string => `${file}.${kind}-${++count}`;
  return {
    exclusive: store.exclusive,
    get: (key) => store.get(key),
    scan: (range) => store.scan(range),
    commit: (batch, conditions) => store.commit(batch, conditions),
    close: () => store.close(),
    snapshot: () => {
      const copy = turn.then(() => snapshot(parts, nextFile('snapshot')));
      turn = copy.catch(() => {});
      return copy;
    },
    replacement: async () => replacement(parts, nextFile('restore')),
  };
}

function removeLeftovers(file: string): void {
  const beginning = basename(file);
  for (const name of readdirSync(dirname(file))) {
    if (!name.startsWith(`${beginning}.snapshot-`) && !name.startsWith(`${beginning}.restore-`)) continue;
    rmSync(join(dirname(file), name), { force: true });
  }
}

function removeFile(file: string): void {
  for (const ending of ['', '-wal', '-shm', '-journal', spoolEnding]) rmSync(`${file}${ending}`, { force: true });
}

async function snapshot({ database, open, guard }: CopyParts, file: string): Promise<Snapshot> {
  let copy: Store;
  try {
    await backupInto(database, file);
    copy = open(file);
  } catch (error) {
    removeFile(file);
    return guard(() => {
      throw error;
    });
  }
  return {
    pages: () => pagesOf(copy),
    close: async () => {
      await copy.close();
      removeFile(file);
    },
  };
}

// The backup's first step fails when a commit is under way at that moment, and Node reports that as the
// error "not an error", with the code 0: then again. Later steps wait by themselves.
async function backupInto(database: DatabaseSync, file: string): Promise<void> {
  for (let tries = 1; ; tries++) {
    // Made here, because SQLite would let everybody read it.
    closeSync(openSync(file, 'wx', 0o600));
    try {
      await backup(database, file, { rate: backupRate });
      return;
    } catch (error) {
      if ((error as { errcode?: number }).errcode !== 0 || tries === mostTries) throw error;
      removeFile(file);
    }
  }
}

async function* pagesOf(store: Store): AsyncGenerator<readonly Entry[]> {
  for (let last: string | undefined; ;) {
    const page = await store.scan(prefixRange('', pageSize, last));
    if (page.length > 0) yield page;
    if (page.length < pageSize) return;
    last = page.at(-1)!.key;
  }
}

function replacement({ database, open, reread, guard }: CopyParts, file: string): Replacement {
  const store = open(file);
  const discard = async (): Promise<void> => {
    await store.close();
    removeFile(file);
  };
  return {
    store,
    spoolFile: `${file}${spoolEnding}`,
    discard,
    install: async () => {
      await store.close();
      try {
        guard(() => install(database, file));
      } finally {
        reread();
        removeFile(file);
      }
    },
  };
}

// One transaction, and none of this process in between: it runs to its end in one go. The checkpoint
// makes it durable whatever `synchronous` is.
function install(database: DatabaseSync, file: string): void {
  database.prepare('ATTACH ? AS replacement').run(file);
  try {
    database.exec(
      'BEGIN IMMEDIATE;' +
        'DELETE FROM main.entries;' +
        'INSERT INTO main.entries SELECT key, value, version + (SELECT version FROM main.counter) FROM replacement.entries;' +
        'UPDATE main.counter SET version = version + (SELECT version FROM replacement.counter);' +
        'COMMIT',
    );
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  } finally {
    database.exec('DETACH replacement');
  }
  database.exec('PRAGMA main.wal_checkpoint(TRUNCATE)');
}
