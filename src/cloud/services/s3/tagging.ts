// Tags of buckets and objects, public access blocks, and the one ACL a bucket has here: its owner's.
import type {
  DeleteBucketTaggingCommandInput,
  DeleteObjectTaggingCommandInput,
  DeletePublicAccessBlockCommandInput,
  GetBucketAclCommandInput,
  GetBucketAclOutput,
  GetBucketTaggingCommandInput,
  GetBucketTaggingOutput,
  GetObjectAclCommandInput,
  GetObjectTaggingCommandInput,
  GetObjectTaggingOutput,
  GetPublicAccessBlockCommandInput,
  GetPublicAccessBlockOutput,
  PutBucketAclCommandInput,
  PutBucketTaggingCommandInput,
  PutObjectAclCommandInput,
  PutObjectTaggingCommandInput,
  PutPublicAccessBlockCommandInput,
} from '@aws-sdk/client-s3';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { bucketOf, findObject, headerContext, objectOf, permission, prefixed, readPermissions } from './access.ts';
import { invalidVersion } from './failures.ts';
import { buckets, objects, type Bucket, type StoredObject } from './model.ts';
import { canonicalId } from './names.ts';
import { tagSet, tagsOfSet, type Tags } from './tags.ts';

function putBucket(call: Call, bucket: Bucket): void {
  call.world.table(buckets).put(bucket.owner, bucket.name, bucket);
}

export const GetBucketTagging = operation<GetBucketTaggingCommandInput, GetBucketTaggingOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketTagging', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    if (Object.keys(bucket.tags).length === 0) {
      throw awsFailure('NoSuchTagSet', 'The TagSet does not exist', {
        status: 404,
        fields: { BucketName: bucket.name },
      });
    }
    return { TagSet: tagSet(bucket.tags) };
  },
});

export const PutBucketTagging = operation<PutBucketTaggingCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:PutBucketTagging', bucketOf(call, input))],
  handle(input, call) {
    putBucket(call, { ...bucketOf(call, input), tags: tagsOfSet(input.Tagging?.TagSet, 'bucket') });
    return {};
  },
});

export const DeleteBucketTagging = operation<DeleteBucketTaggingCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:PutBucketTagging', bucketOf(call, input))],
  handle(input, call) {
    putBucket(call, { ...bucketOf(call, input), tags: {} });
    return {};
  },
});

export const GetObjectTagging = operation<GetObjectTaggingCommandInput, GetObjectTaggingOutput>({
  permissions: (input, call) => readPermissions(call, [taggingAction('Get', input)], bucketOf(call, input), input.Key),
  handle: (input, call) => ({ TagSet: tagSet(taggedOf(call, input).tags) }),
});

interface Tagged {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** Who names a version needs the permission for versions: "Required permissions for Amazon S3 API operations". */
const taggingAction = (verb: string, { VersionId }: Tagged): string =>
  `s3:${verb}Object${VersionId === undefined ? '' : 'Version'}Tagging`;

/** @throws InvalidArgument 400 for a version, of which there are none; NoSuchKey 404 */
function taggedOf(call: Call, input: Tagged): StoredObject {
  if (input.VersionId !== undefined && input.VersionId !== 'null') throw invalidVersion(input.VersionId);
  return objectOf(call, bucketOf(call, input), input.Key);
}

function retag(call: Call, bucket: Bucket, object: StoredObject, tags: Tags): void {
  call.world.table(objects).put(bucket.owner, `${bucket.name}/${object.key}`, { ...object, tags });
}

export const PutObjectTagging = operation<PutObjectTaggingCommandInput, object>({
  permissions(input, call) {
    const bucket = bucketOf(call, input);
    const tags = Object.fromEntries((input.Tagging?.TagSet ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']));
    const context = {
      ...prefixed('s3:ExistingObjectTag/', findObject(call, bucket, input.Key)?.tags ?? {}),
      ...prefixed('s3:RequestObjectTag/', tags),
      's3:RequestObjectTagKeys': Object.keys(tags),
    };
    return [permission(call, taggingAction('Put', input), bucket, input.Key ?? '', context)];
  },
  handle(input, call) {
    const bucket = bucketOf(call, input);
    retag(call, bucket, taggedOf(call, input), tagsOfSet(input.Tagging?.TagSet, 'object'));
    return {};
  },
});

export const DeleteObjectTagging = operation<DeleteObjectTaggingCommandInput, object>({
  permissions(input, call) {
    const bucket = bucketOf(call, input);
    const tags = prefixed('s3:ExistingObjectTag/', findObject(call, bucket, input.Key)?.tags ?? {});
    return [permission(call, taggingAction('Delete', input), bucket, input.Key ?? '', tags)];
  },
  handle(input, call) {
    const bucket = bucketOf(call, input);
    retag(call, bucket, taggedOf(call, input), {});
    return {};
  },
});

export const GetPublicAccessBlock = operation<GetPublicAccessBlockCommandInput, GetPublicAccessBlockOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketPublicAccessBlock', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    if (bucket.publicAccessBlock === undefined) {
      throw awsFailure('NoSuchPublicAccessBlockConfiguration', 'The public access block configuration was not found', {
        status: 404,
        fields: { BucketName: bucket.name },
      });
    }
    return { PublicAccessBlockConfiguration: bucket.publicAccessBlock };
  },
});

