// The parts of an imported definition that its roles refer to: accounts, policies, groups, people, providers.
import { ownedPath } from '../ownership.ts';
import type { SeenResource } from '../resources.ts';
import type { Found } from './found.ts';
import { groupEntry, passwordPolicy, personEntry } from './people.ts';
import { ownPolicies, type OwnPolicies } from './policies.ts';
import { selectorFor } from './selectors.ts';
import { providerKey } from './trust.ts';

export type Entry = Readonly<Record<string, unknown>>;

/** Whether an entry of a definition can have the name. */
export const isKey = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/.test(name);

export type Defaults = Readonly<Record<string, unknown>>;

/** Accounts, organisation and people: what trust refers to. */
function skeleton(found: Found, defaults: Defaults): Entry {
  const idVariables = new Map(Object.entries(found.variables).map(([name, id]) => [id, name]));
  const used = found.accounts.flatMap(({ id }) => idVariables.get(id) ?? []);
  return {
    version: 1,
    name: found.name,
    ...(found.organization === undefined ? {} : { organization: found.organization }),
    ...(found.partition === 'aws' ? {} : { partition: found.partition }),
    ...(used.length === 0
      ? {}
      : { variables: Object.fromEntries(used.map((name) => [name, { default: found.variables[name] }])) }),
    accounts: Object.fromEntries(
      found.accounts.map(({ id, name, stage, ou }) => [
        name,
        {
          id: idVariables.has(id) ? `\${var.${idVariables.get(id)}}` : id,
          stage,
          ...(name === found.central ? { central: true } : {}),
          ...(ou === undefined ? {} : { ou }),
        },
      ]),
    ),
    stages: [...new Set(found.accounts.map(({ stage }) => stage))].sort((a, b) => stageRank(a) - stageRank(b)),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
  };
}

const stageRank = (stage: string): number => ['central', 'other', 'dev', 'test', 'staging', 'prod'].indexOf(stage);

export interface Frame {
  readonly definition: Entry;
  readonly own: OwnPolicies;
}

/** What the roles of an import refer to. */
export function frameOf(found: Found, defaults: Defaults): Frame {
  const own = ownPolicies(found, isKey, ownedPath(found.name));
  const central = found.accounts.find(({ name }) => name === found.central);
  const of = <Kind extends SeenResource['kind']>(kind: Kind) =>
    (central?.resources ?? []).filter((it): it is Extract<SeenResource, { kind: Kind }> => it.kind === kind);
  const groups = of('group').filter(({ name }) => isKey(name));
  const people = of('user').map((user) => ({
    ...user,
    groups: user.groups.filter((group) => groups.some(({ name }) => name === group)),
  }));
  const password = passwordPolicy(found);
  const definition = {
    ...skeleton(found, defaults),
    ...(password.entry === undefined ? {} : { passwordPolicy: password.entry }),
    ...(Object.keys(own.entries).length === 0 ? {} : { policies: own.entries }),
    ...(groups.length === 0
      ? {}
      : { groups: Object.fromEntries(groups.map((it) => [it.name, groupEntry(found, central!, it, own)])) }),
    ...(people.length === 0
      ? {}
      : { people: Object.fromEntries(people.map((it) => [it.name, personEntry(found, central!, it, own)])) }),
    ...providersOf(found),
  };
  return { definition, own };
}

type OidcProvider = Extract<SeenResource, { kind: 'oidc-provider' }>;

/** OIDC providers of all accounts by issuer. Those of SAML need their metadata beside the definition: left to people. */
function providersOf(found: Found): { providers?: Entry } {
  const all = found.accounts.flatMap((account) =>
    account.resources
      .filter((it): it is OidcProvider => it.kind === 'oidc-provider')
      .map((provider) => ({ account: account.name, provider })),
  );
  const entries = [...Map.groupBy(all, ({ provider }) => provider.name)].map(([issuer, list]): [string, Entry] => {
    const { clientIds, thumbprints } = list[0]!.provider;
    return [
      providerKey(issuer),
      {
        in: selectorFor(found.accounts, new Set(list.map(({ account }) => account))),
        issuer: `https://${issuer}`,
        ...(clientIds.length === 0 ? {} : { audiences: clientIds }),
        ...(thumbprints.length === 0 ? {} : { thumbprints }),
      },
    ];
  });
  return entries.length === 0 ? {} : { providers: Object.fromEntries(entries) };
}
