// Copies within S3: the source is read, the target written, and the caller needs to be allowed both.
import type { CopyObjectCommandInput, CopyObjectOutput } from '@aws-sdk/client-s3';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { bucketOf, findBucket, findObject, objectOf, permission, prefixed, readPermissions } from './access.ts';
import { checkedChecksum } from './checksum.ts';
import { checkCopySource, checkWrite } from './conditions.ts';
import { checkKeyUsable, encryptionHeaders, encryptionOf, etagOf, readKeyPermissions } from './encryption.ts';
import { invalidArgument, invalidRequest, noSuchBucket, noSuchKey } from './failures.ts';
import type { Bucket, StoredObject } from './model.ts';
import { storeObject } from './storage.ts';
import { checkUpload, describedBy, uploadPermissions } from './upload.ts';

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
  const object = findObject(call, bucket, source.key);
  const keys = object === undefined ? [] : readKeyPermissions(call, object, object.encryption);
  return { bucket, key: source.key, permissions: [...readPermissions(call, actions, bucket, source.key), ...keys] };
}

/** @throws AccessDenied 403 when the caller expected another owner of the source */
export function checkSourceOwner(
  input: { readonly ExpectedSourceBucketOwner?: string | undefined },
  source: Bucket,
): void {
  if (input.ExpectedSourceBucketOwner === undefined || input.ExpectedSourceBucketOwner === source.owner) return;
  throw awsFailure('AccessDenied', 'Access Denied', { status: 403 });
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
    checkSourceOwner(input, from.bucket);
    const source = objectOf(call, from.bucket, from.key);
    const bucket = bucketOf(call, input);
    checkUpload(input);
    checkDirectives(input);
    checkCopySource(input, source);
    const key = input.Key ?? '';
    checkWrite(input, findObject(call, bucket, key), () => noSuchKey(key));
    checkKeyUsable(call, source.encryption);
    const copied = copyOf(call, bucket, source, input);
    storeObject(call, bucket, copied);
    return {
      CopyObjectResult: {
        ETag: copied.etag,
        LastModified: new Date(copied.lastModified),
        ...copied.checksum,
        ChecksumType: 'FULL_OBJECT',
      },
      ...encryptionHeaders(copied.encryption),
    };
  },
});

/** @throws InvalidArgument 400 */
function checkDirectives({ MetadataDirective, TaggingDirective }: CopyObjectCommandInput): void {
  const known = ['COPY', 'REPLACE', undefined];
  if (!known.includes(MetadataDirective)) {
    throw invalidArgument('Unknown metadata directive.', 'x-amz-metadata-directive', MetadataDirective);
  }
  if (!known.includes(TaggingDirective)) {
    throw invalidArgument('Unknown tagging directive.', 'x-amz-tagging-directive', TaggingDirective);
  }
}

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
  const encryption = encryptionOf(call, bucket, input);
  checkKeyUsable(call, encryption);
  return {
    bucket: bucket.name,
    key: input.Key ?? '',
    body: source.body,
    etag: etagOf(call, source.body, encryption),
    encryption,
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
