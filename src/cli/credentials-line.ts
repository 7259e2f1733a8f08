// The command line of `stint-credentials`: `stint credentials` without the command line library.
import { processJson } from '../assume/index.ts';
import { assumeOptions, readChoices, UsageError, type OptionValues } from './assume-options.ts';
import { assumeTarget, runVerb } from './assume-session.ts';
import type { Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { writeOut } from './write-out.ts';

const help = `usage: stint-credentials TARGET [options]

Prints a session of the target as JSON for credential_process. \`stint credentials --help\` lists the options.

Examples:
  credential_process = stint-credentials dev/test_role
  stint-credentials arn:aws:iam::222222222222:role/test_role --duration 30m
`;
const hint = 'usage: stint-credentials TARGET [options]; `stint credentials --help` lists them';

function parse(argv: readonly string[]): { target: string; values: OptionValues } {
  const [only] = argv;
  // The usual call needs no parser, which costs 3 ms.
  if (argv.length === 1 && only !== undefined && !only.startsWith('-')) return { target: only, values: {} };
  const options = Object.fromEntries(
    assumeOptions.map(({ name, value, many }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
    ]),
  );
  try {
    const { parseArgs } = process.getBuiltinModule('node:util');
    const { positionals, values } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const [target, ...rest] = positionals;
    if (target === undefined || rest.length > 0) throw new Error('exactly one target is needed');
    return { target, values: values as OptionValues };
  } catch (error) {
    throw new UsageError(cliFailure('invalid-option', (error as Error).message, { hint }));
  }
}

/** Runs the line to its end; failures become text and exit code. */
export async function runCredentialsLine(argv: readonly string[], io: Io): Promise<void> {
  await runVerb(io, async () => {
    if (['--help', '-h'].includes(argv[0] ?? '')) return writeOut(help);
    const { target, values } = parse(argv);
    const { request, session } = await assumeTarget(io, target, readChoices(values));
    writeOut(`${processJson(request, session)}\n`);
  });
}
