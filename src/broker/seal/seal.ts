// The seal: what guards the root key, which opens the key ring. Behind this interface stands a key (put
// together from shares, or read from a file) or a service such as KMS, which never gives its key away.
import type { Random } from '../../base/index.ts';
import { decryptRecord, encryptRecord, noTerm } from './record.ts';
import { combineShares, splitSecret } from './shamir.ts';

/** Where the root key lies in the store, as the seal wrapped it. */
export const rootKeyPath = 'core/root-key';

export interface Seal {
  /** As seal-status names it: `shamir`, `local`, `awskms`. */
  readonly type: string;
  wrap(rootKey: Uint8Array): Promise<Uint8Array>;
  /** Undefined when this seal did not wrap it. */
  unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined>;
}

/** A seal whose key this process holds: 32 bytes. */
export function keySeal(type: string, key: Uint8Array, random: Random): Seal {
  return {
    type,
    wrap: async (rootKey) => encryptRecord(rootKey, rootKeyPath, noTerm, key, random),
    unwrap: async (wrapped) => decryptRecord(wrapped, rootKeyPath, key),
  };
}

/** How many shares there are and how many are needed. */
export interface ShareCounts {
  readonly shares: number;
  readonly threshold: number;
}

/** What lies beside the key ring in clear, because it must be read while sealed. */
export interface SealConfig extends ShareCounts {
  readonly version: 1;
  /** With `shamir` the shares are of the seal's key; with any other seal they are recovery shares. */
  readonly type: string;
}

/** Why there cannot be such shares, in Vault's words. `least` is 0 where none at all are allowed. */
export function shareProblem({ shares, threshold }: ShareCounts, least: 0 | 1): string | undefined {
  if (shares < least) return 'shares must be at least one';
  if (threshold < least) return 'threshold must be at least one';
  if (shares > 1 && threshold < 2) return 'threshold must be greater than one for multiple shares';
  if (shares > 255) return 'shares must be less than 256';
  if (threshold > 255) return 'threshold must be less than 256';
  return threshold > shares ? 'threshold cannot be larger than shares' : undefined;
}

/** The key itself when there is one share, else its parts. */
export function sharesOf(key: Uint8Array, { shares, threshold }: ShareCounts, random: Random): readonly Uint8Array[] {
  if (shares === 0) return [];
  return shares === 1 ? [key] : splitSecret(key, shares, threshold, random);
}

/** The key of enough shares, or why they are none. */
export function keyOfShares(shares: readonly Uint8Array[], threshold: number): Uint8Array | string {
  return threshold === 1 ? shares[0]! : combineShares(shares);
}

/** A share as people give it, in hex or base64, or why it is none, in Vault's words. */
export function readShare(text: string): Uint8Array | string {
  // What is both is taken as base64 when as hex it would have no length of a share.
  const hex = /^(?:[0-9a-fA-F]{2})+$/.test(text) ? Buffer.from(text, 'hex') : undefined;
  if (hex !== undefined && lengthProblem(hex) === undefined) return hex;
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    return "'key' must be a valid hex or base64 string";
  }
  return Buffer.from(text, 'base64');
}

const shortestShare = 16;
/** A key of 32 bytes, and one for the share's x. */
const longestShare = 33;

export function lengthProblem({ length }: Uint8Array): string | undefined {
  if (length < shortestShare) return `key is shorter than minimum ${shortestShare} bytes`;
  return length > longestShare ? `key is longer than maximum ${longestShare} bytes` : undefined;
}

export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.reduce((difference, byte, at) => difference | (byte ^ other[at]!), 0) === 0;
}
