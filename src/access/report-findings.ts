// Findings as people read them: one for all the accounts and things for which it is the same, with its cure below it.
import { visibleLine } from '../base/index.ts';
import type { Finding } from './findings.ts';
import { snippetLines, type Place } from './place.ts';

const placeName = ({ file, line, column }: Place): string => `${file}:${line}:${column}`;

/** The place of a finding: with its line where it is grave, else at the end of what it says. */
function withPlace(line: string, { severity, place }: Finding): string[] {
  if (place === undefined) return [visibleLine(line)];
  if (severity === 'info') return [visibleLine(`${line} (${placeName(place)})`)];
  return [visibleLine(line), `  at ${placeName(place)}`, ...snippetLines(place)];
}

/** `error[lock-out] central user/Administrator: …`, its place in the definition below it, and its cure. */
export function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap((finding) => {
    const { severity, code, account, resource, message, hint } = finding;
    const place = [account, resource].filter((part) => part !== undefined).join(' ');
    const lines = withPlace(`${severity}[${code}]${place === '' ? '' : ` ${place}`}: ${message}`, finding);
    return hint === undefined ? lines : [...lines, `  hint: ${visibleLine(hint)}`];
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
  const alike = Map.groupBy(sorted, ({ severity, code, message, hint, resource, account, place }) => {
    // Things that are alike in the same accounts would be told as if each were in all of them.
    const where = findings
      .filter((it) => it.code === code && it.message === message && it.resource === resource)
      .map((it) => it.account);
    return JSON.stringify([
      severity,
      code,
      message,
      hint,
      account === undefined ? resource : where,
      severity === 'info' ? null : place,
    ]);
  });
  const blocks = [...alike.values()].map((same) => {
    const { severity, code, message, hint } = same[0]!;
    const place = placeText(same, label);
    const line = `${severity}[${code}]${place === '' ? '' : ` ${place}`}: ${message}`;
    return { lines: withPlace(line, same[0]!), hint };
  });
  return blocks.flatMap(({ lines, hint }, index) =>
    hint === undefined || blocks[index + 1]?.hint === hint ? lines : [...lines, `  hint: ${visibleLine(hint)}`],
  );
}
