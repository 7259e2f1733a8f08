// `stint destroy`: removes everything that the definition made, and nothing else.
import type { Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import { applyDefinition, compileDefinition, type Plan } from '../../access/index.ts';
import { addRunOptions, runContext, type RunOptions } from '../access-run.ts';
import type { Io } from '../command.ts';
import { addAccountOptions, addDefinitionOptions, loadChosen, type DefinitionOptions } from '../definition.ts';
import { printJson, say } from '../output.ts';

interface Options extends DefinitionOptions, RunOptions {
  readonly account?: readonly string[];
  readonly now?: true;
}

const waits = ({ findings }: Plan): boolean => findings.some(({ code }) => code === 'pending-deletion');

async function destroy(io: Io, options: Options): Promise<void> {
  const { definition } = await loadChosen(io, options);
  const { grace, ...compiled } = compileDefinition(definition, systemClock.now());
  const wanted = options.now === true ? compiled : { ...compiled, grace };
  const { context, end } = runContext(io, wanted, options, 'Destroy this');
  const run = await applyDefinition({ ...context, mode: 'destroy', only: options.account }).finally(end);
  const { plan, outcome, journal } = run;
  if (options.json === true) {
    printJson(io, {
      version: 1,
      summary: plan.summary,
      calls: outcome?.done ?? 0,
      journal: journal ?? null,
      run: run.run ?? null,
    });
  } else {
    say(io, outcome === undefined ? 'Nothing to destroy.' : `Destroyed: ${plan.summary.destroy}.`);
    if (waits(plan))
      say(
        io,
        'The rest can do nothing any more and goes when its time of grace is over: destroy again then, or with `--now`.',
      );
  }
}

export function register(program: Command, io: Io): void {
  const command = program.command('destroy').description('remove everything that the definition made');
  addRunOptions(addAccountOptions(addDefinitionOptions(command)))
    .option('--now', 'at once, where the definition chooses `defaults.grace` too')
    .addHelpText('after', '\nExamples:\n  stint destroy\n  stint destroy --account dev --yes --now')
    .action((options: Options) => destroy(io, options));
}
