// What a role or a provider is in one account: the entry, with the members of `per` that fit the account laid over it.
import { parseDuration } from '../base/index.ts';
import { defaultLimit } from './defaults.ts';
import type { Definition, RoleEntry } from './model.ts';
import type { Path } from './problems.ts';
import { countsIn, isSelected, selectAccounts } from './selectors.ts';

/** The client id of AWS's own tools, where a definition names none. */
export const usualAudiences: readonly string[] = ['sts.amazonaws.com'];

/** Names of the accounts that hold a role, in the order of the definition. */
export function accountsOfRole(definition: Definition, role: RoleEntry): string[] {
  return selectAccounts(definition, role.in).filter((account) => countsIn(role, account));
}

/** Whether `account` holds a role. */
export function holdsRole(definition: Definition, role: RoleEntry, account: string): boolean {
  return countsIn(role, account) && isSelected(definition, role.in, account);
}

/** The role as it is in `account`. */
export function roleIn(definition: Definition, role: RoleEntry, account: string): RoleEntry {
  return (role.per ?? [])
    .filter((variant) => isSelected(definition, variant.in, account))
    .reduce<RoleEntry>(
      (whole, { in: _in, trust = whole.trust, ...variant }) => ({ ...whole, ...variant, trust }),
      role,
    );
}

/** Where in its entry stands what a member of the role is in `account`: in the last `per` that has it, else above. */
export function memberPath(definition: Definition, role: RoleEntry, account: string, member: keyof RoleEntry): Path {
  const variant = (role.per ?? []).findLastIndex(
    (it) => isSelected(definition, it.in, account) && (it as Partial<RoleEntry>)[member] !== undefined,
  );
  return variant < 0 ? [member] : ['per', variant, member];
}

type Provider = NonNullable<Definition['providers']>[string];

/** The provider as it is in `account`. */
export function providerIn(definition: Definition, provider: Provider, account: string): Provider {
  return (provider.per ?? [])
    .filter((variant) => isSelected(definition, variant.in, account))
    .reduce<Provider>((whole, { in: _in, ...variant }) => ({ ...whole, ...variant }), provider);
}

/** The audiences that a provider takes in `account`. */
export function audiencesIn(definition: Definition, provider: Provider, account: string): readonly string[] {
  return providerIn(definition, provider, account).audiences ?? usualAudiences;
}

/** Longest session of a role in an account, in seconds. AWS's own default where none is chosen and the limit is off. */
export function sessionSeconds(definition: Definition, role: RoleEntry, account: string): number {
  const { session } = roleIn(definition, role, account);
  if (session !== undefined) return parseDuration(session);
  return defaultLimit(definition, 'session', definition.accounts[account]!.stage) ?? 3600;
}
