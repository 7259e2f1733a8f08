// What is said of a run that did not come to its end, or whose end could not be proved.
import { accessFailure } from './failures.ts';
import type { Plan } from './plan.ts';
import type { Prover, Readiness } from './prove.ts';
import { readReasons, type ReadReason } from './readiness.ts';
import type { RunOutcome } from './waves.ts';

const shownRoles = 5;

function notReadyText({ notReady }: Readiness): string[] {
  if (notReady.length === 0) return [];
  const shown = notReady.slice(0, shownRoles).map(({ role, message }) => `\`${role}\` (${message})`);
  const more = notReady.length > shownRoles ? ` and ${notReady.length - shownRoles} more` : '';
  return [`not ready: ${shown.join(', ')}${more}`];
}

/** What was proved of the roles of a run, in one line: by being assumed, or only by being read. */
export function readinessLine({ assumed, read }: Readiness): string | undefined {
  const parts = (Object.keys(readReasons) as ReadReason[]).flatMap((why) => {
    const roles = read[why]?.length ?? 0;
    return roles === 0 ? [] : [`${roles} that ${readReasons[why]}`];
  });
  const proved = assumed.length === 0 ? [] : [`${assumed.length} assumed`];
  const seen = parts.length === 0 ? [] : [`read back only: ${parts.join(', ')}`];
  return proved.length + seen.length === 0 ? undefined : `Roles ready: ${[...proved, ...seen].join('; ')}.`;
}

const stepsText = (count: number): string => `${count === 1 ? '1 step was' : `${count} steps were`} not started`;
const laterText = (count: number): string[] => (count > 0 ? [stepsText(count)] : []);

function failuresText(plan: Plan, { failures, notStarted }: RunOutcome, readiness: Readiness): string {
  const lines = failures.map(({ account, step, code, message }) => {
    const name = plan.accounts.find(({ id }) => id === account)?.name ?? account;
    return `${name} stopped at ${step}: ${code}: ${message}`;
  });
  return [...lines, ...notReadyText(readiness), ...laterText(notStarted.length)].join('\n');
}

/** Of a run that was not ended by itself. @throws Failure `apply-failed`, `role-not-ready`, `interrupted`. */
export function checkOutcome(plan: Plan, outcome: RunOutcome, prover: Prover): void {
  const { readiness, stopped } = prover;
  const { failures, notStarted } = outcome;
  if (failures.length > 0) {
    throw accessFailure('apply-failed', failuresText(plan, outcome, readiness), {
      hint: 'put the cause right and apply again: what is done stays done, and only the rest is planned; `stint undo` takes this run back',
      detail: outcome,
    });
  }
  if (notStarted.length > 0 && readiness.notReady.length > 0) refuseUnready(readiness, notStarted.length);
  if (notStarted.length === 0 && stopped === 0) return;
  const what =
    notStarted.length > 0
      ? stepsText(notStarted.length)
      : `every call was made, but ${stopped === 1 ? '1 role was' : `${stopped} roles were`} not waited for`;
  throw accessFailure('interrupted', `stopped on request; ${what}`, {
    hint: 'apply again to go on: only the rest is planned; `stint undo` takes this run back',
  });
}

function refuseUnready(readiness: Readiness, later: number): never {
  throw accessFailure('role-not-ready', [...notReadyText(readiness), ...laterText(later)].join('\n'), {
    hint: 'nothing was undone: give AWS a while, then apply again and try the roles yourself; `stint undo` takes this run back',
  });
}

/** Of a run whose every call was made. @throws Failure `role-not-ready`. */
export function checkReady({ readiness }: Prover): void {
  if (readiness.notReady.length > 0) refuseUnready(readiness, 0);
}
