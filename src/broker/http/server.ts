// HTTP on the outside, calls on the inside: reads requests, hands them to the pipeline, writes
// answers and errors. What a failure may tell the outside is decided here and nowhere else.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isFailure, parseDuration, Secret, uuid, type Random } from '../../base/index.ts';
import type { Answer } from '../call.ts';
import type { Asked } from '../pipeline.ts';
import { brokerFailure, type PublicError } from '../failures.ts';
import { durationProblem } from '../field-errors.ts';
import type { Log } from '../log.ts';
import type { Operation } from '../model.ts';
import { checkPatchType, readJsonBody, readQuery } from './body.ts';
import { limitConnections, type ConnectionLimits } from './connections.ts';
import { Departures } from './departures.ts';
import { clientAddress, type ClientAddress } from './proxies.ts';
import { readTls, type TlsFiles } from './tls.ts';
import { checkNamespace } from './namespaces.ts';
import { isPagePath, pageHeaders, type PageAsked, type PageReply } from './page.ts';
import { cleanTarget, decodePath } from './paths.ts';
import { UnderWay } from './under-way.ts';
import { hintHeader, type WireErrors } from './wire.ts';
import { acceptListVerb } from './list-verb.ts';

const keepAliveMillis = 30_000;
/** How often connections are looked at that are too slow. */
const slownessMillis = 1000;

/** LINK is what list-verb.ts makes of LIST. */
const operations: Readonly<Record<string, Operation>> = {
  GET: 'read',
  HEAD: 'read',
  LINK: 'list',
  POST: 'update',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** How the server meets its callers. */
export interface HttpOptions {
  readonly tls?: TlsFiles | undefined;
  readonly maxBodyBytes: number;
  readonly connections: ConnectionLimits;
  /** For the head of a request, and for all of it. */
  readonly headersMillis: number;
  readonly requestMillis: number;
  /** Networks of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
}

/** As Vault has them where it has them. */
export const defaultHttpOptions: HttpOptions = {
  maxBodyBytes: 32 * 1024 * 1024,
  connections: { maxConnections: 4096, perAddress: 2048 },
  headersMillis: 10_000,
  requestMillis: 90_000,
  trustedProxies: [],
};

export interface ServerParts {
  readonly http: HttpOptions;
  /** Counts a connection that was cut because there were too many. */
  readonly onRefused: () => void;
  readonly answer: (call: Asked) => Promise<Answer>;
  /** The web page, behind the checks that every request passes; undefined where there is none. */
  readonly page?: ((asked: PageCall) => Promise<PageReply>) | undefined;
  readonly random: Random;
  readonly log: Log;
}

/** What the checks before the page look at, and what it is asked. */
export type PageCall = PageAsked & Pick<Asked, 'host' | 'origin' | 'remoteAddress'>;

export interface BrokerServer {
  /** Not yet listening. */
  readonly server: Server;
  /** Resolves when no request is under way, also none whose client has gone, and every answer was sent. */
  finished(): Promise<void>;
  /** Reads certificate and key anew; connections that are open live on. @throws Failure `tls-invalid`. */
  reload(): void;
}

/** The HTTP server, which reads calls, hands them to `answer` and writes what that says. */
export function createBrokerServer(parts: ServerParts): BrokerServer {
  const { tls, connections, headersMillis, requestMillis } = parts.http;
  const options = {
    headersTimeout: headersMillis,
    requestTimeout: requestMillis,
    keepAliveTimeout: keepAliveMillis,
    connectionsCheckingInterval: Math.min(slownessMillis, headersMillis),
  };
  // Imported as an ES module, `node:http` would load Node's own undici, which costs each start 30 ms.
  const [http, https] = [process.getBuiltinModule('node:http'), process.getBuiltinModule('node:https')];
  const secure =
    tls === undefined
      ? undefined
      : https.createServer({ ...options, ...readTls(tls), handshakeTimeout: headersMillis });
  const server: Server = secure ?? http.createServer(options);
  const meeting = { ...parts, client: clientAddress(parts.http.trustedProxies), departures: new Departures() };
  limitConnections(server, connections, parts.onRefused);
  const underWay = new UnderWay();
  acceptListVerb(server);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    underWay.add(response, () => serve(meeting, request, response));
  });
  return {
    server,
    finished: () => underWay.ended(),
    reload: () => {
      if (tls !== undefined) secure?.setSecureContext(readTls(tls));
    },
  };
}

/** What the requests of one server share. */
interface Meeting extends ServerParts {
  readonly client: ClientAddress;
  readonly departures: Departures;
}

