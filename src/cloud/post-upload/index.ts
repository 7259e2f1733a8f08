// A browser's upload to S3 by an HTML form. It becomes the PutObject that it means, signed by the form's policy
// instead of by its headers. Source: S3 API reference, "Browser-based uploads using POST (AWS Signature Version 4)".
import { timingSafeEqual } from 'node:crypto';
import type { Millis } from '../../base/index.ts';
import type { Credential } from '../credential.ts';
import { awsFailure } from '../failures.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { escapeXml } from '../protocol/xml-writer.ts';
import { restTarget } from '../protocol/rest-xml.ts';
import type { SigningKeys } from '../signature/canonical.ts';
import { signatureRefusal } from '../signature/refusals.ts';
import { ageOf, type SigningFacts } from '../signing-facts.ts';
import { readUploadForm, type UploadForm } from './form.ts';
import { checkPolicy } from './policy.ts';

export interface PostUpload {
  /** The PutObject it means. */
  readonly request: HttpRequest;
  readonly bucket: string;
  readonly key: string;
  readonly form: UploadForm;
}

/** A POST to a bucket that carries a form; what the form holds is not looked at yet. */
export function isPostUpload({ method, query, headers }: HttpRequest): boolean {
  return (
    method === 'POST' &&
    query === '' &&
    headers['authorization'] === undefined &&
    (headers['content-type'] ?? '').toLowerCase().startsWith('multipart/form-data')
  );
}

function missing(field: string): Error {
  return awsFailure(
    'InvalidArgument',
    `Bucket POST must contain a field named '${field}'.  If it is specified, please check the order of the fields.`,
    { status: 400, fields: { ArgumentName: field, ArgumentValue: '' } },
  );
}

function invalidName(name: string): Error {
  return awsFailure('InvalidArgument', `A field named '${name}' cannot be kept as a header.`, {
    status: 400,
    fields: { ArgumentName: name, ArgumentValue: '' },
  });
}

/** @throws MalformedPOSTRequest, InvalidArgument 400; MethodNotAllowed 405 for a form that is sent to a key */
export function readPostUpload(request: HttpRequest): PostUpload {
  const { bucket, key: extra } = restTarget(request);
  if (bucket === undefined || extra !== undefined) {
    throw awsFailure('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
      status: 405,
      fields: { Method: 'POST' },
    });
  }
  const form = readUploadForm(request.headers['content-type'] ?? '', request.body);
  const given = form.fields.get('key');
  if (given === undefined || given === '') throw missing('key');
  const key = given.replaceAll('${filename}', form.fileName);
  const path = [bucket, ...key.split('/')].map(encodeURIComponent).join('/');
  return {
    request: { ...request, method: 'PUT', path: `/${path}`, headers: headersOf(request, form), body: form.file },
    bucket,
    key,
    form,
  };
}

/** Fields of the form that stand for a header of the same name. */
const headerFields =
  /^(?:cache-control|content-(?:type|disposition|encoding|language)|expires|x-amz-(?:meta-.+|storage-class|server-side-encryption.*|website-redirect-location|checksum-.+))$/;

/** RFC 9110, section 5.1: a name that is none could not leave again with the object. */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

function headersOf(request: HttpRequest, { fields }: UploadForm): HttpRequest['headers'] {
  // SECURITY: no header of the request but these; what the upload is stands in the fields that the policy covers.
  const { 'user-agent': agent = '', referer } = request.headers;
  // The bucket is in the path from now on.
  const headers: Record<string, string> = { host: 's3.localhost', 'user-agent': agent };
  if (referer !== undefined) headers['referer'] = referer;
  for (const [name, value] of fields) {
    if (!headerFields.test(name)) continue;
    if (!headerName.test(name)) throw invalidName(name);
    headers[name] = value;
  }
  const acl = fields.get('acl');
  if (acl !== undefined) headers['x-amz-acl'] = acl;
  const tags = [...(fields.get('tagging') ?? '').matchAll(/<Key>([^<]*)<\/Key>\s*<Value>([^<]*)<\/Value>/g)];
  if (tags.length > 0) {
    headers['x-amz-tagging'] = tags.map(([, key = '', value = '']) => `${uri(key)}=${uri(value)}`).join('&');
  }
  return headers;
}

