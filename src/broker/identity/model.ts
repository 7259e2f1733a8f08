// Who callers are, across the ways in which they log in.
//
// entity    one person or machine; tokens of its logins carry its id
// alias     the name by which one auth method knows an entity, or a group
// group     entities and groups that share policies: `internal` ones list their members, the members of
//           `external` ones come and go with what an auth method says at login
import type { Millis } from '../../base/index.ts';

export type Metadata = Readonly<Record<string, string>>;

export interface Alias {
  readonly id: string;
  /** The entity or group it stands for. */
  readonly canonicalId: string;
  readonly mountAccessor: string;
  readonly name: string;
  /** As the auth method gave it at the last login. */
  readonly metadata: Metadata | null;
  /** As people wrote it. */
  readonly customMetadata: Metadata | null;
  /** Entities it belonged to before they were merged. */
  readonly mergedFrom: readonly string[];
  readonly local: boolean;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

export interface Entity {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly metadata: Metadata | null;
  readonly policies: readonly string[];
  /** Its tokens are refused. */
  readonly disabled: boolean;
  readonly aliases: readonly Alias[];
  /** Entities that were merged into this one. */
  readonly mergedIds: readonly string[];
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

export interface Group {
  readonly version: 1;
  readonly id: string;
  readonly name: string;
  readonly type: 'internal' | 'external';
  readonly metadata: Metadata | null;
  readonly policies: readonly string[] | null;
  /** Groups whose policies its members have too. */
  readonly parentIds: readonly string[];
  /** Of an external group. */
  readonly alias: Alias | null;
  /** Counts its writes. */
  readonly modifyIndex: number;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}
