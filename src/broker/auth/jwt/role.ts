// A role of `jwt` and `oidc`: which tokens may log in, and what the token of the login may do.
// Texts and order of the checks: OpenBao `builtin/credential/jwt/path_role.go`.
import { formatGoDuration, type Json } from '../../../base/index.ts';
import type { Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import { methodFailed } from '../logins.ts';
import {
  noTokenParameters,
  oldFields,
  shownParameters,
  tokenFields,
  writtenParameters,
  type TokenParameters,
} from '../token-parameters.ts';
import type { ClaimRule } from './claims.ts';

export interface Role extends ClaimRule {
  readonly version: 1;
  readonly roleType: 'jwt' | 'oidc';
  /** Seconds; negative: none. */
  readonly expirationLeeway: number;
  readonly notBeforeLeeway: number;
  readonly clockSkewLeeway: number;
  readonly boundAudiences: readonly string[];
  readonly boundSubject: string;
  readonly oidcScopes: readonly string[];
  readonly redirectUris: readonly string[];
  /** Seconds; 0: any. */
  readonly maxAge: number;
  readonly verboseLogging: boolean;
  readonly token: TokenParameters;
}

export const roleFields = {
  name: 'string',
  role_type: 'string',
  expiration_leeway: 'signedSeconds',
  not_before_leeway: 'signedSeconds',
  clock_skew_leeway: 'signedSeconds',
  bound_subject: 'string',
  bound_audiences: 'list',
  bound_claims_type: 'string',
  bound_claims: 'object',
  claim_mappings: 'map',
  user_claim: 'string',
  user_claim_json_pointer: 'boolean',
  groups_claim: 'string',
  oidc_scopes: 'list',
  allowed_redirect_uris: 'list',
  callback_mode: 'string',
  verbose_oidc_logging: 'boolean',
  max_age: 'seconds',
  token_policies_template_claims: 'boolean',
  ...tokenFields,
  ...oldFields('policies', 'num_uses', 'ttl', 'max_ttl', 'period', 'bound_cidrs'),
} as const;

type RoleValues = FieldValues<typeof roleFields>;

const newRole: Role = {
  version: 1,
  roleType: 'oidc',
  expirationLeeway: 0,
  notBeforeLeeway: 0,
  clockSkewLeeway: 0,
  boundAudiences: [],
  boundSubject: '',
  boundClaims: {},
  boundClaimsType: 'string',
  claimMappings: {},
  userClaim: '',
  userClaimJsonPointer: false,
  groupsClaim: '',
  oidcScopes: [],
  redirectUris: [],
  maxAge: 0,
  verboseLogging: false,
  token: noTokenParameters,
};

export function roleKey(name: string): string {
  return `role/${name.toLowerCase()}`;
}

export async function loadRole(folder: Folder, name: string): Promise<Role | undefined> {
  return (await folder.get<Role>(roleKey(name)))?.value;
}

function refusal(text: string, hint?: string): Error {
  return brokerFailure('bad-request', text, { hint });
}

/** What a write makes of a role. @throws Failure `bad-request` with Vault's text. */
export function writtenRole(before: Role | undefined, given: RoleValues, maxTtlSeconds: number): Role {
  const was = before ?? newRole;
  const roleType = given.role_type || 'oidc';
  if (roleType !== 'jwt' && roleType !== 'oidc') throw refusal(`invalid 'role_type': ${roleType}`);
  const token = writtenParameters(was.token, given);
  checkPeriod(token, maxTtlSeconds);
  const role: Role = {
    version: 1,
    roleType,
    token,
    expirationLeeway: given.expiration_leeway ?? was.expirationLeeway,
    notBeforeLeeway: given.not_before_leeway ?? was.notBeforeLeeway,
    clockSkewLeeway: given.clock_skew_leeway ?? was.clockSkewLeeway,
    boundAudiences: given.bound_audiences ?? was.boundAudiences,
    boundSubject: given.bound_subject ?? was.boundSubject,
    verboseLogging: given.verbose_oidc_logging ?? was.verboseLogging,
    maxAge: given.max_age ?? was.maxAge,
    boundClaimsType: claimsType(given.bound_claims_type),
    boundClaims: given.bound_claims ?? was.boundClaims,
    claimMappings: given.claim_mappings ?? was.claimMappings,
    userClaim: given.user_claim ?? was.userClaim,
    userClaimJsonPointer: given.user_claim_json_pointer ?? was.userClaimJsonPointer,
    groupsClaim: given.groups_claim ?? was.groupsClaim,
    oidcScopes: given.oidc_scopes ?? was.oidcScopes,
    redirectUris: given.allowed_redirect_uris ?? was.redirectUris,
  };
  checkClaims(role);
  checkMode(given);
  checkConstraints(role);
  return role;
}

function claimsType(given = 'string'): 'string' | 'glob' {
  if (given === 'string' || given === 'glob') return given;
  throw refusal(`invalid 'bound_claims_type': ${given}`);
}

function checkPeriod({ period }: TokenParameters, maxTtlSeconds: number): void {
  if (period <= maxTtlSeconds) return;
  const [given, most] = [period, maxTtlSeconds].map(formatGoDuration);
  throw refusal(`'period' of '"${given}"' is greater than the backend's maximum lease TTL of '"${most}"'`);
}

function checkClaims({ boundClaims, boundClaimsType, claimMappings, userClaim }: Role): void {
  for (const value of boundClaimsType === 'glob' ? Object.values(boundClaims) : []) {
    const list: readonly unknown[] = Array.isArray(value) ? (value as readonly unknown[]) : [value];
    const wrong = list.find((one) => typeof one !== 'string');
    if (wrong !== undefined) throw refusal(`claim is not a string: ${JSON.stringify(wrong)}`);
  }
  const targets = Object.values(claimMappings);
  if (targets.includes('role')) throw refusal('metadata key "role" is reserved and may not be a mapping destination');
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (twice !== undefined) throw refusal(`multiple keys are mapped to metadata key "${twice}"`);
  if (userClaim === '') throw refusal('a user claim must be defined on the role');
}

function checkMode(given: RoleValues): void {
  const { callback_mode: mode = 'client' } = given;
  if (mode !== 'client') {
    throw refusal(
      `invalid 'callback_mode': ${mode}`,
      'the client calls `oidc/callback` itself: leave `callback_mode` out',
    );
  }
  if (given.token_policies_template_claims === true) {
    throw refusal('token_policies_template_claims is not supported', 'map claims to metadata, and use it in policies');
  }
}

function checkConstraints(role: Role): void {
  const { roleType, redirectUris, boundAudiences, boundSubject, boundClaims, token } = role;
  if (roleType === 'oidc' && redirectUris.length === 0) {
    throw refusal("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.");
  }
  const bound = boundAudiences.length + token.boundCidrs.length + Object.keys(boundClaims).length;
  if (roleType !== 'oidc' && bound === 0 && boundSubject === '') {
    throw refusal('must have at least one bound constraint when creating/updating a role');
  }
  if (token.maxTtl > 0 && token.ttl > token.maxTtl) throw refusal('ttl should not be greater than max ttl');
}

export function roleWarnings({ token, verboseLogging }: Role, maxTtlSeconds: number): readonly string[] {
  return [
    ...(token.maxTtl > maxTtlSeconds
      ? [
          "token max ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be truncated",
        ]
      : []),
    ...(verboseLogging
      ? ['verbose_oidc_logging has no effect: responses of issuers are never logged, for they hold secrets.']
      : []),
  ];
}

export function shownRole(role: Role): Readonly<Record<string, Json>> {
  return {
    role_type: role.roleType,
    expiration_leeway: role.expirationLeeway,
    not_before_leeway: role.notBeforeLeeway,
    clock_skew_leeway: role.clockSkewLeeway,
    bound_audiences: orNull(role.boundAudiences),
    bound_subject: role.boundSubject,
    bound_claims_type: role.boundClaimsType,
    bound_claims: orNull(role.boundClaims) as Json,
    claim_mappings: orNull(role.claimMappings),
    user_claim: role.userClaim,
    user_claim_json_pointer: role.userClaimJsonPointer,
    groups_claim: role.groupsClaim,
    allowed_redirect_uris: orNull(role.redirectUris),
    callback_mode: 'client',
    oidc_scopes: orNull(role.oidcScopes),
    verbose_oidc_logging: role.verboseLogging,
    max_age: role.maxAge,
    ...shownParameters(role.token),
  };
}

/** What was never given is null in Vault's answers. */
function orNull<T extends object>(value: T): T | null {
  return Object.keys(value).length === 0 ? null : value;
}

/** The role of a login, or that of the mount when none is named. @throws Failure `login-refused`. */
export async function roleOfLogin(
  folder: Folder,
  given: string | undefined,
  defaultRole: string,
): Promise<{ readonly name: string; readonly role: Role }> {
  const name = (given || defaultRole).toLowerCase();
  if (name === '') throw brokerFailure('login-refused', 'missing role');
  const role = await loadRole(folder, name);
  if (role === undefined) throw brokerFailure('login-refused', `role "${name}" could not be found`);
  return { name, role };
}

/** As Vault answers an update that came when the role was gone. */
export function roleGone(): Error {
  return methodFailed('role entry not found during update operation');
}
