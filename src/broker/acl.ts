// Decides what a token may do: Vault's rule, one best path pattern and not a union of all that match.
// `root` may do everything; no matching rule, or a policy that cannot be read, allows nothing.
import type { Operation } from './model.ts';

export type Capability = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'sudo' | 'deny';

export interface PathRule {
  /** `+` is exactly one segment, a `*` at the end is any rest. */
  readonly path: string;
  readonly capabilities: readonly Capability[];
}

export interface AclDecision {
  readonly allowed: boolean;
  /** The pattern that decided, or undefined when none matched. */
  readonly decidedBy: string | undefined;
}

const capabilityOf: Readonly<Record<Exclude<Operation, 'help'>, Capability>> = {
  create: 'create',
  patch: 'patch',
  read: 'read',
  list: 'list',
  update: 'update',
  delete: 'delete',
};

/** What `default` grants, as far as this server has the paths: a token's care for itself. */
export const defaultRules: readonly PathRule[] = [
  { path: 'auth/token/lookup-self', capabilities: ['read', 'update'] },
  { path: 'auth/token/renew-self', capabilities: ['update'] },
  { path: 'auth/token/revoke-self', capabilities: ['update'] },
  { path: 'sys/capabilities-self', capabilities: ['update'] },
  { path: 'sys/leases/renew', capabilities: ['update'] },
  { path: 'sys/leases/lookup', capabilities: ['update'] },
];

/** `policies` are the names the token carries, `rules` the rules of all of them but `root`. */
export function decideAccess(
  policies: readonly string[],
  rules: readonly PathRule[],
  request: { readonly operation: Operation; readonly path: string; readonly sudo: boolean },
): AclDecision {
  if (policies.includes('root') || request.operation === 'help') return { allowed: true, decidedBy: 'root' };
  const { path, capabilities } = bestRule(rules, request.path, request.operation) ?? {};
  if (path === undefined || capabilities === undefined || capabilities.has('deny')) {
    return { allowed: false, decidedBy: path };
  }
  const allowed = capabilities.has(capabilityOf[request.operation]) && (!request.sudo || capabilities.has('sudo'));
  return { allowed, decidedBy: path };
}

/** The capabilities on `path`, as `sys/capabilities` lists them. */
export function capabilitiesOn(
  policies: readonly string[],
  rules: readonly PathRule[],
  path: string,
): readonly string[] {
  if (policies.includes('root')) return ['root'];
  const best = bestRule(rules, path, 'read');
  if (best === undefined || best.capabilities.has('deny') || best.capabilities.size === 0) return ['deny'];
  return [...best.capabilities].sort();
}

interface BestRule {
  readonly path: string;
  readonly capabilities: ReadonlySet<Capability>;
}

// The same pattern in several policies merges its capabilities.
function bestRule(rules: readonly PathRule[], path: string, operation: Operation): BestRule | undefined {
  const candidates = operation === 'list' ? [`${path}/`, path] : [path];
  const matching = rules.filter((rule) => candidates.some((candidate) => matches(rule.path, candidate)));
  const best = matching
    .map((rule) => rule.path)
    .reduce<string | undefined>(
      (held, next) => (held === undefined || isBetter(next, held, candidates) ? next : held),
      undefined,
    );
  if (best === undefined) return undefined;
  const merged = rules.filter((rule) => rule.path === best).flatMap((rule) => rule.capabilities);
  return { path: best, capabilities: new Set(merged) };
}

function matches(pattern: string, path: string): boolean {
  const prefix = pattern.endsWith('*');
  const wanted = (prefix ? pattern.slice(0, -1) : pattern).split('/');
  const given = path.split('/');
  if (prefix ? given.length < wanted.length : given.length !== wanted.length) return false;
  return wanted.every((segment, index) => {
    if (segment === '+') return given[index] !== '';
    return prefix && index === wanted.length - 1 ? given[index]!.startsWith(segment) : segment === given[index];
  });
}

// Vault's order: exact first; then the later first wildcard, no closing `*`, fewer `+`, longer, and
// last the greater text. https://developer.hashicorp.com/vault/docs/concepts/policies#priority-matching
function isBetter(next: string, held: string, candidates: readonly string[]): boolean {
  const rank = (pattern: string): readonly (number | string)[] => {
    const exact = candidates.indexOf(pattern);
    const firstWild = pattern.search(/[+*]/);
    return [
      exact < 0 ? 0 : candidates.length - exact,
      firstWild < 0 ? Number.MAX_SAFE_INTEGER : firstWild,
      pattern.endsWith('*') ? 0 : 1,
      -pattern.split('/').filter((segment) => segment === '+').length,
      pattern.length,
      pattern,
    ];
  };
  const [a, b] = [rank(next), rank(held)];
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && a[at]! > b[at]!;
}
