// The decision: which policies must allow, which may deny, in which order. Source: IAM user guide, "Policy
// evaluation logic" (within an account, cross-account, resource-based policies and implicit denies).
import type { CompiledStatement } from './document.ts';
import { decisionOf, type Candidates, type Covering } from './prepare.ts';
import { Named, accountOf, type NamedStrength } from './principals.ts';
import type { AttachedPolicy, AuthorizationRequest, Decision, PolicyType, Principal } from './types.ts';

const denied = (missing: PolicyType): Decision => ({ decision: 'deny', explicit: false, missing });

// One frozen answer per type, so that a refusal costs no allocation.
const missing = {
  identity: denied('identity'),
  boundary: denied('boundary'),
  session: denied('session'),
  resource: denied('resource'),
  trust: denied('trust'),
  scp: denied('scp'),
  rcp: denied('rcp'),
  endpoint: denied('endpoint'),
} as const satisfies Record<PolicyType, Decision>;

const byRoot: Decision = { decision: 'allow', by: { rule: 'root' } };
const byNothing: Decision = { decision: 'allow', by: { rule: 'permissionless' } };

/** Needs no permission, and no policy can take it away (STS API reference, the pages of both actions). */
export function isPermissionless(action: string): boolean {
  if (action.length !== 21 && action.length !== 19) return false;
  const lower = action.toLowerCase();
  return lower === 'sts:getcalleridentity' || lower === 'sts:getsessiontoken';
}

/** SCPs and RCPs do not bind service-linked roles (Organizations user guide). */
export function isServiceLinked(principal: Principal): boolean {
  return principal.type === 'AssumedRole' && principal.serviceLinked;
}

/** True when the principal belongs to another account than the resource. Services and the unsigned belong to none. */
export function isCrossAccount({ principal, resource }: AuthorizationRequest): boolean {
  return resource.account !== undefined && 'account' in principal && principal.account !== resource.account;
}

/** The message type of a resource policy: `trust` for a role's, `resource` for every other. */
export function resourcePolicyType(request: AuthorizationRequest): 'resource' | 'trust' {
  return request.resource.policy?.kind === 'trust' ? 'trust' : 'resource';
}

/** Resource and conditions of a statement whose action is known to match. */
export function coversRequest(statement: CompiledStatement, request: AuthorizationRequest): boolean {
  if (!statement.coversResource(request.resource.arn, request.context)) return false;
  for (const condition of statement.conditions) if (!condition.holds(request.context)) return false;
  return true;
}

/** How strongly a resource policy's statement names the caller; `not` when it does not concern it. */
export function strengthOf(statement: CompiledStatement, request: AuthorizationRequest): NamedStrength {
  if (statement.principal === undefined) return Named.caller;
  const { not, matcher } = statement.principal;
  if (!not) return matcher.names(request.principal, request.canonicalUser);
  if (!statement.allows) return matcher.spares(request.principal, request.canonicalUser) ? Named.not : Named.caller;
  return matcher.names(request.principal, request.canonicalUser) === Named.not ? Named.caller : Named.not;
}

/**
 * Decides one request. Pure and quick: prepare the principal once. An explicit Deny in any policy wins; otherwise
 * `missing` names the first policy type that had to allow and did not.
 */
export function evaluate(request: AuthorizationRequest): Decision {
  if (isPermissionless(request.action)) return byNothing;
  const candidates = request.policies.candidatesFor(request.action);
  const bound = !isServiceLinked(request.principal);
  return (
    explicitDeny(request, candidates, bound) ??
    (bound ? missingLevel(request, candidates) : undefined) ??
    throughEndpoint(request, decideAllow(request, candidates))
  );
}

// AWS names one type when several deny and does not say which; this is the order of its flow chart.
function explicitDeny(request: AuthorizationRequest, candidates: Candidates, bound: boolean): Decision | undefined {
  const { resource } = request;
  const denial = bound ? (denyOfLevels(resource.rcps, request) ?? denyOf(candidates.scps, request)) : undefined;
  if (denial !== undefined) return denial;
  const own =
    resource.policy && resourceStatement(resource.policy.attached, resourcePolicyType(request), request, false);
  return (
    own?.decision ??
    denyOf([candidates.identity, candidates.boundary, candidates.session], request) ??
    (request.endpoint && resourceStatement(request.endpoint, 'endpoint', request, false)?.decision)
  );
}

function denyOf(types: readonly (Covering | undefined)[], request: AuthorizationRequest): Decision | undefined {
  for (const type of types) {
    if (type === undefined) continue;
    for (const entry of type.denies) if (coversRequest(entry.statement, request)) return entry.decision;
  }
  return undefined;
}

function denyOfLevels(
  levels: readonly (readonly AttachedPolicy[])[],
  request: AuthorizationRequest,
): Decision | undefined {
  for (const level of levels) {
    for (const attached of level) {
      const denial = resourceStatement(attached, 'rcp', request, false);
      if (denial !== undefined) return denial.decision;
    }
  }
  return undefined;
}

/** RCPs and SCPs: every level must allow. */
function missingLevel(request: AuthorizationRequest, candidates: Candidates): Decision | undefined {
  for (const level of request.resource.rcps) {
    if (!level.some((attached) => resourceStatement(attached, 'rcp', request, true))) return missing.rcp;
  }
  for (const level of candidates.scps) if (allowOf(level, request) === undefined) return missing.scp;
  return undefined;
}

