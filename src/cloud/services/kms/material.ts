// Key material: made, stored as text in a `Secret`, and opened for use.
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  type ECKeyPairKeyObjectOptions,
  type RSAKeyPairKeyObjectOptions,
} from 'node:crypto';
import { promisify } from 'node:util';
import { Secret, type Random } from '../../../base/index.ts';
import type { KeyMaterial } from './model.ts';
import { keySpecs, type KeySpecName } from './specs.ts';

const generate = promisify(generateKeyPair) as {
  (type: 'rsa', options: RSAKeyPairKeyObjectOptions): Promise<{ privateKey: KeyObject }>;
  (type: 'ec', options: ECKeyPairKeyObjectOptions): Promise<{ privateKey: KeyObject }>;
};

/** Key material of `bytes` random bytes. */
export function newMaterial(random: Random, bytes: number): KeyMaterial {
  return materialOf(random.bytes(bytes));
}

/** Raw bytes or PKCS #8 DER as key material. Its id follows from its bytes, so that AWS knows material imported again. */
export function materialOf(bytes: Uint8Array): KeyMaterial {
  const id = createHash('sha256').update('key material').update(bytes).digest('hex');
  return { id, secret: new Secret(Buffer.from(bytes).toString('base64')) };
}

/** A new private key, as PKCS #8 DER. OpenSSL makes it: its randomness is not the world's. */
export async function newPrivateKey(spec: KeySpecName): Promise<Buffer> {
  const { rsaBits, curve } = keySpecs[spec];
  const { privateKey } =
    rsaBits === undefined
      ? await generate('ec', { namedCurve: curve! })
      : await generate('rsa', { modulusLength: rsaBits });
  return privateKey.export({ format: 'der', type: 'pkcs8' });
}

/** Material for a new key of `spec`. */
export async function materialFor(spec: KeySpecName, random: Random): Promise<KeyMaterial> {
  const { bytes } = keySpecs[spec];
  return bytes === undefined ? materialOf(await newPrivateKey(spec)) : newMaterial(random, bytes);
}

export function secretBytes({ secret }: Pick<KeyMaterial, 'secret'>): Buffer {
  return Buffer.from(secret.reveal(), 'base64');
}

// A memo: parsing an RSA key costs more than signing with a P-256 one. Rows are never changed in place.
const opened = new WeakMap<Secret, KeyObject>();

export function privateKeyOf({ secret }: Pick<KeyMaterial, 'secret'>): KeyObject {
  let key = opened.get(secret);
  if (key === undefined) {
    key = createPrivateKey({ key: Buffer.from(secret.reveal(), 'base64'), format: 'der', type: 'pkcs8' });
    opened.set(secret, key);
  }
  return key;
}
