// Signature Version 4 (and 2, where S3 still takes it), judged as AWS judges it. The caller of a request is only who `authenticate`
// says; there is no key that passes without a signature, and in doubt the answer is no.
import { hash, timingSafeEqual } from 'node:crypto';
import type { Millis } from '../base/index.ts';
import type { Credential } from './credential.ts';
import { awsFailure } from './failures.ts';
import type { HttpRequest } from './http.ts';
import type { Route } from './protocol/index.ts';
import { decodePayload } from './signature/payload.ts';
import { canonicalRequest, type HmacKey, sha256Hex, SigningKeys, stringToSign } from './signature/canonical.ts';
import { presentedSignature, type Presented } from './signature/parse.ts';
import { signatureRefusal } from './signature/refusals.ts';
import { checkVersion2, hasVersion2Query, readVersion2 } from './signature/version-2.ts';

export { SigningKeys } from './signature/canonical.ts';

export interface Authenticated {
  /** Absent for a request that needs no signature: an anonymous one to S3, or web identity and SAML to STS. */
  readonly credential?: Credential | undefined;
  /** The request to go on with: its body decoded, trailers and presigned `x-amz-` parameters among its headers. */
  readonly request: HttpRequest;
}

export interface SignatureTime {
  /** What clients sign with: decides over clock skew and presigned expiry. */
  readonly wall: Millis;
  /** The emulated time: decides over the expiry of sessions. */
  readonly emulated: Millis;
}

const usualWindow = 900_000;
/** KMS takes no request that is older than five minutes. */
const windows: Readonly<Partial<Record<string, Millis>>> = { kms: 300_000 };

/** STS accepts these without a signature; the token in them is the proof. */
const unsignedOperations: ReadonlySet<string> = new Set(['AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity']);

/**
 * Who sent the request. `find` gives the credential of an access key id. Signing keys are remembered in
 * `keys` when the caller hands in the same one for many requests.
 * @throws the refusal of the route's service: unsigned, malformed, unknown or inactive key, wrong session
 * token, clock out of its window, wrong signature, wrong body, expired session.
 */
export function authenticate(
  request: HttpRequest,
  route: Route,
  find: (accessKeyId: string) => Credential | undefined,
  time: SignatureTime,
  keys: SigningKeys = new SigningKeys(1),
): Authenticated {
  if (!route.signed) return withoutSignature(request, route);
  checkOneMechanism(request, route);
  if (hasVersion2Query(request, route)) return version2(request, route, find, time);
  const presented = presentedSignature(request, route);
  checkScope(route, presented);
  const credential = find(presented.accessKeyId);
  checkCredential(route, presented, credential);
  checkTime(route, presented, time.wall);
  const signingKey = keys.keyFor(credential.accessKeyId, credential.secretAccessKey.reveal(), presented.scope);
  checkSignature(request, route, presented, signingKey);
  checkSession(route, credential, time);
  const whole = route.presigned ? withQueryHeaders(request) : request;
  return { credential, request: decodePayload(whole, route, presented, signingKey) };
}

function version2(
  request: HttpRequest,
  route: Route,
  find: (accessKeyId: string) => Credential | undefined,
  time: SignatureTime,
): Authenticated {
  const presented = readVersion2(request, route);
  const credential = find(presented.accessKeyId);
  checkCredential(route, presented, credential);
  checkVersion2(presented, credential, time.wall);
  checkSession(route, credential, time);
  return { credential, request: decodePayload(presented.request, route, undefined, undefined) };
}

/** Asked after the signature, so that nobody without the secret learns whether a session has ended. */
function checkSession(route: Route, { session }: Credential, { emulated }: SignatureTime): void {
  if (session === undefined || emulated < session.expiresAt) return;
  throw signatureRefusal(route.protocol, 'expired-session');
}

function withoutSignature(request: HttpRequest, route: Route): Authenticated {
  const allowed = route.service === 's3' || (route.service === 'sts' && unsignedOperations.has(route.operation ?? ''));
  if (!allowed) throw signatureRefusal(route.protocol, 'unsigned');
  return { request: decodePayload(request, route, undefined, undefined) };
}

function checkOneMechanism(request: HttpRequest, route: Route): void {
  if (route.presigned || !/(?:^|&)X-Amz-(?:Algorithm|Signature)=/i.test(request.query)) return;
  const message =
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';
  if (route.protocol === 'rest-xml') throw awsFailure('InvalidArgument', message, { status: 400 });
  throw signatureRefusal(route.protocol, 'incomplete', message);
}

// SECURITY: the request was routed by a first look at its scope. A signature for another service must not
// pass because the two readings of a header differ.
function checkScope(route: Route, { scope }: Presented): void {
  if (scope.service === route.signingName && scope.region === route.region) return;
  throw signatureRefusal(route.protocol, 'wrong-signature');
}

function checkCredential(
  route: Route,
  presented: Pick<Presented, 'accessKeyId' | 'token'>,
  credential: Credential | undefined,
): asserts credential is Credential {
  if (credential === undefined || credential.status !== 'Active') {
    throw signatureRefusal(route.protocol, 'unknown-key', '', { AWSAccessKeyId: presented.accessKeyId.slice(0, 128) });
  }
  const { session } = credential;
  if (
    session === undefined ? presented.token !== undefined : !sameText(presented.token ?? '', session.token.reveal())
  ) {
    throw signatureRefusal(route.protocol, 'bad-token');
  }
}

