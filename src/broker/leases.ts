// The life of a lease as a pure function: (lease, event, now) -> lease and effects. Nothing here
// reads a clock, a store or AWS; ledger.ts stores what comes out, lending.ts carries out the effects.
import { formatGoDuration, type Millis } from '../base/index.ts';
import type { EndReason, Lease, LeaseState } from './model.ts';

export type ProbeAnswer = 'refused' | 'accepted' | 'unknown' | 'nothing-to-probe';

export type LeaseEvent =
  /** The credentials exist; recording this makes them answerable. */
  | {
      readonly type: 'granted';
      readonly expiresAt: Millis;
      readonly ttlSeconds: number;
      readonly facts: Readonly<Record<string, string>>;
      readonly secret: Readonly<Record<string, string>> | null;
    }
  /** AWS certainly made nothing. */
  | { readonly type: 'not-made' }
  /** The grant broke off; AWS may have made something. */
  | { readonly type: 'abandoned' }
  | { readonly type: 'renewed'; readonly expiresAt: Millis; readonly ttlSeconds: number }
  | { readonly type: 'revoke' }
  /** As `revoke`, and Vault's API forgets the lease at once. */
  | { readonly type: 'force' }
  /** The time the lease asked for has come. */
  | { readonly type: 'due' }
  /** AWS accepted the removal. `found`: there was something to remove; `gone`: reading back shows nothing. */
  | { readonly type: 'acted'; readonly found: boolean; readonly gone: boolean }
  | { readonly type: 'act-failed'; readonly error: string }
  | { readonly type: 'probed'; readonly answer: ProbeAnswer; readonly error?: string }
  /** It is to end, but others are before it: the next look may wait. */
  | { readonly type: 'postponed'; readonly until: Millis };

export type LeaseEffect = 'act' | 'probe';

export interface Transition {
  /** Undefined: the record is to be dropped, there never was anything to end. */
  readonly lease: Lease | undefined;
  readonly effects: readonly LeaseEffect[];
}

/**
 * How long AWS may be late in showing a user that a grant made. Until then "not found" is no proof:
 * IAM is eventually consistent, and a call may still be on its way when its caller has died.
 */
export const settleMillis = 5 * 60_000;
/** A grant that takes longer has died with its node. */
export const grantDeadlineMillis = 10 * 60_000;
const maxWaitMillis = 3_600_000;
const actsUntilStuck = 6;
const probesUntilStuck = 10;

/** Whether Vault's API still knows the lease. */
export function isKnownToVault({ state, endReason }: Pick<Lease, 'state' | 'endReason'>): boolean {
  return (state === 'active' || state === 'revoking' || state === 'stuck') && endReason !== 'forced';
}

export function hasEnded(state: LeaseState): boolean {
  return state === 'dead' || state === 'expired';
}

/** True while somebody has to remove what the lease made, or to prove that it is gone. */
export function asksForAct({ state, strength }: Pick<Lease, 'state' | 'strength'>): boolean {
  return strength !== 'expires' && (state === 'revoking' || state === 'unverified' || state === 'stuck');
}

/** What `event` makes of `lease`. Events that mean nothing in the present state change nothing. */
export function transition(lease: Lease, event: LeaseEvent, now: Millis): Transition {
  if (hasEnded(lease.state)) return { lease, effects: [] };
  switch (event.type) {
    case 'granted':
      return lease.state === 'granting' ? confirm(lease, event, now) : stay(lease);
    case 'not-made':
      return lease.state === 'granting' ? { lease: undefined, effects: [] } : stay(lease);
    case 'abandoned':
      return lease.state === 'granting' ? beginEnd(lease, 'abandoned', now) : stay(lease);
    case 'renewed':
      return lease.state === 'active' ? renew(lease, event, now) : stay(lease);
    case 'revoke':
      return revoke(lease, now);
    case 'force':
      return force(lease, now);
    case 'due':
      return due(lease, now);
    case 'acted':
      return event.gone ? acted(lease, event.found, now) : stillShown(lease, now);
    case 'act-failed':
      return actFailed(lease, event.error, now);
    case 'probed':
      return probed(lease, event.answer, event.error, now);
    case 'postponed':
      break;
  }
  return asksForAct(lease) ? { lease: { ...lease, claim: null, dueAt: event.until }, effects: [] } : stay(lease);
}

