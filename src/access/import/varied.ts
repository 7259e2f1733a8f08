// Entries that differ by account, said once: what most accounts have, then `per` for the others, or `only` and `except`
// in a list, whichever is shorter. Pure.
import type { Entry } from './found.ts';
import { mergeEntries } from './merging.ts';
import { entryKey } from './permissions.ts';
import { selectorFor, type KnownAccount } from './selectors.ts';

/** What one account says. */
export interface Variant {
  readonly account: KnownAccount;
  readonly members: Entry;
}

/** What a variant writes to be without a member; a member that is not here cannot be taken away once it is there. */
const empty: Entry = { description: '', managed: [], policies: [], statements: [], inline: {}, tags: {} };

interface Said {
  readonly base?: unknown;
  /** Values that take the place of the base, each with its accounts. */
  readonly others: readonly { readonly value: unknown; readonly accounts: readonly KnownAccount[] }[];
}

function byValue(variants: readonly Variant[], member: string): { value: unknown; accounts: KnownAccount[] }[] {
  const groups = Map.groupBy(variants, ({ members }) => entryKey(members[member] ?? null));
  return [...groups.values()]
    .map((list) => ({ value: list[0]!.members[member], accounts: list.map(({ account }) => account) }))
    .toSorted((a, b) => b.accounts.length - a.accounts.length);
}

/** A member as what most accounts have, and what takes its place in the others. */
function laidOver(variants: readonly Variant[], member: string): Said {
  const values = byValue(variants, member);
  const stays = !Object.hasOwn(empty, member) && values.some(({ value }) => value === undefined);
  const base = stays ? undefined : values[0]!.value;
  const others = values
    .filter(({ value }) => value !== base)
    .map(({ value, accounts }) => ({ value: value ?? empty[member], accounts }));
  return base === undefined ? { others } : { base, others };
}

const listsOf = (variants: readonly Variant[], read: (members: Entry) => unknown): Map<string, readonly Entry[]> =>
  new Map(variants.map(({ account, members }) => [account.name, (read(members) ?? []) as readonly Entry[]]));

/** A list, or lists by name, with `only` and `except` in it. */
function merged(variants: readonly Variant[], member: string): unknown {
  if (member !== 'inline') return mergeEntries(listsOf(variants, (members) => members[member]));
  const inlineOf = (members: Entry): Entry => (members['inline'] ?? {}) as Entry;
  const names = [...new Set(variants.flatMap(({ members }) => Object.keys(inlineOf(members))))];
  return Object.fromEntries(
    names.map((name) => [name, mergeEntries(listsOf(variants, (members) => inlineOf(members)[name]))]),
  );
}

const selectorOf = (variants: readonly Variant[], accounts: readonly KnownAccount[]) =>
  selectorFor(
    variants.map(({ account }) => account),
    new Set(accounts.map(({ name }) => name)),
    1,
  );

/** About the letters that a way of saying it takes. */
function costOf(variants: readonly Variant[], { base, others }: Said): number {
  const texts = others.map(({ value, accounts }) => [value, selectorOf(variants, accounts)]);
  return JSON.stringify([base ?? '', texts]).length + 20 * others.length;
}

function say(variants: readonly Variant[], member: string, lists: boolean): Said {
  const over = laidOver(variants, member);
  if (!lists || over.others.length === 0) return over;
  const list = { base: merged(variants, member), others: [] };
  return costOf(variants, list) <= costOf(variants, over) ? list : over;
}

/** Members whose lists may hold `only` and `except`. */
const narrowing: ReadonlySet<string> = new Set(['trust', 'statements', 'inline']);

/** One entry of many: its members in their order, then `per`. Every member must be one that `per` takes. */
export function variedEntry(variants: readonly Variant[], members: readonly string[]): Entry {
  const said = members.map((member) => [member, say(variants, member, narrowing.has(member))] as const);
  const base = said.filter(([, { base }]) => base !== undefined).map(([member, { base }]) => [member, base]);
  const over = said.flatMap(([member, { others }]) => others.map((it) => ({ member, ...it })));
  const groups = Map.groupBy(over, ({ accounts }) => entryKey(accounts.map(({ name }) => name)));
  const per = [...groups.values()].map((list) => ({
    in: selectorOf(variants, list[0]!.accounts),
    ...Object.fromEntries(list.map(({ member, value }) => [member, value])),
  }));
  return { ...Object.fromEntries(base), ...(per.length === 0 ? {} : { per }) };
}
