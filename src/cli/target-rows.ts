// The rows of `stint ls`: every target there is, and what is kept for it. There may be 10,000 of them, so nothing is
// made for a row that the row does not hold.
import { isFailure, isoSeconds, systemClock, type Millis } from '../base/index.ts';
import {
  baseEnvironment,
  chainOf,
  KeptMarks,
  parseRoleArn,
  type DefinedTarget,
  type Profile,
  type ProfileChain,
  type TargetContext,
  type TargetSource,
} from '../assume/index.ts';
import { openCache, targetContext } from './assume-session.ts';
import type { Io } from './command.ts';

/** The stable shape of `--json`. */
export interface TargetRow {
  readonly target: string;
  readonly kind: 'profile' | 'defined' | 'lent';
  readonly account: string | null;
  readonly role: string | null;
  readonly source: string | null;
  readonly mfa: boolean;
  readonly region: string | null;
  /** Of a role of the definition: the stage of its account. */
  readonly stage: string | null;
  /** End of the kept session of the target itself, while that lives. */
  readonly session: { readonly expiration: string } | null;
  /** Code of what is wrong with it. */
  readonly problem: string | null;
}

function sessionOf(end: Millis | undefined): TargetRow['session'] {
  return end === undefined ? null : { expiration: isoSeconds(end) };
}

/** The region that the nearest profile of a chain names. */
function regionOf({ profiles }: ProfileChain): string | null {
  for (const profile of profiles) {
    const region = profile.settings.get('region')?.value;
    if (region !== undefined && region !== '') return region;
  }
  return null;
}

class ProfileRows {
  readonly #context: TargetContext;
  readonly #marks: KeptMarks;
  readonly #followed = new Map<string, ProfileChain>();
  /** Words for sources, most of which are those of many profiles. */
  readonly #words = new Map<string, string>();

  constructor(context: TargetContext, marks: KeptMarks) {
    this.#context = context;
    this.#marks = marks;
  }

  row(profile: Profile): TargetRow {
    const { profiles, env } = this.#context;
    const { name } = profile;
    try {
      return this.#sound(name, chainOf(profile, profiles, env, this.#followed));
    } catch (error) {
      if (!isFailure(error)) throw error;
      return {
        target: name,
        kind: 'profile',
        account: null,
        role: null,
        source: null,
        mfa: false,
        region: null,
        stage: null,
        session: null,
        problem: error.code,
      };
    } finally {
      profile.release();
    }
  }

  #sound(name: string, chain: ProfileChain): TargetRow {
    const last = chain.roles.at(-1);
    const role = last === undefined ? undefined : parseRoleArn(last.roleArn);
    return {
      target: name,
      kind: 'profile',
      account: role?.account ?? null,
      role: role?.name ?? null,
      source: this.#sourceWords(chain.source.from),
      mfa: chain.mfaSerial !== undefined,
      region: regionOf(chain),
      stage: null,
      session: sessionOf(this.#marks.ofProfile(name, chain)),
      problem: null,
    };
  }

  #sourceWords(from: string): string {
    let words = this.#words.get(from);
    if (words === undefined) this.#words.set(from, (words = from.replaceAll('`', '')));
    return words;
  }
}

function definedRow(target: DefinedTarget, { label }: TargetSource, marks: KeptMarks): TargetRow {
  const { name, stage, roleArn, mfa, lent } = target;
  const role = parseRoleArn(roleArn);
  return {
    target: name,
    kind: lent === undefined ? 'defined' : 'lent',
    account: role?.account ?? null,
    role: role?.name ?? null,
    source: label,
    mfa,
    region: null,
    stage: stage ?? null,
    session: sessionOf(marks.ofDefined(target)),
    problem: null,
  };
}

/** Every target, the profiles first. */
export async function targetRows(io: Io, config: string | undefined): Promise<readonly TargetRow[]> {
  // A copy: each look at the process's own environment asks the system.
  const context = targetContext(io, { ...baseEnvironment(io.env) }, config);
  const marks = new KeptMarks(openCache(io.env)?.list() ?? [], context, systemClock.now());
  const profiles = new ProfileRows(context, marks);
  const rows: TargetRow[] = [];
  for (const profile of context.profiles.profiles.values()) rows.push(profiles.row(profile));
  for (const source of context.sources) {
    for (const target of await source.list()) rows.push(definedRow(target, source, marks));
  }
  return rows;
}
