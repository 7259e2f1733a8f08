// Checksums that clients send with a body and ask for again. Every SDK since 2025 sends CRC32; when a client
// sends none, S3 keeps a CRC64NVME of its own ("Checking object integrity in Amazon S3").
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { awsFailure } from '../../failures.ts';
import { invalidRequest } from './failures.ts';

export type ChecksumName = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

const algorithms: readonly ChecksumName[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

/** Both polynomials in reflected form: CRC-32C (RFC 3720, B.4) and CRC-64/NVME (NVM Express base specification). */
const castagnoli = 0x82f63b78;
const nvme = 0x9a6c9329ac4bc9b5n;

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  const table = castagnoliTable();
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function castagnoliTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ castagnoli : value >>> 1;
    table[index] = value >>> 0;
  }
  return table;
}

// In two 32-bit halves: with BigInt a mebibyte takes a hundred times as long.
function crc64nvme(bytes: Uint8Array): Uint8Array {
  const [tableHigh, tableLow] = nvmeTables();
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ tableLow[index]!;
    high = (high >>> 8) ^ tableHigh[index]!;
  }
  const out = new DataView(new ArrayBuffer(8));
  out.setUint32(0, ~high >>> 0);
  out.setUint32(4, ~low >>> 0);
  return new Uint8Array(out.buffer);
}

function nvmeTables(): readonly [high: Uint32Array, low: Uint32Array] {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ nvme : value >> 1n;
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return [high, low];
}

function bigEndian(value: number): Uint8Array {
  const out = new DataView(new ArrayBuffer(4));
  out.setUint32(0, value);
  return new Uint8Array(out.buffer);
}

const digests: Readonly<Record<ChecksumName, (bytes: Uint8Array) => Uint8Array>> = {
  CRC32: (bytes) => bigEndian(crc32(bytes)),
  CRC32C: (bytes) => bigEndian(crc32c(bytes)),
  CRC64NVME: crc64nvme,
  SHA1: (bytes) => createHash('sha1').update(bytes).digest(),
  SHA256: (bytes) => createHash('sha256').update(bytes).digest(),
};

function digest(algorithm: ChecksumName, bytes: Uint8Array): string {
  return Buffer.from(digests[algorithm](bytes)).toString('base64');
}

/** MD5 of the body in hexadecimal: what an ETag holds between its quotes. */
export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

/**
 * Compares what the client sent with the body and gives the checksum to keep, by the SDK's member name.
 * @throws BadDigest 400 when a checksum or Content-MD5 is not that of the body
 * @throws InvalidRequest 400 for two checksums, or an algorithm S3 does not know
 */
export function checkedChecksum(input: object, bytes: Uint8Array): Record<string, string> {
  const given = input as Readonly<Record<string, unknown>>;
  checkContentMd5(given['ContentMD5'], bytes);
  const sent = algorithms.filter((name) => typeof given[`Checksum${name}`] === 'string');
  if (sent.length > 1) {
    throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
  }
  const named = given['ChecksumAlgorithm'];
  const algorithm = sent[0] ?? (typeof named === 'string' ? named : 'CRC64NVME');
  if (!isAlgorithm(algorithm)) throw invalidRequest('Checksum algorithm provided is unsupported.');
  const own = digest(algorithm, bytes);
  const claimed = given[`Checksum${algorithm}`];
  if (claimed !== undefined && claimed !== own) {
    throw awsFailure('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
      status: 400,
    });
  }
  return { [`Checksum${algorithm}`]: own };
}

function isAlgorithm(name: string): name is ChecksumName {
  return (algorithms as readonly string[]).includes(name);
}

function checkContentMd5(given: unknown, bytes: Uint8Array): void {
  if (typeof given !== 'string') return;
  if (Buffer.from(given, 'base64').length !== 16) {
    throw awsFailure('InvalidDigest', 'The Content-MD5 you specified was invalid.', { status: 400 });
  }
  if (Buffer.from(md5(bytes), 'hex').toString('base64') !== given) {
    throw awsFailure('BadDigest', 'The Content-MD5 you specified did not match what we received.', { status: 400 });
  }
}

/** The checksum of checksums that a multipart upload has, with the number of its parts. */
export function compositeChecksum(
  algorithm: ChecksumName,
  checksums: readonly Readonly<Record<string, string>>[],
): Record<string, string> {
  const raw = Buffer.concat(checksums.map((one) => Buffer.from(one[`Checksum${algorithm}`] ?? '', 'base64')));
  return { [`Checksum${algorithm}`]: `${digest(algorithm, raw)}-${checksums.length}` };
}
