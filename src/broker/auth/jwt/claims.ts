// What the claims of a token must be, and what they say of the caller. Pure.
// Texts and order of the checks: OpenBao `builtin/credential/jwt/claims.go` and `path_login.go`.
import { isObject } from '../../../base/index.ts';
import { globMatches } from '../../globs.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** What a role asks of claims, and what it makes of them. */
export interface ClaimRule {
  readonly boundClaims: Readonly<Record<string, unknown>>;
  /** `glob`: `*` in a bound value stands for anything. */
  readonly boundClaimsType: 'string' | 'glob';
  readonly userClaim: string;
  readonly userClaimJsonPointer: boolean;
  readonly groupsClaim: string;
  /** Claim to name of metadata. */
  readonly claimMappings: Readonly<Record<string, string>>;
}

export interface Identity {
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly groups: readonly string[];
}

/** A claim by its name, or by a JSON pointer (RFC 6901) when it begins with `/`; undefined when there is none. */
export function claimOf(claims: Claims, name: string): unknown {
  const value = name.startsWith('/') ? pointed(claims, name) : own(claims, name);
  // RFC 7519, 4.1.3: a single audience may stand without a list.
  return name === 'aud' && typeof value === 'string' ? [value] : (value ?? undefined);
}

function own(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? (value as Claims)[name] : undefined;
}

function pointed(claims: Claims, pointer: string): unknown {
  let value: unknown = claims;
  for (const part of pointer.slice(1).split('/')) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (Array.isArray(value) ? !/^\d+$/.test(name) : !isObject(value)) return undefined;
    value = own(value as object, name);
  }
  return value;
}

/** A value as the list of what it can be compared by; undefined for what cannot be. */
function comparable(value: unknown): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value as readonly unknown[];
  return ['string', 'boolean', 'number'].includes(typeof value) ? [value] : undefined;
}

/** Why the claims are not what the role asks for, in Vault's words; undefined when they are. */
export function boundProblem({ boundClaims, boundClaimsType }: ClaimRule, claims: Claims): string | undefined {
  for (const [name, wanted] of Object.entries(boundClaims)) {
    const value = claimOf(claims, name);
    if (value === undefined) return `claim "${name}" is missing`;
    const given = comparable(value);
    if (given === undefined) return `received claim is not a string, bool, int or list: ${JSON.stringify(value)}`;
    const allowed = comparable(wanted);
    if (allowed === undefined) return `bound claim is not a string, bool, int or list: ${JSON.stringify(wanted)}`;
    const matches = boundClaimsType === 'glob' ? matchesGlob : isSame;
    if (!allowed.some((one) => given.some((other) => matches(one, other)))) {
      return `claim "${name}" does not match any associated bound claim values`;
    }
  }
  return undefined;
}

/** Of the same kind and value; what lies deeper in a list is never compared. */
function isSame(wanted: unknown, given: unknown): boolean {
  return wanted === given && typeof wanted !== 'object';
}

function matchesGlob(pattern: unknown, given: unknown): boolean {
  return typeof pattern === 'string' && typeof given === 'string' && globMatches(pattern, given);
}

/**
 * Whom the claims name.
 * @throws Error in Vault's words when a claim that the role names is missing or of another kind.
 */
export function identityOf(rule: ClaimRule, claims: Claims, roleName: string): Identity {
  const { userClaim, userClaimJsonPointer, groupsClaim, claimMappings } = rule;
  const user = userClaimJsonPointer ? claimOf(claims, userClaim) : own(claims, userClaim);
  if (user === undefined || user === null) throw new Error(`claim "${userClaim}" not found in token`);
  if (typeof user !== 'string') throw new Error(`claim "${userClaim}" could not be converted to string`);
  if (user === '') throw new Error(`claim "${userClaim}" is empty`);
  const metadata: Record<string, string> = {};
  for (const [source, target] of Object.entries(claimMappings)) {
    const value = claimOf(claims, source);
    if (value === undefined) continue;
    if (typeof value !== 'string') throw new Error(`error converting claim '${source}' to string`);
    metadata[target] = value;
  }
  metadata['role'] = roleName;
  return { name: user, metadata, groups: groupsClaim === '' ? [] : groupsOf(claims, groupsClaim) };
}

function groupsOf(claims: Claims, name: string): readonly string[] {
  const value = claimOf(claims, name);
  if (value === undefined) throw new Error(`failed to fetch groups: "${name}" claim not found in token`);
  const groups = comparable(value);
  if (groups === undefined) throw new Error(`"${name}" claim could not be converted to string list`);
  const wrong = groups.find((group) => typeof group !== 'string');
  if (wrong !== undefined)
    throw new Error(`value ${JSON.stringify(wrong)} in groups claim could not be parsed as string`);
  return (groups as readonly string[]).filter((group) => group !== '');
}
