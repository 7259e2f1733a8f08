// From the definition to what every account shall hold. Pure: no AWS, no clock but the one instant given.
import { isoSeconds, type Millis } from '../base/index.ts';
import type { Partition } from '../aws/index.ts';
import { policyArn, policyPath } from './arns.ts';
import { compileGroup, compilePerson, compileRole, type CompileScope } from './compile-identities.ts';
import { compileProviders } from './compile-providers.ts';
import { defaultLimit, defaultsInForce, type DefaultInForce } from './defaults.ts';
import { endedParts, expiringOf, type Expiring } from './expiring.ts';
import { expiryInstant, hasEnded } from './expiry.ts';
import { accessFindings, type Finding } from './findings.ts';
import { compileGuardrail } from './guardrails.ts';
import type { Definition, PasswordPolicyEntry, RoleEntry } from './model.ts';
import { nowhereFindings } from './nowhere.ts';
import { resolveOutputs } from './outputs.ts';
import { handling, markProtected, ownershipTags } from './ownership.ts';
import { compileStatements } from './permissions.ts';
import type { PasswordSettings, Resource, WantedAccount } from './resources.ts';
import { Shared } from './share.ts';
import { centralAccount, countsIn, isSelected, managementAccount, stageOrder } from './selectors.ts';
import type { GraceRule } from './soft-delete.ts';
import { indexTrust } from './trust-index.ts';
import { holdsRole } from './variation.ts';
import { adviceFindings } from './advice.ts';

export { assumeInlineName } from './compile-identities.ts';

/** Everything that a definition wants, resolved to plain resources. This is what a plan file keeps. */
export interface Wanted {
  /** Name of the definition: the mark of ownership. */
  readonly definition: string;
  readonly organization?: string | undefined;
  readonly partition: Partition;
  /** Role tried before `OrganizationAccountAccessRole` to enter an account. */
  readonly executor?: string | undefined;
  /** Stages in the order of waves. */
  readonly stages: readonly string[];
  readonly accounts: readonly WantedAccount[];
  readonly outputs: Readonly<Record<string, string>>;
  /** Every default, whether it is on, and why not. */
  readonly defaults: readonly DefaultInForce[];
  readonly findings: readonly Finding[];
  /** What ends by itself, the soonest first. */
  readonly expiring?: readonly Expiring[] | undefined;
  /** Resources that the definition marks as administrators, as `role/owner`. */
  readonly marked?: readonly string[] | undefined;
  /** How what is wanted no more is removed; at once where it is absent. */
  readonly grace?: GraceRule | undefined;
}

function compilePasswordPolicy(entry: PasswordPolicyEntry): Resource {
  const settings: PasswordSettings = {
    MinimumPasswordLength: entry.minimumLength,
    RequireUppercaseCharacters: entry.requireUppercase ?? false,
    RequireLowercaseCharacters: entry.requireLowercase ?? false,
    RequireNumbers: entry.requireNumbers ?? false,
    RequireSymbols: entry.requireSymbols ?? false,
    AllowUsersToChangePassword: entry.usersMayChange ?? false,
    HardExpiry: entry.hardExpiry ?? false,
    ...(entry.maxAgeDays === undefined ? {} : { MaxPasswordAge: entry.maxAgeDays }),
    ...(entry.rememberLast === undefined ? {} : { PasswordReusePrevention: entry.rememberLast }),
  };
  return { kind: 'password-policy', name: 'password policy', settings, ...handling(entry) };
}