function stay(lease: Lease): Transition {
  return { lease, effects: [] };
}

function enter(lease: Lease, state: LeaseState, now: Millis, change: Partial<Lease>): Lease {
  const steps = lease.state === state ? lease.steps : [...lease.steps, { state, at: now }].slice(-50);
  return { ...lease, ...change, state, steps, claim: null };
}

function confirm(lease: Lease, event: LeaseEvent & { type: 'granted' }, now: Millis): Transition {
  const { expiresAt, ttlSeconds, facts, secret } = event;
  const change = { confirmed: true, expiresAt, ttlSeconds, facts, secret, dueAt: expiresAt };
  return { lease: enter(lease, 'active', now, change), effects: [] };
}

function renew(lease: Lease, event: LeaseEvent & { type: 'renewed' }, now: Millis): Transition {
  const { expiresAt, ttlSeconds } = event;
  return { lease: { ...lease, expiresAt, ttlSeconds, lastRenewedAt: now, dueAt: expiresAt }, effects: [] };
}

function revoke(lease: Lease, now: Millis): Transition {
  if (lease.state === 'granting') return beginEnd(lease, 'abandoned', now);
  return lease.state === 'active' ? beginEnd(lease, 'revoked', now) : stay(lease);
}

// Only who gave up waiting is told so; the credentials are still to be removed, and tried for without end.
function force(lease: Lease, now: Millis): Transition {
  if (lease.state === 'granting' || lease.state === 'active') return beginEnd(lease, 'forced', now);
  return lease.endReason === 'forced' ? stay(lease) : { lease: { ...lease, endReason: 'forced' }, effects: [] };
}

// A lease that only time ends is no longer known to Vault's API, but the session lives on; the
// record says so until its time is over.
function beginEnd(lease: Lease, endReason: EndReason, now: Millis): Transition {
  const change = { endReason, attempts: 0, lastError: null };
  if (lease.strength === 'expires') {
    return { lease: enter(lease, 'unverified', now, { ...change, dueAt: lease.expiresAt }), effects: [] };
  }
  return { lease: enter(lease, 'revoking', now, { ...change, dueAt: now }), effects: ['act'] };
}

function due(lease: Lease, now: Millis): Transition {
  if (lease.dueAt !== null && lease.dueAt > now) return stay(lease);
  if (lease.state === 'granting') return beginEnd(lease, 'abandoned', now);
  if (isOverByItself(lease, now)) {
    return { lease: enter(lease, 'expired', now, { endReason: lease.endReason ?? 'expired', ...ended }), effects: [] };
  }
  if (lease.state === 'active') return beginEnd(lease, 'expired', now);
  return { lease, effects: ['act'] };
}

// A session runs out at AWS by itself, whether it was to be refused before or not.
function isOverByItself({ strength, expiresAt }: Lease, now: Millis): boolean {
  return strength === 'expires' || (strength === 'denies' && expiresAt <= now);
}

// INVARIANT: a lease that has ended holds no secret and asks for no further look.
const ended = { dueAt: null, secret: null, lastError: null } as const;

function acted(lease: Lease, found: boolean, now: Millis): Transition {
  const removed = lease.removed || found;
  if (lease.state === 'stuck') return { lease: { ...lease, removed }, effects: ['probe'] };
  const attempts = lease.state === 'revoking' ? 0 : lease.attempts;
  return { lease: enter(lease, 'unverified', now, { removed, attempts, dueAt: now }), effects: ['probe'] };
}

// IAM may go on showing for a while what it has deleted: look again before anything else.
function stillShown(lease: Lease, now: Millis): Transition {
  return retryProof(lease, 'AWS still shows what it accepted to delete', now);
}

