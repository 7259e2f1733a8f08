// Files and folders that are one person's alone, and hold secrets. On the path of every kept session, so it loads
// nothing but node:fs.
import type { Millis } from '../base/index.ts';
import { failure } from './failures.ts';

// Not imported: the facade of an imported node:fs evaluates every export of it, node:fs/promises too (3 ms).
const fs = process.getBuiltinModule('node:fs');

export interface Replacing {
  /** 0600 unless given. */
  readonly mode?: number | undefined;
  /** To whom the file goes on belonging, where root writes it. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** On the disk when this returns, for what nobody could fetch again. */
  readonly durable?: boolean;
  /** Time of its last change; now unless given. */
  readonly changed?: Millis | undefined;
}

/**
 * Puts `text` into `file`: all of it or nothing, whatever ends this process. What was half written is taken away.
 * @throws what the file system throws.
 */
export function replaceFile(file: string, text: string | Uint8Array, replacing: Replacing = {}): void {
  const draft = `${file}.${process.pid}.tmp`;
  try {
    fs.rmSync(draft, { force: true });
    // SECURITY: `wx` writes into nothing that was there before, and follows no link.
    const handle = fs.openSync(draft, 'wx', 0o600);
    try {
      fill(handle, text, replacing);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(draft, file);
  } catch (error) {
    fs.rmSync(draft, { force: true });
    throw error;
  }
}

function fill(handle: number, text: string | Uint8Array, { mode, owner, durable, changed }: Replacing): void {
  fs.writeFileSync(handle, text);
  if (owner !== undefined && process.getuid?.() === 0) fs.fchownSync(handle, owner.uid, owner.gid);
  if (mode !== undefined) fs.fchmodSync(handle, mode);
  if (changed !== undefined) fs.futimesSync(handle, changed / 1000, changed / 1000);
  if (durable === true) fs.fsyncSync(handle);
}

/** Makes the folder, for its owner alone. @throws what the file system throws, and Failure `cache-unsafe`. */
export function makeOwnFolder(folder: string): void {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = fs.statSync(folder);
  const owner = process.getuid?.();
  // A link may lead to a folder of one's own: whose link is it?
  if (owner !== undefined && (uid !== owner || fs.lstatSync(folder).uid !== owner)) {
    throw failure('cache-unsafe', `\`${folder}\` belongs to another user`, {
      hint: 'set STINT_HOME to a folder of your own',
    });
  }
  if ((mode & 0o077) !== 0) fs.chmodSync(folder, 0o700);
}
