// The checksums of S3 objects: computed for any of the algorithms the clients use, and checked against
// the headers or trailers in which a client sends them.
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { awsFailure } from '../failures.ts';
import { crc32c, crc64nvme } from './crc.ts';

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256' | 'SHA512' | 'MD5';

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

// A memo: a body is asked for its checksum when it arrives and again when it is kept. Bodies are never changed in place.
const known = new WeakMap<Uint8Array, Map<ChecksumAlgorithm, string>>();

/** The checksum in base64, as S3's headers carry it. */
export function checksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  let ofBody = known.get(bytes);
  if (ofBody === undefined) known.set(bytes, (ofBody = new Map()));
  let text = ofBody.get(algorithm);
  if (text === undefined) ofBody.set(algorithm, (text = compute[algorithm](bytes).toString('base64')));
  return text;
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
  const own = checksum(algorithm, body);
  if (own === value) return;
  if (value.length !== own.length || Buffer.from(value, 'base64').toString('base64') !== value) {
    throw awsFailure('InvalidRequest', `Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`, {
      status: 400,
    });
  }
  throw awsFailure('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
    status: 400,
  });
}
