import assert from 'node:assert/strict';
import {
  DeleteResourcePolicyCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeEndpointsCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetResourcePolicyCommand,
  ListTablesCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
  PutResourcePolicyCommand,
  QueryCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateContinuousBackupsCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { central, dev } from '../support.ts';
import { dynamodbOf, tableOf } from './support.ts';

const arn = 'arn:aws:dynamodb:us-east-1:222222222222:table/things';

test('a table is CREATING in the answer and ACTIVE afterwards, made at the emulated time', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  cloud.clock.freeze(true);
  cloud.clock.set(Date.UTC(2030, 0, 1));
  const { TableDescription: made } = await db.send(tableOf('things'));
  assert.equal(made?.TableStatus, 'CREATING');
  assert.deepEqual(made?.CreationDateTime, new Date(Date.UTC(2030, 0, 1)));
  const { Table } = await db.send(new DescribeTableCommand({ TableName: 'things' }));
  assert.equal(Table?.TableStatus, 'ACTIVE');
  assert.equal(Table?.TableArn, arn);
  assert.equal(Table?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
  await assert.rejects(db.send(tableOf('things')), {
    name: 'ResourceInUseException',
    message: 'Table already exists: things',
  });
});

test('tables are of one account and one region, and go with their items', async () => {
  await using cloud = await startCloud();
  const here = dynamodbOf(cloud);
  const there = dynamodbOf(cloud, undefined, 'eu-west-1');
  const others = dynamodbOf(cloud, central);
  for (const client of [here, there, others]) await client.send(tableOf('things'));
  const put = new PutItemCommand({ TableName: 'things', Item: { id: { S: 'a' } } });
  await here.send(put);
  const items = async (client: typeof here) =>
    (await client.send(new DescribeTableCommand({ TableName: 'things' }))).Table?.ItemCount;
  assert.deepEqual(await Promise.all([here, there, others].map(items)), [1, 0, 0]);
  const { TableDescription } = await here.send(new DeleteTableCommand({ TableName: 'things' }));
  assert.equal(TableDescription?.TableStatus, 'DELETING');
  await assert.rejects(here.send(put), { name: 'ResourceNotFoundException' });
  await here.send(tableOf('things'));
  assert.equal(await items(here), 0);
});

test('tables are listed by name, page by page', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  for (const name of ['ccc', 'aaa', 'bbb']) await db.send(tableOf(name));
  const first = await db.send(new ListTablesCommand({ Limit: 2 }));
  assert.deepEqual([first.TableNames, first.LastEvaluatedTableName], [['aaa', 'bbb'], 'bbb']);
  const next = await db.send(new ListTablesCommand({ Limit: 2, ExclusiveStartTableName: 'bbb' }));
  assert.deepEqual([next.TableNames, next.LastEvaluatedTableName], [['ccc'], undefined]);
});

test('definitions that no key uses, and keys without definition, are refused', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  const unused = { AttributeDefinitions: [{ AttributeName: 'x', AttributeType: 'S' } as const] };
  await assert.rejects(db.send(tableOf('things', unused)), { name: 'ValidationException' });
  const KeySchema = [{ AttributeName: 'y', KeyType: 'HASH' } as const];
  await assert.rejects(db.send(tableOf('things', { KeySchema })), {
    name: 'ValidationException',
    message: /Some index key attributes are not defined in AttributeDefinitions. Keys: \[y\]/,
  });
  await assert.rejects(db.send(tableOf('ab')), {
    message: 'TableName must be at least 3 characters long and at most 255 characters long',
  });
});

test('a global index made later holds the items that were there, and goes again', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const Item = { id: { S: 'a' }, team: { S: 'red' } };
  await db.send(new PutItemCommand({ TableName: 'things', Item }));
  await db.send(new PutItemCommand({ TableName: 'things', Item: { id: { S: 'b' }, team: { N: '1' } } }));
  const made = await db.send(
    new UpdateTableCommand({
      TableName: 'things',
      AttributeDefinitions: [{ AttributeName: 'team', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [
        {
          Create: {
            IndexName: 'byTeam',
            KeySchema: [{ AttributeName: 'team', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        },
      ],
    }),
  );
  assert.equal(made.TableDescription?.TableStatus, 'UPDATING');
  const query = new QueryCommand({
    TableName: 'things',
    IndexName: 'byTeam',
    KeyConditionExpression: 'team = :t',
    ExpressionAttributeValues: { ':t': { S: 'red' } },
  });
  assert.deepEqual((await db.send(query)).Items, [Item]);
  const gone = await db.send(
    new UpdateTableCommand({
      TableName: 'things',
      GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'byTeam' } }],
    }),
  );
  assert.deepEqual(gone.TableDescription?.AttributeDefinitions, [{ AttributeName: 'id', AttributeType: 'S' }]);
  await assert.rejects(db.send(query), { message: 'The table does not have the specified index: byTeam' });
});

test('throughput and billing mode change, and no change is refused', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  const ProvisionedThroughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 5 };
  await db.send(tableOf('things', { BillingMode: undefined, ProvisionedThroughput }));
  const update = async (input: object) =>
    (await db.send(new UpdateTableCommand({ TableName: 'things', ...input }))).TableDescription;
  await assert.rejects(update({ ProvisionedThroughput }), {
    message: /^The provisioned throughput for the table will not change\./,
  });
  const less = await update({ ProvisionedThroughput: { ReadCapacityUnits: 4, WriteCapacityUnits: 6 } });
  assert.equal(less?.ProvisionedThroughput?.NumberOfDecreasesToday, 1);
  const demand = await update({ BillingMode: 'PAY_PER_REQUEST' });
  assert.equal(demand?.ProvisionedThroughput?.ReadCapacityUnits, 0);
  assert.equal(demand?.BillingModeSummary?.BillingMode, 'PAY_PER_REQUEST');
  await assert.rejects(update({}), { name: 'ValidationException', message: /^At least one of/ });
});

