// X.509 certificates and private keys in PEM, as IAM takes them: one block for a certificate, several for a chain.
import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import type { Failure } from '../../../base/index.ts';
import { awsFailure } from '../../failures.ts';

const block = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The first certificate in the text; undefined when there is none that can be read. */
export function parseCertificate(text: string): X509Certificate | undefined {
  return parseAll(text)?.[0];
}

/** Every certificate of the text; undefined when one cannot be read. */
function parseAll(text: string): readonly X509Certificate[] | undefined {
  try {
    return text.match(block)?.map((pem) => new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

/** PEM with Unix line ends and nothing around it, as server certificates are given back. */
export function tidyPem(text: string): string {
  return text.replace(/\r\n?/g, '\n').trim();
}

export function malformedCertificate(message: string): Failure {
  return awsFailure('MalformedCertificate', message);
}

export interface KeyMaterial {
  readonly body: string;
  readonly privateKey: string;
  readonly chain: string | undefined;
}

/**
 * The certificate of a server, after everything IAM checks of it.
 * @throws MalformedCertificate, KeyPairMismatch
 */
export function checkKeyMaterial({ body, privateKey, chain }: KeyMaterial, now: number): X509Certificate {
  const certificate = parseCertificate(body);
  if (certificate === undefined) {
    throw malformedCertificate('Unable to parse certificate. Please ensure the certificate is in PEM format.');
  }
  if (!certificate.checkPrivateKey(parsePrivateKey(privateKey))) {
    throw awsFailure(
      'KeyPairMismatch',
      'The private key did not match the public key provided. Please verify the key material and try again.',
    );
  }
  checkDates(certificate, now);
  if (chain !== undefined) checkChain(certificate, chain);
  return certificate;
}

function parsePrivateKey(text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch {
    throw malformedCertificate('Invalid Private Key.');
  }
}

function checkDates(certificate: X509Certificate, now: number): void {
  if (certificate.validToDate.getTime() < now) {
    throw malformedCertificate(
      "Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed.",
    );
  }
  if (certificate.validFromDate.getTime() > now) {
    throw malformedCertificate(
      "Certificate is not yet valid. The 'Not Before' date restriction on the certificate has not passed.",
    );
  }
}

/** Each certificate of the chain must have signed the one before it; the first one the server's own. */
function checkChain(certificate: X509Certificate, text: string): void {
  const chain = parseAll(text);
  if (chain === undefined) throw malformedCertificate('Unknown');
  let signed = certificate;
  for (const [index, signer] of chain.entries()) {
    if (!signed.checkIssued(signer) || !signed.verify(signer.publicKey)) {
      throw malformedCertificate(
        `Unable to validate certificate chain. The certificate chain must start with the immediate signing certificate, followed by any intermediaries in order. The index within the chain of the invalid certificate is: ${index - 1}`,
      );
    }
    signed = signer;
  }
}
