// What the barrier opened lately. A value is good as long as the store says its version is the same: versions are
// never used again, so nothing is assumed of who else writes. Saves two thirds of what a read of a token, a mount or
// a role costs.
import { createSecretKey, type KeyObject } from 'node:crypto';
import { Recent } from './recent.ts';
import type { Version } from './storage/store.ts';

/** More than the tokens, mounts, roles and policies that are busy at a time. */
const mostValues = 4096;
/** Text this long is rare, and not what is read for every request. */
const longestBytes = 16 * 1024;

interface Opened {
  readonly version: Version;
  readonly value: unknown;
}

export class OpenedValues {
  readonly #values = new Recent<Opened>(mostValues);

  /** The value under `key` when it was opened at this version. */
  get(key: string, version: Version): Opened | undefined {
    const opened = this.#values.get(key);
    return opened?.version === version ? opened : undefined;
  }

  /** Keeps `value`, which nobody can change from then on: whoever reads it next gets the same one. */
  keep(key: string, version: Version, value: unknown, bytes: number): void {
    this.#values.delete(key);
    if (bytes <= longestBytes) this.#values.set(key, { version, value: frozen(value) });
  }
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const member of Object.values(value)) frozen(member);
  return Object.freeze(value);
}

const keyObjects = new WeakMap<Uint8Array, KeyObject>();

/**
 * The key object of a key, made once and gone with it: a cipher or an HMAC costs a third of one that is handed the
 * bytes (30 and 10 µs).
 */
export function keyObjectOf(key: Uint8Array): KeyObject {
  let made = keyObjects.get(key);
  if (made === undefined) keyObjects.set(key, (made = createSecretKey(key)));
  return made;
}
