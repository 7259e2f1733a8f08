// A plan kept in a file: what was wanted, and a hash of what AWS showed of everything that would change.
// Its apply looks again and refuses when anything moved in between.
import { readFileSync, writeFileSync } from 'node:fs';
import { accessFailure } from './failures.ts';
import type { Wanted } from './compile.ts';
import type { Plan } from './plan.ts';

export interface PlanFile {
  readonly format: 'stint-plan';
  readonly version: 1;
  readonly wanted: Wanted;
  /** Ids of the accounts that were looked at. */
  readonly accounts: readonly string[];
  /** By change id: the action and the hash of what was seen. */
  readonly observed: Readonly<Record<string, string>>;
}

function observedOf(plan: Plan): Record<string, string> {
  return Object.fromEntries(plan.changes.map(({ id, action, observed }) => [id, `${action} ${observed}`]));
}

/** Writes a plan file (0600: it tells how access is arranged). */
export function writePlanFile(file: string, wanted: Wanted, plan: Plan): void {
  const content: PlanFile = {
    format: 'stint-plan',
    version: 1,
    wanted,
    accounts: plan.accounts.map(({ id }) => id),
    observed: observedOf(plan),
  };
  try {
    writeFileSync(file, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  } catch (cause) {
    throw accessFailure('plan-file-invalid', `cannot write \`${file}\``, {
      hint: 'name a file in a folder that exists',
      cause,
    });
  }
}

/** Whether the file says of itself that it is a plan, whatever its version. */
export function isPlanFile(file: string): boolean {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as Partial<PlanFile> | null)?.format === 'stint-plan';
  } catch {
    return false;
  }
}

/** Reads a plan file. @throws Failure `plan-file-invalid`. */
export function readPlanFile(file: string): PlanFile {
  let content: Partial<PlanFile>;
  try {
    content = JSON.parse(readFileSync(file, 'utf8')) as Partial<PlanFile>;
  } catch (cause) {
    throw accessFailure('plan-file-invalid', `cannot read \`${file}\` as a plan`, {
      hint: 'make one with `stint plan -o FILE`',
      cause,
    });
  }
  if (content?.format !== 'stint-plan') {
    throw accessFailure('plan-file-invalid', `\`${file}\` is not a plan`, {
      hint: 'make one with `stint plan -o FILE`',
    });
  }
  if (content.version !== 1 || content.wanted === undefined) {
    throw accessFailure(
      'plan-file-invalid',
      `\`${file}\` is a plan of version ${content.version}, which this Stint cannot read`,
      {
        hint: 'plan again with this Stint, or apply with the one that planned',
      },
    );
  }
  const whole = typeof content.observed === 'object' && content.observed !== null && Array.isArray(content.accounts);
  if (!whole || !Array.isArray(content.wanted?.accounts) || !Array.isArray(content.wanted.stages)) {
    throw accessFailure('plan-file-invalid', `\`${file}\` is a plan with parts missing`, {
      hint: 'make it again with `stint plan -o FILE`',
    });
  }
  return content as PlanFile;
}

function refuseMoved(then: Readonly<Record<string, string>>, plan: Plan, since: string): void {
  const now = observedOf(plan);
  const ids = new Set([...Object.keys(then), ...Object.keys(now)]);
  const moved = [...ids].filter((id) => then[id] !== now[id]);
  if (moved.length === 0) return;
  const shown = moved
    .slice(0, 5)
    .map((id) => `\`${id}\``)
    .join(', ');
  throw accessFailure(
    'plan-moved',
    `AWS has changed since ${since}: ${shown}${moved.length > 5 ? ` and ${moved.length - 5} more` : ''}`,
    {
      hint: 'plan again and look at the difference',
    },
  );
}

/** Refuses a plan that is no longer the one in the file. @throws Failure `plan-moved`, naming what moved. */
export function checkNotMoved(file: PlanFile, plan: Plan): void {
  refuseMoved(file.observed, plan, 'this plan was made');
}

/** Refuses when a plan made again is not the one that was shown. @throws Failure `plan-moved`. */
export function checkStands(shown: Plan, again: Plan): void {
  refuseMoved(observedOf(shown), again, 'the plan was shown');
}
