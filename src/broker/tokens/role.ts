// Token roles: what `auth/token/create/:role` gives. The record, and what a write makes of it; Vault's
// rules, token store `roles/:name`, with its older names for three of the fields.
import type { Barrier } from '../barrier.ts';
import { cidrOf } from '../addresses.ts';
import { brokerFailure } from '../failures.ts';
import { systemMaxTtlSeconds } from '../model.ts';
import { absent } from '../storage/store.ts';
import { distinct, sanitizePolicies } from './policy-names.ts';

export type RoleTokenType = 'service' | 'batch' | 'default-service' | 'default-batch';

export interface TokenRole {
  readonly version: 1;
  readonly name: string;
  readonly allowedPolicies: readonly string[];
  readonly disallowedPolicies: readonly string[];
  readonly allowedPoliciesGlob: readonly string[];
  readonly disallowedPoliciesGlob: readonly string[];
  readonly orphan: boolean;
  readonly renewable: boolean;
  readonly pathSuffix: string;
  readonly tokenType: RoleTokenType;
  /** As written by the older names; 0 and none when the newer ones were used. */
  readonly oldPeriodSeconds: number;
  readonly oldExplicitMaxTtlSeconds: number;
  readonly oldBoundCidrs: readonly string[];
  readonly periodSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  readonly boundCidrs: readonly string[];
  readonly tokenNoDefaultPolicy: boolean;
  readonly tokenNumUses: number;
  /** Null until written. */
  readonly allowedEntityAliases: readonly string[] | null;
}

/** The fields of a write, each undefined when it was left out. */
export interface RoleFields {
  readonly allowed_policies?: readonly string[];
  readonly disallowed_policies?: readonly string[];
  readonly allowed_policies_glob?: readonly string[];
  readonly disallowed_policies_glob?: readonly string[];
  readonly orphan?: boolean;
  readonly renewable?: boolean;
  readonly path_suffix?: string;
  readonly period?: number;
  readonly explicit_max_ttl?: number;
  readonly bound_cidrs?: readonly string[];
  readonly allowed_entity_aliases?: readonly string[];
  readonly token_period?: number;
  readonly token_explicit_max_ttl?: number;
  readonly token_bound_cidrs?: readonly string[];
  readonly token_type?: string;
  readonly token_no_default_policy?: boolean;
  readonly token_num_uses?: number;
}

const freshRole: Omit<TokenRole, 'name'> = {
  version: 1,
  allowedPolicies: [],
  disallowedPolicies: [],
  allowedPoliciesGlob: [],
  disallowedPoliciesGlob: [],
  orphan: false,
  renewable: true,
  pathSuffix: '',
  tokenType: 'default-service',
  oldPeriodSeconds: 0,
  oldExplicitMaxTtlSeconds: 0,
  oldBoundCidrs: [],
  periodSeconds: 0,
  explicitMaxTtlSeconds: 0,
  boundCidrs: [],
  tokenNoDefaultPolicy: false,
  tokenNumUses: 0,
  allowedEntityAliases: null,
};

const roleTypes: readonly string[] = ['service', 'batch', 'default-service', 'default-batch'];

/** What `fields` make of a role, and the warnings of it. @throws Failure `bad-request` with Vault's text. */
export function writtenRole(
  name: string,
  before: TokenRole | undefined,
  fields: RoleFields,
): { readonly role: TokenRole; readonly warnings: readonly string[] } {
  const held = before ?? { ...freshRole, name };
  const role: TokenRole = {
    ...held,
    ...policyLists(held, fields),
    ...limits(held, fields),
    orphan: fields.orphan ?? held.orphan,
    renewable: fields.renewable ?? held.renewable,
    pathSuffix: pathSuffix(fields.path_suffix ?? held.pathSuffix),
    tokenType: tokenType(fields.token_type ?? held.tokenType),
    tokenNoDefaultPolicy: fields.token_no_default_policy ?? held.tokenNoDefaultPolicy,
    tokenNumUses: fields.token_num_uses ?? held.tokenNumUses,
    allowedEntityAliases:
      fields.allowed_entity_aliases === undefined ? held.allowedEntityAliases : distinct(fields.allowed_entity_aliases),
  };
  checkRole(role);
  return { role, warnings: warningsOf(role, fields) };
}

function policyLists(held: TokenRole, fields: RoleFields): Partial<TokenRole> {
  const { allowed_policies, allowed_policies_glob, disallowed_policies, disallowed_policies_glob } = fields;
  return {
    ...(allowed_policies === undefined ? {} : { allowedPolicies: sanitizePolicies(allowed_policies, false) }),
    ...(allowed_policies_glob === undefined
      ? {}
      : { allowedPoliciesGlob: sanitizePolicies(allowed_policies_glob, false) }),
    disallowedPolicies: disallowed_policies === undefined ? held.disallowedPolicies : distinct(disallowed_policies),
    disallowedPoliciesGlob:
      disallowed_policies_glob === undefined ? held.disallowedPoliciesGlob : distinct(disallowed_policies_glob),
  };
}

