import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { planSession, type PlanFacts, type PlanStep } from '../../src/assume/session-plan.ts';

interface PlanCase {
  readonly name: string;
  readonly facts: Omit<PlanFacts, 'roles'> & { readonly roles: readonly (number | null)[] };
  readonly steps?: readonly string[];
  /** A part of the one note; absent for none. */
  readonly note?: string;
  readonly refused?: string;
}

const cases = JSON.parse(
  readFileSync(new URL('../cases/assume/session-plan.json', import.meta.url), 'utf8'),
) as readonly PlanCase[];

function short(step: PlanStep): string {
  if (step.call === 'none') return 'none';
  const role = step.call === 'AssumeRole' ? ` ${step.role}` : '';
  return `${step.call}${role}${step.mfa ? ' mfa' : ''} ${step.durationSeconds}`;
}

for (const { name, facts, steps, note, refused } of cases) {
  const given = { ...facts, roles: facts.roles.map((seconds) => seconds ?? undefined) };
  test(`session plan: ${name}`, () => {
    if (refused !== undefined) {
      assert.throws(
        () => planSession(given),
        (error) => isFailure(error) && error.code === refused && error.hint !== undefined,
      );
      return;
    }
    const plan = planSession(given);
    assert.deepEqual(plan.steps.map(short), steps);
    assert.equal(plan.notes.length, note === undefined ? 0 : 1);
    if (note !== undefined) assert.ok(plan.notes[0]?.includes(note), plan.notes[0]);
  });
}

test('session plan: every combination has a plan with one code at most, no chained role over an hour, and a reason for each step', () => {
  const durations = [undefined, 900, 3600, 3601, 43_200];
  const chains = [[], ...durations.map((a) => [a]), ...durations.flatMap((a) => durations.map((b) => [a, b]))];
  for (const source of ['long-term', 'temporary'] as const) {
    for (const mfa of [true, false]) {
      for (const roles of chains) {
        for (const durationSeconds of roles.length === 0 ? durations : [undefined]) {
          const { steps } = planSession({ source, mfa, roles, durationSeconds });
          assert.ok(steps.length > 0);
          const codes = steps.filter((step) => step.call !== 'none' && step.mfa);
          assert.equal(codes.length, mfa && source === 'long-term' ? 1 : 0);
          for (const [index, step] of steps.entries()) {
            assert.notEqual(step.why, '');
            if (step.call === 'AssumeRole' && (index > 0 || source === 'temporary'))
              assert.ok(step.durationSeconds <= 3600);
          }
        }
      }
    }
  }
});
