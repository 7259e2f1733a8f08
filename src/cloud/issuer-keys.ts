// The public keys of identity providers: the test issuer's, and those that an issuer publishes. SECURITY: only loopback
// hosts are asked unless the cloud was started otherwise; answers are bounded in time and size, and nothing is followed
// but the one `jwks_uri`.
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { isObject, type Clock, type Millis } from '../base/index.ts';
import { awsFailure } from './failures.ts';
import { isLoopback } from './http.ts';
import type { PublicKey } from './test-issuer.ts';

const longestMillis = 5000;
const mostBytes = 65_536;

/** An issuer as an identity provider of an account names it. */
export interface Issuer {
  readonly url: string;
  /** SHA-1 of certificates that are trusted for it although no authority vouches for them. */
  readonly thumbprints: readonly string[];
}

export interface IssuerKeysOptions {
  /** Trusted for every issuer. */
  readonly own: PublicKey;
  /** Whether hosts beyond this machine may be asked. */
  readonly outside: boolean;
  /** Real time, by which certificates of hosts are judged. */
  readonly wall: Clock;
}

export class IssuerKeys {
  readonly own: PublicKey;
  readonly #outside: boolean;
  readonly #wall: Clock;

  constructor({ own, outside, wall }: IssuerKeysOptions) {
    this.own = own;
    this.#outside = outside;
    this.#wall = wall;
  }

  /**
   * The keys that the issuer publishes.
   * @throws IDPCommunicationError, InvalidIdentityToken
   */
  async published(issuer: Issuer): Promise<readonly PublicKey[]> {
    const discovery = await this.#document(`${issuer.url.replace(/\/$/, '')}/.well-known/openid-configuration`, issuer);
    const { jwks_uri: location } = discovery;
    if (typeof location !== 'string') throw noKey();
    const { keys } = await this.#document(location, issuer);
    if (!Array.isArray(keys)) throw noKey();
    return keys.filter((key): key is PublicKey => isObject(key));
  }

  async #document(location: string, issuer: Issuer): Promise<Readonly<Record<string, unknown>>> {
    const url = URL.canParse(location) ? new URL(location) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol)) throw noKey();
    const local = isLoopback(url.hostname);
    if (url.protocol === 'http:' && !local) throw noKey();
    if (!local && !this.#outside) {
      throw communicationError(
        `the embedded AWS asks no host beyond this machine: ${url.host}. Start it with --outside-issuers, or sign with its test issuer (\`stint cloud token\`)`,
      );
    }
    const faultOf = (socket: TLSSocket) => certificateFault(socket, url.hostname, issuer.thumbprints, this.#wall.now());
    return parsed(await get(url, faultOf));
  }
}

/** AWS's words, with its two blanks. */
export function noKey() {
  return awsFailure(
    'InvalidIdentityToken',
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    { status: 400 },
  );
}

function communicationError(reason: string) {
  return awsFailure('IDPCommunicationError', `Error communicating with the identity provider: ${reason}.`, {
    status: 400,
  });
}

function parsed(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    // Falls through: whatever is no JSON object holds no key.
  }
  throw noKey();
}

/** One GET; a redirect is no answer. `faultOf` says why a server is not trusted. */
async function get(url: URL, faultOf: (socket: TLSSocket) => string | undefined): Promise<Buffer> {
  // An `import 'node:http'` in an ES module loads undici as well: 28 ms of the start.
  const { request: httpRequest } = process.getBuiltinModule('node:http');
  const { request: httpsRequest } = process.getBuiltinModule('node:https');
  const signal = AbortSignal.timeout(longestMillis);
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const options = { signal, agent: false, headers: { accept: 'application/json' } } as const;
      const request =
        url.protocol === 'https:'
          ? httpsRequest(url, { ...options, rejectUnauthorized: false })
          : httpRequest(url, options);
      request.on('error', reject);
      // Before anything of the answer is read, and before the request is sent.
      request.on('socket', (socket) => {
        socket.once('secureConnect', () => {
          const fault = faultOf(socket as TLSSocket);
          if (fault !== undefined) request.destroy(new Error(fault));
        });
      });
      request.on('response', (response) => {
        if (response.statusCode !== 200) {
          request.destroy(new Error(`${url.href} answered ${response.statusCode}`));
          return;
        }
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > mostBytes) request.destroy(new Error(`${url.href} answered more than ${mostBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on('end', () => resolve(Buffer.concat(chunks)));
        response.on('error', reject);
      });
      request.end();
    });
  } catch (error) {
    throw communicationError(signal.aborted ? `${url.host} did not answer in time` : (error as Error).message);
  }
}

/** Why the server's certificate is not trusted; undefined when an authority or a thumbprint vouches for it. */
function certificateFault(
  socket: TLSSocket,
  hostname: string,
  thumbprints: readonly string[],
  now: Millis,
): string | undefined {
  if (socket.authorized) return undefined;
  const leaf = socket.getPeerX509Certificate();
  const host = hostname.replace(/^\[|\]$/g, '');
  if (leaf === undefined || (leaf.checkHost(host) ?? leaf.checkIP(host)) === undefined) {
    return `the certificate is not one of ${hostname}`;
  }
  const top = topOf(leaf);
  const known = new Set(thumbprints.map((thumbprint) => thumbprint.toLowerCase()));
  const isCurrent = Date.parse(leaf.validFrom) <= now && now <= Date.parse(leaf.validTo);
  if (isCurrent && known.has(top.fingerprint.replaceAll(':', '').toLowerCase())) return undefined;
  return `the certificate of ${hostname} is trusted neither by an authority nor by a thumbprint of the provider`;
}

/** The last certificate that vouches for the ones before it; a chain that only looks like one ends where it breaks. */
function topOf(leaf: X509Certificate): X509Certificate {
  let top = leaf;
  for (let depth = 0; depth < 10; depth++) {
    const issuer: X509Certificate | undefined = top.issuerCertificate;
    if (issuer === undefined || issuer.fingerprint === top.fingerprint) return top;
    if (!top.checkIssued(issuer) || !top.verify(issuer.publicKey)) return top;
    top = issuer;
  }
  return top;
}
