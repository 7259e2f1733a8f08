// The policy of one resource as AWS has it now, and the grants of a key: whose the resource is, what carries the policy,
// and what it says.
import { isFailure, isObject } from '../base/index.ts';
import type { AwsAccounts } from '../aws/index.ts';
import {
  accountOfArn,
  parsePolicy,
  policyCarrier,
  type NamedDocument,
  type PolicyJson,
  type ResourcePolicyDetails,
} from '../policy/index.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import { carrierArn, keyOfAlias, kindOfCarrier, type ResourcePolicyKind } from './resource-policy-kinds.ts';

export interface ResourceQuestion {
  readonly resource: string;
  /** Who owns it, as the asker says. */
  readonly owner?: string | undefined;
  /** Somebody gave its policy: of a key its grants are read still. */
  readonly hasPolicy: boolean;
  /** Accounts that may be entered, those first in which it is to be looked for first. */
  readonly known: readonly string[];
}

export interface LiveResource {
  /** What decides: the key where an alias was named. */
  readonly resource: string;
  /** Who owns it, where that is certain. */
  readonly owner?: string | undefined;
  /** What was read, and in whose name it stands; the name is empty where the owner is not known. Absent: things of its kind have no policy, or none that is read. */
  readonly policy?: { readonly account: string; readonly details: ResourcePolicyDetails } | undefined;
  /** Why the policy is not known. */
  readonly why?: string | undefined;
  /** Why the grants of a key are not known. */
  readonly whyGrants?: string | undefined;
  /** AWS says that there is no such resource. */
  readonly gone?: boolean | undefined;
}

type Read = { readonly details: ResourcePolicyDetails } | { readonly gone: true } | { readonly why: string };

/** @throws the error where it is that the run was broken off, which says nothing of AWS. */
function throwBrokenOff(error: unknown): void {
  if (error instanceof Error && error.name === 'AbortError') throw error;
}

/** AWS's code; where AWS did not answer, that of Node. @throws the error itself where the run was broken off. */
function nameOf(error: unknown): string {
  throwBrokenOff(error);
  if (isFailure(error)) return error.code;
  const { name = String(error), code } = error as { readonly name?: string; readonly code?: unknown };
  return name === 'Error' && typeof code === 'string' ? code : name;
}

async function readIn(accounts: AwsAccounts, id: string, kind: ResourcePolicyKind, arn: string): Promise<Read> {
  try {
    const { text, ownOnly } = await kind.read(await accounts.account(id), carrierArn(arn));
    if (text === undefined) return { details: { arn, state: 'absent' } };
    const document = JSON.parse(text) as PolicyJson;
    // Kinesis shows an empty document where there is none.
    if (isObject(document) && Object.keys(document).length === 0) return { details: { arn, state: 'absent' } };
    const [problem] = parsePolicy(text, 'resource').problems;
    if (problem !== undefined) return { why: `it is no policy that Stint understands: ${problem.message}` };
    return { details: { arn, document, ...(ownOnly === true ? { ownOnly } : {}) } };
  } catch (error) {
    const code = nameOf(error);
    if (kind.absent.includes(code)) return { details: { arn, state: 'absent' } };
    return kind.gone.includes(code) ? { gone: true } : { why: code };
  }
}

interface ReadGrants {
  readonly grants?: readonly NamedDocument[];
  readonly whyGrants?: string;
}

/** What the grants of a key that nobody could read are called in an answer that hangs on them. */
export const grantsOf = (arn: string): string => `grants of ${arn}`;

const isAlias = /^arn:[^:]+:kms:[a-z0-9-]+:\d+:alias\//;
const isKey = /^arn:[^:]+:kms:[a-z0-9-]+:\d+:(?:key|alias)\//;

const unreadGrants = (arn: string, whyGrants: string): ReadGrants =>
  isKey.test(arn) ? { grants: [{ name: grantsOf(arn), unknown: true }], whyGrants } : {};

async function readGrants(
  accounts: AwsAccounts,
  id: string,
  kind: ResourcePolicyKind,
  arn: string,
): Promise<ReadGrants> {
  if (kind.grants === undefined) return {};
  try {
    return { grants: await kind.grants(await accounts.account(id), carrierArn(arn)) };
  } catch (error) {
    return unreadGrants(arn, nameOf(error));
  }
}

