// The embedded AWS's own OpenID Connect issuer: signs tokens for any issuer that a test plays, so that trust in GitHub,
// GitLab or a cluster can be rehearsed without them. SECURITY: only who holds the control token gets tokens.
import { createECDH, createHash, hkdfSync } from 'node:crypto';
import { uuid, type Clock, type Random, type Secret } from '../base/index.ts';

/** A public key as JWKS has it (RFC 7517). */
export type PublicKey = Readonly<Record<string, unknown>>;

/** What a token is to say. */
export interface TokenOrder {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string | readonly string[];
  readonly expiresInSeconds: number;
  /** Everything else; may move `iat`, `nbf` and `exp`. */
  readonly claims: Readonly<Record<string, unknown>>;
}

const curve = 'prime256v1';

/** Path of the issuer on the cloud's own port: what `/.well-known/openid-configuration` is appended to. */
export const testIssuerPath = '/_stint/oidc';

/** The key is drawn from the setup's seed: tokens stay good over restarts and resets. */
export class TestIssuer {
  readonly publicKey: PublicKey;
  readonly #privateKey: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(seed: Secret, clock: Clock, random: Random) {
    const pair = createECDH(curve);
    pair.setPrivateKey(scalarOf(seed));
    const point = pair.getPublicKey();
    const coordinates = { x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') };
    const key = { kty: 'EC', crv: 'P-256', ...coordinates };
    const kid = `stint-${createHash('sha256').update(point).digest('base64url').slice(0, 20)}`;
    this.publicKey = { ...key, kid, alg: 'ES256', use: 'sig' };
    this.#privateKey = { ...key, d: pair.getPrivateKey().toString('base64url') };
    this.#clock = clock;
    this.#random = random;
  }

  /** A signed token, good from now on by the emulated clock. */
  async sign({ issuer, subject, audience, expiresInSeconds, claims }: TokenOrder): Promise<string> {
    const { importJWK, SignJWT } = await import('jose');
    const now = Math.floor(this.#clock.now() / 1000);
    const times = { iat: now, nbf: now, exp: now + expiresInSeconds };
    const aud = typeof audience === 'string' ? audience : [...audience];
    return new SignJWT({ jti: uuid(this.#random), ...times, ...claims, iss: issuer, sub: subject, aud })
      .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: String(this.publicKey['kid']) })
      .sign(await importJWK(this.#privateKey, 'ES256'));
  }
}

/** A private scalar of the curve: below its order, which begins with 32 set bits, for its first bit is clear. */
function scalarOf(seed: Secret): Buffer {
  const bytes = Buffer.from(hkdfSync('sha256', seed.reveal(), '', 'test issuer', 32));
  bytes[0]! &= 0x7f;
  bytes[31]! |= 1;
  return bytes;
}

/** OpenID Connect Discovery 1.0, section 3, for the address under which it was asked. */
export function discoveryOf(origin: string): object {
  const issuer = origin + testIssuerPath;
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    claims_supported: ['iss', 'sub', 'aud', 'exp', 'iat', 'nbf', 'jti'],
  };
}
