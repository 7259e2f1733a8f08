// The pipeline: every route with every check it passes, in one table. A route that does not say yes
// or no to each check does not compile. The checks run from left to right; the first refusal answers.
import { isFailure } from '../base/index.ts';
import { brokerFailure } from './failures.ts';
import type { Access } from './access.ts';
import type { Audit, AuditedAnswer } from './audit.ts';
import type { Answer, Call, Handler } from './call.ts';
import type { Operation } from './model.ts';
import type { RateLimit } from './rate.ts';

const yes = true;
const no_ = false;

interface Route {
  readonly operations: readonly Operation[];
  /** `:name` is one segment, `:name*` the non-empty rest. */
  readonly pattern: string;
  readonly checks: Checks;
}

/** host and origin · rate · a token that lives · its policies allow it · with `sudo` · recorded by audit */
type Checks = readonly [host: boolean, rate: boolean, token: boolean, acl: boolean, sudo: boolean, audit: boolean];

function on(operations: string, pattern: string, checks: Checks): Route {
  return { operations: operations.split(' ') as Operation[], pattern, checks };
}

/* oxfmt-ignore */
export const routes = {
  //                                                                    host  rate  token acl   sudo  audit
  health:          on('read', 'sys/health',                            [yes,  yes,  no_,  no_,  no_,  no_]),
  sealStatus:      on('read', 'sys/seal-status',                       [yes,  yes,  no_,  no_,  no_,  no_]),
  initStatus:      on('read', 'sys/init',                              [yes,  yes,  no_,  no_,  no_,  no_]),
  leader:          on('read', 'sys/leader',                            [yes,  yes,  no_,  no_,  no_,  no_]),
  mounts:          on('read', 'sys/mounts',                            [yes,  yes,  yes,  yes,  no_,  yes]),
  mountTune:       on('read update', 'sys/mounts/:path*/tune',         [yes,  yes,  yes,  yes,  no_,  yes]),
  mount:           on('read update delete', 'sys/mounts/:path*',       [yes,  yes,  yes,  yes,  no_,  yes]),
  authMethods:     on('read', 'sys/auth',                              [yes,  yes,  yes,  yes,  no_,  yes]),
  uiMounts:        on('read', 'sys/internal/ui/mounts',                [yes,  yes,  yes,  no_,  no_,  yes]),
  uiMount:         on('read', 'sys/internal/ui/mounts/:path*',         [yes,  yes,  yes,  no_,  no_,  yes]),
  capabilities:    on('update', 'sys/capabilities-self',               [yes,  yes,  yes,  yes,  no_,  yes]),
  policies:        on('read list', 'sys/policies/acl',                 [yes,  yes,  yes,  yes,  no_,  yes]),
  policy:          on('read update delete', 'sys/policies/acl/:name',  [yes,  yes,  yes,  yes,  no_,  yes]),
  oldPolicies:     on('read list', 'sys/policy',                       [yes,  yes,  yes,  yes,  no_,  yes]),
  oldPolicy:       on('read update delete', 'sys/policy/:name',        [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseLookup:     on('update', 'sys/leases/lookup',                   [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseListAll:    on('list', 'sys/leases/lookup',                     [yes,  yes,  yes,  yes,  yes,  yes]),
  leaseList:       on('list', 'sys/leases/lookup/:prefix*',            [yes,  yes,  yes,  yes,  yes,  yes]),
  leaseRenew:      on('update', 'sys/leases/renew',                    [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRenewId:    on('update', 'sys/leases/renew/:lease_id*',         [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevoke:     on('update', 'sys/leases/revoke',                   [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevokeId:   on('update', 'sys/leases/revoke/:lease_id*',        [yes,  yes,  yes,  yes,  no_,  yes]),
  leaseRevokeAll:  on('update', 'sys/leases/revoke-prefix/:prefix*',   [yes,  yes,  yes,  yes,  yes,  yes]),
  leaseForceAll:   on('update', 'sys/leases/revoke-force/:prefix*',    [yes,  yes,  yes,  yes,  yes,  yes]),
  tokenCreate:     on('update', 'auth/token/create',                   [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenOrphan:     on('update', 'auth/token/create-orphan',            [yes,  yes,  yes,  yes,  yes,  yes]),
  tokenLookup:     on('update', 'auth/token/lookup',                   [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenLookupSelf: on('read update', 'auth/token/lookup-self',         [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenLookupName: on('update', 'auth/token/lookup-accessor',          [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenew:      on('update', 'auth/token/renew',                    [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenewSelf:  on('update', 'auth/token/renew-self',               [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRenewName:  on('update', 'auth/token/renew-accessor',           [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenAccessors:  on('list', 'auth/token/accessors',                  [yes,  yes,  yes,  yes,  yes,  yes]),
  tokenRevoke:     on('update', 'auth/token/revoke',                   [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRevokeSelf: on('update', 'auth/token/revoke-self',              [yes,  yes,  yes,  yes,  no_,  yes]),
  tokenRevokeName: on('update', 'auth/token/revoke-accessor',          [yes,  yes,  yes,  yes,  no_,  yes]),
  stintLeases:     on('read list', 'stint/leases',                     [yes,  yes,  yes,  yes,  no_,  yes]),
  devClock:        on('update', 'stint/dev/clock',                     [yes,  yes,  yes,  yes,  yes,  yes]),
  // Whatever no row above serves: a path of a mounted engine.
  engine:          on('read list update delete', ':path*',             [yes,  yes,  yes,  yes,  no_,  yes]),
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof routes;
export type Handlers = { readonly [Name in RouteName]: Handler };

export interface PipelineParts {
  readonly access: Access;
  readonly audit: Audit;
  readonly rate: RateLimit;
  readonly handlers: Handlers;
  /** Host names a request may be addressed to, or undefined when every name is right. */
  readonly hostAllowed: ((host: string | undefined, origin: string | undefined) => boolean) | undefined;
}

/**
 * Answers one request: finds its route, runs the route's checks in order, then its handler. Reading
 * the body waits until the checks that need no body have passed.
 * @throws Failure for every refusal; nothing was changed then by the checks.
 */
export async function answer(parts: PipelineParts, asked: Omit<Call, 'params' | 'token'>): Promise<Answer> {
  const { name, params } = findRoute(asked.operation, asked.path);
  const [host, rate, token, acl, sudo, audit] = routes[name].checks;
  let call: Call = { ...asked, params, token: undefined };
  if (host) checkHost(parts, call);
  if (rate) checkRate(parts, call);
  if (token) call = { ...call, token: await parts.access.checkToken(call.tokenId) };
  if (acl) await parts.access.checkAcl(call, sudo);
  call = { ...call, body: await call.readBody() };
  if (!audit) return parts.handlers[name](call);
  return audited(parts, call, parts.handlers[name]);
}

const compiled = (Object.entries(routes) as [RouteName, Route][]).map(([name, route]) => ({
  name,
  operations: route.operations,
  matches: patternOf(route.pattern),
}));

function patternOf(pattern: string): RegExp {
  const segments = pattern.split('/').map((segment) => {
    if (!segment.startsWith(':')) return segment;
    return segment.endsWith('*') ? `(?<${segment.slice(1, -1)}>.+)` : `(?<${segment.slice(1)}>[^/]+)`;
  });
  return new RegExp(`^${segments.join('/')}$`, 's');
}

function findRoute(operation: Operation, path: string): { name: RouteName; params: Readonly<Record<string, string>> } {
  let served = false;
  for (const { name, operations, matches } of compiled) {
    const found = name === 'engine' && served ? null : matches.exec(path);
    if (found === null) continue;
    if (operations.includes(operation)) return { name, params: { ...found.groups } };
    served = true;
  }
  throw brokerFailure('unsupported-operation', 'unsupported operation');
}

function checkHost({ hostAllowed }: PipelineParts, { host, origin }: Call): void {
  if (hostAllowed === undefined || hostAllowed(host, origin)) return;
  throw brokerFailure('host-refused', 'this request is addressed to, or comes from, another site', {
    hint: 'use the address the server printed; a web page of another origin may not call it',
  });
}

function checkRate({ rate }: PipelineParts, { remoteAddress }: Call): void {
  if (rate.take(remoteAddress)) return;
  throw brokerFailure('rate-limited', 'too many requests', { hint: 'slow down and try again' });
}

async function audited({ audit }: PipelineParts, call: Call, handle: Handler): Promise<Answer> {
  await audit.request(call);
  const result = await handle(call).catch(async (error: unknown) => {
    const failed = isFailure(error) ? { status: error.status, error: error.code } : { status: 500, error: 'internal' };
    await audit.response(call, { ...failed, data: null, leaseId: '' });
    throw error;
  });
  await audit.response(call, answered(result)).catch(async (error: unknown) => {
    // What nobody could be told about, nobody may hold.
    await result.takeBack?.();
    throw error;
  });
  return result;
}

function answered({ status, audited: data, leaseId }: Answer): AuditedAnswer {
  return { status, data, leaseId, error: null };
}
