// `stint whoami`: asks STS who the current credentials, or those of a target, belong to.
import type { Command } from 'commander';
import { assumeTarget, currentCredentials, openSts } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printData, printJson } from '../output.ts';

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'whoami',
      summary: 'ask AWS who the current credentials, or those of a target, belong to',
      target: '[target]',
      examples: ['stint whoami', 'stint whoami dev/test_role --json'],
    },
    async (target, choices, _, values) => {
      const { request, session } = await (target === undefined
        ? currentCredentials(io, choices)
        : assumeTarget(io, target, choices));
      const { account, arn, userId } = await openSts(request, io.env).getCallerIdentity(session);
      if (values['json'] === true) return printJson(io, { account, arn, userId });
      printData(io, arn);
    },
  ).option('--json', 'machine output: account, arn, userId');
}
