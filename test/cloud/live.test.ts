// SDK clients over a real socket: default checksums, streamed bodies with trailers, presigned addresses.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { GetObjectCommand, PutObjectCommand, S3Client, type PutObjectCommandInput } from '@aws-sdk/client-s3';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { GetRoleCommand, IAMClient } from '@aws-sdk/client-iam';
import { ListAccountsCommand, OrganizationsClient } from '@aws-sdk/client-organizations';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { Secret } from '../../src/base/index.ts';
import type { Credential } from '../../src/cloud/credential.ts';
import { awsFailure } from '../../src/cloud/failures.ts';
import { listen, type TestServer } from './protocol/server.ts';

const credential: Credential = {
  kind: 'user',
  userId: 'AIDAEXAMPLE',
  accessKeyId: 'AKIAEXAMPLE',
  secretAccessKey: new Secret('secret'),
  account: '111111111111',
  status: 'Active',
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function configOf(server: TestServer): object {
  return {
    endpoint: server.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'secret' },
    forcePathStyle: true,
    maxAttempts: 1,
  };
}

/** Keeps one object in memory. */
function objectStore(): Parameters<typeof listen>[1] {
  let stored: Uint8Array = new Uint8Array();
  return (route, input) => {
    if (route.operation === 'GetObject') return { Body: stored, ContentLength: stored.length };
    if (route.operation !== 'PutObject') throw awsFailure('NotImplemented', 'x');
    stored = input['Body'] as Uint8Array;
    return { ETag: `"${sha256(stored)}"` };
  };
}

const algorithms: readonly (PutObjectCommandInput['ChecksumAlgorithm'] | undefined)[] = [
  undefined,
  'CRC32',
  'CRC32C',
  'SHA1',
  'SHA256',
];

test('objects survive the wire as buffers and as streams, with every checksum the client can make', async () => {
  await using server = await listen(credential, objectStore());
  const client = new S3Client(configOf(server));
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) % 251));
  for (const algorithm of algorithms) {
    for (const streamed of [false, true]) {
      const Body = streamed ? Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)]) : bytes;
      const put = new PutObjectCommand({
        Bucket: 'bucket',
        Key: 'a b/ü',
        Body,
        ...(algorithm === undefined ? {} : { ChecksumAlgorithm: algorithm }),
        ...(streamed ? { ContentLength: bytes.length } : {}),
      });
      const { ETag } = await client.send(put);
      assert.equal(ETag, `"${sha256(bytes)}"`, `${algorithm} ${streamed}`);
      const answer = await client.send(new GetObjectCommand({ Bucket: 'bucket', Key: 'a b/ü' }));
      assert.equal(sha256(await answer.Body!.transformToByteArray()), sha256(bytes));
    }
  }
  client.destroy();
});

test('every service answers its client over HTTP', async () => {
  await using server = await listen(credential, (route) => {
    const answers: Readonly<Record<string, object>> = {
      GetCallerIdentity: {
        Account: '111111111111',
        UserId: 'AIDAEXAMPLE',
        Arn: 'arn:aws:iam::111111111111:user/alice',
      },
      ListAccounts: { Accounts: [{ Id: '111111111111', JoinedTimestamp: new Date(1_767_323_045_000) }] },
      DescribeInstances: {
        Reservations: [{ Instances: [{ InstanceId: 'i-1', LaunchTime: new Date(1_767_323_045_123) }] }],
      },
    };
    const answer = answers[route.operation ?? ''];
    if (answer === undefined) throw awsFailure('NoSuchEntity', 'The role with name r cannot be found.');
    return answer;
  });
  const config = configOf(server);
  const [sts, organizations, ec2, iam] = [
    new STSClient(config),
    new OrganizationsClient(config),
    new EC2Client(config),
    new IAMClient(config),
  ];
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, '111111111111');
  const { Accounts } = await organizations.send(new ListAccountsCommand({}));
  assert.equal(Accounts?.[0]?.JoinedTimestamp?.getTime(), 1_767_323_045_000);
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({}));
  assert.equal(Reservations?.[0]?.Instances?.[0]?.LaunchTime?.getTime(), 1_767_323_045_123);
  await assert.rejects(iam.send(new GetRoleCommand({ RoleName: 'r' })), {
    name: 'NoSuchEntityException',
    message: 'The role with name r cannot be found.',
    $metadata: {
      httpStatusCode: 404,
      requestId: 'request-1',
      attempts: 1,
      totalRetryDelay: 0,
      extendedRequestId: undefined,
      cfId: undefined,
    },
  });
  for (const client of [sts, organizations, ec2, iam]) client.destroy();
});
