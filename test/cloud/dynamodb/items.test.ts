import assert from 'node:assert/strict';
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  GetItemCommand,
  paginateQuery,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { startCloud } from '../../../src/cloud/index.ts';
import { send } from '../support.ts';
import { dynamodbOf, tableOf } from './support.ts';

const text = (value: string): AttributeValue => ({ S: value });
const number = (value: number): AttributeValue => ({ N: String(value) });

test('an item comes back as it was put, whatever its attributes are', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const item: Record<string, AttributeValue> = {
    id: text('é 😀'),
    bytes: { B: new Uint8Array([0, 255, 128]) },
    number: { N: '-12345678901234567890.5' },
    yes: { BOOL: true },
    nothing: { NULL: true },
    texts: { SS: ['a', 'b'] },
    numbers: { NS: ['1', '2.5'] },
    blobs: { BS: [new Uint8Array([1]), new Uint8Array([2])] },
    list: { L: [text('x'), { M: { deep: { B: new Uint8Array([7]) } } }] },
    empty: text(''),
  };
  await db.send(new PutItemCommand({ TableName: 'things', Item: item }));
  const { Item } = await db.send(new GetItemCommand({ TableName: 'things', Key: { id: item['id']! } }));
  assert.deepEqual(Item, item);
});

test('values nest 32 levels deep and no deeper', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  let deep = text('core');
  for (let level = 0; level < 32; level++) deep = level % 2 === 0 ? { M: { inner: deep } } : { L: [deep] };
  await db.send(new PutItemCommand({ TableName: 'things', Item: { id: text('a'), deep } }));
  const { Item } = await db.send(new GetItemCommand({ TableName: 'things', Key: { id: text('a') } }));
  assert.deepEqual(Item?.['deep'], deep);
  await assert.rejects(
    db.send(new PutItemCommand({ TableName: 'things', Item: { id: text('a'), deep: { M: { one: deep } } } })),
    { name: 'ValidationException', message: /^Nesting Levels have exceeded supported limits/ },
  );
});

test('a query walks numbers in their order, forwards and backwards, page by page', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('events', { range: true }));
  const times = [-1000, -2.5, -1, 0, 0.001, 1, 2, 10, 100, 1e20];
  for (const time of times.toReversed()) {
    await db.send(new PutItemCommand({ TableName: 'events', Item: { id: text('a'), at: number(time) } }));
  }
  const walk = async (forward: boolean, condition: string, values: Record<string, AttributeValue>) => {
    const pages = paginateQuery(
      { client: db, pageSize: 3 },
      {
        TableName: 'events',
        KeyConditionExpression: `id = :id${condition}`,
        ...(condition === '' ? {} : { ExpressionAttributeNames: { '#at': 'at' } }),
        ExpressionAttributeValues: { ':id': text('a'), ...values },
        ScanIndexForward: forward,
      },
    );
    const found: number[] = [];
    for await (const { Items = [] } of pages) found.push(...Items.map(({ at }) => Number(at!.N)));
    return found;
  };
  assert.deepEqual(await walk(true, '', {}), times);
  assert.deepEqual(await walk(false, '', {}), times.toReversed());
  assert.deepEqual(
    await walk(true, ' and #at between :a and :b', { ':a': number(-1), ':b': number(1) }),
    [-1, 0, 0.001, 1],
  );
  assert.deepEqual(await walk(false, ' and #at < :a', { ':a': number(-1) }), [-2.5, -1000]);
});

test('a local index gives attributes that it does not hold, a global one does not', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  const Projection = { ProjectionType: 'KEYS_ONLY' } as const;
  await db.send(
    tableOf('people', {
      range: true,
      AttributeDefinitions: [{ AttributeName: 'city', AttributeType: 'S' }],
      LocalSecondaryIndexes: [
        {
          IndexName: 'local',
          KeySchema: [
            { AttributeName: 'id', KeyType: 'HASH' },
            { AttributeName: 'city', KeyType: 'RANGE' },
          ],
          Projection,
        },
      ],
      GlobalSecondaryIndexes: [
        { IndexName: 'global', KeySchema: [{ AttributeName: 'city', KeyType: 'HASH' }], Projection },
      ],
    }),
  );
  const item = { id: text('a'), at: number(1), city: text('Bern'), age: number(40) };
  await db.send(new PutItemCommand({ TableName: 'people', Item: item }));
  const keys = { id: item.id, at: item.at, city: item.city };
  const query = (index: string, key: string, value: AttributeValue, all: boolean) =>
    db.send(
      new QueryCommand({
        TableName: 'people',
        IndexName: index,
        KeyConditionExpression: `${key} = :v`,
        ExpressionAttributeValues: { ':v': value },
        ...(all ? { Select: 'ALL_ATTRIBUTES' } : {}),
      }),
    );
  assert.deepEqual((await query('local', 'id', item.id, false)).Items, [keys]);
  assert.deepEqual((await query('local', 'id', item.id, true)).Items, [item]);
  assert.deepEqual((await query('global', 'city', item.city, false)).Items, [keys]);
  await assert.rejects(query('global', 'city', item.city, true), {
    name: 'ValidationException',
    message: /Select type ALL_ATTRIBUTES is not supported for global secondary index global/,
  });
});

