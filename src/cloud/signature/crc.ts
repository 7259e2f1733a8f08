// The two cyclic redundancy checks that Node has not. Eight bytes at a time, by eight tables: measured five to seven
// times as fast as byte by byte. Values are 32-bit halves, for BigInt would take fifty times as long.

/** A table for each of eight byte positions, the last position first. */
type Eight = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

interface Tables {
  readonly high: Eight;
  readonly low: Eight;
}

// CRC-32C, reflected polynomial 0x1EDC6F41 (RFC 3720, appendix B.4), in the low half alone.
const crc32cTables = tablesOf(0, 0x82f63b78);
// CRC-64/NVME, reflected polynomial 0x9A6C9329AC4BC9B5.
const crc64Tables = tablesOf(0x9a6c9329, 0xac4bc9b5);

function tablesOf(polynomialHigh: number, polynomialLow: number): Tables {
  const high = Array.from({ length: 8 }, () => new Int32Array(256)) as unknown as Eight;
  const low = Array.from({ length: 8 }, () => new Int32Array(256)) as unknown as Eight;
  for (let byte = 0; byte < 256; byte++) {
    let [above, below] = [0, byte];
    for (let bit = 0; bit < 8; bit++) {
      const odd = below & 1;
      below = (below >>> 1) | (above << 31);
      above >>>= 1;
      if (odd === 0) continue;
      above ^= polynomialHigh;
      below ^= polynomialLow;
    }
    high[0][byte] = above;
    low[0][byte] = below;
  }
  for (let position = 1; position < 8; position++) {
    for (let byte = 0; byte < 256; byte++) {
      const above = high[position - 1]![byte]!;
      const below = low[position - 1]![byte]!;
      high[position]![byte] = (above >>> 8) ^ high[0][below & 0xff]!;
      low[position]![byte] = ((below >>> 8) | (above << 24)) ^ low[0][below & 0xff]!;
    }
  }
  return { high, low };
}

/** CRC-32C of `bytes`, unsigned. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = crc32cTables.low;
  let value = -1;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const first = value ^ wordAt(bytes, at);
    const second = wordAt(bytes, at + 4);
    value =
      t7[first & 0xff]! ^
      t6[(first >>> 8) & 0xff]! ^
      t5[(first >>> 16) & 0xff]! ^
      t4[first >>> 24]! ^
      t3[second & 0xff]! ^
      t2[(second >>> 8) & 0xff]! ^
      t1[(second >>> 16) & 0xff]! ^
      t0[second >>> 24]!;
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ t0[(value ^ bytes[at]!) & 0xff]!;
  return ~value >>> 0;
}

/** CRC-64/NVME of `bytes`, big-endian. */
export function crc64nvme(bytes: Uint8Array): Buffer {
  const [h0, h1, h2, h3, h4, h5, h6, h7] = crc64Tables.high;
  const [l0, l1, l2, l3, l4, l5, l6, l7] = crc64Tables.low;
  let high = -1;
  let low = -1;
  let at = 0;
  for (const end = bytes.length - 7; at < end; at += 8) {
    const first = low ^ wordAt(bytes, at);
    const second = high ^ wordAt(bytes, at + 4);
    const [a, b, c, d] = [first & 0xff, (first >>> 8) & 0xff, (first >>> 16) & 0xff, first >>> 24];
    const [e, f, g, i] = [second & 0xff, (second >>> 8) & 0xff, (second >>> 16) & 0xff, second >>> 24];
    high = h7[a]! ^ h6[b]! ^ h5[c]! ^ h4[d]! ^ h3[e]! ^ h2[f]! ^ h1[g]! ^ h0[i]!;
    low = l7[a]! ^ l6[b]! ^ l5[c]! ^ l4[d]! ^ l3[e]! ^ l2[f]! ^ l1[g]! ^ l0[i]!;
  }
  for (; at < bytes.length; at++) {
    const index = (low ^ bytes[at]!) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ l0[index]!;
    high = (high >>> 8) ^ h0[index]!;
  }
  const result = Buffer.alloc(8);
  result.writeInt32BE(~high, 0);
  result.writeInt32BE(~low, 4);
  return result;
}

/** Four bytes, little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}
