// SHA-256 and HMAC with it, for signatures of a few hundred bytes. Its own, because node:crypto takes 6 to 8 ms to load,
// more than everything else that Stint does for a call, and this takes 1 ms. AWS verifies each signature made with it;
// nothing secret is compared with it, and nothing is kept by it.
// https://nvlpubs.nist.gov/nistpubs/FIPS/NIST.FIPS.180-4.pdf (4.2.2, 5.1.1, 5.3.3, 6.2) and https://www.rfc-editor.org/rfc/rfc2104

const blockSize = 64;

/** One word a round (4.2.2). */
const rounds = Int32Array.of(
  0x428a2f98,
  0x71374491,
  0xb5c0fbcf,
  0xe9b5dba5,
  0x3956c25b,
  0x59f111f1,
  0x923f82a4,
  0xab1c5ed5,
  0xd807aa98,
  0x12835b01,
  0x243185be,
  0x550c7dc3,
  0x72be5d74,
  0x80deb1fe,
  0x9bdc06a7,
  0xc19bf174,
  0xe49b69c1,
  0xefbe4786,
  0x0fc19dc6,
  0x240ca1cc,
  0x2de92c6f,
  0x4a7484aa,
  0x5cb0a9dc,
  0x76f988da,
  0x983e5152,
  0xa831c66d,
  0xb00327c8,
  0xbf597fc7,
  0xc6e00bf3,
  0xd5a79147,
  0x06ca6351,
  0x14292967,
  0x27b70a85,
  0x2e1b2138,
  0x4d2c6dfc,
  0x53380d13,
  0x650a7354,
  0x766a0abb,
  0x81c2c92e,
  0x92722c85,
  0xa2bfe8a1,
  0xa81a664b,
  0xc24b8b70,
  0xc76c51a3,
  0xd192e819,
  0xd6990624,
  0xf40e3585,
  0x106aa070,
  0x19a4c116,
  0x1e376c08,
  0x2748774c,
  0x34b0bcb5,
  0x391c0cb3,
  0x4ed8aa4a,
  0x5b9cca4f,
  0x682e6ff3,
  0x748f82ee,
  0x78a5636f,
  0x84c87814,
  0x8cc70208,
  0x90befffa,
  0xa4506ceb,
  0xbef9a3f7,
  0xc67178f2,
);
/** What a hash begins with (5.3.3). */
const beginning = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
] as const;

/** The message with its 1 bit, zeros and length, in whole blocks (5.1.1). */
function padded(message: Uint8Array): DataView {
  const size = Math.ceil((message.length + 9) / blockSize) * blockSize;
  const bytes = new Uint8Array(size);
  bytes.set(message);
  bytes[message.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setBigUint64(size - 8, BigInt(message.length) * 8n);
  return view;
}

/** The words of one block, and those made of them (6.2.2, 1). */
function schedule(words: Int32Array, blocks: DataView, at: number): void {
  for (let index = 0; index < 16; index++) words[index] = blocks.getInt32(at + 4 * index);
  for (let index = 16; index < 64; index++) {
    const one = words[index - 15]!;
    const two = words[index - 2]!;
    const small = ((one >>> 7) | (one << 25)) ^ ((one >>> 18) | (one << 14)) ^ (one >>> 3);
    const large = ((two >>> 17) | (two << 15)) ^ ((two >>> 19) | (two << 13)) ^ (two >>> 10);
    words[index] = words[index - 16]! + small + words[index - 7]! + large;
  }
}

/** Takes one block into the hash (6.2.2, 2 to 4). */
function compress(hash: Int32Array, words: Int32Array): void {
  // Read and added one by one: an iterator would cost more than the rounds.
  let a = hash[0]!;
  let b = hash[1]!;
  let c = hash[2]!;
  let d = hash[3]!;
  let e = hash[4]!;
  let f = hash[5]!;
  let g = hash[6]!;
  let h = hash[7]!;
  for (let index = 0; index < 64; index++) {
    const upper = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const first = (h + upper + ((e & f) ^ (~e & g)) + rounds[index]! + words[index]!) | 0;
    const lower = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const second = (lower + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  // An Int32Array keeps the lowest 32 bits of a sum, as the standard adds.
  hash[0]! += a;
  hash[1]! += b;
  hash[2]! += c;
  hash[3]! += d;
  hash[4]! += e;
  hash[5]! += f;
  hash[6]! += g;
  hash[7]! += h;
}

/** The 32 bytes of the hash. */
export function sha256(message: Uint8Array): Buffer {
  const blocks = padded(message);
  const hash = Int32Array.from(beginning);
  const words = new Int32Array(64);
  for (let at = 0; at < blocks.byteLength; at += blockSize) {
    schedule(words, blocks, at);
    compress(hash, words);
  }
  const digest = Buffer.alloc(32);
  for (let index = 0; index < 8; index++) digest.writeInt32BE(hash[index]!, 4 * index);
  return digest;
}

/** The 32 bytes of the code for `message` under `key`. */
export function hmacSha256(key: Uint8Array, message: Uint8Array): Buffer {
  const short = key.length > blockSize ? sha256(key) : key;
  const pad = (byte: number): Buffer => {
    const block = Buffer.alloc(blockSize, byte);
    for (let index = 0; index < short.length; index++) block[index]! ^= short[index]!;
    return block;
  };
  return sha256(Buffer.concat([pad(0x5c), sha256(Buffer.concat([pad(0x36), message]))]));
}
