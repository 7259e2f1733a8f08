// `stint forget`: removes kept sessions from this machine.
import type { Command } from 'commander';
import { baseEnvironment, resolveTarget, type KeptSession } from '../../assume/index.ts';
import { UsageError } from '../assume-options.ts';
import { openCache, runVerb, targetContext } from '../assume-session.ts';
import { exampleText } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { say } from '../output.ts';
import { cliFailure } from '../failures.ts';

interface Options {
  readonly all?: boolean;
  readonly config?: string;
}

/** The role the target stands for, undefined when the target is not known any more. */
async function roleOf(io: Io, target: string, config: string | undefined): Promise<string | undefined> {
  try {
    return (await resolveTarget(target, {}, targetContext(io, baseEnvironment(io.env), config))).roles.at(-1)?.roleArn;
  } catch {
    return undefined;
  }
}

async function forget(io: Io, target: string | undefined, { all = false, config }: Options): Promise<void> {
  if ((target === undefined) !== all) {
    throw new UsageError(
      cliFailure('missing-target', 'either a target or `--all` is needed', {
        hint: 'write `stint forget TARGET` or `stint forget --all`',
      }),
    );
  }
  const cache = openCache(io.env);
  let count = 0;
  if (cache !== undefined && target === undefined) count = cache.removeAll();
  if (cache !== undefined && target !== undefined) {
    const role = await roleOf(io, target, config);
    const meant = ({ target: kept, roleArn }: KeptSession): boolean =>
      kept === target || (role !== undefined && roleArn === role);
    count = cache.remove(cache.list().filter(meant));
  }
  say(io, `forgot ${count} ${count === 1 ? 'session' : 'sessions'} on this machine; AWS ends them at their time`);
}

export function register(program: Command, io: Io): void {
  program
    .command('forget')
    .description('remove kept sessions from this machine')
    .argument('[target]', 'the target whose sessions to remove')
    .option('--all', 'remove all of them, MFA sessions too')
    .option('--config <file>', 'the definition, for targets like dev/test_role')
    .addHelpText('after', exampleText(['stint forget dev/test_role', 'stint forget --all']))
    .action(async (target: string | undefined, options: Options) => runVerb(io, () => forget(io, target, options)));
}
