// The wire of the embedded AWS. One request is routed, read into the input of its operation, and its
// outcome written back, all by the generated shapes; services see only typed values.
//
// Policy documents of IAM are percent-encoded here on the way out (GetRole, GetRolePolicy, GetPolicyVersion,
// GetAccountAuthorizationDetails…): a service hands over the plain document.
import { crc32 } from 'node:zlib';
import { isFailure } from '../../base/index.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { checkConstraints } from './constraints.ts';
import { readJsonInput, writeJsonError, writeJsonOutput } from './json.ts';
import type { OperationModel, Protocol, ServiceModel } from './model.ts';
import { serviceModel } from './models.ts';
import {
  readQueryInput,
  writeEc2Error,
  writeEc2Output,
  writeQueryError,
  writeQueryOutput,
  type WireError,
} from './query.ts';
import { readRestInput, writeRestError, writeRestOutput } from './rest-xml.ts';
import { unsupported, type Route } from './route.ts';

export { routeRequest, type Route } from './route.ts';
export { jsonBodyLimit } from './json.ts';
export type { Protocol } from './model.ts';

interface Known {
  readonly model: ServiceModel;
  readonly name: string;
  readonly operation: OperationModel;
}

function known(route: Route): Known | undefined {
  if (route.service === undefined || route.operation === undefined) return undefined;
  const model = serviceModel(route.service);
  if (route.protocol === 'query' && route.form?.version !== model.version) return undefined;
  const operation = Object.hasOwn(model.operations, route.operation) ? model.operations[route.operation] : undefined;
  return operation === undefined ? undefined : { model, name: route.operation, operation };
}

/** The refusal of an operation that has no handler, in the words of its service. */
export { unsupported as unsupportedOperation } from './route.ts';

/**
 * The input of the route's operation: member names of the SDK, times as `Date`, blobs as `Uint8Array`,
 * absent members undefined. `request` is the one that `authenticate` gave back.
 * @throws the refusal of the service for an operation it does not have, a body that cannot be read, or
 * a value that AWS's constraints do not allow.
 */
export function readInput(route: Route, request: HttpRequest): object {
  const input = parseInput(route, request);
  const { model, operation } = known(route)!;
  checkConstraints(route.service!, model, operation, input);
  return input;
}

/** `readInput` without the constraints of AWS's models: any input that the shapes can hold. */
export function parseInput(route: Route, request: HttpRequest): object {
  if (route.defect !== undefined) throw route.defect;
  const found = known(route);
  if (found === undefined || found.operation.unoffered === true) throw unsupported(route);
  return readers[route.protocol](route, request, found);
}

const readers: Readonly<Record<Protocol, (route: Route, request: HttpRequest, found: Known) => object>> = {
  json: (_, request, { model, operation }) => readJsonInput(model, operation, request.body),
  'rest-xml': (route, request, { model, operation }) => readRestInput(model, operation, request, route.rest!),
  query: (route, _, { model, operation }) => readQueryInput(model, operation, route.form!.root, { ec2: false }),
  ec2: (route, _, { model, operation }) => readQueryInput(model, operation, route.form!.root, { ec2: true }),
};

/** The answer of a call that went well. Members that the operation's output does not have are left out. */
export function writeOutput(route: Route, output: unknown, requestId: string): HttpResponse {
  const found = known(route);
  if (found === undefined) throw new Error('writeOutput: the route has no operation');
  const answer = outputWriters[route.protocol](found, output ?? {}, requestId);
  return { ...answer, headers: { ...requestIdHeaders(route, requestId), ...answer.headers } };
}

const xmlType = { 'content-type': 'text/xml' };
const ec2Type = { 'content-type': 'text/xml;charset=UTF-8' };
const jsonHeaders = ({ service, jsonVersion }: Partial<ServiceModel>, body: string) => ({
  'content-type': `application/x-amz-json-${jsonVersion ?? '1.1'}`,
  // DynamoDB's clients check the body by it.
  ...(service === 'dynamodb' ? { 'x-amz-crc32': String(crc32(body)) } : {}),
});

const outputWriters: Readonly<Record<Protocol, (found: Known, output: object, requestId: string) => HttpResponse>> = {
  json({ model, operation }, output) {
    const body = writeJsonOutput(model, operation, output);
    return { status: 200, headers: jsonHeaders(model, body), body };
  },
  query: ({ model, name, operation }, output, requestId) => ({
    status: 200,
    headers: xmlType,
    body: writeQueryOutput(model, name, operation, output, requestId),
  }),
  ec2: ({ model, name, operation }, output, requestId) => ({
    status: 200,
    headers: ec2Type,
    body: writeEc2Output(model, name, operation, output, requestId),
  }),
  'rest-xml': ({ model, name, operation }, output) => writeRestOutput(model, name, operation, output),
};

