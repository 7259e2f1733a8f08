// The address on this machine that the browser brings the answer of a sign-in to. Anyone on the machine, and any page
// the browser has open, can call it: only an answer with our state counts, and only the first one.
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Secret } from '../../base/index.ts';

/** Registered with AWS, which lets the port differ (RFC 8252, section 7.3). */
export const registeredRedirect = 'http://127.0.0.1/oauth/callback';

export type CallbackAnswer = { readonly code: Secret } | { readonly error: string };

export interface Callback {
  /** With the port. */
  readonly redirectUri: string;
  /** Settles once, with the first answer that has our state. */
  readonly answer: Promise<CallbackAnswer>;
  /** Stops listening and drops every connection. */
  readonly close: () => void;
}

const page = (title: string, text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title><body style="font:16px/1.5 sans-serif;margin:4em auto;max-width:32em"><h1>${title}</h1><p>${text}</p></body></html>`;

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  connection: 'close',
};

/** What a request to the address means: an answer, or the HTTP status that sends it away. Pure. */
export function readCallback(
  request: {
    readonly method?: string | undefined;
    readonly url?: string | undefined;
    readonly host?: string | undefined;
  },
  expected: { readonly host: string; readonly state: Secret },
): CallbackAnswer | number {
  // SECURITY: a page that rebinds its own name to 127.0.0.1 sends that name as Host.
  if (request.host !== expected.host) return 421;
  if (request.method !== 'GET') return 405;
  const url = URL.parse(request.url ?? '', `http://${expected.host}`);
  if (url?.pathname !== '/oauth/callback') return 404;
  const one = (name: string): string | undefined => {
    const all = url.searchParams.getAll(name);
    return all.length === 1 && all[0] !== '' ? all[0] : undefined;
  };
  // SECURITY: without our state the answer belongs to a sign-in that someone else began (RFC 6749, section 10.12). It
  // does not end ours either, or any page could.
  if (!sameText(one('state') ?? '', expected.state.reveal())) return 403;
  const [code, error] = [one('code'), one('error')];
  if (error !== undefined) return { error: error.replace(/[^\w .-]/g, '?').slice(0, 100) };
  return code === undefined ? 400 : { code: new Secret(code) };
}

function sameText(one: string, other: string): boolean {
  const { timingSafeEqual, createHash } = process.getBuiltinModule('node:crypto');
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(one), hash(other));
}

function respond(answer: CallbackAnswer | number, response: ServerResponse): void {
  if (typeof answer === 'number') {
    response.writeHead(answer, headers).end(page('Not this one', 'This is not the answer that Stint waits for.'));
  } else if ('error' in answer) {
    response.writeHead(200, headers).end(page('Not signed in', 'The terminal says why. You can close this window.'));
  } else {
    response.writeHead(200, headers).end(page('Back to the terminal', 'You can close this window.'));
  }
}

function listen(server: Server): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  server.once('error', reject);
  // SECURITY: this machine only, whatever its other addresses are.
  server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  return promise;
}

/** Listens on 127.0.0.1, on a port of the system's choice, for the answer with `state`. */
export async function openCallback(state: Secret): Promise<Callback> {
  const { createServer } = process.getBuiltinModule('node:http');
  const { promise, resolve } = Promise.withResolvers<CallbackAnswer>();
  let host = '';
  let answered = false;
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const answer = answered
      ? 410
      : readCallback({ method: request.method, url: request.url, host: request.headers.host }, { host, state });
    respond(answer, response);
    if (typeof answer === 'number') return;
    answered = true;
    // The page is on its way before the listener goes.
    response.once('close', () => resolve(answer));
  });
  host = `127.0.0.1:${await listen(server)}`;
  return {
    redirectUri: `http://${host}/oauth/callback`,
    answer: promise,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
