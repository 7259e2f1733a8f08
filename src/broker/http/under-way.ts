// Requests that are being served, so that a server that stops waits for them.
import type { ServerResponse } from 'node:http';

export class UnderWay {
  #count = 0;
  #waiting: (() => void)[] = [];

  /** Serves a request, which counts until `serve` has ended and its answer has left, or can leave no more. */
  add(response: ServerResponse, serve: () => Promise<void>): void {
    let left = 2;
    const end = (): void => {
      left--;
      if (left > 0) return;
      this.#count--;
      if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    };
    this.#count++;
    response.on('close', end);
    void serve().finally(end);
  }

  /** Resolves when there is none. */
  async ended(): Promise<void> {
    while (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
