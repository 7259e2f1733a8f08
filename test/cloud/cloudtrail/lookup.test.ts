import assert from 'node:assert/strict';
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  ListTrailsCommand,
  LookupEventsCommand,
  paginateLookupEvents,
  type Event,
  type LookupEventsCommandInput,
} from '@aws-sdk/client-cloudtrail';
import { CreateTableCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateAccessKeyCommand,
  CreateLoginProfileCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  CreateUserCommand,
  GetUserCommand,
  ListUsersCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { dynamodbOf, tableOf } from '../dynamodb/support.ts';
import { testToken } from '../sts/issuer.ts';
import { adminOf, central, configOf, control, dev, iamOf, stsOf, trustOf } from '../support.ts';

function trailOf(cloud: Cloud, account: string = dev, region: string = 'us-east-1'): CloudTrailClient {
  return new CloudTrailClient({ ...configOf(cloud, adminOf(cloud, account)), region });
}

async function lookUp(client: CloudTrailClient, input: LookupEventsCommandInput = {}): Promise<Event[]> {
  return (await client.send(new LookupEventsCommand(input))).Events!;
}

async function byName(client: CloudTrailClient, name: string): Promise<Event[]> {
  return await lookUp(client, { LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: name }] });
}

interface Identity {
  readonly [member: string]: unknown;
  readonly sessionContext?: { readonly [member: string]: unknown };
}

interface Record {
  readonly [member: string]: unknown;
  readonly userIdentity: Identity;
  readonly responseElements: { readonly [member: string]: { readonly [member: string]: unknown } } | null;
}

function recordOf(event: Event | undefined): Record {
  return JSON.parse(event!.CloudTrailEvent!) as Record;
}

const createUser = (iam: IAMClient, name: string) => iam.send(new CreateUserCommand({ UserName: name }));

test('a write is told with caller, parameters and answer, a read without its answer', async () => {
  await using cloud = await startCloud();
  cloud.clock.set(Date.UTC(2030, 0, 2, 15, 4, 5));
  cloud.clock.freeze(true);
  const keys = adminOf(cloud, dev);
  const iam = iamOf(cloud, keys);
  const made = await createUser(iam, 'bob');
  await iam.send(new GetUserCommand({ UserName: 'bob' }));
  const [read, write] = await lookUp(trailOf(cloud));
  assert.deepEqual(
    [write?.EventName, write?.ReadOnly, write?.Username, write?.EventSource, write?.AccessKeyId, write?.EventTime],
    ['CreateUser', 'false', 'admin', 'iam.amazonaws.com', keys.accessKeyId, new Date(Date.UTC(2030, 0, 2, 15, 4, 5))],
  );
  assert.deepEqual(write?.Resources, [{ ResourceType: 'AWS::IAM::User', ResourceName: 'bob' }]);
  const { userIdentity, userAgent, ...record } = recordOf(write);
  assert.match(String(userAgent), /^aws-sdk-js/);
  assert.match(String(userIdentity['principalId']), /^AIDA/);
  assert.deepEqual(
    { ...userIdentity, principalId: '' },
    {
      type: 'IAMUser',
      principalId: '',
      arn: `arn:aws:iam::${dev}:user/admin`,
      accountId: dev,
      accessKeyId: keys.accessKeyId,
      userName: 'admin',
    },
  );
  assert.deepEqual(record, {
    eventVersion: '1.11',
    eventTime: '2030-01-02T15:04:05Z',
    eventSource: 'iam.amazonaws.com',
    eventName: 'CreateUser',
    awsRegion: 'us-east-1',
    sourceIPAddress: '127.0.0.1',
    requestParameters: { userName: 'bob' },
    responseElements: {
      user: {
        path: '/',
        userName: 'bob',
        userId: made.User!.UserId,
        arn: `arn:aws:iam::${dev}:user/bob`,
        createDate: 'Jan 2, 2030 3:04:05 PM',
      },
    },
    requestID: made.$metadata.requestId,
    eventID: write?.EventId,
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: dev,
    eventCategory: 'Management',
  });
  assert.equal(read?.ReadOnly, 'true');
  assert.equal(recordOf(read).responseElements, null);
});