/**
 * The answer of a call that was refused or broke. A `Failure` keeps its code and message; its status is
 * its own, else that of the code in the service's model, else 400. Anything else is 500 without detail.
 */
export function writeFailure(
  route: Route,
  failure: unknown,
  requestId: string,
  extraHeaders: Readonly<Record<string, string>> = {},
): HttpResponse {
  const error = wireError(route, failure);
  const headers = { ...requestIdHeaders(route, requestId), ...extraHeaders };
  const answer = failureWriters[route.protocol](route, error, requestId);
  return { status: error.status, headers: { ...headers, ...answer.headers }, body: answer.body };
}

type Written = Pick<HttpResponse, 'headers' | 'body'>;

const failureWriters: Readonly<Record<Protocol, (route: Route, error: WireError, requestId: string) => Written>> = {
  json({ service }, error) {
    const body = writeJsonError(service, error);
    const headers = jsonHeaders(service === undefined ? {} : serviceModel(service), body);
    // DynamoDB says it in the body alone.
    return { headers: service === 'dynamodb' ? headers : { ...headers, 'x-amzn-errortype': error.code }, body };
  },
  query: ({ service }, error, requestId) => ({
    headers: xmlType,
    body: writeQueryError(service === undefined ? '' : serviceModel(service).xmlNamespace, error, requestId),
  }),
  ec2: (_, error, requestId) => ({ headers: ec2Type, body: writeEc2Error(error, requestId) }),
  'rest-xml': (route, error, requestId) => ({
    headers: { 'content-type': 'application/xml' },
    body:
      route.method === 'HEAD' || error.status === 304
        ? ''
        : writeRestError(error, route.path, requestId, hostId(requestId)),
  }),
};

// Status of codes that are in no service's model: the services' pages "Common errors" and S3's "Error responses".
const commonStatus: Readonly<Record<string, number>> = {
  AccessDenied: 403,
  AccessDeniedException: 403,
  UnauthorizedOperation: 403,
  OptInRequired: 403,
  InvalidClientTokenId: 403,
  ExpiredToken: 403,
  SignatureDoesNotMatch: 403,
  MissingAuthenticationToken: 403,
  AuthFailure: 401,
  ServiceUnavailable: 503,
  SlowDown: 503,
  InternalFailure: 500,
  InternalError: 500,
  RequestLimitExceeded: 503,
  NoSuchBucketPolicy: 404,
  NoSuchCORSConfiguration: 404,
  NoSuchWebsiteConfiguration: 404,
  NoSuchLifecycleConfiguration: 404,
  NoSuchTagSet: 404,
  NoSuchPublicAccessBlockConfiguration: 404,
  NoSuchVersion: 404,
  NoSuchBucket: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  ReplicationConfigurationNotFoundError: 404,
  ServerSideEncryptionConfigurationNotFoundError: 404,
  ObjectLockConfigurationNotFoundError: 404,
  OwnershipControlsNotFoundError: 404,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  OperationAborted: 409,
  PreconditionFailed: 412,
  InvalidRange: 416,
  MethodNotAllowed: 405,
  NotModified: 304,
};

function wireError(route: Route, failure: unknown): WireError {
  // AWS's codes begin with a capital. A failure of another room has words and details that are not for this wire.
  if (!isFailure(failure) || !/^[A-Z]/.test(failure.code)) return internal(route);
  const { code, message, detail } = failure;
  const fields = typeof detail === 'object' && detail !== null ? (detail as Readonly<Record<string, unknown>>) : {};
  return { code, message, fields, status: failure.status > 0 ? failure.status : statusOf(route, code) };
}

function statusOf(route: Route, code: string): number {
  const errors = route.service === undefined ? {} : serviceModel(route.service).errors;
  const listed = Object.hasOwn(errors, code) ? errors[code]!.status : undefined;
  const common = Object.hasOwn(commonStatus, code) ? commonStatus[code] : undefined;
  return route.service === 's3' ? (common ?? listed ?? 400) : (listed ?? common ?? 400);
}

function internal(route: Route): WireError {
  if (route.service === 's3' || route.service === 'ec2') {
    const message =
      route.service === 's3' ? 'We encountered an internal error. Please try again.' : 'An internal error has occurred';
    return { code: 'InternalError', message, status: 500, fields: {} };
  }
  const message = 'The request processing has failed because of an unknown error, exception or failure.';
  return { code: 'InternalFailure', message, status: 500, fields: {} };
}

function requestIdHeaders(route: Route, requestId: string): Record<string, string> {
  if (route.protocol !== 'rest-xml') return { 'x-amzn-requestid': requestId };
  return { 'x-amz-request-id': requestId, 'x-amz-id-2': hostId(requestId) };
}

/** S3's second id, made from the first so that both name one request. */
function hostId(requestId: string): string {
  return Buffer.from(`stint ${requestId}`).toString('base64');
}
