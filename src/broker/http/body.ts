// Reads what a request carries, with limits: size, UTF-8 and what stands in json-limits.ts are checked
// before anything is made of it.
import type { IncomingMessage } from 'node:http';
import { brokerFailure } from '../failures.ts';
import { checkJsonLimits } from './json-limits.ts';

const maxFormEntries = 10_000;

type Body = Readonly<Record<string, unknown>>;

/**
 * The JSON object of the body; an empty or null body is an empty object. A form is read as one.
 * @throws Failure `body-too-large`, `bad-request`.
 */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<Body> {
  const text = decodeUtf8(await readBytes(request, maxBytes));
  const form = (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  if (form && !/^\s*[{[]/.test(text)) return readQuery(text);
  return parseObject(text);
}

/** @throws Failure `media-type-unsupported`, `bad-request` unless it is the type of a JSON merge patch. */
export function checkPatchType(given: string): void {
  const type = given.split(';')[0]!.trim().toLowerCase();
  if (type === 'application/merge-patch+json') return;
  throw brokerFailure(
    type === '' ? 'bad-request' : 'media-type-unsupported',
    type === ''
      ? 'mime: no media type'
      : `PATCH requires Content-Type of application/merge-patch+json, provided ${type}`,
    { hint: 'send it as `Content-Type: application/merge-patch+json`' },
  );
}

/** Query or form values; one that is repeated becomes a list. @throws Failure `bad-request` for far too many. */
export function readQuery(query: string): Body {
  if (query === '') return {};
  const values = new Map<string, string | string[]>();
  let entries = 0;
  for (const [name, value] of new URLSearchParams(query)) {
    if (++entries > maxFormEntries) throw brokerFailure('bad-request', `more than ${maxFormEntries} values`);
    const before = values.get(name);
    if (before === undefined) values.set(name, value);
    else if (typeof before === 'string') values.set(name, [before, value]);
    else before.push(value);
  }
  return Object.fromEntries(values);
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    size += (chunk as Buffer).length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): Error {
  return brokerFailure('body-too-large', 'http: request body too large');
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw brokerFailure('bad-request', 'failed to parse JSON input: the body is not UTF-8', { cause: error });
  }
}

function parseObject(text: string): Body {
  if (text.trim() === '') return {};
  checkJsonLimits(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // SECURITY: the parser's message quotes the body, which may hold a secret: only the place is told.
    throw brokerFailure('bad-request', `failed to parse JSON input: syntax error ${placeOfError(text)}`);
  }
  if (value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Body;
  throw brokerFailure('bad-request', 'failed to parse JSON input: the body is not an object');
}

const placedUpTo = 64 * 1024;

/** Where JSON stops being JSON: just after the longest beginning that could still have become some. */
function placeOfError(text: string): string {
  if (text.length > placedUpTo) return 'in a long body';
  let good = 0;
  let bad = text.length + 1;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (middle <= text.length && couldBecomeJson(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  if (good === text.length) return 'at its end';
  const lines = text.slice(0, good).split('\n');
  return `in line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

function couldBecomeJson(beginning: string): boolean {
  try {
    JSON.parse(beginning);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    return /^Unexpected end|^Unterminated string/.test(message) || Number(position) >= beginning.length;
  }
}
