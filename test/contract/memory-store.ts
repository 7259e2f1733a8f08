// A store in memory, for tests only: the contract written down as plainly as it can be, and the one
// store that several nodes of a test can have open at once.
import { brokerFailure } from '../../src/broker/failures.ts';
import {
  absent,
  type Condition,
  type Entry,
  type Range,
  type Store,
  type Write,
} from '../../src/broker/storage/store.ts';

/** What outlives the processes that work on it. */
export class SharedMemory {
  readonly entries = new Map<string, Entry>();
  writes = 0;
}

/** One process's way to the memory. Others may have it open too, so it is never `exclusive`. */
export class MemoryStore implements Store {
  readonly exclusive = false;
  readonly #memory: SharedMemory;
  #closed = false;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  async get(key: string): Promise<Entry | undefined> {
    return this.#open().get(key);
  }

  async scan({ from, to, limit }: Range): Promise<readonly Entry[]> {
    return [...this.#open().values()]
      .filter(({ key }) => key >= from && key < to)
      .sort((a, b) => (a.key < b.key ? -1 : 1))
      .slice(0, limit);
  }

  async commit(batch: readonly Write[], conditions: readonly Condition[] = []): Promise<boolean> {
    // A round trip, so that others come in between a reader's look and its write.
    await new Promise(setImmediate);
    const entries = this.#open();
    const holds = ({ key, expect }: { readonly key: string; readonly expect?: string }): boolean =>
      expect === undefined || expect === (entries.get(key)?.version ?? absent);
    if (![...batch, ...conditions].every(holds)) return false;
    for (const { key, value } of batch) {
      if (value === undefined) entries.delete(key);
      else entries.set(key, { key, value: Uint8Array.from(value), version: String(++this.#memory.writes) });
    }
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #open(): Map<string, Entry> {
    if (this.#closed) throw brokerFailure('storage-failed', 'the store is closed');
    return this.#memory.entries;
  }
}
