// `/_stint/…`: the routes by which a person or a test moves the clock, orders faults, reads events and
// explanations, and starts over. SECURITY: only who holds the control token gets in, and no page of a
// browser does, whatever site it is from.
import { createHash, timingSafeEqual } from 'node:crypto';
import { type AdjustableClock, Failure, formatDuration, isFailure, isoSeconds, type Secret } from '../base/index.ts';
import type { Enforcement } from './authorize.ts';
import type { Events } from './events.ts';
import type { Explanations } from './explain.ts';
import { cloudFailure } from './failures.ts';
import type { Faults } from './faults.ts';
import type { Propagation } from './propagation.ts';
import type { HttpRequest, HttpResponse } from './http.ts';
import { checkOrigin } from './local-origin.ts';
import type { Tasks } from './tasks.ts';
import { discoveryOf, testIssuerPath, type TestIssuer } from './test-issuer.ts';

/** What the routes may touch. */
export interface ControlTargets {
  readonly token: Secret;
  readonly version: string;
  readonly enforce: Enforcement;
  readonly clock: AdjustableClock;
  readonly faults: Faults;
  readonly propagation: Propagation;
  readonly events: Events;
  readonly explanations: Explanations;
  readonly issuer: TestIssuer;
  /** Names under which this server may be addressed: `127.0.0.1`, `localhost` and the like, without port. */
  readonly hosts: ReadonlySet<string>;
  readonly services: readonly string[];
  operationsOf(service: string): Promise<readonly string[]>;
  /** Keeps the clock's place where the state is kept. */
  saveClock(): Promise<void>;
  reset(): Promise<void>;
  instances(): readonly object[];
  readonly tasks: Tasks;
  /** Begins the end of the server; the answer to this request still leaves. */
  stop(): void;
}

export const controlPrefix = '/_stint/';

type Handler = (request: HttpRequest, targets: ControlTargets, rest: string) => object | Promise<object>;

/** Method and path → what is done. A path that ends in `/` takes one more segment. */
const routes: Readonly<Record<string, Readonly<Record<string, Handler>>>> = {
  health: { GET: (_request, targets) => health(targets) },
  clock: { GET: (_request, { clock }) => clockView(clock), POST: moveClock },
  reset: { POST: (_request, targets) => targets.reset().then(() => ({ reset: true })) },
  faults: {
    GET: (_request, { faults }) => ({ faults: faults.list() }),
    POST: addFault,
    DELETE: (_request, { faults }) => ({ removed: faults.remove() }),
  },
  'faults/': { DELETE: removeFault },
  propagation: { GET: (_request, { propagation }) => propagationView(propagation), POST: setPropagation },
  events: { GET: listEvents },
  'explain/': { GET: explainOne },
  tokens: { POST: signToken },
  'oidc/': { GET: publishIssuer },
  instances: { GET: (_request, targets) => ({ instances: targets.instances() }) },
  tasks: { GET: (_request, { tasks }) => ({ tasks: tasks.list() }), POST: startTask },
  'tasks/': { DELETE: stopTask },
  stop: { POST: (_request, targets) => (targets.stop(), { stopping: true }) },
};

/** What needs no token: nothing here is secret, and nothing changes. */
const openRoutes: ReadonlySet<string> = new Set(['health', 'oidc/']);

/** Answers one control request. Never throws: whatever goes wrong becomes `{"error": {code, message, hint}}`. */
export async function answerControl(request: HttpRequest, targets: ControlTargets): Promise<HttpResponse> {
  try {
    checkOrigin(request, targets.hosts);
    const path = request.path.slice(controlPrefix.length);
    const slash = path.indexOf('/') + 1;
    const name = slash === 0 ? path : path.slice(0, slash);
    if (!openRoutes.has(name)) checkToken(request, targets.token);
    if (!Object.hasOwn(routes, name) || (name === path && name.endsWith('/'))) {
      throw cloudFailure('no-such-route', 'there is no such control route', {
        hint: `the routes are ${Object.keys(routes).join(', ')}`,
      });
    }
    const methods = routes[name]!;
    const handler = methods[request.method];
    if (handler === undefined) return wrongMethod(Object.keys(methods));
    return json(200, await handler(request, targets, path.slice(slash)));
  } catch (error) {
    const failure = isFailure(error) ? error : new Failure('internal', 'the control route failed');
    return json(failure.status, { error: failure });
  }
}

/** The answer to a control request whose body is not taken. */
export function refuseControlBody(): HttpResponse {
  const failure = cloudFailure('body-too-large', 'the body of the control request is too large', {
    hint: 'no control route needs more than a kilobyte',
  });
  return json(failure.status, { error: failure });
}

function json(status: number, body: object, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: `${JSON.stringify(body)}\n`,
  };
}

