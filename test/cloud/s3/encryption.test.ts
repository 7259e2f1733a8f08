import assert from 'node:assert/strict';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketEncryptionCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  UploadPartCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { CreateAliasCommand, DisableKeyCommand } from '@aws-sdk/client-kms';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { adminOf, central, dev, policyText, userWith } from '../clients.ts';
import { kmsOf, newKey } from '../kms/support.ts';

const s3All = { Effect: 'Allow', Action: 's3:*', Resource: '*' } as const;

async function bucketAndKey(cloud: Cloud) {
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'vault' }));
  const kms = kmsOf(cloud);
  const { Arn = '', KeyId } = await newKey(kms);
  const put = (input: Partial<PutObjectCommandInput> = {}) =>
    s3.send(
      new PutObjectCommand({
        Bucket: 'vault',
        Key: 'a',
        Body: 'secret',
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: KeyId,
        ...input,
      }),
    );
  return { s3, kms, Arn, KeyId, put };
}

test('writing needs kms:GenerateDataKey and reading kms:Decrypt on the key', async () => {
  await using cloud = await startCloud();
  const { s3, Arn, put } = await bucketAndKey(cloud);
  const { ETag, ...made } = await put();
  assert.partialDeepStrictEqual(made, { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn });
  const read = { Bucket: 'vault', Key: 'a' };
  const got = await s3.send(new GetObjectCommand(read));
  assert.equal(await got.Body!.transformToString(), 'secret');
  assert.partialDeepStrictEqual(got, { ETag, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn });

  const without = (await userWith(cloud, dev, 'without', s3All)).s3;
  await assert.rejects(without.send(new GetObjectCommand(read)), {
    name: 'AccessDenied',
    message: `User: arn:aws:iam::${dev}:user/without is not authorized to perform: kms:Decrypt on resource: ${Arn} because no identity-based policy allows the kms:Decrypt action`,
  });
  await without.send(new HeadObjectCommand(read));
  const head = without.send(new HeadObjectCommand({ ...read, ChecksumMode: 'ENABLED' }));
  await assert.rejects(
    head,
    (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode === 403,
  );
  const write = new PutObjectCommand({ ...read, Body: 'x', ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn });
  await assert.rejects(without.send(write), { name: 'AccessDenied', message: /kms:GenerateDataKey/ });
  const writer = await userWith(cloud, dev, 'writer', s3All, {
    Effect: 'Allow',
    Action: 'kms:GenerateDataKey',
    Resource: Arn,
  });
  await writer.s3.send(write);
  await assert.rejects(writer.s3.send(new GetObjectCommand(read)), { name: 'AccessDenied', message: /kms:Decrypt/ });
});

test('the key sees S3 as the way and the object as the encryption context', async () => {
  await using cloud = await startCloud();
  const { Arn, put } = await bucketAndKey(cloud);
  await put();
  await put({ Key: 'b', BucketKeyEnabled: true });
  const through = (arn: string) =>
    ({
      Effect: 'Allow',
      Action: 'kms:Decrypt',
      Resource: Arn,
      Condition: {
        StringEquals: { 'kms:ViaService': 's3.us-east-1.amazonaws.com', 'kms:EncryptionContext:aws:s3:arn': arn },
      },
    }) as const;
  const ofObject = (await userWith(cloud, dev, 'of-object', s3All, through('arn:aws:s3:::vault/a'))).s3;
  const ofBucket = (await userWith(cloud, dev, 'of-bucket', s3All, through('arn:aws:s3:::vault'))).s3;
  const read = (Key: string) => new GetObjectCommand({ Bucket: 'vault', Key });
  await ofObject.send(read('a'));
  await assert.rejects(ofObject.send(read('b')), { name: 'AccessDenied' });
  assert.equal((await ofBucket.send(read('b'))).BucketKeyEnabled, true);
  await assert.rejects(ofBucket.send(read('a')), { name: 'AccessDenied' });
});

test('the default of the bucket encrypts what says nothing, also under the key that AWS manages', async () => {
  await using cloud = await startCloud();
  const { s3, kms, Arn, KeyId, put } = await bucketAndKey(cloud);
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/vault', TargetKeyId: KeyId }));
  const setDefault = (KMSMasterKeyID?: string, SSEAlgorithm: 'aws:kms' | 'AES256' = 'aws:kms') =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket: 'vault',
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, KMSMasterKeyID }, BucketKeyEnabled: true }],
        },
      }),
    );
  await setDefault('alias/vault');
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand({ Bucket: 'vault' }));
  assert.equal(
    ServerSideEncryptionConfiguration!.Rules![0]!.ApplyServerSideEncryptionByDefault!.KMSMasterKeyID,
    'alias/vault',
  );
  const silent = { ServerSideEncryption: undefined, SSEKMSKeyId: undefined };
  assert.partialDeepStrictEqual(await put(silent), {
    ServerSideEncryption: 'aws:kms',
    SSEKMSKeyId: Arn,
    BucketKeyEnabled: true,
  });
  assert.equal((await put({ ...silent, ServerSideEncryption: 'AES256' })).ServerSideEncryption, 'AES256');
  await setDefault();
  const managed = await put(silent);
  assert.notEqual(managed.SSEKMSKeyId, Arn);
  // Everyone in the account who may use S3 uses its managed key through S3.
  const reader = (await userWith(cloud, dev, 'reader', s3All)).s3;
  await reader.send(new GetObjectCommand({ Bucket: 'vault', Key: 'a' }));
  await assert.rejects(setDefault('alias/vault', 'AES256'), { name: 'InvalidArgument' });
});

