// How findings look, for people and for programs. Whatever brings findings about, a policy file, a definition or a plan
// of Terraform, ends here.
import { visibleLine } from '../../base/index.ts';
import type { LintSeverity } from '../../policy/index.ts';
import type { Io } from '../command.ts';
import { printData, printJson, say } from '../output.ts';

export type ReportSeverity = LintSeverity | 'info';

export interface ReportedFinding {
  readonly file: string;
  readonly severity: ReportSeverity;
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  /** Both from 1; absent when the finding has no place in the file. */
  readonly line?: number | undefined;
  readonly column?: number | undefined;
  /** Path within the policy document or the definition. */
  readonly path?: string | undefined;
  /** Names of accounts, where the finding holds in some only. */
  readonly accounts?: readonly string[] | undefined;
  /** `role/test_role`. */
  readonly resource?: string | undefined;
  readonly statement?: number | undefined;
  readonly sid?: string | undefined;
  readonly sources?: readonly string[] | undefined;
}

export interface LintReport {
  /** What was read, and as what: `identity`, `trust`, …, `definition`, `terraform plan`. */
  readonly files: readonly { readonly file: string; readonly kind: string; readonly access?: readonly string[] }[];
  readonly findings: readonly ReportedFinding[];
  /** Texts of the files, for the line that a finding points at. */
  readonly texts: ReadonlyMap<string, string>;
}

export interface ReportOptions {
  readonly json: boolean;
  /** The least that is shown. */
  readonly level: ReportSeverity;
}

/** From the gravest on. */
export const levels: readonly ReportSeverity[] = ['error', 'security', 'warning', 'suggestion', 'info'];

const rank = (severity: ReportSeverity): number => levels.indexOf(severity);

const words: Readonly<Record<ReportSeverity, readonly [one: string, more: string]>> = {
  error: ['error', 'errors'],
  security: ['security warning', 'security warnings'],
  warning: ['warning', 'warnings'],
  suggestion: ['suggestion', 'suggestions'],
  info: ['note', 'notes'],
};

const longestLine = 160;

/** The line that a finding points at, cut around its column, and a mark below it. */
function snippet({ line, column, file }: ReportedFinding, texts: LintReport['texts']): string[] {
  const text = line === undefined ? undefined : texts.get(file)?.split(/\r\n|\r|\n/)[line - 1];
  if (text === undefined || text.trim() === '' || column === undefined) return [];
  const from = Math.max(0, Math.min(column - 1 - longestLine / 2, text.length - longestLine));
  const cut = text.slice(from, from + longestLine).replaceAll('\t', ' ');
  const number = String(line);
  return [`  ${number} | ${cut}`, `  ${' '.repeat(number.length)} | ${' '.repeat(Math.max(0, column - 1 - from))}^`];
}

function findingText(finding: ReportedFinding, texts: LintReport['texts']): string[] {
  const { file, line, column, severity, code, message, hint, resource, accounts = [] } = finding;
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  const where = [resource, accounts.length > 0 ? `in ${accounts.join(', ')}` : undefined].filter(
    (it) => it !== undefined,
  );
  const about = where.length === 0 ? '' : `${where.join(' ')}: `;
  const lines = [
    `${place}: ${severity}[${code}]: ${about}${message}`,
    ...snippet(finding, texts),
    ...(hint === undefined ? [] : [`  hint: ${hint}`]),
  ];
  // SECURITY: the files are those of whoever asks for a review.
  return lines.map(visibleLine);
}

/** `2 errors, 1 warning`, or that there is nothing. */
function summary(findings: readonly ReportedFinding[]): string {
  const parts = levels.flatMap((level) => {
    const count = findings.filter(({ severity }) => severity === level).length;
    return count === 0 ? [] : [`${count} ${words[level][count === 1 ? 0 : 1]}`];
  });
  return parts.length === 0 ? 'nothing found' : parts.join(', ');
}

/** Prints a report, and sets exit code 1 when it has an error. */
export function tellReport(io: Io, report: LintReport, { json, level }: ReportOptions): void {
  const shown = report.findings.filter(({ severity }) => rank(severity) <= rank(level));
  const ordered = shown.toSorted(
    (a, b) =>
      report.files.findIndex(({ file }) => file === a.file) - report.files.findIndex(({ file }) => file === b.file) ||
      (a.line ?? 0) - (b.line ?? 0) ||
      (a.column ?? 0) - (b.column ?? 0) ||
      rank(a.severity) - rank(b.severity),
  );
  if (json) printJson(io, { version: 1, files: report.files, findings: ordered });
  else for (const finding of ordered) printData(io, findingText(finding, report.texts).join('\n'));
  say(io, summary(shown));
  const hidden = report.findings.length - shown.length;
  if (hidden > 0) say(io, `${hidden} of less weight not shown: \`--level suggestion\` or \`--level info\` shows them`);
  if (report.findings.some(({ severity }) => severity === 'error')) io.exit(1);
}
