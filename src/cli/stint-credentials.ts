// `stint-credentials TARGET`: `stint credentials` without the command line library, for SDKs that run it often.
// A kept session takes it 1.2 times an empty Node's time, from process start to end (measured: 30 ms and 25 ms).
import { processJson } from '../assume/index.ts';
import { assumeOptions, readChoices, UsageError, type OptionValues } from './assume-options.ts';
import { assumeTarget, runVerb } from './assume-session.ts';
import { processIo } from './process-io.ts';
import { cliFailure } from './failures.ts';

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

/** Writes to stdout without opening its stream, which costs 4 ms; the stream takes over when the pipe is full. */
function print(text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  try {
    written = process.getBuiltinModule('node:fs').writeSync(1, bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Whoever asked has gone: there is nobody left to tell.
    if (code === 'EPIPE') return;
    if (code !== 'EAGAIN') throw error;
  }
  if (written < bytes.length) process.stdout.write(bytes.subarray(written));
}

const io = processIo();
void runVerb(io, async () => {
  if (['--help', '-h'].includes(process.argv[2] ?? '')) return print(help);
  const { target, values } = parse(process.argv.slice(2));
  print(`${processJson((await assumeTarget(io, target, readChoices(values))).session)}\n`);
});
