// KMS's entities and tables. Keys, aliases and grants belong to an account and a region, so their ids begin
// with the region.
import type { Millis, Secret } from '../../../base/index.ts';
import type { Tag } from '../iam/model.ts';
import { tableName, type World } from '../../world.ts';
import type { KeySpecName, KeyUsageName } from './specs.ts';

/** One generation of a key's secret; a rotation adds one, and the older ones still decrypt. */
export interface KeyMaterial {
  /** 64 hexadecimal digits. */
  readonly id: string;
  /** Base64 of the raw bytes of a symmetric or HMAC key, or of a private key as PKCS #8 DER. */
  readonly secret: Secret;
  /** Absent for the first one. */
  readonly rotation?: { readonly at: Millis; readonly type: 'AUTOMATIC' | 'ON_DEMAND' } | undefined;
  readonly imported?: Imported | undefined;
}

/** Of imported material. Once it is part of a key, only the same material may be imported in its place. */
export interface Imported {
  /** When it expires, if it does. */
  readonly validTo?: Millis | undefined;
  /** Its bytes were deleted. */
  readonly deleted?: boolean | undefined;
  readonly description?: string | undefined;
}

export interface Key {
  readonly account: string;
  readonly region: string;
  /** A UUID, or `mrk-` and 32 hexadecimal digits. */
  readonly id: string;
  readonly description: string;
  readonly spec: KeySpecName;
  readonly usage: KeyUsageName;
  readonly origin: 'AWS_KMS' | 'EXTERNAL';
  /** Set for a key that AWS manages: its alias, `alias/aws/s3`. */
  readonly managedAlias?: string | undefined;
  /** Absent for a key of one region. */
  readonly multiRegion?: { readonly primary: string; readonly replicas: readonly string[] } | undefined;
  readonly createdAt: Millis;
  readonly enabled: boolean;
  /** While deletion is pending; from that moment on there is no such key. */
  readonly deletionAt?: Millis | undefined;
  /** As it is stored: users and roles by unique id. */
  readonly policy: string;
  readonly tags: readonly Tag[];
  /** Oldest first; the last one encrypts. Empty while an import is pending. */
  readonly materials: readonly KeyMaterial[];
  /** Imported material that waits for a rotation on demand. */
  readonly pending?: KeyMaterial | undefined;
  readonly rotation?: { readonly periodDays: number; readonly nextAt: Millis } | undefined;
}

export interface Alias {
  /** `alias/NAME`. */
  readonly name: string;
  readonly keyId: string;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
}

export interface Grant {
  readonly id: string;
  readonly keyId: string;
  readonly name: string;
  readonly createdAt: Millis;
  /** Root ARN of the account that made it. */
  readonly issuer: string;
  /** Users and roles by unique id. */
  readonly grantee: string;
  readonly retiring?: string | undefined;
  readonly operations: readonly string[];
  readonly contextEquals?: Readonly<Record<string, string>> | undefined;
  readonly contextSubset?: Readonly<Record<string, string>> | undefined;
}

/** What GetParametersForImport gave out. */
export interface ImportToken {
  readonly algorithm: string;
  /** Base64 of the private key that unwraps, as PKCS #8 DER. */
  readonly privateKey: Secret;
  readonly validTo: Millis;
}

/** Account: the owner. Id: `REGION/KEY`. */
export const keys = tableName<Key>('kms.key');
/** Account: the owner. Id: `REGION/alias/NAME`. */
export const aliases = tableName<Alias>('kms.alias');
/** Which aliases a key has. Account: the owner. Id: `REGION/KEY/alias/NAME`. */
export const keyAliases = tableName<true>('kms.key-alias');
/** Account: the key's owner. Id: `REGION/KEY/GRANT`. */
export const grants = tableName<Grant>('kms.grant');
/** Which grants a principal has on a key. Account: the key's owner. Id: `REGION/KEY/PRINCIPAL/GRANT`. */
export const granteeGrants = tableName<true>('kms.grantee-grant');
/** Which grants a principal may retire. Account: the principal's. Id: `REGION/PRINCIPAL/GRANT`. */
export const retirableGrants = tableName<{ readonly owner: string; readonly keyId: string }>('kms.retirable-grant');
/** Which keys wait for their deletion. Account: the owner. Id: `REGION/`, when it is due (15 digits), `/KEY`. */
export const pendingDeletions = tableName<true>('kms.pending-deletion');
/** Account: the key's owner. Id: `REGION/KEY/` and the token's hash. */
export const importTokens = tableName<ImportToken>('kms.import-token');

/** The id of a key's row, and with `/` the beginning of the ids of what belongs to it. */
export function rowOf({ region, id }: Pick<Key, 'region' | 'id'>): string {
  return `${region}/${id}`;
}

/** `arn:aws:kms:REGION:ACCOUNT:` and `rest`: `key/ID`, `alias/NAME`. */
export function kmsArn(world: World, { region, account }: { region: string; account: string }, rest: string): string {
  return `arn:${world.partition}:kms:${region}:${account}:${rest}`;
}

export function keyArn(world: World, key: Key): string {
  return kmsArn(world, key, `key/${key.id}`);
}

export function saveKey(world: World, key: Key): void {
  world.table(keys).put(key.account, rowOf(key), key);
}
