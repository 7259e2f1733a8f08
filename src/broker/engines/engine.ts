// The contract of a secrets engine. An engine never creates anything by itself: it hands a plan to
// `lend`, which writes the intent first and records the outcome, so that no engine can forget to.
import type { Json } from '../../base/index.ts';
import type { Stored } from '../barrier.ts';
import type { ProbeAnswer } from '../leases.ts';
import type { Lease, Mount, Operation, RevokeStrength } from '../model.ts';

/** What an engine keeps for one mount: encrypted, and gone with the mount. */
export interface Folder {
  get<T>(name: string): Promise<Stored<T> | undefined>;
  /**
   * Stores what `next` makes of the present value; durable when resolved. `undefined` deletes. `next`
   * is called again when somebody else wrote meanwhile, so that no write is lost.
   */
  change<T>(name: string, next: (before: T | undefined) => T | undefined): Promise<void>;
  /** Names below `prefix`, which is empty or ends with `/`. */
  list(prefix: string): Promise<readonly string[]>;
}

export interface LendPlan {
  /** Path below the mount that the lease is named after, for example `creds/deploy`. */
  readonly path: string;
  readonly role: string;
  readonly kind: string;
  readonly strength: RevokeStrength;
  readonly renewable: boolean;
  /** 0: the mount's default. */
  readonly ttlSeconds: number;
  /** 0: the mount's longest. */
  readonly maxTtlSeconds: number;
  /** Durable before `make` is called: enough to find and remove whatever `make` makes. No secret. */
  readonly facts: Readonly<Record<string, string>>;
  /**
   * Makes the credentials. Everything made carries `lease.id` in the creating call.
   * @throws Failure; with `nothingMade` when AWS certainly made nothing.
   */
  make(lease: Lease): Promise<Made>;
}

export interface Made {
  /** What the caller gets. */
  readonly data: Readonly<Record<string, Json>>;
  readonly facts: Readonly<Record<string, string>>;
  /** Kept, encrypted, for the probe until the lease is dead. */
  readonly secret: Readonly<Record<string, string>> | null;
}

/** Thrown by `make` when the first creating call was refused, so that there is nothing to clean up. */
export class NothingMade extends Error {
  constructor(cause: unknown) {
    super('nothing was made', { cause });
    this.name = 'NothingMade';
  }
}

export interface Lent {
  readonly lease: Lease;
  readonly data: Readonly<Record<string, Json>>;
  readonly warnings: readonly string[];
}

export interface EngineCall {
  readonly operation: Operation;
  /** Below the mount, without leading or closing slash. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly mount: Mount;
  readonly folder: Folder;
  readonly displayName: string;
  lend(plan: LendPlan): Promise<Lent>;
}

export interface EngineAnswer {
  /** Undefined on a read or list: nothing there (404). Undefined on a write: done (204). */
  readonly data?: Readonly<Record<string, Json>>;
  readonly warnings?: readonly string[];
  readonly lease?: Lease;
}

export interface Removal {
  /** There was something of this lease. */
  readonly found: boolean;
  /** Reading back shows nothing of it any more. */
  readonly gone: boolean;
}

export interface Engine {
  readonly type: string;
  /** @throws Failure `no-route` or `unsupported-operation` for a path the engine does not serve. */
  handle(call: EngineCall): Promise<EngineAnswer>;
  /** Time to live and longest life of a renewal, in seconds; 0 stands for the mount's. */
  renewal(lease: Lease, folder: Folder): Promise<{ ttlSeconds: number; maxTtlSeconds: number }>;
  /**
   * Removes everything the lease made and reads back. May be called any number of times, also by two
   * nodes at once. Never touches what does not carry the lease's id.
   */
  remove(lease: Lease, folder: Folder): Promise<Removal>;
  /** Tries the lease's own credentials. */
  probe(lease: Lease, folder: Folder): Promise<ProbeAnswer>;
  /** Lets go of connections. */
  close(): void;
}