/** The customer policies that something in the account carries or is bounded by. */
function compilePolicies(scope: CompileScope, carriers: readonly Resource[]): Resource[] {
  const used = new Set(
    carriers.flatMap((it) => ('attached' in it ? [...it.attached, ...('boundary' in it ? [it.boundary] : [])] : [])),
  );
  const { definition } = scope;
  return Object.entries(definition.policies ?? {}).flatMap(([name, policy]): Resource[] => {
    if (!used.has(policyArn(definition, scope.account.id, name))) return [];
    const document = compileStatements(policy.statements, scope.account.name, scope.now, policy.expires);
    if (document === undefined) {
      scope.findings.push({
        severity: 'error',
        code: 'policy-empty',
        account: scope.account.name,
        resource: `policy/${name}`,
        message: 'is used here, but none of its statements counts in this account',
        hint: 'widen `only`, or use the policy elsewhere only',
      });
      return [];
    }
    const tags = ownershipTags(scope.name, `policy/${name}`, policy);
    const description = policy.description === undefined ? {} : { description: policy.description };
    const held = handling(policy);
    const marked = held.protect === true ? markProtected(document) : document;
    const path = policyPath(definition, name);
    return [{ kind: 'policy', name, path, document: marked, ...description, tags, ...held }];
  });
}

function compileAccount(scope: CompileScope): WantedAccount {
  const { definition, account } = scope;
  const isIn = (selector: RoleEntry['in']): boolean => isSelected(definition, selector, account.name);
  const central = centralAccount(definition) === account.name;
  const people = central ? Object.entries(definition.people ?? {}) : [];
  const carriers = [
    ...(central ? Object.entries(definition.groups ?? {}).flatMap(([name, it]) => compileGroup(scope, name, it)) : []),
    ...people.flatMap(([name, person]) => compilePerson(scope, name, person)),
    ...Object.entries(definition.roles ?? {})
      .filter(([, role]) => holdsRole(definition, role, account.name))
      .flatMap(([key, role]) => compileRole(scope, key, role)),
  ];
  const password = definition.passwordPolicy;
  const hasPassword =
    password !== undefined && isIn(password.in) && countsIn(password, account.name) && !hasEnded(password, scope.now);
  const management = managementAccount(definition) === account.name;
  const look = [
    ...(password !== undefined && isIn(password.in) ? (['password-policy'] as const) : []),
    ...(definition.providers === undefined ? [] : (['providers'] as const)),
    ...(management && (definition.guardrails ?? definition.organization) !== undefined
      ? (['organization'] as const)
      : []),
  ];
  return {
    ...account,
    resources: [
      ...(hasPassword ? [compilePasswordPolicy(password)] : []),
      ...compilePolicies(scope, carriers),
      ...compileProviders(scope),
      ...carriers,
      ...(management
        ? Object.entries(definition.guardrails ?? {}).flatMap(([key, it]) => compileGuardrail(scope, key, it))
        : []),
    ],
    console: people
      .filter(([, person]) => person.console === true && !hasEnded(person, scope.now))
      .map(([name]) => name),
    look,
  };
}

interface Ending {
  readonly expires?: string | undefined;
}

/** Entries that have ended: their removal is planned, and they are of no more use. */
function endedFindings(definition: Definition, now: Millis): Finding[] {
  const parts: readonly (readonly [string, Readonly<Record<string, Ending>> | undefined])[] = [
    ['role', definition.roles],
    ['person', definition.people],
    ['group', definition.groups],
    ['policy', definition.policies],
    ['provider', definition.providers],
    ['guardrail', definition.guardrails],
  ];
  return parts.flatMap(([kind, entries]) =>
    Object.entries(entries ?? {})
      .filter(([, entry]) => hasEnded(entry, now))
      .map(([name, { expires = '' }]): Finding => {
        const when = isoSeconds(Date.parse(expiryInstant(expires)));
        const message =
          kind === 'role'
            ? `ended at ${when}: nobody can become it any more`
            : `ended at ${when}: it is not wanted any more`;
        return { severity: 'warning', code: 'expired', resource: `${kind}/${name}`, message, hint: 'take it out' };
      }),
  );
}

interface PolicyUser {
  readonly policies?: readonly string[] | undefined;
  readonly boundary?: string | undefined;
}

