// The matcher that filters and lists of actions share.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wildcardMatcher } from '../../src/policy/index.ts';

const cases: readonly (readonly [pattern: string, value: string, plain: boolean, escaped: boolean])[] = [
  ['', '', true, true],
  ['*', '', true, true],
  ['a*c', 'abbc', true, true],
  ['a*c', 'abbcd', false, false],
  ['a?c', 'ac', false, false],
  ['a?c', 'a\nc', true, true],
  ['a.c', 'abc', false, false],
  ['[a]+$', '[a]+$', true, true],
  ['a\\*', 'a*', false, true],
  ['a\\*', 'a\\b', true, false],
  ['a\\?b\\\\*', 'a?b\\c', false, true],
  ['a\\b', 'a\\b', true, true],
  ['*\\**', 'x*y', false, true],
  ['*\\**', 'xy', false, false],
];

for (const [pattern, value, plain, escaped] of cases) {
  test(`${JSON.stringify(pattern)} on ${JSON.stringify(value)}, with and without escapes`, () => {
    assert.deepEqual(
      [wildcardMatcher(pattern)(value), wildcardMatcher(pattern, { escapes: true })(value)],
      [plain, escaped],
    );
  });
}

test('case counts unless it is not to', () => {
  assert.equal(wildcardMatcher('S3:Get*')('s3:getobject'), false);
  assert.equal(wildcardMatcher('S3:Get*', { ignoreCase: true })('s3:getObject'), true);
});

test('a pattern made to try everything ends at once', () => {
  assert.equal(wildcardMatcher(`${'*?'.repeat(500)}X`)('a'.repeat(2000)), false);
  assert.equal(wildcardMatcher(`${'*a'.repeat(500)}b`)('a'.repeat(2000)), false);
});