test('a refused call has its code and message, and no answer', async () => {
  await using cloud = await startCloud();
  const iam = iamOf(cloud, adminOf(cloud, dev));
  await assert.rejects(iam.send(new GetUserCommand({ UserName: 'none' })));
  await createUser(iam, 'bob');
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'bob' }));
  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } = AccessKey!;
  await assert.rejects(iamOf(cloud, { accessKeyId, secretAccessKey }).send(new ListUsersCommand({})));
  const [denied] = await byName(trailOf(cloud), 'ListUsers');
  assert.equal(recordOf(denied)['errorCode'], 'AccessDenied');
  assert.match(
    String(recordOf(denied)['errorMessage']),
    /^User: arn:aws:iam::222222222222:user\/bob is not authorized/,
  );
  const [missing] = await byName(trailOf(cloud), 'GetUser');
  assert.equal(recordOf(missing)['errorCode'], 'NoSuchEntityException');
});

test('secrets stand in no record', async () => {
  await using cloud = await startCloud();
  const iam = iamOf(cloud, adminOf(cloud, dev));
  await createUser(iam, 'bob');
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'bob' }));
  await iam.send(new CreateLoginProfileCommand({ UserName: 'bob', Password: 'Secret-Word-1234' }));
  const AssumeRolePolicyDocument = trustOf(dev);
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'role', AssumeRolePolicyDocument }));
  const sts = stsOf(cloud, adminOf(cloud, dev));
  const assumed = await sts.send(new AssumeRoleCommand({ RoleArn: Role!.Arn!, RoleSessionName: 'session' }));
  const { SecretAccessKey, SessionToken, AccessKeyId } = assumed.Credentials!;
  const text = JSON.stringify(await lookUp(trailOf(cloud)));
  for (const secret of [AccessKey!.SecretAccessKey!, 'Secret-Word-1234', SecretAccessKey!, SessionToken!]) {
    assert.ok(!text.includes(secret));
  }
  const [profile] = await byName(trailOf(cloud), 'CreateLoginProfile');
  assert.deepEqual(recordOf(profile)['requestParameters'], {
    userName: 'bob',
    password: 'HIDDEN_DUE_TO_SECURITY_REASONS',
  });
  const [session] = await byName(trailOf(cloud), 'AssumeRole');
  const { credentials } = recordOf(session).responseElements!;
  assert.equal(credentials?.['accessKeyId'], AccessKeyId);
  assert.equal(credentials?.['sessionToken'], 'HIDDEN_DUE_TO_SECURITY_REASONS');
  assert.equal(credentials?.['secretAccessKey'], undefined);
});

test('a role assumed across accounts is told to both, by one shared id; what its session does names the role', async () => {
  await using cloud = await startCloud();
  const iam = iamOf(cloud, adminOf(cloud, dev));
  const AssumeRolePolicyDocument = trustOf(central);
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'role', AssumeRolePolicyDocument }));
  const sts = stsOf(cloud, adminOf(cloud, central));
  const assumed = await sts.send(new AssumeRoleCommand({ RoleArn: Role!.Arn!, RoleSessionName: 'session' }));
  const [here] = await byName(trailOf(cloud, central), 'AssumeRole');
  const [there] = await byName(trailOf(cloud, dev), 'AssumeRole');
  const [mine, theirs] = [recordOf(here), recordOf(there)];
  assert.equal(mine.userIdentity['type'], 'IAMUser');
  assert.deepEqual(theirs.userIdentity, {
    type: 'AWSAccount',
    principalId: mine.userIdentity['principalId'],
    accountId: central,
  });
  assert.ok(mine['sharedEventID'] !== undefined);
  assert.equal(mine['sharedEventID'], theirs['sharedEventID']);
  assert.notEqual(mine['eventID'], theirs['eventID']);
  assert.deepEqual([mine['recipientAccountId'], theirs['recipientAccountId']], [central, dev]);
  assert.deepEqual(theirs['resources'], [{ accountId: dev, type: 'AWS::IAM::Role', ARN: Role!.Arn }]);
  assert.equal(there?.AccessKeyId, undefined);

  const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '', SessionToken } = assumed.Credentials!;
  await stsOf(cloud, { accessKeyId, secretAccessKey, sessionToken: SessionToken }).send(
    new GetCallerIdentityCommand({}),
  );
  const [seen] = await byName(trailOf(cloud, dev), 'GetCallerIdentity');
  assert.equal(seen?.Username, 'session');
  const { userIdentity } = recordOf(seen);
  assert.equal(userIdentity['principalId'], `${Role!.RoleId}:session`);
  assert.deepEqual(userIdentity.sessionContext?.['sessionIssuer'], {
    type: 'Role',
    principalId: Role!.RoleId,
    arn: Role!.Arn,
    accountId: dev,
    userName: 'role',
  });
});

