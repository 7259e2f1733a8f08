// A JSON service on a free loopback port, for what the tests stand in for.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  /** When it came, by the clock that only goes forward. */
  readonly at: number;
}

export interface Given {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Serves until the test ends; no answer where `answer` gives none. Returns the address. */
export async function serveJson(t: TestContext, answer: (asked: Asked) => Given | undefined): Promise<string> {
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
      const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
      const { method = '', headers } = request;
      const given = answer({ method, path: pathname, query: searchParams, headers, body, at: performance.now() });
      if (given === undefined) return;
      response.writeHead(given.status, { 'content-type': 'application/json', connection: 'close', ...given.headers });
      response.end(JSON.stringify(given.body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
