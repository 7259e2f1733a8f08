// Objects: written, read, copied, deleted. A body is one piece of memory; versions are off.
import type {
  CopyObjectCommandInput,
  CopyObjectOutput,
  DeleteObjectCommandInput,
  DeleteObjectOutput,
  DeleteObjectsCommandInput,
  DeleteObjectsOutput,
  GetObjectCommandInput,
  GetObjectOutput,
  HeadObjectCommandInput,
  HeadObjectOutput,
  PutObjectCommandInput,
  PutObjectOutput,
} from '@aws-sdk/client-s3';
import { isFailure } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import {
  bucketOf,
  findBucket,
  findObject,
  headerContext,
  objectOf,
  permission,
  prefixed,
  readPermissions,
} from './access.ts';
import { checkedChecksum, md5 } from './checksum.ts';
import { checkCopySource, checkRead, checkWrite, sliceOf } from './conditions.ts';
import { invalidArgument, invalidRequest, noSuchBucket, noSuchKey, notImplemented } from './failures.ts';
import type { Bucket, ContentHeaders, StoredObject } from './model.ts';
import { keyProblem } from './names.ts';
import { removeObject, storeObject } from './storage.ts';
import { tagsOfHeader } from './tags.ts';

type PutInput = Omit<PutObjectCommandInput, 'Body'> & { readonly Body?: Uint8Array };
type GetOutput = Omit<GetObjectOutput, 'Body'> & { readonly Body: Uint8Array };

const encryption = { ServerSideEncryption: 'AES256' } as const;

