import assert from 'node:assert/strict';
import {
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';
import { dynamodbOf, tableOf } from './support.ts';

const Item = { id: { S: 'a' }, at: { N: '-1.5' }, $own: { M: { bytes: { B: new Uint8Array([1, 2, 255]) } } } };

test('tables, items and indexes are there again after a restart, and gone after a reset', async (context) => {
  const state = mkdtempSync(join(tmpdir(), 'stint-dynamodb-'));
  context.after(() => rmSync(state, { recursive: true }));
  {
    await using cloud = await startCloud({ state });
    const db = dynamodbOf(cloud);
    await db.send(
      tableOf('things', {
        range: true,
        GlobalSecondaryIndexes: [
          {
            IndexName: 'byTime',
            KeySchema: [{ AttributeName: 'at', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      }),
    );
    await db.send(new PutItemCommand({ TableName: 'things', Item }));
    const Put = { TableName: 'things', Item: { id: { S: 'lost' }, at: { N: '1' } } };
    const Update = { TableName: 'things', Key: { id: { S: 'x' }, at: { N: '1' } }, UpdateExpression: 'SET a.b = id' };
    await assert.rejects(db.send(new TransactWriteItemsCommand({ TransactItems: [{ Put }, { Update }] })));
  }
  await using cloud = await startCloud({ state });
  const db = dynamodbOf(cloud);
  const get = (id: string, at: string) =>
    db.send(new GetItemCommand({ TableName: 'things', Key: { id: { S: id }, at: { N: at } } }));
  assert.deepEqual((await get('a', '-1.5')).Item, Item);
  assert.equal((await get('lost', '1')).Item, undefined);
  const query = new QueryCommand({
    TableName: 'things',
    IndexName: 'byTime',
    KeyConditionExpression: '#at = :at',
    ExpressionAttributeNames: { '#at': 'at' },
    ExpressionAttributeValues: { ':at': { N: '-1.5' } },
  });
  assert.deepEqual((await db.send(query)).Items, [Item]);
  await control(cloud, 'POST', 'reset');
  assert.deepEqual((await db.send(new ListTablesCommand({}))).TableNames, []);
  await db.send(tableOf('things', { range: true }));
  assert.equal((await get('a', '-1.5')).Item, undefined);
});
