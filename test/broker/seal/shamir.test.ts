import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { systemRandom } from '../../../src/base/index.ts';
import { combineShares, multiply, splitSecret } from '../../../src/broker/seal/shamir.ts';

interface Cases {
  readonly products: readonly (readonly [string, string, string])[];
  readonly secrets: readonly {
    readonly madeBy: string;
    readonly secret: string;
    readonly threshold: number;
    readonly shares: readonly string[];
  }[];
  readonly refused: readonly { readonly shares: readonly string[]; readonly why: string }[];
}

const cases = JSON.parse(readFileSync(new URL('../../cases/broker/shamir.json', import.meta.url), 'utf8')) as Cases;
const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
const hex = (value: Uint8Array | string): string =>
  typeof value === 'string' ? value : Buffer.from(value).toString('hex');

test('products are those of FIPS 197', () => {
  for (const [a, b, product] of cases.products) {
    assert.equal(multiply(Number.parseInt(a, 16), Number.parseInt(b, 16)), Number.parseInt(product, 16), `${a}·${b}`);
  }
});

for (const { madeBy, secret, threshold, shares } of cases.secrets) {
  test(`any ${threshold} of ${shares.length} shares made by ${madeBy} give the secret back`, () => {
    for (let from = 0; from < shares.length; from++) {
      const chosen = Array.from({ length: threshold }, (_, index) => shares[(from + index) % shares.length]!);
      assert.equal(hex(combineShares(chosen.map(bytes))), secret);
    }
    assert.equal(hex(combineShares(shares.map(bytes))), secret);
  });
}

for (const { shares, why } of cases.refused) {
  test(`shares [${shares.join(', ')}] are refused: ${why}`, () => {
    assert.equal(combineShares(shares.map(bytes)), why);
  });
}

const splits = fc
  .record({
    secret: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    shares: fc.integer({ min: 2, max: 12 }),
    seed: fc.integer({ min: 0 }),
  })
  .chain((given) => fc.record({ given: fc.constant(given), threshold: fc.integer({ min: 2, max: given.shares }) }));

test('any threshold of the shares, in any order, give the secret back, and one less does not', () => {
  fc.assert(
    fc.property(splits, fc.infiniteStream(fc.nat()), ({ given: { secret, shares }, threshold }, order) => {
      const parts = splitSecret(secret, shares, threshold, systemRandom);
      assert.equal(parts.length, shares);
      assert.equal(new Set(parts.map((part) => part.at(-1))).size, shares);
      assert.ok(parts.every((part) => part.length === secret.length + 1 && part.at(-1) !== 0));
      const shuffled = parts
        .map((part) => ({ part, at: order.next().value }))
        .sort((one, other) => one.at - other.at)
        .map(({ part }) => part);
      assert.deepEqual(combineShares(shuffled.slice(0, threshold)), secret);
      if (threshold > 2 && secret.length > 8) {
        assert.notDeepEqual(combineShares(shuffled.slice(0, threshold - 1)), secret);
      }
    }),
  );
});

test('255 shares of which 255 are needed are possible, 256 are not', () => {
  const secret = systemRandom.bytes(32);
  assert.deepEqual(combineShares(splitSecret(secret, 255, 255, systemRandom)), secret);
  for (const [shares, threshold] of [
    [256, 2],
    [3, 4],
    [3, 1],
  ] as const) {
    assert.throws(() => splitSecret(secret, shares, threshold, systemRandom), RangeError);
  }
  assert.throws(() => splitSecret(new Uint8Array(), 3, 2, systemRandom), RangeError);
});

test('fewer shares than needed fit every secret: they tell nothing', () => {
  // With one share of two, each of the 256 possible first bytes has exactly one second share that gives it.
  const [share] = splitSecret(Uint8Array.of(0x2a), 2, 2, systemRandom);
  const x = share!.at(-1) === 1 ? 2 : 1;
  const reached = new Set<string>();
  for (let y = 0; y < 256; y++) reached.add(hex(combineShares([share!, Uint8Array.of(y, x)])));
  assert.equal(reached.size, 256);
});
