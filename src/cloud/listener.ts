// Node's HTTP server as this project needs it: bounded bodies, headers and patience; whole requests in,
// whole responses out. Promises: memory for bodies is bounded over all connections, a stop answers what
// is being answered and leaves no socket and no timer.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { cloudFailure } from './failures.ts';
import { clientGone } from './faults.ts';
import type { HttpRequest, HttpResponse } from './http.ts';

/** What answers requests. */
export interface Answerer {
  /**
   * The most bytes of body that the request may have. Asked only when it has more than `smallBody`; the body is empty.
   */
  bodyLimit(head: HttpRequest): number;
  /** `gone` gives a signal that aborts when the client has gone or the server stops. Throws `clientGone` or a defect. */
  answer(request: HttpRequest, gone: () => AbortSignal): Promise<HttpResponse>;
  /** The answer to a request whose body is not taken. */
  refuseBody(head: HttpRequest, reason: Refusal): HttpResponse;
  /** A defect in `answer`; the client sees a closed connection. */
  onDefect(error: unknown): void;
}

/** Why a body is not taken: more than the request may have, or no memory for it now. */
export type Refusal = 'too-large' | 'no-room';

export interface Listener {
  readonly port: number;
  /**
   * Stops accepting; closes at once what has not sent a whole request and what hangs on order; lets the other
   * calls finish for `graceMs`.
   */
  stop(): Promise<void>;
}

/** Bodies up to this size are taken without asking whom they are for. The largest form AWS takes is smaller. */
export const smallBody = 1_048_576;

/** In bytes. */
export interface BodyLimits {
  /** Over all connections; further bodies are refused until some are done. */
  readonly together: number;
  /** A refused body is read and dropped up to here, so that the client sees the answer and not a reset. */
  readonly dropped: number;
}

const bodyLimits: BodyLimits = { together: 536_870_912, dropped: 268_435_456 };
const graceMs = 2000;

const serverOptions = {
  // Session tokens in a presigned URL pass Node's 16 KiB.
  maxHeaderSize: 65_536,
  headersTimeout: 15_000,
  requestTimeout: 120_000,
  // Longer than SDKs keep an idle connection (60 s at most), so that none of them meets one that is just closing.
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 5000,
} as const;

/**
 * Listens on `host` and `port` (0 picks a free one).
 * @throws Failure `port-in-use`, naming a free port, or `cannot-listen`.
 */
export async function listen(
  host: string,
  port: number,
  answerer: Answerer,
  limits: BodyLimits = bodyLimits,
): Promise<Listener> {
  // An `import 'node:http'` in an ES module loads undici as well: 28 ms beside 3.
  const http = process.getBuiltinModule('node:http');
  const stopping = new AbortController();
  const room: Room = { left: limits.together, dropped: limits.dropped, answering: new WeakSet() };
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    void new Exchange(request, response, answerer, room, stopping.signal).run();
  const server = http.createServer(serverOptions, serve);
  server.on('checkContinue', serve);
  const sockets = socketsOf(server);
  await bind(server, host, port);
  return { port: (server.address() as AddressInfo).port, stop: () => stop(server, sockets, room, stopping) };
}

function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

async function bind(server: Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => (server.off('error', reject), resolve()));
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') {
      throw cloudFailure('cannot-listen', `cannot listen on \`${host}:${port}\`: ${String(code)}`, {
        hint: 'give an address of this machine with `--host` and a port you may use with `--port`; `--port 0` picks one',
        cause: error,
      });
    }
    throw cloudFailure('port-in-use', `port ${port} of \`${host}\` is taken`, {
      hint: `use another port: \`--port ${await freePort(host)}\` is free now, \`--port 0\` always picks one`,
      cause: error,
    });
  }
}

