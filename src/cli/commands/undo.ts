// `stint undo`: takes back what a run did, as far as AWS still shows it. Undoing an undo does it again.
import type { Command } from 'commander';
import {
  accessFailure,
  applyDefinition,
  chooseRun,
  permissionsJson,
  planUndo,
  readRun,
  runNames,
  runState,
  undoScope,
  type Run,
} from '../../access/index.ts';
import { addRunOptions, runContext, type RunOptions } from '../access-run.ts';
import type { Io } from '../command.ts';
import { journalFolder } from '../definition.ts';
import { hasEnded, ownHolder } from '../run-holder.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends RunOptions {
  readonly list?: true;
}

/** A run in one line, or why its journal cannot be read. */
function rowOf(run: Run, undoneBy: string | undefined): readonly string[] {
  const calls = run.entries.filter(({ outcome }) => outcome === 'done').length;
  const what = run.undoes === undefined ? run.mode : `${run.mode} of ${run.undoes}`;
  return [
    run.run,
    what,
    run.definition,
    `${calls}/${run.entries.length} calls`,
    undoneBy === undefined ? runState(run) : `undone by ${undoneBy}`,
    run.caller,
  ];
}

function readable(folder: string, name: string): Run | undefined {
  try {
    return readRun(folder, name);
  } catch {
    return undefined;
  }
}

function list(io: Io, json: boolean): void {
  const folder = journalFolder(io);
  const names = runNames(folder).toReversed();
  const runs = names.map((name) => ({ name, run: readable(folder, name) }));
  const undone = new Map(
    runs.flatMap(({ run }) => (run?.undoes !== undefined && run.ended === 'done' ? [[run.undoes, run.run]] : [])),
  );
  if (json) {
    return printJson(
      io,
      runs.map(({ name, run }) =>
        run === undefined
          ? { run: name, state: 'unreadable' }
          : {
              run: run.run,
              mode: run.mode,
              definition: run.definition,
              startedAt: run.startedAt,
              caller: run.caller,
              calls: run.entries.filter(({ outcome }) => outcome === 'done').length,
              state: runState(run),
              undoes: run.undoes ?? null,
              undoneBy: undone.get(run.run) ?? null,
            },
      ),
    );
  }
  const rows = runs.map(({ name, run }) =>
    run === undefined ? [name, 'cannot be read'] : rowOf(run, undone.get(run.run)),
  );
  for (const row of rows) printData(io, row.join('  '));
  if (rows.length === 0) say(io, `no runs: ${folder} holds no journal`);
}

async function undo(io: Io, name: string | undefined, options: Options): Promise<void> {
  if (options.list === true) return list(io, options.json === true);
  const run = chooseRun(journalFolder(io), name);
  refuseRunning(io, run);
  const { context, end } = runContext(io, undoScope(run), options, `Undo ${run.mode} ${run.run}`);
  const result = await applyDefinition({
    ...context,
    mode: 'undo',
    undoes: run.run,
    planFrom: (seen) => planUndo(run, seen),
  }).finally(end);
  const { plan, outcome, journal } = result;
  if (options.json === true) {
    const { summary, findings } = plan;
    printJson(io, {
      version: 1,
      undoes: run.run,
      summary,
      access: plan.access,
      permissions: permissionsJson(plan),
      findings,
      calls: outcome?.done ?? 0,
      ready: result.readiness ?? null,
      journal: journal ?? null,
      run: result.run ?? null,
    });
    return;
  }
  if (outcome !== undefined) say(io, `Undone: ${run.run}. \`stint undo\` does it again.`);
  else say(io, `Nothing to undo: AWS shows nothing of what ${run.run} wrote.`);
}

/** @throws Failure `run-active` while the process of the run lives. */
function refuseRunning(io: Io, { run, ended, holder }: Run): void {
  if (ended !== undefined || holder === undefined || holder.host !== ownHolder().host) return;
  if (hasEnded(journalFolder(io), run, holder)) return;
  throw accessFailure('run-active', `the run \`${run}\` has not ended: process ${holder.pid}`, {
    hint: 'end it with Ctrl-C, which is safe at any time, and undo it then',
  });
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('undo')
    .description('take back what a run did, as far as AWS still shows it')
    .argument('[run]', 'name of a run; the last one unless given');
  addRunOptions(command)
    .option('--expect-account <id>', 'refuse credentials of any other account')
    .option('--list', 'list the runs made on this machine')
    .addHelpText('after', '\nExamples:\n  stint undo --list\n  stint undo 20261128T191500Z-a1B2c3 --yes')
    .action((name: string | undefined, options: Options) => undo(io, name, options));
}
