// `stint apply`: makes AWS as the definition says, and prints the outputs.
import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import {
  accessFailure,
  applyDefinition,
  findingLines,
  readinessLine,
  readPlanFile,
  type ApplyResult,
  type Locator,
  type PasswordSink,
  type PlanFile,
  type Wanted,
} from '../../access/index.ts';
import { addRunOptions, runContext, type RunOptions } from '../access-run.ts';
import type { Io } from '../command.ts';
import {
  addAccountOptions,
  addDefinitionOptions,
  addLockOutOption,
  loadWanted,
  type DefinitionOptions,
} from '../definition.ts';
import { printData, printJson, say, tell } from '../output.ts';

interface Options extends DefinitionOptions, RunOptions {
  readonly account?: readonly string[];
  readonly passwords?: string;
  readonly allowLockOut?: true;
}

/** First passwords go to a new file that only its owner reads, or to the terminal; nowhere else, so never into a log. */
function openPasswordSink(io: Io, file: string | undefined): { sink: PasswordSink | undefined; close(): void } {
  if (file === undefined) {
    const terminal = io.stderr.isTTY;
    return {
      sink: terminal
        ? ({ account, user, password }) =>
            tell(io, `password of ${user} in ${account}, shown only now: ${password.reveal()}`)
        : undefined,
      close: () => undefined,
    };
  }
  try {
    const path = resolve(io.cwd, file);
    const fd = openSync(path, 'wx', 0o600);
    let written = 0;
    return {
      sink: ({ account, user, password }) => {
        written += writeSync(fd, `${account} ${user} ${password.reveal()}\n`);
      },
      close: () => {
        closeSync(fd);
        if (written === 0) unlinkSync(path);
      },
    };
  } catch (cause) {
    throw accessFailure('passwords-unwritable', `cannot make the file \`${file}\` for passwords`, {
      hint: 'name a file that does not exist yet, in a folder that does',
      cause,
    });
  }
}

async function chooseWanted(
  io: Io,
  options: Options,
  planFile: string | undefined,
): Promise<{ wanted: Wanted; planned?: PlanFile; locator?: Locator }> {
  if (planFile === undefined) {
    return loadWanted(io, options);
  }
  const planned = readPlanFile(resolve(io.cwd, planFile));
  return { wanted: planned.wanted, planned };
}

function printResult(io: Io, { plan, outcome, readiness, journal, run }: ApplyResult, json: boolean): void {
  const { outputs, summary } = plan;
  if (json) {
    printJson(io, {
      version: 1,
      summary,
      calls: outcome?.done ?? 0,
      ready: readiness ?? null,
      journal: journal ?? null,
      run: run ?? null,
      outputs,
    });
    return;
  }
  if (outcome === undefined) {
    // No plan was shown: what should be known is told all the same.
    for (const line of findingLines(plan.findings.filter(({ severity }) => severity !== 'info'))) say(io, line);
  }
  const proved = readiness === undefined ? undefined : readinessLine(readiness);
  if (proved !== undefined) say(io, proved);
  if (outcome === undefined) say(io, 'Nothing to change: AWS is as the definition says.');
  else say(io, `Applied: ${summary.add} added, ${summary.change} changed, ${summary.destroy} destroyed.`);
  for (const [name, value] of Object.entries(outputs)) printData(io, `${name} = ${value}`);
}

async function apply(io: Io, planFile: string | undefined, options: Options): Promise<void> {
  const { wanted, planned, locator } = await chooseWanted(io, options, planFile);
  const passwords = openPasswordSink(io, options.passwords);
  const { context, end } = runContext(io, wanted, options, 'Apply this', passwords.sink !== undefined);
  try {
    const result = await applyDefinition({
      ...context,
      mode: 'apply',
      planned,
      locator,
      allowLockOut: options.allowLockOut,
      only: planned?.accounts ?? options.account,
      passwords: passwords.sink,
    }).finally(end);
    printResult(io, result, options.json === true);
  } finally {
    passwords.close();
  }
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('apply')
    .description('make AWS as the definition says')
    .argument('[planfile]', 'a plan kept by `stint plan -o FILE`');
  addLockOutOption(addRunOptions(addAccountOptions(addDefinitionOptions(command))))
    .option('--passwords <file>', 'where first console passwords are written, once')
    .addHelpText(
      'after',
      '\nExamples:\n  stint apply --yes\n  stint apply dev.plan --expect-account 111111111111\n  stint apply --yes --tolerate 5%',
    )
    .action((planFile: string | undefined, options: Options) => apply(io, planFile, options));
}
