// Looks a plan over before it is shown: every judge of policies is asked.
import { organizationRole, type Caller } from '../aws/index.ts';
import type { Wanted } from './compile.ts';
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
}

/** Findings about documents, ways up that the plan opens, and whether it locks anybody out. */
export function planFindings({ wanted, accounts, access, caller, mode }: PlanView): readonly Finding[] {
  const { before, after, catalog } = access;
  const lint = mode === 'destroy' ? [] : lintFindings(accounts, catalog, wanted.partition);
  if (before === after) return lint;
  const entryRoles = [...(wanted.executor === undefined ? [] : [wanted.executor]), organizationRole];
  const blocks = mode === 'apply';
  return [...lint, ...changeFindings({ before, after, caller: caller.arn, options: { entryRoles }, blocks })];
}
