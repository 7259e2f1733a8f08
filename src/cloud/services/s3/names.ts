// Names of S3: rules for buckets and keys, ARNs, owners, places in a list.
import { createHash } from 'node:crypto';
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';
import { invalidArgument } from './failures.ts';

const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const addressPattern = /^\d{1,3}(?:\.\d{1,3}){3}$/;
const reservedStarts = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const reservedEnds = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];

/** "Bucket naming rules" of the S3 user guide. `amzn-s3-demo-` is reserved for AWS's documentation. */
export function bucketNameProblem(name: string): Failure | undefined {
  const valid =
    bucketPattern.test(name) &&
    !name.includes('..') &&
    !addressPattern.test(name) &&
    !reservedStarts.some((start) => name.startsWith(start)) &&
    !reservedEnds.some((end) => name.endsWith(end));
  if (valid) return undefined;
  return awsFailure('InvalidBucketName', 'The specified bucket is not valid.', {
    status: 400,
    fields: { BucketName: name },
  });
}

/** A key is at most 1024 bytes of UTF-8: "Object key naming guidelines". */
export function keyProblem(key: string): Failure | undefined {
  if (Buffer.byteLength(key) <= 1024) return undefined;
  return awsFailure('KeyTooLongError', 'Your key is too long', {
    status: 400,
    fields: { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: '1024' },
  });
}

/** ARN of a bucket, or of a key in it. */
export function s3Arn(partition: string, bucket: string, key?: string): string {
  return `arn:${partition}:s3:::${bucket}${key === undefined ? '' : `/${key}`}`;
}

/** Canonical user id of an account: 64 hexadecimal digits, always the same for an account. */
export function canonicalId(account: string): string {
  return createHash('sha256').update(`canonical user ${account}`).digest('hex');
}

/** Opaque continuation token of a place in a list. */
export function toToken(place: string): string {
  return Buffer.from(place).toString('base64url');
}

/** @throws InvalidArgument 400 when `toToken` cannot have made it */
export function fromToken(token: string): string {
  const place = Buffer.from(token, 'base64url').toString();
  if (token === '' || toToken(place) !== token) {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
  }
  return place;
}
