// The seal of development: a key in a file that only its owner may read. Whoever can read the
// folder can unseal; whoever has only the store file cannot.
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../../base/index.ts';
import { Secret } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';

const keyBytes = 32;

/** The key that opens the barrier's key ring: 32 bytes, base64. */
export interface Seal {
  readonly type: string;
  readonly key: Secret;
}

/**
 * Reads the seal key of `folder`, or makes one when `fresh` (the store holds nothing yet).
 * @throws Failure `seal-unreadable` when the key is missing for an existing store, or damaged.
 */
export function openLocalSeal(folder: string, fresh: boolean, random: Random): Seal {
  const file = join(folder, 'seal.json');
  const found = readKey(file);
  if (found !== undefined) return { type: 'local', key: found };
  if (!fresh) {
    throw brokerFailure('seal-unreadable', `the seal key \`${file}\` is missing`, {
      hint: 'put the file back: without it nobody can read this store',
    });
  }
  const key = Buffer.from(random.bytes(keyBytes)).toString('base64');
  writeDurably(file, JSON.stringify({ version: 1, type: 'local', key }));
  return { type: 'local', key: new Secret(key) };
}

function readKey(file: string): Secret | undefined {
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
  const key = parseKey(text);
  if (key === undefined) {
    throw brokerFailure('seal-unreadable', `the seal key \`${file}\` is damaged or of a newer version`, {
      hint: 'put the original file back: without it nobody can read this store',
    });
  }
  return new Secret(key);
}

function parseKey(text: string): string | undefined {
  try {
    const { version, key } = JSON.parse(text) as { version?: unknown; key?: unknown };
    return version === 1 && typeof key === 'string' && Buffer.from(key, 'base64').length === keyBytes ? key : undefined;
  } catch {
    return undefined;
  }
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
