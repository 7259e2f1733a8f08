// The code an authenticator app would show: TOTP of RFC 6238 with HMAC-SHA-1, 30 seconds and 6 digits.
import { createHmac } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Bytes of a base 32 text (RFC 4648, section 6), without padding. */
function fromBase32(text: string): Buffer {
  const bits = Array.from(text, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? []);
}

/** The six digits at `millis`, for the seed as IAM returns it: the bytes of a base 32 text. */
export function oneTimeCode(seed: Uint8Array, millis: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(millis / 30_000)));
  const digest = createHmac('sha1', fromBase32(Buffer.from(seed).toString()))
    .update(counter)
    .digest();
  const offset = digest.at(-1)! & 0x0f;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}