/** Everything in a definition that may carry a policy of it. */
function carriersOf({ groups, people, roles }: Definition): PolicyUser[] {
  const variants = Object.values(roles ?? {}).flatMap(({ per }) => per ?? []);
  return [...Object.values(groups ?? {}), ...Object.values(people ?? {}), ...Object.values(roles ?? {}), ...variants];
}

/** Findings about the definition as a whole. */
function definitionFindings(definition: Definition, accounts: readonly WantedAccount[], now: Millis): Finding[] {
  const findings: Finding[] = [];
  const made = new Set(accounts.flatMap(({ resources }) => resources.map(({ kind, name }) => `${kind}/${name}`)));
  for (const [name, policy] of Object.entries(definition.policies ?? {})) {
    if (made.has(`policy/${name}`) || hasEnded(policy, now)) continue;
    const used = carriersOf(definition).some((it) => it.policies?.includes(name) === true || it.boundary === name);
    const message = used
      ? 'is used, but `only` and `except` leave no account in which it is: it is made in none'
      : 'is used by nothing, so it is made in no account';
    findings.push({ severity: 'warning', code: 'policy-unused', resource: `policy/${name}`, message });
  }
  findings.push(...endedFindings(definition, now), ...endedParts(definition, now), ...nowhereFindings(definition));
  if (Object.keys(definition.lendables ?? {}).length > 0) {
    const message = '`lendables` are read but not applied by this version';
    findings.push({ severity: 'warning', code: 'not-applied', message });
  }
  return findings;
}

function graceOf(definition: Definition, stages: readonly string[], now: Millis): { readonly grace?: GraceRule } {
  const kept = stages.flatMap((stage): [string, Millis][] => {
    const seconds = defaultLimit(definition, 'grace', stage) ?? 0;
    return seconds > 0 ? [[stage, seconds * 1000]] : [];
  });
  return kept.length === 0
    ? {}
    : { grace: { now, millis: Object.fromEntries(kept), chosen: definition.defaults?.grace !== undefined } };
}

/** `role/owner`: what is an administrator, or the way in when all else fails, by the definition's own word. */
function markedIn({ roles, groups, people }: Definition): string[] {
  const of = (kind: string, entries: object | undefined): string[] =>
    Object.entries((entries ?? {}) as Record<string, { marked?: string; name?: string }>).flatMap(([key, entry]) =>
      entry.marked === undefined ? [] : [`${kind}/${entry.name ?? key}`],
    );
  return [...of('role', roles), ...of('group', groups), ...of('user', people)];
}

/** What a definition wants in every account, with the findings about it. `now` tells which grants have ended. */
export function compileDefinition(definition: Definition, now: Millis): Wanted {
  const name = definition.name ?? 'default';
  const partition = definition.partition ?? 'aws';
  const stages = stageOrder(definition);
  const findings: Finding[] = [];
  const trusting = indexTrust(definition, partition, now);
  const shared = new Shared();
  const accounts = Object.entries(definition.accounts)
    .map(([account, { id, stage, ou }]) => ({ id, name: account, stage, ...(ou === undefined ? {} : { ou }) }))
    .sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage))
    .map((account) => compileAccount({ definition, name, partition, account, findings, now, trusting }))
    .map((account) => ({ ...account, resources: account.resources.map((it) => shared.resource(it)) }));
  return {
    definition: name,
    ...(definition.organization === undefined ? {} : { organization: definition.organization }),
    partition,
    ...(definition.executor === undefined ? {} : { executor: definition.executor }),
    stages,
    accounts,
    outputs: resolveOutputs(definition),
    defaults: defaultsInForce(definition),
    expiring: expiringOf(definition, now),
    marked: markedIn(definition),
    ...graceOf(definition, stages, now),
    findings: [
      ...findings,
      ...accessFindings(accounts),
      ...definitionFindings(definition, accounts, now),
      ...adviceFindings(definition, accounts, now),
    ],
  };
}
