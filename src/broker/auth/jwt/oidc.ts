// Logins by way of a browser: an address at the issuer to send somebody to, and what comes back from
// there. The code flow with PKCE, a state that is good for one answer and five minutes, and a nonce.
// Texts: OpenBao `builtin/credential/jwt/path_oidc.go`.
import { createHash } from 'node:crypto';
import { randomText, type Clock, type Millis, type Random } from '../../../base/index.ts';
import type { Configuration } from 'openid-client';
import type { EngineAnswer, EngineCall, Folder, Login } from '../../engines/engine.ts';
import { checkAddress } from '../logins.ts';
import type { Claims } from './claims.ts';
import { hasOidcFlow, loadConfig, type JwtConfig } from './config.ts';
import { discover } from './keys.ts';
import { loginOf, refused } from './login.ts';
import { limitedFetch, outboundText } from './outbound.ts';
import { loadRole, roleOfLogin, type Role } from './role.ts';
import { audiencesOf } from './validity.ts';

/** One login under way. */
interface Pending {
  readonly version: 1;
  readonly role: string;
  readonly redirectUri: string;
  readonly nonce: string;
  readonly verifier: string;
  /** Of who asked for the address, to be given again with the answer; may be empty. */
  readonly clientNonce: string;
  readonly expiresAt: Millis;
}

const pendingMillis = 300_000;
const failed = 'Vault login failed.';

/** Error codes of RFC 6749, 4.1.2.1, which may be told. */
const oauthErrors = [
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable',
];

export const authUrlFields = { role: 'string', redirect_uri: 'string', client_nonce: 'string' } as const;
export const callbackFields = {
  state: 'string',
  code: 'string',
  client_nonce: 'string',
  error: 'string',
  error_description: 'string',
  error_uri: 'string',
} as const;

type Values<T> = { readonly [Name in keyof T]?: string };

function stateKey(state: string): string {
  return `oidc-state/${createHash('sha256').update(state).digest('hex')}`;
}

/** Forgets a login that nobody finished. */
export async function forgetState(folder: Folder, name: string): Promise<void> {
  await folder.change(name, () => undefined);
}

export function isState(name: string): boolean {
  return name.startsWith('oidc-state/');
}

export class OidcFlow {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #providers = new Map<string, { readonly revision: string; readonly provider: Promise<Configuration> }>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * The address to send somebody to. Empty for what only an operator should learn the reason of, such as
   * an address of return that the role does not allow.
   * @throws Failure `login-refused` with Vault's text.
   */
  async authUrl(call: EngineCall, given: Values<typeof authUrlFields>): Promise<EngineAnswer> {
    const found = await loadConfig(call.folder);
    if (found === undefined) throw refused('could not load configuration');
    if (!hasOidcFlow(found.config)) throw refused('OIDC login is not configured for this mount');
    const { name, role } = await roleOfLogin(call.folder, given.role, found.config.defaultRole);
    const { redirect_uri: redirectUri = '', client_nonce: clientNonce = '' } = given;
    if (redirectUri === '') throw refused('missing redirect_uri');
    const none = { data: { auth_url: '' } };
    if (role.roleType !== 'oidc' || !isAllowedRedirect(redirectUri, role.redirectUris)) return none;
    // SECURITY: anybody may ask here; where the provider is and why it is silent is for who writes `config`.
    const provider = await this.#provider(call.mount.id, found).catch(() => undefined);
    if (provider === undefined) return { ...none, warnings: ['the provider of this mount cannot be asked now'] };
    const { state, ...pending } = this.#begin(name, redirectUri, clientNonce);
    await call.folder.schedule(stateKey(state), pending.expiresAt);
    await call.folder.change<Pending>(stateKey(state), () => pending);
    return { data: { auth_url: await addressOf(provider, role, pending, state) } };
  }

  #begin(role: string, redirectUri: string, clientNonce: string): Pending & { state: string } {
    return {
      version: 1,
      state: `st_${randomText(this.#random, 30)}`,
      role,
      redirectUri,
      clientNonce,
      nonce: `n_${randomText(this.#random, 30)}`,
      verifier: randomText(this.#random, 64),
      expiresAt: this.#clock.now() + pendingMillis,
    };
  }

  /** @throws Failure `login-refused` with Vault's text, `permission-denied`. */
  async callback(call: EngineCall, given: Values<typeof callbackFields>): Promise<Login> {
    const found = await loadConfig(call.folder);
    if (found === undefined) throw refused(`${failed} Could not load configuration`);
    const pending = await this.#take(call.folder, given.state ?? '');
    if (pending === undefined) throw refused(`${failed} Expired or missing OAuth state.`);
    const role = await loadRole(call.folder, pending.role);
    if (role === undefined) throw refused(`${failed} Role could not be found`);
    checkOutcome(given.error);
    if (pending.clientNonce !== '' && given.client_nonce !== pending.clientNonce) throw refused('invalid client_nonce');
    checkAddress(role.token, call.remoteAddress);
    if (given.code === undefined || given.code === '') throw refused(`${failed} No code or id_token received.`);
    const provider = await this.#provider(call.mount.id, found).catch((error: unknown) => {
      throw refused(`error getting provider for login operation: ${outboundText(error)}`);
    });
    const claims = await exchange(provider, found.config, role, pending, given.code);
    if (role.boundSubject !== '' && claims['sub'] !== role.boundSubject) {
      throw refused(`${failed} sub claim does not match bound subject`);
    }
    return loginOf(call, pending.role, role, claims, (text) => refused(`${failed} ${text}`));
  }

  // SECURITY: whoever takes the state first is the only one to get it.
  async #take(folder: Folder, state: string): Promise<Pending | undefined> {
    let taken: Pending | undefined;
    if ((await folder.get(stateKey(state))) === undefined) return undefined;
    await folder.change<Pending>(stateKey(state), (now) => {
      taken = now;
      return undefined;
    });
    await folder.schedule(stateKey(state), undefined);
    return taken !== undefined && this.#clock.now() < taken.expiresAt ? taken : undefined;
  }

  #provider(mountId: string, found: { config: JwtConfig; revision: string }): Promise<Configuration> {
    const known = this.#providers.get(mountId);
    if (known?.revision === found.revision) return known.provider;
    const provider = providerOf(found.config);
    this.#providers.set(mountId, { revision: found.revision, provider });
    // An issuer that did not answer is asked again the next time.
    provider.catch(() => this.#providers.delete(mountId));
    return provider;
  }
}

