// What of a definition ends by itself, and when: a list of its own, for whoever has to decide what goes on, and what has
// ended already and only stands there.
import { isoSeconds, type Millis } from '../base/index.ts';
import { expiryInstant, hasEnded } from './expiry.ts';
import type { Finding } from './findings.ts';
import type { Definition, RoleEntry, StatementEntry, TrustEntry } from './model.ts';
import type { Path } from './problems.ts';
import { centralAccount, countsIn, selectAccounts } from './selectors.ts';
import { accountsOfRole, memberPath, roleIn } from './variation.ts';

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

/** One end, with where it is written. */
interface End extends Expiring {
  readonly path: Path;
  /** What of its entry ends: `trust in group developers`; absent where the whole entry does. */
  readonly part?: string | undefined;
  /** `role/analyst`. */
  readonly resource: string;
}

/** What the parts of an entry have in common. */
interface Whole {
  readonly what: string;
  readonly resource: string;
  readonly accounts: readonly string[];
  /** Where a member of the entry stands. */
  readonly pathOf: (member: string) => Path;
}

interface Carrier extends Ending {
  readonly statements?: readonly StatementEntry[] | undefined;
  readonly inline?: Readonly<Record<string, readonly StatementEntry[]>> | undefined;
}

const when = (expires: string): string => isoSeconds(Date.parse(expiryInstant(expires)));

function ending({ what, resource, accounts }: Whole, entry: Ending, path: Path, part?: string): End[] {
  if (entry.expires === undefined) return [];
  const held = accounts.filter((account) => countsIn(entry, account));
  if (held.length === 0 && accounts.length > 0) return [];
  const { expires, reason } = entry;
  const whole = { what, accounts: held, when: when(expires), path: [...path, 'expires'], resource };
  return [{ ...whole, ...(part === undefined ? {} : { part }), ...(reason === undefined ? {} : { reason }) }];
}

function statements(whole: Whole, entry: Carrier): End[] {
  const lists = [
    ['', entry.statements ?? [], whole.pathOf('statements')] as const,
    ...Object.entries(entry.inline ?? {}).map(
      ([name, list]) => [` in \`${name}\``, list, [...whole.pathOf('inline'), name]] as const,
    ),
  ];
  return lists.flatMap(([where, list, path]) =>
    list.flatMap((it, index) => {
      const part = `statement ${index + 1}${where}`;
      return ending({ ...whole, what: `${part} of ${whole.what}` }, it, [...path, index], part);
    }),
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
function ofRole(definition: Definition, key: string, entry: RoleEntry): End[] {
  return accountsOfRole(definition, entry).flatMap((account) => {
    const role = roleIn(definition, entry, account);
    const whole: Whole = {
      what: `role ${key}`,
      resource: `role/${role.name ?? key}`,
      accounts: [account],
      pathOf: (member) => ['roles', key, ...memberPath(definition, entry, account, member as keyof RoleEntry)],
    };
    return [
      ...ending(whole, role, whole.pathOf('expires').slice(0, -1)),
      ...role.trust.flatMap((it, index) => {
        const part = `trust in ${trusted(it)}`;
        const what = `trust of role ${key} in ${trusted(it)}`;
        return ending({ ...whole, what }, it, [...whole.pathOf('trust'), index], part);
      }),
      ...statements(whole, role),
    ];
  });
}

function ofNamed(
  kind: string,
  section: keyof Definition,
  entries: Readonly<Record<string, Carrier>> | undefined,
  accounts: readonly string[],
): End[] {
  return Object.entries(entries ?? {}).flatMap(([name, entry]) => {
    const whole: Whole = {
      what: `${kind} ${name}`,
      resource: `${kind.replace(' ', '')}/${name}`,
      accounts,
      pathOf: (member) => [section, name, member],
    };
    // `only` and `except` of people say which roles trust them, not where they are.
    const own = { expires: entry.expires, reason: entry.reason };
    return [...ending(whole, own, [section, name]), ...statements(whole, entry)];
  });
}

/** The same in several accounts is one. */
function joined(found: readonly End[]): Expiring[] {
  const alike = Map.groupBy(found, (it) => JSON.stringify([it.what, it.when, it.reason ?? null]));
  return [...alike.values()].map((same) => {
    const { what, when, reason } = same[0]!;
    const accounts = [...new Set(same.flatMap(({ accounts: held }) => held))];
    return { what, accounts, when, ...(reason === undefined ? {} : { reason }) };
  });
}

function allEnds(definition: Definition): End[] {
  const central = [centralAccount(definition) ?? []].flat();
  const { passwordPolicy } = definition;
  const password = (entry: NonNullable<typeof passwordPolicy>): Whole => ({
    what: 'password policy',
    resource: 'password-policy/password policy',
    accounts: selectAccounts(definition, entry.in),
    pathOf: (member) => ['passwordPolicy', member],
  });
  return [
    ...Object.entries(definition.roles ?? {}).flatMap(([key, entry]) => ofRole(definition, key, entry)),
    ...ofNamed('person', 'people', definition.people, central),
    ...ofNamed('group', 'groups', definition.groups, central),
    ...ofNamed('policy', 'policies', definition.policies, []),
    ...ofNamed('provider', 'providers', definition.providers, []),
    ...ofNamed('guard rail', 'guardrails', definition.guardrails, []),
    ...(passwordPolicy === undefined ? [] : ending(password(passwordPolicy), passwordPolicy, ['passwordPolicy'])),
  ];
}

/** Everything that ends after `now`, the soonest first. */
export function expiringOf(definition: Definition, now: Millis): readonly Expiring[] {
  const later = allEnds(definition).filter((it) => Date.parse(it.when) > now);
  return joined(later).toSorted((a, b) => a.when.localeCompare(b.when));
}

/** Whether a role is told of as ended already where `end` counts: it itself, or all of its trust. */
function hasEndedWhole(definition: Definition, { path, accounts: [account], part }: End, now: Millis): boolean {
  const [section, key] = path as [keyof Definition, string];
  const entry = (definition[section] as Readonly<Record<string, Ending>> | undefined)?.[key];
  if (section === 'passwordPolicy' || entry === undefined) return false;
  if (hasEnded(entry, now)) return true;
  if (section !== 'roles' || part === undefined) return false;
  const role = roleIn(definition, definition.roles![key]!, account!);
  const counting = role.trust.filter((it) => countsIn(it, account!));
  return hasEnded(role, now) || (part.startsWith('trust') && counting.every((it) => hasEnded(it, now)));
}

/** Parts of entries that have ended while the rest of the entry goes on: they stand there and give nothing. */
export function endedParts(definition: Definition, now: Millis): Finding[] {
  const ended = allEnds(definition).filter((it) => Date.parse(it.when) <= now);
  return ended
    .filter((it) => !hasEndedWhole(definition, it, now))
    .flatMap(({ part, resource, accounts, when: at, path }): Finding[] => {
      const message = `${part === undefined ? '' : `its ${part} `}ended at ${at}: it is of no more use`;
      const finding = {
        severity: 'warning',
        code: 'expired',
        resource,
        message,
        hint: 'take it out',
        at: path,
      } as const;
      return accounts.length === 0 ? [finding] : accounts.map((account) => ({ ...finding, account }));
    });
}
