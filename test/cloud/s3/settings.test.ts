import assert from 'node:assert/strict';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketReplicationCommand,
  GetBucketAbacCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLoggingCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  PutBucketAccelerateConfigurationCommand,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketReplicationCommand,
  PutBucketWebsiteCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  UploadPartCommand,
  type LifecycleRule,
  type S3Client,
} from '@aws-sdk/client-s3';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';

const Bucket = 'settings';

async function bucketIn(cloud: Cloud): Promise<S3Client> {
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket }));
  return s3;
}

test('a lifecycle is kept with the least size of its transitions, and a rule that does nothing is refused', async () => {
  await using cloud = await startCloud();
  const s3 = await bucketIn(cloud);
  const put = (...Rules: LifecycleRule[]) =>
    s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
  const rule: LifecycleRule = { ID: 'a', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 1 } };
  await put(rule);
  const got = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }));
  assert.equal(got.TransitionDefaultMinimumObjectSize, 'all_storage_classes_128K');
  assert.equal(got.Rules![0]!.Expiration!.Days, 1);
  await assert.rejects(put(rule, rule), { name: 'InvalidArgument' });
  await assert.rejects(put({ ...rule, Expiration: { Days: 0 } }), {
    message: "'Days' for Expiration action must be a positive integer",
  });
  await assert.rejects(put({ ID: 'b', Status: 'Enabled', Filter: { Prefix: '' } }), {
    name: 'InvalidRequest',
    message: 'At least one action needs to be specified in a rule',
  });
});

test('documents that S3 refuses are refused in its words', async () => {
  await using cloud = await startCloud();
  const s3 = await bucketIn(cloud);
  const cors = (method: string, origin: string) =>
    s3.send(
      new PutBucketCorsCommand({
        Bucket,
        CORSConfiguration: { CORSRules: [{ AllowedMethods: [method], AllowedOrigins: [origin] }] },
      }),
    );
  await cors('GET', 'https://*.example.com');
  await assert.rejects(cors('PATCH', '*'), {
    message: 'Found unsupported HTTP method in CORS config. Unsupported method is PATCH',
  });
  await assert.rejects(cors('GET', 'https://*.*'), { name: 'InvalidRequest' });
  await assert.rejects(s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration: {} })), {
    name: 'InvalidArgument',
  });
  const replication = { Role: `arn:aws:iam::${dev}:role/r`, Rules: [{ Status: 'Enabled', Destination: { Bucket } }] };
  await assert.rejects(
    s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: replication as never })),
    { message: "Versioning must be 'Enabled' on the bucket to apply a replication configuration" },
  );
  await s3.send(new DeleteBucketReplicationCommand({ Bucket }));
  await assert.rejects(
    s3.send(
      new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' } }),
    ),
    { name: 'InvalidBucketState' },
  );
  const queue = { QueueArn: `arn:aws:sqs:us-east-1:${dev}:q`, Events: ['s3:ObjectCreated:*' as const] };
  await assert.rejects(
    s3.send(
      new PutBucketNotificationConfigurationCommand({
        Bucket,
        NotificationConfiguration: { QueueConfigurations: [queue] },
      }),
    ),
    { message: 'Unable to validate the following destination configurations' },
  );
  await assert.rejects(
    s3.send(
      new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status: 'On' as 'Enabled' } }),
    ),
    { name: 'MalformedXML' },
  );
});

test('logs go to a bucket of the same owner, and ABAC is off until it is turned on', async () => {
  await using cloud = await startCloud();
  const s3 = await bucketIn(cloud);
  const log = (TargetBucket: string) =>
    s3.send(
      new PutBucketLoggingCommand({
        Bucket,
        BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'logs/' } },
      }),
    );
  await assert.rejects(log('nowhere'), {
    name: 'InvalidTargetBucketForLogging',
    message: 'The target bucket for logging does not exist',
  });
  await s3.send(new CreateBucketCommand({ Bucket: 'logs-of-it' }));
  await log('logs-of-it');
  const { LoggingEnabled } = await s3.send(new GetBucketLoggingCommand({ Bucket }));
  assert.deepEqual(LoggingEnabled, { TargetBucket: 'logs-of-it', TargetPrefix: 'logs/' });
  const { AbacStatus } = await s3.send(new GetBucketAbacCommand({ Bucket }));
  assert.equal(AbacStatus!.Status, 'Disabled');
});

