// Checksums that clients send with a body and ask for again. Every SDK since 2025 sends CRC32; when a client
// sends none, S3 keeps a CRC64NVME of its own ("Checking object integrity in Amazon S3").
import { createHash } from 'node:crypto';
import { awsFailure } from '../../failures.ts';
import { checksum } from '../../signature/checksum.ts';
import { invalidRequest } from './failures.ts';

export type ChecksumName = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

const algorithms: readonly ChecksumName[] = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'];

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
  checkAlgorithm(algorithm);
  const own = checksum(algorithm, bytes);
  const claimed = given[`Checksum${algorithm}`];
  if (typeof claimed === 'string') checkForm(algorithm, claimed, own.length);
  if (claimed !== undefined && claimed !== own) {
    throw awsFailure('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`, {
      status: 400,
    });
  }
  return { [`Checksum${algorithm}`]: own };
}

/** The header must be base64 of as many bytes as the algorithm gives. */
function checkForm(algorithm: ChecksumName, claimed: string, length: number): void {
  if (claimed.length === length && Buffer.from(claimed, 'base64').toString('base64') === claimed) return;
  throw invalidRequest(`Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
}

/** @throws InvalidRequest 400 */
export function checkAlgorithm(name: string): asserts name is ChecksumName {
  if ((algorithms as readonly string[]).includes(name)) return;
  throw invalidRequest(
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  );
}

/** The algorithm of the checksum that came with a body; undefined when none did. */
export function sentAlgorithm(input: object): ChecksumName | undefined {
  const given = input as Readonly<Record<string, unknown>>;
  return algorithms.find((name) => typeof given[`Checksum${name}`] === 'string');
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
  return { [`Checksum${algorithm}`]: `${checksum(algorithm, raw)}-${checksums.length}` };
}
