// Which part of a SAML response a certificate of its provider signed. SECURITY: what comes back was parsed from the very
// bytes that the signature covers, so nothing that was moved, wrapped or added around them can speak for it.
import { attributeOf, childrenOf, parseXml } from '../../xml-document.ts';

export const samlNamespace = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const protocolNamespace = 'urn:oasis:names:tc:SAML:2.0:protocol';
const signatureNamespace = 'http://www.w3.org/2000/09/xmldsig#';

/**
 * The one assertion of the response `root` (parsed from `text`) that is signed, by itself or with the whole response;
 * undefined when none is. `certificates` are base64 of DER.
 */
export async function signedAssertion(
  text: string,
  root: Element,
  certificates: readonly string[],
): Promise<Element | undefined> {
  const [assertion, ...more] = childrenOf(root, samlNamespace, 'Assertion');
  if (assertion === undefined || more.length > 0) return undefined;
  for (const element of [root, assertion]) {
    const signed = await signedForm(text, element, certificates);
    if (signed === undefined) continue;
    const assertions = element === root ? childrenOf(signed, samlNamespace, 'Assertion') : [signed];
    return assertions.length === 1 ? assertions[0] : undefined;
  }
  return undefined;
}

/** `element` as its own enveloped signature covers it. */
async function signedForm(
  text: string,
  element: Element,
  certificates: readonly string[],
): Promise<Element | undefined> {
  const [signature, ...others] = childrenOf(element, signatureNamespace, 'Signature');
  if (signature === undefined || others.length > 0) return undefined;
  for (const certificate of certificates) {
    const covered = await coveredText(text, signature, certificate);
    const found = covered === undefined ? undefined : await parseXml(covered);
    if (found === undefined) continue;
    const isSame =
      found.localName === element.localName &&
      found.namespaceURI === element.namespaceURI &&
      attributeOf(found, 'ID') === attributeOf(element, 'ID');
    return isSame ? found : undefined;
  }
  return undefined;
}

/** The canonical text of what the signature refers to; undefined when it does not hold, or refers to more than one thing. */
async function coveredText(text: string, signature: Element, certificate: string): Promise<string | undefined> {
  const { SignedXml } = await import('xml-crypto');
  const publicCert = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`;
  // The certificate inside the message proves nothing.
  const check = new SignedXml({ publicCert, getCertFromKeyInfo: () => null });
  try {
    check.loadSignature(signature);
    if (!check.checkSignature(text)) return undefined;
    const references = check.getSignedReferences();
    return references.length === 1 ? references[0] : undefined;
  } catch {
    // It throws for a signature that does not hold as well as for a form that it does not know.
    return undefined;
  }
}
