// The rows of `stint ls`: every target there is, and what is kept for it. There may be 10,000 of them, so nothing is
// made for a row that the row does not hold.
import { isFailure, isoSeconds, systemClock, type Failure, type Millis } from '../base/index.ts';
import {
  baseEnvironment,
  chainOf,
  KeptList,
  KeptMarks,
  parseRoleArn,
  Watch,
  type DefinedTarget,
  type Environment,
  type KeptEntry,
  type Profile,
  type ProfileChain,
  type TargetContext,
  type TargetSource,
} from '../assume/index.ts';
import { definingFolder, openCache, targetContext } from './assume-session.ts';
import type { Io } from './command.ts';
import { isWorthKeeping, pack, program, unpack } from './packed-rows.ts';
import { isBuilt } from './place.ts';

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

/** Where, when and beside which sessions rows are made. */
interface Place {
  /** As it was before an earlier session of Stint. */
  readonly env: Environment;
  readonly config: string | undefined;
  readonly now: Millis;
  readonly sessions: readonly KeptEntry[];
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

/** The role of a row, or of a session. */
const roleKey = (account: string | null | undefined, role: string | null | undefined): string => `${account} ${role}`;

/** Rows that were kept, with the sessions of now. Only for those that may have one is it found out what they ask for. */
async function markRows(
  rows: readonly TargetRow[],
  io: Io,
  { env, sessions, now }: Place,
): Promise<readonly TargetRow[]> {
  const alive = sessions.filter(({ credentials }) => credentials.expiration > now);
  if (alive.length === 0) return rows;
  const roles = new Set(
    alive.map(({ roleArn }) => {
      const role = parseRoleArn(roleArn);
      return roleKey(role?.account ?? null, role?.name ?? null);
    }),
  );
  const context = targetContext(io, env, undefined);
  const marks = new KeptMarks(alive, context, now);
  const profiles = new ProfileRows(context, marks);
  const may = ({ account, role }: TargetRow): boolean => roles.has(roleKey(account, role));
  const names = new Set(rows.filter((row) => row.kind === 'defined' && may(row)).map(({ target }) => target));
  const defined = await definedRows(names, context, marks);
  return rows.map((row) => {
    if (row.problem !== null || !may(row)) return row;
    if (row.kind === 'defined') return defined.get(row.target) ?? row;
    const profile = context.profiles.profiles.get(row.target);
    return profile === undefined ? row : profiles.row(profile);
  });
}

/** The rows of those names, which are asked for only if there are any: a definition takes long to load. */
async function definedRows(
  names: ReadonlySet<string>,
  { sources }: TargetContext,
  marks: KeptMarks,
): Promise<ReadonlyMap<string, TargetRow>> {
  const found = new Map<string, TargetRow>();
  if (names.size === 0) return found;
  for (const source of sources) {
    for (const target of await source.list())
      if (names.has(target.name)) found.set(target.name, definedRow(target, source, marks));
  }
  return found;
}

/** What there is, and why it is not all: a definition that cannot be read takes no profile away. */
interface Computed {
  readonly rows: readonly TargetRow[];
  readonly missing?: Failure | undefined;
}

/** All rows by computation, the profiles first. `watch` sees what decides them; what is kept for them is not its business. */
async function computeRows(io: Io, place: Place, watch: Watch | undefined): Promise<Computed> {
  const { env, config, sessions } = place;
  const context = targetContext(io, env, config, watch);
  const marks = new KeptMarks(sessions, { ...context, env }, place.now);
  const profiles = new ProfileRows(context, marks);
  const rows: TargetRow[] = [];
  for (const profile of context.profiles.profiles.values()) rows.push(profiles.row(profile));
  let missing: Failure | undefined;
  for (const source of context.sources) {
    try {
      for (const target of await source.list()) rows.push(definedRow(target, source, marks));
    } catch (error) {
      if (!isFailure(error)) throw error;
      missing ??= error;
    }
  }
  return { rows, missing };
}

/**
 * Every target, the profiles first, and the failure of a source that could not tell its own. `keeping`: what took long is
 * kept for the next time.
 */
export async function targetRows(io: Io, config: string | undefined, keeping = isBuilt): Promise<Computed> {
  const now = systemClock.now();
  // A copy: each look at the process's own environment asks the system.
  const env = { ...baseEnvironment(io.env) };
  const cache = openCache(io.env);
  const place: Place = { env, config, now, sessions: cache?.list() ?? [] };
  if (!keeping || config !== undefined || cache === undefined) return computeRows(io, place, undefined);
  const list = new KeptList(cache.folder, 'rows', definingFolder(io));
  const kept = unpack(list.read(env, io.cwd, now));
  if (kept !== undefined) return { rows: await markRows(kept, io, place) };
  const watch = new Watch(env);
  watch.file(program());
  const computed = await computeRows(io, place, watch);
  const { rows, missing } = computed;
  const isKept = missing === undefined && isWorthKeeping(rows) && !watch.sawSecret;
  const sighting = isKept ? watch.sighting(systemClock.now()) : undefined;
  if (sighting !== undefined) list.write(pack(rows), sighting, now);
  return computed;
}