/** What an upload says about the object besides its bytes; the same for a put, a copy and a multipart upload. */
export interface UploadOptions extends Omit<ContentHeaders, 'Expires'> {
  readonly Expires?: Date | undefined;
  readonly Key?: string | undefined;
  readonly ACL?: string | undefined;
  readonly Metadata?: Record<string, string> | undefined;
  readonly Tagging?: string | undefined;
  readonly StorageClass?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
  readonly ObjectLockMode?: string | undefined;
  readonly ObjectLockLegalHoldStatus?: string | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

/** Refuses what this S3 would have to ignore. */
export function checkUpload(input: UploadOptions): void {
  const problem = keyProblem(input.Key ?? '');
  if (problem !== undefined) throw problem;
  if (input.ServerSideEncryption !== undefined && input.ServerSideEncryption !== 'AES256') {
    throw notImplemented('encryption with AWS KMS keys');
  }
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

/** Writing a key: `s3:PutObject`, and one more permission for each of tags and ACL that come with it. */
export function uploadPermissions(call: Call, bucket: Bucket, input: UploadOptions): readonly Permission[] {
  const tags = tagsOfHeader(input.Tagging);
  const keys = Object.keys(tags);
  const context = {
    ...headerContext(input),
    ...prefixed('s3:RequestObjectTag/', tags),
    ...(keys.length === 0 ? {} : { 's3:RequestObjectTagKeys': keys }),
  };
  const on = (action: string): Permission => permission(call, action, bucket, input.Key ?? '', context);
  return [
    on('s3:PutObject'),
    ...(keys.length === 0 ? [] : [on('s3:PutObjectTagging')]),
    ...(input.ACL === undefined ? [] : [on('s3:PutObjectAcl')]),
  ];
}

export const PutObject = operation<PutInput, PutObjectOutput>({
  permissions: (input, call) => uploadPermissions(call, bucketOf(call, input), input),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const key = input.Key ?? '';
    const body = input.Body ?? new Uint8Array();
    checkUpload(input);
    if (input.WriteOffsetBytes !== undefined) throw notImplemented('appending to an object');
    const checksum = checkedChecksum(input, body);
    checkWrite(input, findObject(call, bucket, key), () => noSuchKey(key));
    const etag = `"${md5(body)}"`;
    storeObject(call, bucket, {
      bucket: bucket.name,
      key,
      body,
      etag,
      lastModified: call.clock.now(),
      checksum,
      checksumType: 'FULL_OBJECT',
      ...describedBy(input),
    });
    return { ETag: etag, ...checksum, ChecksumType: 'FULL_OBJECT', ...encryption };
  },
  depth:
    'encryption with AES256 as AWS reports it; KMS and customer keys are refused; versions and object lock are off',
});

type ContentMembers = Omit<ContentHeaders, 'Expires'> & { readonly Expires?: Date };

function contentHeaders(object: StoredObject): ContentMembers {
  const { Expires, ...headers } = object.headers;
  return { ...headers, ...(Expires === undefined ? {} : { Expires: new Date(Expires) }) };
}

/** The headers that GetObject and HeadObject share. */
function headersOf(object: StoredObject, checksumMode: string | undefined) {
  const tagCount = Object.keys(object.tags).length;
  return {
    AcceptRanges: 'bytes',
    LastModified: new Date(object.lastModified),
    ETag: object.etag,
    ...contentHeaders(object),
    Metadata: { ...object.metadata },
    ...encryption,
    // "You get this header only if it is not STANDARD."
    ...(object.storageClass === 'STANDARD'
      ? {}
      : { StorageClass: object.storageClass as NonNullable<GetObjectOutput['StorageClass']> }),
    ...(tagCount === 0 ? {} : { TagCount: tagCount }),
    ...(checksumMode === 'ENABLED' ? { ...object.checksum, ChecksumType: object.checksumType } : {}),
  };
}

function readable(input: GetObjectCommandInput | HeadObjectCommandInput, call: Call): StoredObject {
  const object = objectOf(call, bucketOf(call, input), input.Key);
  if (input.VersionId !== undefined && input.VersionId !== 'null') {
    throw awsFailure('NoSuchVersion', 'The specified version does not exist.', { status: 404 });
  }
  if (input.PartNumber !== undefined && input.PartNumber !== 1) {
    throw awsFailure('InvalidPartNumber', 'The requested partnumber is not satisfiable', { status: 416 });
  }
  checkRead(input, object);
  return object;
}

/** `response-content-type` and the like, which only signed requests may ask for. */
function overrides(input: GetObjectCommandInput | HeadObjectCommandInput, call: Call): ContentMembers {
  const wanted = {
    CacheControl: input.ResponseCacheControl,
    ContentDisposition: input.ResponseContentDisposition,
    ContentEncoding: input.ResponseContentEncoding,
    ContentLanguage: input.ResponseContentLanguage,
    ContentType: input.ResponseContentType,
    Expires: input.ResponseExpires,
  };
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length > 0 && call.credential === undefined) {
    throw invalidRequest('Request specific response headers cannot be used for anonymous GET requests.');
  }
  return given;
}

function sized(object: StoredObject, input: GetObjectCommandInput | HeadObjectCommandInput) {
  const slice = sliceOf(input.Range, object.body.length);
  if (slice === undefined)
    return { body: object.body, head: { ...headersOf(object, input.ChecksumMode), ContentLength: object.body.length } };
  const body = object.body.subarray(slice.from, slice.to);
  return {
    body,
    head: {
      // The checksum is that of the whole object, so a part comes without it.
      ...headersOf(object, undefined),
      ContentLength: body.length,
      ContentRange: `bytes ${slice.from}-${slice.to - 1}/${object.body.length}`,
    },
  };
}

