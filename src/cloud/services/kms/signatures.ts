// Signatures over a digest that is already there, which node:crypto does not offer: RSA by its raw operation and the
// paddings of RFC 8017, ECDSA by FIPS 186-5 with the curve's scalar multiplication from ECDH.
import {
  constants,
  createECDH,
  createHash,
  createPublicKey,
  privateEncrypt,
  publicDecrypt,
  timingSafeEqual,
  type KeyObject,
} from 'node:crypto';
import type { Random } from '../../../base/index.ts';
import { hashOf, type HashName } from './specs.ts';

/** The digest that `algorithm` signs. */
export function digestOf(algorithm: string, message: Uint8Array): Buffer {
  return createHash(hashOf(algorithm)).update(message).digest();
}

export function digestLength(algorithm: string): number {
  return Number(algorithm.slice(-3)) / 8;
}

export function signDigest(key: KeyObject, algorithm: string, digest: Buffer, random: Random): Buffer {
  if (algorithm.startsWith('ECDSA')) return signEcdsa(key, digest, random);
  const block = algorithm.startsWith('RSASSA_PSS')
    ? pssEncode(hashOf(algorithm), digest, modulusBytes(key), random.bytes(digest.length))
    : pkcs1Encode(hashOf(algorithm), digest, modulusBytes(key));
  return privateEncrypt({ key, padding: constants.RSA_NO_PADDING }, block);
}

export function verifyDigest(key: KeyObject, algorithm: string, digest: Buffer, signature: Uint8Array): boolean {
  if (algorithm.startsWith('ECDSA')) return verifyEcdsa(key, digest, signature);
  if (signature.length !== modulusBytes(key)) return false;
  let block: Buffer;
  try {
    block = publicDecrypt({ key: createPublicKey(key), padding: constants.RSA_NO_PADDING }, signature);
  } catch {
    return false;
  }
  const hash = hashOf(algorithm);
  if (algorithm.startsWith('RSASSA_PSS')) return pssVerify(hash, digest, block);
  return timingSafeEqual(block, pkcs1Encode(hash, digest, block.length));
}

function modulusBytes(key: KeyObject): number {
  return key.asymmetricKeyDetails!.modulusLength! / 8;
}

/** DER of a DigestInfo up to the digest: RFC 8017, section 9.2, note 1. */
const digestInfo: Readonly<Record<HashName, string>> = {
  sha224: '302d300d06096086480165030402040500041c',
  sha256: '3031300d060960864801650304020105000420',
  sha384: '3041300d060960864801650304020205000430',
  sha512: '3051300d060960864801650304020305000440',
};

function pkcs1Encode(hash: HashName, digest: Buffer, length: number): Buffer {
  const info = Buffer.concat([Buffer.from(digestInfo[hash], 'hex'), digest]);
  const fill = Buffer.alloc(length - info.length - 3, 0xff);
  return Buffer.concat([Buffer.from([0, 1]), fill, Buffer.from([0]), info]);
}

/** MGF1, RFC 8017, appendix B.2.1. */
function mask(hash: HashName, seed: Buffer, length: number): Buffer {
  const parts: Buffer[] = [];
  for (let counter = 0; parts.length * seed.length < length; counter++) {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    parts.push(createHash(hash).update(seed).update(count).digest());
  }
  return Buffer.concat(parts).subarray(0, length);
}

function pssHash(hash: HashName, digest: Buffer, salt: Uint8Array): Buffer {
  return createHash(hash).update(Buffer.alloc(8)).update(digest).update(salt).digest();
}

function xor(one: Buffer, other: Buffer): Buffer {
  return Buffer.from(one.map((byte, index) => byte ^ other[index]!));
}

/** EMSA-PSS, RFC 8017, section 9.1.1. The salt is as long as the digest, as KMS has it. */
function pssEncode(hash: HashName, digest: Buffer, length: number, salt: Uint8Array): Buffer {
  const h = pssHash(hash, digest, salt);
  const db = Buffer.alloc(length - h.length - 1);
  db.set([1, ...salt], db.length - salt.length - 1);
  const masked = xor(db, mask(hash, h, db.length));
  masked[0]! &= 0x7f;
  return Buffer.concat([masked, h, Buffer.from([0xbc])]);
}

