// Who may become a role, as a trust policy. IAM groups cannot be principals, so "group may assume role" becomes
// trust in the central account, fenced by conditions down to the group's people, plus a group policy there.
import { parseDuration } from '../base/index.ts';
import { policyLimits } from '../policy/index.ts';
import { iamArn, rootArn, type Partition } from '../aws/index.ts';
import { personArn, roleArn } from './arns.ts';
import { documentSize } from './documents.ts';
import type { Finding } from './findings.ts';
import type { Definition, RoleEntry, TrustEntry } from './model.ts';
import { statementCondition } from './permissions.ts';
import type { ConditionValue, Document, Statement } from './resources.ts';
import { centralAccount, countsIn } from './selectors.ts';

export interface TrustScope {
  readonly definition: Definition;
  readonly partition: Partition;
  /** Name and id of the account that holds the role. */
  readonly account: string;
  readonly accountId: string;
}

type Conditions = Record<string, Record<string, ConditionValue>>;

function add(conditions: Conditions, operator: string, key: string, value: ConditionValue): void {
  (conditions[operator] ??= {})[key] = value;
}

function centralId({ definition }: TrustScope): string {
  return definition.accounts[centralAccount(definition)!]!.id;
}

/** ARNs of the people in a group. A group of nobody yields an ARN that nobody can have, so that nobody passes. */
function memberArns(scope: TrustScope, group: string): string[] {
  const members = Object.entries(scope.definition.people ?? {})
    .filter(([, person]) => (person.groups ?? []).includes(group))
    .map(([name]) => personArn(scope.definition, name));
  return members.length > 0 ? members : [iamArn(scope.partition, centralId(scope), 'user', 'nobody', '/stint/')];
}

/** Whether an entry demands MFA; entries for people do, unless they or the defaults say why not. */
export function demandsMfa(definition: Definition, entry: TrustEntry): boolean {
  const chosen = entry.mfa ?? (entry.account === undefined ? (definition.defaults?.mfa ?? true) : undefined);
  return chosen === true && (entry.service ?? entry.role ?? entry.statement) === undefined;
}

function principalOf(scope: TrustScope, entry: TrustEntry): { principal: Statement['Principal']; account: string } {
  const { definition, partition, accountId } = scope;
  if (entry.service !== undefined) return { principal: { Service: entry.service }, account: accountId };
  if (entry.group !== undefined) {
    return { principal: { AWS: rootArn(partition, centralId(scope)) }, account: centralId(scope) };
  }
  if (entry.person !== undefined) {
    return { principal: { AWS: personArn(definition, entry.person) }, account: centralId(scope) };
  }
  if (entry.role !== undefined) {
    const [first, second] = entry.role.split('/');
    const holder = second === undefined ? scope.account : first!;
    const principal = { AWS: roleArn(definition, second ?? first!, holder) };
    return { principal, account: definition.accounts[holder]!.id };
  }
  const id = definition.accounts[entry.account!]?.id ?? entry.account!;
  return { principal: { AWS: rootArn(partition, id) }, account: id };
}

function isOwnAccount(definition: Definition, id: string): boolean {
  return Object.values(definition.accounts).some((account) => account.id === id);
}

/** A statement as its author wrote it; what it allows ends when the entry ends. */
function ownStatement(statement: object, role: RoleEntry, entry: TrustEntry): Statement {
  const own = statement as Statement;
  const expires = [role.expires, entry.expires].filter((it) => it !== undefined).sort()[0];
  if (own.Effect !== 'Allow' || expires === undefined) return own;
  return { ...own, Condition: statementCondition(own.Condition ?? {}, expires)! };
}

function trustStatement(scope: TrustScope, role: RoleEntry, entry: TrustEntry, members: readonly string[]): Statement {
  // SECURITY: taken as it is: whoever writes one has left the defaults behind, and the findings judge it like any other.
  if (entry.statement !== undefined) return ownStatement(entry.statement, role, entry);
  const { definition, accountId } = scope;
  const { principal, account } = principalOf(scope, entry);
  const conditions: Conditions = {};
  if (demandsMfa(definition, entry)) add(conditions, 'Bool', 'aws:MultiFactorAuthPresent', 'true');
  if (typeof entry.mfaMaxAge === 'string') {
    add(conditions, 'NumericLessThanEquals', 'aws:MultiFactorAuthAge', String(parseDuration(entry.mfaMaxAge)));
  }
  const fenced = (definition.defaults?.organizationFence ?? true) === true && definition.organization !== undefined;
  if (fenced && account !== accountId && isOwnAccount(definition, account)) {
    add(conditions, 'StringEquals', 'aws:PrincipalOrgID', definition.organization!);
  }
  if (entry.group !== undefined) add(conditions, 'ArnLike', 'aws:PrincipalArn', [...members]);
  if (entry.externalId !== undefined) add(conditions, 'StringEquals', 'sts:ExternalId', entry.externalId);
  // Without it a task of any account could be given the role (ECS developer guide, "confused deputy").
  if (entry.service === 'ecs-tasks.amazonaws.com') add(conditions, 'StringEquals', 'aws:SourceAccount', accountId);
  const expires = [role.expires, entry.expires].filter((it) => it !== undefined).sort()[0];
  const condition = statementCondition(conditions, expires);
  // EKS Pod Identity passes session tags, which the trust must allow (EKS user guide, "pod identity role").
  const tagged = entry.service === 'pods.eks.amazonaws.com';
  return {
    Effect: 'Allow',
    Principal: principal!,
    Action: tagged ? ['sts:AssumeRole', 'sts:TagSession'] : 'sts:AssumeRole',
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

/** The trust policy of a role in one account, and what should be known about it. */
export function compileTrust(scope: TrustScope, role: RoleEntry): { document: Document; findings: Finding[] } {
  const entries = role.trust.filter((entry) => countsIn(entry, scope.account));
  const build = (members: (group: string) => readonly string[]): Document => ({
    Version: '2012-10-17',
    Statement: entries.map((entry) =>
      trustStatement(scope, role, entry, entry.group === undefined ? [] : members(entry.group)),
    ),
  });
  const findings = entries.flatMap((entry): Finding[] => {
    const isPerson = (entry.group ?? entry.person) !== undefined;
    const off = entry.mfa ?? (isPerson ? scope.definition.defaults?.mfa : undefined);
    if (typeof off !== 'object') return [];
    return [
      {
        severity: 'info',
        code: 'mfa-off',
        message: `no MFA is demanded of ${entry.group ?? entry.person ?? entry.account}: ${off.reason}`,
      },
    ];
  });
  const narrow = build((group) => memberArns(scope, group));
  const hasGroups = entries.some(({ group }) => group !== undefined);
  if (!hasGroups || documentSize(narrow) <= policyLimits.trustPolicy) return { document: narrow, findings };
  const anyUser = [iamArn(scope.partition, centralId(scope), 'user', '*')];
  findings.push({
    severity: 'warning',
    code: 'trust-not-narrowed',
    message: `the groups have too many people to name each in a trust policy of ${policyLimits.trustPolicy} characters; any user of the central account passes that fence, and the group policy alone decides`,
    hint: 'split the group, or let the role trust a smaller one',
  });
  return { document: build(() => anyUser), findings };
}
