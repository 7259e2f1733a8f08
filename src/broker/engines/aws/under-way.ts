// What this process is doing with the clients of each mount, so that a key is not deleted under a grant that
// signs with it. Other nodes' work is not seen here: there a grant fails, and is undone with the new key.
import { setTimeout as pause } from 'node:timers/promises';

/** Longer than a grant takes; one that hangs is not waited for. */
const patienceMillis = 10_000;

export class UnderWay {
  readonly #work = new Map<string, Set<Promise<unknown>>>();

  /** Does the work of a mount, which may use the mount's present key until it ends. */
  async during<T>(mountId: string, work: () => Promise<T>): Promise<T> {
    const running = work();
    const ofMount = this.#work.get(mountId) ?? new Set();
    this.#work.set(mountId, ofMount.add(running));
    try {
      return await running;
    } finally {
      ofMount.delete(running);
      if (ofMount.size === 0) this.#work.delete(mountId);
    }
  }

  /** Resolves when all that the mount was doing when asked is done, or after 10 s. */
  async idle(mountId: string): Promise<void> {
    const before = [...(this.#work.get(mountId) ?? [])];
    if (before.length === 0) return;
    const done = new AbortController();
    const patience = pause(patienceMillis, undefined, { signal: done.signal }).catch(() => undefined);
    await Promise.race([Promise.allSettled(before), patience]);
    done.abort();
  }
}
