// The path of one request: its route, the route's checks in the order of the table (routes/table.ts),
// then its handler, between two audit records.
import { isFailure } from '../base/index.ts';
import type { Access } from './access.ts';
import type { Audit } from './audit/audit.ts';
import { isOpenPath, rowOf } from './backends.ts';
import { done, strangersBytes, type Answer, type Call, type Handler, type Served } from './call.ts';
import { brokerFailure } from './failures.ts';
import { severalErrors } from './go-errors.ts';
import type { Operation } from './model.ts';
import type { Mounts } from './mounts.ts';
import type { RateGate } from './quotas/rate-gate.ts';
import type { RateLimit } from './rate.ts';
import { withShownKeys } from './shown-keys.ts';
import type { Wrapping } from './wrapping.ts';
import { patternOf, routes, type Route, type RouteName, type SealedRouteName } from './routes/table.ts';

/** Serves the routes that ask for an unsealed server. */
export type Handlers = { readonly [Name in Exclude<RouteName, SealedRouteName>]: Served };
/** Serves the routes that answer in any state. */
export type SealedHandlers = { readonly [Name in SealedRouteName]: Served };

/** What answers while the server is unsealed. */
export interface OpenParts {
  readonly access: Access;
  readonly audit: Audit;
  readonly mounts: Mounts;
  readonly handlers: Handlers;
  readonly wrapping: Wrapping;
  readonly quotas: RateGate;
  /** Answers `?help=1`. */
  readonly help: Handler;
}

export interface PipelineParts {
  readonly rate: RateLimit;
  readonly sealedHandlers: SealedHandlers;
  /** Undefined while the server is sealed. */
  readonly opened: () => OpenParts | undefined;
  /** Host names a request may be addressed to, or undefined when every name is right. */
  readonly hostAllowed: ((host: string | undefined, origin: string | undefined) => boolean) | undefined;
}

/** Which route served a request, for who counts them; filled in on the way. */
export interface Seen {
  route: string;
}

/** A request as the HTTP server reads it. */
export type Asked = Omit<Call, 'params' | 'token' | 'located'>;

/** The checks that every request passes, whatever it asks for. @throws Failure `host-refused`, `rate-limited`. */
export function checkCaller(
  parts: Pick<PipelineParts, 'rate' | 'hostAllowed'>,
  asked: Pick<Asked, 'host' | 'origin' | 'remoteAddress'>,
): void {
  checkHost(parts, asked);
  checkRate(parts, asked);
}

interface Found {
  readonly name: RouteName;
  readonly params: Readonly<Record<string, string>>;
  /** The path is an own one, and does not have the operation: told to who may call it. */
  readonly refusal?: Error;
}

/**
 * Answers one request. The body is read after the checks that need none.
 * @throws Failure for every refusal; nothing was changed then by the checks.
 */
export async function answer(parts: PipelineParts, asked: Asked, seen: Seen = { route: '' }): Promise<Answer> {
  const found = findRoute(asked.operation, asked.path);
  seen.route = found.name;
  const [host, rate, whenSealed] = routes[found.name].checks;
  const unsealed = whenSealed || asked.operation === 'help';
  if (host) checkHost(parts, asked);
  if (rate) checkRate(parts, asked);
  const call: Call = { ...asked, params: found.params, token: undefined, located: undefined };
  if (found.refusal !== undefined && isBare(found.name)) throw brokerFailure('unsupported-operation', '');
  if (!unsealed) {
    return parts.sealedHandlers[found.name as SealedRouteName].handle({
      ...call,
      body: await call.readBody(strangersBytes),
    });
  }
  const open = parts.opened();
  // As in Vault: what is sealed may be sealed by everybody.
  if (open === undefined && (found.name === 'seal' || found.name === 'stepDown')) return done();
  if (open === undefined) {
    throw brokerFailure('sealed', 'Vault is sealed', { hint: 'unseal the server: `stint operator unseal`' });
  }
  return answerOpen(open, found, call, seen);
}

/** True for the paths that Vault serves outside its router: their refusals have no text. */
function isBare(name: RouteName): boolean {
  return !routes[name].checks[2] || name === 'seal' || name === 'stepDown';
}

async function answerOpen(open: OpenParts, { name, refusal }: Found, asked: Call, seen: Seen): Promise<Answer> {
  const audit = routes[name].checks[6];
  // Undefined for a route that is served sealed as well, of which help may be asked.
  const served: Served | undefined = open.handlers[name as keyof Handlers];
  let call = await open.quotas.admit(asked);
  try {
    if (name === 'engine') call = await located(open, call);
    if (call.located !== undefined) seen.route = `${call.located.mount.type}/${call.located.row.pattern}`;
    call = await admitted(open, name, served, call);
  } catch (error) {
    if (audit) await open.audit.refused(call, error);
    throw error;
  }
  const handle = refusal === undefined ? handlerOf(open, served, call) : () => Promise.reject(refusal);
  return audit ? audited(open.audit, call, handle) : handle(call);
}

function handlerOf(open: OpenParts, served: Served | undefined, { operation }: Call): Handler {
  return operation === 'help' || served === undefined ? open.help : (call) => handled(open, served, call);
}

async function handled({ wrapping }: OpenParts, served: Served, call: Call): Promise<Answer> {
  // A list shows what the rule that allowed it lets through.
  const answer = withShownKeys(call, await served.handle(call));
  // An answer the caller wants wrapped leaves as the token that holds it, and is recorded as that.
  return wrapping.wrap(call, answer);
}

