// `stint plan`: what an apply would change, and who would gain what. Writes nothing in AWS.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { makePlan, planJson, planText, writePlanFile } from '../../access/index.ts';
import type { Io } from '../command.ts';
import {
  addAccountOptions,
  addLockOutOption,
  addDefinitionOptions,
  loadWanted,
  openDefined,
  type DefinitionOptions,
} from '../definition.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly out?: string;
  readonly detailedExitcode?: true;
  readonly account?: readonly string[];
  readonly expectAccount?: string;
  readonly allowLockOut?: true;
  readonly full?: true;
  readonly json?: true;
}

async function plan(io: Io, options: Options): Promise<void> {
  const { wanted, locator } = await loadWanted(io, options);
  const made = await makePlan({
    wanted,
    locator,
    accounts: openDefined(io, wanted),
    only: options.account,
    expectAccount: options.expectAccount,
    allowLockOut: options.allowLockOut,
  });
  if (options.json === true) printJson(io, planJson(made.plan));
  else printData(io, planText(made.plan, { full: options.full }));
  if (options.out !== undefined) {
    writePlanFile(resolve(io.cwd, options.out), wanted, made.plan);
    say(io, `plan kept in ${options.out}: \`stint apply ${options.out}\``);
  }
  // A plan with error findings could not be applied: that is a failure of the definition.
  if (made.plan.findings.some(({ severity }) => severity === 'error')) return io.exit(1);
  if (options.detailedExitcode === true && made.plan.changes.length > 0) io.exit(3);
}

export function register(program: Command, io: Io): void {
  const command = program.command('plan').description('show what an apply would change, and who would gain what');
  addLockOutOption(addAccountOptions(addDefinitionOptions(command)))
    .option('-o, --out <file>', 'keep the plan; `stint apply FILE` refuses it when AWS has moved')
    .option('--detailed-exitcode', 'exit with 3 when there are changes')
    .option('--full', 'tell every account and every line, equal ones too')
    .option('--json', 'machine output')
    .addHelpText('after', '\nExamples:\n  stint plan\n  stint plan --account dev -o dev.plan --detailed-exitcode')
    .action((options: Options) => plan(io, options));
}
