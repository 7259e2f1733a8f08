// Entries that count in no account, because `only` and `except` leave none of those where they could: a slip that makes
// nothing and would say nothing. What `in` selects is judged before, with the names.
import { accountsOfProvider } from './compile-providers.ts';
import type { Finding } from './findings.ts';
import type { Definition, RoleEntry } from './model.ts';
import type { Path } from './problems.ts';
import { centralAccount, countsIn, selectAccounts } from './selectors.ts';
import { accountsOfRole } from './variation.ts';

interface Narrowed {
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

interface Lists {
  readonly trust?: readonly Narrowed[] | undefined;
  readonly statements?: readonly Narrowed[] | undefined;
  readonly inline?: Readonly<Record<string, readonly Narrowed[]>> | undefined;
}

const accountsShown = 4;

function named(accounts: readonly string[]): string {
  const more = accounts.length > accountsShown ? ` and ${accounts.length - accountsShown} more` : '';
  return `${accounts.slice(0, accountsShown).join(', ')}${more}`;
}

/** The member that a person would have to look at. */
const memberOf = ({ only }: Narrowed): string => (only === undefined ? 'except' : 'only');

function nowhere(resource: string, what: string, at: Path, accounts: readonly string[]): Finding {
  return {
    severity: 'warning',
    code: 'nowhere',
    resource,
    message: `${what}counts in no account: \`only\` and \`except\` leave none of ${named(accounts)}`,
    hint: 'widen them, or take the entry out',
    at,
  };
}

/** The parts of an entry that count in none of its accounts. */
function ofLists(resource: string, path: Path, lists: Lists, accounts: readonly string[]): Finding[] {
  const all: readonly (readonly [string, Path, readonly Narrowed[]])[] = [
    ['entry', [...path, 'trust'], lists.trust ?? []],
    ['statement', [...path, 'statements'], lists.statements ?? []],
    ...Object.entries(lists.inline ?? {}).map(
      ([name, list]) => [`statement of \`${name}\``, [...path, 'inline', name], list] as const,
    ),
  ];
  return all.flatMap(([what, place, list]) =>
    list.flatMap((it, index) =>
      (it.only ?? it.except) === undefined || accounts.some((account) => countsIn(it, account))
        ? []
        : [nowhere(resource, `${index + 1}. ${what} `, [...place, index, memberOf(it)], accounts)],
    ),
  );
}

function ofRole(definition: Definition, key: string, role: RoleEntry): Finding[] {
  const resource = `role/${role.name ?? key}`;
  const path = ['roles', key];
  const held = accountsOfRole(definition, role);
  if (held.length === 0) {
    return [nowhere(resource, '', [...path, memberOf(role)], selectAccounts(definition, role.in))];
  }
  return [
    ...ofLists(resource, path, role, held),
    ...(role.per ?? []).flatMap((variant, index) => {
      const fitting = selectAccounts(definition, variant.in).filter((account) => held.includes(account));
      return ofLists(resource, [...path, 'per', index], variant, fitting);
    }),
  ];
}

/** Everything of a definition that counts in no account. */
export function nowhereFindings(definition: Definition): Finding[] {
  const everywhere = Object.keys(definition.accounts);
  const central = [centralAccount(definition) ?? []].flat();
  const { passwordPolicy } = definition;
  const whole = (resource: string, path: Path, entry: Narrowed, among: readonly string[]): Finding[] =>
    among.length === 0 || among.some((account) => countsIn(entry, account))
      ? []
      : [nowhere(resource, '', [...path, memberOf(entry)], among)];
  return [
    ...Object.entries(definition.roles ?? {}).flatMap(([key, role]) => ofRole(definition, key, role)),
    ...Object.entries(definition.groups ?? {}).flatMap(([name, group]) =>
      ofLists(`group/${name}`, ['groups', name], group, central),
    ),
    ...Object.entries(definition.people ?? {}).flatMap(([name, person]) =>
      ofLists(`user/${name}`, ['people', name], person, central),
    ),
    ...Object.entries(definition.policies ?? {}).flatMap(([name, policy]) => {
      const accounts = everywhere.filter((account) => countsIn(policy, account));
      return accounts.length === 0
        ? whole(`policy/${name}`, ['policies', name], policy, everywhere)
        : ofLists(`policy/${name}`, ['policies', name], policy, accounts);
    }),
    ...Object.entries(definition.providers ?? {}).flatMap(([key, provider]) => {
      const among = provider.in === undefined ? [] : selectAccounts(definition, provider.in);
      const made = accountsOfProvider(definition, key, provider);
      return made.length > 0 ? [] : whole(`provider/${key}`, ['providers', key], provider, among);
    }),
    ...(passwordPolicy === undefined
      ? []
      : whole(
          'password-policy/password policy',
          ['passwordPolicy'],
          passwordPolicy,
          selectAccounts(definition, passwordPolicy.in),
        )),
  ];
}