async function serve(meeting: Meeting, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { random, log, departures } = meeting;
  const requestId = uuid(random);
  const reply = (answer: Answer): void => send(departures, request, response, answer);
  try {
    const clean = cleanTarget(request.url ?? '');
    if (clean !== undefined) {
      response.setHeader('Location', clean);
      return reply({ status: 307, body: undefined, audited: null, leaseId: '' });
    }
    if (meeting.page !== undefined && isPagePath(pathOf(request))) {
      return await servePage(meeting.page, meeting.client, request, response);
    }
    const asked = readCall(meeting, request, response, requestId);
    const answer = asked === undefined ? refusal({ status: 404, errors: [] }) : await meeting.answer(asked);
    if (answer.stream === undefined) reply(answer);
    else await sendStream(response, answer.stream, requestId, log);
  } catch (error) {
    const shown = publicError(error, requestId);
    if (shown.status >= 500) logFailure(log, request, requestId, error);
    if (shown.status === 404 && shown.hint !== undefined) response.setHeader(hintHeader, headerText(shown.hint));
    reply(refusal(shown));
  }
}

async function servePage(
  page: NonNullable<ServerParts['page']>,
  client: ClientAddress,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
  if (request.method !== 'GET' && request.method !== 'HEAD') response.setHeader('Allow', 'GET, HEAD');
  const { status, headers, body } = await page({
    method: request.method ?? '',
    path: pathOf(request),
    acceptEncoding: request.headers['accept-encoding'] ?? '',
    ...callerOf(client, request),
  });
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.setHeader('Content-Length', body?.length ?? 0);
  if (!request.complete) response.setHeader('Connection', 'close');
  response.writeHead(status).end(request.method === 'HEAD' ? undefined : body);
}

function pathOf({ url = '' }: IncomingMessage): string {
  return splitOnce(url, '?')[0];
}

function callerOf(client: ClientAddress, request: IncomingMessage): Pick<Asked, 'host' | 'origin' | 'remoteAddress'> {
  return {
    remoteAddress: client(request.socket.remoteAddress ?? '', request.headers['x-forwarded-for']),
    host: request.headers.host,
    origin: request.headers.origin,
  };
}

/**
 * A 404 holds nothing but its errors: Vault's Go client, and Terraform through it, takes that for "nothing there",
 * and a 404 with another member for a failure (its `ParseSecret`). The hint then goes in a header.
 */
function refusal({ status, errors, hint }: PublicError): Answer {
  const body: WireErrors = { errors, ...(hint === undefined || status === 404 ? {} : { hint }) };
  return { status, body, audited: null, leaseId: '' };
}

/** What a header can hold of a text. */
function headerText(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?');
}

/** Message and cure; anything without a code leaves as `internal` with the request's id. */
function publicError(error: unknown, requestId: string): PublicError {
  if (!isFailure(error)) return { status: 500, errors: [`internal error, request ${requestId}`] };
  if (error.message === '') return { status: error.status, errors: [] };
  return { status: error.status, errors: [error.message], ...(error.hint === undefined ? {} : { hint: error.hint }) };
}

function logFailure(log: Log, request: IncomingMessage, requestId: string, error: unknown): void {
  const path = (request.url ?? '').split('?')[0]!.slice(0, 256);
  const code = isFailure(error) ? error.code : 'internal';
  const message = error instanceof Error ? error.message : 'not an error';
  const place = isFailure(error) || !(error instanceof Error) ? undefined : error.stack?.split('\n')[1]?.trim();
  log({
    level: 'error',
    event: 'request.failed',
    requestId,
    path,
    code,
    message,
    ...(place === undefined ? {} : { place }),
  });
}

