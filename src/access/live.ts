// What AWS holds now that decides a question: the accounts, the guard rails that bind them, and the policy of the
// resource. What AWS does not show is unknown in the answers, and told.
import type { AwsAccounts, Partition } from '../aws/index.ts';
import {
  accountOfArn,
  managedDocuments,
  type AccountDetails,
  type AuthorizationDetails,
  type NamedDocument,
  type ResourcePolicyDetails,
} from '../policy/index.ts';
import { authorizationBefore, everyoneEverything, everything, managedArns } from './authorization.ts';
import type { Finding } from './findings.ts';
import { readGuardrails, type Bound, type Levels, type LiveGuardrails } from './live-guardrails.ts';
import { readResource, type LiveResource } from './live-resource.ts';
import { observeAccount } from './observe.ts';
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
  /** Whether AWS says that there is no such resource. */
  readonly gone: boolean;
}

/** The one account that a name of a principal points at; `undefined` where any may be meant. */
function accountOfPrincipal(text: string, accounts: readonly WantedAccount[]): string | undefined {
  const id = /^arn:[^:]+:(?:iam|sts)::(\d{12}):/.exec(text)?.[1];
  const place = id ?? (text.startsWith('arn:') ? undefined : /^([^/]+)\//.exec(text)?.[1]);
  return accounts.find((account) => account.id === place || account.name === place)?.id;
}

const labels = {
  scps: 'a service control policy',
  rcps: 'a resource control policy',
} as const;

const unreadName = (kind: keyof typeof labels, id: string): string => `${labels[kind]} of account ${id}`;

// A guard rail only takes away, so one that nobody could read stands beside what AWS attaches itself.
function levelsOf(kind: keyof typeof labels, id: string, bound: Bound | undefined): Levels {
  if (bound !== undefined && bound.why === undefined) return bound[kind];
  const unread: NamedDocument = { name: unreadName(kind, id), unknown: true };
  return [[kind === 'scps' ? everything : everyoneEverything, unread]];
}

function unreadGuardrails({ byAccount }: LiveGuardrails, accounts: readonly WantedAccount[]): Unread[] {
  const named = new Map(accounts.map(({ id, name }) => [id, name]));
  return [...byAccount].flatMap(([id, bound]) => {
    if (bound.why === undefined) return [];
    const finding: Finding = {
      severity: 'warning',
      code: 'guardrails-unread',
      account: named.get(id) ?? id,
      message: `AWS does not show the guard rails that bind this account (${bound.why}): one of them may deny it`,
      hint: 'use credentials of the management account, or allow the reads that `stint doctor --executor-policy --live` prints',
    };
    return (['scps', 'rcps'] as const).map((kind) => ({ policy: unreadName(kind, id), finding }));
  });
}

function unreadResource({ policy, why, resource }: LiveResource): Unread[] {
  if (why === undefined) return [];
  const arn = policy?.details.arn ?? resource;
  const finding: Finding = {
    severity: 'warning',
    code: 'resource-policy-unread',
    message: `the policy of ${arn} could not be read (${why})`,
    hint: '`--resource-policy FILE` gives it; `stint doctor --executor-policy --live` prints the rights that reading it needs',
  };
  return [{ policy: `policy of ${arn}`, finding }];
}

function withPolicy(account: AccountDetails, policy: LiveResource['policy']): AccountDetails {
  if (policy?.account !== account.id) return account;
  const resourcePolicies: readonly ResourcePolicyDetails[] = [...(account.resourcePolicies ?? []), policy.details];
  return { ...account, resourcePolicies };
}

/** The owner of what is asked about, where nothing else of its account counts. */
function emptyAccount(id: string, partition: Partition): AccountDetails {
  return { id, partition, users: [], groups: [], roles: [], scps: [], rcps: [] };
}

/** What the accounts hold, whoever wants it. Guard rails are looked for in the whole organisation instead. */
function observed(asked: readonly WantedAccount[], accounts: AwsAccounts): Promise<SeenAccount[]> {
  const context = { definition: '', organizations: () => accounts.organizations(), parts: new SharedParts() };
  return forEachLimited(asked, accountsAtOnce, async (account) => {
    const plain: WantedAccount = { ...account, resources: [], console: [], look: [] };
    return observeAccount(await accounts.account(account.id), plain, context);
  });
}

/** The accounts with what binds them. An owner that nobody knows is bound by nothing that could be named. */
function bounded(held: readonly AccountDetails[], { byAccount }: LiveGuardrails): AccountDetails[] {
  return held.map((account) => {
    if (account.id === '') return account;
    const bound = byAccount.get(account.id);
    return { ...account, scps: levelsOf('scps', account.id, bound), rcps: levelsOf('rcps', account.id, bound) };
  });
}

/** Reads what decides the question. @throws Failure `account-unreadable`, and those of entering accounts. */
export async function readLive(scope: LiveScope, accounts: AwsAccounts, question: LiveQuestion): Promise<LiveState> {
  const { partition } = scope;
  const ids = scope.accounts.map(({ id }) => id);
  const own = question.principal === undefined ? undefined : accountOfPrincipal(question.principal, scope.accounts);
  const known = [...(own === undefined ? [] : [own]), ...ids.filter((id) => id !== own)];
  const found: LiveResource = question.hasPolicy
    ? { resource: question.resource, owner: question.resourceAccount ?? accountOfArn(question.resource) }
    : await readResource(accounts, { resource: question.resource, owner: question.resourceAccount, known });
  // One principal's answer hangs on its own account and that of the resource.
  const asked = scope.accounts.filter(({ id }) => own === undefined || id === own || id === found.owner);
  const seen = await observed(asked, accounts);
  const bare = authorizationBefore({ partition, managed: await managedDocuments(managedArns(seen)) }, seen).accounts;
  const owner = found.policy?.account ?? found.owner;
  const outside = owner === undefined || bare.some(({ id }) => id === owner) ? [] : [emptyAccount(owner, partition)];
  const held = [...bare, ...outside];
  const bindable = held.map(({ id }) => id).filter((id) => id !== '');
  const guardrails = await readGuardrails(accounts, bindable, new Set(ids));
  const organization = guardrails.organization ?? scope.organization;
  return {
    details: {
      ...(organization === undefined ? {} : { organization }),
      accounts: bounded(held, guardrails).map((account) => withPolicy(account, found.policy)),
    },
    resource: found.resource,
    resourceAccount: found.owner,
    unread: [...unreadGuardrails(guardrails, scope.accounts), ...unreadResource(found)],
    gone: found.gone === true,
  };
}
