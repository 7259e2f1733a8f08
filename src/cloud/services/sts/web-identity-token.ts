// The token of AssumeRoleWithWebIdentity: whose it is, whether its signature holds, and what it says.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
import type { JSONWebKeySet } from 'jose';
import { isObject, type Failure } from '../../../base/index.ts';
import type { Call } from '../../call.ts';
import type { SessionTag } from '../../credential.ts';
import { awsFailure } from '../../failures.ts';
import { noKey, type Issuer } from '../../issuer-keys.ts';
import { oidcProviderOf, withoutScheme } from '../iam/identity-providers.ts';
import { validationError } from '../iam/failures.ts';
import type { Place } from '../iam/entities.ts';
import { checkSourceIdentity, checkTagForm, invalidIdentityToken, type Vouched } from './federation.ts';
import { claimKeys } from './oidc-claims.ts';

/** Claims whose signature was verified. */
export interface VerifiedToken {
  readonly claims: Readonly<Record<string, unknown>>;
  readonly issuer: string;
  /** Set for an access token of a provider that gives no identity tokens. */
  readonly accessTokenOf?: string | undefined;
}

interface TokenInput {
  readonly WebIdentityToken: string;
  readonly ProviderId?: string | undefined;
  readonly RoleSessionName: string;
}

/** Providers that AWS knows without an entry in IAM. */
const identityTokens: ReadonlySet<string> = new Set(['accounts.google.com', 'cognito-identity.amazonaws.com']);
/** Provider of access tokens → the claims that its keys are called. */
const accessTokens: Readonly<Record<string, { readonly user: string; readonly app: string }>> = {
  'www.amazon.com': { user: 'user_id', app: 'app_id' },
  'graph.facebook.com': { user: 'id', app: 'app_id' },
};

const algorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];
/** Seconds by which clocks may differ. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc.html */
const leeway = 300;

/**
 * Verifies the signature, with keys from the issuer where they are not the test issuer's.
 * @throws InvalidIdentityToken, IDPCommunicationError, IDPRejectedClaim
 */
export async function verifyToken(input: TokenInput, place: Place, call: Call): Promise<VerifiedToken> {
  const { compactVerify, createLocalJWKSet, decodeJwt, decodeProtectedHeader, errors } = await import('jose');
  const accessTokenOf = accessTokenProvider(input);
  const read = (): { readonly kid: unknown; readonly claims: Readonly<Record<string, unknown>> } => {
    try {
      const { kid } = decodeProtectedHeader(input.WebIdentityToken);
      return { kid, claims: decodeJwt(input.WebIdentityToken) };
    } catch {
      throw rejected(accessTokenOf) ?? notJwt();
    }
  };
  const { kid, claims } = read();
  const issuer = issuerOf(claims, accessTokenOf, place);
  const { own } = call.issuerKeys;
  const keys = kid === own['kid'] ? [own] : await call.issuerKeys.published(issuer);
  try {
    await compactVerify(input.WebIdentityToken, createLocalJWKSet({ keys } as unknown as JSONWebKeySet), {
      algorithms,
    });
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) throw noKey();
    throw rejected(accessTokenOf) ?? invalidIdentityToken('The signature of the token is not valid.');
  }
  return { claims, issuer: String(claims['iss']), accessTokenOf };
}

function notJwt(): Failure {
  return invalidIdentityToken(
    'The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)',
  );
}

/** What a provider of access tokens says of one that it did not give; undefined for identity tokens. */
function rejected(accessTokenOf: string | undefined): Failure | undefined {
  if (accessTokenOf === undefined) return undefined;
  return awsFailure('IDPRejectedClaim', `${accessTokenOf} rejected the access token.`, { status: 403 });
}

/** @throws ValidationError */
function accessTokenProvider({ ProviderId: id }: TokenInput): string | undefined {
  if (id === undefined || Object.hasOwn(accessTokens, id)) return id;
  throw validationError(`ProviderId ${id} is invalid: only ${Object.keys(accessTokens).join(' and ')} are supported`);
}

/** @throws InvalidIdentityToken for an issuer that the account does not know */
function issuerOf(claims: VerifiedToken['claims'], accessTokenOf: string | undefined, place: Place): Issuer {
  const { iss } = claims;
  if (typeof iss !== 'string') throw rejected(accessTokenOf) ?? missing('iss');
  const host = withoutScheme(iss);
  if (accessTokenOf !== undefined) {
    if (host !== accessTokenOf) throw rejected(accessTokenOf)!;
    return { url: `https://${host}`, thumbprints: [] };
  }
  if (identityTokens.has(host)) return { url: `https://${host}`, thumbprints: [] };
  const provider = oidcProviderOf(place, iss);
  if (provider !== undefined) return { url: provider.issuer, thumbprints: provider.thumbprints };
  throw invalidIdentityToken(`No OpenIDConnect provider found in your account for ${iss}`);
}

