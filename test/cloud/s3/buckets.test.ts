import assert from 'node:assert/strict';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketPolicyCommand,
  DeleteBucketWebsiteCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketReplicationCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutBucketWebsiteCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { CreateRoleCommand, DeleteRoleCommand } from '@aws-sdk/client-iam';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, central, clientsFor, dev, policyText, userWith } from '../clients.ts';

test('a bucket is made, found, listed with its owner, and deleted when it is empty', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'logs' }));
  const { BucketRegion } = await s3.send(new HeadBucketCommand({ Bucket: 'logs' }));
  assert.equal(BucketRegion, 'us-east-1');
  const { LocationConstraint } = await s3.send(new GetBucketLocationCommand({ Bucket: 'logs' }));
  assert.equal(LocationConstraint, undefined);
  const { Buckets, Owner } = await s3.send(new ListBucketsCommand({}));
  assert.deepEqual(
    Buckets!.map(({ Name }) => Name),
    ['logs'],
  );
  assert.match(Owner!.ID!, /^[0-9a-f]{64}$/);
  await s3.send(new PutObjectCommand({ Bucket: 'logs', Key: 'a', Body: 'x' }));
  await assert.rejects(s3.send(new DeleteBucketCommand({ Bucket: 'logs' })), { name: 'BucketNotEmpty' });
});

test('a name is unique in the world, and the owner may make it again in us-east-1', async () => {
  await using cloud = await startCloud();
  const [mine, theirs] = [adminOf(cloud, dev).s3, adminOf(cloud, central).s3];
  await mine.send(new CreateBucketCommand({ Bucket: 'taken' }));
  await mine.send(new CreateBucketCommand({ Bucket: 'taken' }));
  await assert.rejects(theirs.send(new CreateBucketCommand({ Bucket: 'taken' })), { name: 'BucketAlreadyExists' });
});

test('buckets are listed in pages', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  for (const name of ['one', 'two', 'three']) await s3.send(new CreateBucketCommand({ Bucket: `${name}-b` }));
  const first = await s3.send(new ListBucketsCommand({ MaxBuckets: 2 }));
  const second = await s3.send(new ListBucketsCommand({ ContinuationToken: first.ContinuationToken }));
  const names = [...first.Buckets!, ...second.Buckets!].map(({ Name }) => Name);
  assert.deepEqual(names, ['one-b', 'three-b', 'two-b']);
  assert.equal(second.ContinuationToken, undefined);
});

test('names that break the rules are refused', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  for (const Bucket of ['UPPER', 'ab', '192.168.0.1', 'a..b', 'xn--a', 'with_underscore']) {
    await assert.rejects(s3.send(new CreateBucketCommand({ Bucket })), { name: 'InvalidBucketName' }, Bucket);
  }
});

test('what is not set on a bucket answers as AWS does, which Terraform reads', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'plain' }));
  const input = { Bucket: 'plain' };
  const missing = [
    [s3.send(new GetBucketPolicyCommand(input)), 'NoSuchBucketPolicy'],
    [s3.send(new GetBucketCorsCommand(input)), 'NoSuchCORSConfiguration'],
    [s3.send(new GetBucketWebsiteCommand(input)), 'NoSuchWebsiteConfiguration'],
    [s3.send(new GetBucketLifecycleConfigurationCommand(input)), 'NoSuchLifecycleConfiguration'],
    [s3.send(new GetBucketReplicationCommand(input)), 'ReplicationConfigurationNotFoundError'],
    [s3.send(new GetObjectLockConfigurationCommand(input)), 'ObjectLockConfigurationNotFoundError'],
    [s3.send(new GetBucketTaggingCommand(input)), 'NoSuchTagSet'],
  ] as const;
  for (const [answer, name] of missing) {
    await assert.rejects(answer, (error: { name: string; $metadata: { httpStatusCode: number } }) => {
      assert.deepEqual([error.name, error.$metadata.httpStatusCode], [name, 404]);
      return true;
    });
  }
  assert.equal((await s3.send(new GetBucketVersioningCommand(input))).Status, undefined);
  const { ServerSideEncryptionConfiguration } = await s3.send(new GetBucketEncryptionCommand(input));
  assert.equal(
    ServerSideEncryptionConfiguration!.Rules![0]!.ApplyServerSideEncryptionByDefault!.SSEAlgorithm,
    'AES256',
  );
});

