// Rate limits: how many requests an address may make in an interval. Counted in memory, each node for
// itself, as in Vault: a restart may forget it.
import type { Clock, Millis } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import { applicable, isExempt, type QuotaRequest, type RateQuota } from './quota.ts';
import type { Quotas } from './table.ts';

/** Addresses remembered for each rule; the one that asked longest ago is forgotten first. */
const addressesKept = 10_000;

interface Counted {
  readonly startedAt: Millis;
  left: number;
  blockedUntil: Millis;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Headers that tell how much is left, where the settings want them. */
  readonly headers: Readonly<Record<string, string>>;
}

const free: RateVerdict = { allowed: true, headers: {} };

export class RateLimits {
  readonly #wallClock: Clock;
  readonly #counted = new Map<string, Map<string, Counted>>();

  /** `wallClock`: a development clock that jumps must not open the gate. */
  constructor(wallClock: Clock) {
    this.#wallClock = wallClock;
  }

  /** Counts one request of `address`. */
  take({ rates, settings }: Quotas, request: QuotaRequest, address: string): RateVerdict {
    if (rates.length === 0 || isExempt(settings.exemptPaths, request.path)) return free;
    const quota = applicable(rates, request);
    if (quota === undefined) return free;
    const verdict = this.#take(quota, address);
    return settings.responseHeaders ? verdict : { ...verdict, headers: {} };
  }

  #take(quota: RateQuota, address: string): RateVerdict {
    const now = this.#wallClock.now();
    const counted = this.#of(quota, address, now);
    if (counted.blockedUntil > now) {
      return { allowed: false, headers: { 'Retry-After': seconds(counted.blockedUntil - now) } };
    }
    const allowed = counted.left > 0;
    if (allowed) counted.left--;
    const resetIn = counted.startedAt + quota.intervalSeconds * 1000 - now;
    const headers = {
      'X-Ratelimit-Limit': String(Math.round(quota.rate)),
      'X-Ratelimit-Remaining': String(counted.left),
      'X-Ratelimit-Reset': seconds(resetIn),
    };
    if (allowed) return { allowed, headers };
    if (quota.blockSeconds > 0) counted.blockedUntil = now + quota.blockSeconds * 1000;
    const retryIn = quota.blockSeconds > 0 ? quota.blockSeconds * 1000 : resetIn;
    return { allowed, headers: { ...headers, 'Retry-After': seconds(retryIn) } };
  }

  /** The count of this address, begun anew with each interval and each change of the rule. */
  #of(quota: RateQuota, address: string, now: Millis): Counted {
    const { id, rate, intervalSeconds, blockSeconds } = quota;
    const rule = `${id}/${rate}/${intervalSeconds}/${blockSeconds}`;
    const addresses = this.#counted.get(rule) ?? this.#begin(id, rule);
    const held = addresses.get(address);
    const length = intervalSeconds * 1000;
    const fresh = held === undefined || now >= held.startedAt + length || now < held.startedAt;
    const since = held === undefined || now < held.startedAt ? now : now - ((now - held.startedAt) % length);
    const counted = fresh ? { startedAt: since, left: Math.round(rate), blockedUntil: held?.blockedUntil ?? 0 } : held;
    addresses.delete(address);
    addresses.set(address, counted);
    if (addresses.size > addressesKept) addresses.delete(addresses.keys().next().value!);
    return counted;
  }

  #begin(id: string, rule: string): Map<string, Counted> {
    for (const other of this.#counted.keys()) if (other.startsWith(`${id}/`)) this.#counted.delete(other);
    const addresses = new Map<string, Counted>();
    this.#counted.set(rule, addresses);
    return addresses;
  }
}

function seconds(millis: Millis): string {
  return String(Math.max(0, Math.floor(millis / 1000)));
}

/** Vault's refusal of a request beyond its rate. */
export function rateExceeded(path: string): Error {
  return brokerFailure('rate-limited', `request path "${path}": rate limit quota exceeded`, {
    hint: 'wait and try again; `sys/quotas/rate-limit` says how much is allowed',
  });
}
