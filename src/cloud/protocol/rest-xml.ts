// REST-XML: S3. Which operation a request means, its input from path, query, headers and body, and
// the answer's headers and body.
import { awsFailure } from '../failures.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { Member, OperationModel, ServiceModel, Structure } from './model.ts';
import { shapeOf, structureOf } from './models.ts';
import { errorFields, type WireError } from './query.ts';
import { readScalar, uriDecode, writeScalar, type Scalar } from './scalar.ts';
import { element, escapeXml, writeMember, writeMembers, xmlDeclaration, type XmlStyle } from './xml-writer.ts';
import { readXmlBody } from './xml-reader.ts';

export interface RestTarget {
  /** Decoded. Absent: the service itself (ListBuckets). */
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  /** Decoded query parameters; the first counts where a name comes twice. */
  readonly query: ReadonlyMap<string, string>;
}

type RestBinding = NonNullable<OperationModel['http']>;

function invalidUri(): Error {
  return awsFailure('InvalidURI', "Couldn't parse the specified URI.", { status: 400 });
}

/**
 * Bucket and key from the path, or the bucket from a virtual host. @throws `InvalidURI` 400 for broken
 * percent-encoding.
 */
export function restTarget(request: HttpRequest): RestTarget {
  const virtual = virtualBucket(request.headers['host'] ?? '');
  const query = readQuery(request.query);
  const path = request.path.replace(/^\//, '');
  if (virtual !== undefined) return { bucket: virtual, key: decodePath(path), query };
  const slash = path.indexOf('/');
  if (slash === -1) return { bucket: decodePath(path), query };
  return { bucket: decodePath(path.slice(0, slash)), key: decodePath(path.slice(slash + 1)), query };
}

function decodePath(text: string): string | undefined {
  const decoded = uriDecode(text);
  if (decoded === undefined) throw invalidUri();
  return decoded === '' ? undefined : decoded;
}

function readQuery(text: string): Map<string, string> {
  const query = new Map<string, string>();
  for (const part of text.split('&', 1001)) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = uriDecode(equals === -1 ? part : part.slice(0, equals));
    const value = equals === -1 ? '' : uriDecode(part.slice(equals + 1).replaceAll('+', ' '));
    if (name === undefined || value === undefined) throw invalidUri();
    if (!query.has(name)) query.set(name, value);
  }
  return query;
}

/**
 * The bucket of a virtual-host address: `bucket.s3.amazonaws.com`, `bucket.s3.eu-west-1.…`,
 * `bucket.s3-eu-west-1.…`, `bucket.localhost`. Undefined for path style.
 */
export function virtualBucket(host: string): string | undefined {
  const name = host.replace(/:\d{1,5}$/, '').toLowerCase();
  const dot = Math.max(name.lastIndexOf('.s3.'), name.lastIndexOf('.s3-'));
  if (dot > 0) return name.slice(0, dot);
  if (!name.endsWith('.localhost')) return undefined;
  const label = name.slice(0, -'.localhost'.length);
  return label === 's3' || label.startsWith('s3.') ? undefined : label;
}

/** Name of the operation that the request means, or undefined when S3 has none there. */
export function restOperation(model: ServiceModel, request: HttpRequest, target: RestTarget): string | undefined {
  const labels = target.bucket === undefined ? 0 : target.key === undefined ? 1 : 2;
  // The generator has put them in order of preference: most literal parameters first, then most needed ones.
  const fits: [name: string, http: RestBinding][] = [];
  for (const [name, { http }] of Object.entries(model.operations)) {
    if (http?.method !== request.method || http.labels !== labels || !hasLiterals(http.query, target.query)) continue;
    fits.push([name, http]);
  }
  const best = fits.find(([, http]) =>
    http.needs.every((need) => target.query.has(need) || request.headers[need] !== undefined),
  );
  const first = fits[0];
  if (first === undefined) return undefined;
  if (best === undefined && Object.keys(first[1].query).length === 0) return undefined;
  // A sub-resource named without what it needs (`?analytics` without `id`) still means the sub-resource.
  const literals = Object.keys(first[1].query).length;
  return best !== undefined && Object.keys(best[1].query).length === literals ? best[0] : first[0];
}

