// SECURITY: what keeps pages of a browser away from addresses that are for programs of this machine.
import { cloudFailure } from './failures.ts';
import type { HttpRequest } from './http.ts';

/**
 * A page of another site may reach a loopback port: by its address (then Origin or Sec-Fetch-Site tell), or by a name
 * of its own that resolves to it (then Host tells).
 * @throws Failure `cross-site`
 */
export function checkOrigin({ headers }: HttpRequest, hosts: ReadonlySet<string>): void {
  const host = headers['host'] ?? '';
  const origin = headers['origin'];
  const site = headers['sec-fetch-site'];
  const isOwn =
    hosts.has(host.replace(/:\d+$/, '').toLowerCase()) &&
    (origin === undefined || origin === `http://${host}`) &&
    (site === undefined || site === 'same-origin' || site === 'none');
  if (isOwn) return;
  throw cloudFailure('cross-site', 'the control routes answer only on their own address', {
    hint: 'use the `endpoint` of the credentials file, from a program and not from a page of another site',
  });
}
