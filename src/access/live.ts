// What AWS holds now that decides a question: the accounts, the guard rails that bind them, and the policy of the
// resource. What AWS does not show is unknown in the answers, and told.
import type { AwsAccounts, Partition } from '../aws/index.ts';
import {
  managedDocuments,
  policyCarrier,
  rcpServices,
  type AccessDiff,
  type AccountDetails,
  type AuthorizationDetails,
  type ResourcePolicyDetails,
} from '../policy/index.ts';
import { makePlan } from './apply.ts';
import { authorizationBefore, everyoneEverything, everything, managedArns } from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Finding } from './findings.ts';
import { grantsFinding, guardrailFinding, missingFinding, policyFinding } from './live-findings.ts';
import { readGuardrails, type Bound, type GuardrailKind, type Levels, type LiveGuardrails } from './live-guardrails.ts';
import { grantsOf, readResource, type LiveResource } from './live-resource.ts';
import { accessOf, meaningOf } from './meaning.ts';
import { observeAccount } from './observe.ts';
import { guardrailKinds } from './observe-organization.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { SeenAccount, WantedAccount } from './resources.ts';
import { SharedParts } from './share.ts';

/** The accounts that may be read. */
export interface LiveScope {
  readonly partition: Partition;
  readonly organization?: string | undefined;
  readonly accounts: readonly WantedAccount[];
}

export interface LiveQuestion {
  readonly action: string;
  /** Whom it is about, as people name somebody; everybody unless given. */
  readonly principal?: string | undefined;
  /** An ARN or `*`. */
  readonly resource: string;
  readonly resourceAccount?: string | undefined;
  /** Whether somebody gave the policy of the resource, so that it is not read. */
  readonly hasPolicy: boolean;
}

/** Something that AWS did not show. It matters to an answer that hangs on `policy`. */
export interface Unread {
  readonly policy: string;
  readonly finding: Finding;
}

export interface LiveState {
  readonly details: AuthorizationDetails;
  /** What decides: the key where an alias was named. */
  readonly resource: string;
  readonly resourceAccount?: string | undefined;
  readonly unread: readonly Unread[];
  /** What is worth telling whatever the answer is. */
  readonly findings: readonly Finding[];
}

