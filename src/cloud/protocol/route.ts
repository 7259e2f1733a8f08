// Which service, region and operation a request is for. The signature's scope says it; a request
// without one is told by its target header, its form, or its host. Nothing here is trusted yet.
import { isFailure, type Failure } from '../../base/index.ts';
import type { ServiceId } from '../call.ts';
import { awsFailure } from '../failures.ts';
import type { HttpRequest } from '../http.ts';
import { readForm, type Form } from './form.ts';
import type { Protocol } from './model.ts';
import { isServiceId, serviceIds, serviceModel } from './models.ts';
import { restOperation, restTarget, type RestTarget } from './rest-xml.ts';

export interface Route {
  /** Absent: the request is signed for a service that is not embedded. */
  readonly service: ServiceId | undefined;
  /** The service's name in the signature's scope, also of one that is not embedded. */
  readonly signingName: string;
  /** Of the scope; `us-east-1` when the request has none. */
  readonly region: string;
  readonly protocol: Protocol;
  /** As the client names it; whether the service has it is `readInput`'s to say. Absent: the request names none. */
  readonly operation: string | undefined;
  /** Carries a signature, in the header or (then `presigned`) in the query. */
  readonly signed: boolean;
  readonly presigned: boolean;
  readonly method: string;
  readonly path: string;
  readonly form?: Form | undefined;
  readonly rest?: RestTarget | undefined;
  /** What made the request unreadable; `readInput` throws it, after the signature was judged. */
  readonly defect?: Failure | undefined;
}

interface Scope {
  readonly signingName: string;
  readonly region: string;
}

const defaultRegion = 'us-east-1';

/** Never throws; whatever is wrong with the request is for `authenticate` and `readInput` to refuse. */
export function routeRequest(request: HttpRequest): Route {
  const authorization = request.headers['authorization'];
  const presigned = authorization === undefined && /(?:^|&)X-Amz-Algorithm=/i.test(request.query);
  const scope = presigned ? queryScope(request.query) : headerScope(authorization);
  const base = {
    // A version 2 signature is a signature too: refused as such, and not taken for an anonymous request.
    signed: presigned || authorization !== undefined || /(?:^|&)(?:AWSAccessKeyId|Signature)=/.test(request.query),
    presigned,
    method: request.method,
    path: request.path,
    region: scope?.region ?? defaultRegion,
  };
  const target = request.headers['x-amz-target'];
  if (target !== undefined) return { ...base, ...jsonRoute(target, scope) };
  if (scope?.signingName === 's3' || (scope === undefined && !looksLikeForm(request))) {
    return { ...base, ...restRoute(request) };
  }
  return { ...base, ...formRoute(request, scope) };
}

type Rest = Pick<Route, 'service' | 'signingName' | 'protocol' | 'operation' | 'form' | 'rest' | 'defect'>;

/** Service shapes of the models of services that speak query, by which SDKs that move to JSON name them. */
const queryTargets: Readonly<Record<string, ServiceId>> = {
  AWSSecurityTokenServiceV20110615: 'sts',
  AWSIdentityManagementV20100508: 'iam',
};

/** Clients of older models write CloudTrail's with its namespace: `com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101`. */
function serviceOfTarget(qualified: string): ServiceId | undefined {
  const prefix = qualified.slice(qualified.lastIndexOf('.') + 1);
  if (Object.hasOwn(queryTargets, prefix)) return queryTargets[prefix];
  return serviceIds.find((id) => serviceModel(id).targetPrefix === prefix);
}

function jsonRoute(target: string, scope: Scope | undefined): Rest {
  const dot = target.lastIndexOf('.');
  const named = serviceOfTarget(target.slice(0, Math.max(0, dot)));
  const service = scope === undefined ? named : embedded(scope.signingName);
  // A target of another service than the one signed for names no operation of this one.
  const operation = service !== undefined && service === named ? target.slice(dot + 1) : undefined;
  return { service, signingName: scope?.signingName ?? named ?? '', protocol: 'json', operation };
}

function restRoute(request: HttpRequest): Rest {
  const base = { service: 's3', signingName: 's3', protocol: 'rest-xml' } as const;
  try {
    const rest = restTarget(request);
    return { ...base, rest, operation: restOperation(serviceModel('s3'), request, rest) };
  } catch (error) {
    if (isFailure(error)) return { ...base, operation: undefined, defect: error };
    throw error;
  }
}

