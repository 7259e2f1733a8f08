// X.509 certificates for tests, made in memory (RFC 5280, section 4.1): no key lies in the repository.
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface Certificate {
  readonly subject: string;
  readonly privateKey: KeyObject;
  /** PEM. */
  readonly key: string;
  readonly cert: string;
  /** Base64 of the DER, as metadata and SSL fingerprints use it. */
  readonly base64: string;
}

export interface CertificateOptions {
  readonly bits?: number;
  /** Signs it; itself unless given. */
  readonly issuer?: Certificate;
  readonly isAuthority?: boolean;
}

/** A certificate for `127.0.0.1`, good from 2020 to 2049. */
export function makeCertificate(
  subject: string,
  { bits = 2048, issuer, isAuthority = false }: CertificateOptions = {},
): Certificate {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  const signer = issuer?.privateKey ?? privateKey;
  const algorithm = sequence(objectId('2a864886f70d01010b'), der(0x05));
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([1, ...Buffer.from(subject).subarray(0, 7)])),
    algorithm,
    nameOf(issuer?.subject ?? subject),
    sequence(time('200101000000Z'), time('491231235959Z')),
    nameOf(subject),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        sequence(objectId('551d13'), der(0x04, sequence(...(isAuthority ? [der(0x01, Buffer.from([0xff]))] : [])))),
        sequence(objectId('551d11'), der(0x04, sequence(der(0x87, Buffer.from([127, 0, 0, 1]))))),
      ),
    ),
  );
  const bytes = sequence(body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, signer)));
  const base64 = bytes.toString('base64');
  return {
    subject,
    privateKey,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    base64,
  };
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => der(0x30, ...parts);
const objectId = (hex: string): Buffer => der(0x06, Buffer.from(hex, 'hex'));
const time = (text: string): Buffer => der(0x17, Buffer.from(text));

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(objectId('550403'), der(0x0c, Buffer.from(commonName)))));
}