/** The one account that a name of a principal points at; `undefined` where any may be meant. */
function accountOfPrincipal(text: string, accounts: readonly WantedAccount[]): string | undefined {
  const id = /^arn:[^:]+:(?:iam|sts)::(\d{12}):/.exec(text)?.[1];
  const place = id ?? (text.startsWith('arn:') ? undefined : /^([^/]+)\//.exec(text)?.[1]);
  return accounts.find((account) => account.id === place || account.name === place)?.id;
}

const unreadName = (id: string): string => `a guard rail of account ${id}`;

// A guard rail only takes away, so one that nobody could read stands beside what AWS attaches itself.
function levelsOf(kind: 'scps' | 'rcps', id: string, bound: Bound | undefined): Levels {
  if (bound !== undefined && bound.why === undefined) return bound[kind];
  return [[kind === 'scps' ? everything : everyoneEverything, { name: unreadName(id), unknown: true }]];
}

function unreadGuardrails({ byAccount }: LiveGuardrails, accounts: readonly WantedAccount[]): Unread[] {
  const named = new Map(accounts.map(({ id, name }) => [id, name]));
  return [...byAccount].flatMap(([id, bound]) => {
    if (bound.why === undefined) return [];
    const finding = guardrailFinding(named.get(id) ?? id, bound.why, 'one of them may deny it');
    return [{ policy: unreadName(id), finding }];
  });
}

function unreadResource({ policy, why, whyGrants, resource }: LiveResource): Unread[] {
  const arn = policy?.details.arn ?? resource;
  return [
    ...(why === undefined ? [] : [{ policy: `policy of ${arn}`, finding: policyFinding(arn, why) }]),
    ...(whyGrants === undefined ? [] : [{ policy: grantsOf(arn), finding: grantsFinding(arn, whyGrants) }]),
  ];
}

function withPolicy(account: AccountDetails, policy: LiveResource['policy']): AccountDetails {
  if (policy?.account !== account.id) return account;
  const resourcePolicies: readonly ResourcePolicyDetails[] = [...(account.resourcePolicies ?? []), policy.details];
  return { ...account, resourcePolicies };
}

/** The owner of what is asked about, where nothing else of its account counts. */
function emptyAccount(id: string, partition: Partition): AccountDetails {
  return { id, partition, users: [], groups: [], roles: [], scps: [], rcps: [], inOrganization: false };
}

/** What the accounts hold, whoever wants it. Guard rails are looked for in the whole organisation instead. */
function observed(asked: readonly WantedAccount[], accounts: AwsAccounts): Promise<SeenAccount[]> {
  const context = { definition: '', organizations: () => accounts.organizations(), parts: new SharedParts() };
  return forEachLimited(asked, accountsAtOnce, async (account) => {
    const plain: WantedAccount = { ...account, resources: [], console: [], look: [] };
    return observeAccount(await accounts.account(account.id), plain, context);
  });
}

/**
 * Which guard rails can bear on the question, by account: SCPs of the principal's, RCPs of the resource's, and those of
 * few services only. Where everybody is asked about, people also become roles on the way: then any of any account.
 */
function kindsOf(
  { action }: LiveQuestion,
  own: string | undefined,
  owner: string | undefined,
  held: readonly AccountDetails[],
): ReadonlyMap<string, readonly GuardrailKind[]> {
  const hasRcps = rcpServices.has(action.split(':', 1)[0]!.toLowerCase());
  const bears = (kind: GuardrailKind, id: string): boolean =>
    own === undefined || (kind === 'SERVICE_CONTROL_POLICY' ? id === own : hasRcps && id === (owner ?? own));
  const ids = held.map(({ id }) => id).filter((id) => id !== '');
  return new Map(ids.map((id) => [id, guardrailKinds.filter((kind) => bears(kind, id))]));
}

/** The accounts with what binds them. An owner that nobody knows is bound by nothing that could be named. */
function bounded(held: readonly AccountDetails[], { byAccount }: LiveGuardrails): AccountDetails[] {
  return held.map((account) => {
    if (account.id === '') return account;
    const bound = byAccount.get(account.id);
    const organizationPath = bound?.why === undefined ? bound?.path : undefined;
    const place = organizationPath === undefined ? {} : { organizationPath, inOrganization: true };
    return {
      ...account,
      ...place,
      scps: levelsOf('scps', account.id, bound),
      rcps: levelsOf('rcps', account.id, bound),
    };
  });
}

/** Reads what decides the question. @throws Failure `account-unreadable`, and those of entering accounts. */
export async function readLive(scope: LiveScope, accounts: AwsAccounts, question: LiveQuestion): Promise<LiveState> {
  const { partition } = scope;
  const ids = scope.accounts.map(({ id }) => id);
  const own = question.principal === undefined ? undefined : accountOfPrincipal(question.principal, scope.accounts);
  const known = [...(own === undefined ? [] : [own]), ...ids.filter((id) => id !== own)];
  const { resource, resourceAccount, hasPolicy } = question;
  const found = await readResource(accounts, { resource, owner: resourceAccount, hasPolicy, known });
  // One principal's answer hangs on its own account and that of the resource.
  const asked = scope.accounts.filter(({ id }) => own === undefined || id === own || id === found.owner);
  const seen = await observed(asked, accounts);
  const bare = authorizationBefore({ partition, managed: await managedDocuments(managedArns(seen)) }, seen).accounts;
  const owner = found.policy?.account ?? found.owner;
  const outside = owner === undefined || bare.some(({ id }) => id === owner) ? [] : [emptyAccount(owner, partition)];
  const held = [...bare, ...outside];
  const guardrails = await readGuardrails(accounts, kindsOf(question, own, found.owner, held), new Set(ids));
  const organization = guardrails.organization ?? scope.organization;
  return {
    details: {
      ...(organization === undefined ? {} : { organization }),
      accounts: bounded(held, guardrails).map((account) => withPolicy(account, found.policy)),
    },
    resource: found.resource,
    resourceAccount: found.owner,
    unread: [...unreadGuardrails(guardrails, scope.accounts), ...unreadResource(found)],
    findings: found.gone === true ? [missingFinding(policyCarrier(found.resource))] : [],
  };
}

/** What a plan over live accounts means. */
export interface LiveDiff {
  readonly diff: AccessDiff;
  readonly findings: readonly Finding[];
}

/** The levels of guard rails without those that the plan itself was made of, which it counts by itself. */
function levelsOfOthers(levels: Levels, own: ReadonlySet<string>): Levels {
  return levels.map((level) => level.filter(({ name = '' }) => !own.has(name))).filter((level) => level.length > 0);
}

/**
 * Who would gain and lose what by carrying out `wanted`, within every guard rail of the organisation, whoever made it.
 * Where AWS does not show them a gain may be told that a guard rail holds back, and a finding says so.
 * @throws Failure of `makePlan`.
 */
export async function diffLive(wanted: Wanted, accounts: AwsAccounts): Promise<LiveDiff> {
  const { plan, seen } = await makePlan({ wanted, accounts });
  const ids = seen.map(({ id }) => id);
  const { byAccount } = await readGuardrails(accounts, new Map(ids.map((id) => [id, guardrailKinds])), new Set(ids));
  const policies = seen.flatMap(({ resources }) => resources.filter(({ kind }) => kind === 'organization-policy'));
  const own = new Set(policies.map(({ name }) => name));
  const read = [...byAccount].flatMap(([id, bound]) =>
    bound.why === undefined
      ? [[id, { scps: levelsOfOthers(bound.scps, own), rcps: levelsOfOthers(bound.rcps, own) }] as const]
      : [],
  );
  const named = new Map(seen.map(({ id, name }) => [id, name]));
  const findings = [...byAccount].flatMap(([id, { why }]) =>
    why === undefined ? [] : [guardrailFinding(named.get(id) ?? id, why, 'less may be gained than is told')],
  );
  return { diff: meaningOf(await accessOf(plan, wanted, seen, new Map(read))), findings };
}
