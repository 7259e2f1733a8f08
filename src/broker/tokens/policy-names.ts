// Which policies a new token carries. Pure; Vault's rules, token store and policyutil.
import { globMatches } from '../globs.ts';
import type { TokenRole } from './role.ts';

/** Never given to a token by a caller. */
const notAssignable = ['response-wrapping'];

export function isAssignable(name: string): boolean {
  return !notAssignable.includes(name);
}

/**
 * Lower-case, each once, sorted; `root` swallows all others; `default` joins when `addDefault` and
 * the list has no `root`.
 */
export function sanitizePolicies(names: readonly string[], addDefault: boolean): readonly string[] {
  const clean = distinct(names);
  if (clean.includes('root')) return ['root'];
  return addDefault ? distinct([...clean, 'default']) : clean;
}

/** Lower-case, each once, sorted, none empty. */
export function distinct(names: readonly string[]): readonly string[] {
  const clean = names.map((name) => name.trim().toLowerCase()).filter((name) => name !== '');
  return [...new Set(clean)].sort();
}

export interface PoliciesAsked {
  readonly policies: readonly string[];
  readonly noDefault: boolean;
  readonly parent: readonly string[];
  /** The caller has `sudo` on the path it calls. */
  readonly sudo: boolean;
  readonly role: TokenRole | undefined;
}

export type PolicyVerdict = { readonly policies: readonly string[] } | { readonly refused: string };

/** The policies of the token that is asked for, or Vault's text of the refusal. */
export function decidePolicies(asked: PoliciesAsked): PolicyVerdict {
  const decided = asked.role !== undefined && restricts(asked.role) ? byRole(asked, asked.role) : byParent(asked);
  if ('refused' in decided) return decided;
  const final = asked.noDefault ? decided.policies.filter((name) => name !== 'default') : decided.policies;
  const internal = final.find((name) => !isAssignable(name));
  return internal === undefined ? { policies: final } : { refused: `cannot assign policy "${internal}"` };
}

function restricts(role: TokenRole): boolean {
  const lists = [role.allowedPolicies, role.disallowedPolicies, role.allowedPoliciesGlob, role.disallowedPoliciesGlob];
  return lists.some((list) => list.length > 0);
}

function byParent({ policies, noDefault, parent, sudo }: PoliciesAsked): PolicyVerdict {
  if (policies.length === 0) return { policies: sanitizePolicies(parent, false) };
  if (sudo) return { policies: sanitizePolicies(policies, !noDefault) };
  const held = sanitizePolicies(parent, false);
  if (!sanitizePolicies(policies, false).every((name) => held.includes(name))) {
    return { refused: 'child policies must be subset of parent' };
  }
  return { policies: sanitizePolicies(policies, !noDefault && held.includes('default')) };
}

// A role with lists of policies is not bound to what the parent has: whoever writes roles decides.
function byRole(asked: PoliciesAsked, role: TokenRole): PolicyVerdict {
  const addDefault = !asked.noDefault && !role.tokenNoDefaultPolicy && !disallows(role, 'default');
  const wanted = asked.policies.length === 0 ? [] : sanitizePolicies(asked.policies, addDefault);
  const allowing = role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0;
  const allowed = sanitizePolicies(role.allowedPolicies, addDefault);
  const globs = sanitizePolicies(role.allowedPoliciesGlob, false);
  if (allowing && !wanted.every((name) => allowed.includes(name) || globs.some((glob) => globMatches(glob, name)))) {
    return {
      refused: `token policies (${quoted(wanted)}) must be subset of the role's allowed policies (${quoted(allowed)}) or glob policies (${quoted(globs)})`,
    };
  }
  const fallback = allowing ? allowed : sanitizePolicies(asked.parent, addDefault);
  const policies = wanted.length === 0 ? fallback : wanted;
  const refused = policies.find((name) => disallows(role, name));
  return refused === undefined ? { policies } : { refused: `token policy "${refused}" is disallowed by this role` };
}

function disallows(role: TokenRole, name: string): boolean {
  return role.disallowedPolicies.includes(name) || role.disallowedPoliciesGlob.some((glob) => globMatches(glob, name));
}

function quoted(names: readonly string[]): string {
  return `[${names.map((name) => JSON.stringify(name)).join(' ')}]`;
}
