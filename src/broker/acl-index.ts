// The rules of a caller's policies as one index, so that a decision costs the same with ten rules or
// ten thousand. Vault's rule: one best path pattern decides, not a union of all that match.
// Source: OpenBao internal/vault/policy/acl.go.
import type { Millis } from '../base/index.ts';

export type Capability =
  | 'create'
  | 'read'
  | 'update'
  | 'patch'
  | 'delete'
  | 'list'
  | 'scan'
  | 'sudo'
  | 'subscribe'
  | 'recover'
  | 'deny';

export const allCapabilities: readonly Capability[] = [
  'create',
  'read',
  'update',
  'patch',
  'delete',
  'list',
  'scan',
  'sudo',
  'subscribe',
  'recover',
  'deny',
];

/** By name in lower case: the values it may (or may not) have; none named stands for every value. */
export type ParameterRules = ReadonlyMap<string, readonly unknown[]>;

/** What a rule says besides its path. Left out counts as not said. */
export interface Permissions {
  readonly capabilities: readonly Capability[];
  /** 0: no limit. With a limit, an answer that is not wrapped is refused. */
  readonly minWrappingSeconds?: number;
  readonly maxWrappingSeconds?: number;
  readonly allowedParameters?: ParameterRules | undefined;
  readonly deniedParameters?: ParameterRules | undefined;
  readonly requiredParameters?: readonly string[];
  readonly mfaMethods?: readonly string[];
  readonly paginationLimit?: number;
  readonly keysFilterPath?: string;
  readonly controlGroup?: boolean;
}

export interface PathRule extends Permissions {
  /** Without a slash at the start. `+` is exactly one segment, a `*` at the end is any rest. */
  readonly path: string;
  /** From then on the rule says nothing. */
  readonly expiresAt?: Millis | null;
}

export interface NamedRules {
  readonly name: string;
  readonly rules: readonly PathRule[];
}

/** A pattern and what all policies together say of it. */
export interface Compiled extends Permissions {
  readonly path: string;
  /** Names of the policies that give each capability. */
  readonly givenBy: ReadonlyMap<Capability, readonly string[]>;
}

interface Wildcard {
  readonly compiled: Compiled;
  readonly segments: readonly string[];
  readonly isPrefix: boolean;
  readonly rank: Rank;
}

export interface Acl {
  readonly root: boolean;
  readonly exact: ReadonlyMap<string, Compiled>;
  /** By the pattern without its `*`. */
  readonly prefixes: ReadonlyMap<string, Compiled>;
  /** Lengths that occur in `prefixes`, longest first. */
  readonly prefixLengths: readonly number[];
  /** Patterns with `+`, by their first segment, best first. */
  readonly wildcards: ReadonlyMap<string, readonly Wildcard[]>;
  /** When the first rule of it expires, so that it must be compiled anew. */
  readonly validUntil: Millis;
}

/** The rules of all policies of a caller as one index. `root` outweighs whatever stands beside it. */
export function compileAcl(policies: readonly NamedRules[], now: Millis): Acl {
  const merged = new Map<string, Compiled>();
  let validUntil = Infinity;
  for (const { name, rules } of policies) {
    for (const rule of rules) {
      if (typeof rule.expiresAt === 'number') {
        if (rule.expiresAt <= now) continue;
        validUntil = Math.min(validUntil, rule.expiresAt);
      }
      const held = merged.get(rule.path);
      merged.set(rule.path, held === undefined ? first(rule, name) : merge(held, rule, name));
    }
  }
  return { root: policies.some(({ name }) => name === 'root'), validUntil, ...index([...merged.values()]) };
}

function index(rules: readonly Compiled[]): Omit<Acl, 'root' | 'validUntil'> {
  const exact = new Map<string, Compiled>();
  const prefixes = new Map<string, Compiled>();
  const wildcards = new Map<string, Wildcard[]>();
  for (const rule of rules) {
    if (rule.path === '+' || rule.path.startsWith('+/') || rule.path.includes('/+')) {
      const wildcard = wildcardOf(rule);
      const [start] = wildcard.segments as [string];
      const bucket = wildcards.get(start);
      if (bucket === undefined) wildcards.set(start, [wildcard]);
      else bucket.push(wildcard);
    } else if (rule.path.endsWith('*')) prefixes.set(rule.path.slice(0, -1), rule);
    else exact.set(rule.path, rule);
  }
  for (const bucket of wildcards.values()) bucket.sort((a, b) => compareRanks(b.rank, a.rank));
  const prefixLengths = [...new Set([...prefixes.keys()].map(({ length }) => length))].sort((a, b) => b - a);
  return { exact, prefixes, prefixLengths, wildcards };
}

function wildcardOf(compiled: Compiled): Wildcard {
  const isPrefix = compiled.path.endsWith('*');
  const plain = isPrefix ? compiled.path.slice(0, -1) : compiled.path;
  const segments = plain.split('/');
  const plusses = segments.filter((segment) => segment === '+').length;
  return { compiled, segments, isPrefix, rank: [compiled.path.indexOf('+'), isPrefix ? 0 : 1, -plusses, plain] };
}

