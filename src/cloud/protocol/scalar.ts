// Simple values on the wire and in memory: numbers, booleans, times and blobs as text, both ways.
// Reading returns undefined for text that is not of its kind; the protocols word the refusal.
import type { Member, SimpleTarget } from './model.ts';

export type Scalar = string | number | boolean | Date | Uint8Array;

// Each alternative starts differently, so matching is linear in the text.
const numberPattern = /^[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?$/;
const isoPattern = /^\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?$/;
const base64Pattern = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/** The member's value, or undefined when `text` is not of its kind. */
export function readScalar(member: Member, text: string): Scalar | undefined {
  switch ((member.target ?? 'string') as SimpleTarget) {
    case 'string':
      return text;
    case 'number':
      return readNumber(text);
    case 'boolean':
      return readBoolean(text);
    case 'blob':
    case 'stream':
      return readBase64(text);
    default:
      return readTime(text);
  }
}

function readNumber(text: string): number | undefined {
  const value = numberPattern.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

function readBoolean(text: string): boolean | undefined {
  const lower = text.toLowerCase();
  return lower === 'true' ? true : lower === 'false' ? false : undefined;
}

function readBase64(text: string): Uint8Array | undefined {
  return base64Pattern.test(text) ? new Uint8Array(Buffer.from(text, 'base64')) : undefined;
}

/** ISO 8601, seconds since 1970, or the form of HTTP headers (RFC 9110, section 5.6.7). */
export function readTime(text: string): Date | undefined {
  const seconds = readNumber(text);
  const time =
    seconds !== undefined ? seconds * 1000 : isoPattern.test(text) ? Date.parse(withZone(text)) : httpTime(text);
  return Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time) : undefined;
}

function httpTime(text: string): number {
  return /^[A-Za-z]{3}, \d\d [A-Za-z]{3} \d{4} \d\d:\d\d:\d\d GMT$/.test(text) ? Date.parse(text) : Number.NaN;
}

// A time without a zone is UTC on AWS's wire; JavaScript would take it as local.
function withZone(text: string): string {
  return text.length > 10 && !/(?:[Zz]|[+-]\d\d:?\d\d)$/.test(text) ? `${text}Z` : text;
}

/** How a protocol writes times whose shape does not say: with milliseconds (S3, EC2) or without (IAM, STS). */
export type TimeForm = 'seconds' | 'milliseconds' | 'http-date';

/** Text of a simple value, unescaped. A value of another type than the member's is a defect of the caller. */
export function writeScalar(member: Member, value: unknown, timeForm: TimeForm): string {
  if (value instanceof Date) return writeTime(member, value, timeForm);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  const text = typeof value === 'string' ? value : String(value);
  return member.uriEncoded === true ? uriEncode(text) : text;
}

function writeTime(member: Member, value: Date, timeForm: TimeForm): string {
  if (member.target === 'epoch-seconds') return String(value.getTime() / 1000);
  if (member.target === 'http-date' || (timeForm === 'http-date' && member.target !== 'date-time')) {
    return value.toUTCString();
  }
  const text = value.toISOString();
  return timeForm === 'milliseconds' ? text : text.replace(/\.\d{3}Z$/, 'Z');
}

/** RFC 3986: everything but letters, digits and `-_.~` is percent-encoded as UTF-8. A lone surrogate becomes U+FFFD. */
export function uriEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Undoes percent-encoding; undefined for broken encoding or bytes that are not UTF-8. `+` stays. */
export function uriDecode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
