// What a call of `auth/token/create` makes: the whole decision, pure. The order of the checks and
// their texts are Vault's (token store, handleCreateCommon).
import { isFailure, parseDuration } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import { globMatches } from '../globs.ts';
import { durationProblem } from '../field-errors.ts';
import type { Token, TokenType } from '../model.ts';
import type { TokenPlan } from './plan.ts';
import { spent } from './record.ts';
import { decidePolicies } from './policy-names.ts';
import type { TokenRole } from './role.ts';
import { lesser } from './ttl.ts';

/** The fields of the call, each undefined when it was left out. Times are texts, as Vault reads them. */
export interface CreateFields {
  readonly id?: string;
  readonly policies?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  readonly ttl?: string;
  readonly lease?: string;
  readonly explicit_max_ttl?: string;
  readonly period?: string;
  readonly display_name?: string;
  readonly num_uses?: number;
  readonly renewable?: boolean;
  readonly no_parent?: boolean;
  readonly no_default_policy?: boolean;
  readonly type?: string;
  readonly entity_alias?: string;
}

export interface CreateAsked {
  readonly fields: CreateFields;
  readonly caller: Token;
  /** The caller has `sudo` on the called path. */
  readonly sudo: boolean;
  /** Called as `auth/token/create-orphan`. */
  readonly orphanPath: boolean;
  /** The called path. */
  readonly path: string;
  readonly role: TokenRole | undefined;
}

export interface CreatePlan {
  readonly plan: Omit<TokenPlan, 'entityId'>;
  readonly warnings: readonly string[];
  /** The alias whose entity the token is to stand for; undefined: the parent's entity, or none. */
  readonly entityAlias: string | undefined;
  readonly inheritedEntityId: string;
}

/** @throws Failure `bad-request` with Vault's text of the first rule that is broken. */
export function planCreate(asked: CreateAsked): CreatePlan {
  const { fields, caller, sudo, role } = asked;
  checkParent(caller);
  const type = typeOf(fields, role);
  if ((fields.num_uses ?? 0) < 0) throw refusal('number of uses cannot be negative');
  const entityAlias = entityAliasOf(fields, role);
  const id = idOf(fields, sudo);
  const policies = policiesOf(asked, type);
  const orphan = isOrphan(asked);
  const limits = limitsOf(asked, type);
  checkEndless(caller, policies, limits);
  return {
    entityAlias,
    inheritedEntityId: orphan ? '' : caller.entityId,
    warnings: limits.warnings,
    plan: {
      ...(id === undefined ? {} : { id }),
      type,
      policies,
      displayName: displayNameOf(fields.display_name ?? ''),
      path: role === undefined || role.pathSuffix === '' ? asked.path : `${asked.path}/${role.pathSuffix}`,
      meta: fields.meta ?? {},
      parent: orphan ? null : caller.name,
      role: role?.name ?? '',
      boundCidrs: cidrsOf(asked, orphan),
      ttlSeconds: limits.ttlSeconds,
      explicitMaxTtlSeconds: limits.explicitMaxTtlSeconds,
      periodSeconds: limits.periodSeconds,
      roleLimits: limits.roleLimits,
      renewable: type === 'service' && (fields.renewable ?? true) && (role?.renewable ?? true),
      // 0 is unlimited, so any number is less.
      uses: lesser(fields.num_uses ?? 0, type === 'batch' ? 0 : (role?.tokenNumUses ?? 0)),
    },
  };
}

function checkParent(caller: Token): void {
  if (caller.type === 'batch') throw refusal('batch tokens cannot create more tokens');
  if (caller.usesLeft === spent) throw refusal('parent token lookup failed: no parent found');
  // Its children could be used without end.
  if (caller.usesLeft > 0) throw refusal('restricted use token cannot generate child tokens');
}

function typeOf(fields: CreateFields, role: TokenRole | undefined): TokenType {
  const asked = fields.type ?? '';
  const type =
    role?.tokenType === 'service' || role?.tokenType === 'batch'
      ? role.tokenType
      : asked === '' && role?.tokenType === 'default-batch'
        ? 'batch'
        : asked;
  if (type === '' || type === 'service') return 'service';
  if (type !== 'batch') throw refusal("invalid 'token_type' value");
  const bad = batchCannot(fields);
  if (bad !== undefined) throw refusal(`batch tokens cannot have "${bad}" set`);
  return 'batch';
}

function batchCannot({ explicit_max_ttl, num_uses, period }: CreateFields): string | undefined {
  if (secondsOf('explicit_max_ttl', explicit_max_ttl) !== 0) return 'explicit_max_ttl';
  if ((num_uses ?? 0) !== 0) return 'num_uses';
  return secondsOf('period', period) === 0 ? undefined : 'period';
}

function entityAliasOf({ entity_alias: alias = '' }: CreateFields, role: TokenRole | undefined): string | undefined {
  if (alias === '') return undefined;
  if (role === undefined) throw refusal("'entity_alias' is only allowed in combination with token role");
  const name = alias.toLowerCase();
  const allowed = (role.allowedEntityAliases ?? []).some((pattern) => globMatches(pattern, name));
  if (!allowed) throw refusal("invalid 'entity_alias' value");
  return alias;
}

