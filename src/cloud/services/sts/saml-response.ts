// The SAML response of AssumeRoleWithSAML: that its provider signed it, and what it says.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html
import type { Millis } from '../../../base/index.ts';
import { attributeOf, childrenOf, parseXml, textOf } from '../../xml-document.ts';
import type { SamlProvider } from '../iam/identity-providers.ts';
import { invalidIdentityToken } from './federation.ts';
import type { SamlAttributes } from './saml-attributes.ts';
import { protocolNamespace, samlNamespace, signedAssertion } from './saml-signature.ts';

/** What a signed assertion says, before anybody asked whether it still holds. */
export interface SamlAssertion {
  readonly issuer: string;
  readonly issuedAt: Millis;
  /** Absent when the subject has no name. */
  readonly subject?: { readonly name: string; readonly format: string } | undefined;
  readonly recipient: string;
  readonly notBefore: Millis;
  readonly notOnOrAfter: Millis;
  readonly sessionEnd?: Millis | undefined;
  /** Each restriction must be met by one of its audiences. */
  readonly audiences: readonly (readonly string[])[];
  readonly attributes: SamlAttributes;
}

const success = 'urn:oasis:names:tc:SAML:2.0:status:Success';
const unspecified = 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified';

/** @throws InvalidIdentityToken */
export async function readResponse(base64: string, provider: SamlProvider): Promise<SamlAssertion> {
  const text = decoded(base64);
  const root = await parseXml(text);
  if (root?.localName !== 'Response' || root.namespaceURI !== protocolNamespace) {
    throw invalidIdentityToken('Invalid SAML response');
  }
  const issuer = textOf(childrenOf(root, samlNamespace, 'Issuer')[0]);
  if (issuer !== undefined) checkIssuer(issuer, provider);
  const [status] = childrenOf(root, protocolNamespace, 'Status').flatMap((element) =>
    childrenOf(element, protocolNamespace, 'StatusCode'),
  );
  if (attributeOf(status, 'Value') !== success) throw invalidIdentityToken('The SAML response is not one of success');
  if (childrenOf(root, samlNamespace, 'EncryptedAssertion').length > 0) {
    throw invalidIdentityToken('Encrypted assertions are not offered by the embedded AWS');
  }
  if (provider.encryption === 'Required') throw invalidIdentityToken('The SAML assertion must be encrypted');
  const assertion = await signedAssertion(text, root, provider.certificates);
  if (assertion === undefined) throw invalidIdentityToken('Response signature invalid');
  return readAssertion(assertion, provider);
}

/** @throws InvalidIdentityToken */
function decoded(base64: string): string {
  const text = base64.replace(/\s/g, '');
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) throw invalidIdentityToken('Invalid base64 SAMLResponse');
  return Buffer.from(text, 'base64').toString('utf8');
}

function checkIssuer(issuer: string, { entityId }: SamlProvider): void {
  if (issuer.trim() !== entityId) throw invalidIdentityToken('Issuer not present in specified provider');
}

function readAssertion(assertion: Element, provider: SamlProvider): SamlAssertion {
  const child = (parent: Element | undefined, name: string): Element | undefined =>
    parent && childrenOf(parent, samlNamespace, name)[0];
  const issuer = (textOf(child(assertion, 'Issuer')) ?? '').trim();
  checkIssuer(issuer, provider);
  const subject = child(assertion, 'Subject');
  const nameId = child(subject, 'NameID');
  const name = textOf(nameId)?.trim();
  const data = confirmationData(subject);
  const conditions = child(assertion, 'Conditions');
  const [statement] = childrenOf(assertion, samlNamespace, 'AuthnStatement');
  const ends = [timeOf(data, 'NotOnOrAfter'), timeOf(conditions, 'NotOnOrAfter')].filter((end) => end !== undefined);
  return {
    issuer,
    issuedAt: timeOf(assertion, 'IssueInstant') ?? 0,
    subject: name ? { name, format: attributeOf(nameId, 'Format') ?? unspecified } : undefined,
    recipient: attributeOf(data, 'Recipient')!,
    notBefore: Math.max(timeOf(data, 'NotBefore') ?? 0, timeOf(conditions, 'NotBefore') ?? 0),
    notOnOrAfter: Math.min(...ends),
    sessionEnd: timeOf(statement, 'SessionNotOnOrAfter'),
    audiences: audiencesOf(conditions),
    attributes: attributesOf(assertion),
  };
}

/** The one bearer confirmation, with its two attributes. @throws InvalidIdentityToken */
function confirmationData(subject: Element | undefined): Element {
  const found = (subject === undefined ? [] : childrenOf(subject, samlNamespace, 'SubjectConfirmation'))
    .filter((element) => attributeOf(element, 'Method') === 'urn:oasis:names:tc:SAML:2.0:cm:bearer')
    .flatMap((element) => childrenOf(element, samlNamespace, 'SubjectConfirmationData'));
  const [data, ...others] = found;
  const isWhole = attributeOf(data, 'Recipient') !== undefined && attributeOf(data, 'NotOnOrAfter') !== undefined;
  if (data !== undefined && others.length === 0 && isWhole) return data;
  throw invalidIdentityToken('The SAML assertion needs one SubjectConfirmationData with Recipient and NotOnOrAfter');
}

/** @throws InvalidIdentityToken for what is no time */
function timeOf(element: Element | undefined, name: string): Millis | undefined {
  const text = attributeOf(element, name);
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(time)) throw invalidIdentityToken(`${name} of the SAML assertion is no time`);
  return time;
}

function audiencesOf(conditions: Element | undefined): readonly (readonly string[])[] {
  if (conditions === undefined) return [];
  return childrenOf(conditions, samlNamespace, 'AudienceRestriction').map((restriction) =>
    childrenOf(restriction, samlNamespace, 'Audience').map((audience) => (textOf(audience) ?? '').trim()),
  );
}

function attributesOf(assertion: Element): SamlAttributes {
  const attributes = new Map<string, string[]>();
  for (const statement of childrenOf(assertion, samlNamespace, 'AttributeStatement')) {
    for (const attribute of childrenOf(statement, samlNamespace, 'Attribute')) {
      const name = attributeOf(attribute, 'Name') ?? '';
      const values = childrenOf(attribute, samlNamespace, 'AttributeValue').map(textOf);
      const known = attributes.get(name) ?? [];
      attributes.set(name, [...known, ...values.filter((value) => value !== undefined)]);
    }
  }
  return attributes;
}
