// The condition keys of KMS that follow from a key and from a request.
// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
import type { Tag } from '../iam/model.ts';
import type { Key } from './model.ts';

export type Keys = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface KeyUse {
  /** Condition keys of this request. */
  readonly context?: Keys;
  /** Absent: the operation has none. */
  readonly encryptionContext?: Readonly<Record<string, string>> | undefined;
  /** Of a CreateGrant: what the new grant would allow. */
  readonly newGrant?: NewGrant;
}

export interface NewGrant {
  readonly operations: readonly string[];
  readonly contextEquals?: Readonly<Record<string, string>> | undefined;
  readonly contextSubset?: Readonly<Record<string, string>> | undefined;
}

/** The keys that a CreateKey and every operation on a key have. */
export function specContext(key: Pick<Key, 'spec' | 'usage' | 'origin' | 'multiRegion' | 'region'>): Keys {
  const { multiRegion } = key;
  return {
    'kms:KeySpec': key.spec,
    'kms:CustomerMasterKeySpec': key.spec,
    'kms:KeyUsage': key.usage,
    'kms:CustomerMasterKeyUsage': key.usage,
    'kms:KeyOrigin': key.origin,
    'kms:MultiRegion': String(multiRegion !== undefined),
    'kms:MultiRegionKeyType': multiRegion && (multiRegion.primary === key.region ? 'PRIMARY' : 'REPLICA'),
  };
}

export function resourceTags(tags: readonly Tag[]): Keys {
  return Object.fromEntries(tags.map(({ Key, Value }) => [`aws:ResourceTag/${Key}`, Value]));
}

export function encryptionContextKeys(context: Readonly<Record<string, string>> | undefined): Keys {
  const entries = Object.entries(context ?? {});
  if (entries.length === 0) return {};
  return {
    ...Object.fromEntries(entries.map(([name, value]) => [`kms:EncryptionContext:${name}`, value])),
    'kms:EncryptionContextKeys': entries.map(([name]) => name),
  };
}
