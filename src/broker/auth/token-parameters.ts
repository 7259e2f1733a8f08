// The `token_*` parameters that every role and user of every auth method has: how they are read,
// checked, kept and shown, and what they make of a login. One place, so that no method differs.
// Texts and order of the checks: OpenBao `sdk/helper/tokenutil`.
import type { Json } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import { cidrOf } from '../addresses.ts';
import { sanitizePolicies } from '../tokens/policy-names.ts';

type TokenType = 'default' | 'service' | 'batch';

/** What a role says about the tokens of its logins. Times are seconds; 0 stands for the mount's. */
export interface TokenParameters {
  readonly boundCidrs: readonly string[];
  readonly explicitMaxTtl: number;
  readonly maxTtl: number;
  readonly noDefaultPolicy: boolean;
  readonly uses: number;
  readonly period: number;
  readonly policies: readonly string[];
  readonly strictlyBindIp: boolean;
  readonly ttl: number;
  readonly type: TokenType;
  /** Which of the deprecated names were given too, for they are shown again only then. */
  readonly oldNames: readonly OldName[];
}

export const noTokenParameters: TokenParameters = {
  boundCidrs: [],
  explicitMaxTtl: 0,
  maxTtl: 0,
  noDefaultPolicy: false,
  uses: 0,
  period: 0,
  policies: [],
  strictlyBindIp: false,
  ttl: 0,
  type: 'default',
  oldNames: [],
};

export const tokenFields = {
  token_bound_cidrs: 'list',
  token_explicit_max_ttl: 'seconds',
  token_max_ttl: 'seconds',
  token_no_default_policy: 'boolean',
  token_num_uses: 'int',
  token_period: 'seconds',
  token_policies: 'list',
  token_strictly_bind_ip: 'boolean',
  token_ttl: 'seconds',
  token_type: 'string',
} as const;

const oldTypes = {
  bound_cidrs: 'list',
  max_ttl: 'seconds',
  num_uses: 'int',
  period: 'seconds',
  policies: 'list',
  ttl: 'seconds',
} as const;

type OldName = keyof typeof oldTypes;
type TokenValues = FieldValues<typeof tokenFields>;
type OldValues = FieldValues<typeof oldTypes>;

/** Fields of the names from before `token_*`; a method offers the ones that it had. */
export function oldFields<const Name extends OldName>(...names: readonly Name[]): Pick<typeof oldTypes, Name> {
  return Object.fromEntries(names.map((name) => [name, oldTypes[name]])) as Pick<typeof oldTypes, Name>;
}

/**
 * What a write makes of the parameters: only what was given changes; an old name counts where the new
 * one is not given.
 * @throws Failure `bad-request` with Vault's text for a broken rule.
 */
export function writtenParameters(before: TokenParameters, given: TokenValues & OldValues): TokenParameters {
  const written = checked({
    ...before,
    boundCidrs: blocksOf(given.token_bound_cidrs) ?? before.boundCidrs,
    explicitMaxTtl: given.token_explicit_max_ttl ?? before.explicitMaxTtl,
    maxTtl: given.token_max_ttl ?? before.maxTtl,
    noDefaultPolicy: given.token_no_default_policy ?? before.noDefaultPolicy,
    period: given.token_period ?? before.period,
    policies: given.token_policies ?? before.policies,
    type: given.token_type === undefined ? before.type : typeOf(given.token_type),
    uses: given.token_num_uses ?? before.uses,
    ttl: given.token_ttl ?? before.ttl,
    strictlyBindIp: given.token_strictly_bind_ip ?? before.strictlyBindIp,
  });
  return withOldNames(written, given);
}

function typeOf(text: string): TokenType {
  if (text === '' || text === 'default') return 'default';
  if (text === 'service' || text === 'batch') return text;
  throw brokerFailure('bad-request', `invalid 'token_type' value "${text}"`, {
    hint: 'give `service`, `batch` or `default`',
  });
}

