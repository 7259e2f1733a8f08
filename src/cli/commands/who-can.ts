// `stint who-can`: everybody who could do something, also by way of roles. Exits with 1 when nobody can, with 3 when
// somebody hangs on what AWS did not show.
import type { Command } from 'commander';
import { whoCan, type Way } from '../../policy/index.ts';
import {
  addRequestOptions,
  addSourceOptions,
  askedOf,
  findingsFor,
  needsText,
  readQuestion,
  sayFindings,
  unreadPolicyNote,
  type RequestOptions,
  type SourceOptions,
} from '../access-questions.ts';
import type { Io } from '../command.ts';
import { printJson, printLine, say } from '../output.ts';

interface Options extends SourceOptions, RequestOptions {
  readonly full?: true;
  readonly json?: true;
}

function roleName(arn: string): string {
  return arn.replace(/^arn:[^:]+:iam::(\d{12}):role\/(?:.*\/)?/, '$1:');
}

/** `user arn…  through 222222222222:reader, then 222222222222:owner  with MFA`. */
function wayText({ actor, through, needs }: Way): string {
  // The last one is the actor itself where it may do it directly.
  const path = through.length === 0 ? '' : `  through ${through.map(roleName).join(', then ')}`;
  return `${actor.kind} ${actor.id}${path}${needs.length === 0 ? '' : `  ${needsText(needs)}`}`;
}

const isUnknown = ({ unknownPolicies }: Way): boolean => unknownPolicies.length > 0;

/** `user alice`, `role deploy`. */
const actorName = ({ actor }: Way): string => `${actor.kind} ${actor.id.replace(/^arn:.*[:/]/, '')}`;

/** Those who hang on a policy that nobody gave, counted by name: who they are matters less than what would tell. */
function unknownLines(ways: readonly Way[]): string[] {
  const byPolicies = Map.groupBy(ways, ({ unknownPolicies }) => unknownPolicies.join(', '));
  return [...byPolicies].map(([policies, some]) => {
    const names = [...Map.groupBy(some, actorName)].map(([name, alike]) => {
      const accounts = new Set(alike.map(({ actor }) => actor.account)).size;
      return accounts > 1 ? `${name} in ${accounts} accounts` : name;
    });
    return `perhaps ${some.length} more, if ${policies}, which is not known, lets them: ${names.join(', ')}`;
  });
}

/** What the asker knows and could tell, so that fewer answers depend; of policies only where no finding told it. */
function sayCures(io: Io, ways: readonly Way[], resource: string, isUntold: boolean): void {
  const keys = new Map(ways.flatMap((way) => way.keys).map((key) => [key.toLowerCase(), key]));
  if (isUntold && ways.some(isUnknown)) {
    const file = `\`--resource-policy FILE\` gives the policy of ${resource}`;
    say(io, `hint: ${file}, and \`--full\` lists everybody whom it might let`);
  }
  if (keys.size === 0) return;
  const options = [...keys.values()].map((key) => `--context ${key}=…`);
  say(io, `hint: what is known of the request tells more: ${options.slice(0, 4).join(' ')}`);
}

async function run(io: Io, action: string, resource: string, options: Options): Promise<void> {
  const asked = await askedOf(io, options, await readQuestion(action, resource, options));
  const { directory, question } = asked;
  const ways = whoCan(directory, question);
  const resourcePolicy = directory.resourcePolicy(question);
  const findings = findingsFor(
    asked,
    ways.flatMap(({ unknownPolicies }) => unknownPolicies),
  );
  if (options.json === true) {
    printJson(io, { version: 1, action, resource: question.resource, resourcePolicy, ways, findings });
  } else {
    const told = options.full === true ? ways : ways.filter((way) => !isUnknown(way));
    for (const way of told) printLine(io, wayText(way));
    for (const line of options.full === true ? [] : unknownLines(ways.filter(isUnknown))) printLine(io, line);
    sayFindings(io, findings);
    sayCures(io, ways, question.resource, findings.length === 0);
  }
  const isOpen = resourcePolicy === 'unread' && !ways.some(isUnknown);
  const note = isOpen ? unreadPolicyNote(question.resource, findings) : undefined;
  if (note !== undefined) say(io, note);
  if (ways.length === 0) say(io, `nobody may ${action} on ${resource}`);
  if (ways.length === 0) io.exit(1);
  else if (findings.some(({ code }) => code.endsWith('-unread'))) io.exit(3);
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('who-can')
    .description(
      'who may do something, also by way of roles? Exits with 1 when nobody can, with 3 when AWS did not show what decides for somebody',
    )
    .argument('<action>', 'service:Operation')
    .argument('<resource>', 'an ARN, or `*`');
  addRequestOptions(addSourceOptions(command))
    .option('--full', 'list everybody, those too who hang on a policy that is not known')
    .addHelpText(
      'after',
      "\nExamples:\n  stint who-can s3:GetObject 'arn:aws:s3:::payroll/*' --resource-account 444444444444\n  stint who-can sts:AssumeRole arn:aws:iam::444444444444:role/admin --live --json",
    )
    .action((action: string, resource: string, options: Options) => run(io, action, resource, options));
}
