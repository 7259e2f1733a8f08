// One simulation: every action on every resource, decided by the engine that decides live calls.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html
import type * as Sdk from '@aws-sdk/client-iam';
import {
  evaluate,
  explain,
  preparePrincipal,
  statementKeys,
  statementPlaces,
  type AttachedPolicy,
  type AuthorizationRequest,
  type Context,
  type Decision,
  type PolicyType,
  type PreparedPrincipal,
  type Principal,
  type PrincipalPolicies,
  type ResourceSide,
} from '../../../policy/index.ts';

/** Everything about a simulation but its actions and resources. */
export interface Scene {
  readonly principal: Principal;
  readonly policies: PrincipalPolicies;
  readonly context: Context;
  /** Owner of resources whose ARN names none. */
  readonly owner: string | undefined;
  readonly resourcePolicy: ResourceSide['policy'];
  /** Service control policies are looked at, if only to find that none binds. */
  readonly organization: boolean;
}

type Answer = 'allowed' | 'explicitDeny' | 'implicitDeny';

function answerOf(decision: Decision): Answer {
  if (decision.decision === 'allow') return 'allowed';
  return decision.explicit ? 'explicitDeny' : 'implicitDeny';
}

class Simulation {
  readonly #scene: Scene;
  readonly #all: PreparedPrincipal;
  readonly #places = new Map<AttachedPolicy, ReturnType<typeof statementPlaces>>();

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#all = preparePrincipal(scene.policies);
  }

  /** The result for one action on all of `resources`. */
  result(action: string, resources: readonly string[]): Sdk.EvaluationResult {
    const each = resources.map((arn) => this.#onResource(action, arn));
    const matched = each.flatMap(({ statements }) => statements);
    const missing = each.flatMap((one) => one.missing);
    const worst = worstOf(each.map(({ answer }) => answer));
    const isEverything = resources.length === 1 && resources[0] === '*';
    const bounded = this.#scene.policies.boundary !== undefined;
    const [first] = each;
    return {
      EvalActionName: action,
      EvalResourceName: resources.length === 1 ? resources[0] : '*',
      EvalDecision: worst,
      MatchedStatements: withoutRepeats(matched),
      MissingContextValues: [...new Set(missing)],
      ...(this.#scene.organization
        ? { OrganizationsDecisionDetail: { AllowedByOrganizations: each.every((one) => one.byOrganization) } }
        : {}),
      ...(bounded
        ? { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: each.every((one) => one.byBoundary) } }
        : {}),
      ...(isEverything && first!.details === undefined ? {} : { EvalDecisionDetails: worstDetails(each) }),
      ...(isEverything ? {} : { ResourceSpecificResults: each.map((one) => resourceShape(one, bounded)) }),
    };
  }

  #onResource(action: string, arn: string): OnResource {
    const request = this.#request(action, arn);
    const decision = evaluate(request);
    const byOrganization = this.#allowsAlone(request, 'scp');
    return {
      arn,
      answer: answerOf(decision),
      statements: this.#matched(request, decision),
      missing: this.#missing(request),
      byOrganization,
      byBoundary: this.#allowsAlone(request, 'boundary'),
      details: isCrossAccount(request) && byOrganization ? this.#details(request) : undefined,
    };
  }

  #request(action: string, arn: string): AuthorizationRequest {
    const { principal, context, owner, resourcePolicy: policy } = this.#scene;
    const own = 'account' in principal ? principal.account : undefined;
    const account = arn === '*' ? owner : arn.split(':', 5)[4] || owner || own;
    return { principal, policies: this.#all, action, resource: { arn, account, policy, rcps: [] }, context };
  }

  /** Does this kind of policy allow the request, whatever the others say? */
  #allowsAlone(request: AuthorizationRequest, type: 'scp' | 'boundary'): boolean {
    const { policies } = this.#scene;
    const lists = type === 'scp' ? policies.scps : policies.boundary === undefined ? [] : [[policies.boundary]];
    return lists.every((list) => answerOf(this.#alone(request, list)) === 'allowed');
  }

  #alone(request: AuthorizationRequest, identity: readonly AttachedPolicy[]): Decision {
    const policies = preparePrincipal({ identity, scps: [] });
    const resource = { ...request.resource, account: undefined, policy: undefined };
    return evaluate({ ...request, policies, resource });
  }

  /** How each side of a cross-account request decides. */
  #details(request: AuthorizationRequest): Record<string, Answer> {
    const { policies, resourcePolicy } = this.#scene;
    const nobody = preparePrincipal({ identity: [], scps: [] });
    const resource: AuthorizationRequest = {
      ...request,
      policies: nobody,
      resource: { ...request.resource, account: undefined },
    };
    return {
      'IAM Policy': answerOf(this.#alone(request, policies.identity)),
      'Resource Policy': resourcePolicy === undefined ? 'implicitDeny' : answerOf(evaluate(resource)),
      ...(policies.boundary === undefined
        ? {}
        : { 'Permissions Boundary Policy': answerOf(this.#alone(request, [policies.boundary])) }),
    };
  }

  /** The statements that made the decision: every Allow that applies, or the Denies; none when nothing applied. */
  #matched(request: AuthorizationRequest, decision: Decision): readonly Sdk.Statement[] {
    const answer = answerOf(decision);
    if (answer === 'implicitDeny') return [];
    const wanted = answer === 'allowed' ? 'Allow' : 'Deny';
    return this.#sources(request).flatMap(({ attached, type, statements }) =>
      statements
        .filter((each) => each.applies && each.effect === wanted)
        .map((each) => this.#statementShape(attached, type, each.statement)),
    );
  }

  /** The policies whose statements are shown, each with its trace: the caller's own and the resource's. */
  #sources(request: AuthorizationRequest) {
    const traces = explain(request).policies;
    const of = (type: PolicyType, list: readonly AttachedPolicy[]) => {
      const own = traces.filter((trace) => trace.type === type);
      return list.map((attached, index) => ({ attached, type, statements: own[index]!.statements }));
    };
    const resource = this.#scene.resourcePolicy;
    return [
      ...of('identity', this.#scene.policies.identity),
      ...of('resource', resource === undefined ? [] : [resource.attached]),
    ];
  }

  #statementShape(attached: AttachedPolicy, type: PolicyType, index: number): Sdk.Statement {
    let places = this.#places.get(attached);
    if (places === undefined) this.#places.set(attached, (places = statementPlaces(attached.policy.source)));
    const { start, end } = places[index]!;
    return {
      SourcePolicyId: sourceId(attached),
      // What AWS sends, though its model lists other words.
      SourcePolicyType: (type === 'identity' ? 'IAM Policy' : 'Resource Policy') as Sdk.PolicySourceType,
      StartPosition: { Line: start.line, Column: start.column },
      EndPosition: { Line: end.line, Column: end.column },
    };
  }

  /** Keys that the statements which cover the action ask for and nobody gave. */
  #missing(request: AuthorizationRequest): readonly string[] {
    const { policies, resourcePolicy, context } = this.#scene;
    const all = [...policies.identity, ...(resourcePolicy === undefined ? [] : [resourcePolicy.attached])];
    const keys = all.flatMap(({ policy }) =>
      policy
        .statementsFor(request.action)
        .flatMap(({ source }) => statementKeys(source, policy.document.version === '2012-10-17')),
    );
    return keys.filter((key) => !context.has(key.toLowerCase()));
  }
}

