// The rate limit: a token bucket per address. Kept in memory on purpose, since a restart may forget it.
import type { Clock } from '../base/index.ts';

const maxAddresses = 10_000;

interface Bucket {
  left: number;
  at: number;
}

export class RateLimit {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `clock` is the wall clock: a development clock that jumps must not open the gate. */
  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
  }

  /** Takes one request of `address`; false when it has none left. */
  take(address: string): boolean {
    const now = this.#clock.now();
    const bucket = this.#buckets.get(address) ?? { left: this.#burst, at: now };
    const refill = (Math.max(0, now - bucket.at) / 1000) * this.#perSecond;
    bucket.left = Math.min(this.#burst, bucket.left + refill);
    bucket.at = now;
    this.#remember(address, bucket);
    if (bucket.left < 1) return false;
    bucket.left -= 1;
    return true;
  }

  // The address used longest ago goes first, so that many addresses cannot fill the memory.
  #remember(address: string, bucket: Bucket): void {
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size <= maxAddresses) return;
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
