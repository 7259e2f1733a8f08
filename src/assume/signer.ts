// Signature Version 4 for the few calls this room makes. Its own, because loading the AWS SDK doubles the
// time a command takes. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
// @noble/hashes and not node:crypto, which takes 6 to 8 ms to load, more than everything else that is done for a call.
import { hmac as hmacOf } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { Millis } from '../base/index.ts';
import type { Credentials } from './model.ts';

export interface UnsignedRequest {
  readonly method: string;
  /** Absolute; its path and query are signed as they stand, percent-encoded. */
  readonly url: URL;
  /** Names in lower case. `host`, `x-amz-date` and `x-amz-security-token` are added here. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface SigningScope {
  readonly service: string;
  readonly region: string;
  readonly now: Millis;
}

function hex(text: string): string {
  return Buffer.from(sha256(Buffer.from(text))).toString('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return Buffer.from(hmacOf(sha256, key, Buffer.from(text)));
}

/** RFC 3986: everything but letters, digits and `-._~` becomes `%XX`. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort()
    .join('&');
}

function canonicalPath(url: URL): string {
  // Every service but S3 signs the already encoded path encoded once more.
  return url.pathname.split('/').map(encodeRfc3986).join('/');
}

/**
 * The headers to send, `authorization` among them.
 * `region` and `service` name the credential scope; `now` must be within 5 minutes of AWS's clock.
 */
export function signRequest(
  request: UnsignedRequest,
  credentials: Credentials,
  scope: SigningScope,
): Record<string, string> {
  const stamp = new Date(scope.now).toISOString().replace(/[-:]|\.\d{3}/g, '');
  const day = stamp.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    host: request.url.host,
    'x-amz-date': stamp,
    ...(credentials.sessionToken === undefined ? {} : { 'x-amz-security-token': credentials.sessionToken.reveal() }),
  };
  const names = Object.keys(headers).sort();
  const signedHeaders = names.join(';');
  const canonical = [
    request.method,
    canonicalPath(request.url),
    canonicalQuery(request.url),
    ...names.map((name) => `${name}:${headers[name]!.trim().replace(/ +/g, ' ')}`),
    '',
    signedHeaders,
    hex(request.body),
  ].join('\n');
  const credentialScope = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', stamp, credentialScope, hex(canonical)].join('\n');
  // SECURITY: the secret leaves here only as the key of an HMAC.
  const dayKey = hmac(Buffer.from(`AWS4${credentials.secretAccessKey.reveal()}`), day);
  const signingKey = hmac(hmac(hmac(dayKey, scope.region), scope.service), 'aws4_request');
  const signature = hmac(signingKey, toSign).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${credentialScope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  return { ...headers, authorization };
}
