// `stint who-can`: everybody who could do something, also by way of roles. Exits with 1 when nobody can.
import type { Command } from 'commander';
import { Directory, whoCan, type Way } from '../../policy/index.ts';
import {
  addRequestOptions,
  addSourceOptions,
  chosenDetails,
  readQuestion,
  type RequestOptions,
  type SourceOptions,
} from '../access-questions.ts';
import type { Io } from '../command.ts';
import { printData, printJson, say } from '../output.ts';

interface Options extends SourceOptions, RequestOptions {
  readonly json?: true;
}

function roleName(arn: string): string {
  return arn.replace(/^arn:[^:]+:iam::(\d{12}):role\/(?:.*\/)?/, '$1:');
}

/** `user arn…  through 222222222222:reader, then 222222222222:owner  with MFA`. */
function wayText({ actor, through, needs }: Way): string {
  // The last one is the actor itself where it may do it directly.
  const path = through.length === 0 ? '' : `  through ${through.map(roleName).join(', then ')}`;
  return `${actor.kind} ${actor.id}${path}${needs.length === 0 ? '' : `  ${needs.join(' and ')}`}`;
}

async function run(io: Io, action: string, resource: string, options: Options): Promise<void> {
  const question = await readQuestion(action, resource, options);
  const ways = whoCan(new Directory(await chosenDetails(io, options)), question);
  if (options.json === true) printJson(io, { version: 1, action, resource, ways });
  else for (const way of ways) printData(io, wayText(way));
  if (ways.length > 0) return;
  say(io, `nobody may ${action} on ${resource}`);
  io.exit(1);
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('who-can')
    .description('who may do something, also by way of roles? Exits with 1 when nobody can')
    .argument('<action>', 'service:Operation')
    .argument('<resource>', 'an ARN, or `*`');
  addRequestOptions(addSourceOptions(command))
    .addHelpText(
      'after',
      "\nExamples:\n  stint who-can s3:GetObject 'arn:aws:s3:::payroll/*' --resource-account 444444444444\n  stint who-can sts:AssumeRole arn:aws:iam::444444444444:role/admin --live --json",
    )
    .action((action: string, resource: string, options: Options) => run(io, action, resource, options));
}