function formRoute(request: HttpRequest, scope: Scope | undefined): Rest {
  let form: Form | undefined;
  let defect: Failure | undefined;
  try {
    form = readForm(request.query, request.method === 'POST' ? request.body : new Uint8Array());
  } catch (error) {
    if (!isFailure(error)) throw error;
    defect = error;
  }
  const service = scope === undefined ? formService(form) : embedded(scope.signingName);
  return {
    service,
    signingName: scope?.signingName ?? service ?? '',
    // Most services that are not embedded speak JSON: their clients find the refusal in its headers.
    protocol: service === 'ec2' ? 'ec2' : service === undefined && !looksLikeForm(request) ? 'json' : 'query',
    operation: form?.action,
    form,
    defect,
  };
}

/** An unsigned form is told by its version, which differs between the services. */
function formService(form: Form | undefined): ServiceId | undefined {
  const byVersion = serviceIds.find((id) => serviceModel(id).version === form?.version && id !== 's3');
  const action = form?.action;
  return byVersion ?? (['sts', 'iam', 'ec2'] as const).find((id) => action !== undefined && hasOperation(id, action));
}

function hasOperation(service: ServiceId, action: string): boolean {
  return Object.hasOwn(serviceModel(service).operations, action);
}

function embedded(signingName: string): ServiceId | undefined {
  return isServiceId(signingName) ? signingName : undefined;
}

function looksLikeForm(request: HttpRequest): boolean {
  if (request.path !== '/' && request.path !== '') return false;
  if (/(?:^|&)Action=/.test(request.query)) return true;
  return (
    request.method === 'POST' && (request.headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded')
  );
}

function headerScope(authorization: string | undefined): Scope | undefined {
  const found = authorization === undefined ? null : /\bCredential=([^,\s]{1,512})/.exec(authorization);
  return found === null ? undefined : scopeOf(found[1]!);
}

function queryScope(query: string): Scope | undefined {
  const found = /(?:^|&)X-Amz-Credential=([^&]{1,1024})/i.exec(query);
  return found === null ? undefined : scopeOf(found[1]!.replace(/%2F/gi, '/'));
}

/** `KEY/20260101/us-east-1/iam/aws4_request`; SigV4A's scope has no region. */
function scopeOf(credential: string): Scope | undefined {
  const parts = credential.split('/');
  const signingName = parts.at(-2);
  if (parts.length < 4 || signingName === undefined) return undefined;
  return { signingName, region: parts.length >= 5 ? parts.at(-3)! : defaultRegion };
}

/**
 * What the service answers for an operation that it does not have, in AWS's words; for one that it has
 * and that is not offered here, and for a service that is not, the same code with words that say so.
 */
export function unsupported(route: Route): Failure {
  const { service, operation, protocol } = route;
  const code = unsupportedCodes[protocol];
  if (service === undefined) {
    return awsFailure(code, `The service ${route.signingName} is not offered by the embedded AWS`, { status: 400 });
  }
  if (operation === undefined) return nothingAsked(route);
  if (!hasOperation(service, operation)) return awsFailure(code, unknownOperation(route, operation), { status: 400 });
  const versionIsWrong = protocol === 'query' && route.form?.version !== serviceModel(service).version;
  if (versionIsWrong) return awsFailure(code, unknownOperation(route, operation), { status: 400 });
  // S3 itself says 501 for what it has not; clients take 5xx for a fault that passes, and try again.
  return awsFailure(code, `The operation ${operation} is not offered by the embedded AWS`, { status: 400 });
}

const unsupportedCodes: Readonly<Record<Protocol, string>> = {
  json: 'UnknownOperationException',
  'rest-xml': 'NotImplemented',
  ec2: 'InvalidAction',
  query: 'InvalidAction',
};

function unknownOperation({ protocol, form }: Route, operation: string): string {
  if (protocol === 'query')
    return `Could not find operation ${operation} for version ${form?.version ?? 'NO_VERSION_SPECIFIED'}`;
  return protocol === 'ec2' ? `The action ${operation} is not valid for this web service.` : '';
}

function nothingAsked({ protocol, method, rest }: Route): Failure {
  if (protocol === 'json') return awsFailure('UnknownOperationException', '', { status: 400 });
  if (protocol === 'query') return awsFailure('MissingAction', 'Missing Action', { status: 400 });
  if (protocol === 'ec2')
    return awsFailure('MissingAction', 'The request must contain the parameter Action', { status: 400 });
  // A POST to a bucket itself is an upload by form, and this one carries no form.
  if (method === 'POST' && rest?.bucket !== undefined && rest.key === undefined && rest.query.size === 0) {
    return awsFailure('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
      status: 412,
      fields: { Condition: 'Bucket POST must be of the enclosure-type multipart/form-data' },
    });
  }
  return awsFailure('MethodNotAllowed', 'The specified method is not allowed against this resource.', {
    status: 405,
    fields: { Method: method },
  });
}
