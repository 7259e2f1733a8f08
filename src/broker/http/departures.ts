// Answers that are ready at about the same time leave one after the other, when what has come in was worked on. A write
// that wakes somebody who sleeps costs the system twice what the next one costs, and code that is called in a row runs
// from near memory.

/** So many wait at most: the first of a thousand requests does not wait for the last. */
const mostWaiting = 32;

export class Departures {
  #waiting: (() => void)[] = [];

  /** Calls `write` soon: before this turn of the event loop waits for anything. */
  add(write: () => void): void {
    this.#waiting.push(write);
    if (this.#waiting.length === mostWaiting) this.#leave();
    else if (this.#waiting.length === 1) setImmediate(() => this.#leave());
  }

  #leave(): void {
    const leaving = this.#waiting;
    this.#waiting = [];
    for (const write of leaving) write();
  }
}
