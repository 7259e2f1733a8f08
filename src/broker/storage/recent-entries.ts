// What was read or written lately, for a store that nobody else can have open: a request reads a dozen keys, nearly
// all of them the same as the one before, and each costs 3 to 6 µs to ask SQLite for. Values are as they lie on the
// disk, encrypted.
import { Recent } from '../recent.ts';
import type { Entry } from './store.ts';

/** Bytes of entries that are kept. */
const mostBytes = 16 * 1024 * 1024;
/** Longer values are rare, and none that are read with every request. */
const longestBytes = 16 * 1024;
/** What an entry takes beside its value. */
const entryBytes = 256;

/** `null`: nothing lies under the key. */
type Known = Entry | null;

export class RecentEntries {
  readonly #known = new Recent<{ readonly entry: Known }>(
    mostBytes,
    ({ entry }) => entryBytes + (entry?.value.length ?? 0),
  );

  /** The entry, null when there is none under the key, undefined when that is to be looked up. */
  get(key: string): Known | undefined {
    return this.#known.get(key)?.entry;
  }

  /** What lies under the key from now on. */
  keep(key: string, entry: Known): void {
    if (entry !== null && entry.value.length > longestBytes) this.#known.delete(key);
    else this.#known.set(key, { entry });
  }

  clear(): void {
    this.#known.clear();
  }
}
