// What every code that Stint shows in brackets means: failures of all its parts, findings, checks, and ways up.
import { findingKinds, accessFailure } from '../access/index.ts';
import { checkGroups, escalationMethods, policyFailure } from '../policy/index.ts';
import { cloudVerbFailure } from './commands/cloud/failures.ts';
import { cliFailure } from './failures.ts';

export interface Explanation {
  readonly id: string;
  readonly is: 'check' | 'escalation' | 'finding' | 'error';
  readonly lines: readonly string[];
}

type Kinds = Readonly<Record<string, { readonly when: string }>>;

function checks(): Explanation[] {
  return checkGroups.flatMap((group) =>
    group.checks.map(({ id, severity, title, cure, sources }): Explanation => ({
      id,
      is: 'check',
      lines: [
        `${severity}[${id}]: ${title}`,
        `cure: ${cure}`,
        `group: ${group.title}`,
        ...(sources.length === 0 ? [] : [`also: ${sources.join(', ')}`]),
      ],
    })),
  );
}

function waysUp(): Explanation[] {
  return escalationMethods.map(({ id, title, needs, oneOf = [], given }) => ({
    id,
    is: 'escalation',
    lines: [
      `way up ${id}: ${title}`,
      `needs: ${needs.map(({ action }) => action).join(', ')}`,
      ...(oneOf.length === 0 ? [] : [`and one of: ${oneOf.map(({ action }) => action).join(', ')}`]),
      ...(given === undefined ? [] : [`where there is ${given}`]),
    ],
  }));
}

function findings(): Explanation[] {
  return Object.entries(findingKinds).map(([id, { severity, when, cure }]) => ({
    id,
    is: 'finding',
    lines: [`${severity}[${id}]: ${when}`, `cure: ${cure}`],
  }));
}

const errors = (kinds: Kinds): Explanation[] =>
  Object.entries(kinds).map(([id, { when }]) => ({ id, is: 'error', lines: [`error[${id}]: ${when}`] }));

/** The failures of the parts that access as code does not load. */
async function furtherErrors(): Promise<Kinds[]> {
  const [{ awsFailure }, { assumeFailure }, { brokerFailure }, { cloudFailure }] = await Promise.all([
    import('../aws/index.ts'),
    import('../assume/index.ts'),
    import('../broker/index.ts'),
    import('../cloud/index.ts'),
  ]);
  return [awsFailure.kinds, assumeFailure.kinds, brokerFailure.kinds, cloudFailure.kinds];
}

/**
 * By code all that it means: one may be that of a finding, and of a failure of several parts. `whole`: with the failures
 * of the parts that have to be loaded for it.
 */
export async function explainedCodes(whole = true): Promise<ReadonlyMap<string, readonly Explanation[]>> {
  const failures = [
    cliFailure.kinds,
    cloudVerbFailure.kinds,
    accessFailure.kinds,
    policyFailure.kinds,
    ...(whole ? await furtherErrors() : []),
  ];
  const all = [...checks(), ...waysUp(), ...findings(), ...failures.flatMap(errors)];
  // Parts share failures, which are told once.
  const once = new Map(all.map((it) => [it.lines.join('\n'), it]));
  return Map.groupBy(once.values(), ({ id }) => id);
}
