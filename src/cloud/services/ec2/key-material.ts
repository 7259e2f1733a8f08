// The bytes of key pairs: new ones, imported ones, their fingerprints. RFC 4253 (section 6.6) and RFC 8709 for
// public keys, OpenSSH's PROTOCOL.key for private ED25519 keys.
import { createHash, createPublicKey, generateKeyPair, type JsonWebKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { KeyPair } from './model.ts';

type PublicHalf = Pick<KeyPair, 'type' | 'fingerprint' | 'publicKey'>;

const generate = promisify(generateKeyPair);

function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A number of an SSH message: a leading zero keeps it positive. */
function mpint(value: Buffer): Buffer {
  return text(value[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), value]) : value);
}

const bytesOf = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');

function sshBlob(jwk: JsonWebKey): Buffer {
  return jwk.kty === 'RSA'
    ? Buffer.concat([text('ssh-rsa'), mpint(bytesOf(jwk.e)), mpint(bytesOf(jwk.n))])
    : Buffer.concat([text('ssh-ed25519'), text(bytesOf(jwk.x))]);
}

function hexPairs(digest: Buffer): string {
  return digest.toString('hex').replace(/..(?=.)/g, '$&:');
}

function publicHalf(key: KeyObject, rsaFingerprint: string): PublicHalf {
  const jwk = key.export({ format: 'jwk' });
  const blob = sshBlob(jwk);
  const isRsa = jwk.kty === 'RSA';
  return {
    type: isRsa ? 'rsa' : 'ed25519',
    fingerprint: isRsa ? rsaFingerprint : createHash('sha256').update(blob).digest('base64'),
    publicKey: `${isRsa ? 'ssh-rsa' : 'ssh-ed25519'} ${blob.toString('base64')}`,
  };
}

/** A pair made here: of RSA the fingerprint is the SHA-1 of the private key in DER. */
export async function newKey(type: 'rsa' | 'ed25519'): Promise<PublicHalf & { readonly privateKey: string }> {
  if (type === 'rsa') {
    const { publicKey, privateKey } = await generate('rsa', { modulusLength: 2048 });
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    return {
      ...publicHalf(publicKey, hexPairs(createHash('sha1').update(der).digest())),
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs1' }).toString().trimEnd(),
    };
  }
  const { publicKey, privateKey } = await generate('ed25519');
  return { ...publicHalf(publicKey, ''), privateKey: opensshPrivateKey(privateKey.export({ format: 'jwk' })) };
}

/** A key file without passphrase, as `ssh-keygen` writes it. */
function opensshPrivateKey(jwk: JsonWebKey): string {
  const blob = sshBlob(jwk);
  // Two equal numbers by which a reader with a passphrase would see that it was the right one.
  const check = createHash('sha256').update(blob).digest().subarray(0, 4);
  const secret = Buffer.concat([check, check, blob, text(Buffer.concat([bytesOf(jwk.d), bytesOf(jwk.x)])), text('')]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.of(0, 0, 0, 1),
    text(blob),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString('base64').replace(/.{70}(?=.)/g, '$&\n');
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----`;
}

/**
 * A public key as it is imported: a line of OpenSSH, or PEM. Of RSA the fingerprint is the MD5 of the public
 * key in DER. Undefined for what is neither, and for other algorithms.
 */
export function importedKey(material: string): PublicHalf | undefined {
  const key = readPublicKey(material.trim());
  if (key === undefined) return undefined;
  const der = key.export({ format: 'der', type: 'spki' });
  return publicHalf(key, hexPairs(createHash('md5').update(der).digest()));
}

function readPublicKey(material: string): KeyObject | undefined {
  try {
    const key = material.startsWith('-----BEGIN') ? createPublicKey(material) : fromOpenSsh(material);
    return key?.asymmetricKeyType === 'rsa' || key?.asymmetricKeyType === 'ed25519' ? key : undefined;
  } catch {
    // What node cannot read is no key.
    return undefined;
  }
}

function fromOpenSsh(line: string): KeyObject | undefined {
  const blob = Buffer.from(/^(?:ssh-rsa|ssh-ed25519)\s+([\w+/=]+)/.exec(line)?.[1] ?? '', 'base64');
  const fields: Buffer[] = [];
  for (let at = 0; at + 4 <= blob.length;) {
    const length = blob.readUInt32BE(at);
    if (at + 4 + length > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const [algorithm, first, second] = fields;
  const number = (value: Buffer | undefined) =>
    (value ?? Buffer.alloc(0)).subarray(value?.[0] === 0 ? 1 : 0).toString('base64url');
  if (algorithm?.toString() === 'ssh-rsa') {
    return createPublicKey({ key: { kty: 'RSA', e: number(first), n: number(second) }, format: 'jwk' });
  }
  if (algorithm?.toString() === 'ssh-ed25519') {
    const x = (first ?? Buffer.alloc(0)).toString('base64url');
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  }
  return undefined;
}
