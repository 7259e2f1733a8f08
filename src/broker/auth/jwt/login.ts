// Who a caller is by the claims of a token, and the login that makes of it; and the login with a token
// that somebody brings along. Texts: OpenBao `builtin/credential/jwt/path_login.go`.
import type { Clock } from '../../../base/index.ts';
import type { EngineCall, Login } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import { checkAddress, loginToken } from '../logins.ts';
import { boundProblem, identityOf, type Claims, type Identity } from './claims.ts';
import { algorithms, loadConfig, type JwtConfig } from './config.ts';
import { algorithmOf, type Verify } from './keys.ts';
import { roleOfLogin, type Role } from './role.ts';
import { audiencesOf, validityProblem } from './validity.ts';

export function refused(text: string): Error {
  return brokerFailure('login-refused', text);
}

/** How tokens are verified at a mount, kept as long as its configuration stands. */
export type Verifiers = (mountId: string, revision: string, config: JwtConfig) => Promise<Verify>;

/** @throws Failure `login-refused` with Vault's text, `permission-denied`. */
export async function loginWithToken(
  call: EngineCall,
  given: { readonly role?: string; readonly jwt?: string },
  verifiers: Verifiers,
  wall: Clock,
): Promise<Login> {
  const found = await loadConfig(call.folder);
  if (found === undefined) throw refused('could not load configuration');
  const { config, revision } = found;
  const { name, role } = await roleOfLogin(call.folder, given.role, config.defaultRole);
  if (role.roleType === 'oidc') throw refused('role with oidc role_type is not allowed');
  const { jwt: token = '' } = given;
  if (token === '') throw refused('missing token');
  checkAddress(role.token, call.remoteAddress);
  const verify = await verifiers(call.mount.id, revision, config).catch((error: unknown) => {
    throw refused(`error configuring token validator: keyset configuration error: ${(error as Error).message}`);
  });
  const claims = await verify(token).catch((error: unknown) => {
    throw refused(`error validating token: error verifying token signature: ${(error as Error).message}`);
  });
  checkToken(config, role, token, claims, wall);
  return loginOf(call, name, role, claims, (problem) => refused(problem));
}

function checkToken(config: JwtConfig, role: Role, token: string, claims: Claims, wall: Clock): void {
  const allowed = config.algorithms.length > 0 ? config.algorithms : algorithms;
  if (!allowed.includes(algorithmOf(token) ?? '')) {
    throw refused(
      'error validating token: invalid algorithm (alg) header parameter: token signed with unexpected algorithm',
    );
  }
  const expected = { ...role, issuer: config.boundIssuer, subject: role.boundSubject, audiences: role.boundAudiences };
  const problem = validityProblem(claims, expected, wall.now());
  if (problem !== undefined) throw refused(`error validating token: ${problem}`);
  if (audiencesOf(claims).length > 0 && role.boundAudiences.length === 0) {
    throw refused('audience claim found in JWT but no audiences bound to the role');
  }
}

/**
 * The login of whom the claims name.
 * @throws what `refusal` makes of Vault's text when they are not what the role asks for.
 */
export function loginOf(
  { remoteAddress }: EngineCall,
  roleName: string,
  role: Role,
  claims: Claims,
  refusal: (text: string) => Error,
): Login {
  let identity: Identity;
  try {
    identity = identityOf(role, claims, roleName);
  } catch (error) {
    throw refusal((error as Error).message);
  }
  const problem = boundProblem(role, claims);
  if (problem !== undefined) throw refusal(`error validating claims: ${problem}`);
  const { name, metadata, groups } = identity;
  return {
    displayName: name,
    policies: role.token.policies,
    metadata,
    alias: { name, metadata },
    groups,
    token: loginToken(role.token, remoteAddress),
    renewable: true,
    internal: { role: roleName },
  };
}
