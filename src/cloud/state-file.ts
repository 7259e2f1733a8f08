// `--state DIR`: the journal of committed rows, in one SQLite file of one process. Promises: a row is on
// disk when `write` returns, no value stands in clear, and a directory that cannot be trusted is refused.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { isFailure } from '../base/index.ts';
import { cloudFailure } from './failures.ts';
import { decodeValue, encodeValue } from './state-codec.ts';
import type { Journal, RowChange } from './state.ts';

/** Of the file's layout and of the values in it. An older one is migrated at opening, a newer one refused. */
const stateVersion = 1;

const schema = `
CREATE TABLE IF NOT EXISTS state_version (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS row (
  kind TEXT NOT NULL, account TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL,
  PRIMARY KEY (kind, account, id)
) WITHOUT ROWID;`;

const nonceBytes = 12;
const tagBytes = 16;

/**
 * Opens the state directory, making it when it is not there (0700; key file 0600). `maxPages` (of 4 KiB)
 * bounds the file; a commit that would pass it fails like one on a full disk.
 * @throws Failure `state-in-use`, `state-newer`, `state-corrupt`, `state-key-missing` or `state-unusable`.
 */
export function openStateFile(directory: string, limits: { readonly maxPages?: number } = {}): Journal {
  return guarded(directory, () => {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const database = openDatabase(join(directory, 'state.db'));
    try {
      checkVersion(database, directory);
      // INVARIANT: only who holds the database's lock makes a key.
      const isEmpty = database.prepare('SELECT 1 FROM row LIMIT 1').get() === undefined;
      const key = loadKey(join(directory, 'state.key'), isEmpty, directory);
      if (limits.maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${limits.maxPages}`);
      return journalOf(database, key, directory);
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function openDatabase(file: string): DatabaseSync {
  const { DatabaseSync: Database } = process.getBuiltinModule('node:sqlite');
  const database = new Database(file, { timeout: 0 });
  try {
    // The lock is the kernel's and goes with the process, however it ends. FULL: measured 0.23 ms a
    // commit beside 0.02 with NORMAL, and a commit then also survives the loss of power.
    database.exec(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      BEGIN IMMEDIATE; ${schema} COMMIT;`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function checkVersion(database: DatabaseSync, directory: string): void {
  const found = database.prepare('SELECT version FROM state_version').get()?.['version'];
  if (found === undefined) {
    database.prepare('INSERT INTO state_version VALUES (?)').run(stateVersion);
  } else if (found !== stateVersion) {
    throw cloudFailure(
      'state-newer',
      `\`${directory}\` was written by a newer stint (state version ${String(found)})`,
      {
        hint: `use that stint, or start with another --state directory; this one reads version ${stateVersion}`,
      },
    );
  }
}

/** The key file's 32 bytes. A new key is in place, complete, before the first value is encrypted with it. */
function loadKey(file: string, isEmpty: boolean, directory: string): Buffer {
  if (!existsSync(file)) {
    if (!isEmpty) {
      throw cloudFailure('state-key-missing', `\`${directory}\` has a state but no \`state.key\``, {
        hint: 'put the key file back; without it the state cannot be read, and a new --state directory is needed',
      });
    }
    writeFileSync(`${file}.new`, randomBytes(32), { mode: 0o600, flush: true });
    renameSync(`${file}.new`, file);
  }
  const key = readFileSync(file);
  if (key.length === 32) return key;
  throw corrupt(directory, new Error(`state.key has ${key.length} bytes`));
}

function journalOf(database: DatabaseSync, key: Buffer, directory: string): Journal {
  const put = database.prepare('INSERT OR REPLACE INTO row (kind, account, id, value) VALUES (?, ?, ?, ?)');
  const remove = database.prepare('DELETE FROM row WHERE kind = ? AND account = ? AND id = ?');
  return {
    load: () => guarded(directory, () => loadRows(database, key, directory)),
    write: (changes) => guarded(directory, () => writeRows(database, { put, remove }, key, changes)),
    close: () => database.close(),
  };
}

function loadRows(database: DatabaseSync, key: Buffer, directory: string): RowChange[] {
  const rows: RowChange[] = [];
  for (const row of database.prepare('SELECT kind, account, id, value FROM row').iterate()) {
    const { kind, account, id, value } = row as { kind: string; account: string; id: string; value: Uint8Array };
    try {
      rows.push({ table: kind, account, id, value: decodeValue(decrypt(key, value, rowName(kind, account, id))) });
    } catch (error) {
      throw corrupt(directory, error);
    }
  }
  return rows;
}

function writeRows(
  database: DatabaseSync,
  { put, remove }: { put: StatementSync; remove: StatementSync },
  key: Buffer,
  changes: Iterable<RowChange>,
): void {
  database.exec('BEGIN');
  try {
    for (const { table, account, id, value } of changes) {
      if (value === undefined) remove.run(table, account, id);
      else put.run(table, account, id, encrypt(key, encodeValue(value), rowName(table, account, id)));
    }
    database.exec('COMMIT');
  } catch (error) {
    // A full disk may already have rolled back.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

/** Associated data: a value moved to another row does not decrypt. */
function rowName(table: string, account: string, id: string): Buffer {
  return Buffer.from(JSON.stringify([table, account, id]));
}

/** AES-256-GCM: nonce, tag, text. */
function encrypt(key: Buffer, clear: Uint8Array, name: Buffer): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(name);
  const text = Buffer.concat([cipher.update(clear), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function decrypt(key: Buffer, sealed: Uint8Array, name: Buffer): Uint8Array {
  const nonce = sealed.subarray(0, nonceBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes }).setAAD(name);
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes + tagBytes)), decipher.final()]);
}

// https://www.sqlite.org/rescode.html
const sqliteBusy = [5, 6];
const sqliteCorrupt = [11, 26];

/** Runs `work` and gives what SQLite or the file system throws a code and a cure. */
function guarded<Result>(directory: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (isFailure(error)) throw error;
    const { errcode, code } = error as { errcode?: number; code?: string };
    const primary = errcode === undefined ? undefined : errcode & 0xff;
    if (primary !== undefined && sqliteBusy.includes(primary)) {
      throw cloudFailure('state-in-use', `another process works on \`${directory}\``, {
        hint: 'end it (`stint cloud stop`), or give this one another --state directory',
        cause: error,
      });
    }
    if (primary !== undefined && sqliteCorrupt.includes(primary)) throw corrupt(directory, error);
    const reason = error instanceof Error ? error.message : (code ?? 'unknown');
    throw cloudFailure('state-unusable', `\`${directory}\` cannot be used as a state directory: ${reason}`, {
      hint: 'check that it is a directory on a local disk with free space, and that you may write in it',
      cause: error,
    });
  }
}

function corrupt(directory: string, cause: unknown): Error {
  return cloudFailure('state-corrupt', `the state in \`${directory}\` is damaged or not of its \`state.key\``, {
    hint: 'restore both files from a copy, or start with an empty --state directory',
    cause,
  });
}
