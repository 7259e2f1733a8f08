// A tiny HTTP server around the protocol and the signature: answers each call with what the test's
// handler returns. For tests that need a real socket and real clients.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Credential } from '../../../src/cloud/credential.ts';
import type { HttpRequest, HttpResponse } from '../../../src/cloud/http.ts';
import { readInput, routeRequest, writeFailure, writeOutput, type Route } from '../../../src/cloud/protocol/index.ts';
import { authenticate, SigningKeys } from '../../../src/cloud/signature.ts';

export type Handler = (route: Route, input: Record<string, unknown>, request: HttpRequest) => object;

export interface TestServer extends AsyncDisposable {
  readonly endpoint: string;
}

/** Listens on a free port of the loopback address. `secret` belongs to every key id that asks. */
export async function listen(credential: Credential, handler: Handler): Promise<TestServer> {
  const keys = new SigningKeys();
  const server = createServer((incoming, response) => {
    void bodyOf(incoming).then((body) => send(response, answer(requestOf(incoming, body), credential, handler, keys)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(request: HttpRequest, credential: Credential, handler: Handler, keys: SigningKeys): HttpResponse {
  const route = routeRequest(request);
  try {
    const now = Date.now();
    const find = (id: string): Credential | undefined => (id === credential.accessKeyId ? credential : undefined);
    const authenticated = authenticate(request, route, find, { wall: now, emulated: now }, keys);
    const input = readInput(route, authenticated.request) as Record<string, unknown>;
    return writeOutput(route, handler(route, input, authenticated.request), 'request-1');
  } catch (error) {
    return writeFailure(route, error, 'request-1');
  }
}

function requestOf(incoming: IncomingMessage, body: Uint8Array): HttpRequest {
  const [path = '/', query = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(incoming.headersDistinct)) headers[name] = (values ?? []).join(',');
  return { method: incoming.method ?? 'GET', path, query, headers, body, remoteAddress: '127.0.0.1', secure: false };
}

async function bodyOf(incoming: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return new Uint8Array(Buffer.concat(chunks));
}

function send(response: ServerResponse, { status, headers, body }: HttpResponse): void {
  response.writeHead(status, headers);
  response.end(body);
}
