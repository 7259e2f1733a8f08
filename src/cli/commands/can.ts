// `stint can`: may somebody do something? 0 allowed, 1 denied or depends on the request, 3 when only policies that could
// not be read are in the way of a certain answer; what it depends on is said.
import type { Command } from 'commander';
import { can, type CanAnswer, type StatementPlace } from '../../policy/index.ts';
import {
  addRequestOptions,
  addSourceOptions,
  askedOf,
  findingsFor,
  inSessionOf,
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
  readonly sessionPolicy?: readonly string[];
  readonly json?: true;
}

const typeWords = {
  identity: 'identity-based policy',
  boundary: 'permissions boundary',
  session: 'session policy',
  resource: 'resource-based policy',
  trust: 'trust policy',
  scp: 'service control policy',
  rcp: 'resource control policy',
  endpoint: 'VPC endpoint policy',
} as const;

function placeText({ policyType, policy, statement, sid, attachedTo }: StatementPlace): string {
  const which = sid === undefined || sid === '' ? `statement ${statement + 1}` : `statement ${sid}`;
  const on = attachedTo === undefined ? '' : ` on ${attachedTo}`;
  return `${which} of ${policy ?? 'a policy'} (${typeWords[policyType]}${on})`;
}

/** The answer in a few lines, the first of them the answer itself. */
function answerLines(answer: CanAnswer): string[] {
  const { by, missing, needs, keys, unknownPolicies } = answer;
  if (answer.answer === 'allowed') return [by === undefined ? 'allowed' : `allowed by ${placeText(by)}`];
  if (answer.answer === 'denied') {
    if (by !== undefined) return [`denied by ${placeText(by)}`];
    return [`denied: no ${missing === undefined ? 'policy' : typeWords[missing]} allows it`];
  }
  // What is allowed but for a policy that takes away: nobody could read whether it does.
  const isHedged = answer.unreadOnly && needs.every((need) => need.startsWith('unless '));
  return [
    isHedged ? `allowed, ${needsText(needs)}` : `depends: allowed ${needsText(needs)}`,
    ...(keys.length === 0 ? [] : [`  tell it with ${keys.map((key) => `--context ${key}=…`).join(' ')}`]),
    ...unknownPolicies.map((policy) => `  not known: ${policy}`),
    ...(by === undefined ? [] : [`  then by ${placeText(by)}`]),
  ];
}

async function run(io: Io, principal: string, action: string, resource: string, options: Options): Promise<void> {
  const asked = await askedOf(io, options, await readQuestion(action, resource, options), principal);
  const { directory, question } = asked;
  const found = options.policy === undefined ? directory.find(principal) : directory.subjects[0]!;
  const { sessionPolicy } = options;
  const subject = sessionPolicy === undefined ? found : inSessionOf(io, asked, found, sessionPolicy);
  const answer = can(directory, subject, question);
  const findings = findingsFor(asked, answer.unknownPolicies);
  if (options.json === true) printJson(io, { version: 1, ...answer, findings });
  else {
    for (const line of answerLines(answer)) printLine(io, line);
    sayFindings(io, findings);
  }
  // Where it is of another account or a key, the answer says itself that it hangs on that policy.
  const isOpen = answer.resourcePolicy === 'unread' && answer.unknownPolicies.length === 0;
  const note = isOpen ? unreadPolicyNote(question.resource, findings) : undefined;
  if (note !== undefined) say(io, note);
  if (answer.answer !== 'allowed') io.exit(answer.unreadOnly ? 3 : 1);
}

export function register(program: Command, io: Io): void {
  const command = program
    .command('can')
    .description(
      'may a person, group or role do something? Exits with 0 if allowed, 3 if a policy that could not be read decides, else with 1',
    )
    .argument('<principal>', 'an ARN, `account/name`, or a name that one principal has')
    .argument('<action>', 'service:Operation')
    .argument('<resource>', 'an ARN, or `*`')
    .option('--policy <file...>', 'ask of these policy documents instead: what the principal could do with them')
    .option('--session-policy <file...>', 'the policies that the session of the role is made with');
  addRequestOptions(addSourceOptions(command))
    .addHelpText(
      'after',
      "\nExamples:\n  stint can alice sts:AssumeRole arn:aws:iam::222222222222:role/test_role --context aws:MultiFactorAuthPresent=true\n  stint can ci s3:PutObject 'arn:aws:s3:::site/*' --policy deploy.json",
    )
    .action((principal: string, action: string, resource: string, options: Options) =>
      run(io, principal, action, resource, options),
    );
}
