// The token that a login asks for: what the method says, and what its mount makes of that. Pure.
// Vault's rules: core `LoginCreateToken`, and the router for the type.
import type { Login, LoginToken } from '../engines/engine.ts';
import { brokerFailure } from '../failures.ts';
import type { Mount } from '../model.ts';
import { authPrefix, mountTtls } from '../mounts.ts';
import type { TokenPlan } from '../tokens/plan.ts';
import { isAssignable, sanitizePolicies } from '../tokens/policy-names.ts';

/** @throws Failure `bad-request` for policies that no login may give. */
export function planLogin(mount: Mount, login: Login, path: string): TokenPlan {
  const { token, metadata, internal } = login;
  const type = tokenType(mount.config.tokenType ?? '', token.type);
  return {
    type,
    policies: checkedPolicies(login.policies, !token.noDefaultPolicy),
    displayName: [mount.path.slice(authPrefix.length).replaceAll('/', '-'), login.displayName]
      .filter(Boolean)
      .join('-'),
    path,
    meta: metadata,
    parent: null,
    boundCidrs: token.boundCidrs,
    ttlSeconds: token.ttlSeconds,
    maxTtlSeconds: token.maxTtlSeconds,
    explicitMaxTtlSeconds: token.explicitMaxTtlSeconds,
    periodSeconds: token.periodSeconds,
    renewable: login.renewable && type === 'service',
    uses: token.uses,
    mountTtls: mountTtls(mount),
    mountId: mount.id,
    loginFacts: internal,
  };
}

function checkedPolicies(asked: readonly string[], addDefault: boolean): readonly string[] {
  const policies = sanitizePolicies(asked, addDefault);
  if (policies.includes('root')) throw brokerFailure('bad-request', 'auth methods cannot create root tokens');
  const internal = policies.find((name) => !isAssignable(name));
  if (internal !== undefined) throw brokerFailure('bad-request', `cannot assign policy "${internal}"`);
  return policies;
}

/** A mount may insist on a type; else it says what a role that has no opinion gets. */
function tokenType(ofMount: string, ofRole: LoginToken['type']): 'service' | 'batch' {
  if (ofMount === 'service' || ofMount === 'batch') return ofMount;
  if (ofMount === 'default-batch') return ofRole === 'service' || ofRole === 'default-service' ? 'service' : 'batch';
  return ofRole === 'batch' || ofRole === 'default-batch' ? 'batch' : 'service';
}
