import assert from 'node:assert/strict';
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';

const Bucket = 'box';

async function withBucket(cloud: Cloud): Promise<S3Client> {
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket }));
  return s3;
}

async function put(s3: S3Client, ...keys: readonly string[]): Promise<void> {
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
}

test('an object comes back with what it was put with', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  const Key = 'dir/a b+c é.txt';
  await s3.send(
    new PutObjectCommand({
      Bucket,
      Key,
      Body: 'hello',
      ContentType: 'text/plain',
      CacheControl: 'no-cache',
      Metadata: { owner: 'alice' },
      Tagging: 'team=core&note=a%20b',
    }),
  );
  const got = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
  assert.equal(await got.Body!.transformToString(), 'hello');
  assert.equal(got.ETag, '"5d41402abc4b2a76b9719d911017c592"');
  assert.deepEqual(
    [got.ContentType, got.CacheControl, got.Metadata, got.TagCount],
    ['text/plain', 'no-cache', { owner: 'alice' }, 2],
  );
  assert.equal(got.ChecksumCRC32, 'NhCmhg==');
  const { TagSet } = await s3.send(new GetObjectTaggingCommand({ Bucket, Key }));
  assert.deepEqual(TagSet, [
    { Key: 'team', Value: 'core' },
    { Key: 'note', Value: 'a b' },
  ]);
});

// Check values of "123456789": catalogue of parametrised CRC algorithms (CRC-32C e3069283, CRC-64/NVME ae8b14860a799888).
for (const [ChecksumAlgorithm, value] of [
  ['CRC32', 'y/Q5Jg=='],
  ['CRC32C', '4waSgw=='],
  ['CRC64NVME', 'rosUhgp5mIg='],
  ['SHA1', '98O8HYCOBHMq32eZZczDTKeuNEE='],
  ['SHA256', 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU='],
] as const) {
  test(`the checksum ${ChecksumAlgorithm} is taken, kept and shown; a wrong one is refused`, async () => {
    await using cloud = await startCloud();
    const s3 = await withBucket(cloud);
    const member = `Checksum${ChecksumAlgorithm}` as const;
    const answer = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '123456789', [member]: value }));
    assert.equal(answer[member], value);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }));
    assert.equal(head[member], value);
    await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'other', [member]: value })), {
      name: 'BadDigest',
    });
  });
}

const ranges = [
  ['bytes=1-2', 'el', 'bytes 1-2/5', 206],
  ['bytes=3-', 'lo', 'bytes 3-4/5', 206],
  ['bytes=-2', 'lo', 'bytes 3-4/5', 206],
  ['bytes=0-99', 'hello', 'bytes 0-4/5', 206],
  ['bytes=2-1', 'hello', undefined, 200],
] as const;
for (const [Range, text, ContentRange, status] of ranges) {
  test(`the range \`${Range}\` of hello is \`${text}\``, async () => {
    await using cloud = await startCloud();
    const s3 = await withBucket(cloud);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'hello' }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'k', Range }));
    assert.equal(await got.Body!.transformToString(), text);
    assert.deepEqual([got.ContentRange, got.$metadata.httpStatusCode], [ContentRange, status]);
  });
}

test('a range beyond the end is 416, conditions that do not hold are 412 and 304', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'hello' }));
  const input = { Bucket, Key: 'k' };
  const statusOf = async (answer: Promise<object>): Promise<number> => {
    const error: unknown = await answer.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    return (error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode;
  };
  assert.equal(await statusOf(s3.send(new GetObjectCommand({ ...input, Range: 'bytes=5-' }))), 416);
  assert.equal(await statusOf(s3.send(new GetObjectCommand({ ...input, IfMatch: '"other"' }))), 412);
  assert.equal(await statusOf(s3.send(new GetObjectCommand({ ...input, IfNoneMatch: ETag }))), 304);
  assert.equal(await statusOf(s3.send(new PutObjectCommand({ ...input, Body: 'x', IfNoneMatch: '*' }))), 412);
  await s3.send(new PutObjectCommand({ ...input, Body: 'x', IfMatch: ETag }));
});

