// What S3 asks to be allowed: the bucket of a call, and permissions with the bucket's owner, policy and
// condition keys. IAM's names of S3 permissions are not the names of S3's operations.
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { noSuchBucket, noSuchKey } from './failures.ts';
import { bucketOwners, buckets, objects, type Bucket, type StoredObject } from './model.ts';
import { canonicalId, s3Arn } from './names.ts';
import { policyFor } from './policy-in-force.ts';

type Context = Record<string, string | readonly string[] | undefined>;

/** The bucket of that name, whoever owns it; undefined when there is none. */
export function findBucket(call: Call, name: string | undefined): Bucket | undefined {
  const owner = call.world.table(bucketOwners).get('', name ?? '');
  return owner === undefined ? undefined : call.world.table(buckets).get(owner, name!);
}

/**
 * The bucket a call names. S3 answers for a name nobody has before it asks for permissions.
 * @throws NoSuchBucket 404
 * @throws InvalidBucketOwnerAWSAccountID 400 when the expected owner is no account
 * @throws AccessDenied 403 when the caller expected another owner
 */
export function bucketOf(
  call: Call,
  input: {
    readonly Bucket?: string | undefined;
    readonly ExpectedBucketOwner?: string | undefined;
    readonly RequestPayer?: string | undefined;
  },
): Bucket {
  const expected = input.ExpectedBucketOwner;
  if (expected !== undefined && !/^\d{12}$/.test(expected)) {
    throw awsFailure(
      'InvalidBucketOwnerAWSAccountID',
      `The value of the expected bucket owner parameter must be an AWS Account ID... [${expected}]`,
      { status: 400 },
    );
  }
  const bucket = findBucket(call, input.Bucket);
  if (bucket === undefined) throw noSuchBucket(input.Bucket ?? '');
  if (expected !== undefined && expected !== bucket.owner) {
    throw awsFailure('AccessDenied', 'Access Denied', { status: 403 });
  }
  if (call.account !== bucket.owner && input.RequestPayer !== 'requester' && paysItself(call, bucket)) {
    throw awsFailure('AccessDenied', 'Access Denied', { status: 403 });
  }
  return bucket;
}

/** S3 user guide, "Using Requester Pays buckets": who wants objects says that they pay; nobody unsigned gets any. */
function paysItself({ operation }: Call, { documents }: Bucket): boolean {
  const payment = documents['RequestPaymentConfiguration'] as { readonly Payer?: string } | undefined;
  return payment?.Payer === 'Requester' && /Object|Upload|Part/.test(operation);
}

export function findObject(call: Call, bucket: Bucket, key: string | undefined): StoredObject | undefined {
  return call.world.table(objects).get(bucket.owner, `${bucket.name}/${key ?? ''}`);
}

/** @throws NoSuchKey 404 */
export function objectOf(call: Call, bucket: Bucket, key: string | undefined): StoredObject {
  const object = findObject(call, bucket, key);
  if (object === undefined) throw noSuchKey(key ?? '');
  return object;
}

const authTypes = { header: 'REST-HEADER', query: 'REST-QUERY-STRING', form: 'POST' } as const;

/** Keys of how the request was signed: S3 user guide, "Amazon S3 signature version 4 policy keys". */
export function requestKeys({ http }: Call): Context {
  const signing = http.signing();
  if (signing === undefined) return {};
  return {
    's3:authType': authTypes[signing.place],
    's3:signatureversion': signing.version,
    's3:signatureAge': signing.age === undefined ? undefined : String(signing.age),
    's3:x-amz-content-sha256': signing.payload,
  };
}

/** A bucket's tags count in policies where its owner has turned that on: S3 user guide, "Enabling ABAC in general purpose buckets". */
function bucketTags({ documents, tags }: Bucket): Context {
  const abac = documents['AbacStatus'] as { readonly Status?: string } | undefined;
  if (abac?.Status !== 'Enabled') return {};
  return { ...prefixed('aws:ResourceTag/', tags), ...prefixed('s3:BucketTag/', tags) };
}

