// `stint shell NAME`: the function that `eval "$(stint shell bash)"` defines.
import type { Command } from 'commander';
import { shellNames, type ShellName } from '../../assume/index.ts';
import { UsageError } from '../assume-options.ts';
import { runVerb } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { cliModule } from '../place.ts';
import { shellText } from '../shell-text.ts';

function realPath(file: string): string | undefined {
  try {
    return process.getBuiltinModule('node:fs').realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Undefined when `stint` in PATH is this very program, else the words that start it. */
function programWords(io: Io): readonly string[] | undefined {
  const script = process.getBuiltinModule('node:url').fileURLToPath(cliModule('main'));
  const found = (io.env['PATH'] ?? '')
    .split(':')
    .map((folder) => realPath(`${folder}/stint`))
    .find((file) => file !== undefined);
  return found === realPath(script) ? undefined : [process.execPath, script];
}

function shellNamed(name: string): ShellName {
  const known = shellNames.find((shell) => shell === name);
  if (known !== undefined) return known;
  throw new UsageError(
    cliFailure('unknown-shell', `there is no function for \`${name}\``, { hint: `choose ${shellNames.join(', ')}` }),
  );
}

/** Prints the text for the shell of that name. @throws UsageError `unknown-shell`. */
export async function printShell(io: Io, name: string): Promise<void> {
  io.stdout.write(shellText(shellNamed(name), programWords(io)));
}

export function register(program: Command, io: Io): void {
  program
    .command('shell')
    .description('print the shell function that lets `stint assume` change the current shell')
    .argument('<shell>', shellNames.join(', '))
    .addHelpText('after', exampleText(['eval "$(stint shell bash)"', 'stint shell fish | source']))
    .action(async (name: string) => runVerb(io, () => printShell(io, name)));
}
