// Randomness as an argument, and the texts made from it.

export interface Random {
  /** `length` bytes fit for keys and tokens. */
  bytes(length: number): Uint8Array;
}

/** Drawn at once: a call into the system costs 2 µs, however few bytes it is for. */
const pool = { bytes: new Uint8Array(8192), used: 8192 };

export const systemRandom: Random = {
  bytes(length) {
    if (length > 1024) return crypto.getRandomValues(new Uint8Array(length));
    if (pool.used + length > pool.bytes.length) {
      crypto.getRandomValues(pool.bytes);
      pool.used = 0;
    }
    const drawn = pool.bytes.slice(pool.used, pool.used + length);
    // SECURITY: nothing that was given out stays behind.
    pool.bytes.fill(0, pool.used, pool.used + length);
    pool.used += length;
    return drawn;
  },
};

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** `length` characters of `alphabet` (base 62 unless given), without modulo bias. `alphabet` has 2 to 256 characters. */
export function randomText(random: Random, length: number, alphabet: string = base62): string {
  const limit = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    for (const byte of random.bytes(length - text.length)) {
      if (byte < limit) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A version 4 UUID (RFC 9562, section 5.4). */
export function uuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  let text = '';
  for (let at = 0; at < 16; at++)
    text += at === 4 || at === 6 || at === 8 || at === 10 ? `-${hex[bytes[at]!]}` : hex[bytes[at]!];
  return text;
}
