// One process at a time, per lock file. The lock is the operating system's own (through SQLite, which Node brings):
// it ends with its process, also by SIGKILL, so there are no stale locks to guess about.
import type { DatabaseSync } from 'node:sqlite';
import type { Millis } from '../base/index.ts';
import { failure } from './failures.ts';

const fs = process.getBuiltinModule('node:fs');

export interface LockTools {
  /** Resolves after so many milliseconds. */
  readonly wait: (millis: Millis) => Promise<void>;
  /** Called once when another process holds the lock. */
  readonly onBusy: () => void;
  /** How long to wait; two minutes unless given. */
  readonly patienceMillis?: Millis;
}

const pollMillis = 25;
/** A person may be typing an MFA code in the other process; two minutes is more than that takes. */
const patienceMillis = 120_000;
const sqliteBusy = 5;

function inode(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.ino;
}

/** The lock, or undefined while another process has it. @throws what the file system throws. */
function tryLock(file: string): DatabaseSync | undefined {
  fs.closeSync(fs.openSync(file, 'a', 0o600));
  const before = inode(file);
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const database = new DatabaseSync(file);
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
  // A file that was swept and made anew meanwhile would let two processes hold "the" lock.
  if (before !== undefined && inode(file) === before) return database;
  database.close();
  return undefined;
}

/**
 * Takes the lock, waiting while another process has it. Returns the way to give it back.
 * @throws Failure `lock-busy` when that takes too long; what the file system throws when the lock file cannot be made.
 */
export async function takeLock(file: string, tools: LockTools): Promise<() => void> {
  const patience = tools.patienceMillis ?? patienceMillis;
  let database = tryLock(file);
  if (database === undefined) tools.onBusy();
  for (let waited = 0; database === undefined; waited += pollMillis) {
    if (waited >= patience) {
      throw failure('lock-busy', 'another stint is fetching the same session and does not come to an end', {
        hint: 'look for one that waits for an MFA code or a sign-in, and answer or end it',
      });
    }
    await tools.wait(pollMillis);
    database = tryLock(file);
  }
  return () => database.close();
}
