// Objects: written, read, deleted. A body is one piece of memory; versions are off.
import type {
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
import { bucketOf, findObject, matchPermissions, objectOf, permission, prefixed, readPermissions } from './access.ts';
import { checkedChecksum } from './checksum.ts';
import { checkDelete, checkRead, checkWrite, sliceOf, type Slice } from './conditions.ts';
import { checkKeyUsable, encryptionHeaders, encryptionOf, etagOf, readKeyPermissions } from './encryption.ts';
import {
  invalidArgument,
  invalidRequest,
  invalidVersion,
  malformedXml,
  noSuchKey,
  notImplemented,
  unacceptedHeader,
} from './failures.ts';
import type { Bucket, ContentHeaders, StoredObject } from './model.ts';
import { removeObject, storeObject } from './storage.ts';
import { checkUpload, describedBy, uploadPermissions } from './upload.ts';

type PutInput = Omit<PutObjectCommandInput, 'Body'> & { readonly Body?: Uint8Array };
type GetOutput = Omit<GetObjectOutput, 'Body'> & { readonly Body: Uint8Array };

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
    const encryption = encryptionOf(call, bucket, input);
    checkKeyUsable(call, encryption);
    const etag = etagOf(call, body, encryption);
    storeObject(call, bucket, {
      bucket: bucket.name,
      key,
      body,
      etag,
      lastModified: call.clock.now(),
      checksum,
      checksumType: 'FULL_OBJECT',
      encryption,
      ...describedBy(input),
    });
    return { ETag: etag, ...checksum, ChecksumType: 'FULL_OBJECT', ...encryptionHeaders(encryption) };
  },
  depth:
    'encryption is enforced and reported as AWS does, bodies lie in memory as they are; customer keys are refused; versions and object lock are off',
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
    ...encryptionHeaders(object.encryption),
    // "You get this header only if it is not STANDARD."
    ...(object.storageClass === 'STANDARD'
      ? {}
      : { StorageClass: object.storageClass as NonNullable<GetObjectOutput['StorageClass']> }),
    ...(tagCount === 0 ? {} : { TagCount: tagCount }),
    ...(checksumMode === 'ENABLED' ? { ...object.checksum, ChecksumType: object.checksumType } : {}),
  };
}

