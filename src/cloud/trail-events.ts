// One call as the histories that it stands in: the caller's, and that of who owns what it worked on.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-sharing-logs.html ("shared event ID")
import type { Failure } from '../base/index.ts';
import type { Principal } from '../policy/index.ts';
import type { Permission } from './call.ts';
import type { Credential } from './credential.ts';
import type { HttpRequest } from './http.ts';
import { serviceModel } from './protocol/models.ts';
import type { Route } from './protocol/index.ts';
import { accountOfResource } from './request-context.ts';
import { historyRegion, isManagementEvent, showsAnswer } from './services/cloudtrail/catalog.ts';
import type { TrailEvent, TrailSession } from './trail.ts';
import { shownInput, shownOutput } from './trail-parameters.ts';
import type { World } from './world.ts';

/** What a server knows when a call has ended. */
export interface EndedCall {
  readonly route: Route;
  readonly request: HttpRequest;
  readonly requestId: string;
  readonly at: number;
  readonly principal: Principal;
  readonly credential: Credential | undefined;
  readonly permission: Permission | undefined;
  readonly input: object | undefined;
  readonly output: unknown;
  /** Absent: it went well. */
  readonly error: Pick<Failure, 'code' | 'message'> | undefined;
}

/** None for data events, for what no service here does, and for callers whose signature was not believed. */
export function trailEvents(call: EndedCall, world: World): readonly Omit<TrailEvent, 'seq'>[] {
  const { service, operation = '' } = call.route;
  if (service === undefined || !isManagementEvent(service, operation)) return [];
  const { operations } = serviceModel(service);
  if (!Object.hasOwn(operations, operation) || operations[operation]!.unoffered === true) return [];
  const accounts = accountsOf(call, world);
  if (accounts.length === 0) return [];
  const told = { ...commonOf(call, world), service, operation, ...shown(call, service, operation) };
  return accounts.map((account) => ({ account, shared: accounts.length > 1, ...told }));
}

/** A call that failed is told to the caller's account alone; one without signature to the owner's. */
function accountsOf({ credential, permission, error }: EndedCall, world: World): readonly string[] {
  const owner = permission === undefined ? undefined : accountOfResource(permission);
  const owners = owner === undefined || world.account(owner) === undefined ? [] : [owner];
  if (credential === undefined) return owners;
  return error === undefined ? [...new Set([credential.account, ...owners])] : [credential.account];
}

function commonOf(call: EndedCall, world: World) {
  const { route, request, principal, credential, permission, error } = call;
  return {
    at: call.at,
    region: historyRegion(route.service!, world.partition, route.region),
    requestId: call.requestId,
    // An unsigned call speaks for who the identity provider says.
    principal: permission?.principal ?? principal,
    accessKeyId: credential?.accessKeyId,
    session: sessionOf(credential),
    sourceIp: request.remoteAddress,
    userAgent: request.headers['user-agent'] ?? '',
    host: request.headers['host'] ?? '',
    secure: request.secure,
    resource: resourceOf(permission, credential),
    error: error === undefined ? undefined : { code: error.code, message: error.message },
  };
}

/** Without the token. */
function sessionOf(credential: Credential | undefined): TrailSession | undefined {
  if (credential?.session === undefined) return undefined;
  const { issuedAt, mfaAt, sourceIdentity, instanceId, federatedProvider } = credential.session;
  return { issuedAt, mfaAt, sourceIdentity, instanceId, federatedProvider };
}

function resourceOf(permission: Permission | undefined, credential: Credential | undefined): TrailEvent['resource'] {
  if (permission === undefined || permission.resource === '*') return undefined;
  return { arn: permission.resource, account: accountOfResource(permission) ?? credential?.account ?? '' };
}

function shown({ input, output, error }: EndedCall, service: TrailEvent['service'], operation: string) {
  const answers = error === undefined && showsAnswer(service, operation);
  return {
    parameters: shownInput(service, operation, input),
    answer: answers ? shownOutput(service, operation, output) : null,
  };
}