test('a role assumed with a web identity is told to its account, in the name of who the token is for', async () => {
  await using cloud = await startCloud();
  const issuer = 'https://token.actions.githubusercontent.com';
  const iam = iamOf(cloud, adminOf(cloud, dev));
  const ClientIDList = ['sts.amazonaws.com'];
  const made = await iam.send(new CreateOpenIDConnectProviderCommand({ Url: issuer, ClientIDList }));
  const provider = made.OpenIDConnectProviderArn!;
  const Statement = {
    Effect: 'Allow',
    Principal: { Federated: provider },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: { StringLike: { 'token.actions.githubusercontent.com:sub': 'repo:acme/*' } },
  };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'role', AssumeRolePolicyDocument }));
  const WebIdentityToken = await testToken(cloud, { issuer, subject: 'repo:acme/app' });
  const input = { RoleArn: Role!.Arn!, RoleSessionName: 'build', WebIdentityToken };
  await stsOf(cloud, { accessKeyId: 'none', secretAccessKey: 'none' }).send(
    new AssumeRoleWithWebIdentityCommand(input),
  );
  const [event] = await byName(trailOf(cloud), 'AssumeRoleWithWebIdentity');
  assert.equal(event?.Username, 'repo:acme/app');
  const { userIdentity, ...record } = recordOf(event);
  assert.deepEqual(userIdentity, {
    type: 'WebIdentityUser',
    principalId: `${provider}:sts.amazonaws.com:repo:acme/app`,
    userName: 'repo:acme/app',
    identityProvider: provider,
  });
  assert.deepEqual(record['requestParameters'], {
    roleArn: Role!.Arn,
    roleSessionName: 'build',
    webIdentityToken: 'HIDDEN_DUE_TO_SECURITY_REASONS',
  });
  assert.equal(record['recipientAccountId'], dev);
});

test('only management events are in the history', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  await db.send(new PutItemCommand({ TableName: 'things', Item: { id: { S: 'a' } } }));
  const s3 = new S3Client({ ...configOf(cloud, adminOf(cloud, dev)), forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: 'a-bucket' }));
  await s3.send(new PutObjectCommand({ Bucket: 'a-bucket', Key: 'a', Body: 'x' }));
  const events = await lookUp(trailOf(cloud));
  assert.deepEqual(
    events.map(({ EventName }) => EventName),
    ['CreateBucket', 'CreateTable'],
  );
  assert.deepEqual(events[0]?.Resources, [{ ResourceType: 'AWS::S3::Bucket', ResourceName: 'a-bucket' }]);
  assert.deepEqual(events[1]?.Resources, [{ ResourceType: 'AWS::DynamoDB::Table', ResourceName: 'things' }]);
});

test('histories are of one account and region; IAM stands in us-east-1', async () => {
  await using cloud = await startCloud();
  const europe = dynamodbOf(cloud, dev, 'eu-west-1');
  await europe.send(tableOf('things'));
  await assert.rejects(europe.send(new CreateTableCommand({ TableName: 'ab' })));
  await createUser(iamOf(cloud, adminOf(cloud, dev)), 'bob');
  const names = async (account: string, region: string) =>
    (await lookUp(trailOf(cloud, account, region))).map(({ EventName }) => EventName);
  assert.deepEqual(await names(dev, 'eu-west-1'), ['CreateTable', 'CreateTable']);
  assert.deepEqual(await names(dev, 'us-east-1'), ['CreateUser']);
  assert.deepEqual(await names(central, 'us-east-1'), []);
});

