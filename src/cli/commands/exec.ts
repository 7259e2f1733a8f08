// `stint exec TARGET -- CMD`: runs a command with a session of the target in its environment.
import type { Command } from 'commander';
import { changedEnvironment, endAs, execCommand, sessionChange } from '../../assume/index.ts';
import { UsageError } from '../assume-options.ts';
import { assumeTarget } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printFailure } from '../output.ts';
import { cliFailure } from '../failures.ts';

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'exec',
      summary: 'run a command with a session of the target',
      target: '<target>',
      examples: ['stint exec dev/test_role -- aws s3 ls', 'stint exec prod --duration 15m -- terraform plan'],
    },
    async (target, choices, [command, ...args]) => {
      if (command === undefined) {
        throw new UsageError(
          cliFailure('missing-command', 'a command is needed', { hint: 'write `stint exec TARGET -- COMMAND`' }),
        );
      }
      const { request, session } = await assumeTarget(io, target!, choices);
      const env = changedEnvironment(io.env, sessionChange(io.env, request, session));
      const ending = await execCommand(command, args, env);
      if (ending.error !== undefined) printFailure(io, ending.error);
      io.exit(ending.code);
      endAs(ending);
    },
  ).argument('[command...]', 'everything after `--`');
}