test('a missing key is 404 for who may list the bucket and 403 for who may not', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  const reader = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::box/*',
  });
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: 'none' })), { name: 'NoSuchKey' });
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })), { name: 'NotFound' });
  await assert.rejects(reader.s3.send(new GetObjectCommand({ Bucket, Key: 'none' })), {
    name: 'AccessDenied',
    message: /s3:ListBucket/,
  });
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: 'nobody-has-it', Key: 'k' })), { name: 'NoSuchBucket' });
});

test('tags and an ACL that come with a put need permissions of their own', async () => {
  await using cloud = await startCloud();
  await withBucket(cloud);
  const writer = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::box/*',
  });
  const input = { Bucket, Key: 'k', Body: 'x' };
  await writer.s3.send(new PutObjectCommand(input));
  await assert.rejects(writer.s3.send(new PutObjectCommand({ ...input, Tagging: 'a=b' })), {
    message: /s3:PutObjectTagging/,
  });
  await assert.rejects(writer.s3.send(new PutObjectCommand({ ...input, ACL: 'private' })), {
    message: /s3:PutObjectAcl/,
  });
});

test('keys are deleted together and each is decided for itself', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  await put(s3, 'open/a', 'shut/b');
  const cleaner = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:DeleteObject',
    Resource: 'arn:aws:s3:::box/open/*',
  });
  const Objects = [{ Key: 'open/a' }, { Key: 'shut/b' }, { Key: 'open/never-there' }];
  const { Deleted, Errors } = await cleaner.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  assert.deepEqual(
    Deleted!.map(({ Key }) => Key),
    ['open/a', 'open/never-there'],
  );
  assert.deepEqual(
    Errors!.map(({ Key, Code }) => [Key, Code]),
    [['shut/b', 'AccessDenied']],
  );
  const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
  assert.deepEqual(
    Contents!.map(({ Key }) => Key),
    ['shut/b'],
  );
});

test('a copy needs to read the source and write the target, and keeps metadata unless told otherwise', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: 'from/a b',
      Body: 'x',
      Metadata: { owner: 'alice' },
      ContentType: 'text/plain',
    }),
  );
  const copy = { Bucket, Key: 'to/a', CopySource: 'box/from/a%20b' };
  await s3.send(new CopyObjectCommand(copy));
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'to/a' }));
  assert.deepEqual([head.Metadata, head.ContentType], [{ owner: 'alice' }, 'text/plain']);
  const writer = await userWith(cloud, dev, 'bob', {
    Effect: 'Allow',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::box/to/*',
  });
  await assert.rejects(writer.s3.send(new CopyObjectCommand(copy)), { message: /s3:GetObject/ });
  await assert.rejects(s3.send(new CopyObjectCommand({ Bucket, Key: 'to/a', CopySource: 'box/to/a' })), {
    name: 'InvalidRequest',
  });
});

test('listings group by delimiter and continue where they stopped', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  await put(s3, 'a', 'dir/1', 'dir/2', 'dir/3', 'e&e', 'z/1');
  const seen: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page: Awaited<ReturnType<typeof list>> = await list(ContinuationToken);
    seen.push(
      ...(page.Contents ?? []).map(({ Key }) => Key!),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix!),
    );
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  assert.deepEqual(seen, ['a', 'dir/', 'e&e', 'z/']);
  const under = await s3.send(new ListObjectsCommand({ Bucket, Prefix: 'dir/', Marker: 'dir/1', MaxKeys: 1 }));
  assert.deepEqual([under.Contents!.map(({ Key }) => Key), under.IsTruncated], [['dir/2'], true]);

  function list(token: string | undefined) {
    return s3.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken: token }));
  }
});

test('a listing is allowed by its prefix where the policy says so', async () => {
  await using cloud = await startCloud();
  await withBucket(cloud);
  const reader = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:ListBucket',
    Resource: 'arn:aws:s3:::box',
    Condition: { StringLike: { 's3:prefix': 'home/alice/*' } },
  });
  await reader.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'home/alice/docs' }));
  await assert.rejects(reader.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'home/bob/' })), {
    name: 'AccessDenied',
  });
  await assert.rejects(reader.s3.send(new ListObjectsV2Command({ Bucket })), { name: 'AccessDenied' });
});

test('what this S3 would have to ignore is refused', async () => {
  await using cloud = await startCloud();
  const s3 = await withBucket(cloud);
  const input = { Bucket, Key: 'k', Body: 'x' };
  await assert.rejects(s3.send(new PutObjectCommand({ ...input, ACL: 'public-read' })), {
    name: 'AccessControlListNotSupported',
  });
  await assert.rejects(s3.send(new PutObjectCommand({ ...input, Key: 'k'.repeat(1025) })), { name: 'KeyTooLongError' });
});
