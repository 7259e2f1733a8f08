// Findings that many things have in common, told once: what was said line by line for each account hid everything else.
import type { Finding } from './findings.ts';

const placesShown = 4;
/** Things that wait for their end are told one by one while they are few. */
const pendingShown = 10;

/** `role/deploy in shop-prod, web-prod and 3 more; user/root in central`. */
function placesText(findings: readonly Finding[]): string {
  const byResource = [...Map.groupBy(findings, ({ resource = '' }) => resource)];
  const shown = byResource.slice(0, placesShown).map(([resource, alike]) => {
    const accounts = alike.map(({ account = '' }) => account);
    const more = accounts.length > placesShown ? ` and ${accounts.length - placesShown} more` : '';
    return `${resource} in ${accounts.slice(0, placesShown).join(', ')}${more}`;
  });
  const rest = byResource.slice(placesShown).reduce((sum, [, alike]) => sum + alike.length, 0);
  return `${shown.join('; ')}${rest === 0 ? '' : `; and ${rest} more`}`;
}

function accountsText(findings: readonly Finding[]): string {
  const count = new Set(findings.map(({ account }) => account)).size;
  return count === 1 ? `in ${findings[0]!.account}` : `in ${count} accounts`;
}

/** One finding in place of those of a code; where it stood first. */
function folded(
  findings: readonly Finding[],
  code: string,
  most: number,
  message: (alike: readonly Finding[]) => string,
): Finding[] {
  const alike = findings.filter((it) => it.code === code);
  if (alike.length <= most) return [...findings];
  const [{ severity, hint }] = alike as [Finding];
  const one: Finding = { severity, code, message: `${message(alike)} (${placesText(alike)})`, hint };
  return findings.flatMap((it) => (it === alike[0] ? [one] : it.code === code ? [] : [it]));
}

/** What is protected, and what waits for its end, over all accounts of a plan. */
export function foldFindings(findings: readonly Finding[]): Finding[] {
  const apart = folded(
    findings,
    'protected',
    1,
    (alike) => `${alike.length} things ${accountsText(alike)} are protected: no plan removes them`,
  );
  return folded(
    apart,
    'pending-deletion',
    pendingShown,
    (alike) =>
      `${alike.length} things ${accountsText(alike)} can do nothing any more; an apply after their time of grace removes them`,
  );
}
