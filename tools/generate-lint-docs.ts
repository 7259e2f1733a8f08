// Writes docs/lint.md: every check of policy documents, from the table of checks itself. With `--check` it writes
// nothing and fails when the page is not fresh.
import { readFileSync, writeFileSync } from 'node:fs';
import {
  checkGroups,
  escalationMethods,
  scpSources,
  type Check,
  type CheckGroup,
  type Method,
} from '../src/policy/index.ts';

const file = 'docs/lint.md';

const severityWords = {
  error: 'error',
  security: 'security warning',
  warning: 'warning',
  suggestion: 'suggestion',
} as const;

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

function rowOf({ id, severity, title, cure, sources, kinds }: Check): string {
  const where = kinds === undefined ? 'all' : kinds.join(', ');
  const source = sources.length === 0 ? 'Stint' : sources.join('; ');
  return `| \`${id}\` | ${severityWords[severity]} | ${where} | ${cell(title)} | ${cell(cure)} | ${cell(source)} |`;
}

function sectionOf({ title, checks }: CheckGroup): string {
  return [
    `## ${title}`,
    '',
    '| Check | Severity | Kinds | Finds | Cure | Also in |',
    '| --- | --- | --- | --- | --- | --- |',
    ...checks.map(rowOf),
    '',
  ].join('\n');
}

const outcomes: Readonly<Record<Method['outcome'], string>> = {
  any: 'any permission, within boundaries',
  becomes: 'acts as the other',
  joins: 'has what the group has',
  sheds: 'loses what held it back',
  takes: 'reads or takes over data',
};

function methodRow({ id, title, needs, oneOf = [], outcome, services, given }: Method): string {
  const all = needs.map(({ action }) => `\`${action}\``).join(', ');
  const one = oneOf.map(({ action }) => `\`${action}\``).join(' or ');
  const calls = [all, one].filter((it) => it !== '').join(' and ');
  const where = services === undefined ? '' : `; the role trusts ${services.map((it) => `\`${it}\``).join(' or ')}`;
  return `| \`${id}\` | ${title} | ${calls}${where} | ${outcomes[outcome]} | ${given ?? '–'} |`;
}

function waysUp(): string {
  return [
    '## Ways up',
    '',
    '`stint lint` of a definition and `stint plan` also search for ways by which somebody becomes more than he is: step by step over these methods, through every account,',
    'each step with the statement that grants it. A plan tells the ways that it opens (`escalation`); a way is sure unless it hangs on a condition that nobody knows or on what stands under "given".',
    'To assume a role that trusts one is no way up, but may be a step of one; an administrator has none.',
    '',
    '| Method | What happens | Needs | Outcome | Given |',
    '| --- | --- | --- | --- | --- |',
    ...escalationMethods.map(methodRow),
    '',
    '## Locked out',
    '',
    'A plan is refused when it would lock its makers out; `--allow-lock-out`, and `stint destroy`, only tell:',
    '',
    '- `executor-changed`: the role by which an account is entered is removed, or its trust or rights change.',
    '- `caller-locked-out`: whoever applies has no way to administer an account afterwards, and had one before.',
    '- `no-administrator`: no user is an administrator of an account afterwards, nor can become one by assuming a role.',
    '- `no-break-glass`: a user tagged `stint:marked=break-glass` loses a way to administer an account.',
    '- `user-locked-out`: a user can no longer set up MFA, or change a password, without MFA.',
    '',
  ].join('\n');
}

function page(): string {
  const checks = checkGroups.flatMap((group) => group.checks);
  const count = (severity: Check['severity']): number => checks.filter((check) => check.severity === severity).length;
  return [
    '# What `stint lint` looks for',
    '',
    `${checks.length} checks of policy documents: ${count('error')} errors, ${count('security')} security warnings, ${count('warning')} warnings, ${count('suggestion')} suggestions.`,
    'This page is generated from the table that the linter runs; `Also in` names the same check of IAM Access Analyzer (by its title in the IAM user guide), parliament or cloudsplaining.',
    '',
    '- An **error** is refused by AWS, or cannot mean what was meant. It ends `stint lint` with 1 and blocks `stint apply`.',
    '- A **security warning** lets in more than it seems to.',
    '- A **warning** may not do what it says. What the catalogue of actions does not know may be newer than this Stint, so it is a warning unless a name like it exists.',
    '- A **suggestion** could be said better, or deserves a second look. `stint plan` leaves suggestions to `stint lint`.',
    '',
    'Kinds of documents: `identity` (managed and inline policies), `boundary`, `session`, `trust` (of a role), `resource` (of a bucket, key, queue…), `scp`, `rcp`.',
    '',
    `Access Analyzer's five errors about the syntax of service control policies other than \`SCP syntax error principal\` are not here: since September 2025 Organizations takes conditions, resources, \`NotAction\` with Allow, \`NotResource\` and wildcards anywhere in actions ([AWS Security Blog](${scpSources.announced}), [Organizations user guide, "SCP syntax"](${scpSources.guide})).`,
    '',
    ...checkGroups.map(sectionOf),
    waysUp(),
  ].join('\n');
}

const text = `${page().trimEnd()}\n`;
if (process.argv.includes('--check')) {
  const stored = readFileSync(file, 'utf8');
  if (stored !== text) {
    console.error(`${file} is not fresh: run \`npm run generate:docs\``);
    process.exitCode = 1;
  }
} else {
  writeFileSync(file, text);
}
