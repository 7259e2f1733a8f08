// A SAML identity provider for tests: its metadata, and responses as it signs them.
import { SignedXml } from 'xml-crypto';
import { makeCertificate, type Certificate } from './certificate.ts';

export const idp: Certificate = makeCertificate('idp');
export const entityId = 'https://idp.example.com/saml';

interface MetadataOptions {
  readonly validUntil?: string;
  readonly certificate?: Certificate;
}

export function metadataOf(entity: string, { validUntil, certificate = idp }: MetadataOptions = {}): string {
  const until = validUntil === undefined ? '' : ` validUntil="${validUntil}"`;
  return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="${entity}"${until}>
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate.base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
    </KeyDescriptor>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="${entity}/sso"/>
  </IDPSSODescriptor>
</EntityDescriptor>`;
}

/** What a response says; every member has a good default. */
export interface Saying {
  /** Milliseconds of the emulated clock. */
  readonly now: number;
  readonly roles: readonly string[];
  readonly attributes?: Readonly<Record<string, string | readonly string[]>>;
  readonly issuer?: string;
  readonly audience?: string | undefined;
  readonly recipient?: string;
  readonly nameId?: string;
  readonly issuedAgo?: number;
  readonly notBeforeIn?: number;
  readonly goodFor?: number;
  readonly sessionFor?: number;
  readonly status?: string;
}

const attributeStart = 'https://aws.amazon.com/SAML/Attributes/';
const at = (millis: number): string => new Date(millis).toISOString();

/** The response before it is signed. */
export function responseXml(saying: Saying): string {
  const { now, issuer = entityId, goodFor = 300_000, status = 'Success' } = saying;
  const issued = at(now - (saying.issuedAgo ?? 0));
  const end = at(now + goodFor);
  const audience = 'audience' in saying ? saying.audience : 'urn:amazon:webservices';
  const nameId =
    saying.nameId ?? '<NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">alice-id</NameID>';
  const attributes = { Role: saying.roles, RoleSessionName: 'alice', ...saying.attributes };
  return `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_response" Version="2.0" IssueInstant="${issued}"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">${issuer}</Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:${status}"/></samlp:Status><Assertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion" ID="_assertion" Version="2.0" IssueInstant="${issued}"><Issuer>${issuer}</Issuer><Subject>${nameId}<SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><SubjectConfirmationData NotOnOrAfter="${end}" Recipient="${saying.recipient ?? 'https://signin.aws.amazon.com/saml'}"/></SubjectConfirmation></Subject><Conditions NotBefore="${at(now + (saying.notBeforeIn ?? -1000))}" NotOnOrAfter="${end}">${audience === undefined ? '' : `<AudienceRestriction><Audience>${audience}</Audience></AudienceRestriction>`}</Conditions><AuthnStatement AuthnInstant="${issued}"${saying.sessionFor === undefined ? '' : ` SessionNotOnOrAfter="${at(now + saying.sessionFor)}"`}><AuthnContext/></AuthnStatement><AttributeStatement>${Object.entries(attributes).map(attributeXml).join('')}</AttributeStatement></Assertion></samlp:Response>`;
}

function attributeXml([name, values]: readonly [string, string | readonly string[]]): string {
  const isOwn = /^(?:Role|RoleSessionName|SessionDuration|SourceIdentity|TransitiveTagKeys|PrincipalTag:.*)$/.test(
    name,
  );
  const items = [values].flat().map((value) => `<AttributeValue>${value}</AttributeValue>`);
  return `<Attribute Name="${isOwn ? attributeStart : ''}${name}">${items.join('')}</Attribute>`;
}

/** Signs the element with this local name. */
export function signedXml(xml: string, element: 'Assertion' | 'Response', certificate: Certificate = idp): string {
  const signature = new SignedXml({
    privateKey: certificate.key,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  });
  signature.addReference({
    xpath: `//*[local-name(.)='${element}']`,
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/2001/10/xml-exc-c14n#'],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  });
  signature.computeSignature(xml, {
    location: { reference: `//*[local-name(.)='${element}']/*[local-name(.)='Issuer']`, action: 'after' },
  });
  return signature.getSignedXml();
}

/** A signed response as STS takes it. */
export function samlResponse(saying: Saying, certificate: Certificate = idp): string {
  return encoded(signedXml(responseXml(saying), 'Assertion', certificate));
}

export function encoded(xml: string): string {
  return Buffer.from(xml).toString('base64');
}