/** First wildcard later; no closing `*`; fewer `+`; longer; greater text: each of them is better. */
type Rank = readonly [firstWild: number, closed: 0 | 1, minusPlusses: number, plain: string];

function compareRanks(a: Rank, b: Rank): number {
  return (
    a[0] - b[0] || a[1] - b[1] || a[2] - b[2] || a[3].length - b[3].length || (a[3] < b[3] ? -1 : Number(a[3] > b[3]))
  );
}

function first(rule: PathRule, name: string): Compiled {
  if (rule.capabilities.includes('deny')) return denied(rule.path, name);
  return { ...rule, givenBy: new Map(rule.capabilities.map((capability) => [capability, [name]])) };
}

// Equal patterns of several policies: capabilities add up, `deny` alone stays, limits become
// narrower, and of parameter rules a list that names no value allows (or denies) every value.
function merge(held: Compiled, rule: PathRule, name: string): Compiled {
  if (held.capabilities.includes('deny')) return held;
  if (rule.capabilities.includes('deny')) return denied(held.path, name);
  const givenBy = new Map(held.givenBy);
  for (const capability of rule.capabilities) givenBy.set(capability, [...(givenBy.get(capability) ?? []), name]);
  return {
    path: held.path,
    capabilities: [...givenBy.keys()],
    givenBy,
    minWrappingSeconds: smaller(held.minWrappingSeconds, rule.minWrappingSeconds),
    maxWrappingSeconds: smaller(held.maxWrappingSeconds, rule.maxWrappingSeconds),
    allowedParameters: mergeParameters(held.allowedParameters, rule.allowedParameters),
    deniedParameters: mergeParameters(held.deniedParameters, rule.deniedParameters),
    requiredParameters: union(held.requiredParameters, rule.requiredParameters),
    mfaMethods: union(held.mfaMethods, rule.mfaMethods),
    paginationLimit: smaller(held.paginationLimit, rule.paginationLimit),
    keysFilterPath: held.keysFilterPath || rule.keysFilterPath || '',
    controlGroup: (held.controlGroup ?? false) || (rule.controlGroup ?? false),
  };
}

function denied(path: string, name: string): Compiled {
  return { path, capabilities: ['deny'], givenBy: new Map([['deny', [name]]]) };
}

function smaller(a = 0, b = 0): number {
  return a > 0 && b > 0 ? Math.min(a, b) : Math.max(a, b);
}

function union(a: readonly string[] = [], b: readonly string[] = []): readonly string[] {
  return [...new Set([...a, ...b])];
}

function mergeParameters(
  held: ParameterRules | undefined,
  more: ParameterRules | undefined,
): ParameterRules | undefined {
  if (held === undefined || more === undefined || more.size === 0) return held ?? more;
  const merged = new Map(held);
  for (const [name, values] of more) {
    const earlier = merged.get(name);
    const every = values.length === 0 || earlier?.length === 0;
    merged.set(name, every ? [] : [...values, ...(earlier ?? [])]);
  }
  return merged;
}

/** The one rule that decides about `path`; `listing` also looks without the closing slash. */
export function ruleFor(acl: Acl, path: string, listing: boolean): Compiled | undefined {
  const bare = listing && path.endsWith('/') ? path.slice(0, -1) : undefined;
  return (
    acl.exact.get(path) ??
    (bare === undefined ? undefined : acl.exact.get(bare)) ??
    bestPattern(acl, path) ??
    (bare === undefined ? undefined : bestPattern(acl, bare))
  );
}

function bestPattern(acl: Acl, path: string): Compiled | undefined {
  const prefix = longestPrefix(acl, path);
  if (acl.wildcards.size === 0) return prefix?.compiled;
  const segments = path.split('/');
  let best: Pick<Wildcard, 'compiled' | 'rank'> | undefined = prefix;
  for (const start of [segments[0]!, '+']) {
    const found = acl.wildcards.get(start)?.find((wildcard) => matches(wildcard, segments));
    if (found !== undefined && (best === undefined || compareRanks(found.rank, best.rank) > 0)) best = found;
  }
  return best?.compiled;
}

function longestPrefix(acl: Acl, path: string): Pick<Wildcard, 'compiled' | 'rank'> | undefined {
  for (const length of acl.prefixLengths) {
    const plain = path.slice(0, length);
    const compiled = length <= path.length ? acl.prefixes.get(plain) : undefined;
    if (compiled !== undefined) return { compiled, rank: [length, 0, 0, plain] };
  }
  return undefined;
}

function matches({ segments, isPrefix }: Wildcard, given: readonly string[]): boolean {
  if (isPrefix ? given.length < segments.length : given.length !== segments.length) return false;
  return segments.every((segment, at) => {
    if (segment === '+' || segment === given[at]) return true;
    return isPrefix && at === segments.length - 1 && given[at]!.startsWith(segment);
  });
}
