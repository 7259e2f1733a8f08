// May this call do what it asks? Every permission of every call is decided by the policy engine, over
// policies and facts looked up at this moment. Promises: no key, name or mode of a call is treated
// differently, and what cannot be decided is refused.
import type { Failure } from '../base/index.ts';
import {
  denialMessage,
  evaluate,
  preparePrincipal,
  type AttachedPolicy,
  type AuthorizationRequest,
  type Decision,
  type PreparedPrincipal,
  type PrincipalPolicies,
} from '../policy/index.ts';
import type { Call, Permission } from './call.ts';
import { denialFailure } from './denial.ts';
import type { Explanations } from './explain.ts';
import { accountOfResource, requestContext } from './request-context.ts';
import { policiesOf, principalTagsOf, rcpsOf } from './services/iam/lookup.ts';
import { memberOf } from './services/organizations/tree.ts';

/** `report`: refusals are recorded and told, but nothing is refused. `off`: nothing is decided. */
export type Enforcement = 'on' | 'report' | 'off';

/** What came of the permissions of one call. */
export interface Verdict {
  /** Absent when nothing was decided. */
  readonly decision?: 'allow' | 'deny';
  /** Of a refusal. */
  readonly explainId?: string;
  /** The answer to give; absent when the call goes on. */
  readonly refusal?: Failure;
}

const anonymousPolicies: PrincipalPolicies = { identity: [], scps: [] };

// A memo: lookups give the same object as long as nothing changed.
type PreparedMemo = WeakMap<PrincipalPolicies, PreparedPrincipal>;

export class Authorizer {
  readonly enforce: Enforcement;
  readonly #explanations: Explanations;
  readonly #prepared: PreparedMemo = new WeakMap();

  constructor(enforce: Enforcement, explanations: Explanations) {
    this.enforce = enforce;
    this.#explanations = explanations;
  }

  /** All permissions must be allowed; the first refusal is the verdict. */
  judge(call: Call, permissions: readonly Permission[] | 'permissionless'): Verdict {
    if (this.enforce === 'off') return {};
    if (permissions === 'permissionless') return { decision: 'allow' };
    for (const permission of permissions) {
      const { request, decision } = this.#decide(call, permission);
      if (decision.decision === 'allow') continue;
      const explainId = this.#explanations.record(request);
      const refusal =
        this.enforce === 'report' ? {} : { refusal: this.#refusal(call, permission, { explainId, request, decision }) };
      return { decision: 'deny', explainId, ...refusal };
    }
    return { decision: 'allow' };
  }

  #decide(call: Call, permission: Permission): { request: AuthorizationRequest; decision: Decision } {
    const request = this.#requestOf(call, permission);
    return { request, decision: evaluate(request) };
  }

  #requestOf(call: Call, permission: Permission): AuthorizationRequest {
    const world = call.world.seen;
    // What the signer may do says nothing of another principal.
    const credential = permission.principal === undefined ? call.credential : undefined;
    const principal = permission.principal ?? call.principal;
    const owner = accountOfResource(permission);
    // AWS's own resources (`arn:aws:iam::aws:policy/…`) belong to no account that could have a say.
    const account = owner === 'aws' ? undefined : owner;
    return {
      principal,
      policies: this.#prepare(credential === undefined ? anonymousPolicies : policiesOf(credential, world)),
      action: permission.action,
      resource: {
        arn: permission.resource,
        account,
        policy: permission.resourcePolicy,
        rcps: bindsRcps(permission) ? rcpsOf(account ?? call.account, world) : noLevels,
      },
      canonicalUser: permission.canonicalUser,
      context: requestContext(call, permission, credential === undefined ? [] : principalTagsOf(credential, world)),
    };
  }

  #prepare(policies: PrincipalPolicies): PreparedPrincipal {
    let prepared = this.#prepared.get(policies);
    if (prepared === undefined) this.#prepared.set(policies, (prepared = preparePrincipal(policies)));
    return prepared;
  }

  #refusal(call: Call, { named }: Permission, { explainId, request, decision }: Refused): Failure {
    const sameOrganization = isInOrganization(call, request);
    const message = denialMessage(request, decision, { policyArn: sameOrganization, resource: named });
    return denialFailure(call.service, message, {
      sameOrganization,
      encoded: () => this.#explanations.encode(explainId, request, decision),
    });
  }
}

interface Refused {
  readonly explainId: string;
  readonly request: AuthorizationRequest;
  readonly decision: Decision;
}

const noLevels: readonly (readonly AttachedPolicy[])[] = [];

// Of the services embedded here; Organizations user guide, "AWS services that support RCPs" and "Resources and
// entities not restricted by RCPs", which also spares kms:RetireGrant and AWS managed KMS keys.
const rcpServices: ReadonlySet<string> = new Set(['s3', 'sts', 'kms', 'dynamodb']);

function bindsRcps({ action, rcpExempt }: Permission): boolean {
  return rcpExempt !== true && rcpServices.has(action.slice(0, action.indexOf(':')).toLowerCase());
}

/** True when caller and resource are of one account or of one organisation: then AWS says more. */
function isInOrganization({ world }: Call, { principal, resource }: AuthorizationRequest): boolean {
  if (!('account' in principal)) return false;
  if (resource.account === undefined || resource.account === principal.account) return true;
  return memberOf(world, principal.account) !== undefined && memberOf(world, resource.account) !== undefined;
}
