// The state of the embedded AWS as tables, and what the services may ask of their surroundings.
// INVARIANT: values are never changed in place; `put` replaces them, so a failed call can be undone.
// INVARIANT: values are JSON plus `Uint8Array` and `Secret`, so that `--state` can keep them.
import type { Secret } from '../base/index.ts';
import type { Quotas } from './quotas.ts';

/** Names a table and its value type. Declared beside the service that owns it. */
export interface TableName<Value> {
  readonly name: string;
  /** Only for the type; never set. */
  readonly value?: Value;
}

export function tableName<Value>(name: string): TableName<Value> {
  return { name };
}

/** Entities of one kind, per account. `account` is `''` for what belongs to no account. */
export interface Table<Value> {
  get(account: string, id: string): Value | undefined;
  put(account: string, id: string, value: Value): void;
  delete(account: string, id: string): void;
  /** In ascending order of id (code units), starting after `after` when given. Cost does not grow with other accounts. */
  list(account: string, after?: string): IterableIterator<readonly [id: string, value: Value]>;
  count(account: string): number;
  /** Grows whenever a row of the account changes, also by an undo or a reset; never goes back. For caches. */
  revision(account: string): number;
}

/** A long-term key as it is made when the world is seeded: the pairs of the credentials file. */
export interface AccessKeyPair {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
}

/** What a person gets for one account: its user `admin` and its root user. */
export interface AccountKeys {
  readonly admin: AccessKeyPair;
  readonly root: AccessKeyPair;
}

/** An account of this AWS: of the organisation file, or made by a call. It need not be in the organisation. */
export interface Account {
  readonly id: string;
  readonly name: string;
  /** Empty for an account that a call made. */
  readonly stage: string;
  readonly email: string;
}

/** An account as the organisation file gives it. */
export interface AccountInfo extends Account {
  /** Path of the unit, `Workloads/Prod`; empty for the root. */
  readonly ou: string;
}

export interface World {
  readonly organizationId: string;
  readonly managementAccount: string;
  readonly partition: string;
  readonly region: string;
  /** AWS's defaults unless the organisation file sets them; a limit that is missing gets a row in quotas.ts. */
  readonly quotas: Quotas;
  /** In order of their ids. Reads them all: for what looks at every account. */
  accounts(): readonly Account[];
  account(id: string): Account | undefined;
  table<Value>(name: TableName<Value>): Table<Value>;
  /**
   * The world as authentication, authorization and the check of principals see it: what was written a moment
   * ago may not be in it yet, what was deleted may still be (`propagation.ts`). Use it for keys, principals and
   * policies that decide; a service reads its own rows from the world itself.
   */
  readonly seen: World;
}
