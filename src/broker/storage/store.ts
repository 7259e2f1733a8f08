// The storage contract: ordered keys, atomic batches with compare-and-set, range scans. Every driver
// passes test/contract/store.ts. Values are already encrypted when they arrive here (barrier.ts).

/** Changes with every write of its key and is never used again for that key, also after a delete. Opaque. */
export type Version = string;

/** As an `expect`: the key is not there. */
export const absent: Version = 'absent';

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: Version;
}

/** One write of a batch. `value: undefined` deletes. `expect` makes the whole batch depend on the key's present version. */
export interface Write {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly expect?: Version;
}

/** A key that a batch depends on without writing it. */
export interface Condition {
  readonly key: string;
  readonly expect: Version;
}

export interface Range {
  /** First key, inclusive. */
  readonly from: string;
  /** End, exclusive. */
  readonly to: string;
  /** At most so many entries, lowest keys first. */
  readonly limit: number;
}

/**
 * Keys are printable ASCII (0x20 to 0x7e), at most 1,024 characters, ordered by character code.
 * Every method may reject with `storage-failed`; then nothing of that call was written.
 */
export interface Store {
  /** True when no second process can have this store open, so that claims of earlier processes are void. */
  readonly exclusive: boolean;
  get(key: string): Promise<Entry | undefined>;
  scan(range: Range): Promise<readonly Entry[]>;
  /**
   * Writes all or nothing. Resolves true when the batch is durable, false when an `expect` of a write
   * or of `conditions` did not hold (nothing written). A reader that starts after that sees the whole batch.
   */
  commit(batch: readonly Write[], conditions?: readonly Condition[]): Promise<boolean>;
  /** Waits for writes under way, then lets go of the store. */
  close(): Promise<void>;
}

/** All keys that begin with `prefix`. */
export function prefixRange(prefix: string, limit: number, after?: string): Range {
  return { from: after === undefined ? prefix : `${after}\0`, to: `${prefix}\x7f`, limit };
}

/** All entries as they were at one moment, however long reading them takes. */
export interface Snapshot {
  /** From the lowest key; may be asked for several times. */
  pages(): AsyncIterable<readonly Entry[]>;
  close(): Promise<void>;
}

/** An empty store beside another, whose place it may take. */
export interface Replacement {
  readonly store: Store;
  /** Path of a file for what is being received; it goes with the replacement. */
  readonly spoolFile: string;
  /**
   * Makes the entries of `store` the only ones of the other, at once and durably: whoever is killed before
   * it resolves finds all old entries or all new ones. Versions of the other are not used again.
   */
  install(): Promise<void>;
  discard(): Promise<void>;
}

/** A store that can be copied and replaced as a whole while it is used. Drivers pass test/contract/copies.ts. */
export interface CopyableStore extends Store {
  snapshot(): Promise<Snapshot>;
  replacement(): Promise<Replacement>;
}
