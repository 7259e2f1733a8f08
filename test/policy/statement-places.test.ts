import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementPlaces } from '../../src/policy/index.ts';

const placesIn = (text: string) =>
  statementPlaces(text).map(({ start, end }) => `${start.line}:${start.column}-${end.line}:${end.column}`);

test('a lone statement starts behind its brace', () => {
  assert.deepEqual(placesIn('{"Statement": {"Effect": "Allow"}}'), ['1:16-1:34']);
});

test('of a list, the first starts behind the bracket and each other one where the one before ends', () => {
  assert.deepEqual(placesIn('{"Version":"2012-10-17","Statement":[{"Sid":"a"},{"Sid":"b"}]}'), [
    '1:38-1:49',
    '1:49-1:61',
  ]);
  assert.deepEqual(placesIn('{\n  "Statement": [\n    {\n    }\n  ]\n}'), ['2:17-4:6']);
});

test('a text without statements has no places', () => {
  assert.deepEqual(placesIn('{}'), []);
  assert.deepEqual(placesIn('{'), []);
});
