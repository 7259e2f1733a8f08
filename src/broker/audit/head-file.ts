// The head file beside an audit file: signed, where the chain had come to, so that a missing end is found
// offline. Written about once a second, so that the file may be ahead of it, never behind.
import { createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import type { ChainHead } from './chain.ts';

/** `audit.log.head` of `audit.log`. */
export function headFileOf(path: string): string {
  return `${path}.head`;
}

export async function writeHead(path: string, head: ChainHead, key: KeyObject, publicKey: string): Promise<void> {
  const plain = textOf(head, publicKey);
  const signature = sign(null, Buffer.from(plain), key).toString('base64url');
  const next = `${headFileOf(path)}.next`;
  await writeFile(next, `${JSON.stringify({ version: 1, ...head, key: publicKey, signature })}\n`, { mode: 0o600 });
  await rename(next, headFileOf(path));
}

export function forgetHead(path: string): Promise<void> {
  return rm(headFileOf(path), { force: true });
}

/** The head that the file's text tells; undefined when it is not a head, or not signed by the key it names. */
export function readHead(text: string): (ChainHead & { readonly key: string }) | undefined {
  try {
    const { seq, hash, key, signature } = JSON.parse(text) as ChainHead & { key: string; signature: string };
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
    const plain = Buffer.from(textOf({ seq, hash }, key));
    return verify(null, plain, publicKey, Buffer.from(signature, 'base64url')) ? { seq, hash, key } : undefined;
  } catch {
    return undefined;
  }
}

function textOf({ seq, hash }: ChainHead, key: string): string {
  return `stint-audit-head 1 ${seq} ${hash} ${key}`;
}
