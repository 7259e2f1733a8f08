// The ONE table that decides which STS calls make a session: kind of source x MFA x roles x duration.
// Pure. The facts behind it: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_getsessiontoken.html
// and https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html (DurationSeconds, role chaining).
import { formatDuration } from '../base/index.ts';
import { failure } from './failures.ts';

/** Seconds; the limits of STS. */
export const limits = {
  shortest: 900,
  /** AssumeRole with temporary credentials ("role chaining"). */
  chained: 3600,
  assumeRole: 43_200,
  getSessionToken: 129_600,
} as const;

/** Seconds; what Stint asks for when nobody says: AWS's own defaults. */
export const usual = { role: 3600, mfaSession: 43_200 } as const;

export interface PlanFacts {
  /** `temporary`: the source carries a session token. `web-identity`: it is a token, and the first role is had for it. */
  readonly source: 'long-term' | 'temporary' | 'web-identity';
  /** An MFA device is named for the source or a role. */
  readonly mfa: boolean;
  /** Wanted seconds of each role, the target's last; undefined when nothing names them. */
  readonly roles: readonly (number | undefined)[];
  /** Wanted seconds of a target without a role. */
  readonly durationSeconds?: number | undefined;
  /** Wanted seconds of the session with MFA that roles are assumed from. */
  readonly mfaSeconds?: number | undefined;
}

export type PlanStep =
  | { readonly call: 'none'; readonly why: string }
  | { readonly call: 'GetSessionToken'; readonly mfa: boolean; readonly durationSeconds: number; readonly why: string }
  | {
      readonly call: 'AssumeRole' | 'AssumeRoleWithWebIdentity';
      /** Index of the role in the chain. */
      readonly role: number;
      readonly mfa: boolean;
      readonly durationSeconds: number;
      readonly why: string;
    };

export interface SessionPlan {
  readonly steps: readonly PlanStep[];
  /** What the person asked for and does not get, and why. */
  readonly notes: readonly string[];
}

interface Row {
  readonly roles: 'none' | 'one' | 'several';
  readonly source: PlanFacts['source'];
  /** Undefined: it makes no difference. */
  readonly mfa?: boolean;
  /** `given`: a duration is asked for; `long`: more than the hour a chained role may last. */
  readonly duration?: 'given' | 'long';
  readonly steps: (facts: PlanFacts) => readonly PlanStep[];
  readonly note?: string;
}

const mfaWithToken =
  'AWS takes an MFA code only with long-term keys: with a web identity token, the identity provider asks for a second factor';
const mfaTooLate =
  'AWS takes an MFA code only with long-term keys: the session these credentials belong to had its code, or never will';

// The first row that fits decides. INVARIANT: every combination of facts fits a row (a test walks them all), but for
// a token without a role, which is no session.
const table: readonly Row[] = [
  { roles: 'none', source: 'temporary', mfa: true, steps: asTheyAre('they are temporary already'), note: mfaTooLate },
  { roles: 'none', source: 'temporary', steps: asTheyAre('they are temporary already') },
  { roles: 'none', source: 'long-term', mfa: true, steps: mfaSession },
  { roles: 'none', source: 'long-term', duration: 'given', steps: plainSession },
  { roles: 'none', source: 'long-term', steps: asTheyAre('a session without MFA could not call IAM') },
  { roles: 'one', source: 'long-term', mfa: true, duration: 'long', steps: directWithMfa },
  { roles: 'one', source: 'long-term', mfa: true, steps: (facts) => [...mfaSession(facts), ...assumeAll(facts)] },
  { roles: 'one', source: 'long-term', steps: direct },
  { roles: 'one', source: 'temporary', mfa: true, steps: assumeAll, note: mfaTooLate },
  { roles: 'one', source: 'temporary', steps: assumeAll },
  { roles: 'several', source: 'long-term', mfa: true, steps: (facts) => [...mfaSession(facts), ...assumeAll(facts)] },
  { roles: 'several', source: 'long-term', steps: assumeAll },
  { roles: 'several', source: 'temporary', mfa: true, steps: assumeAll, note: mfaTooLate },
  { roles: 'several', source: 'temporary', steps: assumeAll },
  { roles: 'one', source: 'web-identity', mfa: true, steps: withToken, note: mfaWithToken },
  { roles: 'one', source: 'web-identity', steps: withToken },
  { roles: 'several', source: 'web-identity', mfa: true, steps: withToken, note: mfaWithToken },
  { roles: 'several', source: 'web-identity', steps: withToken },
];

function asTheyAre(why: string): Row['steps'] {
  return () => [{ call: 'none', why: `the source's own credentials: ${why}` }];
}