/** Compares without telling by its duration where two texts differ. */
function sameText(one: string, other: string): boolean {
  return timingSafeEqual(hash('sha256', one, 'buffer'), hash('sha256', other, 'buffer'));
}

function windowOf(route: Route): Millis {
  return windows[route.service ?? ''] ?? usualWindow;
}

function checkTime(route: Route, presented: Presented, wall: Millis): void {
  if (presented.expiresSeconds !== undefined)
    return checkPresignedTime(route, presented, presented.expiresSeconds, wall);
  const windowMillis = windowOf(route);
  const late = wall - presented.signedAt;
  if (Math.abs(late) <= windowMillis) return;
  const now = compact(wall);
  const edge = compact(late > 0 ? wall - windowMillis : wall + windowMillis);
  const message =
    late > 0
      ? `Signature expired: ${presented.timestamp} is now earlier than ${edge} (${now} - ${windowMillis / 60_000} min.)`
      : `Signature not yet current: ${presented.timestamp} is still later than ${edge} (${now} + ${windowMillis / 60_000} min.)`;
  throw signatureRefusal(route.protocol, 'too-old', message, {
    RequestTime: presented.timestamp,
    ServerTime: iso(wall),
    MaxAllowedSkewMilliseconds: windowMillis,
  });
}

function checkPresignedTime(route: Route, presented: Presented, seconds: number, wall: Millis): void {
  const windowMillis = windowOf(route);
  const ends = presented.signedAt + seconds * 1000;
  const early = presented.signedAt > wall + windowMillis;
  if (wall <= ends && !early) return;
  if (route.protocol === 'rest-xml') {
    throw awsFailure('AccessDenied', early ? 'Request is not valid yet' : 'Request has expired', {
      status: 403,
      fields: { 'X-Amz-Expires': seconds, Expires: iso(ends), ServerTime: iso(wall) },
    });
  }
  const message = early
    ? `Signature not yet current: ${presented.timestamp} is still later than ${compact(wall + windowMillis)} (${compact(wall)} + ${windowMillis / 60_000} min.)`
    : `Signature expired: ${presented.timestamp} is now earlier than ${compact(wall - seconds * 1000)} (${compact(wall)} - ${Math.round(seconds / 60)} min.)`;
  throw signatureRefusal(route.protocol, 'too-old', message);
}

function compact(time: Millis): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d{3}/g, '');
}

function iso(time: Millis): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function checkSignature(request: HttpRequest, route: Route, presented: Presented, signingKey: HmacKey): void {
  if (route.protocol === 'rest-xml') checkSignedHeaders(request, presented);
  const canonical = canonicalRequest(request, route.protocol === 'rest-xml', {
    signedHeaders: presented.signedHeaders,
    payloadHash: payloadHash(request, route),
    leaveOut: presented.signatureName,
  });
  const text = canonical === undefined ? undefined : stringToSign(presented.timestamp, presented.scope, canonical);
  const right = text === undefined ? undefined : signingKey.sign(text);
  if (right !== undefined && timingSafeEqual(right, Buffer.from(presented.signature, 'hex'))) return;
  // What S3 tells for debugging; it holds a hash of the request and nothing of the secret.
  throw signatureRefusal(route.protocol, 'wrong-signature', '', {
    AWSAccessKeyId: presented.accessKeyId,
    StringToSign: text,
    SignatureProvided: presented.signature,
  });
}

// SECURITY: an `x-amz-` header outside the signature could change what the signer meant (another ACL, another copy source).
function checkSignedHeaders(request: HttpRequest, presented: Presented): void {
  const loose = Object.keys(request.headers).filter(
    (name) => name.startsWith('x-amz-') && !presented.signedHeaders.includes(name),
  );
  if (loose.length === 0) return;
  throw awsFailure('AccessDenied', 'There were headers present in the request which were not signed', {
    status: 403,
    fields: { HeadersNotSigned: loose.join(', ') },
  });
}

/** What stands for the body in the canonical request: its hash, or, for S3, what the client declares. */
function payloadHash(request: HttpRequest, route: Route): string {
  if (route.protocol !== 'rest-xml') return sha256Hex(request.body);
  const stated = request.headers['x-amz-content-sha256'] ?? queryValue(request.query, 'x-amz-content-sha256');
  if (stated !== undefined) return stated;
  if (route.presigned) return 'UNSIGNED-PAYLOAD';
  throw awsFailure('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256', { status: 400 });
}

function queryValue(query: string, name: string): string | undefined {
  const found = query.split('&').find((part) => part.toLowerCase().startsWith(`${name}=`));
  return found?.slice(name.length + 1);
}

/** A presigned request carries its `x-amz-` headers in the query; the operation reads them as headers. */
function withQueryHeaders(request: HttpRequest): HttpRequest {
  const headers: Record<string, string> = { ...request.headers };
  for (const [name, value] of new URLSearchParams(request.query)) {
    const lower = name.toLowerCase();
    const own = /^x-amz-(?:algorithm|credential|date|expires|signedheaders|signature|security-token)$/;
    if (lower.startsWith('x-amz-') && !own.test(lower)) headers[lower] ??= value;
  }
  return { ...request, headers };
}
