// Shares on the wire: as people give them, and as they get them.
import { brokerFailure } from '../failures.ts';
import { readShare } from '../seal/seal.ts';

/** @throws Failure `bad-request`, in Vault's words, when the text is no share. */
export function shareOf(text: string): Uint8Array {
  const share = readShare(text);
  if (typeof share === 'string') throw brokerFailure('bad-request', share);
  return share;
}

/** As Vault gives shares: in hex and in base64. */
export function wireShares(shares: readonly Uint8Array[]): {
  readonly keys: readonly string[];
  readonly keys_base64: readonly string[];
} {
  const all = shares.map((share) => Buffer.from(share));
  return { keys: all.map((share) => share.toString('hex')), keys_base64: all.map((share) => share.toString('base64')) };
}

/** @throws Failure `pgp-unsupported` when keys are given. */
export function checkNoPgp(name: string, given: string | readonly string[] | undefined): void {
  if (given === undefined || given.length === 0) return;
  throw brokerFailure(
    'pgp-unsupported',
    `\`${name}\` is not supported: shares and tokens are not encrypted with PGP keys`,
    {
      hint: `leave \`${name}\` out, and encrypt what you get before you hand it on, for example with \`gpg --encrypt\``,
    },
  );
}
