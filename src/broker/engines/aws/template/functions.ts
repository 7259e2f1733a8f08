// The functions of a template: Vault's, and Go's own that make sense for names. Each says what it
// takes, so that a wrong call is refused in Go's words.
import { createHash } from 'node:crypto';
import { randomText, uuid, type Millis, type Random } from '../../../../base/index.ts';
import { sprint, sprintf, sprintln } from './format.ts';
import { splitRunes, toBytes, toText } from './quote.ts';
import { formatTime } from './time-layout.ts';
import { kindOf, typeName, type Value } from './values.ts';

/** What a name may depend on beside its template. */
export interface Sources {
  readonly now: Millis;
  readonly random: Random;
}

export type Parameter = 'string' | 'int' | 'any';

export interface GoFunction {
  readonly parameters: readonly Parameter[];
  /** The type of any number of further arguments. */
  readonly rest?: Parameter;
  /** Arguments are of the declared kinds. @throws Error whose message Go would report. */
  readonly call: (args: readonly Value[], sources: Sources) => Value;
}

/** Longest text a function may make; names have at most 64 characters. */
export const longestText = 16_384;

function text1(call: (text: string) => Value): GoFunction {
  return { parameters: ['string'], call: ([text]) => call(text as string) };
}

function comparison(call: (left: Value, right: Value) => boolean): GoFunction {
  return { parameters: ['any', 'any'], call: ([left, right]) => call(left!, right!) };
}

/** `and` and `or` are not here: they do not evaluate all their arguments. */
export const functions: Readonly<Record<string, GoFunction>> = {
  random: { parameters: ['int'], call: ([length], { random }) => randomOf(length as bigint, random) },
  truncate: { parameters: ['int', 'string'], call: ([length, text]) => truncate(length as bigint, text as string) },
  truncate_sha256: {
    parameters: ['int', 'string'],
    call: ([length, text]) => truncateHashed(length as bigint, text as string),
  },
  uppercase: text1((text) => toBytes(toText(text).toUpperCase())),
  lowercase: text1((text) => toBytes(toText(text).toLowerCase())),
  replace: {
    parameters: ['string', 'string', 'string'],
    call: ([find, by, text]) => replaceAll(text as string, find as string, by as string),
  },
  sha256: text1(sha256),
  base64: text1((text) => Buffer.from(text, 'latin1').toString('base64')),
  decode_base64: text1(decodeBase64),
  hex: text1((text) => Buffer.from(text, 'latin1').toString('hex')),
  decode_hex: text1(decodeHex),
  unix_time: { parameters: [], call: (_, { now }) => String(Math.floor(now / 1000)) },
  unix_time_millis: { parameters: [], call: (_, { now }) => String(Math.floor(now)) },
  timestamp: { parameters: ['string'], call: ([layout], { now }) => formatTime(now, layout as string) },
  uuid: { parameters: [], call: (_, { random }) => uuid(random) },
  glob: { parameters: ['string', 'string'], call: ([pattern, text]) => matches(pattern as string, text as string) },
  print: { parameters: [], rest: 'any', call: (args) => bounded(sprint(args)) },
  printf: {
    parameters: ['string'],
    rest: 'any',
    call: ([format, ...args]) => bounded(sprintf(format as string, args)),
  },
  println: { parameters: [], rest: 'any', call: (args) => bounded(sprintln(args)) },
  not: { parameters: ['any'], call: ([value]) => !isSet(value!) },
  len: { parameters: ['any'], call: ([value]) => lengthOf(value!) },
  index: { parameters: ['any'], rest: 'any', call: ([value, ...at]) => indexOf(value!, at) },
  slice: { parameters: ['any'], rest: 'any', call: ([value, ...at]) => sliceOf(value!, at) },
  eq: { parameters: ['any'], rest: 'any', call: ([first, ...others]) => equalsAny(first!, others) },
  ne: comparison((left, right) => !equals(left, right)),
  lt: comparison(less),
  le: comparison((left, right) => less(left, right) || equals(left, right)),
  gt: comparison((left, right) => !(less(left, right) || equals(left, right))),
  ge: comparison((left, right) => !less(left, right)),
};

function bounded(text: string): string {
  if (text.length > longestText) throw tooLong();
  return text;
}

function tooLong(): Error {
  return new Error(`the text is longer than ${longestText} bytes`);
}

function randomOf(length: bigint, random: Random): string {
  if (length < 0n) throw new Error('runtime error: makeslice: cap out of range');
  if (length > BigInt(longestText)) throw tooLong();
  return length === 0n ? '' : randomText(random, Number(length));
}

function truncate(length: bigint, text: string): string {
  if (length <= 0n) throw new Error(`max length must be > 0 but was ${length}`);
  return BigInt(text.length) > length ? text.slice(0, Number(length)) : text;
}

