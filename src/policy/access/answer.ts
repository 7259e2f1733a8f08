// Could a principal be allowed to do something, when only a part of the request's context is known? Three answers:
// allowed whatever the rest is, denied whatever it is, or it depends, and then on what.
import { coversRequest, evaluate, isCrossAccount, strengthOf } from '../evaluate.ts';
import { Named } from '../principals.ts';
import type { AttachedPolicy, AuthorizationRequest, Decision, PolicyType, StatementRef } from '../types.ts';
import { HedgedContext, HedgedStatement, type PartialContext } from './hedge.ts';

/** A request whose policies are hedged (`hedgePolicy`). */
export type OpenRequest = Omit<AuthorizationRequest, 'context'> & { readonly context: PartialContext };

/** What has to come out well for the caller: a Deny that must not apply, or a group of Allows of which one must. */
export type Need =
  | { readonly unless: StatementRef }
  | { readonly oneOf: readonly StatementRef[]; readonly policyType: PolicyType };

export type Answer =
  | { readonly answer: 'allowed'; readonly by: Extract<Decision, { decision: 'allow' }>['by'] }
  | { readonly answer: 'denied'; readonly by: StatementRef }
  | { readonly answer: 'denied'; readonly missing: PolicyType }
  | {
      readonly answer: 'depends';
      /** All of them are needed. */
      readonly needs: readonly Need[];
      /** The statement that allows when they are met. */
      readonly by: Extract<Decision, { decision: 'allow' }>['by'];
    };

interface Found {
  readonly ref: StatementRef;
  readonly statement: HedgedStatement;
}

const statementOf = (ref: StatementRef): HedgedStatement =>
  ref.attached.policy.statements[ref.index] as HedgedStatement;

/** Decides a request of which not everything is known. Consistent with `evaluate` under every completion of the context. */
export function answerOf(request: OpenRequest): Answer {
  const best = evaluate({ ...request, context: new HedgedContext(request.context, true) });
  if (best.decision === 'deny') {
    return best.explicit ? { answer: 'denied', by: best.by } : { answer: 'denied', missing: best.missing };
  }
  const favoured = new Set<HedgedStatement>();
  const needs: Need[] = [];
  for (;;) {
    const worst = evaluate({ ...request, context: new HedgedContext(request.context, false, favoured) });
    if (worst.decision === 'allow') {
      return needs.length === 0 ? { answer: 'allowed', by: worst.by } : { answer: 'depends', needs, by: best.by };
    }
    const found = worst.explicit
      ? [{ ref: worst.by, statement: statementOf(worst.by) }]
      : allowsFor(request, worst.missing, favoured);
    needs.push(
      worst.explicit ? { unless: worst.by } : { oneOf: found.map(({ ref }) => ref), policyType: worst.missing },
    );
    // What is favoured already cannot be missing again: were nothing new found, the loop would not end.
    const before = favoured.size;
    for (const { statement } of found) favoured.add(statement);
    if (favoured.size === before) return { answer: 'depends', needs, by: best.by };
  }
}

/** The uncertain Allows of which one is missing. */
function allowsFor(request: OpenRequest, missing: PolicyType, favoured: ReadonlySet<HedgedStatement>): Found[] {
  const { policies, resource } = request;
  const grants = resource.policy?.grants ?? [];
  const own = resource.policy === undefined ? [] : [resource.policy.attached, ...grants];
  const { identity, boundary, session, scps } = policies.source;
  const among: Readonly<Record<PolicyType, readonly (readonly AttachedPolicy[])[]>> = {
    // Within one account a resource policy can stand in for an identity policy, and a grant of a key can everywhere.
    identity: [[...identity, ...(isCrossAccount({ ...request, context: request.context.known }) ? grants : own)]],
    boundary: [boundary === undefined ? [] : [boundary], own],
    session: [session ?? [], own],
    scp: scps,
    rcp: resource.rcps,
    resource: [own],
    trust: [own],
    endpoint: [request.endpoint === undefined ? [] : [request.endpoint]],
  };
  // Levels are missing one after the other.
  for (const level of among[missing]) {
    const found = uncertainAllows(request, level, missing, favoured);
    if (found.length > 0) return found;
  }
  return [];
}

function uncertainAllows(
  request: OpenRequest,
  policies: readonly AttachedPolicy[],
  policyType: PolicyType,
  favoured: ReadonlySet<HedgedStatement>,
): Found[] {
  const under = (forCaller: boolean): AuthorizationRequest => ({
    ...request,
    context: new HedgedContext(request.context, forCaller, favoured),
  });
  const [best, worst] = [under(true), under(false)];
  return policies.flatMap((attached) =>
    attached.policy.statementsFor(request.action).flatMap((statement): Found[] => {
      const open =
        statement.allows &&
        strengthOf(statement, best) !== Named.not &&
        coversRequest(statement, best) &&
        !coversRequest(statement, worst);
      const ref: StatementRef = { policyType, attached, index: statement.index, sid: statement.source.sid };
      return open ? [{ ref, statement: statement as HedgedStatement }] : [];
    }),
  );
}