async function located({ mounts }: OpenParts, call: Call): Promise<Call> {
  const mount = await mounts.locate(call.path);
  if (mount === undefined) return call;
  try {
    const found = rowOf(mount, call.operation);
    return { ...call, located: found, params: found.params };
  } catch (error) {
    // Only who has a token learns which paths there are: the handler says it again.
    if (isFailure(error) && !isOpenPath(mount)) return call;
    throw error;
  }
}

/** A call that is being filled in by its checks. */
type Draft = { -readonly [Name in keyof Call]: Call[Name] };

/** Token, body, whether it is a `create`, and policies, in this order. */
async function admitted(
  { access, handlers }: OpenParts,
  name: RouteName,
  served: Served | undefined,
  asked: Call,
): Promise<Call> {
  const help = asked.operation === 'help';
  const [, , , tokenRow, acl, sudo] = routes[name].checks;
  const token = tokenRow || help;
  const open = asked.located?.row.open === true && !help;
  // A copy: a call that is refused is recorded as it was asked.
  const call: Draft = { ...asked };
  if (served === undefined) {
    call.token = await access.checkToken(call.tokenId, call.remoteAddress);
    return call;
  }
  if (served.admit !== undefined && !help) {
    call.body = await call.readBody(strangersBytes);
    await served.admit(call);
  }
  if (token && !open) call.token = await access.checkToken(call.tokenId, call.remoteAddress);
  const read = served.admit !== undefined && !help;
  const raw = served.raw === true && call.operation === 'update';
  const mostBytes = call.token === undefined ? strangersBytes : undefined;
  if (!read && !raw) call.body = await call.readBody(mostBytes);
  if (call.operation === 'update' && !open && (await creates(served, handlers, call))) call.operation = 'create';
  if (acl && !open) {
    const allowed = await access.checkAcl(call, sudo || call.located?.row.sudo === true);
    call.granted = allowed.granted;
    call.body = allowed.body;
  }
  return call;
}

async function creates(served: Served, { engine }: Handlers, call: Call): Promise<boolean> {
  const { exists } = call.located === undefined ? served : engine;
  return exists !== undefined && !(await exists(call));
}

interface CompiledRoute {
  readonly name: RouteName;
  readonly operations: readonly Operation[];
  readonly matches: RegExp;
}

const rows = Object.entries(routes) as [RouteName, Route][];
/** Routes without a variable part, by path; then the others in the order of the table. */
const exact = new Map<string, CompiledRoute[]>();
const patterns: CompiledRoute[] = [];
for (const [name, { operations, pattern }] of rows) {
  const route = { name, operations, matches: patternOf(pattern) };
  if (pattern.includes(':')) patterns.push(route);
  else exact.set(pattern, [...(exact.get(pattern) ?? []), route]);
}

/** `help` may be asked of every path. */
function serves({ operations }: CompiledRoute, operation: Operation): boolean {
  return operation === 'help' || operations.includes(operation);
}

function findRoute(operation: Operation, path: string): Found {
  const plain = exact.get(path) ?? [];
  const first = plain.find((route) => serves(route, operation));
  if (first !== undefined) return { name: first.name, params: {} };
  let refused: Found | undefined = plain[0] === undefined ? undefined : { name: plain[0].name, params: {} };
  for (const route of patterns) {
    const found = route.name === 'engine' && refused !== undefined ? null : route.matches.exec(path);
    if (found === null) continue;
    const match: Found = { name: route.name, params: { ...found.groups } };
    if (serves(route, operation)) return match;
    refused ??= match;
  }
  return { name: 'engine', params: {}, ...refused, refusal: noSuchOperation(operation, plain.length > 0) };
}

// A list is asked of the path with a slash at its end, which Vault's exact paths do not have.
function noSuchOperation(operation: Operation, isExact: boolean): Error {
  return operation === 'list' && isExact
    ? brokerFailure('no-route', severalErrors('unsupported path'))
    : brokerFailure('unsupported-operation', severalErrors('unsupported operation'));
}

function checkHost(
  { hostAllowed }: Pick<PipelineParts, 'hostAllowed'>,
  { host, origin }: Pick<Asked, 'host' | 'origin'>,
): void {
  if (hostAllowed === undefined || hostAllowed(host, origin)) return;
  throw brokerFailure('host-refused', 'this request is addressed to, or comes from, another site', {
    hint: 'use the address the server printed; a web page of another origin may not call it',
  });
}

function checkRate({ rate }: Pick<PipelineParts, 'rate'>, { remoteAddress }: Pick<Asked, 'remoteAddress'>): void {
  if (rate.take(remoteAddress)) return;
  throw brokerFailure('rate-limited', 'too many requests', { hint: 'slow down and try again' });
}

async function audited(audit: Audit, call: Call, handle: Handler): Promise<Answer> {
  await audit.request(call);
  const answer = await handledOrTold(audit, call, handle);
  try {
    await audit.answer(call, answer);
  } catch (error) {
    // What nobody could be told about, nobody may hold.
    await answer.takeBack?.();
    throw error;
  }
  await answer.afterRecorded?.();
  return answer;
}

async function handledOrTold(audit: Audit, call: Call, handle: Handler): Promise<Answer> {
  try {
    return await handle(call);
  } catch (error) {
    await audit.failed(call, error);
    throw error;
  }
}
