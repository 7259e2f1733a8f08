// Parentheses that nest deep: what clients make of ten conditions, and what strangers make to stall the service.
import assert from 'node:assert/strict';
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { lessNested } from '../../../src/cloud/services/dynamodb/nesting.ts';
import { dynamodbOf, tableOf } from './support.ts';

const tidy = (text: string): string =>
  lessNested('FilterExpression', text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/\( | \)/g, (pair) => pair.trim())
    .trim();

const cases: readonly (readonly [what: string, given: string, read: string])[] = [
  ['up to two levels stay as they are', '(a = :a AND (b = :b))', '(a = :a AND (b = :b))'],
  ['conditions in a row', '(((a = :a AND b = :b) AND c = :c) AND d = :d)', 'a = :a AND b = :b AND c = :c AND d = :d'],
  ['AND binds tighter than OR', '(a OR (b AND (c AND (d))))', 'a OR b AND c AND (d)'],
  ['an OR of ORs', '((a OR (b OR c)) AND (d))', '(a OR b OR c) AND (d)'],
  ['NOT keeps its pair', '((NOT (a AND (b AND c))) OR d)', '(NOT (a AND b AND c)) OR d'],
  [
    'the AND of BETWEEN is none',
    '((a BETWEEN :x AND :y) OR (b AND ((c) = :z)))',
    '(a BETWEEN :x AND :y) OR b AND ((c) = :z)',
  ],
  [
    'functions and lists keep theirs',
    '(a IN (:x, :y) AND (size(b.c[0]) > :z AND (begins_with(d, :w))))',
    'a IN (:x, :y) AND size(b.c[0]) > :z AND (begins_with(d, :w))',
  ],
  ['names like AND', '((#AND = :or OR (a.and = :b AND c)) AND d)', '(#AND = :or OR a.and = :b AND c) AND d'],
  ['what does not pair is left to its own refusal', '(((a AND b)', '(((a AND b)'],
];
for (const [what, given, read] of cases) {
  test(what, () => assert.equal(tidy(given), read));
}

test('OR inside AND keeps its pair', () => {
  assert.equal(tidy('(((a AND (b OR c)) AND d) AND e)'), 'a AND (b OR c) AND d AND e');
});

test('a pair around a pair is refused, and what needs more than six levels', () => {
  const message = /^Invalid FilterExpression: The expression has redundant parentheses;$/;
  assert.throws(() => lessNested('FilterExpression', '(((a = :a)))'), { message });
  assert.throws(() => lessNested('FilterExpression', `${'('.repeat(2000)}a${')'.repeat(2000)}`), { message });
  const needed = `${'x AND (y OR '.repeat(7)}z${')'.repeat(7)}`;
  assert.throws(() => lessNested('FilterExpression', needed), { message: /up to 6 levels/ });
});

test('fifty conditions that boto3 puts in a row are read, and mean what they say', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
  const item = Object.fromEntries(names.map((name) => [name, { S: name }]));
  await db.send(new PutItemCommand({ TableName: 'things', Item: { id: { S: 'a' }, ...item } }));
  const scan = (last: string) => {
    const conditions = names.slice(1).map((name) => ` AND ${name} = :${name})`);
    const FilterExpression = `${'('.repeat(49)}n0 = :n0${conditions.join('')}`;
    const ExpressionAttributeValues = Object.fromEntries(names.map((name) => [`:${name}`, { S: name }]));
    const values = { ...ExpressionAttributeValues, ':n49': { S: last } };
    return db.send(new ScanCommand({ TableName: 'things', FilterExpression, ExpressionAttributeValues: values }));
  };
  assert.equal((await scan('n49')).Count, 1);
  assert.equal((await scan('other')).Count, 0);
});

test('an expression has at most 4 KB', async () => {
  await using cloud = await startCloud();
  const db = dynamodbOf(cloud);
  await db.send(tableOf('things'));
  const scan = (size: number) =>
    db.send(new ScanCommand({ TableName: 'things', FilterExpression: 'attribute_exists(a)'.padEnd(size) }));
  assert.equal((await scan(4096)).Count, 0);
  await assert.rejects(scan(4097), {
    name: 'ValidationException',
    message: 'Invalid FilterExpression: Expression size has exceeded the maximum allowed size; expression size: 4097',
  });
});
