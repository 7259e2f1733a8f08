// XML that strangers send and whose structure matters to the letter: SAML. Parsed without document types, so there are
// no entities to expand and no attributes by default.
import { isFailure } from '../base/index.ts';

/** The parser, loaded when the first document arrives. */
async function loadParser() {
  const { DOMParser } = await import('@xmldom/xmldom');
  return DOMParser;
}

/** The root element of `text`; undefined when it is no well-formed XML, or has a document type. */
export async function parseXml(text: string): Promise<Element | undefined> {
  if (/<!DOCTYPE|<!ENTITY/i.test(text)) return undefined;
  const DOMParser = await loadParser();
  try {
    const refuse = (message: string): never => {
      throw new Error(message);
    };
    const document = new DOMParser({ errorHandler: { warning: refuse, error: refuse, fatalError: refuse } });
    return document.parseFromString(text, 'text/xml')?.documentElement ?? undefined;
  } catch (error) {
    if (isFailure(error)) throw error;
    return undefined;
  }
}

/** Children with this name, in document order. */
export function childrenOf(parent: Element, namespace: string, name: string): readonly Element[] {
  return Array.from(parent.childNodes).filter(
    (node): node is Element =>
      node.nodeType === 1 && (node as Element).localName === name && (node as Element).namespaceURI === namespace,
  );
}

/** The text of an element that holds nothing but text; undefined when it holds elements or a comment. */
export function textOf(element: Element | undefined): string | undefined {
  if (element === undefined) return undefined;
  const nodes = Array.from(element.childNodes);
  if (nodes.some(({ nodeType }) => nodeType !== 3 && nodeType !== 4)) return undefined;
  return nodes.map((node) => node.nodeValue ?? '').join('');
}

/** Value of an attribute without namespace; undefined when it is missing. */
export function attributeOf(element: Element | undefined, name: string): string | undefined {
  return element?.getAttributeNode(name)?.value ?? undefined;
}
