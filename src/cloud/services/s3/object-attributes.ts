// GetObjectAttributes, and the settings of object lock that no object has here because buckets have none.
import type { GetObjectAttributesCommandInput, GetObjectAttributesOutput, ObjectPart } from '@aws-sdk/client-s3';
import { operation, type Call } from '../../call.ts';
import { bucketOf, objectOf, permission, readPermissions } from './access.ts';
import { invalidArgument, invalidRequest } from './failures.ts';
import type { StoredObject } from './model.ts';

const attributes = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'];

export const GetObjectAttributes = operation<GetObjectAttributesCommandInput, GetObjectAttributesOutput>({
  permissions: (input, call) =>
    readPermissions(
      call,
      input.VersionId === undefined
        ? ['s3:GetObject', 's3:GetObjectAttributes']
        : ['s3:GetObjectVersion', 's3:GetObjectVersionAttributes'],
      bucketOf(call, input),
      input.Key,
    ),
  handle(input, call) {
    const wanted: readonly string[] = input.ObjectAttributes ?? [];
    if (wanted.length === 0) {
      throw invalidRequest(
        'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
      );
    }
    const unknown = wanted.find((one) => !attributes.includes(one));
    if (unknown !== undefined) {
      throw invalidArgument('Invalid attribute name specified.', 'x-amz-object-attributes', unknown);
    }
    const object = objectOf(call, bucketOf(call, input), input.Key);
    const has = (name: string): boolean => wanted.includes(name);
    return {
      LastModified: new Date(object.lastModified),
      ...(has('ETag') ? { ETag: object.etag.replaceAll('"', '') } : {}),
      ...(has('Checksum') ? { Checksum: { ...object.checksum, ChecksumType: object.checksumType } } : {}),
      ...(has('ObjectParts') && object.parts !== undefined ? { ObjectParts: partsOf(object, input) } : {}),
      ...(has('StorageClass') ? { StorageClass: object.storageClass as 'STANDARD' } : {}),
      ...(has('ObjectSize') ? { ObjectSize: object.body.length } : {}),
    };
  },
});

/** Parts are listed when they have checksums of their own; their number always is told. */
function partsOf(
  { parts = [], checksumType }: StoredObject,
  { MaxParts, PartNumberMarker }: GetObjectAttributesCommandInput,
): GetObjectAttributesOutput['ObjectParts'] {
  const TotalPartsCount = parts.length;
  if (checksumType !== 'COMPOSITE') return { TotalPartsCount };
  const marker = Number(PartNumberMarker ?? 0);
  const most = Math.min(MaxParts ?? 1000, 1000);
  const after = parts.filter(({ number }) => number > marker);
  const page = after.slice(0, most);
  return {
    TotalPartsCount,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
    MaxParts: most,
    IsTruncated: after.length > most,
    Parts: page.map(({ number, size, checksum }): ObjectPart => ({ PartNumber: number, Size: size, ...checksum })),
  };
}

interface Locked {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}

/** Operations on the lock of an object: the bucket has no object lock, and S3 says so. */
function lockOperation(action: string) {
  return operation<Locked, object>({
    permissions: (input, call) => [permission(call, action, bucketOf(call, input), input.Key ?? '')],
    handle(input: Locked, call: Call): never {
      objectOf(call, bucketOf(call, input), input.Key);
      throw invalidRequest('Bucket is missing Object Lock Configuration');
    },
    depth: 'object lock needs versions, which are off',
  });
}

export const GetObjectLegalHold = lockOperation('s3:GetObjectLegalHold');
export const PutObjectLegalHold = lockOperation('s3:PutObjectLegalHold');
export const GetObjectRetention = lockOperation('s3:GetObjectRetention');
export const PutObjectRetention = lockOperation('s3:PutObjectRetention');