test('settings are kept with their dates, and what has no effect here is refused', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'plain' }));
  const Rules = [
    {
      ID: 'old',
      Status: 'Enabled' as const,
      Filter: { Prefix: 'a' },
      Expiration: { Date: new Date('2030-01-01T00:00:00Z') },
    },
  ];
  await s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket: 'plain', LifecycleConfiguration: { Rules } }));
  const kept = await s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket: 'plain' }));
  assert.deepEqual(kept.Rules![0]!.Expiration!.Date, new Date('2030-01-01T00:00:00Z'));
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'plain', VersioningConfiguration: { Status: 'Suspended' } }));
  await assert.rejects(
    s3.send(new PutBucketVersioningCommand({ Bucket: 'plain', VersioningConfiguration: { Status: 'Enabled' } })),
    { name: 'NotImplemented' },
  );
  await s3.send(
    new PutBucketTaggingCommand({ Bucket: 'plain', Tagging: { TagSet: [{ Key: 'team', Value: 'core' }] } }),
  );
  const { TagSet } = await s3.send(new GetBucketTaggingCommand({ Bucket: 'plain' }));
  assert.deepEqual(TagSet, [{ Key: 'team', Value: 'core' }]);
});

test('a website is taken away by who may delete it, not by who may put it', async () => {
  await using cloud = await startCloud();
  await adminOf(cloud, dev).s3.send(new CreateBucketCommand({ Bucket: 'site' }));
  const on = (Action: string) => ({ Effect: 'Allow', Action, Resource: 'arn:aws:s3:::site' }) as const;
  const putter = await userWith(cloud, dev, 'alice', on('s3:PutBucketWebsite'));
  const deleter = await userWith(cloud, dev, 'bob', on('s3:DeleteBucketWebsite'));
  const WebsiteConfiguration = { IndexDocument: { Suffix: 'index.html' } };
  await putter.s3.send(new PutBucketWebsiteCommand({ Bucket: 'site', WebsiteConfiguration }));
  const take = new DeleteBucketWebsiteCommand({ Bucket: 'site' });
  await assert.rejects(putter.s3.send(take), { name: 'AccessDenied' });
  await deleter.s3.send(take);
});

