// The checksums of S3 objects: computed for any of the algorithms the clients use, and checked against
// the headers or trailers in which a client sends them.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { awsFailure } from '../failures.ts';

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256' | 'SHA512' | 'MD5';

// CRC-32C, reflected polynomial 0x1EDC6F41 (RFC 3720, appendix B.4).
const crc32cTable = tableOf(0x82f63b78);

function tableOf(polynomial: number): Uint32Array {
  const table = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    table[byte] = value >>> 0;
  }
  return table;
}

function crc32c(bytes: Uint8Array): number {
  let value = 0xffffffff;
  for (const byte of bytes) value = crc32cTable[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

// CRC-64/NVME, reflected polynomial 0x9A6C9329AC4BC9B5, as two halves: BigInt would take fifty times as long.
const [crc64High, crc64Low] = crc64Tables(0x9a6c9329, 0xac4bc9b5);

function crc64Tables(polynomialHigh: number, polynomialLow: number): readonly [Uint32Array, Uint32Array] {
  const highs = new Uint32Array(256);
  const lows = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let high = 0;
    let low = byte;
    for (let bit = 0; bit < 8; bit++) {
      const odd = low & 1;
      low = ((low >>> 1) | (high << 31)) >>> 0;
      high >>>= 1;
      if (odd) {
        high = (high ^ polynomialHigh) >>> 0;
        low = (low ^ polynomialLow) >>> 0;
      }
    }
    highs[byte] = high;
    lows[byte] = low;
  }
  return [highs, lows];
}

function crc64nvme(bytes: Uint8Array): Buffer {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = (((low >>> 8) | (high << 24)) ^ crc64Low[index]!) >>> 0;
    high = ((high >>> 8) ^ crc64High[index]!) >>> 0;
  }
  const result = Buffer.alloc(8);
  result.writeUInt32BE((high ^ 0xffffffff) >>> 0, 0);
  result.writeUInt32BE((low ^ 0xffffffff) >>> 0, 4);
  return result;
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

const compute: Readonly<Record<ChecksumAlgorithm, (bytes: Uint8Array) => Buffer>> = {
  CRC32: (bytes) => bigEndian(crc32(bytes)),
  CRC32C: (bytes) => bigEndian(crc32c(bytes)),
  CRC64NVME: crc64nvme,
  SHA1: (bytes) => createHash('sha1').update(bytes).digest(),
  SHA256: (bytes) => createHash('sha256').update(bytes).digest(),
  SHA512: (bytes) => createHash('sha512').update(bytes).digest(),
  MD5: (bytes) => createHash('md5').update(bytes).digest(),
};

/** The checksum in base64, as S3's headers carry it. */
export function checksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  return compute[algorithm](bytes).toString('base64');
}

export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(compute, name);
}

/**
 * Compares every checksum in the headers with the body's.
 * @throws `BadDigest` 400 when one differs, `InvalidDigest` 400 for a malformed Content-MD5, `NotImplemented`
 * 501 for an algorithm that cannot be checked here: an unchecked body is not taken for a checked one.
 */
export function checkChecksums(headers: Readonly<Record<string, string>>, body: Uint8Array): void {
  const md5 = headers['content-md5'];
  if (md5 !== undefined) {
    if (!/^[A-Za-z0-9+/]{22}==$/.test(md5)) {
      throw awsFailure('InvalidDigest', 'The Content-MD5 you specified was invalid.', { status: 400 });
    }
    if (checksum('MD5', body) !== md5) {
      throw awsFailure('BadDigest', 'The Content-MD5 you specified did not match what we received.', { status: 400 });
    }
  }
  for (const [name, value] of Object.entries(headers)) {
    const algorithm = /^x-amz-checksum-(?!algorithm$|mode$|type$)([a-z0-9]+)$/.exec(name)?.[1]?.toUpperCase();
    if (algorithm !== undefined) checkOne(algorithm, value, body);
  }
}

function checkOne(algorithm: string, value: string, body: Uint8Array): void {
  if (!isChecksumAlgorithm(algorithm)) {
    throw awsFailure('NotImplemented', `The checksum algorithm ${algorithm.slice(0, 20)} is not offered here`, {
      status: 501,
    });
  }
  if (checksum(algorithm, body) === value) return;
  throw awsFailure('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
    status: 400,
  });
}