test('a protected table stays until its protection is taken away', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things', { DeletionProtectionEnabled: true }));
  const remove = new DeleteTableCommand({ TableName: 'things' });
  await assert.rejects(db.send(remove), {
    name: 'ValidationException',
    message: /^Resource cannot be deleted as it is currently protected against deletion\./,
  });
  await db.send(new UpdateTableCommand({ TableName: 'things', DeletionProtectionEnabled: false }));
  await db.send(remove);
});

test('time to live and point-in-time recovery are kept and shown', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const ttl = (Enabled: boolean, AttributeName: string) =>
    db.send(new UpdateTimeToLiveCommand({ TableName: 'things', TimeToLiveSpecification: { Enabled, AttributeName } }));
  const shown = async () =>
    (await db.send(new DescribeTimeToLiveCommand({ TableName: 'things' }))).TimeToLiveDescription;
  assert.deepEqual(await shown(), { TimeToLiveStatus: 'DISABLED' });
  await assert.rejects(ttl(false, 'ends'), { message: 'TimeToLive is already disabled' });
  await ttl(true, 'ends');
  assert.deepEqual(await shown(), { TimeToLiveStatus: 'ENABLED', AttributeName: 'ends' });
  await assert.rejects(ttl(true, 'ends'), { message: 'TimeToLive is already enabled' });
  const backups = (TableName: string) => db.send(new DescribeContinuousBackupsCommand({ TableName }));
  assert.deepEqual((await backups('things')).ContinuousBackupsDescription, {
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'DISABLED' },
  });
  const PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled: true };
  await db.send(new UpdateContinuousBackupsCommand({ TableName: 'things', PointInTimeRecoverySpecification }));
  const { PointInTimeRecoveryDescription } = (await backups('things')).ContinuousBackupsDescription!;
  assert.equal(PointInTimeRecoveryDescription?.RecoveryPeriodInDays, 35);
  await assert.rejects(backups('none'), { name: 'TableNotFoundException', message: 'Table not found: none' });
});

test('tags are added, changed and taken away', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things', { Tags: [{ Key: 'team', Value: 'red' }] }));
  const tag = (Key: string, Value: string) =>
    db.send(new TagResourceCommand({ ResourceArn: arn, Tags: [{ Key, Value }] }));
  await tag('team', 'blue');
  await tag('cost', '');
  await db.send(new UntagResourceCommand({ ResourceArn: arn, TagKeys: ['cost', 'none'] }));
  const { Tags } = await db.send(new ListTagsOfResourceCommand({ ResourceArn: arn }));
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'blue' }]);
  const nowhere = new ListTagsOfResourceCommand({ ResourceArn: `${arn}-none` });
  await assert.rejects(db.send(nowhere), { name: 'ResourceNotFoundException' });
  await assert.rejects(db.send(new ListTagsOfResourceCommand({ ResourceArn: 'arn:aws:s3:::bucket' })), {
    name: 'ValidationException',
  });
});

