// Work that is dear, a few at a time, with a short queue of which nobody gets more than his part: what
// would wait longer is refused at once, so that somebody who guesses passwords stops nobody else.
import { brokerFailure } from '../failures.ts';

export interface TurnLimits {
  readonly atOnce: number;
  readonly waiting: number;
  /** Of those at work and waiting, for one address. */
  readonly perAddress: number;
}

export class Turns {
  readonly #limits: TurnLimits;
  readonly #queue: (() => void)[] = [];
  readonly #addresses = new Map<string, number>();
  #running = 0;

  constructor(limits: TurnLimits) {
    this.#limits = limits;
  }

  /** @throws Failure `rate-limited` when the queue or the address's part of it is full; `work` was not begun then. */
  async take<T>(address: string, work: () => Promise<T>): Promise<T> {
    const { atOnce, waiting, perAddress } = this.#limits;
    const own = this.#addresses.get(address) ?? 0;
    const mustWait = this.#running >= atOnce;
    if (own >= perAddress || (mustWait && this.#queue.length >= waiting)) {
      throw brokerFailure('rate-limited', 'too many logins at once', { hint: 'try again in a moment' });
    }
    this.#addresses.set(address, own + 1);
    try {
      if (mustWait) await new Promise<void>((resolve) => this.#queue.push(resolve));
      else this.#running++;
      return await this.#worked(work);
    } finally {
      this.#leave(address);
    }
  }

  async #worked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // The place goes to the next one in the queue, or becomes free.
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #leave(address: string): void {
    const left = this.#addresses.get(address)! - 1;
    if (left === 0) this.#addresses.delete(address);
    else this.#addresses.set(address, left);
  }
}
