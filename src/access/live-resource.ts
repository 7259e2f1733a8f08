// The policy of one resource as AWS has it now: whose the resource is, what carries the policy, and what it says.
import { isFailure, isObject } from '../base/index.ts';
import type { AwsAccounts } from '../aws/index.ts';
import {
  accountOfArn,
  parsePolicy,
  policyCarrier,
  type PolicyJson,
  type ResourcePolicyDetails,
} from '../policy/index.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import { carrierArn, keyOfAlias, kindOfCarrier, type ResourcePolicyKind } from './resource-policy-kinds.ts';

export interface ResourceQuestion {
  readonly resource: string;
  /** Who owns it, as the asker says. */
  readonly owner?: string | undefined;
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

function outcome(resource: string, arn: string, account: string, owner: string | undefined, read: Read): LiveResource {
  const known = { resource, ...(owner === undefined ? {} : { owner }) };
  if ('details' in read) return { ...known, policy: { account, details: read.details } };
  if ('gone' in read) return { ...known, gone: true };
  return { ...known, why: read.why, policy: { account, details: { arn, state: 'unread' } } };
}

/** Reads what is asked about. Never fails for what AWS refuses: `why` tells it. */
export async function readResource(accounts: AwsAccounts, question: ResourceQuestion): Promise<LiveResource> {
  const { known } = question;
  let { resource } = question;
  const account = question.owner ?? accountOfArn(resource);
  if (/^arn:[^:]+:kms:[a-z0-9-]+:\d+:alias\//.test(resource) && account !== undefined && known.includes(account)) {
    try {
      resource = await keyOfAlias(await accounts.account(account), resource);
    } catch (error) {
      const code = nameOf(error);
      return { resource, owner: account, ...(code === 'NotFoundException' ? { gone: true } : { why: code }) };
    }
  }
  const arn = policyCarrier(resource);
  const kind = kindOfCarrier(arn);
  if (kind === undefined) return { resource, ...(account === undefined ? {} : { owner: account }) };
  // Of no other kind does the ARN leave out whose it is.
  if (account === undefined && kind.service !== 's3') return { resource };
  if (account === undefined) {
    const { owner, read } = await findBucket(accounts, kind, arn, known);
    return outcome(resource, arn, owner ?? nobodyKnows, owner, read);
  }
  // Whoever is not to be entered is not asked: what its policy says stays open.
  if (!known.includes(account)) return { resource, owner: account, why: 'its account is not of the definition' };
  return outcome(resource, arn, account, account, await readIn(accounts, account, kind, arn));
}
