// Encryption of objects with keys of KMS: which key a write uses, and what its reader and writer must be allowed there.
// Bodies lie in memory as they are; who may not use the key does not get them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
import type { Call, Permission } from '../../call.ts';
import { serviceKeyArn, serviceKeyPermission, useServiceKey } from '../kms/for-services.ts';
import { md5 } from './checksum.ts';
import { invalidArgument } from './failures.ts';
import type { Bucket, ObjectEncryption } from './model.ts';
import { s3Arn } from './names.ts';

/** What an upload says about encryption. */
export interface EncryptionOptions {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSEKMSKeyId?: string | undefined;
  /** Base64 of a JSON object. */
  readonly SSEKMSEncryptionContext?: string | undefined;
  readonly BucketKeyEnabled?: boolean | undefined;
}

interface EncryptionRule {
  readonly ApplyServerSideEncryptionByDefault?: { readonly SSEAlgorithm?: string; readonly KMSMasterKeyID?: string };
  readonly BucketKeyEnabled?: boolean;
}

const isKms = (algorithm: string | undefined): algorithm is ObjectEncryption['algorithm'] =>
  algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse';

/** @throws InvalidArgument 400 for options that contradict each other */
export function checkEncryption(input: EncryptionOptions): void {
  const { ServerSideEncryption: algorithm, SSEKMSKeyId } = input;
  if (algorithm !== undefined && algorithm !== 'AES256' && !isKms(algorithm)) {
    throw invalidArgument(
      'The encryption method specified is not supported',
      'x-amz-server-side-encryption',
      algorithm,
    );
  }
  if (SSEKMSKeyId !== undefined && !isKms(algorithm)) {
    throw invalidArgument(
      'Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms',
      'x-amz-server-side-encryption',
      algorithm,
    );
  }
}

/**
 * The key that a write uses: what the request says, else the bucket's default; undefined for keys of S3 itself.
 * @throws InvalidArgument 400, `KMS.NotFoundException` 400
 */
export function encryptionOf(call: Call, bucket: Bucket, input: EncryptionOptions): ObjectEncryption | undefined {
  checkEncryption(input);
  const rule = defaultRule(bucket);
  const usual = rule?.ApplyServerSideEncryptionByDefault;
  const asked = input.ServerSideEncryption !== undefined;
  const algorithm = asked ? input.ServerSideEncryption : usual?.SSEAlgorithm;
  if (!isKms(algorithm)) return undefined;
  if (call.credential === undefined) {
    throw invalidArgument(
      'Requests specifying Server Side Encryption with AWS KMS managed keys require AWS Signature Version 4.',
      'Authorization',
    );
  }
  const named = asked ? input.SSEKMSKeyId : usual?.KMSMasterKeyID;
  const bucketKey = algorithm === 'aws:kms' && (input.BucketKeyEnabled ?? rule?.BucketKeyEnabled ?? false);
  return {
    algorithm,
    keyArn: serviceKeyArn(call, named, 's3'),
    bucketKey,
    context: contextOf(input.SSEKMSEncryptionContext),
  };
}

function defaultRule(bucket: Bucket): EncryptionRule | undefined {
  const document = bucket.documents['ServerSideEncryptionConfiguration'] as
    | { readonly Rules?: readonly EncryptionRule[] }
    | undefined;
  return document?.Rules?.[0];
}

function contextOf(header: string | undefined): Readonly<Record<string, string>> | undefined {
  if (header === undefined) return undefined;
  try {
    const pairs: unknown = JSON.parse(Buffer.from(header, 'base64').toString());
    if (typeof pairs === 'object' && pairs !== null && Object.values(pairs).every((one) => typeof one === 'string')) {
      return { ...pairs };
    }
  } catch {
    // Told below.
  }
  throw invalidArgument(
    'The header x-amz-server-side-encryption-context shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map',
    'x-amz-server-side-encryption-context',
    header,
  );
}

/** What writing needs beside `s3:PutObject`. */
export function writeKeyPermissions(
  call: Call,
  place: { readonly bucket: string; readonly key: string },
  encryption: ObjectEncryption | undefined,
): readonly Permission[] {
  return keyPermissions(call, 'kms:GenerateDataKey', place, encryption);
}

/** What reading needs beside `s3:GetObject`, and adding parts beside `s3:PutObject`. */
export function readKeyPermissions(
  call: Call,
  place: { readonly bucket: string; readonly key: string },
  encryption: ObjectEncryption | undefined,
): readonly Permission[] {
  return keyPermissions(call, 'kms:Decrypt', place, encryption);
}

function keyPermissions(
  call: Call,
  action: 'kms:GenerateDataKey' | 'kms:Decrypt',
  place: { readonly bucket: string; readonly key: string },
  encryption: ObjectEncryption | undefined,
): readonly Permission[] {
  if (encryption === undefined) return [];
  // With a bucket key the context is the bucket's ARN ("S3 Bucket Keys").
  const arn = s3Arn(call.partition, place.bucket, encryption.bucketKey ? undefined : place.key);
  return [serviceKeyPermission(call, action, encryption.keyArn, 's3', { ...encryption.context, 'aws:s3:arn': arn })];
}

/** @throws `KMS.DisabledException` 400 and the like */
export function checkKeyUsable(call: Call, encryption: ObjectEncryption | undefined): void {
  if (encryption !== undefined) useServiceKey(call, encryption.keyArn);
}

/** The headers of an answer. */
export function encryptionHeaders(encryption: ObjectEncryption | undefined) {
  if (encryption === undefined) return { ServerSideEncryption: 'AES256' as const };
  return {
    ServerSideEncryption: encryption.algorithm,
    SSEKMSKeyId: encryption.keyArn,
    ...(encryption.bucketKey ? { BucketKeyEnabled: true } : {}),
  };
}

/** MD5 of the body; of what KMS encrypts the ETag tells nothing ("Common response headers", ETag). */
export function etagOf(call: Call, body: Uint8Array, encryption: ObjectEncryption | undefined): string {
  return encryption === undefined ? `"${md5(body)}"` : `"${Buffer.from(call.random.bytes(16)).toString('hex')}"`;
}
