// What of a definition ends by itself, and when: a list of its own, for whoever has to decide what goes on.
import { isoSeconds, type Millis } from '../base/index.ts';
import { expiryInstant } from './expiry.ts';
import type { Definition, RoleEntry, StatementEntry, TrustEntry } from './model.ts';
import { centralAccount, countsIn, selectAccounts } from './selectors.ts';
import { accountsOfRole, roleIn } from './variation.ts';

export interface Expiring {
  /** `role analyst`, `trust of role reader in group developers`, `statement 2 of policy deploy`. */
  readonly what: string;
  /** Names of accounts; empty where it belongs to none. */
  readonly accounts: readonly string[];
  /** The instant, as ISO text. */
  readonly when: string;
  readonly reason?: string | undefined;
}

interface Ending {
  readonly expires?: string | undefined;
  readonly reason?: string | undefined;
  readonly only?: readonly string[] | undefined;
  readonly except?: readonly string[] | undefined;
}

interface Carrier extends Ending {
  readonly statements?: readonly StatementEntry[] | undefined;
  readonly inline?: Readonly<Record<string, readonly StatementEntry[]>> | undefined;
}

const when = (expires: string): string => isoSeconds(Date.parse(expiryInstant(expires)));

function ending(what: string, entry: Ending, accounts: readonly string[]): Expiring[] {
  if (entry.expires === undefined) return [];
  const held = accounts.filter((account) => countsIn(entry, account));
  if (held.length === 0 && accounts.length > 0) return [];
  const { expires, reason } = entry;
  return [{ what, accounts: held, when: when(expires), ...(reason === undefined ? {} : { reason }) }];
}

function statements(what: string, entry: Carrier, accounts: readonly string[]): Expiring[] {
  const lists = [
    ['', entry.statements ?? []] as const,
    ...Object.entries(entry.inline ?? {}).map(([name, list]) => [` in \`${name}\``, list] as const),
  ];
  return lists.flatMap(([where, list]) =>
    list.flatMap((it, index) => ending(`statement ${index + 1}${where} of ${what}`, it, accounts)),
  );
}

/** `group developers`, `service ec2.amazonaws.com`. */
function trusted(entry: TrustEntry): string {
  const kinds = ['group', 'person', 'role', 'account', 'service'] as const;
  const kind = kinds.find((it) => entry[it] !== undefined);
  if (kind !== undefined) return `${kind} ${entry[kind]}`;
  const { oidc, pod, serviceAccount, certificate, saml } = entry;
  if (oidc !== undefined) return `token ${[oidc.repository ?? oidc.subject ?? []].flat().join(', ')}`;
  if (pod !== undefined) return `pod ${pod.namespace}/${pod.serviceAccount}`;
  if (serviceAccount !== undefined) return `service account ${serviceAccount.namespace}/${serviceAccount.name}`;
  if (certificate !== undefined) return `certificate ${[certificate.commonName].flat().join(', ')}`;
  return saml === undefined ? 'what a statement names' : `people of ${saml.provider}`;
}

/** A role differs by account: what ends of it is told for the accounts where it is so. */
function ofRole(definition: Definition, key: string, entry: RoleEntry): Expiring[] {
  return accountsOfRole(definition, entry).flatMap((account) => {
    const role = roleIn(definition, entry, account);
    return [
      ...ending(`role ${key}`, role, [account]),
      ...role.trust.flatMap((it) => ending(`trust of role ${key} in ${trusted(it)}`, it, [account])),
      ...statements(`role ${key}`, role, [account]),
    ];
  });
}

function ofNamed(
  kind: string,
  entries: Readonly<Record<string, Carrier>> | undefined,
  accounts: readonly string[],
): Expiring[] {
  return Object.entries(entries ?? {}).flatMap(([name, entry]) => [
    // `only` and `except` of people say which roles trust them, not where they are.
    ...ending(`${kind} ${name}`, { expires: entry.expires, reason: entry.reason }, accounts),
    ...statements(`${kind} ${name}`, entry, accounts),
  ]);
}

/** The same in several accounts is one. */
function joined(found: readonly Expiring[]): Expiring[] {
  const alike = Map.groupBy(found, (it) => JSON.stringify([it.what, it.when, it.reason ?? null]));
  return [...alike.values()].map((same) => ({
    ...same[0]!,
    accounts: [...new Set(same.flatMap(({ accounts }) => accounts))],
  }));
}

/** Everything that ends after `now`, the soonest first. */
export function expiringOf(definition: Definition, now: Millis): readonly Expiring[] {
  const central = [centralAccount(definition) ?? []].flat();
  const { passwordPolicy } = definition;
  const all = [
    ...Object.entries(definition.roles ?? {}).flatMap(([key, entry]) => ofRole(definition, key, entry)),
    ...ofNamed('person', definition.people, central),
    ...ofNamed('group', definition.groups, central),
    ...ofNamed('policy', definition.policies, []),
    ...ofNamed('provider', definition.providers, []),
    ...ofNamed('guard rail', definition.guardrails, []),
    ...(passwordPolicy === undefined
      ? []
      : ending('password policy', passwordPolicy, selectAccounts(definition, passwordPolicy.in))),
  ];
  return joined(all.filter((it) => Date.parse(it.when) > now)).toSorted((a, b) => a.when.localeCompare(b.when));
}
