// Who may ask a server on loopback for keys. Pure. A page in a browser reaches every loopback port, under a name of
// its own that resolves to it or from another site; a proxy carries requests of others. No SDK of AWS looks like either.
import type { IncomingHttpHeaders } from 'node:http';

/** What is refused whatever else the request has. */
const foreign: readonly { readonly name: string; readonly why: string }[] = [
  { name: 'origin', why: 'it comes from a web page' },
  { name: 'referer', why: 'it comes from a web page' },
  { name: 'sec-fetch-site', why: 'it comes from a browser' },
  { name: 'x-forwarded-for', why: 'it came through a proxy' },
  { name: 'forwarded', why: 'it came through a proxy' },
  { name: 'via', why: 'it came through a proxy' },
];

/** Why a request is refused before anything is looked at, or undefined. `port` is the server's own. */
export function foreignReason(headers: IncomingHttpHeaders, port: number): string | undefined {
  const host = (headers.host ?? '').toLowerCase();
  // SECURITY: a name that was made to resolve to 127.0.0.1 (DNS rebinding) shows in Host.
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) {
    return `Host is not 127.0.0.1:${port}; containers reach it with \`--network host\``;
  }
  const found = foreign.find(({ name }) => headers[name] !== undefined);
  if (found !== undefined) return found.why;
  return /^(?:mozilla|opera)\//i.test(headers['user-agent'] ?? '') ? 'it comes from a browser' : undefined;
}

/** The same text, found out in a time that does not tell how much of it is right. */
export function sameSecret(given: string, wanted: string): boolean {
  const { createHash, timingSafeEqual } = process.getBuiltinModule('node:crypto');
  const [a, b] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(a!, b!);
}