test('the managed key of S3 is closed to other accounts', async () => {
  await using cloud = await startCloud();
  const { s3, put } = await bucketAndKey(cloud);
  await put({ SSEKMSKeyId: undefined });
  const open = {
    Effect: 'Allow',
    Principal: { AWS: central },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::vault/*',
  } as const;
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'vault', Policy: policyText(open) }));
  const theirs = adminOf(cloud, central).s3;
  await assert.rejects(theirs.send(new GetObjectCommand({ Bucket: 'vault', Key: 'a' })), { name: 'AccessDenied' });
  await put({ ServerSideEncryption: 'AES256', SSEKMSKeyId: undefined });
  await theirs.send(new GetObjectCommand({ Bucket: 'vault', Key: 'a' }));
});

test('copies decrypt the source and encrypt the target', async () => {
  await using cloud = await startCloud();
  const { s3, Arn, put } = await bucketAndKey(cloud);
  await put();
  const copy = { Bucket: 'vault', Key: 'copy', CopySource: 'vault/a' };
  const plain = await s3.send(new CopyObjectCommand(copy));
  assert.equal(plain.ServerSideEncryption, 'AES256');
  const again = await s3.send(new CopyObjectCommand({ ...copy, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn }));
  assert.equal(again.SSEKMSKeyId, Arn);
  const without = (await userWith(cloud, dev, 'without', s3All)).s3;
  await assert.rejects(without.send(new CopyObjectCommand(copy)), { name: 'AccessDenied', message: /kms:Decrypt/ });
});

test('a multipart upload generates once and decrypts for every part', async () => {
  await using cloud = await startCloud();
  const { s3, Arn } = await bucketAndKey(cloud);
  const place = { Bucket: 'vault', Key: 'big' };
  const begin = new CreateMultipartUploadCommand({ ...place, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: Arn });
  const { UploadId, SSEKMSKeyId } = await s3.send(begin);
  assert.equal(SSEKMSKeyId, Arn);
  const part = new UploadPartCommand({ ...place, UploadId, PartNumber: 1, Body: 'part' });
  const writer = await userWith(cloud, dev, 'writer', s3All, {
    Effect: 'Allow',
    Action: 'kms:GenerateDataKey',
    Resource: Arn,
  });
  await assert.rejects(writer.s3.send(part), { name: 'AccessDenied', message: /kms:Decrypt/ });
  const { ETag } = await s3.send(part);
  const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
  const complete = new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload });
  assert.equal((await s3.send(complete)).SSEKMSKeyId, Arn);
});

test('a key that is not there or not usable stops S3 in the words of KMS', async () => {
  await using cloud = await startCloud();
  const { s3, kms, KeyId, Arn, put } = await bucketAndKey(cloud);
  await assert.rejects(put({ SSEKMSKeyId: 'alias/none' }), {
    name: 'KMS.NotFoundException',
    message: `Alias arn:aws:kms:us-east-1:${dev}:alias/none is not found.`,
  });
  await assert.rejects(put({ ServerSideEncryption: 'AES256' }), { name: 'InvalidArgument' });
  await put();
  await kms.send(new DisableKeyCommand({ KeyId }));
  await assert.rejects(put(), { name: 'KMS.DisabledException', message: `${Arn} is disabled.` });
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket: 'vault', Key: 'a' })), { name: 'KMS.DisabledException' });
});
