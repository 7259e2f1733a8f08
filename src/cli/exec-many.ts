// `stint exec` for many targets: who is meant, what is said before, how outputs and the end are told.
import { isFailure, systemClock } from '../base/index.ts';
import {
  baseEnvironment,
  changedEnvironment,
  loadMany,
  parseRoleArn,
  resolveTarget,
  sessionChange,
  type TargetContext,
} from '../assume/index.ts';
import type { ManyOutcome, NamedTarget } from '../assume/index.ts';
import type { AssumeChoices } from './assume-options.ts';
import { assumeTarget, targetContext } from './assume-session.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { manyOutput, type ManyOutput } from './exec-many-output.ts';
import { say } from './output.ts';

export interface ManyForm {
  /** Names, patterns and lists of both, as typed. */
  readonly targets: readonly string[];
  readonly stages: readonly string[];
  readonly jobs: number;
  readonly failFast: boolean;
  readonly json: boolean;
}

/** Every target that has a name. */
async function namedTargets({ profiles, sources }: TargetContext): Promise<readonly NamedTarget[]> {
  const named: NamedTarget[] = [...profiles.profiles.keys()].map((name) => ({ name }));
  for (const source of sources) named.push(...(await source.list()));
  return named;
}

async function choose(form: ManyForm, choices: AssumeChoices, context: TargetContext): Promise<readonly NamedTarget[]> {
  const { chooseTargets, splitTargets } = await loadMany();
  const named = await namedTargets(context);
  const known = new Set(named.map(({ name }) => name));
  const wanted = form.targets.flatMap((text) => (known.has(text) ? [text] : splitTargets(text)));
  const chosen = chooseTargets({ wanted, stages: form.stages }, named);
  // A name that nobody knows is a slip of the hand: nothing is begun.
  for (const { name } of chosen) if (!known.has(name)) await resolveTarget(name, choices.session, context);
  return chosen;
}

/** Codes are asked for one at a time, and no more once the person or AWS has refused: one answer counts for all targets. */
class SharedMfa {
  #turn: Promise<unknown> = Promise.resolve();
  #refused: unknown;

  readonly around: NonNullable<AssumeChoices['aroundMfa']> = (ask) => {
    const mine = this.#turn.then(() => {
      if (this.#refused !== undefined) throw this.#refused;
      return ask();
    });
    this.#turn = mine.catch(() => undefined);
    return mine;
  };

  /** Takes note of why a target has no session. */
  readonly note = (error: unknown): void => {
    if (isFailure(error) && ['mfa-refused', 'mfa-needed', 'interrupted'].includes(error.code)) this.#refused ??= error;
  };
}

/** The same process, with each note said once, however many targets have it. */
function noteOnce(io: Io): Io {
  const said = new Set<string>();
  const write = (line: string): boolean => {
    if (said.has(line)) return true;
    said.add(line);
    return io.stderr.write(line);
  };
  return Object.create(io, { stderr: { value: { write } } }) as Io;
}

/** The accounts of targets, as they become known. */
class Sessions {
  readonly accounts = new Map<string, string>();
  readonly #io: Io;
  readonly #choices: AssumeChoices;
  readonly #context: TargetContext;
  readonly #mfa = new SharedMfa();

  constructor(io: Io, choices: AssumeChoices, context: TargetContext) {
    this.#io = noteOnce(io);
    this.#choices = { ...choices, aroundMfa: this.#mfa.around };
    this.#context = context;
  }

  readonly environment = async (target: string): Promise<Readonly<Record<string, string>>> => {
    try {
      const { request, session } = await assumeTarget(this.#io, target, this.#choices, this.#context);
      const account = parseRoleArn(request.roles.at(-1)?.roleArn ?? '')?.account;
      if (account !== undefined) this.accounts.set(target, account);
      return changedEnvironment(this.#io.env, sessionChange(this.#io.env, request, session));
    } catch (error) {
      this.#mfa.note(error);
      throw error;
    }
  };
}

const shownTargets = 20;

/** What is about to be done, for a person at a terminal. Nothing is asked: scripts run the same. */
async function announce(io: Io, chosen: readonly NamedTarget[], command: readonly string[], jobs: number) {
  const { isProduction } = await loadMany();
  const production = chosen.filter(isProduction).length;
  const marked = production === 0 ? '' : `, ${production} of them in production`;
  const side = Math.min(jobs, chosen.length);
  say(io, `running \`${command.join(' ')}\` for ${chosen.length} targets${marked}, ${side} at a time:`);
  for (const target of chosen.slice(0, shownTargets))
    say(io, `  ${target.name}${isProduction(target) ? ' (prod)' : ''}`);
  if (chosen.length > shownTargets) say(io, `  and ${chosen.length - shownTargets} more`);
}

/** The code for all: 0 only when all had 0. */
function codeOf(outcomes: readonly ManyOutcome[]): number {
  return outcomes.every(({ ending }) => ending?.code === 0) ? 0 : 1;
}

/** Runs the command for all targets of the form. Returns the exit code, and the signal that ended it. */
export async function runMany(
  io: Io,
  form: ManyForm,
  [command, ...args]: readonly string[],
  choices: AssumeChoices,
): Promise<{ readonly code: number; readonly signal?: NodeJS.Signals }> {
  if (command === undefined) {
    throw cliFailure('missing-command', 'a command is needed', { hint: 'write `stint exec TARGETS -- COMMAND`' });
  }
  const context = targetContext(io, baseEnvironment(io.env), choices.config);
  const chosen = await choose(form, choices, context);
  if (chosen.length > 1 && io.stdout.isTTY && !choices.quiet) await announce(io, chosen, [command, ...args], form.jobs);
  const { execMany } = await loadMany();
  const sessions = new Sessions(io, choices, context);
  const output: ManyOutput = await manyOutput(io, chosen, { json: form.json, accounts: sessions.accounts });
  const outcomes: ManyOutcome[] = [];
  const { signal } = await execMany(
    chosen.map(({ name }) => name),
    command,
    args,
    {
      jobs: form.jobs,
      failFast: form.failFast,
      clock: systemClock,
      environment: sessions.environment,
      output: output.sinks,
      onEnd: async (outcome) => {
        outcomes.push(outcome);
        await output.end(outcome);
      },
      tell: (line) => say(io, line),
    },
  );
  const order = new Map(chosen.map(({ name }, at) => [name, at]));
  output.summary(outcomes.sort((a, b) => order.get(a.target)! - order.get(b.target)!));
  if (signal === undefined) return { code: codeOf(outcomes) };
  return { code: 128 + process.getBuiltinModule('node:os').constants.signals[signal], signal };
}