test('a lookup is by one attribute, and by time', async () => {
  await using cloud = await startCloud();
  cloud.clock.set(Date.UTC(2030, 0, 1));
  cloud.clock.freeze(true);
  const keys = adminOf(cloud, dev);
  const iam = iamOf(cloud, keys);
  await createUser(iam, 'one');
  cloud.clock.advance(60_000);
  await createUser(iam, 'two');
  cloud.clock.advance(60_000);
  await iam.send(new ListUsersCommand({}));
  const client = trailOf(cloud);
  const [, two, one] = await lookUp(client);
  const count = async (AttributeKey: string, AttributeValue: string) =>
    (await lookUp(client, { LookupAttributes: [{ AttributeKey: AttributeKey as 'EventId', AttributeValue }] })).length;
  assert.equal(await count('EventId', one!.EventId!), 1);
  assert.equal(await count('EventName', 'CreateUser'), 2);
  assert.equal(await count('ReadOnly', 'false'), 2);
  assert.equal(await count('Username', 'nobody'), 0);
  assert.equal(await count('ResourceName', 'two'), 1);
  assert.equal(await count('ResourceType', 'AWS::IAM::User'), 2);
  assert.equal(await count('EventSource', 'iam.amazonaws.com'), 3);
  assert.ok((await count('AccessKeyId', keys.accessKeyId)) > 3, 'the lookups are events too');
  const at = new Date(Date.UTC(2030, 0, 1, 0, 1));
  assert.deepEqual(
    (await lookUp(client, { StartTime: at, EndTime: at })).map(({ EventId }) => EventId),
    [two!.EventId],
  );
  cloud.clock.advance(91 * 86_400_000);
  assert.deepEqual(await lookUp(client), []);
});

test('pages are newest first, at most 50, and a token fits its request only', async () => {
  await using cloud = await startCloud();
  const iam = iamOf(cloud, adminOf(cloud, dev));
  for (let index = 0; index < 60; index++) await createUser(iam, `u${index}`);
  const client = trailOf(cloud);
  const LookupAttributes = [{ AttributeKey: 'EventName', AttributeValue: 'CreateUser' } as const];
  const names: string[] = [];
  const sizes: number[] = [];
  for await (const { Events = [] } of paginateLookupEvents({ client, pageSize: 25 }, { LookupAttributes })) {
    sizes.push(Events.length);
    names.push(...Events.map((event) => event.Resources![0]!.ResourceName!));
  }
  assert.deepEqual(sizes, [25, 25, 10]);
  assert.deepEqual(
    names,
    Array.from({ length: 60 }, (_, index) => `u${59 - index}`),
  );
  const first = await client.send(new LookupEventsCommand({ LookupAttributes }));
  assert.equal(first.Events?.length, 50);
  const { NextToken } = first;
  await assert.rejects(lookUp(client, { NextToken }), { name: 'InvalidNextTokenException' });
  await assert.rejects(lookUp(client, { NextToken: 'x' }), { name: 'InvalidNextTokenException' });
});

test('what a lookup may not ask is refused by its own code', async () => {
  await using cloud = await startCloud();
  const client = trailOf(cloud);
  const name = { AttributeKey: 'EventName', AttributeValue: 'a' } as const;
  const refused = (input: object, code: string) => assert.rejects(lookUp(client, input), { name: code });
  await refused({ LookupAttributes: [name, name] }, 'InvalidLookupAttributesException');
  await refused(
    { LookupAttributes: [{ AttributeKey: 'Nothing', AttributeValue: 'a' }] },
    'InvalidLookupAttributesException',
  );
  await refused({ MaxResults: 0 }, 'InvalidMaxResultsException');
  await refused({ MaxResults: 51 }, 'InvalidMaxResultsException');
  await refused({ StartTime: new Date(2000), EndTime: new Date(1000) }, 'InvalidTimeRangeException');
  await refused({ EventCategory: 'other' }, 'InvalidEventCategoryException');
});

test('there are no trails, and a reset empties the history', async () => {
  await using cloud = await startCloud();
  const client = trailOf(cloud);
  assert.deepEqual((await client.send(new DescribeTrailsCommand({}))).trailList, []);
  assert.deepEqual((await client.send(new ListTrailsCommand({}))).Trails, []);
  assert.equal((await lookUp(client)).length, 2);
  await control(cloud, 'POST', 'reset');
  assert.deepEqual(await lookUp(client), []);
});
