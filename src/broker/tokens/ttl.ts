// How long a token lives, at its making and at each renewal. Pure; Vault's rule, sdk/framework CalculateTTL.
import { formatGoDuration, type Millis } from '../../base/index.ts';
import type { TtlVerdict } from '../leases.ts';
import { systemMaxTtlSeconds } from '../model.ts';

/** Default and longest life on a mount, in seconds. */
export interface MountTtls {
  readonly defaultSeconds: number;
  readonly maxSeconds: number;
}

export const systemTtls: MountTtls = { defaultSeconds: systemMaxTtlSeconds, maxSeconds: systemMaxTtlSeconds };

/** The lesser of two limits, where 0 stands for none. */
export function lesser(one: number, other: number): number {
  return one === 0 || other === 0 ? one || other : Math.min(one, other);
}

export interface TokenTtlRule {
  /** What a renewal asks for; 0 for nothing. */
  readonly incrementSeconds: number;
  /** What the caller, the role or the login says; 0: the mount's default. */
  readonly ttlSeconds: number;
  /** The role's longest life; 0: the mount's. */
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  /** Above 0: each renewal gives so much, for ever unless there is an explicit maximum. */
  readonly periodSeconds: number;
  readonly mount: MountTtls;
  readonly issuedAt: Millis;
  readonly now: Millis;
}

/** How long the token lives from now on, or why it may not. */
export function tokenTtl(rule: TokenTtlRule): TtlVerdict {
  const limits = [rule.mount.maxSeconds, rule.maxTtlSeconds, rule.explicitMaxTtlSeconds];
  const max = Math.min(...limits.filter((seconds) => seconds > 0));
  return rule.periodSeconds > 0 ? periodic(rule, max) : capped(rule, max);
}

function periodic(rule: TokenTtlRule, max: number): TtlVerdict {
  const { periodSeconds, explicitMaxTtlSeconds } = rule;
  const warning =
    periodSeconds > max
      ? `period of "${shortDuration(periodSeconds)}" exceeded the effective max_ttl of "${shortDuration(max)}"; period value is capped accordingly`
      : undefined;
  const period = Math.min(periodSeconds, max);
  const verdict = fitted(period, explicitMaxTtlSeconds > 0 ? secondsLeft(rule, explicitMaxTtlSeconds) : Infinity);
  return verdict.allowed && warning !== undefined ? { ...verdict, warning } : verdict;
}

function capped(rule: TokenTtlRule, max: number): TtlVerdict {
  const wanted = rule.incrementSeconds || rule.ttlSeconds || rule.mount.defaultSeconds;
  return fitted(wanted, secondsLeft(rule, max));
}

// Vault counts in whole seconds. A clock that was set back must not lengthen a life: elapsed time is never negative.
function secondsLeft({ issuedAt, now }: TokenTtlRule, max: number): number {
  return max - Math.max(0, Math.floor(now / 1000) - Math.floor(issuedAt / 1000));
}

function fitted(wanted: number, left: number): TtlVerdict {
  if (left <= 0) return { allowed: false, reason: 'past the max TTL, cannot renew' };
  // Whole seconds, never none: 0 stands for "without end" in a token.
  if (wanted <= left) return { allowed: true, ttlSeconds: Math.max(1, Math.floor(wanted)), warning: undefined };
  const warning = `TTL of "${shortDuration(wanted)}" exceeded the effective max_ttl of "${shortDuration(left)}"; TTL value is capped accordingly`;
  return { allowed: true, ttlSeconds: left, warning };
}

/** As Vault's warnings print durations: `768h`, `1h30m`, `5s`. */
function shortDuration(seconds: number): string {
  return formatGoDuration(seconds).replace(/m0s$/, 'm').replace(/h0m$/, 'h');
}
