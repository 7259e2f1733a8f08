// What `plan`, `apply`, `output` and `destroy` share: the options that choose a definition and its AWS, and how
// a person is asked before the first write.
import { createInterface } from 'node:readline/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { randomText, systemClock, systemRandom } from '../base/index.ts';
import { openAccounts, organizationRole, type AwsAccounts, type Caller, type Sleep } from '../aws/index.ts';
import {
  accessFailure,
  compileDefinition,
  loadDefinition,
  located,
  locatorOf,
  openJournal,
  planText,
  type PlanTextOptions,
  type Journal,
  type JournalHeader,
  type LoadedDefinition,
  type Locator,
  type Plan,
  type Wanted,
} from '../access/index.ts';
import type { Io } from './command.ts';
import { say, tell } from './output.ts';
import { libraryUrl } from './place.ts';

export interface DefinitionOptions {
  readonly config?: string;
  readonly var?: readonly string[];
  readonly varFile?: readonly string[];
}

const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), value];

/** Adds `--config`, `--var` and `--var-file`. */
export function addDefinitionOptions(command: Command): Command {
  return command
    .option('--config <file>', 'the definition (default: stint.config.ts, .yaml or .json in this folder)')
    .option('--var <name=value>', 'value of a variable; may be given several times', collect)
    .option('--var-file <file>', 'YAML or JSON file of variables; may be given several times', collect);
}

/** Adds `--account` and `--expect-account`. */
export function addAccountOptions(command: Command): Command {
  return command
    .addOption(new Option('--account <account...>', 'only these accounts, by name or id'))
    .option('--expect-account <id>', 'refuse credentials of any other account');
}

/** Adds `--allow-lock-out`. */
export function addLockOutOption(command: Command): Command {
  return command.option('--allow-lock-out', 'only tell, and do not refuse, what would lock somebody out');
}

function givenVariables(pairs: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (pairs ?? []).map((pair) => {
      const at = pair.indexOf('=');
      if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
      throw accessFailure('variable-undeclared', `\`${pair}\` gives no variable a value`, {
        hint: 'write `--var name=value`',
      });
    }),
  );
}

/** Loads the definition that the options choose. */
export function loadChosen(io: Io, options: DefinitionOptions): Promise<LoadedDefinition> {
  return loadDefinition({
    cwd: io.cwd,
    config: options.config,
    variables: { given: givenVariables(options.var), files: options.varFile, env: io.env },
    library: libraryUrl(),
    signal: io.signal,
  });
}

/** What the chosen definition wants now, with the places of what is told of it. */
export async function loadWanted(
  io: Io,
  options: DefinitionOptions,
): Promise<{ readonly wanted: Wanted; readonly locator: Locator }> {
  const loaded = await loadChosen(io, options);
  const locator = locatorOf(loaded);
  const wanted = compileDefinition(loaded.definition, systemClock.now());
  // A plan file keeps them, so that its apply tells the places too.
  return { wanted: { ...wanted, findings: located(wanted.findings, locator) }, locator };
}

/** Waits in real time. */
export const sleep: Sleep = async (millis, signal) => {
  await pause(millis, undefined, signal === undefined ? {} : { signal });
};

/** The accounts that the command's environment reaches. */
export function openDefined(io: Io, wanted: Wanted): AwsAccounts {
  return openAccounts({
    env: io.env,
    clock: systemClock,
    random: systemRandom,
    sleep,
    signal: io.signal,
    entryRoles: [...(wanted.executor === undefined ? [] : [wanted.executor]), organizationRole],
  });
}

/** Folder of the journals: below `STINT_HOME`, else in the XDG state folder. */
export function journalFolder({ env, cwd }: Io): string {
  const state =
    env['STINT_HOME'] || join(env['XDG_STATE_HOME'] || join(env['HOME'] || cwd, '.local', 'state'), 'stint');
  return join(state, 'runs');
}

/** Opens the journal of a run. Its name sorts by time. */
export function openRunJournal(io: Io, header: JournalHeader): Journal {
  // With milliseconds: two runs of one second are told apart, and the last one is the last one.
  const stamp = new Date(systemClock.now()).toISOString().replaceAll(/[-:.]/g, '');
  return openJournal(journalFolder(io), `${stamp}-${randomText(systemRandom, 6)}`, header, systemClock);
}

function bannerLine(plan: Plan, caller: Caller): string {
  const written = new Set(plan.steps.map(({ account }) => account));
  const accounts = plan.accounts.filter(({ id }) => written.has(id)).map(({ name, id }) => `${name} ${id}`);
  const where = plan.organization === undefined ? 'no organisation named' : `organisation ${plan.organization}`;
  return `${where}, as ${caller.arn}; ${accounts.length === 0 ? 'nothing to write' : `writing to ${accounts.join(', ')}`}`;
}

/**
 * Shows the plan, names organisation and accounts, and asks for a yes unless one was given.
 * @throws Failure `confirmation-needed` without a terminal, `not-confirmed` for any answer but yes.
 */
export async function confirmRun(
  io: Io,
  plan: Plan,
  caller: Caller,
  yes: boolean,
  verb: string,
  options: PlanTextOptions = {},
): Promise<void> {
  // What the question is about is seen even with `--quiet`.
  const show = yes ? say : tell;
  show(io, planText(plan, options));
  show(io, bannerLine(plan, caller));
  if (yes) return;
  if (!io.stdin.isTTY || !io.stderr.isTTY) {
    throw accessFailure('confirmation-needed', `there is no terminal to ask for a yes on`, {
      hint: `look at \`stint plan\`, then give \`--yes\``,
    });
  }
  const reader = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await reader.question(`${verb}? Only \`yes\` is taken: `, { signal: io.signal });
    if (answer.trim() === 'yes') return;
  } finally {
    reader.close();
  }
  throw accessFailure('not-confirmed', 'nothing was changed', { hint: 'answer `yes` to go on' });
}
