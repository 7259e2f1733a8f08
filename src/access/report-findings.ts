// Findings as people read them: one for all the accounts and things for which it is the same, with its cure below it.
import type { Finding } from './findings.ts';

/** `error[lock-out] central user/Administrator: …`, with its cure on the next line. */
export function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ severity, code, account, resource, message, hint }) => {
    const place = [account, resource].filter((part) => part !== undefined).join(' ');
    const line = `${severity}[${code}]${place === '' ? '' : ` ${place}`}: ${message}`;
    return hint === undefined ? [line] : [line, `  hint: ${hint}`];
  });
}

/** Of a finding that tells who is an administrator by the definition's own word. */
export const markedCode = 'admin-by-definition';

const order = { error: 0, warning: 1, info: 2 } as const;

/** `dev role/a`, `role/a, role/b in dev, test`, `role/a`, `dev`; nothing. */
function placeText(same: readonly Finding[], label: (accounts: readonly string[]) => string): string {
  const resources = [...new Set(same.map(({ resource }) => resource).filter((it) => it !== undefined))];
  const accounts = [...new Set(same.map(({ account }) => account).filter((it) => it !== undefined))];
  if (accounts.length === 0) return resources.join(', ');
  if (accounts.length === 1) return [accounts[0], ...resources].join(' ');
  return resources.length === 0 ? label(accounts) : `${resources.join(', ')} in ${label(accounts)}`;
}

/** `admin by definition: role owner in prod; user alice in central`: those whom the definition marks, in one line. */
export function markedLines(findings: readonly Finding[], label: (accounts: readonly string[]) => string): string[] {
  const marked = findings.filter(({ code }) => code === markedCode);
  const byResource = Map.groupBy(marked, ({ resource = '' }) => resource.replace('/', ' '));
  const alike = Map.groupBy(byResource, ([, some]) => label(some.map(({ account = '' }) => account)));
  const parts = [...alike].map(([where, some]) => `${some.map(([name]) => name).join(', ')} in ${where}`);
  return parts.length === 0 ? [] : [`admin by definition (\`marked\`): ${parts.join('; ')}`];
}

/** The gravest first; what says the same of several things or accounts is one, and a cure that several share stands once. */
export function foldedFindings(findings: readonly Finding[], label: (accounts: readonly string[]) => string): string[] {
  const sorted = findings.toSorted((a, b) => order[a.severity] - order[b.severity]);
  const alike = Map.groupBy(sorted, ({ severity, code, message, hint, resource, account }) => {
    // Things that are alike in the same accounts would be told as if each were in all of them.
    const where = findings
      .filter((it) => it.code === code && it.message === message && it.resource === resource)
      .map((it) => it.account);
    return JSON.stringify([severity, code, message, hint, account === undefined ? resource : where]);
  });
  const blocks = [...alike.values()].map((same) => {
    const { severity, code, message, hint } = same[0]!;
    const place = placeText(same, label);
    return { line: `${severity}[${code}]${place === '' ? '' : ` ${place}`}: ${message}`, hint };
  });
  return blocks.flatMap(({ line, hint }, index) =>
    hint === undefined || blocks[index + 1]?.hint === hint ? [line] : [line, `  hint: ${hint}`],
  );
}