const uri = encodeURIComponent;

/**
 * Who signed the form's policy; undefined for a form without one, which is anonymous.
 * @throws InvalidAccessKeyId, SignatureDoesNotMatch 403, InvalidToken, ExpiredToken, InvalidArgument 400, and as `checkPolicy`
 */
export function signerOf(
  { form, bucket }: PostUpload,
  find: (accessKeyId: string) => Credential | undefined,
  time: { readonly wall: Millis; readonly emulated: Millis },
  keys: SigningKeys,
): Credential | undefined {
  const policy = form.fields.get('policy');
  if (policy === undefined) return undefined;
  // "Amazon S3 no longer supports Signature Version 2" for buckets made since June 2020.
  if (form.fields.has('awsaccesskeyid')) throw signatureRefusal('rest-xml', 'unsupported-algorithm');
  const field = (name: string): string => {
    const value = form.fields.get(name.toLowerCase());
    if (value === undefined) throw missing(name);
    return value;
  };
  if (field('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') throw signatureRefusal('rest-xml', 'unsupported-algorithm');
  const [accessKeyId = '', date = '', region = '', service = ''] = field('X-Amz-Credential').split('/');
  field('X-Amz-Date');
  const credential = find(accessKeyId);
  if (credential === undefined || credential.status !== 'Active') {
    throw signatureRefusal('rest-xml', 'unknown-key', '', { AWSAccessKeyId: accessKeyId.slice(0, 128) });
  }
  const token = form.fields.get('x-amz-security-token');
  if (token !== credential.session?.token.reveal()) throw signatureRefusal('rest-xml', 'bad-token');
  const key = keys.keyFor(accessKeyId, credential.secretAccessKey.reveal(), { date, region, service });
  const given = Buffer.from(field('X-Amz-Signature'), 'hex');
  const right = key.sign(policy);
  // SECURITY: a key made for another service signs no upload.
  if (service !== 's3' || given.length !== right.length || !timingSafeEqual(given, right)) {
    throw signatureRefusal('rest-xml', 'wrong-signature', '', { AWSAccessKeyId: accessKeyId, StringToSign: policy });
  }
  if (credential.session !== undefined && time.emulated >= credential.session.expiresAt) {
    throw signatureRefusal('rest-xml', 'expired-session');
  }
  checkPolicy(policy, form, bucket, time.wall);
  return credential;
}

/** How the upload was signed, as conditions of policies ask. */
export function postSigning({ form }: PostUpload, now: Millis): SigningFacts {
  return { place: 'form', version: 'AWS4-HMAC-SHA256', age: ageOf(form.fields.get('x-amz-date') ?? '', now) };
}

/** The answer of the PutObject as a form gets it: 204, or as its fields ask. */
export function postAnswer({ form, bucket, key }: PostUpload, response: HttpResponse, host: string): HttpResponse {
  if (response.status !== 200) return response;
  const etag = response.headers['etag'] ?? '';
  const location = `http://${host}/${bucket}/${key.split('/').map(uri).join('/')}`;
  const headers = { ...response.headers, location };
  const redirect = form.fields.get('success_action_redirect') ?? form.fields.get('redirect');
  if (redirect !== undefined && URL.canParse(redirect)) {
    const to = new URL(redirect);
    for (const [name, value] of Object.entries({ bucket, key, etag })) to.searchParams.set(name, value);
    return { status: 303, headers: { ...headers, location: to.href }, body: '' };
  }
  const status = form.fields.get('success_action_status');
  if (status === '200') return { status: 200, headers, body: '' };
  if (status !== '201') return { status: 204, headers, body: '' };
  const members = { Location: location, Bucket: bucket, Key: key, ETag: etag };
  const body = Object.entries(members).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
  return {
    status: 201,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse>${body.join('')}</PostResponse>`,
  };
}
