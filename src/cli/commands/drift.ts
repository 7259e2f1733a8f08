// `stint drift`: what AWS shows otherwise than the definition says, who made it so, and the way back, or into the
// definition. Exit code 3 when there is any.
import type { Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import {
  adoptDrift,
  applyDefinition,
  compileDefinition,
  driftLines,
  findDrift,
  makePlan,
  type Drift,
  type Wanted,
} from '../../access/index.ts';
import { addRunOptions, runContext, type RunOptions } from '../access-run.ts';
import type { Io } from '../command.ts';
import {
  addAccountOptions,
  addDefinitionOptions,
  loadChosen,
  openDefined,
  type DefinitionOptions,
} from '../definition.ts';
import { cliFailure } from '../failures.ts';
import { printData, printJson, printLine, say } from '../output.ts';

interface Options extends DefinitionOptions, RunOptions {
  readonly account?: readonly string[];
  readonly revert?: true;
  readonly adopt?: true;
}

function printDrift(io: Io, drifts: readonly Drift[], full: boolean): void {
  for (const { change, traces } of drifts) {
    for (const line of driftLines(change, full)) printLine(io, line);
    for (const { who, when, event } of traces ?? []) printLine(io, `    ${when} ${who} ${event}`);
    if (traces === undefined) printLine(io, '    by whom is not known: CloudTrail may not be read here');
  }
}

async function revert(io: Io, wanted: Wanted, options: Options): Promise<void> {
  const { context, end } = runContext(io, wanted, options, 'Revert this');
  const { outcome } = await applyDefinition({ ...context, mode: 'apply', only: options.account }).finally(end);
  say(io, outcome === undefined ? 'Nothing to revert.' : 'Reverted: AWS is as the definition says.');
}

async function drift(io: Io, options: Options): Promise<void> {
  if (options.revert === true && options.adopt === true) {
    throw cliFailure('usage', '`--revert` and `--adopt` go opposite ways', { hint: 'give one of them' });
  }
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const accounts = openDefined(io, wanted);
  const { account: only, expectAccount } = options;
  const { plan, seen } = await makePlan({ wanted, accounts, only, expectAccount });
  const drifts = await findDrift(plan, seen, accounts);
  if (options.json === true) {
    printJson(io, { version: 1, drift: drifts.map(({ change, traces }) => ({ ...change, traces: traces ?? null })) });
  } else if (options.adopt !== true) printDrift(io, drifts, options.full === true);
  if (drifts.length === 0) return say(io, 'No drift: AWS is as the definition says.');
  if (options.revert === true) return revert(io, wanted, options);
  if (options.adopt === true) {
    const { yaml } = adoptDrift({ definition, wanted, seen, drifts, now: systemClock.now() });
    printData(io, yaml.trimEnd());
  } else say(io, '`stint drift --revert` puts it right; `--adopt` shows what the definition would have to say');
  return io.exit(3);
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('drift')
    .description('show what AWS has otherwise than the definition says, and who made it so; ends with 3 for any');
  addRunOptions(addAccountOptions(addDefinitionOptions(command)))
    .option('--revert', 'put it right, after showing it as a plan')
    .option('--adopt', 'print the entries that the definition would need')
    .addHelpText('after', '\nExamples:\n  stint drift --account dev\n  stint drift --revert --yes')
    .action((options: Options) => drift(io, options));
}
