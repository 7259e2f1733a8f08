// The parts of an imported definition that its roles refer to: accounts, policies, groups, people, providers.
import { organizationRole } from '../../aws/index.ts';
import type { OrganizationPolicyResource, SeenResource, Statement } from '../resources.ts';
import { isOwned } from '../ownership.ts';
import { isKey, type Entry, type Found } from './found.ts';
import { groupEntry, passwordPolicy, personEntry } from './people.ts';
import type { Providers } from './providers.ts';
import type { RoleScope } from './role-drafts.ts';
import { stageRank } from './selectors.ts';

export type Defaults = Readonly<Record<string, unknown>>;

/** Names of the roles that a statement spares, in the order in which they stand. */
const sparedRoles = ({ Condition }: Statement): string[] =>
  [Condition?.['ArnNotLike']?.['aws:PrincipalArn'] ?? []]
    .flat()
    .flatMap((arn) => /^arn:[^:]+:iam::\*:role\/([\w+=,.@-]+)$/.exec(String(arn))?.[1] ?? []);

/** The role by which the definition entered accounts: its guard rails spare it, before the organisation's own. */
function executorOf(found: Found): string | undefined {
  const own = found.accounts.flatMap(({ resources }) =>
    resources.filter(
      (it): it is OrganizationPolicyResource => it.kind === 'organization-policy' && isOwned(it, found.name),
    ),
  );
  const before = own
    .flatMap(({ document }) => document.Statement.map(sparedRoles))
    .filter((names) => names.includes(organizationRole))
    .map((names) => names[names.indexOf(organizationRole) - 1]);
  return before.every((name) => name === before[0]) ? before[0] : undefined;
}

/**
 * Texts in AWS that a definition would take for variables of its own, as variables that stand for themselves: what is
 * put in is not looked at again.
 */
export function withPlainVariables(found: Found): Found {
  const texts = found.accounts.flatMap(({ resources }) =>
    resources.flatMap((it) => [...JSON.stringify(it).matchAll(/\$\{var\.([A-Za-z_]\w*)\}/g)]),
  );
  const plain = Object.fromEntries(texts.map(([text, name]) => [name!, text]));
  return { ...found, variables: { ...plain, ...found.variables } };
}

const standsForItself = ([name, value]: readonly [string, string]): boolean => value === `\${var.${name}}`;

/** Accounts, organisation and people: what trust refers to. */
function skeleton(found: Found, defaults: Defaults): Entry {
  const variables = Object.entries(found.variables);
  const idVariables = new Map(variables.map(([name, id]) => [id, name]));
  const used = [
    ...found.accounts.flatMap(({ id }) => idVariables.get(id) ?? []),
    ...variables.filter(standsForItself).map(([name]) => name),
  ];
  const executor = executorOf(found);
  const elsewhere = found.management !== found.central;
  return {
    version: 1,
    name: found.name,
    ...(found.organization === undefined ? {} : { organization: found.organization }),
    ...(found.partition === 'aws' ? {} : { partition: found.partition }),
    ...(executor === undefined ? {} : { executor }),
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
          ...(elsewhere && name === found.management ? { management: true } : {}),
          ...(ou === undefined ? {} : { ou }),
        },
      ]),
    ),
    stages: [...new Set(found.accounts.map(({ stage }) => stage))].sort((a, b) => stageRank(a) - stageRank(b)),
    ...(Object.keys(defaults).length === 0 ? {} : { defaults }),
  };
}

/** What the roles of an import refer to. */
export function frameOf(scope: RoleScope, providers: Providers, defaults: Defaults): Entry {
  const { found, policies } = scope;
  const central = found.accounts.find(({ name }) => name === found.central);
  const of = <Kind extends SeenResource['kind']>(kind: Kind) =>
    (central?.resources ?? []).filter((it): it is Extract<SeenResource, { kind: Kind }> => it.kind === kind);
  const groups = of('group').filter(({ name }) => isKey(name));
  const people = of('user').map((user) => ({
    ...user,
    groups: user.groups.filter((group) => groups.some(({ name }) => name === group)),
  }));
  const password = passwordPolicy(found);
  const parts: readonly (readonly [string, Entry])[] = [
    ['policies', policies.entries],
    ['groups', Object.fromEntries(groups.map((it) => [it.name, groupEntry(scope, central!, it)]))],
    ['people', Object.fromEntries(people.map((it) => [it.name, personEntry(scope, central!, it)]))],
    ['providers', providers.entries],
  ];
  return {
    ...skeleton(found, defaults),
    ...(password.entry === undefined ? {} : { passwordPolicy: password.entry }),
    ...Object.fromEntries(parts.filter(([, entries]) => Object.keys(entries).length > 0)),
  };
}