function readable(input: GetObjectCommandInput | HeadObjectCommandInput, call: Call): StoredObject {
  // Ids of versions that S3 never gave are no ids, and it gave none here.
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw invalidVersion(input.VersionId);
  const object = objectOf(call, bucketOf(call, input), input.Key);
  if (input.PartNumber !== undefined && partOf(object, input.PartNumber) === undefined) {
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

/** Where a part of a multipart upload lies, by its place among them; what was put at once is its own first part. */
function partOf({ parts, body }: StoredObject, place: number): Slice | undefined {
  if (parts === undefined) return place === 1 ? { from: 0, to: body.length } : undefined;
  const from = parts.slice(0, place - 1).reduce((sum, { size }) => sum + size, 0);
  const part = parts[place - 1];
  return part === undefined ? undefined : { from, to: from + part.size };
}

function sliceFor(object: StoredObject, input: GetObjectCommandInput | HeadObjectCommandInput): Slice | undefined {
  if (input.PartNumber === undefined) return sliceOf(input.Range, object.body.length);
  if (input.Range !== undefined) {
    throw invalidRequest('Cannot specify both Range header and partNumber query parameter');
  }
  return object.parts === undefined ? undefined : partOf(object, input.PartNumber);
}

function sized(object: StoredObject, input: GetObjectCommandInput | HeadObjectCommandInput) {
  const slice = sliceFor(object, input);
  if (slice === undefined)
    return { body: object.body, head: { ...headersOf(object, input.ChecksumMode), ContentLength: object.body.length } };
  const body = object.body.subarray(slice.from, slice.to);
  return {
    body,
    head: {
      // The checksum is that of the whole object, so a part comes without it.
      ...headersOf(object, undefined),
      ContentLength: body.length,
      ...(input.PartNumber === undefined ? {} : { PartsCount: object.parts?.length }),
      ContentRange: `bytes ${slice.from}-${slice.to - 1}/${object.body.length}`,
    },
  };
}

type Reading = Pick<GetObjectCommandInput, 'Bucket' | 'Key' | 'VersionId' | 'ExpectedBucketOwner'>;

function readingPermissions(input: Reading, call: Call): readonly Permission[] {
  const action = input.VersionId === undefined ? 's3:GetObject' : 's3:GetObjectVersion';
  return readPermissions(call, [action], bucketOf(call, input), input.Key);
}

function decryptPermissions(input: Reading, call: Call): readonly Permission[] {
  const object = findObject(call, bucketOf(call, input), input.Key);
  return object === undefined ? [] : readKeyPermissions(call, object, object.encryption);
}

export const GetObject = operation<GetObjectCommandInput, GetOutput>({
  permissions: (input, call) => [...readingPermissions(input, call), ...decryptPermissions(input, call)],
  handle(input, call) {
    const object = readable(input, call);
    checkKeyUsable(call, object.encryption);
    const { body, head } = sized(object, input);
    return { ...head, ...overrides(input, call), Body: body };
  },
});

export const HeadObject = operation<HeadObjectCommandInput, HeadObjectOutput>({
  // "If the object is encrypted with KMS and you enable x-amz-checksum-mode, you must have permission to kms:Decrypt."
  permissions: (input, call) => [
    ...readingPermissions(input, call),
    ...(input.ChecksumMode === 'ENABLED' ? decryptPermissions(input, call) : []),
  ],
  handle(input, call) {
    const { head } = sized(readable(input, call), input);
    return { ...head, ...overrides(input, call) };
  },
});

export const DeleteObject = operation<DeleteObjectCommandInput, DeleteObjectOutput>({
  permissions(input, call) {
    const bucket = bucketOf(call, input);
    return [deletePermission(call, bucket, input), ...matchPermissions(call, bucket, input.Key ?? '', input.IfMatch)];
  },
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const key = input.Key ?? '';
    checkDeleteOptions(input);
    if (input.IfMatch !== undefined) checkDelete(input.IfMatch, findObject(call, bucket, key), () => noSuchKey(key));
    removeObject(call, bucket, key);
    return {};
  },
});

/** What only directory buckets and object lock take. */
function checkDeleteOptions(input: DeleteObjectCommandInput): void {
  if (input.IfMatchLastModifiedTime !== undefined) throw unacceptedHeader('x-amz-if-match-last-modified-time');
  if (input.IfMatchSize !== undefined) throw unacceptedHeader('x-amz-if-match-size');
  checkBypass(input);
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw invalidVersion(input.VersionId);
}

function checkBypass({
  BypassGovernanceRetention,
}: {
  readonly BypassGovernanceRetention?: boolean | undefined;
}): void {
  if (BypassGovernanceRetention === undefined) return;
  throw invalidArgument(
    'x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.',
    'x-amz-bypass-governance-retention',
  );
}

function deletePermission(
  call: Call,
  bucket: Bucket,
  one: {
    readonly Key?: string | undefined;
    readonly VersionId?: string | undefined;
    readonly IfMatch?: string | undefined;
  },
): Permission {
  const tags = {
    ...prefixed('s3:ExistingObjectTag/', findObject(call, bucket, one.Key)?.tags ?? {}),
    's3:if-match': one.IfMatch,
  };
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
    checkBypass(input);
    const wanted = input.Delete?.Objects ?? [];
    if (wanted.length === 0 || wanted.length > 1000) {
      throw malformedXml();
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
  const key = one.Key ?? '';
  const asked = [
    deletePermission(call, bucket, { ...one, IfMatch: one.ETag }),
    ...matchPermissions(call, bucket, key, one.ETag),
  ];
  for (const each of asked) {
    const refused = call.refusal(each);
    if (refused !== undefined) return { Code: refused.code, Message: refused.message };
  }
  try {
    if (one.ETag !== undefined) checkDelete(one.ETag, findObject(call, bucket, key), () => noSuchKey(key));
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