/** `action` on the bucket itself, or on a key of it. */
export function permission(
  call: Call,
  action: string,
  bucket: Bucket,
  key?: string,
  context: Context = {},
): Permission {
  const attached = policyFor(call, bucket, action);
  return {
    action,
    resource: s3Arn(call.partition, bucket.name, key),
    resourceAccount: bucket.owner,
    context: { ...requestKeys(call), 's3:ResourceAccount': bucket.owner, ...bucketTags(bucket), ...context },
    ...(attached === undefined ? {} : { resourcePolicy: { kind: 'resource', attached }, ...canonicalUserOf(call) }),
  };
}

function canonicalUserOf({ principal }: Call): Pick<Permission, 'canonicalUser'> {
  return 'account' in principal ? { canonicalUser: canonicalId(principal.account) } : {};
}

/**
 * Permissions to read one object. Who may not list the bucket is not told that a key is missing: "If you
 * do not have the s3:ListBucket permission, Amazon S3 returns 403" (GetObject, Permissions).
 */
export function readPermissions(
  call: Call,
  actions: readonly string[],
  bucket: Bucket,
  key: string | undefined,
): readonly Permission[] {
  const object = findObject(call, bucket, key);
  const tags = prefixed('s3:ExistingObjectTag/', object?.tags ?? {});
  const own = actions.map((action) => permission(call, action, bucket, key ?? '', tags));
  return object === undefined ? [...own, permission(call, 's3:ListBucket', bucket)] : own;
}

/** Comparing an ETag reads the object: "conditional deletes with a specific ETag value require both permissions", and writes too. */
export function matchPermissions(
  call: Call,
  bucket: Bucket,
  key: string,
  match: string | undefined,
): readonly Permission[] {
  if (match === undefined || match === '*') return [];
  const tags = prefixed('s3:ExistingObjectTag/', findObject(call, bucket, key)?.tags ?? {});
  return [permission(call, 's3:GetObject', bucket, key, tags)];
}

/** Keys of a write: its headers, and whether it makes the object or only prepares it ("Enforce conditional writes"). */
export function writeContext(call: Call, input: object): Context {
  const prepares = ['CreateMultipartUpload', 'UploadPart', 'UploadPartCopy'].includes(call.operation);
  return { ...headerContext(input), 's3:ObjectCreationOperation': String(!prepares) };
}

/** Tags as condition keys: `s3:ExistingObjectTag/team` and the like. */
export function prefixed(prefix: string, tags: Readonly<Record<string, string>>): Context {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}${key}`, value]));
}

/** Condition keys that stand for request headers; absent headers leave the key out. */
export function headerContext(input: object): Context {
  const given = input as Readonly<Record<string, unknown>>;
  const context: Context = {};
  for (const [member, key] of headerKeys) {
    const value = given[member];
    if (typeof value === 'string') context[key] = value;
  }
  return context;
}

const headerKeys: readonly (readonly [member: string, key: string])[] = [
  ['ACL', 's3:x-amz-acl'],
  ['GrantRead', 's3:x-amz-grant-read'],
  ['GrantReadACP', 's3:x-amz-grant-read-acp'],
  ['GrantWrite', 's3:x-amz-grant-write'],
  ['GrantWriteACP', 's3:x-amz-grant-write-acp'],
  ['GrantFullControl', 's3:x-amz-grant-full-control'],
  ['ServerSideEncryption', 's3:x-amz-server-side-encryption'],
  ['SSEKMSKeyId', 's3:x-amz-server-side-encryption-aws-kms-key-id'],
  ['SSECustomerAlgorithm', 's3:x-amz-server-side-encryption-customer-algorithm'],
  ['StorageClass', 's3:x-amz-storage-class'],
  ['WebsiteRedirectLocation', 's3:x-amz-website-redirect-location'],
  ['CopySource', 's3:x-amz-copy-source'],
  ['MetadataDirective', 's3:x-amz-metadata-directive'],
  ['ObjectOwnership', 's3:x-amz-object-ownership'],
  ['IfMatch', 's3:if-match'],
  ['IfNoneMatch', 's3:if-none-match'],
];
