// Work that is dear, a few at a time, with a short queue: what would wait longer is refused at once, so
// that somebody who guesses passwords stops nobody else.
import { brokerFailure } from '../failures.ts';

export class Turns {
  readonly #atOnce: number;
  readonly #waiting: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number, waiting: number) {
    this.#atOnce = atOnce;
    this.#waiting = waiting;
  }

  /** @throws Failure `rate-limited` when the queue is full; `work` was not begun then. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    else await this.#turn();
    try {
      return await work();
    } finally {
      // The place goes to the next one in the queue, or becomes free.
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#queue.length >= this.#waiting) {
      throw brokerFailure('rate-limited', 'too many logins at once', { hint: 'try again in a moment' });
    }
    return new Promise((resolve) => this.#queue.push(resolve));
  }
}
