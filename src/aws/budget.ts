// How fast one account may be called. AWS publishes no IAM request rates and shares them among all callers of an
// account, so the budget finds the ceiling: halved when AWS throttles, raised slowly while it does not.
import type { Clock, Millis } from '../base/index.ts';

/** Resolves after `millis`; rejects when `signal` aborts. */
export type Sleep = (millis: Millis, signal?: AbortSignal) => Promise<void>;

export interface Rates {
  /** Calls a second. */
  readonly read: number;
  readonly write: number;
}

/** Rates that leave room for the other callers of an account; nothing of AWS's is published. */
export const sharedRates: Rates = { read: 8, write: 3 };
/** Rates against an AWS on this machine: no ceiling that matters. */
export const localRates: Rates = { read: 2000, write: 2000 };

const burstSeconds = 8;
const slowest = 0.2;
const recovery = 1.05;

/** A token bucket whose rate follows what AWS bears. Takes are served in the order in which they were asked. */
export class Bucket {
  readonly #clock: Clock;
  readonly #sleep: Sleep;
  readonly #fullRate: number;
  #rate: number;
  #tokens: number;
  #at: Millis;
  #queue: Promise<void> = Promise.resolve();

  constructor(rate: number, clock: Clock, sleep: Sleep) {
    this.#clock = clock;
    this.#sleep = sleep;
    this.#fullRate = rate;
    this.#rate = rate;
    this.#tokens = rate * burstSeconds;
    this.#at = clock.now();
  }

  /** Calls a second at present. */
  get rate(): number {
    return this.#rate;
  }

  /** Resolves when the next call may go out. */
  take(signal?: AbortSignal): Promise<void> {
    const turn = this.#queue.then(() => this.#wait(signal));
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** AWS throttled a call: half the rate, and nothing saved up. */
  throttled(): void {
    this.#refill();
    this.#rate = Math.max(slowest, this.#rate / 2);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  /** A call went through: slow recovery towards the full rate. */
  succeeded(): void {
    this.#rate = Math.min(this.#fullRate, this.#rate * recovery);
  }

  #refill(): void {
    const now = this.#clock.now();
    const earned = (Math.max(0, now - this.#at) / 1000) * this.#rate;
    this.#tokens = Math.min(this.#fullRate * burstSeconds, this.#tokens + earned);
    this.#at = now;
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    this.#refill();
    while (this.#tokens < 1) {
      await this.#sleep(Math.ceil(((1 - this.#tokens) / this.#rate) * 1000), signal);
      this.#refill();
    }
    this.#tokens -= 1;
  }
}
