// How the session of a lease is told from others of its role, so that it can be ended alone: by its
// source identity where the role's trust lets the engine set one, else by its name.
import type { AssumeRoleCommandInput, AssumeRoleCommandOutput, STSClient } from '@aws-sdk/client-sts';
import { stsSdk } from '../../aws-sdk.ts';
import type { Lease } from '../../model.ts';
import { awsCode, refusesKeys } from './aws-errors.ts';
import type { SessionMark } from './deny-document.ts';
import type { DenyEntry } from './deny-record.ts';
import type { StsSender } from './sts-choice.ts';
import type { ProbeAnswer } from '../../leases.ts';

/** After a lease has run out by our clock, AWS's may still count it for a while. */
const clockSlackMillis = 5 * 60_000;

/** The source identity of the lease's session: text of this lease alone, by which CloudTrail leads back to it. */
function sourceIdentityOf({ id }: Pick<Lease, 'id'>): string {
  return `stint-${id.slice(id.lastIndexOf('/') + 1)}`;
}

interface MarkedSession {
  readonly output: AssumeRoleCommandOutput;
  /** The session has the lease's source identity. */
  readonly identified: boolean;
}

/** Roles whose trust did not let a source identity be set, and when they are asked again. */
export class UntrustedIdentities {
  readonly #until = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  has(roleArn: string): boolean {
    return (this.#until.get(roleArn) ?? 0) > this.#now();
  }

  add(roleArn: string): void {
    this.#until.set(roleArn, this.#now() + 10 * 60_000);
  }
}

/** Assumes the role, with the source identity unless the trust does not allow one. */
export async function assumeMarked(
  sts: StsSender,
  input: AssumeRoleCommandInput,
  identity: string | undefined,
  untrusted: UntrustedIdentities | undefined,
): Promise<MarkedSession> {
  const { AssumeRoleCommand } = await stsSdk();
  const roleArn = input.RoleArn ?? '';
  if (identity === undefined || untrusted?.has(roleArn) === true) {
    return { output: await sts.send(new AssumeRoleCommand(input)), identified: false };
  }
  try {
    const output = await sts.send(new AssumeRoleCommand({ ...input, SourceIdentity: identity }));
    return { output, identified: true };
  } catch (error) {
    if (awsCode(error) !== 'AccessDenied') throw error;
  }
  // Either the trust allows no source identity, or no session at all: the second answer tells.
  const output = await sts.send(new AssumeRoleCommand(input));
  untrusted?.add(roleArn);
  return { output, identified: false };
}

/** What is known of how a session can be told, before AWS has issued it. */
interface Markable {
  /** Undefined: it cannot be ended. */
  readonly ending: Ending | undefined;
  /** Its name ends in random text of ours. */
  readonly ownName: boolean;
}

interface Ending {
  readonly strength: 'denies' | 'expires';
  readonly sourceIdentity: boolean;
}

/** The source identity to ask for; undefined for a session that gets none. */
export function wantedIdentity(lease: Lease, ending: Ending | undefined): string | undefined {
  return ending?.strength === 'denies' && ending.sourceIdentity ? sourceIdentityOf(lease) : undefined;
}

/**
 * The facts of an intent: until AWS has answered, a session can be told in either way.
 *
 * identity   `set`, or `tried` while AWS has not answered
 * ownName    `yes` when the session's name ends in random text of ours
 * issuedAt   when AWS issued it, in milliseconds
 */
export function intendedMarks({ ending, ownName }: Markable): Readonly<Record<string, string>> {
  if (ending?.strength !== 'denies') return {};
  return { ...(ending.sourceIdentity ? { identity: 'tried' } : {}), ...(ownName ? { ownName: 'yes' } : {}) };
}

/** The facts of a session that AWS has issued. */
export function madeMarks(
  { ending, ownName }: Markable,
  made: { readonly identified?: boolean; readonly credentials: { readonly Expiration?: Date | undefined } | undefined },
  ttlSeconds: number,
): Readonly<Record<string, string>> {
  if (ending?.strength !== 'denies') return {};
  const end = made.credentials?.Expiration?.getTime();
  return {
    ...(made.identified === true ? { identity: 'set' } : {}),
    ...(ownName ? { ownName: 'yes' } : {}),
    ...(end === undefined ? {} : { issuedAt: String(end - ttlSeconds * 1000) }),
  };
}

/** What the deny policy is to hold for the lease; undefined when nothing tells its session from others. */
export function denyEntryOf(lease: Lease): DenyEntry | undefined {
  const marks = [...marksOf(lease)];
  return marks.length === 0 ? undefined : { marks, until: lease.expiresAt + clockSlackMillis };
}

function* marksOf(lease: Lease): Generator<SessionMark> {
  const { identity, ownName, issuedAt, sessionName: value = '' } = lease.facts;
  if (identity !== undefined) yield { by: 'identity', value: sourceIdentityOf(lease) };
  if (identity === 'set') return;
  if (ownName !== undefined) yield { by: 'name', value };
  else if (issuedAt !== undefined) yield { by: 'name-at', value, issuedAt: Number(issuedAt) };
}

/**
 * Tries a session. AWS says whether a policy of the role itself refuses: that, or not knowing the
 * session any more, is refused; a call that nothing allows would be denied to a living session too.
 * GetCallerIdentity would be answered in any case.
 */
export async function probeSession(sts: STSClient, accessKeyId: string): Promise<ProbeAnswer> {
  const { GetAccessKeyInfoCommand } = await stsSdk();
  try {
    await sts.send(new GetAccessKeyInfoCommand({ AccessKeyId: accessKeyId }));
    return 'accepted';
  } catch (error) {
    if (refusesKeys(error)) return 'refused';
    if (awsCode(error) !== 'AccessDenied') throw error;
    return /explicit deny in an identity-based policy/.test((error as Error).message) ? 'refused' : 'accepted';
  }
}
