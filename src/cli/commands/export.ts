// `stint export terraform DIR`: the definition as Terraform, with blocks that import what AWS has already.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { systemClock } from '../../base/index.ts';
import { organizationRole } from '../../aws/index.ts';
import { accessFailure, compileDefinition, writeExport, type WrittenRoot } from '../../access/index.ts';
import type { Io } from '../command.ts';
import { addDefinitionOptions, loadChosen, type DefinitionOptions } from '../definition.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends DefinitionOptions {
  readonly singleRoot?: true;
  readonly jsonOnly?: true;
  readonly imports: boolean;
  readonly marks: boolean;
  readonly home?: string;
  readonly entryRole?: string;
  readonly json?: true;
}

function printRoots(io: Io, roots: readonly WrittenRoot[]): void {
  for (const { folder, files, resources, removed } of roots) {
    printData(io, `${folder}: ${resources} resources in ${files.join(', ')}`);
    for (const address of removed) say(io, `${address} is no part of the definition any more: Terraform forgets it`);
  }
  say(io, 'next, in each folder: terraform init && terraform plan');
}

async function exportTerraform(io: Io, folder: string, options: Options): Promise<void> {
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const names = wanted.accounts.map(({ name }) => name);
  if (options.home !== undefined && !names.includes(options.home)) {
    throw accessFailure('account-unknown', `the definition holds no account \`${options.home}\``, {
      hint: `it holds ${names.join(', ')}`,
    });
  }
  const central = Object.entries(definition.accounts).find(([, account]) => account.central === true)?.[0];
  const roots = writeExport(wanted, resolve(io.cwd, folder), {
    singleRoot: options.singleRoot === true,
    jsonOnly: options.jsonOnly === true,
    imports: options.imports,
    marks: options.marks,
    home: options.home ?? central,
    entryRole: options.entryRole ?? wanted.executor ?? organizationRole,
  });
  if (options.json === true) printJson(io, { version: 1, roots });
  else printRoots(io, roots);
}

export function register(program: Command, io: Io): void {
  const shown = '\nExamples:\n  stint export terraform infra\n  stint export terraform infra --single-root --json-only';
  const group = program
    .command('export')
    .description('write the definition in the language of another tool')
    .addHelpText('after', shown);
  addDefinitionOptions(group.command('terraform').description('as Terraform').argument('<dir>', 'folder to write into'))
    .option('--single-root', 'one root for all accounts, with a provider alias for each')
    .option('--json-only', '`.tf.json` in place of `.tf`')
    .option('--no-imports', 'without the blocks that import what AWS has already')
    .option('--no-marks', "without Stint's own tags: for those who leave, and for what Stint has not taken over")
    .option('--home <account>', 'the account whose credentials Terraform runs with (default: the central account)')
    .option('--entry-role <name>', 'role by which Terraform enters the other accounts')
    .option('--json', 'machine output')
    .addHelpText('after', shown)
    .action((folder: string, options: Options) => exportTerraform(io, folder, options));
}
