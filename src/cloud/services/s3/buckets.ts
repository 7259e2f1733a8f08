// Buckets: made, found, listed, deleted. Names are unique in the world.
import type {
  CreateBucketCommandInput,
  CreateBucketOutput,
  DeleteBucketCommandInput,
  GetBucketLocationCommandInput,
  GetBucketLocationOutput,
  HeadBucketCommandInput,
  HeadBucketOutput,
  ListBucketsCommandInput,
  ListBucketsOutput,
} from '@aws-sdk/client-s3';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { bucketOf, findBucket, headerContext, permission, prefixed, requestKeys } from './access.ts';
import { invalidArgument, notImplemented } from './failures.ts';
import { dropUploads } from './upload-rows.ts';
import { bucketOwners, buckets, objects, type Bucket } from './model.ts';
import { bucketNameProblem, canonicalId, fromToken, s3Arn, toToken } from './names.ts';
import { tagsOfSet } from './tags.ts';

export const ListBuckets = operation<ListBucketsCommandInput, ListBucketsOutput>({
  permissions: (_, call) => [{ action: 's3:ListAllMyBuckets', resource: '*', context: requestKeys(call) }],
  handle(input, call) {
    const most = input.MaxBuckets ?? 10_000;
    if (most < 1 || most > 10_000)
      throw invalidArgument('max-buckets must be between 1 and 10000', 'max-buckets', String(most));
    const after = input.ContinuationToken === undefined ? undefined : fromToken(input.ContinuationToken);
    const found: Bucket[] = [];
    for (const [, bucket] of call.world.table(buckets).list(call.account, after)) {
      if (input.Prefix !== undefined && !bucket.name.startsWith(input.Prefix)) continue;
      if (input.BucketRegion !== undefined && bucket.region !== input.BucketRegion) continue;
      if (found.push(bucket) > most) break;
    }
    const more = found.length > most;
    const page = more ? found.slice(0, most) : found;
    return {
      Buckets: page.map((bucket) => ({
        Name: bucket.name,
        CreationDate: new Date(bucket.createdAt),
        ...(input.MaxBuckets === undefined ? {} : { BucketRegion: bucket.region }),
      })),
      Owner: { ID: canonicalId(call.account) },
      ...(input.Prefix === undefined ? {} : { Prefix: input.Prefix }),
      ...(more ? { ContinuationToken: toToken(page.at(-1)!.name) } : {}),
    };
  },
});

