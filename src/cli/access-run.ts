// What `apply`, `destroy`, `undo` and `drift` hand to a run: this process, its clock, its journal, its progress.
import type { Command } from 'commander';
import { systemClock, systemRandom } from '../base/index.ts';
import type { Tolerance, Wanted, applyDefinition } from '../access/index.ts';
import type { Io } from './command.ts';
import { confirmRun, journalFolder, openDefined, openRunJournal, sleep } from './definition.ts';
import { cliFailure } from './failures.ts';
import { openProgress } from './progress.ts';
import { hasEnded, ownHolder } from './run-holder.ts';

type ApplyContext = Parameters<typeof applyDefinition>[0];

export interface RunOptions {
  readonly expectAccount?: string;
  readonly yes?: true;
  readonly tolerate?: string;
  readonly breakLease?: true;
  readonly full?: true;
  readonly json?: true;
}

/** Adds what every command that writes has. */
export function addRunOptions(command: Command): Command {
  return command
    .option('--yes', 'do not ask')
    .option('--tolerate <n>', 'accounts of a wave that may fail before later waves do not start, `2` or `10%`')
    .option('--break-lease', 'take the place of another run, which you know to have ended')
    .option('--full', 'show every account and every line of the plan, equal ones too')
    .option('--json', 'machine output');
}

/** `3` accounts or `10%` of a wave. @throws Failure `invalid-option`. */
function toleranceOf(text: string | undefined): Tolerance | undefined {
  if (text === undefined) return undefined;
  const [, digits, percent] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (digits === undefined || (percent === '%' && Number(digits) > 100)) {
    throw cliFailure('invalid-option', `\`${text}\` is no tolerance`, {
      hint: 'give a number of accounts, `2`, or a share of a wave, `10%`',
    });
  }
  return percent === '%' ? { percent: Number(digits) } : { accounts: Number(digits) };
}

/** The part of a run's context that is the same for all of them. `end` ends the progress, whatever happened. */
export function runContext(
  io: Io,
  wanted: Wanted,
  options: RunOptions,
  verb: string,
  passwords = false,
): { readonly context: Omit<ApplyContext, 'mode'>; readonly end: () => void } {
  const journals = journalFolder(io);
  const accounts = openDefined(io, wanted);
  const progress = openProgress(io, wanted, { json: options.json === true, budgets: () => accounts.budgets() });
  return {
    end: progress.end,
    context: {
      wanted,
      accounts,
      expectAccount: options.expectAccount,
      confirm: async (plan, caller) => {
        await confirmRun(io, plan, caller, options.yes === true, verb, { full: options.full, passwords });
        progress.begin(plan);
      },
      openJournal: (header) => openRunJournal(io, header),
      holder: ownHolder(),
      hasEnded: (run, holder) => hasEnded(journals, run, holder),
      breakLease: options.breakLease === true,
      tolerate: toleranceOf(options.tolerate),
      clock: systemClock,
      random: systemRandom,
      sleep,
      signal: io.signal,
      onEvent: progress.onEvent,
    },
  };
}
