// From the definition to what every account shall hold. Pure: no AWS, no clock but the one instant given.
import { isoSeconds, type Millis } from '../base/index.ts';
import { policyLimits } from '../policy/index.ts';
import type { Partition } from '../aws/index.ts';
import { policyArn, policyPath, roleArn } from './arns.ts';
import { defaultsInForce, defaultFindings, type DefaultInForce } from './defaults.ts';
import { documentSize } from './documents.ts';
import { accessFindings, placed, type Finding } from './findings.ts';
import type { Definition, GroupEntry, PasswordPolicyEntry, PersonEntry, RoleEntry } from './model.ts';
import { resolveOutputs } from './outputs.ts';
import { ownedPath, ownershipTags } from './ownership.ts';
import { compileInline, compileStatements, expiryInstant, managedPolicyArn, ownPolicyArn } from './permissions.ts';
import type { AccountRef, Document, PasswordSettings, Resource, WantedAccount } from './resources.ts';
import { centralAccount, countsIn, selectAccounts, stageOrder } from './selectors.ts';
import { compileTrust } from './trust.ts';
import { sessionSeconds } from './variation.ts';

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
}

/** Name of the inline policy by which a group may assume its roles. */
export const assumeInlineName = 'stint-assume';

interface Scope {
  readonly definition: Definition;
  readonly name: string;
  readonly partition: Partition;
  readonly account: AccountRef;
  readonly findings: Finding[];
}

function attachedArns(
  scope: Scope,
  entry: { readonly managed?: readonly string[] | undefined; readonly policies?: readonly string[] | undefined },
  resource: string,
): string[] {
  const managed = (entry.managed ?? []).map((text) => {
    const { arn, findings } = managedPolicyArn(text, scope.partition);
    scope.findings.push(...placed(findings, scope.account, resource));
    return arn;
  });
  const own = (entry.policies ?? []).map((name) => policyArn(scope.definition, scope.account.id, name));
  return [...new Set([...own, ...managed])];
}

function boundaryArn(scope: Scope, boundary: string | undefined, resource: string): string | undefined {
  if (boundary === undefined) return undefined;
  const own = Object.hasOwn(scope.definition.policies ?? {}, boundary);
  return attachedArns(scope, own ? { policies: [boundary] } : { managed: [boundary] }, resource)[0];
}

function compileRole(scope: Scope, key: string, role: RoleEntry): Resource[] {
  const name = role.name ?? key;
  const resource = `role/${name}`;
  const { definition, partition, account } = scope;
  const trust = compileTrust({ definition, partition, account: account.name, accountId: account.id }, role);
  scope.findings.push(...placed(trust.findings, account, resource));
  const boundary = boundaryArn(scope, role.boundary, resource);
  const roleResource: Resource = {
    kind: 'role',
    name,
    path: role.path ?? '/',
    trust: trust.document,
    sessionSeconds: sessionSeconds(definition, role, account.name),
    description: role.description ?? '',
    ...(boundary === undefined ? {} : { boundary }),
    attached: attachedArns(scope, role, resource),
    inline: compileInline(role, account.name),
    tags: ownershipTags(scope.name, `role/${key}`, role),
  };
  if (role.instanceProfile === undefined) return [roleResource];
  const profile = role.instanceProfile === true ? name : role.instanceProfile;
  const tags = ownershipTags(scope.name, `instance-profile/${profile}`, role);
  return [roleResource, { kind: 'instance-profile', name: profile, path: '/', role: name, tags }];
}

/** ARNs of the roles that trust a group, over all accounts. */
function rolesOfGroup(scope: Scope, group: string): string[] {
  const { definition } = scope;
  return Object.entries(definition.roles ?? {}).flatMap(([key, role]) =>
    selectAccounts(definition, role.in)
      .filter((account) => role.trust.some((entry) => entry.group === group && countsIn(entry, account)))
      .map((account) => roleArn(definition, key, account)),
  );
}

const assumeDocument = (arns: readonly string[]): Document => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: arns }],
});

/** Splits ARNs so that each part's policy fits a managed policy. */
function chunkArns(arns: readonly string[]): string[][] {
  const room = policyLimits.managedPolicy - documentSize(assumeDocument([]));
  const chunks: string[][] = [[]];
  let used = 0;
  for (const arn of arns) {
    const size = arn.length + 3;
    if (used + size > room) {
      chunks.push([]);
      used = 0;
    }
    chunks.at(-1)!.push(arn);
    used += size;
  }
  return chunks;
}

function compileGroup(scope: Scope, name: string, group: GroupEntry): Resource[] {
  const path = ownedPath(scope.name);
  const inline = compileInline(group, scope.account.name);
  const attached = attachedArns(scope, group, `group/${name}`);
  const arns = rolesOfGroup(scope, name);
  const room =
    policyLimits.groupInline - Object.values(inline).reduce((sum, document) => sum + documentSize(document), 0);
  if (arns.length === 0) return [{ kind: 'group', name, path, attached, inline }];
  if (documentSize(assumeDocument(arns)) <= room) {
    return [{ kind: 'group', name, path, attached, inline: { ...inline, [assumeInlineName]: assumeDocument(arns) } }];
  }
  const policies = chunkArns(arns).map((chunk, index): Resource => {
    const policy = `${assumeInlineName}-${name}-${index + 1}`;
    const tags = ownershipTags(scope.name, `policy/${policy}`, {});
    return { kind: 'policy', name: policy, path, document: assumeDocument(chunk), tags };
  });
  const more = policies.map((policy) => ownPolicyArn(scope.partition, scope.account.id, scope.name, policy.name));
  return [...policies, { kind: 'group', name, path, attached: [...attached, ...more], inline }];
}

