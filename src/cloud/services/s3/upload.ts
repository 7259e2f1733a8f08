// What comes with the bytes of an upload: headers, metadata, tags; and the permissions to write them.
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { matchPermissions, permission, prefixed, writeContext } from './access.ts';
import { checkEncryption, encryptionOf, writeKeyPermissions, type EncryptionOptions } from './encryption.ts';
import { invalidArgument, invalidRequest, notImplemented } from './failures.ts';
import type { Bucket, ContentHeaders, StoredObject } from './model.ts';
import { keyProblem } from './names.ts';
import { tagsOfHeader } from './tags.ts';

/** What an upload says about the object besides its bytes; the same for a put, a copy and a multipart upload. */
export interface UploadOptions extends Omit<ContentHeaders, 'Expires'>, EncryptionOptions {
  readonly Expires?: Date | undefined;
  readonly Key?: string | undefined;
  readonly ACL?: string | undefined;
  readonly Metadata?: Record<string, string> | undefined;
  readonly Tagging?: string | undefined;
  readonly StorageClass?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
  readonly IfMatch?: string | undefined;
}

/** Of general purpose buckets; OUTPOSTS, SNOW and EXPRESS_ONEZONE are for others. */
const storageClasses =
  'STANDARD REDUCED_REDUNDANCY STANDARD_IA ONEZONE_IA INTELLIGENT_TIERING GLACIER DEEP_ARCHIVE GLACIER_IR'.split(' ');

/** S3 user guide, "Canned ACL". */
const cannedAcls =
  'private public-read public-read-write aws-exec-read authenticated-read bucket-owner-read bucket-owner-full-control log-delivery-write'.split(
    ' ',
  );

/** Refuses what this S3 would have to ignore. */
export function checkUpload(input: UploadOptions): void {
  const problem = keyProblem(input.Key ?? '');
  if (problem !== undefined) throw problem;
  checkEncryption(input);
  if (input.StorageClass !== undefined && !storageClasses.includes(input.StorageClass)) {
    throw awsFailure('InvalidStorageClass', 'The storage class you specified is not valid', {
      status: 400,
      fields: { StorageClassRequested: input.StorageClass },
    });
  }
  if (input.WebsiteRedirectLocation !== undefined && !/^(?:https?:\/\/|\/)/.test(input.WebsiteRedirectLocation)) {
    throw awsFailure(
      'InvalidRedirectLocation',
      "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
      { status: 400 },
    );
  }
  if (input.ACL !== undefined && !cannedAcls.includes(input.ACL)) throw invalidArgument('', 'x-amz-acl', input.ACL);
  if (input.SSECustomerAlgorithm !== undefined) throw notImplemented('encryption with keys of the customer');
  if (input.ObjectLockMode !== undefined || input.ObjectLockLegalHoldStatus !== undefined) {
    throw invalidRequest('Bucket is missing Object Lock Configuration');
  }
  const grant = input.GrantFullControl ?? input.GrantRead ?? input.GrantReadACP ?? input.GrantWriteACP;
  if (grant !== undefined || !['private', 'bucket-owner-full-control', undefined].includes(input.ACL)) {
    throw awsFailure('AccessControlListNotSupported', 'The bucket does not allow ACLs', { status: 400 });
  }
  const bytes = Object.entries(input.Metadata ?? {}).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (bytes > 2048) {
    throw awsFailure('MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      status: 400,
      fields: { Size: String(bytes), MaxSizeAllowed: '2048' },
    });
  }
}

/** What the upload carries along, ready to be part of a stored object. */
export function describedBy(
  input: UploadOptions,
): Pick<StoredObject, 'metadata' | 'headers' | 'storageClass' | 'tags'> {
  return {
    metadata: input.Metadata ?? {},
    headers: {
      ...pick(input, [
        'CacheControl',
        'ContentDisposition',
        'ContentEncoding',
        'ContentLanguage',
        'WebsiteRedirectLocation',
      ]),
      ...(input.Expires === undefined ? {} : { Expires: input.Expires.getTime() }),
      ContentType: input.ContentType ?? 'binary/octet-stream',
    },
    storageClass: input.StorageClass ?? 'STANDARD',
    tags: tagsOfHeader(input.Tagging),
  };
}

function pick<Key extends string>(
  input: Partial<Record<Key, string | undefined>>,
  keys: readonly Key[],
): Partial<Record<Key, string>> {
  const out: Partial<Record<Key, string>> = {};
  for (const key of keys) {
    const value = input[key];
    if (value !== undefined) out[key] = value;
  }
  return out;
}

/** Writing a key: `s3:PutObject`, and one more permission for each of tags, ACL and KMS key that come with it. */
export function uploadPermissions(call: Call, bucket: Bucket, input: UploadOptions): readonly Permission[] {
  const tags = tagsOfHeader(input.Tagging);
  const keys = Object.keys(tags);
  const context = {
    ...writeContext(call, input),
    ...prefixed('s3:RequestObjectTag/', tags),
    ...(keys.length === 0 ? {} : { 's3:RequestObjectTagKeys': keys }),
  };
  const on = (action: string): Permission => permission(call, action, bucket, input.Key ?? '', context);
  return [
    on('s3:PutObject'),
    ...(keys.length === 0 ? [] : [on('s3:PutObjectTagging')]),
    ...(input.ACL === undefined ? [] : [on('s3:PutObjectAcl')]),
    ...matchPermissions(call, bucket, input.Key ?? '', input.IfMatch),
    ...writeKeyPermissions(call, { bucket: bucket.name, key: input.Key ?? '' }, encryptionOf(call, bucket, input)),
  ];
}
