// The chain that binds the lines of one audit device: each line carries its number and the SHA-256 of
// the line before it, and the last line of each write a signature (Ed25519), so that a line that was
// changed, removed, moved or added is found without any secret. Pure.
import { createHash, sign, verify, type KeyObject } from 'node:crypto';

/** Where a chain stands: the number and hash of its last line. */
export interface ChainHead {
  readonly seq: number;
  /** SHA-256 of the last line, hex. */
  readonly hash: string;
}

export const chainStart: ChainHead = { seq: 0, hash: '' };

/** The member `chain` of a line. */
export interface ChainLink {
  readonly seq: number;
  /** Hash of the line before; empty in the very first. */
  readonly previous: string;
  /** The public key (base64url of 32 bytes), in the first line after the device was opened. */
  readonly key?: string;
  /** The line before this one was cut by a crash; this is what is left of it. */
  readonly torn?: { readonly bytes: number; readonly sha256: string };
  /** The chain could not be taken up exactly where it stood: lines may be missing before this one. */
  readonly gap?: true;
  readonly signature?: string;
}

/** What a line says of itself beside its number. */
export type ChainNotes = Pick<ChainLink, 'key' | 'torn' | 'gap'>;

/** Makes the text of a line (without prefix and line feed) and moves the head. */
export function chainLine(
  head: ChainHead,
  entry: Readonly<Record<string, unknown>>,
  notes: ChainNotes,
  key: KeyObject | undefined,
): { readonly text: string; readonly head: ChainHead } {
  const link: ChainLink = { seq: head.seq + 1, previous: head.hash, ...notes };
  const plain = JSON.stringify({ ...entry, chain: link });
  const text = key === undefined ? plain : signed(plain, key);
  return { text, head: { seq: link.seq, hash: sha256(text) } };
}

// The signature is the last member of the last member, so that what it covers can be cut out of the text.
function signed(plain: string, key: KeyObject): string {
  return `${plain.slice(0, -2)},"signature":"${sign(null, Buffer.from(plain), key).toString('base64url')}"}}`;
}

const signaturePattern = /,"signature":"([\w-]{86})"\}\}$/;

/** True or false for a signed line, undefined for one without a signature. */
export function checkSignature(text: string, key: KeyObject): boolean | undefined {
  const found = signaturePattern.exec(text);
  if (found === null) return undefined;
  const plain = `${text.slice(0, found.index)}}}`;
  return verify(null, Buffer.from(plain), key, Buffer.from(found[1]!, 'base64url'));
}

/** The link of a line; undefined when the text is no line of a chain. */
export function readLink(text: string): ChainLink | undefined {
  try {
    const { chain } = JSON.parse(text) as { chain?: ChainLink };
    const good = Number.isSafeInteger(chain?.seq) && chain!.seq > 0 && typeof chain?.previous === 'string';
    return good ? chain : undefined;
  } catch {
    return undefined;
  }
}

export function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}