// The newer name wins over the older; the older is remembered only to be read back as it was written.
function limits(held: TokenRole, fields: RoleFields): Partial<TokenRole> {
  return {
    ...(fields.period === undefined ? {} : { oldPeriodSeconds: fields.period, periodSeconds: fields.period }),
    ...(fields.token_period === undefined ? {} : { oldPeriodSeconds: 0, periodSeconds: fields.token_period }),
    ...(fields.explicit_max_ttl === undefined
      ? {}
      : { oldExplicitMaxTtlSeconds: fields.explicit_max_ttl, explicitMaxTtlSeconds: fields.explicit_max_ttl }),
    ...(fields.token_explicit_max_ttl === undefined
      ? {}
      : { oldExplicitMaxTtlSeconds: 0, explicitMaxTtlSeconds: fields.token_explicit_max_ttl }),
    ...boundCidrs(held, fields),
  };
}

function boundCidrs(held: TokenRole, fields: RoleFields): Partial<TokenRole> {
  const { bound_cidrs, token_bound_cidrs } = fields;
  if (token_bound_cidrs !== undefined) {
    return { oldBoundCidrs: [], boundCidrs: cidrs(token_bound_cidrs, 'error parsing role fields') };
  }
  if (bound_cidrs === undefined) return { boundCidrs: held.boundCidrs };
  const parsed = cidrs(bound_cidrs, 'error parsing bound_cidrs');
  return { oldBoundCidrs: parsed, boundCidrs: parsed };
}

function cidrs(texts: readonly string[], failed: string): readonly string[] {
  return texts.map((text) => {
    const cidr = cidrOf(text);
    if (cidr !== undefined) return cidr;
    throw refusal(
      `${failed}: error parsing address "${text}": Unable to convert "${text}" to an IPv4 or IPv6 address, or a UNIX Socket`,
    );
  });
}

// Vault's pattern is not anchored: one good stretch is enough.
function pathSuffix(suffix: string): string {
  if (suffix !== '' && !/\w[\w\-.]+\w/.test(suffix)) {
    throw refusal('given role path suffix contains invalid characters; must match \\w[\\w-.]+\\w');
  }
  if (suffix.includes('..')) throw refusal('error registering path suffix: path cannot contain parent references');
  if (!/^[\x21-\x7e]{0,200}$/.test(suffix)) throw refusal('given role path suffix contains invalid characters');
  return suffix;
}

function tokenType(given: string): RoleTokenType {
  if (roleTypes.includes(given)) return given as RoleTokenType;
  throw refusal(`invalid 'token_type' value "${given}"`);
}

function checkRole(role: TokenRole): void {
  if (role.tokenNumUses < 0) throw refusal("error parsing role fields: 'token_num_uses' cannot be negative");
  if (role.tokenType !== 'batch') return;
  const cannot = (what: string): Error =>
    refusal(`'token_type' cannot be 'batch' when role is set to generate ${what}`);
  if (!role.orphan) throw cannot('non-orphan tokens');
  if (role.periodSeconds !== 0) throw cannot('periodic tokens');
  if (role.renewable) throw cannot('renewable tokens');
  if (role.explicitMaxTtlSeconds !== 0) throw cannot('tokens with an explicit max TTL');
}

function warningsOf(role: TokenRole, fields: RoleFields): readonly string[] {
  const both = (['period', 'bound_cidrs', 'explicit_max_ttl'] as const).filter(
    (name) => fields[name] !== undefined && fields[`token_${name}`] !== undefined,
  );
  const warnings = both.map(
    (name) => `Both 'token_${name}' and deprecated '${name}' value supplied, ignoring the deprecated value`,
  );
  if (role.explicitMaxTtlSeconds <= systemMaxTtlSeconds) return warnings;
  return [
    ...warnings,
    `Given explicit max TTL of ${role.explicitMaxTtlSeconds} is greater than system/mount allowed value of ${systemMaxTtlSeconds} seconds; until this is fixed attempting to create tokens against this role will result in an error`,
  ];
}

function refusal(text: string): Error {
  return brokerFailure('bad-request', text);
}

/** The stored roles. */
export class TokenRoles {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    this.#barrier = barrier;
  }

  names(): Promise<readonly string[]> {
    return this.#barrier.list('token-role/');
  }

  async get(name: string): Promise<TokenRole | undefined> {
    return (await this.#barrier.get<TokenRole>(`token-role/${name}`))?.value;
  }

  /** Returns the warnings of the write. @throws Failure `bad-request`. */
  async write(name: string, fields: RoleFields): Promise<readonly string[]> {
    for (;;) {
      const found = await this.#barrier.get<TokenRole>(`token-role/${name}`);
      const { role, warnings } = writtenRole(name, found?.value, fields);
      const change = { key: `token-role/${name}`, value: role, expect: found?.version ?? absent };
      if (await this.#barrier.commit([change])) return warnings;
    }
  }

  async delete(name: string): Promise<void> {
    await this.#barrier.commit([{ key: `token-role/${name}`, value: undefined }]);
  }
}