/** How much of a hash stands at the end of what was cut. */
const hashLength = 8;

function truncateHashed(length: bigint, text: string): string {
  if (length <= hashLength) throw new Error(`max length must be > ${hashLength} but was ${length}`);
  if (BigInt(text.length) <= length) return text;
  const kept = Number(length) - hashLength;
  return text.slice(0, kept) + sha256(text.slice(kept)).slice(0, hashLength);
}

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

// An empty `find` matches before each character and at the end, as in Go. The length is known before the
// text is made.
function replaceAll(text: string, find: string, by: string): string {
  const found = find === '' ? splitRunes(text).length + 1 : text.split(find).length - 1;
  if (text.length + found * (by.length - find.length) > longestText) throw tooLong();
  if (find === '')
    return (
      by +
      splitRunes(text)
        .map((rune) => rune + by)
        .join('')
    );
  return text.replaceAll(find, () => by);
}

// Line ends are skipped; the place of an error is counted without them, as far as names go.
function decodeBase64(text: string): string {
  const data = text.replace(/[\r\n]/g, '');
  const good = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?/.exec(data)![0];
  if (good.length === data.length) return Buffer.from(data, 'base64').toString('latin1');
  const bad = data.slice(good.length).search(/[^A-Za-z0-9+/]/);
  // Too short a group is told by where it begins, anything else by where it stands.
  throw new Error(`illegal base64 data at input byte ${good.length + (good.endsWith('=') ? 0 : Math.max(bad, 0))}`);
}

function decodeHex(text: string): string {
  const bad = /[^\da-fA-F]/.exec(text)?.[0];
  if (bad !== undefined) {
    const code = bad.charCodeAt(0);
    throw new Error(`encoding/hex: invalid byte: U+${code.toString(16).toUpperCase().padStart(4, '0')} '${bad}'`);
  }
  if (text.length % 2 !== 0) throw new Error('encoding/hex: odd length hex string');
  return Buffer.from(text, 'hex').toString('latin1');
}

/** `*` stands for any text; nothing else is special. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*');
  if (parts.length === 1) return pattern === text;
  const [first, ...middle] = parts as [string, ...string[]];
  const last = middle.pop()!;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of middle) {
    const found = text.indexOf(part, from);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    from = found + part.length;
  }
  return true;
}

function isSet(value: Value): boolean {
  return value !== null && value !== '' && value !== 0n && value !== 0 && value !== false;
}

function lengthOf(value: Value): bigint {
  if (value === null) throw new Error('len of nil pointer');
  if (typeof value !== 'string') throw new Error(`len of type ${typeName(value)}`);
  return BigInt(value.length);
}

function checkedIndex(value: Value, length: number): number {
  if (value === null) throw new Error('cannot index slice/array with nil');
  if (typeof value !== 'bigint') throw new Error(`cannot index slice/array with type ${typeName(value)}`);
  if (value < 0n || value > BigInt(length)) throw new Error(`index out of range: ${value}`);
  return Number(value);
}

function indexOf(value: Value, at: readonly Value[]): Value {
  if (value === null) throw new Error('index of untyped nil');
  if (at.length === 0) return value;
  if (typeof value !== 'string') throw new Error(`can't index item of type ${typeName(value)}`);
  const position = checkedIndex(at[0]!, value.length);
  if (position >= value.length) throw new Error(`reflect: string index out of range`);
  return indexOf(BigInt(value.charCodeAt(position)), at.slice(1));
}

function sliceOf(value: Value, at: readonly Value[]): string {
  if (value === null) throw new Error('slice of untyped nil');
  if (typeof value !== 'string') throw new Error(`can't slice item of type ${typeName(value)}`);
  if (at.length > 2)
    throw new Error(at.length > 3 ? `too many slice indexes: ${at.length}` : 'cannot 3-index slice a string');
  const [from = 0, to = value.length] = at.map((one) => checkedIndex(one, value.length));
  if (from > to) throw new Error(`invalid slice index: ${from} > ${to}`);
  return value.slice(from, to);
}

function equalsAny(first: Value, others: readonly Value[]): boolean {
  if (others.length === 0) throw new Error('missing argument for comparison');
  return others.some((other) => equals(first, other));
}

function equals(left: Value, right: Value): boolean {
  if (left === null || right === null) return left === right;
  if (kindOf(left) !== kindOf(right)) throw new Error('incompatible types for comparison');
  return left === right;
}

function less(left: Value, right: Value): boolean {
  for (const value of [left, right]) {
    if (kindOf(value) === 'nil' || kindOf(value) === 'struct') throw new Error('invalid type for comparison');
  }
  if (kindOf(left) !== kindOf(right)) throw new Error('incompatible types for comparison');
  if (typeof left === 'boolean') throw new Error('invalid type for comparison');
  return (left as string) < (right as string);
}