test('a condition that fails changes nothing and gives the item back when asked', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const item = { id: text('a'), bytes: { B: new Uint8Array([1, 2]) } };
  await db.send(new PutItemCommand({ TableName: 'things', Item: item }));
  const again = new PutItemCommand({
    TableName: 'things',
    Item: { id: text('a') },
    ConditionExpression: 'attribute_not_exists(id)',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });
  await assert.rejects(db.send(again), (error) => {
    assert.ok(error instanceof ConditionalCheckFailedException);
    assert.equal(error.message, 'The conditional request failed');
    assert.deepEqual(error.Item, item);
    return true;
  });
  const { Items } = await db.send(new ScanCommand({ TableName: 'things' }));
  assert.deepEqual(Items, [item]);
});

test('maps and lists are equal when they say the same', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const map: AttributeValue = { M: { x: number(1), y: { L: [text('a'), { B: new Uint8Array([1]) }] } } };
  const list: AttributeValue = { L: [text('a'), text('b')] };
  await db.send(new PutItemCommand({ TableName: 'things', Item: { id: text('a'), map, list, deep: { M: { map } } } }));
  const holds = async (FilterExpression: string, values: Record<string, AttributeValue>) => {
    const ExpressionAttributeValues = values;
    const scan = new ScanCommand({
      TableName: 'things',
      FilterExpression,
      ExpressionAttributeValues,
      ExpressionAttributeNames: { '#map': 'map', '#list': 'list' },
    });
    return (await db.send(scan)).Count === 1;
  };
  const other: AttributeValue = { M: { x: number(2) } };
  assert.equal(await holds('#map = :m and #list = :l', { ':m': map, ':l': list }), true);
  assert.equal(await holds('deep.#map = :m and #list <> :m', { ':m': map }), true);
  assert.equal(await holds('#map = :m or #list = :m', { ':m': other }), false);
  assert.equal(await holds('#map in (:o, :m) and #list <> :o', { ':m': map, ':o': other }), true);
  assert.equal(await holds('#list = :l and attribute_exists(#map)', { ':l': { L: [text('b'), text('a')] } }), false);
});

test('fifty counters at once count to fifty', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('counters'));
  const add = new UpdateItemCommand({
    TableName: 'counters',
    Key: { id: text('a') },
    UpdateExpression: 'ADD hits :one',
    ExpressionAttributeValues: { ':one': number(1) },
    ReturnValues: 'UPDATED_NEW',
  });
  const answers = await Promise.all(Array.from({ length: 50 }, () => db.send(add)));
  assert.equal(Math.max(...answers.map(({ Attributes }) => Number(Attributes!['hits']!.N))), 50);
});

test('a batch writes and reads up to its limits, and refuses what is above or double', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const puts = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ PutRequest: { Item: { id: text(`i${index}`) } } }));
  await db.send(new BatchWriteItemCommand({ RequestItems: { things: puts(25) } }));
  await assert.rejects(db.send(new BatchWriteItemCommand({ RequestItems: { things: puts(26) } })), {
    name: 'ValidationException',
  });
  const twice = [...puts(1), { DeleteRequest: { Key: { id: text('i0') } } }];
  await assert.rejects(db.send(new BatchWriteItemCommand({ RequestItems: { things: twice } })), {
    name: 'ValidationException',
    message: 'Provided list of item keys contains duplicates',
  });
  const Keys = Array.from({ length: 100 }, (_, index) => ({ id: text(`i${index}`) }));
  const { Responses } = await db.send(new BatchGetItemCommand({ RequestItems: { things: { Keys } } }));
  assert.equal(Responses!['things']!.length, 25);
});

test('a batch of sixteen writes of a megabyte in all is read', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const big = 'x'.repeat(390_000);
  const puts = Array.from({ length: 16 }, (_, index) => ({
    PutRequest: { Item: { id: text(`i${index}`), big: text(big) } },
  }));
  await db.send(new BatchWriteItemCommand({ RequestItems: { things: puts } }));
  const page = await db.send(new ScanCommand({ TableName: 'things' }));
  assert.equal(page.Count, 3, 'a page ends at 1 MB');
  assert.ok(page.LastEvaluatedKey !== undefined);
});

test('a refusal has the body, type and checksum that DynamoDB sends', async () => {
  await using cloud = await startCloud();
  const answer = await send(cloud.endpoint, {
    method: 'POST',
    headers: { 'x-amz-target': 'DynamoDB_20120810.ListTables', 'content-type': 'application/x-amz-json-1.0' },
    body: '{}',
  });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers['content-type'], 'application/x-amz-json-1.0');
  assert.equal(answer.headers['x-amz-crc32'], String(crc32(answer.text)));
  const { __type } = JSON.parse(answer.text) as { __type: string };
  assert.equal(__type, 'com.amazon.coral.service#MissingAuthenticationTokenException');
  await assert.rejects(dynamodbOf(cloud).send(new GetItemCommand({ TableName: 'nothing', Key: { id: text('a') } })), {
    message: 'Requested resource not found',
    __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
  });
});
