import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recent } from '../../src/broker/recent.ts';

const names = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `n${index}`);

test('what is used over and over is kept, whatever else comes by', () => {
  const recent = new Recent<string>(8);
  recent.set('hot', 'value');
  for (const name of names(1000)) {
    recent.set(name, 'once');
    assert.equal(recent.get('hot'), 'value');
  }
});

test('what was not used for long is forgotten, and no more is kept than was allowed', () => {
  const recent = new Recent<string>(8);
  const all = names(100);
  for (const name of all) recent.set(name, name);
  const kept = all.filter((name) => recent.get(name) !== undefined);
  assert.ok(kept.length >= 4 && kept.length <= 8, `${kept.length} are kept`);
  assert.equal(recent.get(all.at(-1)!), all.at(-1));
});

test('large values take the place of several', () => {
  const recent = new Recent<string>(100, ({ length }) => length);
  for (const name of names(50)) recent.set(name, 'x'.repeat(10));
  assert.ok(names(50).filter((name) => recent.get(name) !== undefined).length <= 10);
});

test('a value that was replaced or taken away is not found again, in either generation', () => {
  for (const others of [0, 3, 4, 5]) {
    const recent = new Recent<string>(8);
    recent.set('one', 'old');
    for (const name of names(others)) recent.set(name, name);
    recent.set('one', 'new');
    assert.equal(recent.get('one'), 'new');
    for (const name of names(others)) recent.set(name, name);
    recent.delete('one');
    assert.equal(recent.get('one'), undefined);
  }
  const recent = new Recent<string>(8);
  for (const name of names(8)) recent.set(name, name);
  recent.clear();
  assert.deepEqual(
    names(8).filter((name) => recent.get(name) !== undefined),
    [],
  );
});