const conditions = JSON.parse(
  readFileSync(new URL('../../cases/cloud/public-policies.json', import.meta.url), 'utf8'),
) as { readonly public: readonly object[]; readonly private: readonly object[] };
const everyone = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::open/*' } as const;

test('a policy is public unless a condition pins who or from where', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'open' }));
  const put = (Condition: object) =>
    s3.send(new PutBucketPolicyCommand({ Bucket: 'open', Policy: policyText({ ...everyone, Condition }) }));
  for (const condition of conditions.public) {
    await assert.rejects(put(condition), { name: 'AccessDenied' }, JSON.stringify(condition));
  }
  for (const condition of conditions.private) await put(condition);
});

test('another account reads by the bucket policy and its own policy together, and not by one alone', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'shared' }));
  await s3.send(new PutObjectCommand({ Bucket: 'shared', Key: 'k', Body: 'x' }));
  const reader = await userWith(cloud, central, 'alice', {
    Effect: 'Allow',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::shared/*',
  });
  const idle = await userWith(cloud, central, 'bob');
  const get = new GetObjectCommand({ Bucket: 'shared', Key: 'k' });
  await assert.rejects(reader.s3.send(get), { name: 'AccessDenied' });
  const Policy = policyText({
    Effect: 'Allow',
    Principal: { AWS: central },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::shared/*',
  });
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'shared', Policy }));
  await reader.s3.send(get);
  await assert.rejects(idle.s3.send(get), { name: 'AccessDenied' });
  await assert.rejects(reader.s3.send(new GetBucketPolicyCommand({ Bucket: 'shared' })), { name: 'AccessDenied' });
  await assert.rejects(
    adminOf(cloud, central).s3.send(new HeadBucketCommand({ Bucket: 'shared' })),
    (error: object) => {
      assert.equal((error as { $metadata: { httpStatusCode: number } }).$metadata.httpStatusCode, 403);
      return true;
    },
  );
});

test('a bucket policy names a principal that exists, and a namesake made later is not it', async () => {
  await using cloud = await startCloud();
  const { s3, iam } = adminOf(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'shared' }));
  const arn = `arn:aws:iam::${dev}:role/reader`;
  const Policy = policyText({
    Effect: 'Allow',
    Principal: { AWS: arn },
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::shared/*',
  });
  const put = new PutBucketPolicyCommand({ Bucket: 'shared', Policy });
  await assert.rejects(s3.send(put), { name: 'MalformedPolicy', message: 'Invalid principal in policy' });
  const trust = policyText({ Effect: 'Allow', Principal: { AWS: dev }, Action: 'sts:AssumeRole' });
  const role = { RoleName: 'reader', AssumeRolePolicyDocument: trust };
  const { Role } = await iam.send(new CreateRoleCommand(role));
  await s3.send(put);
  const shown = async () => (await s3.send(new GetBucketPolicyCommand({ Bucket: 'shared' }))).Policy!;
  assert.ok((await shown()).includes(arn));
  await iam.send(new DeleteRoleCommand({ RoleName: 'reader' }));
  await iam.send(new CreateRoleCommand(role));
  assert.ok((await shown()).includes(Role!.RoleId!));
});

const refusedPolicies = [
  ['not JSON', '{', 'MalformedPolicy'],
  [
    'without a principal',
    policyText({ Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::shared/*' }),
    'MalformedPolicy',
  ],
  [
    'of another bucket',
    policyText({ Effect: 'Allow', Principal: { AWS: dev }, Action: 's3:GetObject', Resource: 'arn:aws:s3:::other/*' }),
    'MalformedPolicy',
  ],
  [
    'of another service',
    policyText({ Effect: 'Allow', Principal: { AWS: dev }, Action: 'iam:GetUser', Resource: 'arn:aws:s3:::shared/*' }),
    'MalformedPolicy',
  ],
  [
    'for everyone',
    policyText({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::shared/*' }),
    'AccessDenied',
  ],
] as const;
for (const [what, Policy, name] of refusedPolicies) {
  test(`a bucket policy ${what} is refused with ${name}`, async () => {
    await using cloud = await startCloud();
    const { s3 } = adminOf(cloud, dev);
    await s3.send(new CreateBucketCommand({ Bucket: 'shared' }));
    await assert.rejects(s3.send(new PutBucketPolicyCommand({ Bucket: 'shared', Policy })), { name });
  });
}

test('the root user takes away a bucket policy that shuts everyone out', async () => {
  await using cloud = await startCloud();
  const { s3 } = adminOf(cloud, dev);
  const root = clientsFor(cloud, cloud.credentials.accounts[dev]!.root).s3;
  await s3.send(new CreateBucketCommand({ Bucket: 'shut' }));
  const Policy = policyText({
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: ['arn:aws:s3:::shut', 'arn:aws:s3:::shut/*'],
  });
  await s3.send(new PutBucketPolicyCommand({ Bucket: 'shut', Policy }));
  await assert.rejects(s3.send(new DeleteBucketPolicyCommand({ Bucket: 'shut' })), { name: 'AccessDenied' });
  await root.send(new DeleteBucketPolicyCommand({ Bucket: 'shut' }));
  await s3.send(new HeadBucketCommand({ Bucket: 'shut' }));
});