/** Whether an account has a bucket; a list of its buckets tells, and a refusal of its policy does not. */
async function hasBucket(accounts: AwsAccounts, id: string, bucket: string): Promise<boolean> {
  try {
    const s3 = await (await accounts.account(id)).resources.s3();
    const { Buckets = [] } = await s3.listBuckets({ Prefix: bucket });
    return Buckets.some(({ Name }) => Name === bucket);
  } catch (error) {
    throwBrokenOff(error);
    return false;
  }
}

interface FoundBucket {
  readonly owner?: string | undefined;
  readonly read: Read;
}

/** The account that owns a bucket: its ARN does not tell, so each is asked. */
async function findBucket(
  accounts: AwsAccounts,
  kind: ResourcePolicyKind,
  arn: string,
  [first, ...others]: readonly string[],
): Promise<FoundBucket> {
  const lookIn = async (id: string): Promise<FoundBucket> => {
    const read = await readIn(accounts, id, kind, arn);
    // A bucket that nobody has is no one's; of one that another account has, this one is told nothing.
    if ('gone' in read) return { read };
    return 'details' in read || (await hasBucket(accounts, id, carrierArn(arn).rest)) ? { owner: id, read } : { read };
  };
  if (first === undefined) return { read: { why: 'its account is not of the definition' } };
  const here = await lookIn(first);
  if (here.owner !== undefined || 'gone' in here.read) return here;
  const elsewhere = await forEachLimited(others, accountsAtOnce, lookIn);
  return elsewhere.find(({ owner }) => owner !== undefined) ?? here;
}

/** Stands for the account that owns what is asked about where nobody knows which one does. */
const nobodyKnows = '';

function outcome(
  resource: string,
  arn: string,
  account: string,
  owner: string | undefined,
  read: Read,
  { grants, whyGrants }: ReadGrants = {},
): LiveResource {
  const known = { resource, ...(owner === undefined ? {} : { owner }) };
  if ('gone' in read) return { ...known, gone: true };
  const held = grants === undefined ? {} : { grants };
  if ('details' in read) return { ...known, whyGrants, policy: { account, details: { ...read.details, ...held } } };
  return { ...known, why: read.why, whyGrants, policy: { account, details: { arn, state: 'unread', ...held } } };
}

/** Of what is not to be asked, or did not answer: everything about it stays open. */
function unread(resource: string, account: string, why: string): LiveResource {
  const arn = policyCarrier(resource);
  return outcome(resource, arn, account, account, { why }, unreadGrants(arn, why));
}

/** Reads what is asked about. Never fails for what AWS refuses: `why` tells it. */
export async function readResource(accounts: AwsAccounts, question: ResourceQuestion): Promise<LiveResource> {
  const { known, hasPolicy } = question;
  let { resource } = question;
  const account = question.owner ?? accountOfArn(resource);
  if (isAlias.test(resource) && account !== undefined && known.includes(account)) {
    try {
      resource = await keyOfAlias(await accounts.account(account), resource);
    } catch (error) {
      const code = nameOf(error);
      return code === 'NotFoundException' ? { resource, owner: account, gone: true } : unread(resource, account, code);
    }
  }
  const arn = policyCarrier(resource);
  const kind = kindOfCarrier(arn);
  if (kind === undefined || (hasPolicy && kind.grants === undefined)) {
    return { resource, ...(account === undefined ? {} : { owner: account }) };
  }
  // Of no other kind does the ARN leave out whose it is.
  if (account === undefined && kind.service !== 's3') return { resource };
  if (account === undefined) {
    const { owner, read } = await findBucket(accounts, kind, arn, known);
    return outcome(resource, arn, owner ?? nobodyKnows, owner, read);
  }
  // Whoever is not to be entered is not asked: what its policy says stays open.
  if (!known.includes(account)) return unread(resource, account, 'its account is not of the definition');
  const [read, grants] = await Promise.all([
    // What somebody gave takes the place of what was not asked for.
    hasPolicy ? { details: { arn, state: 'unread' as const } } : readIn(accounts, account, kind, arn),
    readGrants(accounts, account, kind, arn),
  ]);
  return outcome(resource, arn, account, account, read, grants);
}