export const CreateBucket = operation<CreateBucketCommandInput, CreateBucketOutput>({
  permissions(input, call) {
    const context = {
      ...requestKeys(call),
      ...headerContext(input),
      's3:locationconstraint': input.CreateBucketConfiguration?.LocationConstraint,
      's3:ResourceAccount': call.account,
    };
    const on = (action: string, more: Permission['context'] = {}): Permission => ({
      action,
      resource: s3Arn(call.partition, input.Bucket ?? ''),
      resourceAccount: call.account,
      context: { ...context, ...more },
    });
    const tags = Object.fromEntries(
      (input.CreateBucketConfiguration?.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']),
    );
    const keys = Object.keys(tags);
    return [
      on('s3:CreateBucket'),
      ...(input.ACL === undefined ? [] : [on('s3:PutBucketAcl')]),
      ...(input.ObjectOwnership === undefined ? [] : [on('s3:PutBucketOwnershipControls')]),
      ...(keys.length === 0
        ? []
        : [on('s3:TagResource', { ...prefixed('aws:RequestTag/', tags), 'aws:TagKeys': keys })]),
    ];
  },
  handle(input, call) {
    const name = input.Bucket ?? '';
    const problem = bucketNameProblem(name);
    if (problem !== undefined) throw problem;
    checkCreateOptions(input);
    const region = regionOf(input, call);
    const made = {
      Location: region === 'us-east-1' ? `/${name}` : `http://${call.http.host}/${name}`,
      BucketArn: s3Arn(call.partition, name),
    };
    const existing = findBucket(call, name);
    if (existing !== undefined) {
      // "If you re-create an existing bucket that you already own in us-east-1, S3 returns 200 OK."
      if (existing.owner === call.account && existing.region === 'us-east-1' && region === 'us-east-1') return made;
      throw existsFailure(existing, call);
    }
    checkCount(call);
    call.world.table(bucketOwners).put('', name, call.account);
    call.world.table(buckets).put(call.account, name, {
      name,
      owner: call.account,
      region,
      createdAt: call.clock.now(),
      tags: tagsOfSet(input.CreateBucketConfiguration?.Tags, 'bucket'),
      // New buckets since April 2023: everything public is blocked and ACLs are off.
      publicAccessBlock: {
        BlockPublicAcls: true,
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true,
      },
      documents: {
        OwnershipControls: { Rules: [{ ObjectOwnership: input.ObjectOwnership ?? 'BucketOwnerEnforced' }] },
      },
    });
    return made;
  },
  depth: 'without object lock and versioning; directory buckets are not offered',
});

const ownerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'];

function checkCreateOptions(input: CreateBucketCommandInput): void {
  if (input.ObjectLockEnabledForBucket === true) throw notImplemented('object lock');
  if (
    input.CreateBucketConfiguration?.Bucket !== undefined ||
    input.CreateBucketConfiguration?.Location !== undefined
  ) {
    throw notImplemented('directory buckets');
  }
  const ownership: string | undefined = input.ObjectOwnership;
  if (ownership !== undefined && !ownerships.includes(ownership)) {
    throw invalidArgument(`Invalid x-amz-object-ownership header: ${ownership}`, 'x-amz-object-ownership');
  }
  const grants =
    input.GrantFullControl ?? input.GrantRead ?? input.GrantReadACP ?? input.GrantWrite ?? input.GrantWriteACP;
  const open = (input.ACL !== undefined && input.ACL !== 'private') || grants !== undefined;
  if (open && (input.ObjectOwnership ?? 'BucketOwnerEnforced') === 'BucketOwnerEnforced') {
    throw awsFailure(
      'InvalidBucketAclWithObjectOwnership',
      "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
      { status: 400 },
    );
  }
  if (open) throw awsFailure('AccessDenied', 'Access Denied', { status: 403 });
}

/** Where the bucket goes; the endpoint of a region takes only its own name, us-east-1 takes any. */
function regionOf(input: CreateBucketCommandInput, call: Call): string {
  const constraint: string | undefined = input.CreateBucketConfiguration?.LocationConstraint;
  const unknown = constraint !== undefined && constraint !== 'EU' && !/^[a-z]{2}(?:-[a-z]+)+-\d$/.test(constraint);
  if (constraint === 'us-east-1' || (unknown && call.region === 'us-east-1')) {
    throw awsFailure('InvalidLocationConstraint', 'The specified location-constraint is not valid', {
      status: 400,
      fields: { LocationConstraint: constraint },
    });
  }
  if (call.region === 'us-east-1')
    return constraint === undefined ? 'us-east-1' : constraint === 'EU' ? 'eu-west-1' : constraint;
  if (constraint === call.region) return constraint;
  throw awsFailure(
    'IllegalLocationConstraintException',
    `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    { status: 400 },
  );
}

function existsFailure(existing: Bucket, call: Call): Error {
  const fields = { BucketName: existing.name };
  return existing.owner === call.account
    ? awsFailure(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        { status: 409, fields },
      )
    : awsFailure(
        'BucketAlreadyExists',
        'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
        { status: 409, fields },
      );
}

function checkCount(call: Call): void {
  const most = call.world.quotas.BucketsPerAccount;
  if (call.world.table(buckets).count(call.account) >= most) {
    throw awsFailure('TooManyBuckets', 'You have attempted to create more buckets than allowed', { status: 400 });
  }
}

export const HeadBucket = operation<HeadBucketCommandInput, HeadBucketOutput>({
  permissions: (input, call) => [permission(call, 's3:ListBucket', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    return { BucketRegion: bucket.region, BucketArn: s3Arn(call.partition, bucket.name), AccessPointAlias: false };
  },
});

export const GetBucketLocation = operation<GetBucketLocationCommandInput, GetBucketLocationOutput>({
  permissions: (input, call) => [permission(call, 's3:GetBucketLocation', bucketOf(call, input))],
  handle(input, call) {
    const { region } = bucketOf(call, input);
    return region === 'us-east-1'
      ? {}
      : { LocationConstraint: region as NonNullable<GetBucketLocationOutput['LocationConstraint']> };
  },
});

export const DeleteBucket = operation<DeleteBucketCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:DeleteBucket', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    for (const [id] of call.world.table(objects).list(bucket.owner, `${bucket.name}/`)) {
      if (!id.startsWith(`${bucket.name}/`)) break;
      throw awsFailure('BucketNotEmpty', 'The bucket you tried to delete is not empty', {
        status: 409,
        fields: { BucketName: bucket.name },
      });
    }
    dropUploads(call, bucket);
    call.world.table(buckets).delete(bucket.owner, bucket.name);
    call.world.table(bucketOwners).delete('', bucket.name);
    return {};
  },
});