function mfaSession(facts: PlanFacts): readonly PlanStep[] {
  const alone = facts.roles.length === 0;
  return [
    {
      call: 'GetSessionToken',
      mfa: true,
      durationSeconds: (alone ? facts.durationSeconds : facts.mfaSeconds) ?? usual.mfaSession,
      why: alone ? 'the profile names an MFA device' : 'one MFA code serves every role of this source',
    },
  ];
}

function plainSession(facts: PlanFacts): readonly PlanStep[] {
  const durationSeconds = facts.durationSeconds ?? usual.mfaSession;
  return [
    {
      call: 'GetSessionToken',
      mfa: false,
      durationSeconds,
      why: 'a duration is asked for, and long-term keys have none',
    },
  ];
}

function direct(facts: PlanFacts): readonly PlanStep[] {
  const durationSeconds = facts.roles[0] ?? usual.role;
  return [
    { call: 'AssumeRole', role: 0, mfa: false, durationSeconds, why: 'the long-term keys assume the role themselves' },
  ];
}

function directWithMfa(facts: PlanFacts): readonly PlanStep[] {
  const durationSeconds = facts.roles[0] ?? usual.role;
  const why = `more than ${formatDuration(limits.chained)} is only given to long-term keys, so the code goes to this role alone`;
  return [{ call: 'AssumeRole', role: 0, mfa: true, durationSeconds, why }];
}

/** Every role from temporary credentials, except the first when the source is long-term and has no MFA session before it. */
function assumeAll(facts: PlanFacts): readonly PlanStep[] {
  return facts.roles.map((wanted, role) => {
    const chained = role > 0 || facts.source === 'temporary' || facts.mfa;
    const cap = chained ? limits.chained : limits.assumeRole;
    const why = chained ? 'assumed with temporary credentials' : 'the long-term keys assume the first role themselves';
    return { call: 'AssumeRole', role, mfa: false, durationSeconds: Math.min(wanted ?? usual.role, cap), why };
  });
}

/** The first role for the token, for as long as it allows; the others from its session. */
function withToken(facts: PlanFacts): readonly PlanStep[] {
  const [, ...chained] = assumeAll(facts);
  const durationSeconds = facts.roles[0] ?? usual.role;
  const why = 'the token stands for keys, and is not one of a session: the first role may last as long as it allows';
  return [{ call: 'AssumeRoleWithWebIdentity', role: 0, mfa: false, durationSeconds, why }, ...chained];
}

function fits(row: Row, facts: PlanFacts): boolean {
  const roles = ['none', 'one'][facts.roles.length] ?? 'several';
  const wanted = facts.roles.length === 0 ? facts.durationSeconds : facts.roles.at(-1);
  if (row.roles !== roles || row.source !== facts.source) return false;
  if (row.mfa !== undefined && row.mfa !== facts.mfa) return false;
  if (row.duration === 'given') return wanted !== undefined;
  return row.duration !== 'long' || (wanted ?? 0) > limits.chained;
}

/** A number of seconds that STS takes, or the failure that says what it takes. */
export function checkDuration(seconds: number, longest: number, place?: () => string): void {
  if (Number.isInteger(seconds) && seconds >= limits.shortest && seconds <= longest) return;
  throw failure(
    'duration-refused',
    `${place === undefined ? '' : `${place()}: `}AWS gives sessions of ${formatDuration(limits.shortest)} to ${formatDuration(longest)}, not \`${seconds}s\``,
    {
      hint: `ask for \`--duration ${formatDuration(seconds < limits.shortest ? limits.shortest : longest)}\`, or change duration_seconds`,
    },
  );
}

/**
 * The calls that make the session, in order.
 * @throws Failure `duration-refused` for a duration that no source could have.
 */
export function planSession(facts: PlanFacts): SessionPlan {
  for (const wanted of facts.roles) if (wanted !== undefined) checkDuration(wanted, limits.assumeRole);
  for (const wanted of facts.roles.length === 0 ? [facts.durationSeconds] : [facts.mfaSeconds])
    if (wanted !== undefined) checkDuration(wanted, limits.getSessionToken);
  const row = table.find((candidate) => fits(candidate, facts));
  if (row === undefined) throw new Error('the session plan has no row for these facts');
  const steps = row.steps(facts);
  const notes = row.note === undefined ? [] : [row.note];
  const wanted = facts.roles.at(-1);
  const last = steps.at(-1);
  if (last?.call === 'AssumeRole' && wanted !== undefined && last.durationSeconds < wanted) {
    const given = formatDuration(last.durationSeconds);
    notes.push(
      `${given} instead of ${formatDuration(wanted)}: AWS lets a role assumed with temporary credentials last ${given} at most`,
    );
  }
  if (facts.roles.length === 0 && last?.call === 'none' && facts.durationSeconds !== undefined) {
    notes.push('the duration has no effect: the credentials are temporary already, and end when they end');
  }
  return { steps, notes };
}