export const GetObject = operation<GetObjectCommandInput, GetOutput>({
  permissions: (input, call) =>
    readPermissions(
      call,
      [input.VersionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'],
      bucketOf(call, input),
      input.Key,
    ),
  handle(input, call) {
    const { body, head } = sized(readable(input, call), input);
    return { ...head, ...overrides(input, call), Body: body };
  },
});

export const HeadObject = operation<HeadObjectCommandInput, HeadObjectOutput>({
  permissions: (input, call) =>
    readPermissions(
      call,
      [input.VersionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion'],
      bucketOf(call, input),
      input.Key,
    ),
  handle(input, call) {
    const { head } = sized(readable(input, call), input);
    return { ...head, ...overrides(input, call) };
  },
});

export const DeleteObject = operation<DeleteObjectCommandInput, DeleteObjectOutput>({
  permissions: (input, call) => [deletePermission(call, bucketOf(call, input), input)],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const key = input.Key ?? '';
    if (input.IfMatch !== undefined)
      checkWrite({ IfMatch: input.IfMatch }, findObject(call, bucket, key), () => noSuchKey(key));
    removeObject(call, bucket, key);
    return {};
  },
});

function deletePermission(
  call: Call,
  bucket: Bucket,
  one: { readonly Key?: string | undefined; readonly VersionId?: string | undefined },
): Permission {
  const tags = prefixed('s3:ExistingObjectTag/', findObject(call, bucket, one.Key)?.tags ?? {});
  const action = one.VersionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
  return permission(call, action, bucket, one.Key ?? '', tags);
}

/** Each key is its own question: a refused one is an entry among the errors, the others are deleted. */
export const DeleteObjects = operation<DeleteObjectsCommandInput, DeleteObjectsOutput>({
  permissions(input, call) {
    bucketOf(call, input);
    return 'permissionless';
  },
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const wanted = input.Delete?.Objects ?? [];
    if (wanted.length === 0 || wanted.length > 1000) {
      throw awsFailure(
        'MalformedXML',
        'The XML you provided was not well-formed or did not validate against our published schema',
        { status: 400 },
      );
    }
    const deleted: NonNullable<DeleteObjectsOutput['Deleted']> = [];
    const errors: NonNullable<DeleteObjectsOutput['Errors']> = [];
    for (const one of wanted) {
      const problem = deleteOne(call, bucket, one);
      const version = one.VersionId === undefined ? {} : { VersionId: one.VersionId };
      if (problem === undefined) deleted.push({ Key: one.Key, ...version });
      else errors.push({ Key: one.Key, ...version, ...problem });
    }
    return {
      ...(input.Delete?.Quiet === true || deleted.length === 0 ? {} : { Deleted: deleted }),
      ...(errors.length === 0 ? {} : { Errors: errors }),
    };
  },
});

function deleteOne(
  call: Call,
  bucket: Bucket,
  one: {
    readonly Key?: string | undefined;
    readonly VersionId?: string | undefined;
    readonly ETag?: string | undefined;
  },
): { Code: string; Message: string } | undefined {
  const refused = call.refusal(deletePermission(call, bucket, one));
  if (refused !== undefined) return { Code: refused.code, Message: refused.message };
  const key = one.Key ?? '';
  try {
    if (one.ETag !== undefined) checkWrite({ IfMatch: one.ETag }, findObject(call, bucket, key), () => noSuchKey(key));
  } catch (error) {
    if (isFailure(error)) return { Code: error.code, Message: error.message };
    throw error;
  }
  if (one.VersionId !== undefined && one.VersionId !== 'null') {
    return { Code: 'NoSuchVersion', Message: 'The specified version does not exist.' };
  }
  removeObject(call, bucket, key);
  return undefined;
}

/**
 * Bucket and key of `x-amz-copy-source`: `bucket/key` or `/bucket/key`, percent-encoded, perhaps with a version.
 * @throws InvalidArgument 400
 */
export function copySourceOf(source: string | undefined): { readonly bucket: string; readonly key: string } {
  const [path = '', query] = (source ?? '').split('?');
  const match = /^\/?([^/]+)\/(.+)$/s.exec(path);
  if (match === null || (query !== undefined && query !== 'versionId=null')) {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      source,
    );
  }
  try {
    return { bucket: match[1]!, key: decodeURIComponent(match[2]!) };
  } catch {
    throw invalidArgument('Invalid copy source encoding.', 'x-amz-copy-source', source);
  }
}

