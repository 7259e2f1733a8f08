// `config` of the methods `jwt` and `oidc`: who signs tokens, and as whom the server asks an issuer.
// Texts and order of the checks: OpenBao `builtin/credential/jwt/path_config.go`.
import { createPublicKey } from 'node:crypto';
import type { Json } from '../../../base/index.ts';
import type { Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';

export interface JwtConfig {
  readonly version: 1;
  readonly discoveryUrl: string;
  readonly discoveryCaPem: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly responseMode: string;
  readonly responseTypes: readonly string[];
  readonly jwksUrl: string;
  readonly jwksCaPem: string;
  readonly publicKeys: readonly string[];
  /** Empty: all asymmetric ones. */
  readonly algorithms: readonly string[];
  readonly boundIssuer: string;
  readonly defaultRole: string;
  readonly namespaceInState: boolean;
}

export const configFields = {
  oidc_discovery_url: 'string',
  oidc_discovery_ca_pem: 'string',
  oidc_client_id: 'string',
  oidc_client_secret: 'string',
  oidc_response_mode: 'string',
  oidc_response_types: 'list',
  jwks_url: 'string',
  jwks_ca_pem: 'string',
  default_role: 'string',
  jwt_validation_pubkeys: 'list',
  jwt_supported_algs: 'list',
  bound_issuer: 'string',
  provider_config: 'object',
  namespace_in_state: 'boolean',
  skip_jwks_validation: 'boolean',
} as const;

type ConfigValues = FieldValues<typeof configFields>;

/** Signatures by which a key that everybody may know proves something. */
export const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'EdDSA'];

export const configKey = 'config';

export async function loadConfig(folder: Folder): Promise<{ config: JwtConfig; revision: string } | undefined> {
  const found = await folder.get<JwtConfig>(configKey);
  return found === undefined ? undefined : { config: found.value, revision: found.version };
}

function refusal(text: string, hint?: string): Error {
  return brokerFailure('bad-request', text, { hint });
}

/** A write replaces everything but `namespace_in_state`. @throws Failure `bad-request` with Vault's text. */
export function writtenConfig(before: JwtConfig | undefined, given: ConfigValues): JwtConfig {
  const config: JwtConfig = {
    version: 1,
    discoveryUrl: given.oidc_discovery_url ?? '',
    discoveryCaPem: given.oidc_discovery_ca_pem ?? '',
    clientId: given.oidc_client_id ?? '',
    clientSecret: given.oidc_client_secret ?? '',
    responseMode: given.oidc_response_mode ?? '',
    responseTypes: given.oidc_response_types ?? [],
    jwksUrl: given.jwks_url ?? '',
    jwksCaPem: given.jwks_ca_pem ?? '',
    publicKeys: given.jwt_validation_pubkeys ?? [],
    algorithms: given.jwt_supported_algs ?? [],
    boundIssuer: given.bound_issuer ?? '',
    defaultRole: (given.default_role ?? '').toLowerCase(),
    namespaceInState: given.namespace_in_state ?? before?.namespaceInState ?? true,
  };
  checkSource(config, given);
  checkFlow(config);
  return config;
}

function checkSource(config: JwtConfig, { provider_config: provider = {} }: ConfigValues): void {
  const { discoveryUrl, publicKeys, jwksUrl, clientId, clientSecret } = config;
  if ([discoveryUrl, publicKeys.join(''), jwksUrl].filter((one) => one !== '').length !== 1) {
    throw refusal(
      "exactly one of 'jwt_validation_pubkeys', 'jwks_url', 'jwks_pairs', 'oidc_discovery_url', or 'provider_config' must be set",
    );
  }
  if ((clientId === '') !== (clientSecret === '')) {
    throw refusal("both 'oidc_client_id' and 'oidc_client_secret' must be set for OIDC");
  }
  if (discoveryUrl.includes('.well-known/openid-configuration')) {
    throw refusal("'oidc_discovery_url' contains '.well-known' component");
  }
  if (clientId !== '' && discoveryUrl === '') throw refusal("'oidc_discovery_url' must be set for OIDC");
  for (const [name, url] of [
    ['oidc_discovery_url', discoveryUrl],
    ['jwks_url', jwksUrl],
  ] as const) {
    if (url === '' || /^https?:$/.test(URL.parse(url)?.protocol ?? '')) continue;
    throw refusal(`${name}: \`${url}\` is not an http or https address`);
  }
  for (const pem of publicKeys) checkPublicKey(pem);
  if (Object.keys(provider).length > 0) throw refusal(providerProblem(provider));
}

function checkPublicKey(pem: string): void {
  let type: string | undefined;
  try {
    type = pem.includes('PRIVATE KEY') ? undefined : createPublicKey(pem).asymmetricKeyType;
  } catch {
    // Told below, without what the key holds.
  }
  if (['rsa', 'ec', 'ed25519'].includes(type ?? '')) return;
  throw refusal('error parsing public key: data does not contain any valid public keys');
}

function providerProblem({ provider }: Readonly<Record<string, unknown>>): string {
  const prefix = 'invalid provider_config: ';
  if (typeof provider !== 'string') return `${prefix}'provider' field not found in provider_config`;
  return `${prefix}provider "${provider}" not found in custom providers`;
}

function checkFlow({ algorithms: wanted, responseTypes, responseMode }: JwtConfig): void {
  const unknown = wanted.find((algorithm) => !algorithms.includes(algorithm));
  if (unknown !== undefined) {
    throw refusal(`invalid jwt_supported_algs: unsupported signing algorithm "${unknown}"`);
  }
  if (responseTypes.some((type) => type !== 'code' && type !== 'id_token')) {
    throw refusal(`invalid response_types [${responseTypes.join(' ')}]. 'code' and 'id_token' are allowed`);
  }
  if (!['', 'query', 'form_post'].includes(responseMode)) throw refusal(`invalid response_mode: "${responseMode}"`);
  if (responseMode !== 'form_post' && responseTypes.includes('id_token')) {
    throw refusal('query response_mode may not be used with an id_token response_type');
  }
  if (responseMode === 'form_post') {
    throw refusal(
      'response_mode "form_post" is not supported',
      'leave `oidc_response_mode` and `oidc_response_types` out: the code flow with PKCE tells no token to the browser',
    );
  }
}

/** The configuration without its secret. */
export function shownConfig(config: JwtConfig): Readonly<Record<string, Json>> {
  return {
    oidc_discovery_url: config.discoveryUrl,
    oidc_discovery_ca_pem: config.discoveryCaPem,
    oidc_client_id: config.clientId,
    oidc_response_mode: config.responseMode,
    oidc_response_types: config.responseTypes,
    default_role: config.defaultRole,
    jwt_validation_pubkeys: config.publicKeys,
    jwt_supported_algs: config.algorithms,
    jwks_url: config.jwksUrl,
    jwks_ca_pem: config.jwksCaPem,
    bound_issuer: config.boundIssuer,
    provider_config: {},
    namespace_in_state: config.namespaceInState,
  };
}

/** Whether people may log in by way of a browser. */
export function hasOidcFlow({ discoveryUrl, clientId, clientSecret }: JwtConfig): boolean {
  return discoveryUrl !== '' && clientId !== '' && clientSecret !== '';
}