function retryProof(lease: Lease, lastError: string, now: Millis): Transition {
  const attempts = lease.attempts + 1;
  const stuck = lease.state === 'stuck' || attempts >= probesUntilStuck;
  const change = { attempts, lastError, dueAt: now + waitMillis(2000, attempts) };
  return { lease: enter(lease, stuck ? 'stuck' : 'unverified', now, change), effects: [] };
}

function actFailed(lease: Lease, error: string, now: Millis): Transition {
  const attempts = lease.attempts + 1;
  const stuck = lease.state === 'stuck' || attempts >= actsUntilStuck;
  const change = { attempts, lastError: error, dueAt: now + waitMillis(10_000, attempts) };
  return { lease: enter(lease, stuck ? 'stuck' : 'revoking', now, change), effects: [] };
}

function probed(lease: Lease, answer: ProbeAnswer, error: string | undefined, now: Millis): Transition {
  if (answer === 'refused' || answer === 'nothing-to-probe') return settle(lease, now);
  return retryProof(lease, error ?? 'AWS still accepts the credentials', now);
}

// INVARIANT: dead means refused, and either removed by us after a whole grant or looked for again
// when AWS could no longer be late.
function settle(lease: Lease, now: Millis): Transition {
  const settleAt = lease.startedAt + settleMillis;
  if ((lease.confirmed && lease.removed) || now >= settleAt) {
    return { lease: enter(lease, 'dead', now, ended), effects: [] };
  }
  return { lease: enter(lease, 'unverified', now, { attempts: 0, lastError: null, dueAt: settleAt }), effects: [] };
}

// Tries slow down to one an hour, but never end.
function waitMillis(firstMillis: number, attempts: number): Millis {
  return Math.min(firstMillis * 2 ** Math.min(attempts - 1, 30), maxWaitMillis);
}

export interface TtlRule {
  /** What the caller asks for, 0 for nothing. */
  readonly incrementSeconds: number;
  /** What the engine says, 0 for nothing. */
  readonly engineTtlSeconds: number;
  readonly engineMaxSeconds: number;
  readonly mountDefaultSeconds: number;
  readonly mountMaxSeconds: number;
  readonly issuedAt: Millis;
  /** Never beyond this, whatever the limits say, and without a warning; the end of a batch token. */
  readonly latestAt?: Millis;
  readonly now: Millis;
}

export type TtlVerdict =
  | { readonly allowed: true; readonly ttlSeconds: number; readonly warning: string | undefined }
  | { readonly allowed: false; readonly reason: string };

/** Vault's rule for the time to live of a lease, `sdk/framework` CalculateTTL: never past issue time + max. */
export function leaseTtl(rule: TtlRule): TtlVerdict {
  const max = Math.min(rule.mountMaxSeconds, rule.engineMaxSeconds > 0 ? rule.engineMaxSeconds : Infinity);
  const wanted = rule.incrementSeconds || rule.engineTtlSeconds || rule.mountDefaultSeconds;
  // A clock that was set back must not lengthen a lease: elapsed time is never negative.
  const left = Math.floor(max - Math.max(0, rule.now - rule.issuedAt) / 1000);
  if (left <= 0) return { allowed: false, reason: 'past the max TTL, cannot renew' };
  const latest = rule.latestAt === undefined ? Infinity : Math.floor((rule.latestAt - rule.now) / 1000);
  if (latest <= 0) return { allowed: false, reason: 'past the max TTL, cannot renew' };
  if (latest < Math.min(wanted, left)) return { allowed: true, ttlSeconds: latest, warning: undefined };
  // Whole seconds, never none: 0 stands for "without end" in a token.
  if (wanted <= left) return { allowed: true, ttlSeconds: Math.max(1, Math.floor(wanted)), warning: undefined };
  const warning = `TTL of "${formatGoDuration(wanted)}" exceeded the effective max_ttl of "${formatGoDuration(left)}"; TTL value is capped accordingly`;
  return { allowed: true, ttlSeconds: left, warning };
}
