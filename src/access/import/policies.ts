// Customer policies of all accounts put together by name: what every account says once, the rest with `only`.
import type { Millis } from '../../base/index.ts';
import { assumeInlineName } from '../compile-identities.ts';
import { isProtected, ownMarks, unmarkProtected } from '../ownership.ts';
import type { PolicyResource, SeenResource } from '../resources.ts';
import type { Found, FoundAccount, Note } from './found.ts';
import { mergeEntries } from './merging.ts';
import { endOf, markedMembers } from './owned.ts';
import { statementReader } from './role-drafts.ts';

type Entry = Readonly<Record<string, unknown>>;

export interface OwnPolicies {
  /** Entries of `policies` by name. */
  readonly entries: Readonly<Record<string, Entry>>;
  /** The policies of an account that have an entry. */
  inAccount(account: string): readonly PolicyResource[];
  /** Policies that nothing carries, and those whose name two paths share. */
  readonly left: readonly Note[];
}

type SeenPolicy = Extract<SeenResource, { kind: 'policy' }>;

/** ARNs of what is attached to something, or bounds it. */
export function carriedArns(resources: readonly SeenResource[]): ReadonlySet<string> {
  return new Set(
    resources.flatMap((it) => [
      ...('attached' in it ? it.attached : []),
      ...('boundary' in it && it.boundary !== undefined ? [it.boundary] : []),
    ]),
  );
}

/** Policies that carry Stint's own grants are made by the compiler, not written. */
const isMade = ({ name }: SeenPolicy): boolean => name.startsWith(`${assumeInlineName}-`);

interface Held {
  readonly account: FoundAccount;
  readonly policy: SeenPolicy;
}

/** Why a policy has no entry; undefined for one that has. */
function whyNot({ account, policy }: Held, first: Held | undefined, isKey: (name: string) => boolean) {
  if (!carriedArns(account.resources).has(policy.arn ?? '')) return 'nothing carries it';
  if (policy.document.Version !== '2012-10-17' || !isKey(policy.name)) {
    return 'it has an old version of the language, or a name no entry can have';
  }
  if (first === undefined) return undefined;
  if (first.policy.name !== policy.name) return `its name differs from \`${first.policy.name}\` in case only`;
  return first.policy.path === policy.path ? undefined : 'it has another path than its namesakes';
}

function policyEntry(found: Found, held: readonly Held[], stintPath: string, now: Millis): Entry {
  const { path, description, tags, document } = held[0]!.policy;
  const marks = markedMembers(found, tags);
  const own = path === stintPath || ownMarks(tags, found.name) !== undefined;
  const protect = own && isProtected(held[0]!.policy) ? { protect: true } : {};
  const read = statementReader(own, endOf(marks), now);
  const lists = held.map(
    ({ account, policy }) => [account.name, read(own ? unmarkProtected(policy.document) : policy.document)] as const,
  );
  return {
    ...(path === stintPath ? {} : { path }),
    ...(description ? { description } : {}),
    ...marks,
    ...protect,
    statements: document.Statement.length === 0 ? [] : mergeEntries(new Map(lists)),
  };
}

/** The customer policies of all accounts. `now` is the instant at which ends count. */
export function ownPolicies(
  found: Found,
  isKey: (name: string) => boolean,
  stintPath: string,
  now: Millis,
): OwnPolicies {
  const byName = new Map<string, Held[]>();
  const left: Note[] = [];
  for (const account of found.accounts) {
    for (const policy of account.resources.filter((it): it is SeenPolicy => it.kind === 'policy')) {
      if (isMade(policy)) continue;
      const name = policy.name.toLowerCase();
      const known = byName.get(name) ?? [];
      const why = whyNot({ account, policy }, known[0], isKey);
      if (why === undefined) byName.set(name, [...known, { account, policy }]);
      else left.push(leftNote(account, policy, why));
    }
  }
  const inAccount = Map.groupBy([...byName.values()].flat(), ({ account }) => account.name);
  return {
    entries: Object.fromEntries(
      [...byName.values()].map((held) => [held[0]!.policy.name, policyEntry(found, held, stintPath, now)]),
    ),
    inAccount: (name) => (inAccount.get(name) ?? []).map(({ policy }) => policy),
    left,
  };
}

function leftNote(account: FoundAccount, policy: SeenPolicy, why: string): Note {
  return { path: ['policies'], text: `policy ${policy.name} of ${account.name} is not taken over: ${why}` };
}