function hasLiterals(wanted: Readonly<Record<string, string>>, query: ReadonlyMap<string, string>): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => query.has(name) && (value === '' || query.get(name) === value),
  );
}

/**
 * Every member of an S3 input is bound to path, query, headers or the whole body; the generator holds that.
 * @throws `InvalidArgument`, `MalformedXML` 400
 */
export function readRestInput(
  model: ServiceModel,
  operation: OperationModel,
  request: HttpRequest,
  target: RestTarget,
): object {
  const values: Record<string, unknown> = {};
  if (operation.input === undefined) return values;
  const shape = structureOf(model, operation.input);
  for (const [name, member] of Object.entries(shape.members)) {
    const value = readBinding(model, name, member, request, target);
    if (member.in === 'payload' && value === undefined && needsDocument(shape, name, member)) {
      throw awsFailure('MissingRequestBodyError', 'Request Body is empty', { status: 400 });
    }
    if (value !== undefined) values[name] = value;
  }
  return values;
}

/** A body that must be there and is XML; that of a bucket policy is text, and missed in other words. */
function needsDocument({ required = [] }: Structure, name: string, { target }: Member): boolean {
  return required.includes(name) && target !== undefined && !['string', 'blob', 'stream'].includes(target);
}

function readBinding(
  model: ServiceModel,
  name: string,
  member: Member,
  request: HttpRequest,
  target: RestTarget,
): unknown {
  switch (member.in) {
    case 'label':
      return name === 'Bucket' ? target.bucket : target.key;
    case 'query':
      return readText(model, member, target.query.get(member.name!), member.name!);
    case 'header':
      return readText(model, member, request.headers[member.name!], member.name!);
    case 'prefix':
      return prefixed(request.headers, member.name!);
    case 'payload':
      return readPayload(model, name, member, request.body);
    default:
      return undefined;
  }
}

function readText(model: ServiceModel, member: Member, text: string | undefined, place: string): unknown {
  if (text === undefined) return undefined;
  const shape = shapeOf(model, member);
  if (shape?.kind === 'list') {
    return splitHeader(text).map((item) => readSimple(shape.member, item, place));
  }
  return readSimple(member, text, place);
}

/** Items of a header list; one with a comma or quote of its own stands in double quotes (RFC 9110, section 5.6.4). */
function splitHeader(text: string): string[] {
  const items: string[] = [];
  for (let at = 0; at < text.length && items.length < 1000;) {
    const quoted = /^\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/.exec(text.slice(at));
    const comma = text.indexOf(',', at);
    const end = comma === -1 ? text.length : comma;
    const item = quoted === null ? text.slice(at, end).trim() : quoted[1]!.replace(/\\(.)/g, '$1');
    if (item !== '') items.push(item);
    at = quoted === null ? end + 1 : at + quoted[0].length;
  }
  return items;
}

function readSimple(member: Member, text: string, place: string): Scalar {
  const value = readScalar(member, text);
  const wrong = typeof value === 'number' && !isWhole(value, member);
  if (value !== undefined && !wrong) return value;
  const shown = member.sensitive === true ? {} : { ArgumentValue: text.slice(0, 200) };
  const fault = member.target === 'number' ? 'not an integer or within integer range' : 'is not of its type';
  throw awsFailure('InvalidArgument', `Provided ${place} ${fault}`, {
    status: 400,
    fields: { ArgumentName: place, ...shown },
  });
}

function prefixed(headers: HttpRequest['headers'], prefix: string): Readonly<Record<string, string>> | undefined {
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix) && name.length > prefix.length);
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** Numbers of S3 are whole; those of the query have 32 bits. */
function isWhole(value: number, member: Member): boolean {
  return Number.isSafeInteger(value) && (member.in !== 'query' || Math.abs(value) < 2 ** 31);
}

function readPayload(model: ServiceModel, name: string, member: Member, body: Uint8Array): unknown {
  const target = member.target ?? 'string';
  if (target === 'stream' || target === 'blob') return body;
  if (target === 'string') return body.length === 0 ? undefined : Buffer.from(body).toString('utf8');
  return readXmlBody(model, member, member.xmlName ?? name, body);
}

