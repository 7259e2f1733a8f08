// How fast one account may be called. AWS publishes no IAM request rates and shares them among all callers of an
// account, so the budget finds the ceiling: halved when AWS throttles, raised slowly while it does not.
import type { Clock, Millis } from '../base/index.ts';

/** Resolves after `millis`; rejects when `signal` aborts. */
export type Sleep = (millis: Millis, signal?: AbortSignal) => Promise<void>;

export interface Rates {
  /** Calls a second. */
  readonly read: number;
  readonly write: number;
  /** Reads of a whole account, and simulations: AWS throttles these first. */
  readonly bulk: number;
}

/**
 * Where a run begins with AWS itself: optimistic, since nothing is published and most accounts are quiet. Each account
 * and API finds its own ceiling from there.
 */
export const sharedRates: Rates = { read: 50, write: 20, bulk: 10 };
/** Rates against an AWS on this machine: no ceiling that matters. */
export const localRates: Rates = { read: 2000, write: 2000, bulk: 2000 };

/** How a bucket moves. */
export interface Pace {
  /** Seconds' worth of calls that may be saved up. */
  readonly burstSeconds: number;
  /** Seconds in which a bucket recovers from nothing; absent: by a twentieth with each call that goes through. */
  readonly recoverySeconds?: number | undefined;
  /** Throttled answers within so many milliseconds are one event: calls that were under way together. */
  readonly eventMillis: Millis;
}

/** Of accounts: a minute until the full rate is tried again. */
export const accountPace: Pace = { burstSeconds: 2, recoverySeconds: 60, eventMillis: 500 };

const ordinaryPace: Pace = { burstSeconds: 8, eventMillis: 0 };
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
  #throttledAt = Number.NEGATIVE_INFINITY;
  #recoveredAt: Millis;
  readonly #pace: Pace;
  #queue: Promise<void> = Promise.resolve();

  constructor(rate: number, clock: Clock, sleep: Sleep, pace: Pace = ordinaryPace) {
    this.#pace = pace;
    this.#clock = clock;
    this.#sleep = sleep;
    this.#fullRate = rate;
    this.#rate = rate;
    this.#tokens = Math.max(1, rate * pace.burstSeconds);
    this.#at = clock.now();
    this.#recoveredAt = this.#at;
  }

  /** Calls a second at present. */
  get rate(): number {
    return this.#rate;
  }

  /** Whether AWS has throttled and the full rate is not reached again. */
  get slowed(): boolean {
    return this.#rate < this.#fullRate;
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
    const now = this.#clock.now();
    this.#recoveredAt = now;
    if (now - this.#throttledAt < this.#pace.eventMillis) return;
    this.#throttledAt = now;
    this.#rate = Math.max(slowest, this.#rate / 2);
    this.#tokens = Math.min(this.#tokens, 0);
  }

  /** A call went through: slow recovery towards the full rate. */
  succeeded(): void {
    const { recoverySeconds } = this.#pace;
    const now = this.#clock.now();
    const gained = recoverySeconds === undefined ? 0 : (now - this.#recoveredAt) / 1000 / recoverySeconds;
    this.#recoveredAt = now;
    const next = recoverySeconds === undefined ? this.#rate * recovery : this.#rate + gained * this.#fullRate;
    this.#rate = Math.min(this.#fullRate, next);
  }

  #refill(): void {
    const now = this.#clock.now();
    const earned = (Math.max(0, now - this.#at) / 1000) * this.#rate;
    this.#tokens = Math.min(Math.max(1, this.#fullRate * this.#pace.burstSeconds), this.#tokens + earned);
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