function compilePerson(scope: Scope, name: string, person: PersonEntry): Resource {
  const boundary = boundaryArn(scope, person.boundary, `user/${name}`);
  return {
    kind: 'user',
    name,
    path: person.path ?? '/',
    groups: [...new Set(person.groups)],
    attached: attachedArns(scope, person, `user/${name}`),
    inline: compileInline(person, scope.account.name),
    ...(boundary === undefined ? {} : { boundary }),
    tags: ownershipTags(scope.name, `person/${name}`, person),
  };
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
  return { kind: 'password-policy', name: 'password policy', settings };
}

/** The customer policies that something in the account carries or is bounded by. */
function compilePolicies(scope: Scope, carriers: readonly Resource[]): Resource[] {
  const used = new Set(
    carriers.flatMap((it) => ('attached' in it ? [...it.attached, ...('boundary' in it ? [it.boundary] : [])] : [])),
  );
  return Object.entries(scope.definition.policies ?? {}).flatMap(([name, policy]): Resource[] => {
    if (!used.has(policyArn(scope.definition, scope.account.id, name))) return [];
    const document = compileStatements(policy.statements, scope.account.name);
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
    const path = policyPath(scope.definition, name);
    return [{ kind: 'policy', name, path, document, ...description, tags }];
  });
}

function compileAccount(scope: Scope): WantedAccount {
  const { definition, account } = scope;
  const isIn = (selector: RoleEntry['in']): boolean => selectAccounts(definition, selector).includes(account.name);
  const central = centralAccount(definition) === account.name;
  const people = central ? Object.entries(definition.people ?? {}) : [];
  const carriers = [
    ...(central ? Object.entries(definition.groups ?? {}).flatMap(([name, it]) => compileGroup(scope, name, it)) : []),
    ...people.map(([name, person]) => compilePerson(scope, name, person)),
    ...Object.entries(definition.roles ?? {})
      .filter(([, role]) => isIn(role.in))
      .flatMap(([key, role]) => compileRole(scope, key, role)),
  ];
  const password = definition.passwordPolicy;
  return {
    ...account,
    resources: [
      ...(password !== undefined && isIn(password.in) ? [compilePasswordPolicy(password)] : []),
      ...compilePolicies(scope, carriers),
      ...carriers,
    ],
    console: people.filter(([, person]) => person.console === true).map(([name]) => name),
  };
}

/** Findings about the definition as a whole. */
function definitionFindings(definition: Definition, accounts: readonly WantedAccount[], now: Millis): Finding[] {
  const findings: Finding[] = [];
  const made = new Set(accounts.flatMap(({ resources }) => resources.map(({ kind, name }) => `${kind}/${name}`)));
  for (const name of Object.keys(definition.policies ?? {})) {
    if (made.has(`policy/${name}`)) continue;
    const message = 'is used by nothing, so it is made in no account';
    findings.push({ severity: 'warning', code: 'policy-unused', resource: `policy/${name}`, message });
  }
  for (const [name, role] of Object.entries(definition.roles ?? {})) {
    if (role.expires === undefined || Date.parse(expiryInstant(role.expires)) > now) continue;
    const message = `ended at ${isoSeconds(Date.parse(expiryInstant(role.expires)))}: nobody can become it any more`;
    findings.push({ severity: 'warning', code: 'expired', resource: `role/${name}`, message, hint: 'take it out' });
  }
  for (const part of ['guardrails', 'lendables'] as const) {
    if (Object.keys(definition[part] ?? {}).length === 0) continue;
    const message = `\`${part}\` are read but not applied by this version`;
    findings.push({ severity: 'warning', code: 'not-applied', message });
  }
  return findings;
}

/** What a definition wants in every account, with the findings about it. `now` tells which grants have ended. */
export function compileDefinition(definition: Definition, now: Millis): Wanted {
  const name = definition.name ?? 'default';
  const partition = definition.partition ?? 'aws';
  const stages = stageOrder(definition);
  const findings: Finding[] = [];
  const accounts = Object.entries(definition.accounts)
    .map(([account, { id, stage }]) => ({ id, name: account, stage }))
    .sort((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage))
    .map((account) => compileAccount({ definition, name, partition, account, findings }));
  return {
    definition: name,
    ...(definition.organization === undefined ? {} : { organization: definition.organization }),
    partition,
    ...(definition.executor === undefined ? {} : { executor: definition.executor }),
    stages,
    accounts,
    outputs: resolveOutputs(definition),
    defaults: defaultsInForce(definition),
    findings: [
      ...findings,
      ...accessFindings(accounts),
      ...definitionFindings(definition, accounts, now),
      ...defaultFindings(definition),
    ],
  };
}
