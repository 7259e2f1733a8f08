// Reads the fields of a request body as Vault's framework does: weakly typed on the wire, exact
// afterwards. Null counts as left out, because hvac sends unset options as null.
import { isFailure, parseDuration } from '../base/index.ts';
import { brokerFailure } from './failures.ts';
import { fieldProblem } from './field-errors.ts';

interface FieldTypes {
  string: string;
  int: number;
  float: number;
  /** Seconds; accepts 900, "900", "15m". */
  seconds: number;
  /** As `seconds`, and may be negative. */
  signedSeconds: number;
  boolean: boolean;
  /** A JSON array or a comma-separated string. */
  list: readonly string[];
  /** A JSON array; a single text is one string, whatever stands in it. */
  strings: readonly string[];
  /** An object, or a list of `k=v`. */
  map: Readonly<Record<string, string>>;
  /** An object as it was given. */
  object: Readonly<Record<string, unknown>>;
  /** HTTP headers by name in lower case: an object, its JSON also in base64, or a list of `name:value`. */
  headers: Readonly<Record<string, readonly string[]>>;
}

export type FieldType = keyof FieldTypes;
export type FieldSchema = Readonly<Record<string, FieldType>>;
export type FieldValues<S extends FieldSchema> = { readonly [Name in keyof S]?: FieldTypes[S[Name]] };

/** Begins Vault's refusal of a value, but not on paths that are created and updated apart. */
const usualPrefix = 'Field validation failed: ';

/** @throws Failure `bad-request` naming the field whose value has the wrong type. */
export function readFields<const S extends FieldSchema>(
  schema: S,
  body: Readonly<Record<string, unknown>>,
  prefix: string = usualPrefix,
): FieldValues<S> {
  const values: Record<string, unknown> = {};
  for (const [name, type] of Object.entries(schema)) {
    const given = Object.hasOwn(body, name) ? body[name] : undefined;
    if (given !== undefined && given !== null) values[name] = convert(name, type, given, prefix);
  }
  return values as FieldValues<S>;
}

/** Vault's warning about fields that nothing reads; empty when there are none. */
export function unknownFieldWarnings(schema: FieldSchema, body: Readonly<Record<string, unknown>>): readonly string[] {
  const unknown = Object.keys(body).filter((name) => !Object.hasOwn(schema, name));
  return unknown.length === 0 ? [] : [`Endpoint ignored these unrecognized parameters: [${unknown.sort().join(' ')}]`];
}

const converters: { readonly [T in FieldType]: (value: unknown) => FieldTypes[T] | undefined } = {
  string: scalarText,
  float: (value) => {
    const number =
      typeof value === 'string' && /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(value) ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
  },
  int: (value) => {
    const isText = typeof value === 'string' && /^[+-]?\d+$/.test(value);
    const number = isText || typeof value === 'boolean' ? Number(value) : value;
    return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined;
  },
  seconds: (value) => {
    if (typeof value !== 'string' && typeof value !== 'number') return undefined;
    // As in Go: without a unit it is whole seconds.
    if (/^\d*\.\d*$/.test(String(value)) && value !== '') return undefined;
    const seconds = value === '' ? 0 : parseDuration(value);
    return Number.isFinite(seconds) && seconds < 1e10 ? seconds : undefined;
  },
  signedSeconds: (value) => {
    const text = typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
    const seconds = text === undefined ? undefined : converters.seconds(text.replace(/^-/, ''));
    return seconds !== undefined && text?.startsWith('-') === true ? -seconds : seconds;
  },
  boolean: (value) => {
    if (typeof value === 'boolean') return value;
    if (value === 'true' || value === '1' || value === 1) return true;
    return value === 'false' || value === '0' || value === 0 || value === '' ? false : undefined;
  },
  list: (value) => {
    if (typeof value === 'string') return splitList(value);
    const items = (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map(scalarText);
    return items.includes(undefined) ? undefined : items.map((item) => item!.trim());
  },
  strings: (value) => {
    if (value === '') return [];
    const items = (Array.isArray(value) ? (value as readonly unknown[]) : [value]).map(scalarText);
    return items.includes(undefined) ? undefined : (items as string[]);
  },
  object: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined,
  headers: (value) => {
    if (typeof value === 'string') return headersOf(jsonOf(value) ?? jsonOf(Buffer.from(value, 'base64').toString()));
    if (!Array.isArray(value)) return headersOf(value);
    const lines = value.map((line) => /^([^:]+):(.*)$/s.exec(String(line)));
    return lines.includes(null) ? undefined : headersOf(Object.fromEntries(lines.map((line) => [line![1], line![2]])));
  },
  map: (value) => {
    if (Array.isArray(value)) return pairs(value);
    if (typeof value === 'string') return value === '' ? {} : pairs([value]);
    if (typeof value !== 'object') return undefined;
    const members = Object.entries(value as object).map(([key, member]) => [key, scalarText(member ?? '')] as const);
    return members.some(([, text]) => text === undefined)
      ? undefined
      : (Object.fromEntries(members) as Record<string, string>);
  },
};

/** What a `string` field reads of a value; undefined when it is none. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function headersOf(value: unknown): Readonly<Record<string, readonly string[]>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const headers = new Map<string, readonly string[]>();
  for (const [name, given] of Object.entries(value)) {
    const texts = (Array.isArray(given) ? given : [given]).map(scalarText);
    if (texts.includes(undefined)) return undefined;
    headers.set(name.toLowerCase(), [...(headers.get(name.toLowerCase()) ?? []), ...(texts as string[])]);
  }
  return Object.fromEntries(headers);
}

function splitList(text: string): readonly string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim());
}

function pairs(items: readonly unknown[]): Readonly<Record<string, string>> | undefined {
  const result: [string, string][] = [];
  for (const item of items) {
    const at = typeof item === 'string' ? item.indexOf('=') : -1;
    if (at <= 0) return undefined;
    result.push([(item as string).slice(0, at), (item as string).slice(at + 1)]);
  }
  return Object.fromEntries(result);
}

const expected: Readonly<Record<FieldType, string>> = {
  string: 'a string',
  int: 'a whole number',
  float: 'a number',
  seconds: 'a duration such as `900` or `15m`',
  signedSeconds: 'a duration such as `900`, `15m` or `-1`',
  boolean: 'true or false',
  list: 'a list of strings',
  strings: 'a list of strings',
  map: 'an object of strings or a list of `k=v`',
  object: 'an object',
  headers: 'HTTP headers as an object, or its JSON in base64',
};

function convert(name: string, type: FieldType, given: unknown, prefix: string): unknown {
  let value: unknown;
  try {
    value = converters[type](given);
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  if (value !== undefined) return value;
  const problem = fieldProblem(type, given);
  throw brokerFailure(
    'bad-request',
    `${prefix}error converting input for field "${name}": ${problem ?? `expected ${expected[type]}`}`,
    { hint: problem === undefined ? undefined : `\`${name}\` is ${expected[type]}` },
  );
}
