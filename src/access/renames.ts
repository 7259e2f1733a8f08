// Renames: what a wanted resource was called before, and an account shown as if its groups had their new names already.
import { isOwned } from './ownership.ts';
import { resourceKey, type Resource, type SeenAccount, type SeenResource, type WantedAccount } from './resources.ts';

/** What is there under the former name of a wanted resource. */
export function formerOf(want: Resource, byKey: ReadonlyMap<string, SeenResource>): SeenResource | undefined {
  return want.was === undefined ? undefined : byKey.get(resourceKey({ kind: want.kind, name: want.was }));
}

/** The account with every member of a group that is renamed shown as a member of the group by its new name. */
export function withRenames(account: WantedAccount, seen: SeenAccount, definition: string): SeenAccount {
  const byKey = new Map(seen.resources.map((it) => [resourceKey(it), it]));
  const names = new Map<string, string>();
  for (const want of account.resources) {
    const former = want.kind === 'group' && !byKey.has(resourceKey(want)) ? formerOf(want, byKey) : undefined;
    if (former !== undefined && isOwned(former, definition)) names.set(former.name, want.name);
  }
  if (names.size === 0) return seen;
  const resources = seen.resources.map((it) =>
    it.kind === 'user' ? { ...it, groups: it.groups.map((group) => names.get(group) ?? group) } : it,
  );
  return { ...seen, resources };
}
