// Signature Version 2 in the query of a request to S3: what boto3 still presigns with in us-east-1 unless it is told
// otherwise. S3 user guide, API version 2006-03-01: "Signing and authenticating REST requests". Nothing else takes it.
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Millis } from '../../base/index.ts';
import type { Credential } from '../credential.ts';
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';
import type { Route } from '../protocol/index.ts';
import { uriDecode } from '../protocol/scalar.ts';
import { signatureRefusal } from './refusals.ts';

/** Parameters that are part of the resource that is signed, those that choose headers of the answer among them. */
const signedParameters: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'cors',
  'delete',
  'encryption',
  'lifecycle',
  'location',
  'logging',
  'notification',
  'object-lock',
  'partNumber',
  'policy',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
]);

/** True for a request that carries such a signature, whole or not. */
export function hasVersion2Query(request: HttpRequest, route: Route): boolean {
  return (
    route.service === 's3' &&
    !route.presigned &&
    request.headers['authorization'] === undefined &&
    /(?:^|&)(?:AWSAccessKeyId|Signature)=/.test(request.query)
  );
}

export interface Version2 {
  readonly accessKeyId: string;
  readonly token: string | undefined;
  readonly expires: Millis;
  readonly signature: Buffer;
  /** What may have been signed: clients differ in whether a bucket's path ends with a slash. */
  readonly texts: readonly string[];
  /** With the headers that travelled in the query, as the client meant them. */
  readonly request: HttpRequest;
}

/** @throws AccessDenied when a parameter is missing */
export function readVersion2(request: HttpRequest, route: Route): Version2 {
  const query = new URLSearchParams(request.query.replaceAll('+', '%2B'));
  const take = (name: string): string => {
    const value = query.get(name);
    if (value !== null && value !== '') return value;
    throw awsFailure(
      'AccessDenied',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
      { status: 403 },
    );
  };
  const expires = take('Expires');
  if (!/^\d{1,12}$/.test(expires)) {
    throw awsFailure('AccessDenied', `Invalid date (should be seconds since epoch): ${expires}`, { status: 403 });
  }
  const whole = withQueryHeaders(request, query);
  return {
    accessKeyId: take('AWSAccessKeyId'),
    token: query.get('x-amz-security-token') ?? request.headers['x-amz-security-token'],
    expires: Number(expires) * 1000,
    signature: Buffer.from(take('Signature'), 'base64'),
    texts: resourcesOf(route, query).map((resource) => stringToSign(whole, expires, resource)),
    request: whole,
  };
}

/** @throws the refusal of S3: over, or not signed with the secret of `credential` */
export function checkVersion2(presented: Version2, credential: Credential, wall: Millis): void {
  const { signature, expires, texts } = presented;
  const isRight = texts.some((text) => {
    const right = createHmac('sha1', credential.secretAccessKey.reveal()).update(text).digest();
    return signature.length === right.length && timingSafeEqual(signature, right);
  });
  if (!isRight) {
    throw signatureRefusal('rest-xml', 'wrong-signature', '', {
      AWSAccessKeyId: presented.accessKeyId,
      StringToSign: texts[0],
    });
  }
  if (wall <= expires) return;
  const iso = (time: Millis): string => new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
  throw awsFailure('AccessDenied', 'Request has expired', {
    status: 403,
    fields: { Expires: iso(expires), ServerTime: iso(wall) },
  });
}

function stringToSign({ method, headers }: HttpRequest, expires: string, resource: string): string {
  const amz = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-amz-'))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${value.trim().replace(/\s*\n\s*/g, ' ')}\n`);
  const head = [method, headers['content-md5'] ?? '', headers['content-type'] ?? '', expires].join('\n');
  return `${head}\n${amz.join('')}${resource}`;
}

/** Path as it was sent, with the bucket of a virtual host before it, and the parameters that count in their order. */
function resourcesOf({ path, rest }: Route, query: URLSearchParams): readonly string[] {
  const bucket = rest?.bucket;
  // SECURITY: by the whole path, so that a signature for one key is not good for another whose name begins with the bucket's.
  const key = rest?.key === undefined ? '' : `/${rest.key}`;
  const inPath =
    bucket === undefined || (uriDecode(path) ?? '').replace(/\/$/, '') === `/${bucket}${key}`.replace(/\/$/, '');
  const parameters = [...query]
    .filter(([name]) => signedParameters.has(name))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const whole = inPath ? path : `/${bucket}${path}`;
  const paths = rest?.key === undefined && bucket !== undefined ? [`/${bucket}/`, `/${bucket}`] : [whole];
  const suffix = parameters.length === 0 ? '' : `?${parameters.join('&')}`;
  return paths.map((one) => one + suffix);
}

const travelling = /^(?:x-amz-.+|content-type|content-md5)$/;

function withQueryHeaders(request: HttpRequest, query: URLSearchParams): HttpRequest {
  const headers: Record<string, string> = { ...request.headers };
  for (const [name, value] of query) if (travelling.test(name.toLowerCase())) headers[name.toLowerCase()] = value;
  return { ...request, headers };
}