interface OnResource {
  readonly arn: string;
  readonly answer: Answer;
  readonly statements: readonly Sdk.Statement[];
  readonly missing: readonly string[];
  readonly byOrganization: boolean;
  readonly byBoundary: boolean;
  readonly details: Record<string, Answer> | undefined;
}

function resourceShape(one: OnResource, bounded: boolean): Sdk.ResourceSpecificResult {
  return {
    EvalResourceName: one.arn,
    EvalResourceDecision: one.answer,
    MatchedStatements: [...one.statements],
    MissingContextValues: [...new Set(one.missing)],
    ...(one.details === undefined ? {} : { EvalDecisionDetails: one.details }),
    ...(bounded ? { PermissionsBoundaryDecisionDetail: { AllowedByPermissionsBoundary: one.byBoundary } } : {}),
  };
}

const severity: readonly Answer[] = ['allowed', 'implicitDeny', 'explicitDeny'];

function worstOf(answers: readonly Answer[]): Answer {
  return severity.findLast((answer) => answers.includes(answer)) ?? 'implicitDeny';
}

function worstDetails(each: readonly OnResource[]): Record<string, Answer> {
  const names = new Set(each.flatMap(({ details }) => Object.keys(details ?? {})));
  return Object.fromEntries(
    Array.from(names, (name) => [name, worstOf(each.flatMap(({ details }) => details?.[name] ?? []))]),
  );
}

function withoutRepeats(statements: readonly Sdk.Statement[]): Sdk.Statement[] {
  return [...new Map(statements.map((statement) => [JSON.stringify(statement), statement])).values()];
}

function isCrossAccount({ principal, resource }: AuthorizationRequest): boolean {
  return resource.account !== undefined && 'account' in principal && principal.account !== resource.account;
}

/** A managed policy by its name; an inline one with what carries it: `user_alice_own`. */
function sourceId({ arn, name, attachedTo }: AttachedPolicy): string {
  if (arn !== undefined || attachedTo === undefined) return name ?? 'unnamed';
  const [, kind, carrier] = /:(user|group|role)\/(?:.*\/)?([^/]+)$/.exec(attachedTo) ?? [];
  return `${kind}_${carrier}_${name}`;
}

/** The results for all actions, made one by one as they are asked for. */
export function* simulate(
  scene: Scene,
  actions: readonly string[],
  resources: readonly string[],
): Generator<Sdk.EvaluationResult> {
  const simulation = new Simulation(scene);
  for (const action of actions) yield simulation.result(action, resources);
}
