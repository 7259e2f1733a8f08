// Reads the XML bodies of REST requests into the shapes of the wire model. Hardened: no document type,
// no entities of the document's own, bounded in size and depth. Whatever is wrong is `MalformedXML`.
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { awsFailure } from '../failures.ts';
import type { Member, ServiceModel, Structure } from './model.ts';
import { shapeOf } from './models.ts';
import { readScalar } from './scalar.ts';

/** An element as the parser leaves it: names to lists of elements, `@name` to attributes, `#text` to text. */
type XmlNode = { readonly [name: string]: unknown };

// A CompleteMultipartUpload of 10,000 parts with every checksum is the largest real body, about 3 MB.
const maxBytes = 4_194_304;
const maxDepth = 32;

const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function malformed(): Error {
  return awsFailure(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
    { status: 400 },
  );
}

function parse(body: Uint8Array): XmlNode {
  try {
    const text = strictUtf8.decode(body);
    if (/<!(?:DOCTYPE|ENTITY)/i.test(text) || XMLValidator.validate(text) !== true) throw malformed();
    const parser = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
      processEntities: false,
      ignoreDeclaration: true,
      ignorePiTags: true,
      maxNestedTags: maxDepth,
      cdataPropName: '#cdata',
      isArray: (name, _path, _leaf, attribute) => !attribute && name !== '#text',
    });
    return parser.parse(text) as XmlNode;
  } catch {
    throw malformed();
  }
}

/**
 * The root element of the body as `member`'s value; undefined for an empty body. The root's name must
 * be `name`, the shape's or the member's, as S3 wants it.
 * @throws `MalformedXML` 400
 */
export function readXmlBody(model: ServiceModel, member: Member, name: string, body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  if (body.length > maxBytes)
    throw awsFailure('MaxMessageLengthExceeded', 'Your request was too big.', { status: 400 });
  const document = parse(body);
  const roots = Object.keys(document).filter((key) => !key.startsWith('#') && !key.startsWith('?'));
  const root = roots[0];
  if (roots.length !== 1 || root === undefined || ![name, member.xmlName, member.target].includes(plainName(root)))
    throw malformed();
  return readElement(model, member, (document[root] as readonly unknown[])[0]);
}

function plainName(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function readElement(model: ServiceModel, member: Member, node: unknown): unknown {
  const shape = shapeOf(model, member);
  if (shape === undefined) {
    const value = readScalar(member, textOf(node));
    if (value === undefined) throw malformed();
    return value;
  }
  if (typeof node === 'string' && node.trim() !== '') throw malformed();
  const element: XmlNode = typeof node === 'object' && node !== null ? (node as XmlNode) : {};
  if (shape.kind === 'structure') return readStructure(model, shape, element);
  if (shape.kind === 'list') {
    return children(element, shape.member.xmlName ?? 'member').map((item) => readElement(model, shape.member, item));
  }
  return readEntries(model, shape, children(element, 'entry'));
}

function readStructure(model: ServiceModel, shape: Structure, element: XmlNode): object {
  const values: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(shape.members)) {
    const value = readMember(model, element, member.xmlName ?? name, member);
    if (value !== undefined) values[name] = value;
  }
  return values;
}

function readMember(model: ServiceModel, element: XmlNode, name: string, member: Member): unknown {
  if (member.attribute === true) {
    const attribute = element[`@${name}`];
    return typeof attribute === 'string' ? decodeEntities(attribute) : undefined;
  }
  const nodes = children(element, name);
  if (nodes.length === 0) return undefined;
  const shape = shapeOf(model, member);
  if (member.flattened === true && shape?.kind === 'list')
    return nodes.map((item) => readElement(model, shape.member, item));
  if (member.flattened === true && shape?.kind === 'map') return readEntries(model, shape, nodes);
  if (nodes.length > 1) throw malformed();
  return readElement(model, member, nodes[0]);
}

function readEntries(model: ServiceModel, shape: { key: Member; value: Member }, nodes: readonly unknown[]): object {
  const entries = nodes.map((node): [string, unknown] => {
    const element = node as XmlNode;
    const [key] = children(element, shape.key.xmlName ?? 'key');
    const [value] = children(element, shape.value.xmlName ?? 'value');
    if (key === undefined || value === undefined) throw malformed();
    return [textOf(key), readElement(model, shape.value, value)];
  });
  return Object.fromEntries(entries);
}

function children(element: XmlNode, name: string): readonly unknown[] {
  const found = Object.hasOwn(element, name) ? element[name] : undefined;
  return Array.isArray(found) ? (found as readonly unknown[]) : [];
}

/** Text of an element that has no elements in it. */
function textOf(node: unknown): string {
  if (typeof node === 'string') return decodeEntities(node);
  const element = node as XmlNode;
  if (Object.keys(element).some((name) => !name.startsWith('#') && !name.startsWith('@'))) throw malformed();
  const text = typeof element['#text'] === 'string' ? decodeEntities(element['#text']) : '';
  const cdata = Array.isArray(element['#cdata']) ? element['#cdata'].join('') : '';
  return text + cdata;
}

function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;&]{0,10});?/g, (whole, name: string) => {
    if (!whole.endsWith(';')) throw malformed();
    const known = Object.hasOwn(entities, name) ? entities[name] : undefined;
    return known ?? numericEntity(name);
  });
}

function numericEntity(name: string): string {
  const digits = /^#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))$/.exec(name);
  if (digits === null) throw malformed();
  const code = digits[1] === undefined ? Number(digits[2]) : Number.parseInt(digits[1], 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw malformed();
  return String.fromCodePoint(code);
}
