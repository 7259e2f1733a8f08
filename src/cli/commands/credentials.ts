// `stint credentials TARGET`: JSON for `credential_process`.
import type { Command } from 'commander';
import { processJson } from '../../assume/index.ts';
import { assumeTarget } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printData } from '../output.ts';

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'credentials',
      summary: 'print a session of the target as JSON for credential_process',
      target: '<target>',
      examples: ['stint credentials dev/test_role', 'credential_process = stint-credentials dev/test_role'],
    },
    async (target, choices) => printData(io, processJson((await assumeTarget(io, target!, choices)).session)),
  );
}
