// A key in a file that only its owner may read. Whoever can read the folder can unseal; whoever has
// only the store file cannot. A development server keeps the key of its shares there.
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { isObject, type Random } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import type { Keeper } from './keys.ts';
import { keyBytes } from './record.ts';
import { keySeal, type Seal } from './seal.ts';

interface KeyFile {
  readonly version: 1;
  readonly type: 'local';
  /** Base64 of 32 bytes. */
  readonly key: string;
  /** While the key is being replaced: the one that will count. */
  readonly next?: string;
}

/**
 * The file as a place where the key of the shares is kept; it may be missing only for a `fresh` store.
 * @throws Failure `seal-unreadable`.
 */
export function openKeeper(file: string, fresh: boolean): Keeper {
  let kept = readKeys(file);
  if (kept === undefined && !fresh) throw missing(file);
  return {
    keys: () => kept ?? [],
    keep: (keys) => {
      writeKeys(file, keys);
      kept = keys;
    },
  };
}

/**
 * A seal that opens by itself with the key in `file`, which is made for a `fresh` store.
 * @throws Failure `seal-unreadable` when the key is missing for an existing store, or damaged.
 */
export function openLocalSeal(file: string, fresh: boolean, random: Random): Seal {
  const [found] = readKeys(file) ?? [];
  if (found !== undefined) return keySeal('local', found, random);
  if (!fresh) throw missing(file);
  const key = random.bytes(keyBytes);
  writeKeys(file, [key]);
  return keySeal('local', key, random);
}

function missing(file: string): Error {
  return brokerFailure('seal-unreadable', `the seal key \`${file}\` is missing`, {
    hint: 'put the file back: without it nobody can read this store',
  });
}

function readKeys(file: string): readonly Uint8Array[] | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw brokerFailure('seal-unreadable', `the seal key \`${file}\` cannot be read`, {
      hint: 'let this user read the file',
      cause: error,
    });
  }
  const keys = parseKeys(text);
  if (keys === undefined) {
    throw brokerFailure('seal-unreadable', `the seal key \`${file}\` is damaged or of a newer version`, {
      hint: 'put the original file back: without it nobody can read this store',
    });
  }
  return keys;
}

function parseKeys(text: string): readonly Uint8Array[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value) || value['version'] !== 1) return undefined;
  const given = [value['key'], ...('next' in value ? [value['next']] : [])];
  const keys = given.map((key) => (typeof key === 'string' ? Buffer.from(key, 'base64') : Buffer.alloc(0)));
  return keys.every(({ length }) => length === keyBytes) ? keys : undefined;
}

function writeKeys(file: string, keys: readonly Uint8Array[]): void {
  const [key = '', next] = keys.map((bytes) => Buffer.from(bytes).toString('base64'));
  const content: KeyFile = { version: 1, type: 'local', key, ...(next === undefined ? {} : { next }) };
  writeDurably(file, JSON.stringify(content));
}

// By rename, so that a crash leaves the whole key or none; durable before anything is encrypted with it.
function writeDurably(file: string, text: string): void {
  const temporary = `${file}.new`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    chmodSync(temporary, 0o600);
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, file);
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
