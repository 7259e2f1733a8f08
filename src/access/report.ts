// A plan as people read it: exact, short, by account and resource, then who gains which role.
import { diffJson } from '../policy/index.ts';
import type { Finding } from './findings.ts';
import type { Change, Plan } from './plan.ts';

const signs = { add: '+', change: '~', destroy: '-' } as const;
const kindWords: Readonly<Record<string, string>> = { 'instance-profile': 'instance profile', 'password-policy': '' };

function changeLines(change: Change): string[] {
  const kind = kindWords[change.kind] ?? change.kind;
  const title = `  ${signs[change.action]} ${kind === '' ? change.name : `${kind} ${change.name}`}`;
  // What goes, goes whole: its parts are not news.
  if (change.action === 'destroy') return [title];
  return [
    title,
    ...change.details.map(({ sign, text }) => `      ${change.action === 'add' ? '' : `${sign} `}${text}`),
  ];
}

/** One change with the calls that make it, in their order. */
export function changeText({ steps }: Plan, change: Change): string {
  const calls = steps.filter(({ id }) => id.startsWith(`${change.id}#`)).map(({ operation }) => `      ${operation}`);
  return [`${change.account} ${change.accountId}`, ...changeLines(change), '  calls', ...calls].join('\n');
}

/** `test_role in dev, test, prod; app in dev`. */
function targetsText(targets: readonly string[]): string {
  const byRole = new Map<string, string[]>();
  for (const target of targets) {
    const slash = target.indexOf('/');
    const role = target.slice(slash + 1);
    byRole.set(role, [...(byRole.get(role) ?? []), target.slice(0, slash)]);
  }
  return [...byRole].map(([role, accounts]) => `${role} in ${accounts.join(', ')}`).join('; ');
}

function accessLines({ access, meaning }: Plan): string[] {
  const roles = access.flatMap(({ group, gains, loses }) => [
    ...(gains.length > 0 ? [`  + ${group} gains ${targetsText(gains)}`] : []),
    ...(loses.length > 0 ? [`  - ${group} loses ${targetsText(loses)}`] : []),
  ]);
  const lines = [...roles, ...(meaning?.lines ?? [])];
  return lines.length === 0 ? [] : ['access', ...lines, ''];
}

/** `error[lock-out] central user/Administrator: …`, with its cure on the next line. */
export function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ severity, code, account, resource, message, hint }) => {
    const place = [account, resource].filter((part) => part !== undefined).join(' ');
    const line = `${severity}[${code}]${place === '' ? '' : ` ${place}`}: ${message}`;
    return hint === undefined ? [line] : [line, `  hint: ${hint}`];
  });
}

/** Which defaults of good practice the plan was made with, and which are switched off. */
function defaultLines({ defaults }: Plan): string[] {
  const names = (on: boolean): string =>
    defaults
      .filter((it) => it.on === on)
      .map(({ name }) => name)
      .join(', ');
  return [
    ...(names(true) === '' ? [] : [`defaults in force: ${names(true)}`]),
    ...(names(false) === '' ? [] : [`defaults switched off: ${names(false)}`]),
  ];
}

/** `Plan: 7 to add, 1 to change, 0 to destroy`. */
export function summaryLine({ summary }: Plan): string {
  return `Plan: ${summary.add} to add, ${summary.change} to change, ${summary.destroy} to destroy`;
}

/** The whole plan for people, ending in the line that counts. */
export function planText(plan: Plan): string {
  const accounts = plan.accounts.flatMap(({ id, name }) => {
    const changes = plan.changes.filter(({ accountId }) => accountId === id);
    return changes.length === 0 ? [] : [`${name} ${id}`, ...changes.flatMap(changeLines), ''];
  });
  const notes = plan.passwords.map(
    ({ account, user }) =>
      `note: ${user} in ${account} has no console password yet; \`stint apply --passwords FILE\` makes one`,
  );
  const findings = [...findingLines(plan.findings), ...notes];
  const body = [...accounts, ...accessLines(plan), ...findings, ...(findings.length > 0 ? [''] : [])];
  body.push(...defaultLines(plan));
  if (plan.changes.length === 0) body.push('No changes: AWS is as the definition says.');
  return [...body, summaryLine(plan)].join('\n');
}

/**
 * The plan for programs. Members may be added; `version` (1) rises when one changes its meaning or goes:
 * `definition` its name · `organization` or null · `accounts` `{id, name, stage}`, in the order of waves ·
 * `summary` `{add, change, destroy}` · `changes` see `Change` · `steps` `{id, account, operation, after}`, `account`
 * an id, `after` ids of steps · `access` `{group, gains, loses}`, targets as `account/role` · `permissions` see
 * `diffJson`, or null · `findings` see `Finding` · `passwords` `{account, user}` · `outputs` name to text ·
 * `defaults` `{name, on, text, reason}`. Never holds a secret.
 */
export function planJson(plan: Plan): object {
  return {
    version: 1,
    definition: plan.definition,
    organization: plan.organization ?? null,
    accounts: plan.accounts,
    summary: plan.summary,
    changes: plan.changes,
    steps: plan.steps.map(({ id, account, operation, after }) => ({ id, account, operation, after })),
    access: plan.access,
    permissions: plan.meaning === undefined ? null : diffJson(plan.meaning),
    findings: plan.findings,
    passwords: plan.passwords,
    outputs: plan.outputs,
    defaults: plan.defaults,
  };
}
