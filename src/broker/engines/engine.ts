// The contract of what can be mounted: secrets engines and auth methods. An engine never creates
// anything by itself: it hands a plan to `lend`, which writes the intent first and records the outcome, so
// that no engine can forget to. An auth method never makes a token: it answers who has logged in.
import type { Json, Millis } from '../../base/index.ts';
import type { Stored } from '../barrier.ts';
import { readFields, type FieldSchema, type FieldValues } from '../fields.ts';
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
  /**
   * Asks that `due(name)` of the backend is called at `at`, durably and even if this process dies;
   * replaces what was asked for that name before. `undefined` takes it back.
   */
  schedule(name: string, at: Millis | undefined): Promise<void>;
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
  /** Told to the caller with the credentials. */
  readonly warnings?: readonly string[];
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
  /** Told to the caller with the credentials. */
  readonly warnings?: readonly string[];
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
  readonly requestId: string;
  readonly operation: Operation;
  /** Below the mount, without leading or closing slash. */
  readonly path: string;
  /** What the path's pattern captured. */
  readonly params: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  readonly mount: Mount;
  readonly folder: Folder;
  readonly remoteAddress: string;
  /** Of the caller's token; empty on an open path. */
  readonly displayName: string;
  /** The caller's entity, or empty. */
  readonly entityId: string;
  /** The record of a lease, also of one that has ended lately. */
  findLease(id: string): Promise<Lease | undefined>;
  /** Refused on an open path: there is no token that a lease could end with. */
  lend(plan: LendPlan): Promise<Lent>;
}

export interface EngineAnswer {
  /** Where it is neither 200 nor 204. */
  readonly status?: 202 | 404;
  /** Undefined on a read or list: nothing there (404). Undefined on a write: done (204). */
  readonly data?: Readonly<Record<string, Json>>;
  readonly warnings?: readonly string[];
  readonly lease?: Lease;
  /** Of an auth method's login path: who has proved who they are. The core makes the token. */
  readonly auth?: Login;
}

/** One path of a backend. `enginePath` makes one with typed fields. */
export interface PathRow {
  /** Below the mount: `:name` is a name as Vault allows them, `:name*` the non-empty rest. */
  readonly pattern: string;
  /** `update` also serves `create`. */
  readonly operations: readonly Operation[];
  readonly summary: string;
  readonly fields: FieldSchema;
  /** Needs no token, such as a login. */
  readonly open?: boolean;
  /** Needs the capability `sudo`. */
  readonly sudo?: boolean;
  /** Where present, a POST to something that is not there yet is `create`, else `update`. */
  readonly exists?: (call: EngineCall) => Promise<boolean>;
  /** @throws Failure; nothing half-done. */
  readonly handle: (call: EngineCall) => Promise<EngineAnswer>;
}

/** A row whose fields (of the body, the query and the path) are read before `handle` is called. */
export function enginePath<const S extends FieldSchema>(
  row: Omit<PathRow, 'fields' | 'handle'> & {
    readonly fields: S;
    readonly handle: (call: EngineCall, values: FieldValues<S>) => Promise<EngineAnswer>;
  },
): PathRow {
  const prefix = row.exists === undefined ? undefined : '';
  return {
    ...row,
    handle: (call) => row.handle(call, readFields(row.fields, { ...call.body, ...call.params }, prefix)),
  };
}

/** What a login proved, and what the token for it may be. Zero and empty stand for "as the mount has it". */
export interface Login {
  /** For people; the core puts the mount's path before it: `userpass-alice`. */
  readonly displayName: string;
  readonly policies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Whose entity it is: the name under which this method knows the caller. */
  readonly alias: { readonly name: string; readonly metadata: Readonly<Record<string, string>> };
  /** Names of groups the method says the caller is in. */
  readonly groups: readonly string[];
  readonly token: LoginToken;
  readonly renewable: boolean;
  /** Handed back to `renewLogin`; no secret. */
  readonly internal: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** Vault's `token_*` parameters of a role or user. */
export interface LoginToken {
  readonly ttlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly uses: number;
  readonly noDefaultPolicy: boolean;
  readonly boundCidrs: readonly string[];
  /** `default` stands for what the mount says, which is a service token unless tuned. */
  readonly type: 'service' | 'batch' | 'default' | 'default-service' | 'default-batch';
}

/** What every mountable thing has. */
export interface Backend {
  readonly type: string;
  /** First match serves; a path that matches with other operations only is 405. */
  readonly paths: readonly PathRow[];
  /**
   * The time that was asked for `name` with `schedule` has come. Returns when to look again, or undefined
   * for never. May be called twice, also by two nodes; what throws is tried again, ever more slowly.
   */
  due?(name: string, mount: Mount, folder: Folder): Promise<Millis | undefined>;
  /**
   * Whether what was scheduled as `name` is to be done for a mount that was disabled too; what the mount
   * keeps stays until then. Without it nothing is.
   */
  keepsRetired?(name: string): boolean;
  /** Lets go of connections. */
  close(): void;
}

/** A backend mounted below `auth/`. */
export interface AuthMethod extends Backend {
  /**
   * What a renewal of a token made by this login may give now.
   * @throws Failure when the user or role is gone or has other policies, as Vault does.
   */
  renewLogin(login: RenewedLogin, mount: Mount, folder: Folder): Promise<LoginToken>;
  /** The role of a login with this body, before it is tried, where that is not what the body names as `role`. */
  roleOfLogin?(body: Readonly<Record<string, unknown>>, folder: Folder): Promise<string | undefined>;
}

export interface RenewedLogin {
  readonly internal: Readonly<Record<string, string>>;
  readonly policies: readonly string[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Removal {
  /** There was something of this lease, or AWS proved that there no longer is. */
  readonly found: boolean;
  /** Reading back shows nothing of it any more. */
  readonly gone: boolean;
}

/** A secrets engine. */
export interface Engine extends Backend {
  /** Time to live and longest life of a renewal, in seconds; 0 stands for the mount's. */
  renewal(lease: Lease, folder: Folder): Promise<{ ttlSeconds: number; maxTtlSeconds: number }>;
  /**
   * Removes everything the lease made and reads back. May be called any number of times, also by two
   * nodes at once. Never touches what does not carry the lease's id.
   */
  remove(lease: Lease, folder: Folder): Promise<Removal>;
  /** Tries the lease's own credentials. */
  probe(lease: Lease, folder: Folder): Promise<ProbeAnswer>;
}
