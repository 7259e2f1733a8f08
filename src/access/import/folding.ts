// One finding for all accounts in which the same is to be said: an estate has hundreds of accounts.
import type { Finding } from '../findings.ts';

/** Named one by one while they are few. */
const shown = 3;

function accountsText(accounts: readonly string[]): string {
  const names = accounts.slice(0, shown).join(', ');
  return accounts.length <= shown ? names : `${names} and ${accounts.length - shown} more accounts`;
}

function folded(findings: readonly Finding[]): Finding {
  const { account: _first, ...finding } = findings[0]!;
  const accounts = [...new Set(findings.flatMap(({ account }) => account ?? []))];
  if (accounts.length <= 1) return findings[0]!;
  return { ...finding, message: `${finding.message} (in ${accountsText(accounts)})` };
}

/** The findings, those that differ in their account only as one, each at the place of the first. */
export function foldFindings(findings: readonly Finding[]): Finding[] {
  const groups = Map.groupBy(findings, ({ severity, code, resource, message, hint }) =>
    JSON.stringify([severity, code, resource, message, hint]),
  );
  return [...groups.values()].map(folded);
}
