// The policies AWS itself publishes are the largest set of documents known to be valid: all must be accepted.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { brotliDecompressSync } from 'node:zlib';
import { canonicalPolicy, compilePolicy, parsePolicy } from '../../src/policy/index.ts';

const packed = JSON.parse(
  readFileSync(new URL('../../src/policy/generated/managed-policies.json', import.meta.url), 'utf8'),
) as { readonly blocks: readonly string[] };
const documents = packed.blocks.flatMap((block) =>
  brotliDecompressSync(Buffer.from(block, 'base64')).toString().split('\n'),
);

test('every policy that AWS manages is accepted', () => {
  assert.ok(documents.length > 1000);
  for (const document of documents) assert.deepEqual(parsePolicy(document, 'identity').problems, []);
});

test('their canonical forms are documents of the same canonical form', () => {
  for (const document of documents.filter((_, index) => index % 8 === 0)) {
    const canonical = canonicalPolicy(compilePolicy(document, 'identity'));
    assert.equal(canonicalPolicy(compilePolicy(canonical, 'identity')), canonical);
  }
});