function pssVerify(hash: HashName, digest: Buffer, block: Buffer): boolean {
  const bodyLength = block.length - digest.length - 1;
  if (block.at(-1) !== 0xbc || (block[0]! & 0x80) !== 0) return false;
  const h = block.subarray(bodyLength, -1);
  const db = xor(block.subarray(0, bodyLength), mask(hash, h, bodyLength));
  db[0]! &= 0x7f;
  const start = bodyLength - digest.length - 1;
  if (db[start] !== 1 || db.subarray(0, start).some((byte) => byte !== 0)) return false;
  return timingSafeEqual(h, pssHash(hash, digest, db.subarray(start + 1)));
}

/** Orders of the curves: SEC 2, sections 2.4 to 2.6. */
const orders: Readonly<Record<string, bigint>> = {
  prime256v1: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n,
  secp256k1: 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n,
  secp384r1: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  secp521r1:
    0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409n,
};

interface Curve {
  readonly name: string;
  readonly order: bigint;
  /** The private scalar. */
  readonly d: bigint;
}

function curveOf(key: KeyObject): Curve {
  const name = key.asymmetricKeyDetails!.namedCurve!;
  const d = toBigint(Buffer.from(key.export({ format: 'jwk' }).d!, 'base64url'));
  return { name, order: orders[name]!, d };
}

function toBigint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
}

function toBytes(value: bigint): Buffer {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}

function modulo(value: bigint, order: bigint): bigint {
  const rest = value % order;
  return rest < 0n ? rest + order : rest;
}

/** By the extended Euclidean algorithm. */
function inverse(value: bigint, order: bigint): bigint {
  let [a, b, x, y] = [modulo(value, order), order, 1n, 0n];
  while (a > 1n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  return modulo(x, order);
}

/** The x coordinate of `scalar` times the base point, modulo the order. */
function pointX({ name, order }: Curve, scalar: bigint): bigint {
  const ecdh = createECDH(name);
  ecdh.setPrivateKey(toBytes(scalar));
  const point = ecdh.getPublicKey();
  return modulo(toBigint(point.subarray(1, 1 + (point.length - 1) / 2)), order);
}

/** The leftmost bits of the digest, as many as the order has (FIPS 186-5, section 6.4.1). */
function digestNumber(digest: Buffer, order: bigint): bigint {
  const excess = digest.length * 8 - order.toString(2).length;
  return excess > 0 ? toBigint(digest) >> BigInt(excess) : toBigint(digest);
}

function signEcdsa(key: KeyObject, digest: Buffer, random: Random): Buffer {
  const curve = curveOf(key);
  const { order, d } = curve;
  for (;;) {
    const k = modulo(toBigint(random.bytes(toBytes(order).length + 8)), order - 1n) + 1n;
    const r = pointX(curve, k);
    const s = modulo(inverse(k, order) * (digestNumber(digest, order) + r * d), order);
    if (r !== 0n && s !== 0n) return derOf(r, s);
  }
}

/** Whoever verifies here holds the private key, so one multiplication of the base point is enough. */
function verifyEcdsa(key: KeyObject, digest: Buffer, signature: Uint8Array): boolean {
  const curve = curveOf(key);
  const { order, d } = curve;
  const numbers = numbersOf(Buffer.from(signature));
  if (numbers === undefined) return false;
  const [r, s] = numbers;
  if (r <= 0n || r >= order || s <= 0n || s >= order) return false;
  const scalar = modulo(inverse(s, order) * (digestNumber(digest, order) + r * d), order);
  return scalar !== 0n && pointX(curve, scalar) === r;
}

/** ANSI X9.62: a DER sequence of two integers. */
function derOf(...numbers: readonly bigint[]): Buffer {
  const body = Buffer.concat(
    numbers.map((number) => {
      const bytes = toBytes(number);
      const signed = bytes[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
      return Buffer.concat([Buffer.from([2, signed.length]), signed]);
    }),
  );
  return Buffer.concat([Buffer.from(body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length]), body]);
}

function numbersOf(der: Buffer): readonly [bigint, bigint] | undefined {
  const long = der[1] === 0x81;
  let at = long ? 3 : 2;
  if (der[0] !== 0x30 || der[long ? 2 : 1] !== der.length - at) return undefined;
  const numbers: bigint[] = [];
  while (at < der.length) {
    const length = der[at + 1] ?? 0;
    if (der[at] !== 2 || length === 0 || at + 2 + length > der.length) return undefined;
    numbers.push(toBigint(der.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return numbers.length === 2 ? [numbers[0]!, numbers[1]!] : undefined;
}
