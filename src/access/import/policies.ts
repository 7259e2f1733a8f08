// Customer policies of all accounts put together by name: what every account says once, the rest with `only`.
import type { PolicyResource, SeenResource } from '../resources.ts';
import type { Found, FoundAccount, Note } from './found.ts';
import { mergeEntries } from './merging.ts';
import { statementEntry } from './permissions.ts';

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

function carriedArns(account: FoundAccount): ReadonlySet<string> {
  return new Set(
    account.resources.flatMap((it) => [
      ...('attached' in it ? it.attached : []),
      ...('boundary' in it && it.boundary !== undefined ? [it.boundary] : []),
    ]),
  );
}

/** Policies that carry Stint's own grants of groups are made by the compiler, not written. */
const isMade = ({ name }: SeenPolicy): boolean => name.startsWith('stint-assume-');

export function ownPolicies(found: Found, isKey: (name: string) => boolean, stintPath: string): OwnPolicies {
  const byName = new Map<string, { account: FoundAccount; policy: SeenPolicy }[]>();
  const left: Note[] = [];
  for (const account of found.accounts) {
    const carried = carriedArns(account);
    for (const policy of account.resources.filter((it): it is SeenPolicy => it.kind === 'policy')) {
      if (isMade(policy)) continue;
      const unsaid = policy.document.Version !== '2012-10-17' || !isKey(policy.name);
      const first = byName.get(policy.name)?.[0];
      if (!carried.has(policy.arn ?? '')) left.push(leftNote(account, policy, 'nothing carries it'));
      else if (unsaid)
        left.push(leftNote(account, policy, 'it has an old version of the language, or a name no entry can have'));
      else if (first !== undefined && first.policy.path !== policy.path)
        left.push(leftNote(account, policy, 'it has another path than its namesakes'));
      else byName.set(policy.name, [...(byName.get(policy.name) ?? []), { account, policy }]);
    }
  }
  const entries = [...byName].map(([name, found]): [string, Entry] => {
    const { path, description } = found[0]!.policy;
    const statements = mergeEntries(
      new Map(found.map(({ account, policy }) => [account.name, policy.document.Statement.map(statementEntry)])),
    );
    return [name, { ...(path === stintPath ? {} : { path }), ...(description ? { description } : {}), statements }];
  });
  return {
    entries: Object.fromEntries(entries),
    inAccount: (name) =>
      [...byName.values()].flatMap((list) =>
        list.filter(({ account }) => account.name === name).map(({ policy }) => policy),
      ),
    left,
  };
}

function leftNote(account: FoundAccount, policy: SeenPolicy, why: string): Note {
  return { path: ['policies'], text: `policy ${policy.name} of ${account.name} is not taken over: ${why}` };
}
