// Who may become a role, as a trust policy. IAM groups cannot be principals, so "group may assume role" becomes
// trust in the central account, fenced by conditions down to the group's people, plus a group policy there.
import { parseDuration, type Millis } from '../base/index.ts';
import { policyLimits } from '../policy/index.ts';
import { iamArn, rootArn, type Partition } from '../aws/index.ts';
import { personArn, roleArn } from './arns.ts';
import { defaultLimit } from './defaults.ts';
import { closedTrust, documentSize } from './documents.ts';
import { earliest, hasEnded, statementCondition } from './expiry.ts';
import type { Finding } from './findings.ts';
import type { Definition, RoleEntry, TrustEntry } from './model.ts';
import type { ConditionValue, Document, Statement } from './resources.ts';
import { centralAccount, countsIn } from './selectors.ts';
import { workloadShape } from './trust-workloads.ts';

export interface TrustScope {
  readonly definition: Definition;
  readonly partition: Partition;
  /** Name and id of the account that holds the role. */
  readonly account: string;
  readonly accountId: string;
  /** Entries that have ended by then do not count. */
  readonly now: Millis;
}

export type Conditions = Record<string, Record<string, ConditionValue>>;

/** What one entry of `trust` comes to, before what holds for all entries is put in. */
export interface TrustShape {
  readonly principal: Statement['Principal'];
  readonly actions: readonly string[];
  readonly conditions: Conditions;
  /** Id of the account that the principal is of. */
  readonly account: string;
}

function add(conditions: Conditions, operator: string, key: string, value: ConditionValue): void {
  (conditions[operator] ??= {})[key] = value;
}

function centralId({ definition }: Pick<TrustScope, 'definition'>): string {
  return definition.accounts[centralAccount(definition)!]!.id;
}

/** Whether the roles of the account trust a person or group at all. */
function isTrusted(
  scope: TrustScope,
  entry:
    | {
        readonly only?: string[] | undefined;
        readonly except?: string[] | undefined;
        readonly expires?: string | undefined;
      }
    | undefined,
): boolean {
  return entry !== undefined && countsIn(entry, scope.account) && !hasEnded(entry, scope.now);
}

/** ARNs of the people in a group whom roles of this account trust, or of those whom they do not. */
function peopleOf(scope: TrustScope, group: string, trusted: boolean): string[] {
  return Object.entries(scope.definition.people ?? {})
    .filter(([, person]) => (person.groups ?? []).includes(group) && isTrusted(scope, person) === trusted)
    .map(([name]) => personArn(scope.definition, name));
}

/** ARNs of the people in a group. A group of nobody yields an ARN that nobody can have, so that nobody passes. */
function memberArns(scope: TrustScope, group: string): string[] {
  const members = peopleOf(scope, group, true);
  return members.length > 0 ? members : [iamArn(scope.partition, centralId(scope), 'user', 'nobody', '/stint/')];
}

/** Whether an entry is about people of this definition. */
export const isHuman = (entry: TrustEntry): boolean => (entry.group ?? entry.person) !== undefined;

/** Whether an entry demands MFA; entries for people do, unless they or the defaults say why not. */
export function demandsMfa(definition: Definition, entry: TrustEntry): boolean {
  const chosen = entry.mfa ?? (isHuman(entry) ? (definition.defaults?.mfa ?? true) : undefined);
  return chosen === true && (isHuman(entry) || entry.account !== undefined);
}

/** Seconds that an MFA sign-in may be old; `undefined` for any. */
export function mfaMaxAge(definition: Definition, entry: TrustEntry, stage: string): number | undefined {
  if (typeof entry.mfaMaxAge === 'string') return parseDuration(entry.mfaMaxAge);
  if (entry.mfaMaxAge !== undefined || !isHuman(entry) || !demandsMfa(definition, entry)) return undefined;
  return defaultLimit(definition, 'mfaMaxAge', stage);
}

/** What an entry says of the source identity: may be given, must be given, or `off`. */
export function sourceIdentity(definition: Definition, entry: TrustEntry): 'allowed' | 'required' | 'off' {
  if (!isHuman(entry)) return 'off';
  const chosen = entry.sourceIdentity ?? definition.defaults?.sourceIdentity ?? true;
  if (typeof chosen === 'object') return 'off';
  return chosen === 'required' ? 'required' : 'allowed';
}

