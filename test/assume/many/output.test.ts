import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, nat, property, string } from 'fast-check';
import { loadMany } from '../../../src/assume/index.ts';

const { KeptOutput, LabelledLines } = await loadMany();

/** What comes out for these chunks. */
function labelled(chunks: readonly (string | Buffer)[], label = 'x | '): string {
  const lines = new LabelledLines(label);
  const out = chunks.map((chunk) => lines.push(Buffer.from(chunk)));
  return Buffer.concat([...out, lines.flush()]).toString();
}

test('each line has its label, also an empty one and the last without an end', () => {
  assert.equal(labelled(['a\n\nb']), 'x | a\nx | \nx | b\n');
  assert.equal(labelled([]), '');
  assert.equal(labelled(['a\r\nb\r\n']), 'x | a\r\nx | b\r\n');
});

test('a line comes out when it is complete, and not before', () => {
  const lines = new LabelledLines('x | ');
  assert.equal(lines.push(Buffer.from('a')).length, 0);
  assert.equal(lines.push(Buffer.from('b\nc')).toString(), 'x | ab\n');
  assert.equal(lines.flush().toString(), 'x | c\n');
  assert.equal(lines.flush().length, 0);
});

test('however a text is cut, also within a letter, the same lines come out', () => {
  assertProperty(
    property(string({ unit: 'grapheme', maxLength: 60 }), array(nat(80)), (text, cuts) => {
      const bytes = Buffer.from(`${text}\n€ü\n${text}`);
      const places = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
      const chunks = places.slice(1).map((end, at) => bytes.subarray(places[at], end));
      assert.equal(labelled(chunks), labelled([bytes]));
    }),
  );
});

test('a line of a gigabyte would not be held: it comes in parts of about a megabyte', () => {
  const lines = new LabelledLines('x | ');
  let longest = 0;
  let parts = 0;
  for (let at = 0; at < 100; at++) {
    const out = lines.push(Buffer.alloc(65_536, 'a'));
    if (out.length > 0) parts++;
    longest = Math.max(longest, out.length);
  }
  assert.ok(parts >= 5 && longest < 1.2e6, `${parts} parts, the longest of ${longest}`);
});

test('kept output ends at its limit, not within a letter, and says so', () => {
  const kept = new KeptOutput(4);
  kept.push(Buffer.from('a€'));
  assert.deepEqual([kept.text(), kept.truncated], ['a€', false]);
  kept.push(Buffer.from('b'));
  assert.deepEqual([kept.text(), kept.truncated], ['a€', true]);
  const cut = new KeptOutput(3);
  cut.push(Buffer.from('a€'));
  assert.deepEqual([cut.text(), cut.truncated], ['a', true]);
});
