// The canonical request of Signature Version 4 and what is hashed from it (IAM User Guide, "Create a
// signed AWS API request"). Everything here is a pure function of the request as received.
import { hash } from 'node:crypto';
import type { HttpRequest } from '../http.ts';
import { uriDecode, uriEncode } from '../protocol/scalar.ts';

export const emptyHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export function sha256Hex(data: Uint8Array | string): string {
  return hash('sha256', data, 'hex');
}

/** What a signature covers besides method, path and query. */
export interface SignedParts {
  /** Lower-case names. */
  readonly signedHeaders: readonly string[];
  readonly payloadHash: string;
  /** Query parameter that carries the signature itself and is left out. */
  readonly leaveOut?: string | undefined;
}

/** @returns undefined when the query or path is not percent-encoded UTF-8, which no signer produces. */
export function canonicalRequest(request: HttpRequest, isS3: boolean, parts: SignedParts): string | undefined {
  const path = isS3 ? s3Path(request.path) : normalizedPath(request.path);
  const query = canonicalQuery(request.query, parts.leaveOut);
  if (path === undefined || query === undefined) return undefined;
  const names = parts.signedHeaders.toSorted();
  const headers = names.map((name) => `${name}:${headerText(request.headers[name] ?? '')}\n`).join('');
  return `${request.method}\n${path}\n${query}\n${headers}\n${names.join(';')}\n${parts.payloadHash}`;
}

// S3 encodes each byte of the key once and keeps `//`, `.` and `..` as they are.
function s3Path(path: string): string | undefined {
  const segments = path.split('/').map((segment) => {
    const decoded = uriDecode(segment);
    return decoded === undefined ? undefined : uriEncode(decoded);
  });
  return segments.includes(undefined) ? undefined : segments.join('/') || '/';
}

// The other services take the path without dot segments and empty ones, and encode it a second time.
function normalizedPath(path: string): string {
  if (path === '/' || path === '') return '/';
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(uriEncode(segment));
  }
  const slash = path.endsWith('/') && kept.length > 0 ? '/' : '';
  return `/${kept.join('/')}${slash}`;
}

function canonicalQuery(query: string, leaveOut: string | undefined): string | undefined {
  if (query === '') return '';
  const pairs: string[] = [];
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = uriDecode(equals === -1 ? part : part.slice(0, equals));
    const value = uriDecode(equals === -1 ? '' : part.slice(equals + 1));
    if (name === undefined || value === undefined) return undefined;
    // A space sorts before every character, and neither name nor value holds one once encoded.
    if (name !== leaveOut) pairs.push(`${uriEncode(name)} ${uriEncode(value)}`);
  }
  return pairs
    .sort()
    .map((pair) => pair.replace(' ', '='))
    .join('&');
}

function headerText(value: string): string {
  return value.trim().replace(/ {2,}/g, ' ');
}

export interface Scope {
  /** `20260101`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

export function scopeText({ date, region, service }: Scope): string {
  return `${date}/${region}/${service}/aws4_request`;
}

export function stringToSign(timestamp: string, scope: Scope, canonical: string): string {
  return `AWS4-HMAC-SHA256\n${timestamp}\n${scopeText(scope)}\n${sha256Hex(canonical)}`;
}

/** The blocks of RFC 2104 for one key: HMAC-SHA-256 is then two hashes, measured 2 µs beside 6 of `createHmac`. */
export class HmacKey {
  readonly #inner = Buffer.alloc(64, 0x36);
  readonly #outer = Buffer.alloc(96, 0x5c);

  constructor(key: Uint8Array | string) {
    const given = Buffer.from(key);
    const bytes = given.length > 64 ? hash('sha256', given, 'buffer') : given;
    for (const [index, byte] of bytes.entries()) {
      this.#inner[index]! ^= byte;
      this.#outer[index]! ^= byte;
    }
  }

  sign(text: string): Buffer {
    hash('sha256', Buffer.concat([this.#inner, Buffer.from(text)]), 'buffer').copy(this.#outer, 64);
    return hash('sha256', this.#outer, 'buffer');
  }
}

/** Signing keys, the last `limit` of them kept: four of the five hashes of a signature are the key's. */
export class SigningKeys {
  readonly #limit: number;
  readonly #keys = new Map<string, { readonly secret: string; readonly key: HmacKey }>();

  constructor(limit = 1000) {
    this.#limit = limit;
  }

  /** The key of that secret for the scope. A changed secret never meets the key of the old one. */
  keyFor(accessKeyId: string, secret: string, scope: Scope): HmacKey {
    const name = `${accessKeyId}/${scopeText(scope)}`;
    const known = this.#keys.get(name);
    if (known?.secret === secret) return known.key;
    let key = new HmacKey(`AWS4${secret}`);
    for (const part of [scope.date, scope.region, scope.service, 'aws4_request']) key = new HmacKey(key.sign(part));
    this.#keys.delete(name);
    if (this.#keys.size >= this.#limit) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(name, { secret, key });
    return key;
  }
}
