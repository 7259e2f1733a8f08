import assert from 'node:assert/strict';
import {
  PutItemCommand,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { dynamodbOf, tableOf } from './support.ts';

const key = (id: string) => ({ id: { S: id } });
const put = (id: string): TransactWriteItem => ({ Put: { TableName: 'things', Item: key(id) } });
const mustExist = (id: string): TransactWriteItem => ({
  ConditionCheck: {
    TableName: 'things',
    Key: key(id),
    ConditionExpression: 'attribute_exists(id) and kind = :k',
    ExpressionAttributeValues: { ':k': { S: 'other' } },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  },
});

function write(db: DynamoDBClient, items: TransactWriteItem[], token?: string) {
  return db.send(
    new TransactWriteItemsCommand({
      TransactItems: items,
      ...(token === undefined ? {} : { ClientRequestToken: token }),
    }),
  );
}

async function count(db: DynamoDBClient): Promise<number | undefined> {
  return (await db.send(new ScanCommand({ TableName: 'things' }))).Count;
}

test('a transaction writes everything or nothing, and says for each part why not', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const seen = { ...key('seen'), kind: { S: 'one' } };
  await db.send(new PutItemCommand({ TableName: 'things', Item: seen }));
  await assert.rejects(write(db, [put('a'), mustExist('seen'), put('b'), mustExist('none')]), (error) => {
    assert.ok(error instanceof TransactionCanceledException);
    assert.equal(
      error.message,
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None, ConditionalCheckFailed]',
    );
    const failed = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
    assert.deepEqual(error.CancellationReasons, [
      { Code: 'None' },
      { ...failed, Item: seen },
      { Code: 'None' },
      failed,
    ]);
    return true;
  });
  assert.equal(await count(db), 1);
  await write(db, [put('a'), put('b')]);
  assert.equal(await count(db), 3);
});

test('an expression that cannot be done on an item cancels the transaction with ValidationError', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const Update = {
    TableName: 'things',
    Key: key('a'),
    UpdateExpression: 'SET a.b = :v',
    ExpressionAttributeValues: { ':v': { S: 'x' } },
  };
  await assert.rejects(write(db, [put('b'), { Update }]), {
    name: 'TransactionCanceledException',
    message: /\[None, ValidationError\]$/,
  });
  assert.equal(await count(db), 0);
});

test('a token makes a transaction happen once in ten minutes', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const add = (amount: string): TransactWriteItem => ({
    Update: {
      TableName: 'things',
      Key: key('a'),
      UpdateExpression: 'ADD hits :n',
      ExpressionAttributeValues: { ':n': { N: amount } },
    },
  });
  const hits = async () => (await db.send(new ScanCommand({ TableName: 'things' }))).Items![0]!['hits']!.N;
  await write(db, [add('1')], 'token');
  await write(db, [add('1')], 'token');
  assert.equal(await hits(), '1');
  await assert.rejects(write(db, [add('2')], 'token'), { name: 'IdempotentParameterMismatchException' });
  cloud.clock.advance(601_000);
  await write(db, [add('2')], 'token');
  assert.equal(await hits(), '3');
});

test('a transaction that was cancelled does not use its token up', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  await assert.rejects(write(db, [put('a'), mustExist('x')], 'token'), { name: 'TransactionCanceledException' });
  await write(db, [put('a')], 'token');
  assert.equal(await count(db), 1);
});

test('what a transaction may not be is refused before anything is written', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const refused = (items: TransactWriteItem[], message: RegExp) =>
    assert.rejects(write(db, items), { name: 'ValidationException', message });
  await refused([put('a'), mustExist('a')], /^Transaction request cannot include multiple operations on one item$/);
  await refused([{}], /^TransactItems can only contain one of Check, Put, Update or Delete$/);
  await refused([], /greater than or equal to 1$/);
  await refused(
    Array.from({ length: 101 }, (_, index) => put(`i${index}`)),
    /less than or equal to 100$/,
  );
  await assert.rejects(write(db, [put('a'), { Put: { TableName: 'none', Item: key('a') } }]), {
    name: 'ResourceNotFoundException',
  });
  assert.equal(await count(db), 0);
});

test('a transaction of reads answers in the order of its parts, with nothing for what is not there', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  await write(db, [put('a'), put('b')]);
  const TransactItems = ['b', 'none', 'a'].map((id) => ({ Get: { TableName: 'things', Key: key(id) } }));
  const { Responses } = await db.send(new TransactGetItemsCommand({ TransactItems }));
  assert.deepEqual(Responses, [{ Item: key('b') }, {}, { Item: key('a') }]);
});