function wrongMethod(allowed: readonly string[]): HttpResponse {
  const failure = cloudFailure('wrong-method', 'the control route does not take this method', {
    hint: `use ${allowed.join(' or ')}`,
  });
  return json(failure.status, { error: failure }, { allow: allowed.join(', ') });
}

function checkToken({ headers }: HttpRequest, token: Secret): void {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(headers['x-stint-control'] ?? ''), digest(token.reveal()))) return;
  throw cloudFailure('control-token', 'the control token is missing or wrong', {
    hint: 'send the `controlToken` of the credentials file in the header `x-stint-control`',
  });
}

function health({ version, enforce, clock }: ControlTargets): object {
  return { ready: true, version, enforce, now: isoSeconds(clock.now()) };
}

function clockView(clock: AdjustableClock): object {
  return { now: isoSeconds(clock.now()), frozen: clock.frozen };
}

async function moveClock(request: HttpRequest, targets: ControlTargets): Promise<object> {
  const { clock } = targets;
  const { parseClockMove } = await import('./control-bodies.ts');
  const move = parseClockMove(textOf(request), clock.now());
  if ('advance' in move) clock.advance(move.advance);
  else if ('set' in move) clock.set(move.set);
  else clock.freeze(move.freeze);
  await targets.saveClock();
  return clockView(clock);
}

/** `{"iam":"2s","organizations":"0s",…,"waiting":3}`: what POST takes, and how many changed rows are on their way. */
function propagationView(propagation: Propagation): object {
  const { delays, waiting } = propagation.view();
  const texts = Object.entries(delays).map(([kind, delay]) => [kind, durationText(delay)]);
  return { ...Object.fromEntries(texts), waiting };
}

function durationText(delay: number): string {
  return delay % 1000 === 0 ? formatDuration(delay / 1000) : `${delay}ms`;
}

async function setPropagation(request: HttpRequest, { propagation }: ControlTargets): Promise<object> {
  const { parseDelays } = await import('./control-bodies.ts');
  propagation.set(parseDelays(textOf(request)));
  return propagationView(propagation);
}

async function addFault(request: HttpRequest, targets: ControlTargets): Promise<object> {
  const { parseFaultOrder } = await import('./control-bodies.ts');
  const order = await parseFaultOrder(textOf(request), targets.services, (service) => targets.operationsOf(service));
  return { id: targets.faults.add(order) };
}

function removeFault(_request: HttpRequest, { faults }: ControlTargets, id: string): object {
  if (faults.remove(id)) return { removed: true };
  throw cloudFailure('no-such-fault', `there is no fault \`${id.slice(0, 100)}\``, {
    hint: 'it may have been removed by a reset; `DELETE /_stint/faults` removes all',
  });
}

/** A token of the test issuer, for the issuer that the order names. */
async function signToken(request: HttpRequest, { issuer }: ControlTargets): Promise<object> {
  const { parseTokenOrder } = await import('./control-bodies.ts');
  return { token: await issuer.sign(parseTokenOrder(textOf(request), originOf(request) + testIssuerPath)) };
}

async function startTask(request: HttpRequest, { tasks }: ControlTargets): Promise<object> {
  const { parseTaskOrder } = await import('./control-bodies.ts');
  return await tasks.start(parseTaskOrder(textOf(request)).roleArn, originOf(request));
}

function stopTask(_request: HttpRequest, { tasks }: ControlTargets, id: string): Promise<object> {
  return tasks.stop(id).then(() => ({ stopped: true }));
}

function publishIssuer(request: HttpRequest, { issuer }: ControlTargets, rest: string): object {
  if (rest === '.well-known/openid-configuration') return discoveryOf(originOf(request));
  if (rest === 'jwks') return { keys: [issuer.publicKey] };
  throw cloudFailure('no-such-route', 'the test issuer publishes no such document', {
    hint: 'it has `.well-known/openid-configuration` and `jwks`',
  });
}

function originOf({ headers, secure }: HttpRequest): string {
  return `${secure ? 'https' : 'http'}://${headers['host'] ?? ''}`;
}

function listEvents({ query }: HttpRequest, { events }: ControlTargets): object {
  const wanted = new URLSearchParams(query);
  const number = (name: string): number | undefined => {
    const text = wanted.get(name);
    if (text === null) return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw cloudFailure('invalid-query', `\`${name}\` is not a whole number`, { hint: `write \`?${name}=100\`` });
  };
  return events.page(number('after') ?? 0, number('limit'));
}

function explainOne(_request: HttpRequest, { explanations }: ControlTargets, id: string): object {
  const explanation = explanations.find(id);
  if (explanation !== undefined) return explanation;
  throw cloudFailure('no-such-explanation', `there is no refusal \`${id.slice(0, 100)}\``, {
    hint: 'the id is in the header `x-stint-explain-id` and in the events; the oldest are forgotten, and a reset forgets all',
  });
}

function textOf({ body }: HttpRequest): string {
  return Buffer.from(body).toString('utf8');
}