/** The bucket and key a copy reads, and the permissions for it. `tags`: the tags are read as well. */
export function copySource(
  call: Call,
  header: string | undefined,
  tags: boolean,
): { bucket: Bucket; key: string; permissions: readonly Permission[] } {
  const source = copySourceOf(header);
  const bucket = findBucket(call, source.bucket);
  if (bucket === undefined) throw noSuchBucket(source.bucket);
  const actions = tags ? ['s3:GetObject', 's3:GetObjectTagging'] : ['s3:GetObject'];
  return { bucket, key: source.key, permissions: readPermissions(call, actions, bucket, source.key) };
}

const copiesTags = (input: CopyObjectCommandInput, object: StoredObject | undefined): boolean =>
  input.TaggingDirective !== 'REPLACE' && Object.keys(object?.tags ?? {}).length > 0;

export const CopyObject = operation<CopyObjectCommandInput, CopyObjectOutput>({
  permissions(input, call) {
    const { bucket, key } = copySource(call, input.CopySource, false);
    const existing = findObject(call, bucket, key);
    const tagged = copiesTags(input, existing);
    const target = bucketOf(call, input);
    const own = uploadPermissions(
      call,
      target,
      input.TaggingDirective === 'REPLACE' ? input : { ...input, Tagging: undefined },
    );
    return [
      ...copySource(call, input.CopySource, tagged).permissions,
      ...own,
      ...(tagged
        ? [
            permission(
              call,
              's3:PutObjectTagging',
              target,
              input.Key ?? '',
              prefixed('s3:RequestObjectTag/', existing!.tags),
            ),
          ]
        : []),
    ];
  },
  handle(input, call) {
    const from = copySource(call, input.CopySource, false);
    if (input.ExpectedSourceBucketOwner !== undefined && input.ExpectedSourceBucketOwner !== from.bucket.owner) {
      throw awsFailure('AccessDenied', 'Access Denied', { status: 403 });
    }
    const source = objectOf(call, from.bucket, from.key);
    const bucket = bucketOf(call, input);
    checkUpload(input);
    checkCopySource(
      {
        IfMatch: input.CopySourceIfMatch,
        IfNoneMatch: input.CopySourceIfNoneMatch,
        IfModifiedSince: input.CopySourceIfModifiedSince,
        IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
      },
      source,
    );
    const key = input.Key ?? '';
    checkWrite(input, findObject(call, bucket, key), () => noSuchKey(key));
    const copied = copyOf(call, bucket, source, input);
    storeObject(call, bucket, copied);
    return {
      CopyObjectResult: {
        ETag: copied.etag,
        LastModified: new Date(copied.lastModified),
        ...copied.checksum,
        ChecksumType: 'FULL_OBJECT',
      },
      ...encryption,
    };
  },
});

function copyOf(call: Call, bucket: Bucket, source: StoredObject, input: CopyObjectCommandInput): StoredObject {
  const replaces = input.MetadataDirective === 'REPLACE';
  const changes =
    replaces ||
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    input.ServerSideEncryption !== undefined;
  if (!changes && source.bucket === bucket.name && source.key === input.Key) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  const described = describedBy(input);
  return {
    bucket: bucket.name,
    key: input.Key ?? '',
    body: source.body,
    etag: `"${md5(source.body)}"`,
    lastModified: call.clock.now(),
    checksum:
      input.ChecksumAlgorithm === undefined && source.checksumType === 'FULL_OBJECT'
        ? source.checksum
        : checkedChecksum(pickAlgorithm(input), source.body),
    checksumType: 'FULL_OBJECT',
    metadata: replaces ? described.metadata : source.metadata,
    headers: replaces ? described.headers : source.headers,
    storageClass: described.storageClass,
    tags: input.TaggingDirective === 'REPLACE' ? described.tags : source.tags,
  };
}

const pickAlgorithm = (input: CopyObjectCommandInput): object =>
  input.ChecksumAlgorithm === undefined ? {} : { ChecksumAlgorithm: input.ChecksumAlgorithm };