function allowOf(type: Covering, request: AuthorizationRequest): Decision | undefined {
  for (const entry of type.allows) if (coversRequest(entry.statement, request)) return entry.decision;
  return undefined;
}

interface ResourceAnswer {
  readonly strength: NamedStrength;
  readonly decision: Decision;
}

/** The statement of a policy with principals that denies, or that allows with the greatest strength. */
function resourceStatement(
  attached: AttachedPolicy,
  type: 'rcp' | 'resource' | 'trust' | 'endpoint',
  request: AuthorizationRequest,
  allows: boolean,
): ResourceAnswer | undefined {
  let strongest: CompiledStatement | undefined;
  let strength: NamedStrength = Named.not;
  for (const statement of attached.policy.statementsFor(request.action)) {
    if (statement.allows !== allows) continue;
    const named = strengthOf(statement, request);
    if (named <= strength || !coversRequest(statement, request)) continue;
    strongest = statement;
    strength = named;
    if (!allows || named === Named.caller) break;
  }
  return strongest && { strength, decision: decisionOf(strongest, type, attached) };
}

/** No Deny matched and organizations allow: who has to allow, and does it? A grant only adds to what policies allow. */
function decideAllow(request: AuthorizationRequest, candidates: Candidates): Decision {
  const grant = grantOf(request);
  const byGrant =
    grant !== undefined && grant.strength > Named.account ? limited(grant, candidates, request) : undefined;
  if (byGrant?.decision === 'allow') return byGrant;
  const byPolicies = decideByPolicies(request, candidates, grant);
  return byPolicies.decision === 'allow' ? byPolicies : (byGrant ?? byPolicies);
}

/** `grant`: stands in for a key policy that is silent. */
function decideByPolicies(
  request: AuthorizationRequest,
  candidates: Candidates,
  grant: ResourceAnswer | undefined,
): Decision {
  const { principal, resource } = request;
  const type = resourcePolicyType(request);
  const granted = (resource.policy && resourceStatement(resource.policy.attached, type, request, true)) ?? grant;
  if (!('account' in principal)) return granted?.decision ?? missing[type];
  if (isCrossAccount(request)) {
    const own = callerSide(request, candidates);
    return own.decision === 'deny' || granted !== undefined ? own : missing[type];
  }
  // Roles and keys answer for themselves: without a word from their own policy the account's policies do not count.
  const kind = resource.policy?.kind;
  if (granted === undefined && (kind === 'trust' || kind === 'key')) return missing[type];
  if (principal.type === 'Root') return limitOf(principal, candidates, request, false) ?? byRoot;
  if (granted?.strength === Named.caller) return granted.decision;
  if (granted?.strength === Named.behind) return limitOf(principal, candidates, request, true) ?? granted.decision;
  return callerSide(request, candidates);
}

/** The grant that names the caller most strongly. */
function grantOf(request: AuthorizationRequest): ResourceAnswer | undefined {
  let best: ResourceAnswer | undefined;
  for (const attached of request.resource.policy?.grants ?? []) {
    const answer = resourceStatement(attached, 'resource', request, true);
    if (answer !== undefined && answer.strength > (best?.strength ?? Named.not)) best = answer;
  }
  return best;
}

/** What a grant allows its grantee, within the limits of the grantee's boundary and session. */
function limited(grant: ResourceAnswer, candidates: Candidates, request: AuthorizationRequest): Decision {
  if (grant.strength === Named.caller) return grant.decision;
  return limitOf(request.principal, candidates, request, true) ?? grant.decision;
}

/** A request that came through a VPC endpoint needs its policy's Allow as well. */
function throughEndpoint(request: AuthorizationRequest, decision: Decision): Decision {
  const { endpoint } = request;
  if (endpoint === undefined || decision.decision === 'deny') return decision;
  return resourceStatement(endpoint, 'endpoint', request, true) === undefined ? missing.endpoint : decision;
}

/** What the caller's own account must say: identity, boundary and session policies, each where it applies. */
function callerSide(request: AuthorizationRequest, candidates: Candidates): Decision {
  const { principal } = request;
  const allow = isRootBacked(principal) ? byRoot : allowOf(candidates.identity, request);
  if (allow === undefined) return missing.identity;
  return limitOf(principal, candidates, request, true) ?? allow;
}

/** The root user has every permission of its account, and so has what it federates (bounded by the session policy). */
function isRootBacked(principal: Principal): boolean {
  if (principal.type === 'Root') return true;
  return principal.type === 'FederatedUser' && accountOf(principal.issuerArn) !== undefined;
}

/** Boundary and session policies; a federated user without session policies has no permissions of its own. */
function limitOf(
  principal: Principal,
  candidates: Candidates,
  request: AuthorizationRequest,
  boundaryBinds: boolean,
): Decision | undefined {
  const { boundary, session } = candidates;
  if (boundaryBinds && boundary !== undefined && allowOf(boundary, request) === undefined) return missing.boundary;
  if (session === undefined) return principal.type === 'FederatedUser' ? missing.session : undefined;
  return allowOf(session, request) === undefined ? missing.session : undefined;
}
