// Writes answers as XML from shapes: names, lists, maps, attributes and namespaces as the wire model
// says, everything else escaped. Members the shape does not have are not written.
import type { Member, ServiceModel, Structure } from './model.ts';
import { shapeOf } from './models.ts';
import { writeScalar, type TimeForm } from './scalar.ts';

export interface XmlStyle {
  readonly timeForm: TimeForm;
  readonly model: ServiceModel;
}

type Values = Readonly<Record<string, unknown>>;

export const xmlDeclaration = '<?xml version="1.0" encoding="UTF-8"?>\n';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
  '\r': '&#xD;',
};

// What XML 1.0, section 2.2, leaves out of its characters; lone surrogates are gone by then.
const unwritable = /[[\p{Cc}\uFFFE\uFFFF]--[\t\n\r\u007F-\u009F]]/gv;
const special = /[&<>"'\p{Cc}\p{Cs}\uFFFE\uFFFF]/v;

/** Text for an element or attribute. Characters that XML 1.0 cannot hold become U+FFFD, so that an answer always parses. */
export function escapeXml(text: string): string {
  if (!special.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/[&<>"'\r]/g, (character) => escapes[character]!)
    .replace(unwritable, '\uFFFD');
}

/** `<name>text</name>`. */
export function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** The members of a structure that travel in the body, one after the other, without an element around them. */
export function writeMembers(style: XmlStyle, shape: Structure, values: Values): string {
  let xml = '';
  for (const [name, member] of Object.entries(shape.members)) {
    const value = values[name];
    if (value === undefined || value === null || member.attribute === true) continue;
    if (member.in === undefined) xml += writeMember(style, member.xmlName ?? name, member, value);
  }
  return xml;
}

/** One member as one element, or as one per item for a flattened list. */
export function writeMember(style: XmlStyle, name: string, member: Member, value: unknown): string {
  const shape = shapeOf(style.model, member);
  if (shape === undefined) return `<${name}>${escapeXml(writeScalar(member, value, style.timeForm))}</${name}>`;
  if (shape.kind === 'structure') return writeStructure(style, name, member, shape, value as Values);
  if (shape.kind === 'list') {
    const itemName = member.flattened === true ? name : (shape.member.xmlName ?? 'member');
    const items = (value as readonly unknown[])
      .map((item) => writeMember(style, itemName, shape.member, item))
      .join('');
    return member.flattened === true ? items : `<${name}>${items}</${name}>`;
  }
  const entryName = member.flattened === true ? name : 'entry';
  const entries = Object.entries(value as Values)
    .map(([key, one]) => {
      const keyXml = element(shape.key.xmlName ?? 'key', key);
      return `<${entryName}>${keyXml}${writeMember(style, shape.value.xmlName ?? 'value', shape.value, one)}</${entryName}>`;
    })
    .join('');
  return member.flattened === true ? entries : `<${name}>${entries}</${name}>`;
}

function writeStructure(style: XmlStyle, name: string, member: Member, shape: Structure, values: Values): string {
  let attributes = '';
  if (member.xmlns !== undefined) {
    const [prefix, uri] = member.xmlns;
    attributes += ` xmlns${prefix === '' ? '' : `:${prefix}`}="${escapeXml(uri)}"`;
  }
  for (const [key, one] of Object.entries(shape.members)) {
    if (one.attribute !== true || values[key] === undefined || values[key] === null) continue;
    attributes += ` ${one.xmlName ?? key}="${escapeXml(writeScalar(one, values[key], style.timeForm))}"`;
  }
  return `<${name}${attributes}>${writeMembers(style, shape, values)}</${name}>`;
}
