// `stint destroy`: removes everything that the definition made, and nothing else.
import type { Command } from 'commander';
import { systemClock, systemRandom } from '../../base/index.ts';
import { applyDefinition, compileDefinition } from '../../access/index.ts';
import type { Io } from '../command.ts';
import {
  addAccountOptions,
  addDefinitionOptions,
  confirmRun,
  loadChosen,
  openDefined,
  openRunJournal,
  progressLine,
  sleep,
  type DefinitionOptions,
} from '../definition.ts';
import { printJson, say } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly account?: readonly string[];
  readonly expectAccount?: string;
  readonly yes?: true;
  readonly json?: true;
}

async function destroy(io: Io, options: Options): Promise<void> {
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const progress = progressLine(io);
  const { plan, outcome, journal } = await applyDefinition({
    mode: 'destroy',
    wanted,
    accounts: openDefined(io, wanted),
    only: options.account,
    expectAccount: options.expectAccount,
    confirm: (plan, caller) => confirmRun(io, plan, caller, options.yes === true, 'Destroy this'),
    openJournal: (header) => openRunJournal(io, header),
    clock: systemClock,
    random: systemRandom,
    sleep,
    signal: io.signal,
    onDone: progress.onDone,
  }).finally(progress.end);
  if (options.json === true) {
    printJson(io, { version: 1, summary: plan.summary, calls: outcome?.done ?? 0, journal: journal ?? null });
  } else {
    say(io, outcome === undefined ? 'Nothing to destroy.' : `Destroyed: ${plan.summary.destroy}.`);
  }
}

export function register(program: Command, io: Io): void {
  const command = program.command('destroy').description('remove everything that the definition made');
  addAccountOptions(addDefinitionOptions(command))
    .option('--yes', 'do not ask')
    .option('--json', 'machine output')
    .addHelpText('after', '\nExamples:\n  stint destroy\n  stint destroy --account dev --yes')
    .action((options: Options) => destroy(io, options));
}
