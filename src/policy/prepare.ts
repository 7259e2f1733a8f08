// A principal's policies made ready for many decisions: for each action asked, the statements that can
// reach it are found once.
import { ByAction } from './by-action.ts';
import type { CompiledStatement } from './document.ts';
import type {
  AttachedPolicy,
  Decision,
  PolicyType,
  PreparedPrincipal,
  PrincipalPolicies,
  StatementRef,
} from './types.ts';

/** A statement that covers the asked action, with its answer ready. */
export interface Entry {
  readonly statement: CompiledStatement;
  /** The decision when this statement decides. */
  readonly decision: Decision;
}

/** The statements of one policy type that cover an action. */
export interface Covering {
  readonly allows: readonly Entry[];
  readonly denies: readonly Entry[];
}

/** What a principal's policies say about one action. `undefined`: the type does not apply. */
export interface Candidates {
  /** Per level. */
  readonly scps: readonly Covering[];
  readonly identity: Covering;
  readonly boundary: Covering | undefined;
  readonly session: Covering | undefined;
}

/** The decision that `statement` makes when it applies. */
export function decisionOf(statement: CompiledStatement, policyType: PolicyType, attached: AttachedPolicy): Decision {
  const by: StatementRef = { policyType, attached, index: statement.index, sid: statement.source.sid };
  return statement.allows ? { decision: 'allow', by } : { decision: 'deny', explicit: true, by };
}

function covering(policies: readonly AttachedPolicy[], policyType: PolicyType, action: string): Covering {
  const entries = policies.flatMap((attached) =>
    attached.policy
      .statementsFor(action)
      .map((statement): Entry => ({ statement, decision: decisionOf(statement, policyType, attached) })),
  );
  return {
    allows: entries.filter((entry) => entry.statement.allows),
    denies: entries.filter((entry) => !entry.statement.allows),
  };
}

/**
 * Prepares a principal's policies. Cheap; worth keeping for as long as the policies stay the same.
 * Session policies are one set: an Allow in any of them counts, as within identity policies.
 */
export function preparePrincipal(policies: PrincipalPolicies): PreparedPrincipal {
  const table = new ByAction<Candidates>((action) => ({
    scps: policies.scps.map((level) => covering(level, 'scp', action)),
    identity: covering(policies.identity, 'identity', action),
    boundary: policies.boundary && covering([policies.boundary], 'boundary', action),
    session: policies.session && covering(policies.session, 'session', action),
  }));
  return { source: policies, candidatesFor: (action) => table.get(action) };
}
