// Entries that several accounts have in common, once; with `only` or `except` where some accounts have them.
import { entryKey } from './permissions.ts';
import { countingIn } from './selectors.ts';

type Entry = Readonly<Record<string, unknown>>;

/** The entries of every account, each once, in the order in which they first come. */
export function mergeEntries(lists: ReadonlyMap<string, readonly Entry[]>): Entry[] {
  const where = new Map<string, { entry: Entry; accounts: Set<string> }>();
  for (const [account, entries] of lists) {
    for (const entry of entries) {
      const key = entryKey(entry);
      const known = where.get(key);
      if (known === undefined) where.set(key, { entry, accounts: new Set([account]) });
      else known.accounts.add(account);
    }
  }
  const all = [...lists.keys()];
  return [...where.values()].map(({ entry, accounts }) => ({ ...entry, ...countingIn(all, accounts) }));
}

/** Keys of entries, for `likeness`: making them is what costs. */
export const keysOf = (entries: readonly Entry[]): ReadonlySet<string> => new Set(entries.map(entryKey));

/** How much two lists of entries have in common, by their keys: 1 for all, 0 for nothing. */
export function likeness(keys: ReadonlySet<string>, others: ReadonlySet<string>): number {
  const shared = [...others].filter((key) => keys.has(key)).length;
  const together = keys.size + others.size - shared;
  return together === 0 ? 1 : shared / together;
}