export const PutPublicAccessBlock = operation<PutPublicAccessBlockCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:PutBucketPublicAccessBlock', bucketOf(call, input))],
  handle(input, call) {
    const wanted = input.PublicAccessBlockConfiguration ?? {};
    putBucket(call, {
      ...bucketOf(call, input),
      publicAccessBlock: {
        BlockPublicAcls: wanted.BlockPublicAcls ?? false,
        IgnorePublicAcls: wanted.IgnorePublicAcls ?? false,
        BlockPublicPolicy: wanted.BlockPublicPolicy ?? false,
        RestrictPublicBuckets: wanted.RestrictPublicBuckets ?? false,
      },
    });
    return {};
  },
  depth: 'the policy settings act; ACLs are off, so the ACL settings have nothing to block',
});

export const DeletePublicAccessBlock = operation<DeletePublicAccessBlockCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:PutBucketPublicAccessBlock', bucketOf(call, input))],
  handle(input, call) {
    putBucket(call, { ...bucketOf(call, input), publicAccessBlock: undefined });
    return {};
  },
});

function ownerAcl(owner: string): GetBucketAclOutput {
  const ID = canonicalId(owner);
  return { Owner: { ID }, Grants: [{ Grantee: { ID, Type: 'CanonicalUser' }, Permission: 'FULL_CONTROL' }] };
}

export const GetBucketAcl = operation<GetBucketAclCommandInput, GetBucketAclOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketAcl', bucketOf(call, input))],
  handle: (input, call) => ownerAcl(bucketOf(call, input).owner),
});

export const GetObjectAcl = operation<GetObjectAclCommandInput, GetBucketAclOutput>({
  permissions: (input, call) => readPermissions(call, ['s3:GetObjectAcl'], bucketOf(call, input), input.Key),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    objectOf(call, bucket, input.Key);
    return ownerAcl(bucket.owner);
  },
});

/** Only the owner's own grant is taken. @throws AccessControlListNotSupported 400 */
function refuseGrants(input: PutBucketAclCommandInput | PutObjectAclCommandInput, own: readonly string[]): void {
  const grants =
    input.AccessControlPolicy ??
    input.GrantFullControl ??
    input.GrantRead ??
    input.GrantReadACP ??
    input.GrantWrite ??
    input.GrantWriteACP;
  if (grants === undefined && own.includes(input.ACL ?? '')) return;
  throw awsFailure('AccessControlListNotSupported', 'The bucket does not allow ACLs', { status: 400 });
}

export const PutBucketAcl = operation<PutBucketAclCommandInput, object>({
  permissions: (input, call) => [
    permission(call, 's3:PutBucketAcl', bucketOf(call, input), undefined, headerContext(input)),
  ],
  handle(input) {
    refuseGrants(input, ['private']);
    return {};
  },
  depth: 'ACLs are off, as AWS has it for new buckets: only `private` is taken',
});

export const PutObjectAcl = operation<PutObjectAclCommandInput, object>({
  permissions(input, call) {
    const bucket = bucketOf(call, input);
    const tags = prefixed('s3:ExistingObjectTag/', findObject(call, bucket, input.Key)?.tags ?? {});
    return [permission(call, 's3:PutObjectAcl', bucket, input.Key ?? '', { ...headerContext(input), ...tags })];
  },
  handle(input, call) {
    objectOf(call, bucketOf(call, input), input.Key);
    refuseGrants(input, ['private', 'bucket-owner-full-control']);
    return {};
  },
  depth: "ACLs are off, as AWS has it for new buckets: only the owner's own grant is taken",
});
