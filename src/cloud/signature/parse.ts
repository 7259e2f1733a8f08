// The signature as a request carries it, in the Authorization header or in the query, parsed and
// checked for form; whether it is right is `signature.ts`'s to say.
import { hash } from 'node:crypto';
import type { Millis } from '../../base/index.ts';
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';
import type { Route } from '../protocol/index.ts';
import { uriDecode } from '../protocol/scalar.ts';
import type { Scope } from './canonical.ts';
import { signatureRefusal } from './refusals.ts';

export interface Presented {
  readonly accessKeyId: string;
  readonly scope: Scope;
  /** `20260101T000000Z`, and the moment it means. */
  readonly timestamp: string;
  readonly signedAt: Millis;
  /** Lower-case. */
  readonly signedHeaders: readonly string[];
  /** 64 hexadecimal digits, lower-case. */
  readonly signature: string;
  readonly token: string | undefined;
  /** Presigned only. */
  readonly expiresSeconds?: number | undefined;
  /** The query parameter of the signature as the client spells it. */
  readonly signatureName?: string | undefined;
}

const maxSignedHeaders = 100;
const weekSeconds = 604_800;

/** @throws the service's refusal of a malformed signature. */
export function presentedSignature(request: HttpRequest, route: Route): Presented {
  return route.presigned ? fromQuery(request, route) : fromHeader(request, route);
}

function fromHeader(request: HttpRequest, route: Route): Presented {
  const header = request.headers['authorization'] ?? '';
  const space = header.indexOf(' ');
  const algorithm = space === -1 ? header : header.slice(0, space);
  if (algorithm !== 'AWS4-HMAC-SHA256') throw signatureRefusal(route.protocol, 'unsupported-algorithm');
  const parts = headerParts(header.slice(space + 1), route);
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !parts.has(name));
  if (missing.length > 0) throw incomplete(route, missingParts(request, missing, route));
  const timestamp = timestampOf(request, route);
  return {
    ...credentialParts(parts.get('Credential')!, timestamp, route),
    ...timeOf(timestamp, route),
    signedHeaders: headerNames(parts.get('SignedHeaders')!, route),
    signature: hexSignature(parts.get('Signature')!, route),
    token: request.headers['x-amz-security-token'],
  };
}

function incomplete(route: Route, message: string): Error {
  if (route.presigned && route.protocol === 'rest-xml') {
    return awsFailure('AuthorizationQueryParametersError', message, { status: 400 });
  }
  return signatureRefusal(route.protocol, 'incomplete', message);
}

/** AWS names everything that is missing at once, and tells the header by its hash only. */
function missingParts({ headers }: HttpRequest, missing: readonly string[], route: Route): string {
  const sentences = missing.map((name) => `Authorization header requires '${name}' parameter.`);
  if (headers['x-amz-date'] === undefined && headers['date'] === undefined) sentences.push(noDate);
  if (route.protocol === 'rest-xml') return sentences.join(' ');
  const text = hash('sha256', headers['authorization'] ?? '', 'base64');
  return `${sentences.join(' ')} (Hashed with SHA-256 and encoded with Base64) Authorization=${text}`;
}

const s3NoDate = 'AWS authentication requires a valid Date or x-amz-date header';
const noDate = "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.";

function headerParts(text: string, route: Route): Map<string, string> {
  const parts = new Map<string, string>();
  for (const piece of text.split(',', 10)) {
    const equals = piece.indexOf('=');
    if (equals === -1) throw incomplete(route, noPair(piece));
    parts.set(piece.slice(0, equals).trim(), piece.slice(equals + 1).trim());
  }
  return parts;
}

// AWS repeats the hash only: the piece may hold what a client put there by mistake.
function noPair(piece: string): string {
  const text = hash('sha256', piece.trim(), 'base64');
  return `Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '${text}'.`;
}

