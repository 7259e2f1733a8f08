// The HTTP server under both: on loopback, on a port that nobody can guess ahead, for small questions only.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refusal, type Answer, type Question, type Responder } from './answer.ts';
import { foreignReason } from './guard.ts';

export interface MetadataServer {
  readonly port: number;
  /** What a program needs in its environment to find it. */
  readonly variables: Readonly<Record<string, string>>;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** Who opens a connection has so long to ask; a program of this machine needs a thousandth of it. */
const askingMillis = 3000;
const mostConnections = 4096;

/** Parts of a path without its query; undefined for what is no path. */
function pathParts(url: string): readonly string[] | undefined {
  if (!url.startsWith('/')) return undefined;
  try {
    const [path] = url.split('?');
    return path!
      .split('/')
      .filter((part) => part !== '')
      .map((part) => decodeURIComponent(part));
  } catch {
    return undefined;
  }
}

function questionOf({ method = '', url = '', headers, socket }: IncomingMessage): Question | undefined {
  const path = pathParts(url);
  return path === undefined ? undefined : { method, path, headers, peerPort: socket.remotePort ?? 0 };
}

async function answerOf(request: IncomingMessage, responder: Responder, port: number): Promise<Answer> {
  const foreign = foreignReason(request.headers, port);
  if (foreign !== undefined) return refusal(403, 'Forbidden', `the request is refused: ${foreign}`);
  const question = questionOf(request);
  return question === undefined ? refusal(400, 'BadRequest', 'not a path') : responder.answer(question, port);
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    // A connection for each question: an SDK that keeps one open meets no server that closes it.
    connection: 'close',
  });
  response.end(body);
}

function open(responder: Responder, port: () => number): Server {
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer(
    {
      headersTimeout: askingMillis,
      requestTimeout: askingMillis,
      connectionsCheckingInterval: 1000,
      maxHeaderSize: 16_384,
    },
    (request, response) => {
      response.on('error', () => undefined);
      answerOf(request, responder, port()).then(
        (answer) => send(response, answer),
        // SECURITY: what went wrong is not for whoever asked.
        () => send(response, refusal(500, 'internal', 'the question could not be answered')),
      );
    },
  );
  server.maxConnections = mostConnections;
  return server;
}

/** Starts the server. It does not hold the process: whoever started it does. */
export async function startServer(responder: Responder): Promise<MetadataServer> {
  let port = 0;
  const server = open(responder, () => port);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  // SECURITY: never another address than loopback. Port 0: the system chooses one that is free.
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  ({ port } = server.address() as AddressInfo);
  return {
    port,
    variables: responder.variables(port),
    async close() {
      const closed = new Promise((ended) => server.close(ended));
      server.closeAllConnections();
      await closed;
    },
  };
}
