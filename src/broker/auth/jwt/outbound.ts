// Requests to issuers: the address that was asked for and no other, with an end to time and size, and
// with the certificates that the configuration names.
import type { IncomingMessage, RequestOptions } from 'node:http';
import { readLimited } from '../read-limited.ts';

const maxMillis = 10_000;
/** Key sets of large issuers have some tens of kilobytes. */
const maxBytes = 512 * 1024;

export interface Outgoing {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** As the `fetch` of the libraries, which call it. */
export type Fetch = (url: string, outgoing: Outgoing) => Promise<Response>;

/**
 * A `fetch` that follows no redirect. `caPem`: who may have signed the issuer's certificate, instead of
 * those that the system trusts.
 */
export function limitedFetch(caPem: string): Fetch {
  return async (address, { method = 'GET', headers = {}, body }) => {
    const url = new URL(address);
    const isTls = url.protocol === 'https:';
    if (!isTls && url.protocol !== 'http:') throw new Error(`\`${url.protocol}\` is no address of an issuer`);
    const request = isTls
      ? process.getBuiltinModule('node:https').request
      : process.getBuiltinModule('node:http').request;
    const options: RequestOptions & { ca?: string } = {
      method,
      agent: false,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }) },
      signal: AbortSignal.timeout(maxMillis),
      ...(caPem === '' ? {} : { ca: caPem }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(url, options, (response) => void readResponse(response).then(resolve, reject));
      sent.on('error', reject);
      sent.end(body);
    });
  };
}

async function readResponse(response: IncomingMessage): Promise<Response> {
  const bytes = await readLimited(response, maxBytes);
  const { statusCode: status = 500 } = response;
  const headers = Object.entries(response.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  const empty = status === 204 || status === 304;
  return new Response(empty ? null : bytes, { status, headers });
}

/** What went wrong on the way, for whoever configures it. */
export function outboundText(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === undefined || message.includes(code) ? message : `${code}: ${message}`;
}
