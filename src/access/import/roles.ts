// Roles of all accounts put together: one entry for those that look alike, with `in` for their accounts and `only`
// where a statement is not in all of them.
import { canonicalJson, formatDuration } from '../../base/index.ts';
import type { RoleResource, SeenResource, Tags } from '../resources.ts';
import type { Found, FoundAccount } from './found.ts';
import { likeness, mergeEntries } from './merging.ts';
import { attachedEntries, inlineEntries } from './permissions.ts';
import type { OwnPolicies } from './policies.ts';
import { selectorFor } from './selectors.ts';
import type { TrustDraft } from './trust.ts';

type Entry = Readonly<Record<string, unknown>>;

export interface RoleDraft {
  readonly account: FoundAccount;
  readonly name: string;
  /** What must be equal for roles to share an entry. */
  readonly shape: Entry;
  readonly trust: readonly TrustDraft[];
  readonly inline: Readonly<Record<string, readonly Entry[]>>;
  readonly tags: Tags;
}

/** One entry of `roles`, with the accounts that it stands for. */
export interface RoleGroup {
  readonly key: string;
  readonly name: string;
  readonly drafts: readonly RoleDraft[];
}

const stintFree = (tags: Tags): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !/^(?:stint|aws):/.test(key)));

function profileOf(account: FoundAccount, role: string): string | undefined {
  const profiles = account.resources.filter(
    (it): it is Extract<SeenResource, { kind: 'instance-profile' }> =>
      it.kind === 'instance-profile' && it.role === role,
  );
  return (profiles.find(({ name }) => name === role) ?? profiles[0])?.name;
}

/** The role of one account, in the words of a definition. */
export function draftRole(
  found: Found,
  account: FoundAccount,
  role: RoleResource,
  trust: readonly TrustDraft[],
  own: OwnPolicies,
): RoleDraft {
  const policies = own.inAccount(account.name);
  const { managed, policies: named } = attachedEntries(role.attached, account.id, found.partition, policies);
  const boundary =
    role.boundary === undefined ? undefined : attachedEntries([role.boundary], account.id, found.partition, policies);
  const profile = profileOf(account, role.name);
  return {
    account,
    name: role.name,
    shape: {
      ...(role.path === '/' ? {} : { path: role.path }),
      ...(role.description === '' ? {} : { description: role.description }),
      session: formatDuration(role.sessionSeconds),
      ...(boundary === undefined ? {} : { boundary: boundary.policies[0] ?? boundary.managed[0] }),
      ...(managed.length === 0 ? {} : { managed }),
      ...(named.length === 0 ? {} : { policies: named }),
      ...(profile === undefined ? {} : { instanceProfile: profile === role.name ? true : profile }),
    },
    trust,
    inline: inlineEntries(role.inline),
    tags: stintFree(role.tags),
  };
}

const contentOf = (draft: RoleDraft): Entry[] => [
  ...draft.trust,
  ...Object.entries(draft.inline).flatMap(([name, entries]) => entries.map((entry) => ({ name, entry }))),
];

/** Half of what two roles say must be the same for them to be one entry. */
const alike = 0.5;

/** Roles that share an entry: of one name, equal in all that `only` cannot tell apart, and alike in the rest. */
export function groupRoles(drafts: readonly RoleDraft[], isKey: (name: string) => boolean): RoleGroup[] {
  const groups: { drafts: RoleDraft[] }[] = [];
  const byShape = new Map<string, { drafts: RoleDraft[] }[]>();
  for (const draft of drafts) {
    const shape = canonicalJson([draft.name, draft.shape]);
    const known = byShape.get(shape) ?? [];
    const fitting = known.find(({ drafts: [first] }) => likeness(contentOf(first!), contentOf(draft)) >= alike);
    if (fitting !== undefined) fitting.drafts.push(draft);
    else {
      const fresh = { drafts: [draft] };
      groups.push(fresh);
      byShape.set(shape, [...known, fresh]);
    }
  }
  // The entry that stands for most accounts gets the plain name.
  groups.sort((a, b) => b.drafts.length - a.drafts.length);
  const taken = new Set<string>();
  return groups.map(({ drafts }): RoleGroup => {
    const { name, account } = drafts[0]!;
    const key = freeKey(name, account.name, taken, isKey);
    taken.add(key);
    return { key, name, drafts };
  });
}

function freeKey(name: string, account: string, taken: ReadonlySet<string>, isKey: (name: string) => boolean): string {
  const spelt = name
    .replaceAll(/[^A-Za-z0-9_.-]/g, '-')
    .replace(/^(?![A-Za-z])/, 'role-')
    .slice(0, 48);
  const wishes = [name, spelt, `${spelt}-${account}`.slice(0, 60)];
  const free = wishes.find((wish) => isKey(wish) && !taken.has(wish));
  for (let count = 2; ; count++) {
    const candidate = free ?? `${wishes[2]}-${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}

function commonTags(drafts: readonly RoleDraft[]): Tags {
  const [first, ...others] = drafts;
  return Object.fromEntries(
    Object.entries(first!.tags).filter(([key, value]) => others.every(({ tags }) => tags[key] === value)),
  );
}

function mergeInline(drafts: readonly RoleDraft[]): Readonly<Record<string, readonly Entry[]>> {
  const names = [...new Set(drafts.flatMap(({ inline }) => Object.keys(inline)))];
  return Object.fromEntries(
    names.map((name) => [
      name,
      mergeEntries(new Map(drafts.map((draft) => [draft.account.name, draft.inline[name] ?? []]))),
    ]),
  );
}

/** The policy that Stint itself writes goes back to `statements`; all others keep their names. */
export function inlineMembers(inline: Readonly<Record<string, readonly Entry[]>>): Entry {
  const { stint, 'stint-assume': _made, ...named } = inline;
  return {
    ...(stint === undefined ? {} : { statements: stint }),
    ...(Object.keys(named).length === 0 ? {} : { inline: named }),
  };
}

/** The entry of a group of roles. */
export function roleEntry(found: Found, { key, name, drafts }: RoleGroup): Entry {
  const accounts = new Set(drafts.map(({ account }) => account.name));
  const tags = commonTags(drafts);
  const { path, description, managed, policies, boundary, session, instanceProfile } = drafts[0]!.shape;
  const entry = {
    in: selectorFor(found.accounts, accounts),
    name: key === name ? undefined : name,
    path,
    description,
    trust: mergeEntries(new Map(drafts.map((draft) => [draft.account.name, draft.trust]))),
    managed,
    policies,
    ...inlineMembers(mergeInline(drafts)),
    boundary,
    session,
    instanceProfile,
    tags: Object.keys(tags).length === 0 ? undefined : tags,
  };
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}
