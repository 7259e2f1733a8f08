import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isFailure } from '../../../src/base/index.ts';
import { loadMany, type NamedTarget } from '../../../src/assume/index.ts';

interface Case {
  readonly name: string;
  readonly wanted?: readonly string[];
  readonly stages?: readonly string[];
  readonly chosen?: readonly string[];
  readonly refused?: string;
  readonly hint?: string;
}

interface Cases {
  /** `NAME STAGE` each; the stage may be left out. */
  readonly targets: readonly string[];
  readonly cases: readonly Case[];
  /** A text, and its parts. */
  readonly lists: readonly (readonly [string, ...string[]])[];
  readonly production: readonly string[];
  readonly notProduction: readonly string[];
}

const file = join(import.meta.dirname, '..', '..', 'cases', 'assume', 'target-patterns.json');
const { targets, cases, lists, production, notProduction } = JSON.parse(readFileSync(file, 'utf8')) as Cases;
const { chooseTargets, isProduction, splitTargets } = await loadMany();

function named(text: string): NamedTarget {
  const [name = '', stage] = text.split(' ');
  return { name, stage };
}

for (const { name, wanted = [], stages = [], chosen, refused, hint = '' } of cases) {
  test(`targets of a pattern: ${name}`, () => {
    const choose = (): readonly NamedTarget[] => chooseTargets({ wanted, stages }, targets.map(named));
    if (chosen !== undefined) {
      assert.deepEqual(
        choose().map((target) => target.name),
        chosen,
      );
      return;
    }
    assert.throws(choose, (error) => {
      assert.ok(isFailure(error));
      assert.equal(error.code, refused);
      assert.ok(error.hint?.includes(hint), error.hint);
      return true;
    });
  });
}

test('a list is parted at commas, except inside braces', () => {
  for (const [text, ...parts] of lists)
    assert.deepEqual(
      splitTargets(text),
      parts.filter((part) => part !== ''),
    );
});

test('production is known by its stage, else by a word of its name', () => {
  assert.deepEqual(
    production.map(named).filter((target) => !isProduction(target)),
    [],
  );
  assert.deepEqual(notProduction.map(named).filter(isProduction), []);
});
