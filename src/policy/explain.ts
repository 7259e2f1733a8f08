// Why a request was decided as it was: every policy and statement looked at, with what each part wanted and saw.
// It asks the same matchers as the evaluator, after the decision, and so costs deciding nothing.
import type { CompiledStatement } from './document.ts';
import { cureOf } from './cure.ts';
import { coversRequest, evaluate, isServiceLinked, resourcePolicyType, strengthOf } from './evaluate.ts';
import { Named, callerName } from './principals.ts';
import type { AttachedPolicy, AuthorizationRequest, Decision, PolicyType, StatementRef } from './types.ts';

/** JSON-ready, as `stint explain` and the embedded AWS hand it out. */
export interface Trace {
  readonly request: {
    readonly principal: string;
    readonly action: string;
    readonly resource: string;
    readonly context: Readonly<Record<string, string | readonly string[]>>;
  };
  readonly decision: 'allow' | 'deny';
  readonly decidedBy: {
    /** For an implicit denial the type that had to allow and did not; `service` for a rule that no policy has a say in. */
    readonly type: PolicyType | 'root' | 'permissionless' | 'service';
    readonly explicit: boolean;
    readonly policyArn?: string | undefined;
    readonly policyName?: string | undefined;
    readonly attachedTo?: string | undefined;
    readonly sid?: string | undefined;
    /** Index in the document's Statement list. */
    readonly statement?: number | undefined;
  };
  readonly policies: readonly PolicyTrace[];
  /** What to do about a refusal, in plain text. */
  readonly cure: string;
}

export interface PolicyTrace {
  readonly type: PolicyType;
  /** Of SCPs and RCPs: 0 is the organization's root. */
  readonly level?: number | undefined;
  readonly policyArn?: string | undefined;
  readonly policyName?: string | undefined;
  readonly attachedTo?: string | undefined;
  readonly statements: readonly StatementTrace[];
}

export interface StatementTrace {
  readonly statement: number;
  readonly sid?: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** All parts hold, so the effect counts. */
  readonly applies: boolean;
  readonly decides: boolean;
  readonly action: PartTrace;
  /** The rest is looked at only when the action is covered. */
  readonly resource?: PartTrace | undefined;
  readonly principal?: PartTrace | undefined;
  readonly conditions: readonly ConditionTrace[];
}

export interface PartTrace {
  readonly matched: boolean;
  /** `NotAction`, `NotResource`, `NotPrincipal`. */
  readonly not: boolean;
  readonly wanted: readonly string[];
  readonly seen: string;
}

export interface ConditionTrace {
  readonly matched: boolean;
  readonly operator: string;
  readonly key: string;
  readonly wanted: readonly string[];
  /** `null`: the request has no such key. */
  readonly seen: string | readonly string[] | null;
}

function conditionTraces(statement: CompiledStatement, request: AuthorizationRequest): ConditionTrace[] {
  return statement.conditions.map((condition) => ({
    matched: condition.holds(request.context),
    operator: condition.source.operator,
    key: condition.source.key,
    wanted: condition.source.values,
    seen: request.context.get(condition.source.key.toLowerCase()) ?? null,
  }));
}

function principalTrace(statement: CompiledStatement, request: AuthorizationRequest): PartTrace | undefined {
  const source = statement.source.principal;
  if (source === undefined) return undefined;
  const { AWS, Service, Federated, CanonicalUser } = source.who;
  return {
    matched: strengthOf(statement, request) !== Named.not,
    not: source.not,
    wanted: [...AWS, ...Service, ...Federated, ...CanonicalUser],
    seen: callerName(request.principal),
  };
}

function statementTrace(statement: CompiledStatement, request: AuthorizationRequest, decides: boolean): StatementTrace {
  const { source } = statement;
  const covered = statement.coversAction(request.action);
  const principal = principalTrace(statement, request);
  return {
    statement: statement.index,
    sid: source.sid,
    effect: source.effect,
    applies: covered && principal?.matched !== false && coversRequest(statement, request),
    decides,
    action: { matched: covered, not: source.action.not, wanted: source.action.values, seen: request.action },
    resource:
      covered && source.resource !== undefined
        ? {
            matched: statement.coversResource(request.resource.arn, request.context),
            not: source.resource.not,
            wanted: source.resource.values,
            seen: request.resource.arn,
          }
        : undefined,
    principal: covered ? principal : undefined,
    conditions: covered ? conditionTraces(statement, request) : [],
  };
}

/** Every policy that takes part, in the order in which the evaluator asks. */
function takingPart(request: AuthorizationRequest): { type: PolicyType; level?: number; attached: AttachedPolicy }[] {
  const { resource, policies } = request;
  const { identity, boundary, session, scps } = policies.source;
  const bound = !isServiceLinked(request.principal);
  const leveled = (type: PolicyType, levels: readonly (readonly AttachedPolicy[])[]) =>
    bound ? levels.flatMap((level, index) => level.map((attached) => ({ type, level: index, attached }))) : [];
  const plain = (type: PolicyType, list: readonly AttachedPolicy[]) => list.map((attached) => ({ type, attached }));
  return [
    ...leveled('rcp', resource.rcps),
    ...leveled('scp', scps),
    ...plain(
      resourcePolicyType(request),
      resource.policy === undefined ? [] : [resource.policy.attached, ...(resource.policy.grants ?? [])],
    ),
    ...plain('identity', identity),
    ...plain('boundary', boundary === undefined ? [] : [boundary]),
    ...plain('session', session ?? []),
    ...plain('endpoint', request.endpoint === undefined ? [] : [request.endpoint]),
  ];
}

function decidedBy(decision: Decision): Trace['decidedBy'] {
  if (decision.decision === 'deny' && !decision.explicit) return { type: decision.missing, explicit: false };
  if ('rule' in decision.by) return { type: decision.by.rule, explicit: false };
  const { policyType, attached, sid, index } = decision.by;
  return {
    type: policyType,
    explicit: true,
    policyArn: attached.arn,
    policyName: attached.name,
    attachedTo: attached.attachedTo,
    sid,
    statement: index,
  };
}

function decidingStatement(decision: Decision): StatementRef | undefined {
  if (decision.decision === 'deny' && !decision.explicit) return undefined;
  return 'rule' in decision.by ? undefined : decision.by;
}

/** Decides the request and says why. The decision is always the evaluator's. */
export function explain(request: AuthorizationRequest): Trace {
  const decision = evaluate(request);
  const deciding = decidingStatement(decision);
  const policies = takingPart(request).map(({ type, level, attached }): PolicyTrace => {
    const decider = deciding?.attached === attached && deciding.policyType === type ? deciding.index : undefined;
    return {
      type,
      level,
      policyArn: attached.arn,
      policyName: attached.name,
      attachedTo: attached.attachedTo,
      statements: attached.policy.statements.map((each) => statementTrace(each, request, each.index === decider)),
    };
  });
  const trace = {
    request: {
      principal: callerName(request.principal),
      action: request.action,
      resource: request.resource.arn,
      context: Object.fromEntries(request.context),
    },
    decision: decision.decision,
    decidedBy: decidedBy(decision),
    policies,
  };
  return { ...trace, cure: cureOf(trace, request) };
}