/** Whether who comes in by an entry may bring a source identity: people their own, roles the one they were given. */
export function passesIdentity(definition: Definition, entry: TrustEntry): boolean {
  if (entry.role !== undefined) return typeof definition.defaults?.sourceIdentity !== 'object';
  return sourceIdentity(definition, entry) !== 'off';
}

/** Account and name of the role that an entry trusts. */
export function trustedRole(entry: string, account: string): { readonly account: string; readonly key: string } {
  const slash = entry.indexOf('/');
  return slash < 0 ? { account, key: entry } : { account: entry.slice(0, slash), key: entry.slice(slash + 1) };
}

function identityPrincipal(scope: TrustScope, entry: TrustEntry): Pick<TrustShape, 'principal' | 'account'> {
  const { definition, partition } = scope;
  if (entry.group !== undefined) {
    return { principal: { AWS: rootArn(partition, centralId(scope)) }, account: centralId(scope) };
  }
  if (entry.person !== undefined) {
    return { principal: { AWS: personArn(definition, entry.person) }, account: centralId(scope) };
  }
  if (entry.role !== undefined) {
    const { account, key } = trustedRole(entry.role, scope.account);
    return { principal: { AWS: roleArn(definition, key, account) }, account: definition.accounts[account]!.id };
  }
  const id = definition.accounts[entry.account!]?.id ?? entry.account!;
  return { principal: { AWS: rootArn(partition, id) }, account: id };
}

function addPeopleConditions(scope: TrustScope, entry: TrustEntry, conditions: Conditions): void {
  const { definition } = scope;
  if (demandsMfa(definition, entry)) add(conditions, 'Bool', 'aws:MultiFactorAuthPresent', 'true');
  const age = mfaMaxAge(definition, entry, definition.accounts[scope.account]!.stage);
  if (age !== undefined) add(conditions, 'NumericLessThanEquals', 'aws:MultiFactorAuthAge', String(age));
  const identity = sourceIdentity(definition, entry);
  if (identity === 'off') return;
  const operator = identity === 'required' ? 'StringEquals' : 'StringEqualsIfExists';
  add(conditions, operator, 'sts:SourceIdentity', '${aws:username}');
}

/** Whom a group's trust lets in, and whom not though they fit. */
interface Members {
  readonly arns: readonly string[];
  readonly except: readonly string[];
}

function isOwnAccount({ accounts }: Definition, id: string): boolean {
  for (const name in accounts) if (accounts[name]!.id === id) return true;
  return false;
}

function identityShape(scope: TrustScope, entry: TrustEntry, members: Members): TrustShape {
  const { definition, accountId } = scope;
  const { principal, account } = identityPrincipal(scope, entry);
  const conditions: Conditions = {};
  addPeopleConditions(scope, entry, conditions);
  const fenced = (definition.defaults?.organizationFence ?? true) === true && definition.organization !== undefined;
  if (fenced && account !== accountId && isOwnAccount(definition, account)) {
    add(conditions, 'StringEquals', 'aws:PrincipalOrgID', definition.organization!);
  }
  if (entry.group !== undefined) add(conditions, 'ArnLike', 'aws:PrincipalArn', [...members.arns]);
  if (members.except.length > 0) add(conditions, 'ArnNotLike', 'aws:PrincipalArn', [...members.except]);
  const passesOn = passesIdentity(definition, entry);
  return {
    principal,
    actions: passesOn ? ['sts:AssumeRole', 'sts:SetSourceIdentity'] : ['sts:AssumeRole'],
    conditions,
    account,
  };
}

function entryEnd(scope: TrustScope, role: RoleEntry, entry: TrustEntry): string | undefined {
  const { groups, people } = scope.definition;
  const source = entry.group === undefined ? people?.[entry.person ?? ''] : groups?.[entry.group];
  return earliest(role.expires, entry.expires, source?.expires);
}

/** A statement as its author wrote it; what it allows ends when the entry ends. */
function ownStatement(statement: object, expires: string | undefined): Statement {
  const own = statement as Statement;
  if (own.Effect !== 'Allow' || expires === undefined) return own;
  return { ...own, Condition: statementCondition(own.Condition ?? {}, expires)! };
}

