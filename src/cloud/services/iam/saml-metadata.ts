// The metadata document of a SAML identity provider (OASIS, "Metadata for SAML 2.0", section 2), as far as IAM reads it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml.html
import { X509Certificate } from 'node:crypto';
import type { Millis } from '../../../base/index.ts';
import { attributeOf, childrenOf, parseXml, textOf } from '../../xml-document.ts';
import { invalidInput } from './failures.ts';
import type { SamlMetadata } from './identity-providers.ts';

const metadata = 'urn:oasis:names:tc:SAML:2.0:metadata';
const signature = 'http://www.w3.org/2000/09/xmldsig#';
/** Shorter keys are refused: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_saml.html */
const leastKeyBits = 1024;

/** @throws InvalidInput */
export async function readMetadata(document: string): Promise<SamlMetadata> {
  // A byte order mark is one of the documented reasons for the refusal.
  const root = document.startsWith('\uFEFF') ? undefined : await parseXml(document);
  const entity = root?.localName === 'EntityDescriptor' && root.namespaceURI === metadata ? root : undefined;
  const entityId = attributeOf(entity, 'entityID');
  const [descriptor] = entity === undefined ? [] : childrenOf(entity, metadata, 'IDPSSODescriptor');
  if (entity === undefined || !entityId || descriptor === undefined) throw unreadable();
  const certificates = signingCertificates(descriptor);
  if (certificates.length === 0) throw unreadable();
  return { entityId, certificates, ...expiry([entity, descriptor]) };
}

function unreadable() {
  return invalidInput('Could not parse metadata');
}

/** Keys without a use serve for both. */
function signingCertificates(descriptor: Element): readonly string[] {
  return childrenOf(descriptor, metadata, 'KeyDescriptor')
    .filter((key) => (attributeOf(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => childrenOf(key, signature, 'KeyInfo'))
    .flatMap((info) => childrenOf(info, signature, 'X509Data'))
    .flatMap((data) => childrenOf(data, signature, 'X509Certificate'))
    .map((element) => certificate((textOf(element) ?? '').replace(/\s/g, '')));
}

/** @throws InvalidInput when it is no certificate, or its key is too short */
function certificate(base64: string): string {
  try {
    const { publicKey } = new X509Certificate(Buffer.from(base64, 'base64'));
    const bits = publicKey.asymmetricKeyDetails?.modulusLength;
    if (bits === undefined || bits >= leastKeyBits) return base64;
  } catch {
    // Falls through: not a certificate.
  }
  throw unreadable();
}

/** The earliest `validUntil`. @throws InvalidInput */
function expiry(elements: readonly Element[]): { readonly validUntil?: Millis } {
  const given = elements.map((element) => attributeOf(element, 'validUntil')).filter((text) => text !== undefined);
  const times = given.map((text) => Date.parse(text));
  if (times.some(Number.isNaN)) throw unreadable();
  return times.length === 0 ? {} : { validUntil: Math.min(...times) };
}
