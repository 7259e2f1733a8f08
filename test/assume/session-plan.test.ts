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
  const role = step.call === 'GetSessionToken' ? '' : ` ${step.role}`;
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

const durations = [undefined, 900, 3600, 3601, 43_200];
const chains = [
  [],
  ...durations.map((a) => [a]),
  ...durations.flatMap((a) => durations.map((b) => [a, b])),
  ...durations.flatMap((a) => durations.map((b) => [a, undefined, b])),
];

/** Every combination of facts; a token without a role is none. */
function allFacts(): readonly PlanFacts[] {
  return (['long-term', 'temporary', 'web-identity'] as const).flatMap((source) =>
    [true, false].flatMap((mfa) =>
      chains
        .filter((roles) => roles.length > 0 || source !== 'web-identity')
        .flatMap((roles) =>
          (roles.length === 0 ? durations : [undefined]).map((durationSeconds) => ({
            source,
            mfa,
            roles,
            durationSeconds,
          })),
        ),
    ),
  );
}

test('session plan: every combination has a plan with one code at most, no chained role over an hour, and a reason for each step', () => {
  for (const facts of allFacts()) {
    const { source, mfa, roles } = facts;
    const { steps, notes } = planSession(facts);
    assert.ok(steps.length > 0);
    const codes = steps.filter((step) => step.call !== 'none' && step.mfa);
    assert.equal(codes.length, mfa && source === 'long-term' ? 1 : 0);
    assert.equal(codes.length > 0 && codes[0] !== steps[0], false, 'a code goes with the first call or none');
    const assumed = steps.flatMap((step) => ('role' in step ? [step.role] : []));
    assert.deepEqual(assumed, [...roles.keys()]);
    for (const [index, step] of steps.entries()) {
      assert.notEqual(step.why, '');
      if (step.call === 'AssumeRole' && (index > 0 || source === 'temporary')) assert.ok(step.durationSeconds <= 3600);
      assert.equal(step.call === 'AssumeRoleWithWebIdentity', source === 'web-identity' && index === 0);
    }
    const last = steps.at(-1)!;
    const [wanted] = roles.slice(-1);
    const short = last.call !== 'none' && wanted !== undefined && last.durationSeconds < wanted;
    assert.equal(
      short,
      notes.some((note) => note.includes('instead of')),
      'a shorter session is told',
    );
    assert.equal(
      mfa && source !== 'long-term',
      notes.some((note) => note.includes('only with long-term keys')),
    );
  }
});

test('session plan: a role for more than an hour with MFA goes straight from long-term keys, and nothing else does', () => {
  for (const facts of allFacts()) {
    const direct = planSession(facts).steps.some((step) => step.call === 'AssumeRole' && step.mfa);
    const long = facts.roles.length === 1 && (facts.roles[0] ?? 0) > 3600;
    assert.equal(direct, facts.source === 'long-term' && facts.mfa && long);
  }
});