function trustStatement(scope: TrustScope, role: RoleEntry, entry: TrustEntry, members: Members): Statement {
  // SECURITY: taken as it is: whoever writes one has left the defaults behind, and the findings judge it like any other.
  if (entry.statement !== undefined) return ownStatement(entry.statement, entryEnd(scope, role, entry));
  const shape = workloadShape(scope, entry) ?? identityShape(scope, entry, members);
  const { principal, actions, conditions } = shape;
  if (entry.externalId !== undefined) add(conditions, 'StringEquals', 'sts:ExternalId', entry.externalId);
  const condition = statementCondition(conditions, entryEnd(scope, role, entry));
  return {
    Effect: 'Allow',
    Principal: principal!,
    Action: actions.length === 1 ? actions[0]! : actions,
    ...(condition === undefined ? {} : { Condition: condition }),
  };
}

/** The entries of a role's trust that count in the account, at this time. */
export function trustEntries(scope: TrustScope, role: RoleEntry): TrustEntry[] {
  const { groups, people } = scope.definition;
  return role.trust.filter(
    (entry) =>
      countsIn(entry, scope.account) &&
      !hasEnded(entry, scope.now) &&
      (entry.group === undefined || isTrusted(scope, groups?.[entry.group])) &&
      (entry.person === undefined || isTrusted(scope, people?.[entry.person])),
  );
}

function offFindings(scope: TrustScope, entry: TrustEntry): Finding[] {
  const human = isHuman(entry);
  const mfa = entry.mfa ?? (human ? scope.definition.defaults?.mfa : undefined);
  const name = entry.group ?? entry.person ?? entry.account;
  const found: Finding[] = [];
  if (typeof mfa === 'object') {
    found.push({ severity: 'info', code: 'mfa-off', message: `no MFA is demanded of ${name}: ${mfa.reason}` });
  }
  if (typeof entry.mfaMaxAge === 'object') {
    const message = `the MFA sign-in of ${name} may be of any age: ${entry.mfaMaxAge.reason}`;
    found.push({ severity: 'info', code: 'mfa-max-age-off', message });
  }
  if (human && typeof entry.sourceIdentity === 'object') {
    const message = `${name} can give no source identity: ${entry.sourceIdentity.reason}`;
    found.push({ severity: 'info', code: 'source-identity-off', message });
  }
  return found;
}

const nobody: Members = { arns: [], except: [] };

const wideFinding: Finding = {
  severity: 'warning',
  code: 'trust-not-narrowed',
  message: `the groups have too many people to name each in a trust policy of ${policyLimits.trustPolicy} characters; any user of the central account passes that fence, and the group policy alone decides`,
  hint: 'split the group, or let the role trust a smaller one',
};

/** The trust policy of a role in one account, and what should be known about it. */
export function compileTrust(scope: TrustScope, role: RoleEntry): { document: Document; findings: Finding[] } {
  const entries = trustEntries(scope, role);
  const findings = entries.flatMap((entry) => offFindings(scope, entry));
  if (entries.length === 0) {
    const message = 'every entry of its `trust` has ended: nobody can become it';
    findings.push({ severity: 'warning', code: 'expired', message, hint: 'take the role out, or trust somebody else' });
    return { document: closedTrust(rootArn(scope.partition, scope.accountId)), findings };
  }
  const build = (members: (group: string) => Members): Document => ({
    Version: '2012-10-17',
    Statement: entries.map((entry) =>
      trustStatement(scope, role, entry, entry.group === undefined ? nobody : members(entry.group)),
    ),
  });
  const narrow = build((group) => ({ arns: memberArns(scope, group), except: [] }));
  const hasGroups = entries.some(({ group }) => group !== undefined);
  if (!hasGroups || documentSize(narrow) <= policyLimits.trustPolicy) return { document: narrow, findings };
  const anyUser = [iamArn(scope.partition, centralId(scope), 'user', '*')];
  findings.push(wideFinding);
  return { document: build((group) => ({ arns: anyUser, except: peopleOf(scope, group, false) })), findings };
}