test('setting up replication passes the role to S3', async () => {
  await using cloud = await startCloud();
  await bucketIn(cloud);
  const { s3 } = await userWith(cloud, dev, 'alice', { Effect: 'Allow', Action: 's3:*', Resource: '*' });
  const replication = { Role: `arn:aws:iam::${dev}:role/r`, Rules: [{ Status: 'Enabled', Destination: { Bucket } }] };
  await assert.rejects(
    s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: replication as never })),
    /iam:PassRole/,
  );
});

test('attributes of an object are those that are asked for', async () => {
  await using cloud = await startCloud();
  const s3 = await bucketIn(cloud);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', ChecksumAlgorithm: 'SHA256' }));
  const got = await s3.send(
    new GetObjectAttributesCommand({ Bucket, Key: 'a', ObjectAttributes: ['ETag', 'Checksum', 'ObjectSize'] }),
  );
  assert.equal(got.ETag, '5d41402abc4b2a76b9719d911017c592');
  assert.equal(got.ObjectSize, 5);
  assert.equal(got.Checksum!.ChecksumType, 'FULL_OBJECT');
  assert.match(got.Checksum!.ChecksumSHA256!, /^[\w+/]{43}=$/);
  assert.equal(got.StorageClass, undefined);
  await assert.rejects(
    s3.send(new GetObjectAttributesCommand({ Bucket, Key: 'a', ObjectAttributes: ['Size' as 'ObjectSize'] })),
    { name: 'InvalidArgument', message: 'Invalid attribute name specified.' },
  );
  await assert.rejects(s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'a' })), {
    name: 'InvalidRequest',
    message: 'Bucket is missing Object Lock Configuration',
  });
  await s3.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL: 'bucket-owner-full-control' }));
  await assert.rejects(s3.send(new PutObjectAclCommand({ Bucket, Key: 'a', ACL: 'public-read' })), {
    name: 'AccessControlListNotSupported',
  });
});

test('a part of a multipart upload is read by its number, and parts with checksums are listed', async () => {
  await using cloud = await startCloud();
  const s3 = await bucketIn(cloud);
  const Key = 'big';
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32C', ChecksumType: 'COMPOSITE' }),
  );
  const Parts = [];
  for (const [PartNumber, Body] of [
    [1, Buffer.alloc(5 * 1024 * 1024, 'a')],
    [3, Buffer.from('tail')],
  ] as const) {
    const { ETag, ChecksumCRC32C } = await s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm: 'CRC32C' }),
    );
    Parts.push({ PartNumber, ETag, ChecksumCRC32C });
  }
  const done = await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  assert.match(done.ChecksumCRC32C!, /-2$/);
  const part = await s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2 }));
  assert.equal(await part.Body!.transformToString(), 'tail');
  assert.equal(part.PartsCount, 2);
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: 3 })));
  const { ObjectParts } = await s3.send(
    new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts'], MaxParts: 1 }),
  );
  assert.equal(ObjectParts!.TotalPartsCount, 2);
  assert.equal(ObjectParts!.IsTruncated, true);
  assert.deepEqual(
    ObjectParts!.Parts!.map(({ PartNumber, Size }) => [PartNumber, Size]),
    [[1, 5 * 1024 * 1024]],
  );
  await assert.rejects(
    s3.send(
      new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' }),
    ),
    { message: 'The FULL_OBJECT checksum type cannot be used with the sha256 checksum algorithm.' },
  );
});
