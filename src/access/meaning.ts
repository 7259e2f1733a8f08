// What a plan means: who gains and who loses which access. Reads the catalogue of actions and AWS's own policies, which
// planning itself does not need.
import {
  accessDiff,
  accessDiffLines,
  isGain,
  loadCatalog,
  managedDocuments,
  type AccessDiff,
} from '../policy/index.ts';
import { authorizationAfter, authorizationBefore, managedArns } from './authorization.ts';
import type { Wanted } from './compile.ts';
import type { Plan } from './plan.ts';
import type { SeenAccount } from './resources.ts';

export interface Meaning extends AccessDiff {
  /** The same for people. */
  readonly lines: readonly string[];
  /** Whether anybody gains anything. */
  readonly gain: boolean;
}

/** What comes of carrying out `plan`, which was made of `wanted` and `seen`. */
export async function meaningOf(plan: Plan, wanted: Wanted, seen: readonly SeenAccount[]): Promise<Meaning> {
  if (plan.changes.length === 0) return { changes: [], trust: [], lines: [], gain: false };
  const { partition, organization } = wanted;
  const [catalog, managed] = await Promise.all([
    loadCatalog(),
    managedDocuments(managedArns([...wanted.accounts, ...seen])),
  ]);
  const scope = { partition, organization, managed };
  const diff = accessDiff(
    catalog,
    authorizationBefore(scope, seen),
    authorizationAfter(scope, wanted, seen, plan.changes),
  );
  return { ...diff, lines: accessDiffLines(catalog, diff), gain: isGain(diff) };
}
