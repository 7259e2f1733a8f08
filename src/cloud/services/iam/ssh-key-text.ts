// RSA public keys as SSH and PEM write them.
import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto';
import { awsFailure } from '../../failures.ts';

/** https://docs.aws.amazon.com/IAM/latest/APIReference/API_UploadSSHPublicKey.html */
const bits = { least: 2048, most: 16_384 };

const sshType = 'ssh-rsa';

/**
 * The key's bytes as they travel in SSH.
 * @throws UnrecognizedPublicKeyEncoding, InvalidPublicKey
 */
export function parsePublicKey(text: string): Buffer {
  const jwk = /^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(text) ? fromPem(text) : fromSsh(text);
  const modulus = Buffer.from(jwk.n ?? '', 'base64url');
  const length = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (length < bits.least || length > bits.most) throw invalidKey();
  const fields = [Buffer.from(sshType), mpint(Buffer.from(jwk.e ?? '', 'base64url')), mpint(modulus)];
  return Buffer.concat(fields.flatMap((field) => [lengthOf(field), field]));
}

function fromPem(text: string): JsonWebKey {
  try {
    const key = createPublicKey(text);
    if (key.asymmetricKeyType === 'rsa') return key.export({ format: 'jwk' });
  } catch {
    throw unrecognized();
  }
  throw invalidKey();
}

function fromSsh(text: string): JsonWebKey {
  const [type, body] = text.trim().split(/[ \t]+/, 2);
  if (type !== sshType || body === undefined) throw unrecognized();
  const fields = fieldsOf(Buffer.from(body, 'base64'));
  if (fields?.length !== 3 || fields[0]!.toString() !== sshType) throw invalidKey();
  const [, e, n] = fields.map((field) => field.subarray(field.findIndex((byte) => byte !== 0)).toString('base64url'));
  return { kty: 'RSA', e, n } as JsonWebKey;
}

/** The length-prefixed fields; undefined when the bytes are not made of such. */
function fieldsOf(bytes: Buffer): readonly Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 <= bytes.length ? at + 4 + bytes.readUInt32BE(at) : Infinity;
    if (end > bytes.length) return undefined;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** RFC 4251, section 5: a leading zero keeps the number positive. */
function mpint(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function lengthOf(field: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(field.length);
  return length;
}

/** MD5 over the key as it travels in SSH, as `ssh-keygen -E md5` prints it. */
export function fingerprintOf(wire: Uint8Array): string {
  return createHash('md5').update(wire).digest('hex').match(/../g)!.join(':');
}

/** `ssh-rsa …`, without the comment that may have stood behind it. */
export function sshText(wire: string): string {
  return `${sshType} ${wire}`;
}

export function pemText(wire: string): string {
  const key = createPublicKey({ key: fromSsh(sshText(wire)), format: 'jwk' });
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function unrecognized(): Error {
  return awsFailure('UnrecognizedPublicKeyEncoding', 'Invalid public key uploaded.');
}

function invalidKey(): Error {
  return awsFailure('InvalidPublicKey', 'Invalid body for public key');
}
