// The rate limit: a token bucket per address. Kept in memory on purpose, since a restart may forget it.
import type { Clock, Millis } from '../base/index.ts';
import { Recent } from './recent.ts';

const maxAddresses = 10_000;

interface Bucket {
  left: number;
  at: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Recent<Bucket>(maxAddresses);

  /** `clock` is the wall clock: a development clock that jumps must not open the gate. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one request of `address`; false when it has none left. */
  take(address: string): boolean {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(address) ?? this.#begin(address, now);
    const refill = (Math.max(0, now - bucket.at) / 1000) * this.#perSecond;
    bucket.left = Math.min(this.#burst, bucket.left + refill);
    bucket.at = now;
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  // Addresses that ask no more are forgotten, so that many of them cannot fill the memory.
  #begin(address: string, now: Millis): Bucket {
    const bucket = { left: this.#burst, at: now };
    this.#buckets.set(address, bucket);
    return bucket;
  }
}
