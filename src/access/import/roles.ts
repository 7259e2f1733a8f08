// Roles of all accounts put together: one entry for those that one entry made, or that look alike, with `in` for their
// accounts and `per`, `only` and `except` for what is not the same in all of them.
import { canonicalJson, formatDuration } from '../../base/index.ts';
import { defaultLimit } from '../defaults.ts';
import type { Definition } from '../model.ts';
import type { Tags } from '../resources.ts';
import { asFound, type Entry, type Found } from './found.ts';
import { keysOf, likeness } from './merging.ts';
import type { RoleDraft } from './role-drafts.ts';
import { selectorFor } from './selectors.ts';
import { variedEntry } from './varied.ts';

/** One entry of `roles`, with the accounts that it stands for. */
export interface RoleGroup {
  readonly key: string;
  readonly name: string;
  readonly own: boolean;
  readonly drafts: readonly RoleDraft[];
}

const contentOf = ({ trust, members }: RoleDraft): Entry[] => {
  const list = (name: string): readonly unknown[] => (members[name] ?? []) as readonly unknown[];
  const inline = Object.entries((members['inline'] ?? {}) as Readonly<Record<string, readonly Entry[]>>);
  return [
    ...trust,
    ...[...list('managed'), ...list('policies'), ...list('statements')].map((carried) => ({ carried })),
    ...inline.flatMap(([name, entries]) => entries.map((entry) => ({ name, entry }))),
  ];
};

/** Half of what two roles of others say must be the same for them to be one entry. */
const alike = 0.5;

interface Pile {
  readonly drafts: RoleDraft[];
  readonly own: string | undefined;
  /** Of the first of them. */
  readonly keys: ReadonlySet<string>;
}

/** Roles that share an entry: made by one, or of one name and alike. What `per` cannot tell apart must be equal. */
function pilesOf(drafts: readonly RoleDraft[]): Pile[] {
  const piles: Pile[] = [];
  const byShape = new Map<string, Pile[]>();
  for (const draft of drafts) {
    const { own } = draft;
    const shape = canonicalJson([own === undefined, own ?? draft.name, draft.name, draft.fixed]);
    const known = byShape.get(shape) ?? [];
    const keys = own === undefined ? keysOf(contentOf(draft)) : new Set<string>();
    const fitting = known.find((pile) => own !== undefined || likeness(pile.keys, keys) >= alike);
    if (fitting !== undefined) fitting.drafts.push(draft);
    else {
      const fresh: Pile = { drafts: [draft], own, keys };
      piles.push(fresh);
      byShape.set(shape, [...known, fresh]);
    }
  }
  return piles;
}

/** The groups of roles, each with a name of its own. What the definition made keeps the name that it has there. */
export function groupRoles(drafts: readonly RoleDraft[], isKey: (name: string) => boolean): RoleGroup[] {
  // The entry that stands for most accounts gets the plain name.
  const piles = pilesOf(drafts).toSorted(
    (a, b) => Number(b.own !== undefined) - Number(a.own !== undefined) || b.drafts.length - a.drafts.length,
  );
  const taken = new Set<string>();
  const groups = piles.map(({ drafts, own }): RoleGroup => {
    const { name, account } = drafts[0]!;
    const wished = own !== undefined && isKey(own) && !taken.has(own.toLowerCase()) ? own : undefined;
    const key = wished ?? freeKey(name, account.name, taken, isKey);
    taken.add(key.toLowerCase());
    return { key, name, own: own !== undefined, drafts };
  });
  return groups.toSorted((a, b) => b.drafts.length - a.drafts.length);
}

/** A name for an entry that no other has; IAM and definitions compare names without case. */
export function freeKey(
  name: string,
  account: string,
  taken: ReadonlySet<string>,
  isKey: (name: string) => boolean,
): string {
  const spelt = name
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^(?![A-Za-z])/, 'role-')
    .slice(0, 48);
  const wishes = [name, spelt, `${spelt}-${account}`.slice(0, 60)];
  const free = wishes.find((wish) => isKey(wish) && !taken.has(wish.toLowerCase()));
  for (let count = 2; ; count++) {
    const candidate = free ?? `${wishes[2]}-${count}`;
    if (!taken.has(candidate.toLowerCase())) return candidate;
  }
}

/** What no role may have longer, where the definition says nothing; undefined for what Stint says by itself. */
export type SessionDefault = string | typeof asFound | undefined;

const sessionOf = (chosen: SessionDefault, stage: string): number =>
  defaultLimit({ defaults: { session: chosen } } as Definition, 'session', stage) ?? 3600;

/** The default that leaves the fewest roles with a session of their own to be written down. */
export function chooseSession(drafts: readonly RoleDraft[]): SessionDefault {
  const texts = [...new Set(drafts.map(({ seconds }) => formatDuration(seconds)))];
  const cost = (chosen: SessionDefault): number =>
    drafts.filter(({ account, seconds }) => sessionOf(chosen, account.stage) !== seconds).length;
  return texts.reduce<SessionDefault>((best, text) => (cost(text) < cost(best) ? text : best), undefined);
}

/** The sessions that are to be written down: all of them, or only those that the default does not give. */
function sessionTexts(drafts: readonly RoleDraft[], session: SessionDefault): readonly (string | undefined)[] {
  const all = drafts.map(({ seconds }) => formatDuration(seconds));
  const own = drafts.map(({ account, seconds }, index) =>
    sessionOf(session, account.stage) === seconds ? undefined : all[index],
  );
  return new Set(all).size < new Set(own).size ? all : own;
}

/** The tags that all have. */
export function commonTags(entries: readonly Entry[]): Tags | undefined {
  const [first, ...others] = entries.map(({ tags }) => (tags ?? {}) as Tags);
  const common = Object.entries(first!).filter(([key, value]) => others.every((tags) => tags[key] === value));
  return common.length === 0 ? undefined : Object.fromEntries(common);
}

/** Members that `per` takes, in the order in which people write them. */
const varying = [
  'description',
  'trust',
  'managed',
  'policies',
  'statements',
  'inline',
  'boundary',
  'session',
  'tags',
  'owner',
  'reason',
  'expires',
];

/** The entry of a group of roles. The tags of others that are not the same everywhere are left to them. */
export function roleEntry(found: Found, { key, name, own, drafts }: RoleGroup, session: SessionDefault): Entry {
  const accounts = new Set(drafts.map(({ account }) => account.name));
  const tags = own ? undefined : commonTags(drafts.map(({ members }) => members));
  const sessions = sessionTexts(drafts, session);
  const variants = drafts.map(({ account, members, trust }, index) => ({
    account,
    members: { ...members, ...(own ? {} : { tags }), trust, session: sessions[index] },
  }));
  const { per, ...entry } = variedEntry(variants, varying);
  const { path, instanceProfile, protect, marked } = drafts[0]!.fixed;
  const whole = {
    in: selectorFor(found.accounts, accounts),
    name: key === name ? undefined : name,
    path,
    ...entry,
    instanceProfile,
    protect,
    marked,
    per,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
}
