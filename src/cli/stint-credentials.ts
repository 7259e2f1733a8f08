// `stint-credentials TARGET`: `stint credentials` without the command line library, for SDKs that run it often.
import { parseArgs } from 'node:util';
import { Failure } from '../base/index.ts';
import { processJson } from '../assume/index.ts';
import { assumeOptions, readChoices, UsageError, type OptionValues } from './assume-options.ts';
import { assumeTarget, runVerb } from './assume-session.ts';
import type { Io } from './command.ts';
import { printData } from './output.ts';
import { processIo } from './process-io.ts';

const hint = 'usage: stint-credentials TARGET [options]; `stint credentials --help` lists them';

function parse(argv: readonly string[]): { target: string; values: OptionValues } {
  const options = Object.fromEntries(
    assumeOptions.map(({ name, value, many }) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: many === true },
    ]),
  );
  try {
    const { positionals, values } = parseArgs({ args: [...argv], options, allowPositionals: true });
    const [target, ...rest] = positionals;
    if (target === undefined || rest.length > 0) throw new Error('exactly one target is needed');
    return { target, values: values as OptionValues };
  } catch (error) {
    throw new UsageError(new Failure('invalid-option', (error as Error).message, { hint }));
  }
}

async function main(argv: readonly string[], io: Io): Promise<void> {
  await runVerb(io, async () => {
    const { target, values } = parse(argv);
    printData(io, processJson((await assumeTarget(io, target, readChoices(values))).session));
  });
}

await main(process.argv.slice(2), processIo());