async function freePort(host: string): Promise<number> {
  const server = process.getBuiltinModule('node:net').createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function stop(
  server: Server,
  sockets: ReadonlySet<Socket>,
  { answering }: Room,
  stopping: AbortController,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  stopping.abort();
  for (const socket of sockets) if (!answering.has(socket)) socket.destroy();
  const force = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearTimeout(force);
}

/** What all exchanges of a listener share. */
interface Room {
  /** Memory for bodies. */
  left: number;
  readonly dropped: number;
  /** Sockets on which a whole request waits for its answer, or its answer is being sent. */
  readonly answering: WeakSet<Socket>;
}

/** One request and its response. */
class Exchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #answerer: Answerer;
  readonly #room: Room;
  readonly #stopping: AbortSignal;
  #taken = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    answerer: Answerer,
    room: Room,
    stopping: AbortSignal,
  ) {
    this.#request = request;
    this.#response = response;
    this.#answerer = answerer;
    this.#room = room;
    this.#stopping = stopping;
  }

  async run(): Promise<void> {
    try {
      const head = readHead(this.#request);
      const body = await this.#receive(head);
      this.#markAnswering();
      const answer =
        body instanceof Uint8Array
          ? await this.#answerer.answer({ ...head, body }, () => this.#gone())
          : this.#answerer.refuseBody(head, body);
      this.#send(answer);
    } catch (error) {
      if (error !== clientGone) this.#answerer.onDefect(error);
      this.#response.destroy();
    } finally {
      this.#take(-this.#taken);
    }
  }

  #markAnswering(): void {
    const { socket } = this.#request;
    this.#room.answering.add(socket);
    this.#response.once('close', () => this.#room.answering.delete(socket));
  }

  #gone(): AbortSignal {
    const gone = new AbortController();
    this.#response.once('close', () => gone.abort());
    if (this.#response.destroyed) gone.abort();
    return AbortSignal.any([gone.signal, this.#stopping]);
  }

  /** The whole body, or why it is not taken. @throws `clientGone` */
  async #receive(head: HttpRequest): Promise<Uint8Array | Refusal> {
    const refusal = this.#refusal(head, Number(head.headers['content-length'] ?? 0));
    if (head.headers['expect']?.toLowerCase() === '100-continue') {
      if (refusal !== undefined) {
        this.#response.setHeader('connection', 'close');
        return refusal;
      }
      this.#response.writeContinue();
    }
    return await this.#read(head, refusal);
  }

  #read(head: HttpRequest, refusedAtOnce: Refusal | undefined): Promise<Uint8Array | Refusal> {
    const chunks: Buffer[] = [];
    let refusal = refusedAtOnce;
    let dropped = 0;
    return new Promise((resolve, reject) => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors
      const leave = () => reject(clientGone);
      this.#request.on('data', (chunk: Buffer) => {
        refusal ??= this.#refusal(head, this.#taken + chunk.length);
        if (refusal === undefined) {
          chunks.push(chunk);
          this.#take(chunk.length);
          return;
        }
        chunks.length = 0;
        this.#take(-this.#taken);
        dropped += chunk.length;
        if (dropped > this.#room.dropped) leave();
      });
      this.#request.on('end', () => resolve(refusal ?? (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))));
      this.#request.on('error', leave);
      this.#request.on('close', leave);
    });
  }

  #refusal(head: HttpRequest, size: number): Refusal | undefined {
    if (size > smallBody && size > this.#answerer.bodyLimit(head)) return 'too-large';
    return size - this.#taken > this.#room.left ? 'no-room' : undefined;
  }

  #take(bytes: number): void {
    this.#taken += bytes;
    this.#room.left -= bytes;
  }

  #send({ status, headers, body }: HttpResponse): void {
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    const closing = this.#stopping.aborted ? { connection: 'close' } : {};
    const sized = status === 204 || status === 304 || 'content-length' in headers ? {} : { 'content-length': length };
    this.#response.writeHead(status, { ...headers, ...sized, ...closing });
    this.#response.end(body);
  }
}

function readHead(request: IncomingMessage): HttpRequest {
  const { method = 'GET', url = '/', rawHeaders, socket } = request;
  // The absolute form (RFC 9112, section 3.2.2) is what a client sends to a proxy.
  const target = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  const mark = target.indexOf('?');
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = rawHeaders[index + 1]!;
    headers[name] = name in headers ? `${headers[name]!},${value}` : value;
  }
  return {
    method,
    path: (mark === -1 ? target : target.slice(0, mark)) || '/',
    query: mark === -1 ? '' : target.slice(mark + 1),
    headers,
    body: new Uint8Array(),
    remoteAddress: (socket.remoteAddress ?? '').replace(/^::ffff:/, ''),
    secure: false,
  };
}
