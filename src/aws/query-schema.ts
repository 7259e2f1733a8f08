// The Query protocol of IAM and STS, driven by the run-time schemas that come with the SDK's commands: parameters of
// a form on the way out, XML on the way back. What these two services do not use is refused, so that the SDK does it.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html

/** A schema as the SDK writes it; numbers are simple types, 64 more makes a list of one; `unit` has nothing in it. */
type Schema = number | 'unit' | readonly unknown[] | (() => Schema);

const simple = { text: 0, number: 1, boolean: 2, time: [4, 5, 6, 7], listOf: 64 } as const;
const kinds = { simple: 0, list: 1, structure: 3 } as const;

type Put = (name: string, text: string) => void;
type Write = (name: string, value: unknown, put: Put) => void;
type Read = (element: Element) => unknown;

/** Thrown for a schema that this file does not know. */
export class UnknownSchema extends Error {}

interface Shape<T> {
  readonly simple: (type: number) => T;
  readonly list: (item: T) => T;
  readonly structure: (members: readonly (readonly [name: string, member: T])[]) => T;
}

// A schema, unwrapped: lazy ones are called, and [schema, traits] must carry no name of its own.
function build<T>(schema: Schema, shape: Shape<T>): T {
  if (typeof schema === 'function') return build(schema(), shape);
  if (schema === 'unit') return shape.structure([]);
  if (typeof schema === 'number') {
    return schema >= simple.listOf ? shape.list(shape.simple(schema - simple.listOf)) : shape.simple(schema);
  }
  if (schema.length === 2 && typeof schema[0] !== 'string') return buildMember(schema, shape);
  const [kind, , , traits, first, second] = schema as [number, string, string, unknown, Schema, readonly Schema[]];
  checkTraits(traits);
  if (kind === kinds.simple) return build(first, shape);
  if (kind === kinds.list) return shape.list(build(first, shape));
  if (kind !== kinds.structure) throw new UnknownSchema(`kind ${kind}`);
  const names = first as unknown as readonly string[];
  return shape.structure(names.map((name, index) => [name, build(second[index]!, shape)] as const));
}

function buildMember<T>([schema, traits]: readonly unknown[], shape: Shape<T>): T {
  checkTraits(traits);
  return build(schema as Schema, shape);
}

// As bits they say nothing of the wire that matters here; as an object they may rename or flatten.
function checkTraits(traits: unknown): void {
  if (typeof traits === 'object' && traits !== null) throw new UnknownSchema('traits');
}

const writers: Shape<Write> = {
  simple: () => (name, value, put) => put(name, value instanceof Date ? value.toISOString() : String(value)),
  list: (item) => (name, value, put) => {
    const items = value as readonly unknown[];
    if (items.length === 0) put(name, '');
    items.forEach((one, index) => item(`${name}.member.${index + 1}`, one, put));
  },
  structure: (members) => (prefix, value, put) => {
    const values = value as Readonly<Record<string, unknown>>;
    for (const [name, write] of members) {
      const given = values[name];
      if (given !== undefined && given !== null) write(prefix === '' ? name : `${prefix}.${name}`, given, put);
    }
  },
};

const readers: Shape<Read> = {
  simple: (type) => {
    if (type === simple.text) return ({ text }) => text;
    if (type === simple.number) return ({ text }) => Number(text);
    if (type === simple.boolean) return ({ text }) => text === 'true';
    if (!simple.time.includes(type as 4)) throw new UnknownSchema(`type ${type}`);
    return ({ text }) => new Date(/^[\d.]+$/.test(text) ? Number(text) * 1000 : text);
  },
  list:
    (item) =>
    ({ children }) =>
      children.map(item),
  structure: (members) => {
    const known = new Map(members);
    return ({ children }) => {
      const value: Record<string, unknown> = {};
      for (const child of children) {
        const read = known.get(child.name);
        if (read !== undefined) value[child.name] = read(child);
      }
      return value;
    };
  },
};

export interface QueryOperation {
  readonly name: string;
  /** The form's text for an input, without Action and Version. */
  readonly form: (input: object) => string;
  readonly output: (root: Element) => object;
}

/** @throws UnknownSchema when the operation uses what this file does not know. */
export function queryOperation(schema: unknown): QueryOperation {
  if (!Array.isArray(schema) || schema[0] !== 9) throw new UnknownSchema('no operation');
  const [, , name, , input, output] = schema as [number, string, string, unknown, Schema, Schema];
  const write = build(input, writers);
  const read = build(output, readers);
  return {
    name,
    form: (value) => {
      let text = '';
      write('', value, (key, given) => (text += `&${key}=${formEncoded(given)}`));
      return text;
    },
    output: (root) => {
      const result = root.children.find((child) => child.name === `${name}Result`);
      return result === undefined ? {} : (read(result) as object);
    },
  };
}

/** RFC 3986: everything but letters, digits and `-._~` becomes `%XX`. */
function formEncoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

export interface Element {
  readonly name: string;
  text: string;
  readonly children: Element[];
}

// A tag (closing mark, name, attributes that are of no interest, empty mark) or text.
const token = /<(\/?)([\w:.-]+)[^>]*?(\/?)>|<[?!][^>]*>|([^<]+)/g;
const entities: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** The root element of a document, or undefined when it is none. */
export function readXml(text: string): Element | undefined {
  const top: Element = { name: '', text: '', children: [] };
  const open: Element[] = [top];
  for (const [, close, name, empty, chars] of text.matchAll(token)) {
    const parent = open.at(-1)!;
    if (chars !== undefined) parent.text += chars.includes('&') ? unescaped(chars) : chars;
    else if (close === '/') open.length = Math.max(1, open.length - 1);
    else if (name !== undefined) {
      const child: Element = { name, text: '', children: [] };
      parent.children.push(child);
      if (empty === '') open.push(child);
    }
  }
  return open.length === 1 ? top.children[0] : undefined;
}

function unescaped(text: string): string {
  return text.replace(/&(?:#x([\da-fA-F]+)|#(\d+)|(\w+));/g, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return entities[name] ?? whole;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });
}
