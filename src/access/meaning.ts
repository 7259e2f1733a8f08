// What a plan means: who gains and who loses which access. Reads the catalogue of actions and AWS's own policies, which
// planning itself does not need.
import {
  accessDiff,
  loadCatalog,
  managedDocuments,
  type AccessDiff,
  type AuthorizationDetails,
  type Catalog,
} from '../policy/index.ts';
import { authorizationAfter, authorizationBefore, managedArns, unitsOf } from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Plan } from './plan.ts';
import type { SeenAccount } from './resources.ts';

export interface Meaning extends AccessDiff {
  /** With which it is told. */
  readonly catalog: Catalog;
}

/** Access before a plan and after it, and the catalogue to read it with. */
export interface PlanAccess {
  readonly catalog: Catalog;
  readonly before: AuthorizationDetails;
  readonly after: AuthorizationDetails;
}

/** Reads what the judges of `plan`, which was made of `wanted` and `seen`, look at. */
export async function accessOf(plan: Plan, wanted: Wanted, seen: readonly SeenAccount[]): Promise<PlanAccess> {
  const { partition, organization } = wanted;
  const [catalog, managed] = await Promise.all([
    loadCatalog(),
    managedDocuments(managedArns([...wanted.accounts, ...seen])),
  ]);
  const scope = { partition, organization, managed, units: unitsOf(wanted.accounts) };
  const before = authorizationBefore(scope, seen);
  const after = plan.changes.length === 0 ? before : authorizationAfter(scope, wanted, seen, plan.changes);
  return { catalog, before, after };
}

/** What comes of carrying out a plan. */
export function meaningOf({ catalog, before, after }: PlanAccess): Meaning {
  if (before === after) return { changes: [], trust: [], catalog };
  return { ...accessDiff(catalog, before, after), catalog };
}
