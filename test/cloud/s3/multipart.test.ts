import assert from 'node:assert/strict';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';

const Bucket = 'box';
const Key = 'big/file';
const big = new Uint8Array(5 * 1024 * 1024).fill(1);

async function begin(cloud: Cloud): Promise<{ s3: S3Client; UploadId: string }> {
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket }));
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ContentType: 'text/plain', Tagging: 'a=b' }),
  );
  return { s3, UploadId: UploadId! };
}

const upload = (s3: S3Client, UploadId: string, PartNumber: number, Body: Uint8Array | string) =>
  s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));

const complete = (s3: S3Client, UploadId: string, Parts: { PartNumber: number; ETag: string | undefined }[]) =>
  s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));

test('parts become one object in their order, whatever order they came in', async () => {
  await using cloud = await startCloud();
  const { s3, UploadId } = await begin(cloud);
  const second = await upload(s3, UploadId, 2, 'end');
  const first = await upload(s3, UploadId, 1, big);
  const { Parts } = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
  assert.deepEqual(
    Parts!.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [
      [1, big.length],
      [2, 3],
    ],
  );
  const done = await complete(s3, UploadId, [
    { PartNumber: 1, ETag: first.ETag },
    { PartNumber: 2, ETag: second.ETag },
  ]);
  assert.match(done.ETag!, /^"[0-9a-f]{32}-2"$/);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
  assert.deepEqual([head.ContentLength, head.ContentType, head.TagCount], [big.length + 3, 'text/plain', 1]);
  const tail = await s3.send(new GetObjectCommand({ Bucket, Key, Range: 'bytes=-4' }));
  assert.deepEqual(await tail.Body!.transformToByteArray(), new Uint8Array([1, 101, 110, 100]));
  await assert.rejects(complete(s3, UploadId, [{ PartNumber: 1, ETag: first.ETag }]), { name: 'NoSuchUpload' });
});

test('a completion that does not fit its parts is refused, and the upload stays', async () => {
  await using cloud = await startCloud();
  const { s3, UploadId } = await begin(cloud);
  const one = { PartNumber: 1, ETag: (await upload(s3, UploadId, 1, 'small')).ETag };
  const two = { PartNumber: 2, ETag: (await upload(s3, UploadId, 2, 'small')).ETag };
  await assert.rejects(complete(s3, UploadId, [two, one]), { name: 'InvalidPartOrder' });
  await assert.rejects(complete(s3, UploadId, [one, two]), { name: 'EntityTooSmall' });
  await assert.rejects(complete(s3, UploadId, [{ PartNumber: 3, ETag: one.ETag }]), { name: 'InvalidPart' });
  await assert.rejects(complete(s3, UploadId, [{ PartNumber: 1, ETag: '"other"' }]), { name: 'InvalidPart' });
  await assert.rejects(upload(s3, UploadId, 10_001, 'x'), { name: 'InvalidArgument' });
  await complete(s3, UploadId, [one]);
});

test('a part is copied from an object that the caller may read', async () => {
  await using cloud = await startCloud();
  const { s3, UploadId } = await begin(cloud);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: 'hello' }));
  const copy = { Bucket, Key, UploadId, PartNumber: 1, CopySource: 'box/source', CopySourceRange: 'bytes=1-2' };
  const writer = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::box/*',
  });
  await assert.rejects(writer.s3.send(new UploadPartCopyCommand(copy)), { name: 'AccessDenied' });
  const elsewhere = { ...copy, ExpectedSourceBucketOwner: '111111111111' };
  await assert.rejects(s3.send(new UploadPartCopyCommand(elsewhere)), { name: 'AccessDenied' });
  const { CopyPartResult } = await s3.send(new UploadPartCopyCommand(copy));
  await complete(s3, UploadId, [{ PartNumber: 1, ETag: CopyPartResult!.ETag }]);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key }));
  assert.equal(await got.Body!.transformToString(), 'el');
});

test('uploads under way are listed, aborted, and go with their bucket', async () => {
  await using cloud = await startCloud();
  const { s3, UploadId } = await begin(cloud);
  await upload(s3, UploadId, 1, 'x');
  const listed = async () => (await s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? [];
  assert.deepEqual(
    (await listed()).map((one) => [one.Key, one.UploadId]),
    [[Key, UploadId]],
  );
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
  assert.deepEqual(await listed(), []);
  await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  await s3.send(new DeleteBucketCommand({ Bucket }));
  await s3.send(new CreateBucketCommand({ Bucket }));
  assert.deepEqual(await listed(), []);
});