/** @throws Failure `bad-request` for what is neither an address nor a block of them. */
export function blocksOf(given: readonly string[] | undefined): readonly string[] | undefined {
  return given?.map((text) => {
    const block = cidrOf(text);
    if (block !== undefined) return block;
    throw brokerFailure(
      'bad-request',
      `error parsing address "${text}": Unable to convert "${text}" to an IPv4 or IPv6 address, or a UNIX Socket`,
      { hint: 'write an address or a block of them, like `10.0.0.0/8`' },
    );
  });
}

// In Vault's order, which decides what a write that breaks two rules is told.
function checked(parameters: TokenParameters): TokenParameters {
  const { uses, type, period, ttl, maxTtl, strictlyBindIp, boundCidrs } = parameters;
  const batch = `'token_type' cannot be 'batch' or 'default_batch' when set to generate`;
  const rules: readonly (readonly [boolean, string])[] = [
    [uses < 0, `'token_num_uses' cannot be negative`],
    [type === 'batch' && period !== 0, `${batch} periodic tokens`],
    [type === 'batch' && uses !== 0, `${batch} tokens with limited use count`],
    [ttl > 0 && maxTtl > 0 && ttl > maxTtl, `'token_ttl' cannot be greater than 'token_max_ttl'`],
    [
      strictlyBindIp && boundCidrs.length > 0,
      `'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one`,
    ],
  ];
  const broken = rules.find(([isBroken]) => isBroken);
  if (broken !== undefined) throw brokerFailure('bad-request', broken[1]);
  return parameters;
}

const newNames = {
  bound_cidrs: 'token_bound_cidrs',
  max_ttl: 'token_max_ttl',
  num_uses: 'token_num_uses',
  period: 'token_period',
  policies: 'token_policies',
  ttl: 'token_ttl',
} as const satisfies Record<OldName, keyof TokenValues>;

function withOldNames(parameters: TokenParameters, given: TokenValues & OldValues): TokenParameters {
  const names = new Set(parameters.oldNames);
  let written = parameters;
  for (const [old, name] of Object.entries(newNames) as [OldName, (typeof newNames)[OldName]][]) {
    if (given[old] !== undefined) names.add(old);
    else if (given[name] !== undefined) names.delete(old);
    if (given[old] !== undefined && given[name] === undefined) written = { ...written, ...oldValue(old, given) };
  }
  return { ...written, oldNames: [...names].sort() };
}

function oldValue(name: OldName, given: OldValues): Partial<TokenParameters> {
  switch (name) {
    case 'bound_cidrs':
      return { boundCidrs: blocksOf(given.bound_cidrs)! };
    case 'max_ttl':
      return { maxTtl: given.max_ttl! };
    case 'num_uses':
      return { uses: given.num_uses! };
    case 'period':
      return { period: given.period! };
    case 'policies':
      return { policies: sanitizePolicies(given.policies!, false) };
    case 'ttl':
      break;
  }
  return { ttl: given.ttl! };
}

/** Whether two lists of policies mean the same; `default` does not count (`policyutil.EquivalentPolicies`). */
export function samePolicies(a: readonly string[], b: readonly string[]): boolean {
  const [left, right] = [a, b].map((list) => sanitizePolicies(list, false).filter((name) => name !== 'default'));
  return left!.length === right!.length && left!.every((name, at) => name === right![at]);
}

/** The parameters as a read of the role shows them; old names only where they were used and hold something. */
export function shownParameters(parameters: TokenParameters): Readonly<Record<string, Json>> {
  const shown = {
    token_bound_cidrs: parameters.boundCidrs,
    token_explicit_max_ttl: parameters.explicitMaxTtl,
    token_max_ttl: parameters.maxTtl,
    token_no_default_policy: parameters.noDefaultPolicy,
    token_num_uses: parameters.uses,
    token_period: parameters.period,
    token_policies: parameters.policies,
    token_strictly_bind_ip: parameters.strictlyBindIp,
    token_ttl: parameters.ttl,
    token_type: parameters.type,
  };
  const old = parameters.oldNames
    .map((name) => [name, shown[newNames[name]]] as const)
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value !== 0));
  return { ...shown, ...Object.fromEntries(old) };
}
