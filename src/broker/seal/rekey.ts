// New shares, step by step: holders give their present shares until there are enough, then there are
// new ones; where asked for, they count only after enough of the new ones were given as a proof.
// Pure: every step is (state, what was given) -> state or refusal.
import { keyOfShares, sameBytes, type ShareCounts } from './seal.ts';

/** What Vault calls the same thing on its two sets of paths. */
export type RekeyWords = 'rekey' | 'rotation';

export interface Rekey extends ShareCounts {
  readonly version: 1;
  readonly nonce: string;
  readonly verify: boolean;
  /** Present shares given so far, in base64. */
  readonly given: readonly string[];
  /** The new key, while it waits for its proof. */
  readonly waiting: { readonly nonce: string; readonly key: string; readonly given: readonly string[] } | null;
}

export interface Refused {
  readonly refused: string;
  /** Vault answers a few mistakes of the caller with 500. */
  readonly status?: 500;
  /** The state after it: given shares are forgotten when together they were wrong. */
  readonly next?: Rekey;
}

export interface Step {
  readonly next: Rekey;
  /** The key of enough shares; undefined while more are needed. */
  readonly key?: Uint8Array;
}

export function newRekey(counts: ShareCounts, verify: boolean, nonce: string): Rekey {
  return { version: 1, shares: counts.shares, threshold: counts.threshold, nonce, verify, given: [], waiting: null };
}

interface Words {
  readonly finished: (nonce: string) => string;
  readonly nonce: (nonce: string) => string;
  readonly again: string;
  readonly notVerifying: string;
  readonly notProved: string;
  readonly combine: string;
}

const texts: Readonly<Record<RekeyWords, Words>> = {
  rekey: {
    finished: (nonce) =>
      `rekey operation already finished; verification must be performed; nonce for the verification operation is "${nonce}"`,
    nonce: (nonce) => `incorrect nonce supplied; nonce for this rekey operation is "${nonce}"`,
    again: 'given key has already been provided during this generation operation',
    notVerifying: 'no rekey verification in progress',
    notProved: 'rekey verification failed; incorrect key shares supplied',
    combine: 'failed to compute root key',
  },
  rotation: {
    finished: (nonce) =>
      `rotation already finished; verification must be performed; nonce for the verification operation is "${nonce}"`,
    nonce: (nonce) => `incorrect nonce supplied; nonce for rotation is "${nonce}"`,
    again: 'given key has already been provided during this rotation',
    notVerifying: 'no rotation verification in progress',
    notProved: 'rotation verification failed; incorrect key shares supplied',
    combine: 'failed to compute key',
  },
};

/** One present share, of which `needed` open the seal. */
export function giveShare(
  rekey: Rekey,
  given: { readonly share: Uint8Array; readonly nonce: string },
  needed: number,
  words: RekeyWords,
): Step | Refused {
  const say = texts[words];
  if (rekey.waiting !== null) return { refused: say.finished(rekey.waiting.nonce) };
  if (given.nonce !== rekey.nonce) return { refused: say.nonce(rekey.nonce) };
  const shares = withShare(rekey.given, given.share);
  if (shares === undefined) return { refused: say.again };
  if (shares.length < needed) return { next: { ...rekey, given: shares } };
  const key = keyOfShares(shares.map(bytesOf), needed);
  const next = { ...rekey, given: [] };
  return typeof key === 'string' ? { refused: `${say.combine}: ${key}`, status: 500, next } : { next, key };
}

/** The new key waits for its proof. */
export function awaitProof(rekey: Rekey, key: Uint8Array, nonce: string): Rekey {
  return { ...rekey, given: [], waiting: { nonce, key: textOf(key), given: [] } };
}

/** One new share as a proof; `freshNonce` is for the next try when this one fails. */
export function proveShare(
  rekey: Rekey,
  given: { readonly share: Uint8Array; readonly nonce: string },
  freshNonce: string,
  words: RekeyWords,
): Step | Refused {
  const say = texts[words];
  const { waiting } = rekey;
  if (waiting === null) return { refused: say.notVerifying };
  if (given.nonce !== waiting.nonce) {
    return { refused: `incorrect nonce supplied; nonce for this verify operation is "${waiting.nonce}"` };
  }
  const shares = withShare(waiting.given, given.share);
  if (shares === undefined) return { refused: 'given key has already been provided during this verify operation' };
  if (shares.length < rekey.threshold) return { next: { ...rekey, waiting: { ...waiting, given: shares } } };
  const key = keyOfShares(shares.map(bytesOf), rekey.threshold);
  const next = restartProof(rekey, freshNonce);
  if (typeof key === 'string') return { refused: `failed to compute key for verification: ${key}`, status: 500, next };
  return sameBytes(key, bytesOf(waiting.key)) ? { next: rekey, key } : { refused: say.notProved, next };
}

/** Forgets the new shares given so far; nothing is changed while no new key waits. */
export function restartProof(rekey: Rekey, nonce: string): Rekey {
  return rekey.waiting === null ? rekey : { ...rekey, waiting: { ...rekey.waiting, nonce, given: [] } };
}

/** `shares` with one more, or undefined when it is among them. */
export function withShare(shares: readonly string[], share: Uint8Array): readonly string[] | undefined {
  return shares.some((known) => sameBytes(bytesOf(known), share)) ? undefined : [...shares, textOf(share)];
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