/** The answer. A body for HEAD is dropped by the server; its headers stay. */
export function writeRestOutput(
  model: ServiceModel,
  name: string,
  operation: OperationModel,
  output: object,
): HttpResponse {
  const status = operation.http?.status ?? 200;
  if (operation.output === undefined) return { status, headers: {}, body: '' };
  const shape = structureOf(model, operation.output);
  const values = output as Readonly<Record<string, unknown>>;
  const headers: Record<string, string> = {};
  let answered = status;
  for (const [member, { in: where, name: header = '', ...rest }] of Object.entries(shape.members)) {
    const value = values[member];
    if (value === undefined || value === null) continue;
    if (where === 'header') headers[header] = headerText(model, rest, value);
    if (where === 'prefix') {
      for (const [key, one] of Object.entries(value)) headers[header + key.toLowerCase()] = headerSafe(String(one));
    }
    if (where === 'status') answered = value as number;
    // No shape has a status for it: a part of a body is 206 (RFC 9110, section 15.3.7).
    if (header === 'content-range') answered = 206;
  }
  const body = writeBody(model, name, operation.output, shape, values);
  if (typeof body === 'string' && body !== '') headers['content-type'] ??= 'application/xml';
  return { status: answered, headers, body };
}

function headerText(model: ServiceModel, member: Member, value: unknown): string {
  const shape = shapeOf(model, member);
  if (shape?.kind !== 'list') return headerSafe(writeScalar(member, value, 'http-date'));
  return (value as readonly unknown[])
    .map((item) => headerSafe(writeScalar(shape.member, item, 'http-date')))
    .join(', ');
}

// Node refuses control characters and anything above U+00FF in a header; S3 sends such metadata in RFC 2047's form.
function headerSafe(text: string): string {
  if (/^[\t\u0020-\u007E]*$/.test(text)) return text;
  return `=?UTF-8?B?${Buffer.from(text, 'utf8').toString('base64')}?=`;
}

function writeBody(
  model: ServiceModel,
  operation: string,
  outputName: string,
  shape: Structure,
  values: Readonly<Record<string, unknown>>,
): string | Uint8Array {
  const style: XmlStyle = { model, timeForm: 'milliseconds' };
  const payload = Object.entries(shape.members).find(([, member]) => member.in === 'payload');
  if (payload !== undefined) return writePayload(style, payload[0], payload[1], values[payload[0]]);
  if (operation === 'GetBucketLocation') return bucketLocation(model, values);
  const hasBody = Object.values(shape.members).some((member) => member.in === undefined);
  if (!hasBody) return '';
  return document(model, shape.xmlName ?? outputName, writeMembers(style, shape, values));
}

function document(model: ServiceModel, root: string, content: string): string {
  return `${xmlDeclaration}<${root} xmlns="${model.xmlNamespace}">${content}</${root}>`;
}

// The only answer whose root element is itself the value; us-east-1 is written as an empty one.
function bucketLocation(model: ServiceModel, values: Readonly<Record<string, unknown>>): string {
  const region = values['LocationConstraint'];
  return document(model, 'LocationConstraint', typeof region === 'string' ? escapeXml(region) : '');
}

function writePayload(style: XmlStyle, name: string, member: Member, value: unknown): string | Uint8Array {
  if (value instanceof Uint8Array || typeof value === 'string') return value;
  if (value === undefined || value === null) {
    // S3 always answers with the element; clients take an empty body of CopyObject for a failure.
    const target = shapeOf(style.model, member)?.kind === 'structure' ? (member.xmlName ?? member.target) : undefined;
    return target === undefined ? '' : document(style.model, target, '');
  }
  const xml = writeMember(style, member.xmlName ?? member.target ?? name, member, value);
  return xmlDeclaration + xml.replace(/^<([^ >]+)/, `<$1 xmlns="${style.model.xmlNamespace}"`);
}

/** The body of a refusal. `resource` is the path that was asked for; a HEAD request gets none. */
export function writeRestError(error: WireError, resource: string, requestId: string, hostId: string): string {
  const body =
    element('Code', error.code) +
    element('Message', error.message) +
    errorFields(error) +
    element('Resource', resource) +
    element('RequestId', requestId) +
    element('HostId', hostId);
  return `${xmlDeclaration}<Error>${body}</Error>`;
}
