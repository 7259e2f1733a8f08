// `stint import KIND/NAME…`: takes over what was there before Stint, by name and when nothing but marks is written.
import type { Command } from 'commander';
import { nearestName, systemClock } from '../../base/index.ts';
import { accessFailure, applyDefinition, compileDefinition, planAdoption, type Wanted } from '../../access/index.ts';
import { addRunOptions, runContext, type RunOptions } from '../access-run.ts';
import type { Io } from '../command.ts';
import { addAccountOptions, addDefinitionOptions, loadChosen, type DefinitionOptions } from '../definition.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends DefinitionOptions, RunOptions {
  readonly account?: readonly string[];
  readonly withChanges?: true;
}

/** `dev/role/reader`, or `role/reader` for every account that has it. @throws Failure `import-unknown`. */
function chosenIds(wanted: Wanted, texts: readonly string[]): Set<string> {
  const all = wanted.accounts.flatMap(({ name, resources }) =>
    resources
      .filter(({ kind }) => kind !== 'password-policy')
      .map((it) => [`${name}/${it.kind}/${it.name}`, `${it.kind}/${it.name}`] as const),
  );
  return new Set(
    texts.flatMap((text) => {
      const found = all.filter(([whole, short]) => text === whole || text === short).map(([whole]) => whole);
      if (found.length > 0) return found;
      const near = nearestName(
        text,
        all.flatMap(([whole, short]) => [short, whole]),
      );
      throw accessFailure('import-unknown', `the definition makes no \`${text}\``, {
        hint:
          near === undefined
            ? 'write `KIND/NAME` or `ACCOUNT/KIND/NAME`: `role/reader`, `dev/role/reader`'
            : `did you mean \`${near}\`?`,
      });
    }),
  );
}

async function importNamed(io: Io, texts: readonly string[], options: Options): Promise<void> {
  const { definition } = await loadChosen(io, options);
  const wanted = compileDefinition(definition, systemClock.now());
  const ids = chosenIds(wanted, texts);
  const adoption = { ids, withChanges: options.withChanges === true };
  const { context, end } = runContext(io, wanted, options, 'Take these over');
  const result = await applyDefinition({
    ...context,
    mode: 'apply',
    planFrom: (seen) => planAdoption(wanted, seen, adoption),
    only: options.account,
  }).finally(end);
  const taken = result.plan.changes.map(({ id }) => id);
  if (options.json === true) printJson(io, { version: 1, taken, journal: result.journal ?? null });
  else {
    for (const id of taken) printData(io, id);
    say(io, taken.length === 0 ? 'Nothing to take over: it is Stint’s already.' : `Taken over: ${taken.length}.`);
  }
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('import')
    .description('take over what was there before Stint, by name')
    .argument('<what...>', '`KIND/NAME`, or `ACCOUNT/KIND/NAME`');
  addRunOptions(addAccountOptions(addDefinitionOptions(command)))
    .option('--with-changes', 'also change what differs from the definition')
    .addHelpText(
      'after',
      '\nExamples:\n  stint import role/reader\n  stint import dev/role/reader group/developers --yes',
    )
    .action((texts: readonly string[], options: Options) => importNamed(io, texts, options));
}
