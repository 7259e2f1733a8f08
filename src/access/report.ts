// A plan as people read it: what changes, who gains and loses what, what ends when, what to know. Short by default, with
// everything that is folded counted; `full` has every account and every line.
import { visibleLine } from '../base/index.ts';
import {
  accessBriefLines,
  accessDiffLines,
  diffJson,
  type AccessDiff,
  type BriefOptions,
  type Catalog,
} from '../policy/index.ts';
import { accountLabel } from './account-label.ts';
import { findingLines, foldedFindings, markedCode, markedLines } from './report-findings.ts';
import type { Change, Plan } from './plan.ts';
import type { AccountRef } from './resources.ts';
import { changeLines, foldedChanges } from './report-changes.ts';

export interface PlanTextOptions {
  /** Every account for itself, and every line. */
  readonly full?: boolean | undefined;
  /** Whether there is a place for first console passwords. */
  readonly passwords?: boolean | undefined;
}

type Label = (accounts: readonly string[]) => string;

/** One change with the calls that make it, in their order. */
export function changeText({ steps }: Plan, change: Change): string {
  const calls = steps.filter(({ id }) => id.startsWith(`${change.id}#`)).map(({ operation }) => `      ${operation}`);
  return [`${change.account} ${change.accountId}`, ...changeLines(change), '  calls', ...calls]
    .map(visibleLine)
    .join('\n');
}

/** `test_role in dev, test, prod; app in dev`. */
function targetsText(targets: readonly string[], label: Label): string {
  const byRole = Map.groupBy(targets, (target) => target.slice(target.indexOf('/') + 1));
  return [...byRole]
    .map(([role, some]) => `${role} in ${label(some.map((it) => it.slice(0, it.indexOf('/'))))}`)
    .join('; ');
}

const assuming = new Set(['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession']);

/** A change of access for people, with sets of accounts among `accounts` in words. `full`: every account and line. */
export function accessText(
  catalog: Catalog,
  diff: AccessDiff,
  accounts: readonly AccountRef[],
  full = false,
  isTold?: BriefOptions['isTold'],
): readonly string[] {
  if (full) return accessDiffLines(catalog, diff, true);
  const names = new Map(accounts.map(({ id, name }) => [id, name]));
  return accessBriefLines(catalog, diff, {
    label: accountLabel(accounts),
    nameOf: (id) => names.get(id) ?? `account ${id}`,
    isTold,
  });
}

function meaningLines({ meaning, access, accounts }: Plan, full: boolean): readonly string[] {
  if (meaning === undefined) return [];
  const told = new Map(access.map(({ group, gains, loses }) => [group, { '+': gains, '-': loses }]));
  // The lines of groups and roles say the same.
  const isTold: BriefOptions['isTold'] = ({ kind, name }, grant, sign) =>
    kind === 'group' &&
    (told.get(name)?.[sign].length ?? 0) > 0 &&
    grant.actions.every((action) => assuming.has(action)) &&
    grant.resources.every((arn) => /^arn:[^:]+:iam::(?:\d{12}|\{account\}):role\/[^*?]+$/.test(arn));
  return accessText(meaning.catalog, meaning, accounts, full, isTold);
}

function accessLines(plan: Plan, label: Label, full: boolean): string[] {
  const roles = plan.access.flatMap(({ group, gains, loses }) => [
    ...(gains.length > 0 ? [`  + ${group} gains ${targetsText(gains, label)}`] : []),
    ...(loses.length > 0 ? [`  - ${group} loses ${targetsText(loses, label)}`] : []),
  ]);
  const lines = [...roles, ...meaningLines(plan, full)];
  return lines.length === 0 ? [] : ['access', ...lines, ''];
}

const day = (when: string): string => when.replace(/T00:00:00Z$/, '');

/** What ends of what is there, and when; not told where nothing of the definition changes or ends. */
function expiringLines({ expiring }: Plan, label: Label): string[] {
  if (expiring.length === 0) return [];
  const alike = Map.groupBy(expiring, ({ when, reason, accounts }) => JSON.stringify([when, reason, accounts]));
  const lines = [...alike.values()].map((same) => {
    const { when, reason, accounts } = same[0]!;
    const where = accounts.length === 0 ? '' : ` in ${label(accounts)}`;
    return `  ${day(when)}  ${same.map(({ what }) => what).join(', ')}${where}${reason === undefined ? '' : `: ${reason}`}`;
  });
  return ['expires', ...lines, ''];
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

function passwordNotes({ passwords }: Plan, hasPlace: boolean): string[] {
  const byAccount = Map.groupBy(passwords, ({ account }) => account);
  return [...byAccount].map(([account, people]) => {
    const names = people.map(({ user }) => user).join(', ');
    const one = people.length === 1;
    return hasPlace
      ? `note: ${names} in ${account} ${one ? 'gets a first console password' : 'get first console passwords'}`
      : `note: ${names} in ${account} ${one ? 'has' : 'have'} no console password yet; \`stint apply --passwords FILE\` makes ${one ? 'one' : 'them'}`;
  });
}

function changesLines({ accounts, changes }: Plan, label: Label, full: boolean): string[] {
  if (!full) return foldedChanges(changes, label);
  return accounts.flatMap(({ id, name }) => {
    const own = changes.filter(({ accountId }) => accountId === id);
    return own.length === 0 ? [] : [`${name} ${id}`, ...own.flatMap(changeLines), ''];
  });
}

/** The whole plan for people, ending in the line that counts. */
export function planText(plan: Plan, { full = false, passwords = false }: PlanTextOptions = {}): string {
  const label = accountLabel(plan.accounts, full);
  const told = plan.findings.filter(({ code }) => full || code !== markedCode);
  const findings = [
    ...(full ? findingLines(told) : [...markedLines(plan.findings, label), ...foldedFindings(told, label)]),
    ...passwordNotes(plan, passwords),
  ];
  const body = [
    ...changesLines(plan, label, full),
    ...accessLines(plan, label, full),
    ...expiringLines(plan, label),
    ...findings,
    ...(findings.length > 0 ? [''] : []),
    ...defaultLines(plan),
  ];
  if (plan.changes.length === 0) body.push('No changes: AWS is as the definition says.');
  else if (!full) body.push('`--full` tells every account and every line, `--json` every action');
  return [...body, summaryLine(plan)].map(visibleLine).join('\n');
}

/** Who gains and loses which actions, for programs; null where nobody has looked. */
export function permissionsJson({ meaning }: Plan): object | null {
  return meaning === undefined ? null : diffJson(meaning);
}

/**
 * The plan for programs. Members may be added; `version` (1) rises when one changes its meaning or goes:
 * `definition` its name · `organization` or null · `accounts` `{id, name, stage}`, in the order of waves ·
 * `summary` `{add, change, destroy}` · `changes` see `Change` · `steps` `{id, account, operation, after}`, `account`
 * an id, `after` ids of steps · `access` `{group, gains, loses}`, targets as `account/role` · `permissions` see
 * `diffJson`, or null · `findings` see `Finding` · `expires` `{what, accounts, when, reason}`, the soonest first ·
 * `passwords` `{account, user}` · `outputs` name to text · `defaults` `{name, on, text, reason}`. Never holds a secret.
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
    permissions: permissionsJson(plan),
    findings: plan.findings,
    expires: plan.expiring,
    passwords: plan.passwords,
    outputs: plan.outputs,
    defaults: plan.defaults,
  };
}