test('a policy has a revision that changes can expect', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const statement = { Effect: 'Allow', Principal: { AWS: central }, Action: 'dynamodb:GetItem', Resource: arn };
  const policy = (action: string) =>
    JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Action: action }] });
  const put = (action: string, ExpectedRevisionId?: string) =>
    db.send(new PutResourcePolicyCommand({ ResourceArn: arn, Policy: policy(action), ExpectedRevisionId }));
  const missing = (reason: string) => ({
    name: 'PolicyNotFoundException',
    message: `Resource-based policy not found for the provided ResourceArn: ${reason}`,
  });
  const get = () => db.send(new GetResourcePolicyCommand({ ResourceArn: arn }));
  await assert.rejects(get(), missing(arn));
  await assert.rejects(put('dynamodb:GetItem', '1'), missing(arn));
  const first = await put('dynamodb:GetItem', 'NO_POLICY');
  assert.equal((await put('dynamodb:GetItem')).RevisionId, first.RevisionId, 'the same text has the same revision');
  const second = await put('dynamodb:PutItem', first.RevisionId);
  assert.ok(Number(second.RevisionId) > Number(first.RevisionId));
  await assert.rejects(
    put('dynamodb:GetItem', first.RevisionId),
    missing(
      `Requested update for policy with revision id ${first.RevisionId}, but the policy associated to target table things has revision id ${second.RevisionId}.`,
    ),
  );
  await assert.rejects(
    put('dynamodb:GetItem', 'NO_POLICY'),
    missing(
      `Requested policy update expecting none to be present for table things, but a policy exists with revision id ${second.RevisionId}.`,
    ),
  );
  const shown = await get();
  assert.equal(shown.RevisionId, second.RevisionId);
  assert.deepEqual(JSON.parse(shown.Policy!), {
    Version: '2012-10-17',
    Statement: [{ ...statement, Principal: { AWS: `arn:aws:iam::${central}:root` }, Action: 'dynamodb:PutItem' }],
  });
  await db.send(new DeleteResourcePolicyCommand({ ResourceArn: arn }));
  await assert.rejects(get(), missing(arn));
  await db.send(new DeleteResourcePolicyCommand({ ResourceArn: arn }));
});

const allowed = { Effect: 'Allow', Principal: { AWS: dev }, Action: 'dynamodb:GetItem', Resource: '*' };
const wrong = 'One or more parameter values were invalid:';

// The words of the service, as measured by others: github.com/getmoto/moto (tests marked aws_verified) and notes on
// the ACK controllers.
for (const [what, policy, message] of [
  ['is no JSON', '{', `${wrong} Invalid policy document: This policy contains invalid Json`],
  [
    'has no statement',
    JSON.stringify({ Version: '2012-10-17', Statement: [] }),
    `${wrong} Invalid policy document: Could not parse the policy: Statement is empty!`,
  ],
  [
    'names actions that tables do not have',
    documentOf({ ...allowed, Action: ['dynamodb:GetRecords', 'dynamodb:GetItem', 's3:GetObject'] }),
    `${wrong} Invalid policy document: The following action names are invalid: "dynamodb:GetRecords", "s3:GetObject"`,
  ],
  [
    'names a user who is not there',
    documentOf({ ...allowed, Principal: { AWS: `arn:aws:iam::${dev}:user/nobody` } }),
    `${wrong} Invalid principal in policy document.`,
  ],
  [
    'lets everyone in',
    documentOf({ ...allowed, Principal: '*' }),
    'Resource-based policy grants unbounded access in one or more elements. Please revise the policy to ensure least-privilege form of access',
  ],
  ['is too long', documentOf(allowed) + ' '.repeat(20_480), `${wrong} Maximum policy size of 20480 bytes exceeded`],
] as const) {
  test(`a table's policy that ${what} is refused`, async () => {
    await using cloud = await startCloud();
    const db = dynamodbOf(cloud);
    await db.send(tableOf('things'));
    const put = new PutResourcePolicyCommand({ ResourceArn: arn, Policy: policy });
    await assert.rejects(db.send(put), { name: 'ValidationException', message });
  });
}

function documentOf(statement: object): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
}

test('calls about a policy take the ARN of a table of their own account and region only', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const refused = (ResourceArn: string, name: string, message: string) =>
    assert.rejects(db.send(new GetResourcePolicyCommand({ ResourceArn })), { name, message });
  const invalid = 'ValidationException';
  await refused('things', invalid, `${wrong} ARNs must start with 'arn:': things`);
  const elsewhere = arn.replace('us-east-1', 'eu-west-1');
  await refused(elsewhere, invalid, `${wrong} Invalid resource Arn: ${elsewhere}`);
  await refused(
    arn.replace(dev, central),
    invalid,
    'This action is only supported by accounts that match the resource owner\u2019s account.',
  );
  await refused(
    `${arn}/index/i`,
    invalid,
    `${wrong} Invalid resource arn provided, only table or stream is accepted. Provided resource arn: ${arn}/index/i`,
  );
  await refused(`${arn}2`, 'ResourceNotFoundException', 'Requested resource not found: Table: things2 not found');
});

test('the endpoint that is described is the one that answers', async () => {
  await using cloud = await startCloud();
  const { Endpoints } = await dynamodbOf(cloud).send(new DescribeEndpointsCommand({}));
  assert.deepEqual(Endpoints, [{ Address: new URL(cloud.endpoint).host, CachePeriodInMinutes: 1440 }]);
});