function missing(claim: string): Failure {
  return invalidIdentityToken(`Missing a required claim: ${claim}`);
}

/** What came of a token: the answer of STS shows subject and audience. */
export interface WebIdentity extends Vouched {
  readonly subject: string;
  readonly audience: string;
}

/**
 * What the token says now, to the account of the role.
 * @throws InvalidIdentityToken, ExpiredTokenException, IDPRejectedClaim
 */
export function readToken(token: VerifiedToken, input: TokenInput, place: Place, call: Call): WebIdentity {
  const { claims } = token;
  checkTimes(token, Math.floor(call.clock.now() / 1000));
  const subject = claims['sub'];
  if (typeof subject !== 'string' || subject === '') throw missing('sub');
  const { provider, prefix, audience } = recipientOf(token, place);
  const sourceIdentity = claims['https://aws.amazon.com/source_identity'];
  const keys = keysOf(token, prefix, audience);
  return {
    provider,
    subject,
    audience,
    sessionName: input.RoleSessionName,
    sourceIdentity: checkSourceIdentity(sourceIdentity),
    ...sessionTagsOf(claims),
    keys,
    sessionKeys: Object.fromEntries(
      Object.entries(keys).filter(
        (entry): entry is [string, string] =>
          typeof entry[1] === 'string' && /:(?:sub|aud|id|user_id|app_id)$/.test(entry[0]),
      ),
    ),
  };
}

function keysOf({ claims, accessTokenOf }: VerifiedToken, prefix: string, audience: string): Vouched['keys'] {
  if (accessTokenOf === undefined) return claimKeys(prefix, claims, audience);
  const names = accessTokens[accessTokenOf]!;
  return { [`${prefix}:${names.user}`]: String(claims['sub']), [`${prefix}:${names.app}`]: audience };
}

function checkTimes({ claims, accessTokenOf }: VerifiedToken, now: number): void {
  const { exp, iat, nbf } = claims;
  if (typeof exp !== 'number') throw missing('exp');
  if (now >= exp + leeway) {
    throw (
      rejected(accessTokenOf) ??
      awsFailure(
        'ExpiredTokenException',
        `Token expired: current date/time ${now} must be before the expiration date/time ${Math.floor(exp)}`,
        { status: 400 },
      )
    );
  }
  if (accessTokenOf === undefined && typeof iat !== 'number') throw missing('iat');
  for (const time of [iat, nbf]) {
    if (typeof time === 'number' && time > now + leeway) {
      throw rejected(accessTokenOf) ?? invalidIdentityToken('The token is not valid yet.');
    }
  }
}

/** Which principal the token stands for, and the audience it was accepted for. `azp` goes before `aud`. */
function recipientOf({ claims, issuer, accessTokenOf }: VerifiedToken, place: Place) {
  const { aud, azp } = claims;
  const audiences = (Array.isArray(aud) ? aud : [aud]).filter((item): item is string => typeof item === 'string');
  const named = typeof azp === 'string' ? [azp] : audiences;
  if (audiences.length === 0) throw missing('aud');
  const host = withoutScheme(issuer);
  if (accessTokenOf !== undefined || identityTokens.has(host)) {
    return { provider: host, prefix: host, audience: named[0]! };
  }
  const provider = oidcProviderOf(place, issuer);
  if (provider === undefined)
    throw invalidIdentityToken(`No OpenIDConnect provider found in your account for ${issuer}`);
  const audience = named.find((item) => provider.clientIds.includes(item));
  if (audience === undefined) throw invalidIdentityToken('Incorrect token audience');
  return { provider: provider.arn, prefix: withoutScheme(provider.issuer), audience };
}

const tagsClaim = 'https://aws.amazon.com/tags';

/**
 * The claim of session tags, nested or flat.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_adding-assume-role-idp
 */
function sessionTagsOf(claims: VerifiedToken['claims']): Pick<Vouched, 'tags' | 'transitiveTagKeys'> {
  const nested = claims[tagsClaim] ?? {};
  if (!isObject(nested)) throw invalidIdentityToken('The session tags of the token are not valid.');
  const start = `${tagsClaim}/principal_tags/`;
  const flat = Object.entries(claims).filter(([name]) => name.startsWith(start));
  const tags = [
    ...Object.entries(nested['principal_tags'] ?? {}),
    ...flat.map(([name, value]): [string, unknown] => [name.slice(start.length), value]),
  ].map(([key, value]): SessionTag => ({ key, value: oneText(value) }));
  const transitive = nested['transitive_tag_keys'] ?? claims[`${tagsClaim}/transitive_tag_keys`] ?? [];
  return { tags: checkTagForm(tags), transitiveTagKeys: [transitive].flat().map(oneText) };
}

/** A text, or a list of one. @throws InvalidIdentityToken */
function oneText(value: unknown): string {
  const one: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (typeof one === 'string') return one;
  throw invalidIdentityToken('The session tags of the token are not valid.');
}