// SECURITY: an id that looks like one of ours could be taken for a token of another kind.
function idOf({ id = '' }: CreateFields, sudo: boolean): string | undefined {
  if (id === '') return undefined;
  if (!sudo) throw refusal('root or sudo privileges required to specify token id');
  if (id.startsWith('hvs.')) throw refusal("custom token ID cannot have the 'hvs.' prefix");
  if (id.startsWith('s.')) throw refusal("custom token ID cannot have the 's.' prefix");
  if (id.includes('.')) throw refusal("custom token ID cannot have a '.' in the value");
  if (!/^[\x21-\x7e]{1,256}$/.test(id)) {
    throw brokerFailure('bad-request', 'the token id cannot be used', {
      hint: 'use 1 to 256 printable characters without spaces',
    });
  }
  return id;
}

function policiesOf({ fields, caller, sudo, role }: CreateAsked, type: TokenType): readonly string[] {
  const verdict = decidePolicies({
    policies: fields.policies ?? [],
    noDefault: fields.no_default_policy ?? false,
    parent: caller.policies,
    sudo,
    role,
  });
  if ('refused' in verdict) throw refusal(verdict.refused);
  if (verdict.policies.includes('root')) {
    if (!caller.policies.includes('root')) {
      throw refusal('root tokens may not be created without parent token being root');
    }
    // Nobody could ever end it.
    if (type === 'batch') throw refusal('batch tokens cannot be root tokens');
  }
  return verdict.policies;
}

function isOrphan({ fields, sudo, orphanPath, role }: CreateAsked): boolean {
  if (role !== undefined) return role.orphan;
  if (fields.no_parent === true && !sudo) throw refusal('root or sudo privileges required to create orphan token');
  return orphanPath || fields.no_parent === true;
}

// A role's blocks stand alone: whoever writes roles decides; else a child is bound as its parent is.
function cidrsOf({ caller, role }: CreateAsked, orphan: boolean): readonly string[] {
  if (role !== undefined) return role.boundCidrs;
  return orphan ? [] : caller.boundCidrs;
}

interface Limits {
  readonly ttlSeconds: number;
  /** As the call asks for; what the role says besides is in `roleLimits`. */
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly roleLimits: { readonly explicitMaxTtlSeconds: number; readonly periodSeconds: number };
  readonly warnings: readonly string[];
}

function limitsOf({ fields, sudo, role }: CreateAsked, type: TokenType): Limits {
  const explicitMaxTtlSeconds = secondsOf('explicit_max_ttl', fields.explicit_max_ttl);
  const periodSeconds = secondsOf('period', fields.period);
  if (periodSeconds > 0 && !sudo) throw refusal('root or sudo privileges required to create periodic token');
  const ttlSeconds = fields.ttl ? secondsOf('ttl', fields.ttl) : secondsOf('lease', fields.lease);
  const applies = role !== undefined && type === 'service';
  const roleLimits = {
    explicitMaxTtlSeconds: applies ? role.explicitMaxTtlSeconds : 0,
    periodSeconds: applies ? role.periodSeconds : 0,
  };
  const warnings = [
    ...bothGiven('Explicit max TTL', explicitMaxTtlSeconds, roleLimits.explicitMaxTtlSeconds),
    ...bothGiven('Period', periodSeconds, roleLimits.periodSeconds),
  ];
  return { ttlSeconds, explicitMaxTtlSeconds, periodSeconds, roleLimits, warnings };
}

function bothGiven(what: string, asked: number, ofRole: number): readonly string[] {
  if (asked === 0 || ofRole === 0) return [];
  const lesser = Math.min(asked, ofRole);
  return [`${what} specified both during creation call and in role; using the lesser value of ${lesser} seconds`];
}

function checkEndless(caller: Token, policies: readonly string[], limits: Limits): void {
  const { ttlSeconds, explicitMaxTtlSeconds, periodSeconds, roleLimits } = limits;
  const ends = ttlSeconds + explicitMaxTtlSeconds + periodSeconds + roleLimits.explicitMaxTtlSeconds;
  if (!policies.includes('root') || ends + roleLimits.periodSeconds > 0 || caller.creationTtlSeconds === 0) return;
  throw refusal('expiring root tokens cannot create non-expiring root tokens');
}

function displayNameOf(asked: string): string {
  if (asked === '') return 'token';
  return `token-${asked}`.replace(/[^a-zA-Z0-9-]/g, '-').replace(/-$/, '');
}

function secondsOf(name: string, text: string | undefined): number {
  if (text === undefined || text.trim() === '') return 0;
  if (/^\s*-/.test(text)) throw refusal(`${name} must be positive`);
  try {
    const seconds = parseDuration(text);
    if (seconds < 1e10 && !/^[\d.]*\.[\d.]*$/.test(text)) return seconds;
  } catch (error) {
    if (!isFailure(error)) throw error;
  }
  throw refusal(durationProblem(text));
}

function refusal(text: string): Error {
  return brokerFailure('bad-request', text);
}
