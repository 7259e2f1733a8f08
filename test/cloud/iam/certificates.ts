// X.509 certificates for tests, made from DER by hand: Node reads certificates and does not make them.
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

export interface TestCertificate {
  readonly pem: string;
  readonly privateKey: KeyObject;
  readonly name: string;
  /** Milliseconds. */
  readonly validTo: number;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const algorithms = {
  rsa: der(0x30, oid(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b), der(0x05)),
  ec: der(0x30, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02)),
};

function nameOf(text: string): Buffer {
  return der(0x30, der(0x31, der(0x30, oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(text)))));
}

function time(millis: number): Buffer {
  const text = new Date(millis).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return der(0x18, Buffer.from(`${text}Z`));
}

let serial = 1;

/** A certificate of a new key, valid from ten days ago for `days` from now; signed by `issuer`, else by itself. */
export function certificateOf(options: {
  readonly name: string;
  readonly key?: 'rsa' | 'ec';
  readonly days?: number;
  readonly issuer?: TestCertificate;
}): TestCertificate {
  const { name, key = 'rsa', days = 365, issuer } = options;
  const { publicKey, privateKey } =
    key === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = issuer?.privateKey ?? privateKey;
  const algorithm = algorithms[signer.asymmetricKeyType === 'ec' ? 'ec' : 'rsa'];
  const validTo = Math.floor(Date.now() / 1000) * 1000 + days * 86_400_000;
  const content = der(
    0x30,
    der(0x02, Buffer.of(serial++)),
    algorithm,
    nameOf(issuer?.name ?? name),
    der(0x30, time(Date.now() - 10 * 86_400_000), time(validTo)),
    nameOf(name),
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = der(0x03, Buffer.of(0), sign('sha256', content, signer));
  const base64 = der(0x30, content, algorithm, signature).toString('base64');
  const pem = `-----BEGIN CERTIFICATE-----\n${base64.match(/.{1,64}/g)!.join('\n')}\n-----END CERTIFICATE-----\n`;
  return { pem, privateKey, name, validTo };
}

let kept: string | undefined;

/** A public key for SSH, the same in a whole process: making one of RSA takes longer than what is done with it. */
export function sshPublicKey(): string {
  kept ??= generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  return kept;
}