function checkOutcome(error: string | undefined): void {
  const code = (error ?? '').trim().toLowerCase();
  if (code === '') return;
  const known = oauthErrors.includes(code);
  throw refused(
    `${failed} ${known ? code : 'An unknown error occurred during OIDC authentication. Check server logs for details'}`,
  );
}

async function providerOf(config: JwtConfig): Promise<Configuration> {
  const client = await import('openid-client');
  const metadata = await discover(config);
  const methods = metadata['token_endpoint_auth_methods_supported'];
  const posts = Array.isArray(methods) && !methods.includes('client_secret_basic');
  const secret = config.clientSecret;
  const provider = new client.Configuration(
    // Clients of Vault hand on state and code of the answer and nothing else, so no `iss` (RFC 9207) either.
    { ...metadata, authorization_response_iss_parameter_supported: false },
    config.clientId,
    {},
    posts ? client.ClientSecretPost(secret) : client.ClientSecretBasic(secret),
  );
  const ask = limitedFetch(config.discoveryCaPem);
  provider[client.customFetch] = (url, { method, headers, body }) =>
    // A form, or nothing: the library sends nothing else for a code or to userinfo.
    ask(url, { method, headers, body: body instanceof URLSearchParams ? body.toString() : undefined });
  client.enableNonRepudiationChecks(provider);
  // Checked by `discover`: without TLS only where the configured address has none.
  if (config.discoveryUrl.startsWith('http:')) client.allowInsecureRequests(provider);
  return provider;
}

async function addressOf(provider: Configuration, role: Role, pending: Pending, state: string): Promise<string> {
  const client = await import('openid-client');
  const scopes = role.oidcScopes.includes('openid') ? role.oidcScopes : ['openid', ...role.oidcScopes];
  const url = client.buildAuthorizationUrl(provider, {
    redirect_uri: pending.redirectUri,
    scope: scopes.join(' '),
    state,
    nonce: pending.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
    ...(role.maxAge > 0 ? { max_age: String(role.maxAge) } : {}),
  });
  return url.href;
}

/** The claims that the issuer makes of the caller, for the code and with what its userinfo adds. */
async function exchange(
  provider: Configuration,
  config: JwtConfig,
  role: Role,
  pending: Pending,
  code: string,
): Promise<Claims> {
  const client = await import('openid-client');
  const returned = new URL(pending.redirectUri);
  returned.search = new URLSearchParams({ code }).toString();
  try {
    const tokens = await client.authorizationCodeGrant(
      provider,
      returned,
      {
        pkceCodeVerifier: pending.verifier,
        expectedNonce: pending.nonce,
        idTokenExpected: true,
        ...(role.maxAge > 0 ? { maxAge: role.maxAge } : {}),
      },
      { redirect_uri: pending.redirectUri },
    );
    const { nonce: _, ...claims } = tokens.claims()!;
    checkAlgorithm(config, tokens.id_token!);
    if (role.boundAudiences.length > 0 && !audiencesOf(claims).some((one) => role.boundAudiences.includes(one))) {
      throw new Error('invalid id_token audiences');
    }
    // What userinfo does not tell is no reason to refuse: the token proves who it is.
    const more = await client.fetchUserInfo(provider, tokens.access_token, claims.sub).catch(() => ({}));
    return { ...claims, ...more };
  } catch (error) {
    throw refused(`${failed} Error exchanging oidc code: "${exchangeText(error)}".`);
  }
}

function checkAlgorithm({ algorithms: allowed }: JwtConfig, token: string): void {
  const { alg } = JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { alg: string };
  if ((allowed.length > 0 ? allowed : ['RS256']).includes(alg)) return;
  throw new Error('id token signed with unsupported algorithm');
}

function exchangeText(error: unknown): string {
  const { error: code, error_description: description } = error as { error?: unknown; error_description?: unknown };
  const challenged = (error as { code?: unknown }).code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE';
  const told = typeof code === 'string' ? [code, description].filter(Boolean).join(': ') : outboundText(error);
  const text = challenged ? 'invalid_client: the issuer refuses client id or secret' : told;
  return text.replaceAll('"', "'").slice(0, 300);
}

/** As it is among the allowed ones; a loopback address may have any port (RFC 8252, section 7.3). */
export function isAllowedRedirect(uri: string, allowed: readonly string[]): boolean {
  const url = URL.parse(uri);
  if (url === null) return false;
  if (!isLoopback(url)) return allowed.includes(uri);
  return allowed.some((one) => {
    const other = URL.parse(one);
    return other !== null && withoutPort(other) === withoutPort(url);
  });
}

function isLoopback({ hostname }: URL): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
}

function withoutPort(url: URL): string {
  const plain = new URL(url);
  plain.port = '';
  return plain.href;
}
