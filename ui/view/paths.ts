// Paths of the API that hold what somebody typed. Pure.

/**
 * The path of `GET stint/leases` for leases below `typed`, or of one lease; undefined when it can be no path.
 * SECURITY: a browser takes `..` for a step up, which would lead to another path of the API.
 */
export function leasesPath(typed: string): string | undefined {
  const segments = typed
    .trim()
    .split('/')
    .filter((segment) => segment !== '');
  if (segments.some((segment) => segment === '.' || segment === '..')) return undefined;
  if (!segments.every((segment) => /^[\x20-\x7e]+$/.test(segment))) return undefined;
  return ['stint/leases', ...segments.map(encodeURIComponent)].join('/');
}

/** True for what can be sent as a token: printable, without blanks. */
export function canBeToken(text: string): boolean {
  return /^[\x21-\x7e]{1,4096}$/.test(text);
}
