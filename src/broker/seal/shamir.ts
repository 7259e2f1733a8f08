// Shamir's secret sharing over GF(256), in the share format of Vault and OpenBao: one byte of value for
// each byte of the secret, then the share's x. Own code rather than a package: the known one
// (shamir-secret-sharing, audited) draws its own randomness and multiplies by look-up tables, whose
// access pattern depends on the secret. Its shares, and OpenBao's, are among the test cases.
import type { Random } from '../../base/index.ts';

// Most shares a secret can have: x is one byte, and 0 is the secret itself.
const maxShares = 255;

/**
 * Splits `secret` into `shares` parts, any `threshold` of which give it back; fewer tell nothing.
 * Expects 2 <= threshold <= shares <= 255 and a secret of one byte or more.
 */
export function splitSecret(
  secret: Uint8Array,
  shares: number,
  threshold: number,
  random: Random,
): readonly Uint8Array[] {
  if (threshold < 2 || shares < threshold || shares > maxShares || secret.length === 0) {
    throw new RangeError(`cannot split ${secret.length} bytes into ${shares} shares, ${threshold} needed`);
  }
  const xs = drawCoordinates(shares, random);
  const parts = xs.map((x) => Uint8Array.of(...new Uint8Array(secret.length), x));
  secret.forEach((value, index) => {
    // A polynomial of its own for each byte, the secret's byte where x is 0.
    const coefficients = Uint8Array.of(value, ...random.bytes(threshold - 1));
    for (const part of parts) part[index] = evaluate(coefficients, part[secret.length]!);
    coefficients.fill(0);
  });
  return parts;
}

/** Why shares cannot be put together, in Vault's words; the combined key of wrong shares is merely wrong. */
export type CombineProblem =
  | 'less than two parts cannot be used to reconstruct the secret'
  | 'parts must be at least two bytes'
  | 'all parts must be the same length'
  | 'duplicate part detected';

/** The secret of `parts`, or why they are no shares of one secret. Which of them is wrong nobody can tell. */
export function combineShares(parts: readonly Uint8Array[]): Uint8Array | CombineProblem {
  const [first] = parts;
  if (first === undefined || parts.length < 2) return 'less than two parts cannot be used to reconstruct the secret';
  if (first.length < 2) return 'parts must be at least two bytes';
  if (parts.some(({ length }) => length !== first.length)) return 'all parts must be the same length';
  const xs = parts.map((part) => part.at(-1)!);
  if (new Set(xs).size < xs.length) return 'duplicate part detected';
  const weights = xs.map((x, index) => weightAtZero(x, xs.toSpliced(index, 1)));
  return new Uint8Array(first.length - 1).map((_, index) =>
    parts.reduce((sum, part, which) => sum ^ multiply(part[index]!, weights[which]!), 0),
  );
}

// Different numbers from 1 to 255, by drawing without bias until there are enough.
function drawCoordinates(count: number, random: Random): readonly number[] {
  const drawn = new Set<number>();
  while (drawn.size < count) {
    for (const byte of random.bytes(count)) if (byte !== 0 && drawn.size < count) drawn.add(byte);
  }
  return [...drawn];
}

// Horner's rule.
function evaluate(coefficients: Uint8Array, x: number): number {
  return coefficients.reduceRight((sum, coefficient) => multiply(sum, x) ^ coefficient, 0);
}

/** Lagrange's basis polynomial of `x` at 0: the product of other / (x - other); minus is plus here. */
function weightAtZero(x: number, others: readonly number[]): number {
  return others.reduce((product, other) => multiply(product, multiply(other, inverse(x ^ other))), 1);
}

// SECURITY: no branch and no index depends on a value, so that time tells nothing.
/** The product in GF(256) modulo x^8 + x^4 + x^3 + x + 1 (FIPS 197, section 4.2). */
export function multiply(a: number, b: number): number {
  let product = 0;
  for (let bit = 7; bit >= 0; bit--) {
    product = ((product << 1) ^ (-(product >> 7) & 0x1b) ^ (-((b >> bit) & 1) & a)) & 0xff;
  }
  return product;
}

/** `a` to the power of 254, which is 1 / a, since a to the power of 255 is 1. */
function inverse(a: number): number {
  let power = a;
  let product = 1;
  for (let bit = 1; bit < 8; bit++) {
    power = multiply(power, power);
    product = multiply(product, power);
  }
  return product;
}
