// Looks a plan over before it is shown: every judge of policies is asked.
import { organizationRole, type Caller } from '../aws/index.ts';
import type { Wanted } from './compile.ts';
import type { Locator } from './definition-place.ts';
import type { Finding } from './findings.ts';
import type { PlanAccess } from './meaning.ts';
import { changeFindings, lintFindings } from './policy-findings.ts';
import type { WantedAccount } from './resources.ts';

export interface PlanView {
  readonly wanted: Wanted;
  /** The accounts that are planned, as wanted. */
  readonly accounts: readonly WantedAccount[];
  readonly access: PlanAccess;
  readonly caller: Caller;
  readonly mode: 'apply' | 'destroy';
  /** Tells where things stand in the definition's file. */
  readonly locator?: Locator | undefined;
  /** Whether to lock somebody out is an error; else it is only told. */
  readonly blocks: boolean;
}

/** Findings about documents, ways up that the plan opens, and whether it locks anybody out. */
export function planFindings({
  wanted,
  accounts,
  access,
  caller,
  mode,
  blocks,
  locator,
}: PlanView): readonly Finding[] {
  const { before, after, catalog } = access;
  const lint = mode === 'destroy' ? [] : lintFindings(accounts, catalog, wanted.partition, locator);
  // Where nothing changes, nothing can be won or lost.
  if (before === after) return lint;
  const changed = changeFindings({
    before,
    after,
    caller: caller.arn,
    options: { entryRoles: [...(wanted.executor === undefined ? [] : [wanted.executor]), organizationRole] },
    blocks,
    marked: new Set(wanted.marked),
  });
  return [...lint, ...changed];
}