function readCall(
  { http, client }: Meeting,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Asked | undefined {
  checkWrapFormat(request);
  const url = request.url ?? '';
  const [rawPath, query = ''] = splitOnce(url, '?');
  const path = decodePath(rawPath);
  if (path === undefined) return undefined;
  const namespace = request.headers['x-vault-namespace'];
  if (typeof namespace === 'string' && namespace !== '') {
    response.setHeader('X-Vault-Namespace', namespace);
    checkNamespace(namespace, path);
  }
  if (request.method === 'PATCH') checkPatchType(request.headers['content-type'] ?? '');
  const asked = Object.hasOwn(operations, request.method ?? '') ? operations[request.method!]! : undefined;
  // The path that Prometheus asks for unless it is told another.
  const values = rawPath === '/metrics' ? { format: 'prometheus' } : readQuery(query);
  const { list: listed, ...rest }: Readonly<Record<string, unknown>> = values;
  const list = request.method === 'GET' && isTrue(listed);
  // HEAD asks how the server is and nothing else: elsewhere its answer, perhaps a credential, would reach nobody.
  const served = request.method === 'HEAD' && path !== 'sys/health' ? undefined : asked;
  const help = request.method === 'GET' && isTrue(rest['help']);
  const operation = help ? 'help' : list ? 'list' : served;
  if (operation === undefined) throw brokerFailure('unsupported-operation', '');
  if ((operation === 'update' || operation === 'patch') && rawPath.endsWith('/')) {
    throw brokerFailure('bad-request', "cannot write to a path ending in '/'");
  }
  return {
    requestId,
    operation,
    path,
    body: {},
    readBody: (mostBytes = Infinity) =>
      operation === 'update' || operation === 'patch'
        ? readJsonBody(request, Math.min(http.maxBodyBytes, mostBytes))
        : Promise.resolve(rest),
    rawBody: () => request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    tokenId: tokenIdOf(request),
    wrapTtlSeconds: wrapTtlOf(request),
    replyHeader: (name, value) => void response.setHeader(name, value),
    remotePort: request.socket.remotePort,
    headers: request.headers,
    ...callerOf(client, request),
  };
}

// SECURITY: what a header asks for and this server does not do must not be silently left out: the
// caller would get a secret in clear, or act in another place than meant (namespaces.ts).
function checkWrapFormat(request: IncomingMessage): void {
  if (request.headers['x-vault-wrap-format'] === 'jwt') {
    throw brokerFailure('bad-request', 'wrapping tokens of the format `jwt` are not supported', {
      hint: 'leave `X-Vault-Wrap-Format` out',
    });
  }
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

/** Whole seconds of the header, at least one unless it says none. */
function wrapTtlOf(request: IncomingMessage): number | undefined {
  const text = String(request.headers['x-vault-wrap-ttl'] ?? '').trim();
  if (text === '') return undefined;
  const invalid = (reason: string): Error =>
    brokerFailure('bad-request', `error parsing X-Vault-Wrap-TTL header: ${reason}`);
  if (text.startsWith('-')) throw invalid('requested wrap ttl cannot be negative');
  try {
    const seconds = /^\d*\.\d*$/.test(text) ? Infinity : parseDuration(text);
    if (seconds < 1e9) return Math.ceil(seconds);
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  throw invalid(durationProblem(text));
}

function tokenIdOf(request: IncomingMessage): Secret | undefined {
  const given = request.headers['x-vault-token'];
  if (typeof given === 'string' && given !== '') return new Secret(given);
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return bearer === undefined ? undefined : new Secret(bearer);
}

// Once begun, a failure can only be told by cutting the connection.
async function sendStream(
  response: ServerResponse,
  { bytes, close }: NonNullable<Answer['stream']>,
  requestId: string,
  log: Log,
): Promise<void> {
  response.setHeader(...notKept);
  response.setHeader('Content-Type', 'application/gzip');
  response.setHeader('Content-Disposition', 'attachment');
  try {
    await pipeline(Readable.from(bytes), response);
  } catch (error) {
    log({ level: 'warn', event: 'answer.cut', requestId, message: error instanceof Error ? error.message : 'unknown' });
  } finally {
    await close();
  }
}

const notKept = ['Cache-Control', 'no-store'] as const;

function send(
  departures: Departures,
  request: IncomingMessage,
  response: ServerResponse,
  { status, body, contentType }: Answer,
): void {
  // A body that was not read to its end would be taken for the next request: end the connection.
  const closes = request.complete ? [] : ['Connection', 'close'];
  if (body === undefined) {
    response.statusCode = status;
    response.setHeader(...notKept);
    if (!request.complete) response.setHeader('Connection', 'close');
    departures.add(() => response.end());
    return;
  }
  const text = contentType !== undefined && typeof body === 'string' ? body : `${JSON.stringify(body)}\n`;
  const type = contentType ?? 'application/json';
  // One list, and no headers set before, save Node a table of them.
  const length = String(Buffer.byteLength(text));
  response.writeHead(status, [...notKept, 'Content-Type', type, 'Content-Length', length, ...closes]);
  departures.add(() => response.end(request.method === 'HEAD' ? undefined : text));
}

/** What Go's `strconv.ParseBool` takes for true; clients in other languages send `True`. */
function isTrue(value: unknown): boolean {
  return typeof value === 'string' && /^(?:1|t|T|true|True|TRUE)$/.test(value);
}
