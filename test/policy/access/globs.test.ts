import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globContains, globsOverlap } from '../../../src/policy/access/globs.ts';

/** All texts over `signs` of at most `length` signs. */
function textsOf(signs: string, length: number): readonly string[] {
  const shorter = length === 0 ? [] : textsOf(signs, length - 1);
  return ['', ...shorter.flatMap((text) => signs.split('').map((sign) => text + sign))];
}

/** What a pattern matches among texts. */
function matchedBy(pattern: string, texts: readonly string[]): readonly string[] {
  const expression = new RegExp(`^${pattern.replaceAll('?', '.').replaceAll('*', '.*')}$`);
  return texts.filter((text) => expression.test(text));
}

const patterns = textsOf('ab*?', 3);
// Long enough for both patterns after one another, and with a letter that neither has.
const texts = textsOf('abc', 6);
const matched = new Map(patterns.map((pattern) => [pattern, matchedBy(pattern, texts)]));
const allOf = new Map(patterns.map((pattern) => [pattern, new Set(matched.get(pattern))]));

test('patterns overlap if, and only if, some text matches both', () => {
  for (const one of patterns) {
    for (const other of patterns) {
      const overlap = matched.get(one)!.some((text) => allOf.get(other)!.has(text));
      assert.equal(globsOverlap(one, other), overlap, `${one} ${other}`);
    }
  }
});

test('a pattern that contains another matches all that the other matches', () => {
  for (const broad of patterns) {
    for (const narrow of patterns) {
      const contains = matched.get(narrow)!.every((text) => allOf.get(broad)!.has(text));
      if (globContains(broad, narrow)) assert.ok(contains, `${broad} ${narrow}`);
      // That `*?` takes in what `a*` matches is the one thing that it cannot tell.
      else if (!/[*?]{2}/.test(broad)) assert.ok(!contains, `${broad} ${narrow}`);
    }
  }
});
