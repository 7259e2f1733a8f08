// Which accounts a selector means.
import { wildcardMatcher } from '../policy/index.ts';
import type { Definition, Selector } from './model.ts';

export type AccountEntry = Definition['accounts'][string];

const list = (texts: string | readonly string[]): readonly string[] => (typeof texts === 'string' ? [texts] : texts);

/** A unit lies in `Workloads` when it is `Workloads` or below it. */
function liesIn(ou: string | undefined, unit: string): boolean {
  return ou !== undefined && (ou === unit || ou.startsWith(`${unit}/`));
}

/** Stages in which limits are narrower, and a wide trust is an error rather than a warning. */
export const isProduction = (stage: string): boolean => /^prod(?:uction)?\b/i.test(stage);

function fits(name: string, account: AccountEntry, selector: Exclude<Selector, readonly string[]>): boolean {
  if (selector.name !== undefined && !list(selector.name).some((it) => wildcardMatcher(it)(name))) return false;
  if (selector.stage !== undefined && !list(selector.stage).includes(account.stage)) return false;
  if (selector.ou !== undefined && !list(selector.ou).some((unit) => liesIn(account.ou, unit))) return false;
  return Object.entries(selector.tag ?? {}).every(([key, value]) => account.tags?.[key] === value);
}

/** Whether a selector means `account`, which is one of the definition's. */
export function isSelected(definition: Definition, selector: Selector, account: string): boolean {
  if (Array.isArray(selector)) return selector.includes(account);
  return !(selector.except ?? []).includes(account) && fits(account, definition.accounts[account]!, selector);
}

/** Names of the accounts that a selector means, in the order of the definition. */
export function selectAccounts(definition: Definition, selector: Selector): string[] {
  return Object.keys(definition.accounts).filter((name) => isSelected(definition, selector, name));
}

/** Whether an entry with `only` and `except` counts in `account`. */
export function countsIn(
  entry: { readonly only?: readonly string[] | undefined; readonly except?: readonly string[] | undefined },
  account: string,
): boolean {
  return (entry.only === undefined || entry.only.includes(account)) && !(entry.except ?? []).includes(account);
}

/** Name of the central account, when there is one. */
export function centralAccount(definition: Definition): string | undefined {
  // Asked for each trust of each role: a list of all accounts every time took half of what compiling took.
  for (const name in definition.accounts) if (definition.accounts[name]!.central === true) return name;
  return undefined;
}

/** Name of the account in which guard rails are made: the one marked so, else the central one. */
export function managementAccount(definition: Definition): string | undefined {
  const marked = Object.entries(definition.accounts).find(([, account]) => account.management === true)?.[0];
  return marked ?? centralAccount(definition);
}

/** Stages in the order of waves; those that `stages` does not name come last, as accounts name them. */
export function stageOrder(definition: Definition): string[] {
  return [...new Set([...(definition.stages ?? []), ...Object.values(definition.accounts).map(({ stage }) => stage)])];
}
