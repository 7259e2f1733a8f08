import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { keyedHash } from '../../src/broker/keyed-hash.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), minLength: 300, maxLength: 400 }),
  fc.constantFrom(341, 342, 1023, 1024, 1025, 5000).map((length) => '\u20ac'.repeat(length)),
);

test('is HMAC-SHA-256 for keys and texts of any length, one after the other', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 130 }), fc.array(text, { minLength: 1, maxLength: 6 }), (key, texts) => {
      const hash = keyedHash(key);
      for (const one of texts) assert.equal(hash(one), createHmac('sha256', key).update(one).digest('hex'));
    }),
  );
});

test('is what RFC 4231 says', () => {
  // Test cases 1, 2 and 6: https://www.rfc-editor.org/rfc/rfc4231#section-4
  const cases = [
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
    [
      Buffer.alloc(131, 0xaa),
      'Test Using Larger Than Block-Size Key - Hash Key First',
      '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54',
    ],
  ] as const;
  for (const [key, said, expected] of cases) assert.equal(keyedHash(key)(said), expected);
});
