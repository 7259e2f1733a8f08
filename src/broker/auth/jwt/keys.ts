// Whose signature a token must have: keys from the configuration, from a key set at an address, or from
// the key set that an issuer names. Key sets are kept for ten minutes and asked for anew at most twice a minute.
import { createPublicKey } from 'node:crypto';
import type { JWTVerifyGetKey } from 'jose';
import { algorithms, type JwtConfig } from './config.ts';
import type { Claims } from './claims.ts';
import { limitedFetch, outboundText, type Fetch } from './outbound.ts';

/** The claims of a token whose signature is right. @throws Error in Vault's words. */
export type Verify = (token: string) => Promise<Claims>;

/** What an issuer says of itself (OpenID Connect Discovery 1.0, section 3). */
export interface IssuerMetadata {
  readonly issuer: string;
  readonly jwks_uri: string;
  readonly [name: string]: unknown;
}

/**
 * What the issuer at the configured address says of itself.
 * @throws Error when it does not answer, or says it is another one.
 */
export async function discover({ discoveryUrl, discoveryCaPem }: JwtConfig): Promise<IssuerMetadata> {
  const address = `${discoveryUrl.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const response = await limitedFetch(discoveryCaPem)(address, { headers: { accept: 'application/json' } });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 200)}`);
  const metadata = parseMetadata(text);
  if (metadata.issuer !== discoveryUrl) {
    throw new Error(`issuer did not match the returned issuer, expected "${discoveryUrl}" got "${metadata.issuer}"`);
  }
  checkEndpoints(metadata, discoveryUrl.startsWith('https:'));
  return metadata;
}

function parseMetadata(text: string): IssuerMetadata {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as IssuerMetadata;
  } catch {
    // Told below.
  }
  throw new Error('failed to decode OIDC discovery document: it is not a JSON object');
}

// SECURITY: who can answer in an issuer's name over TLS must not lead us off it.
function checkEndpoints(metadata: IssuerMetadata, overTls: boolean): void {
  for (const name of ['jwks_uri', 'authorization_endpoint', 'token_endpoint', 'userinfo_endpoint']) {
    const url = metadata[name];
    if (url === undefined && name !== 'jwks_uri') continue;
    const protocol = typeof url === 'string' ? URL.parse(url)?.protocol : undefined;
    if (protocol === 'https:' || (protocol === 'http:' && !overTls)) continue;
    throw new Error(`the discovery document has no usable ${name}`);
  }
}

/** How tokens are verified by this configuration; asks the issuer where it has to. @throws Error. */
export async function verifierOf(config: JwtConfig): Promise<Verify> {
  if (config.publicKeys.length > 0) return staticVerifier(config);
  const [url, ca] =
    config.jwksUrl === ''
      ? [(await discover(config)).jwks_uri, config.discoveryCaPem]
      : [config.jwksUrl, config.jwksCaPem];
  return remoteVerifier(await remoteKeys(url, limitedFetch(ca)));
}

function staticVerifier({ publicKeys }: JwtConfig): Verify {
  const keys = publicKeys.map((pem) => createPublicKey(pem));
  return async (token) => {
    const { compactVerify } = await import('jose');
    for (const key of keys) {
      const verified = await compactVerify(token, key, { algorithms }).catch(() => undefined);
      if (verified !== undefined) return parseClaims(verified.payload);
    }
    throw new Error('no known key successfully validated the token signature');
  };
}

function remoteVerifier(keys: JWTVerifyGetKey): Verify {
  return async (token) => {
    const { compactVerify, errors } = await import('jose');
    try {
      const { payload } = await compactVerify(token, keys, { algorithms });
      return parseClaims(payload);
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) return anyOf(token, error);
      const isToken = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout);
      const fetched = isToken && error.code !== 'ERR_JOSE_GENERIC';
      throw new Error(fetched ? 'failed to verify id token signature' : `fetching keys ${outboundText(error)}`, {
        cause: error,
      });
    }
  };
}

/** A token that does not say by which of several keys it was signed. */
async function anyOf(token: string, matching: AsyncIterable<CryptoKey>): Promise<Claims> {
  const { compactVerify } = await import('jose');
  for await (const key of matching) {
    const verified = await compactVerify(token, key, { algorithms }).catch(() => undefined);
    if (verified !== undefined) return parseClaims(verified.payload);
  }
  throw new Error('failed to verify id token signature');
}

function parseClaims(payload: Uint8Array): Claims {
  const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims;
  throw new Error('the claims are not an object');
}

async function remoteKeys(url: string, fetch: Fetch): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet, customFetch } = await import('jose');
  const ask = (address: string, { headers }: { headers: Headers }): Promise<Response> =>
    fetch(address, { headers: Object.fromEntries(headers) });
  return createRemoteJWKSet(new URL(url), { [customFetch]: ask as never });
}

/** Asks once for the key set at `jwks_url`. @throws Error when it is none. */
export async function checkKeySet({ jwksUrl, jwksCaPem }: JwtConfig): Promise<void> {
  const response = await limitedFetch(jwksCaPem)(jwksUrl, { headers: { accept: 'application/json' } });
  const value = (await response.json()) as { keys?: unknown };
  if (response.status !== 200 || !Array.isArray(value.keys)) throw new Error('there is no key set');
}

/** The algorithm a token says it is signed by; undefined when it says none. */
export function algorithmOf(token: string): string | undefined {
  try {
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { alg?: unknown };
    return typeof header.alg === 'string' ? header.alg : undefined;
  } catch {
    return undefined;
  }
}
