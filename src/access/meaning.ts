// What a plan means: who gains and who loses which access. Reads the catalogue of actions and AWS's own policies, which
// planning itself does not need.
import {
  accessDiff,
  Directory,
  Escalations,
  loadCatalog,
  managedDocuments,
  type AccessDiff,
  type Catalog,
} from '../policy/index.ts';
import {
  authorizationAfter,
  authorizationBefore,
  managedArns,
  unitsOf,
  type AuthorizationScope,
} from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Plan } from './plan.ts';
import type { SeenAccount } from './resources.ts';

export interface Meaning extends AccessDiff {
  /** With which it is told. */
  readonly catalog: Catalog;
}

/** Access before a plan and after it, and the catalogue to read it with: one directory of a state for all its judges. */
export interface PlanAccess {
  readonly catalog: Catalog;
  readonly before: Escalations;
  /** `before` itself where the plan changes nothing. */
  readonly after: Escalations;
}

/**
 * Reads what the judges of `plan`, which was made of `wanted` and `seen`, look at. `guardrails`: those of others, where
 * somebody read them.
 */
export async function accessOf(
  plan: Plan,
  wanted: Wanted,
  seen: readonly SeenAccount[],
  guardrails?: AuthorizationScope['guardrails'],
): Promise<PlanAccess> {
  const { partition, organization } = wanted;
  const [catalog, managed] = await Promise.all([
    loadCatalog(),
    managedDocuments(managedArns([...wanted.accounts, ...seen])),
  ]);
  const scope = { partition, organization, managed, units: unitsOf(wanted.accounts), guardrails };
  const was = new Directory(authorizationBefore(scope, seen));
  const before = new Escalations(was);
  if (plan.changes.length === 0) return { catalog, before, after: before };
  const after = new Escalations(was.changedTo(authorizationAfter(scope, wanted, seen, plan.changes)));
  return { catalog, before, after };
}

/** What comes of carrying out a plan. */
export function meaningOf({ catalog, before, after }: PlanAccess): Meaning {
  if (before === after) return { changes: [], trust: [], catalog };
  return { ...accessDiff(catalog, before.directory, after.directory), catalog };
}