function timestampOf(request: HttpRequest, route: Route): string {
  const stated = request.headers['x-amz-date'];
  if (stated !== undefined) return stated;
  const date = request.headers['date'];
  if (date === undefined && route.protocol === 'rest-xml') throw awsFailure('AccessDenied', s3NoDate, { status: 403 });
  if (date === undefined) throw incomplete(route, noDate);
  if (/^\d{8}T\d{6}Z$/.test(date)) return date;
  const moment = Date.parse(date.slice(0, 64));
  if (!Number.isFinite(moment)) throw incomplete(route, 'Date must be in ISO-8601 or RFC 1123 form.');
  return new Date(moment).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function timeOf(timestamp: string, route: Route): { timestamp: string; signedAt: Millis } {
  const digits = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(timestamp);
  const [, year, month, day, hour, minute, second] = digits ?? [];
  const signedAt = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (!Number.isFinite(signedAt)) {
    if (route.protocol === 'rest-xml' && route.presigned) throw incomplete(route, s3DateForm);
    throw incomplete(route, "Date must be in ISO-8601 'basic format'. Expected the form YYYYMMDD'T'HHMMSS'Z'.");
  }
  return { timestamp, signedAt };
}

function credentialParts(text: string, timestamp: string, route: Route): { accessKeyId: string; scope: Scope } {
  const [accessKeyId, date, region, service, terminator, ...more] = text.split('/', 8);
  if (!accessKeyId || !date || !region || !service || terminator === undefined || more.length > 0) {
    throw badCredential(
      route,
      'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.',
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (terminator !== 'aws4_request') {
    throw badCredential(
      route,
      "Credential should be scoped with a valid terminator: 'aws4_request'.",
      `incorrect terminal "${terminator}". This endpoint uses "aws4_request".`,
    );
  }
  if (!timestamp.startsWith(date) || !/^\d{8}$/.test(date)) {
    throw incomplete(
      route,
      'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP.',
    );
  }
  return { accessKeyId, scope: { date, region, service } };
}

/** S3 has words of its own, and tells with them where the credential stands. */
function badCredential(route: Route, words: string, s3Words: string): Error {
  if (route.protocol !== 'rest-xml') return incomplete(route, words);
  const place = route.presigned
    ? 'Error parsing the X-Amz-Credential parameter'
    : 'The authorization header is malformed';
  return incomplete(route, `${place}; ${s3Words}`);
}

function headerNames(text: string, route: Route): readonly string[] {
  const names = text.split(';', maxSignedHeaders + 1);
  // SECURITY: without the host in it, a signature would be good for another endpoint too.
  if (names.length > maxSignedHeaders || !names.includes('host')) {
    throw incomplete(route, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  if (names.some((name) => name !== name.toLowerCase() || !/^[\w!#$%&'*+.^`|~-]{1,256}$/.test(name))) {
    throw incomplete(route, 'SignedHeaders must be lower-case header names separated by semicolons.');
  }
  return names;
}

function hexSignature(text: string, route: Route): string {
  if (!/^[0-9a-fA-F]{64}$/.test(text)) throw signatureRefusal(route.protocol, 'wrong-signature');
  return text.toLowerCase();
}

function fromQuery(request: HttpRequest, route: Route): Presented {
  const parameters = new Map<string, readonly [spelled: string, value: string]>();
  for (const part of request.query.split('&')) {
    const equals = part.indexOf('=');
    const name = uriDecode(equals === -1 ? part : part.slice(0, equals)) ?? '';
    if (!/^x-amz-/i.test(name)) continue;
    const value = uriDecode(equals === -1 ? '' : part.slice(equals + 1));
    if (value === undefined || parameters.has(name.toLowerCase()))
      throw incomplete(route, `The parameter ${name} must be given once.`);
    parameters.set(name.toLowerCase(), [name, value]);
  }
  const take = (name: string): string => {
    const found = parameters.get(name.toLowerCase());
    if (found !== undefined && found[1] !== '') return found[1];
    throw incomplete(route, route.protocol === 'rest-xml' ? s3Parameters : missingParameter(name));
  };
  if (take('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw signatureRefusal(route.protocol, 'unsupported-algorithm');
  const timestamp = take('X-Amz-Date');
  return {
    ...credentialParts(take('X-Amz-Credential'), timestamp, route),
    ...timeOf(timestamp, route),
    signedHeaders: headerNames(take('X-Amz-SignedHeaders'), route),
    signature: hexSignature(take('X-Amz-Signature'), route),
    signatureName: parameters.get('x-amz-signature')![0],
    token: parameters.get('x-amz-security-token')?.[1] ?? request.headers['x-amz-security-token'],
    expiresSeconds: expiresOf(parameters.get('x-amz-expires')?.[1], route),
  };
}

const s3DateForm = `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`;
const s3Parameters =
  'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.';

function missingParameter(name: string): string {
  return `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`;
}

// S3 insists on the parameter; STS takes fifteen minutes when it is absent.
function expiresOf(text: string | undefined, route: Route): number {
  if (text === undefined && route.protocol !== 'rest-xml') return 900;
  if (text === undefined) throw incomplete(route, s3Parameters);
  if (!/^-?\d{1,10}$/.test(text)) throw incomplete(route, 'X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw incomplete(route, 'X-Amz-Expires must be non-negative');
  if (seconds > weekSeconds) {
    throw incomplete(
      route,
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    );
  }
  return seconds;
}
