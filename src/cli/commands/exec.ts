// `stint exec TARGET -- CMD`: runs a command with a session of the target in its environment; for several targets,
// once for each, side by side.
import type { Command } from 'commander';
import { baseEnvironment, changedEnvironment, endAs, execCommand, sessionChange } from '../../assume/index.ts';
import { UsageError, type AssumeChoices, type OptionValues } from '../assume-options.ts';
import { assumeTarget, targetContext } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { printFailure } from '../output.ts';
import { cliFailure } from '../failures.ts';

const usualJobs = 8;
const mostJobs = 256;

interface Typed {
  readonly targets: readonly string[];
  readonly command: readonly string[];
}

/** The line as typed, in which `--` still stands; commander keeps it, and its types do not tell. */
function rawWords(program: Command): readonly string[] {
  return (program as unknown as { readonly rawArgs: readonly string[] }).rawArgs;
}

/**
 * Which words are targets and which the command. Before `--` stands one target, or none where options name them; the
 * command begins after it, or without `--` right after the target. A later `--` is the command's own.
 */
function readWords(raw: readonly string[], words: readonly string[], options: readonly string[]): Typed {
  const dash = raw.indexOf('--');
  const after = dash < 0 ? [] : raw.slice(dash + 1);
  const before = words.slice(0, words.length - after.length);
  const [target, ...rest] = before;
  const command = dash >= 0 && rest.length === 0 ? after : [...rest, ...(dash < 0 ? [] : ['--', ...after])];
  return { targets: [...(target === undefined ? [] : [target]), ...options], command };
}

function many(value: OptionValues[string]): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

function readJobs(value: OptionValues[string]): number {
  if (value === undefined) return usualJobs;
  const jobs = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : 0;
  if (jobs >= 1 && jobs <= mostJobs) return jobs;
  throw new UsageError(
    cliFailure('invalid-option', `\`--jobs\` does not take \`${String(value)}\``, {
      hint: `it takes 1 to ${mostJobs}`,
    }),
  );
}

/** Everything but one name, and nothing that only many have. A profile may be named like a pattern. */
function isMany(io: Io, { targets }: Typed, choices: AssumeChoices, values: OptionValues): boolean {
  if (['target', 'stage', 'jobs', 'fail-fast', 'json'].some((name) => values[name] !== undefined)) return true;
  const [target = ''] = targets;
  if (!/[,*?[\]{}]/.test(target)) return false;
  return !targetContext(io, baseEnvironment(io.env), choices.config).profiles.profiles.has(target);
}

async function runOne(io: Io, target: string, [command, ...args]: readonly string[], choices: AssumeChoices) {
  const { request, session } = await assumeTarget(io, target, choices);
  const env = changedEnvironment(io.env, sessionChange(io.env, request, session));
  const ending = await execCommand(command!, args, env);
  if (ending.error !== undefined) printFailure(io, ending.error);
  return ending;
}

async function runSeveral(io: Io, { targets, command }: Typed, choices: AssumeChoices, values: OptionValues) {
  const form = {
    targets,
    stages: many(values['stage']).flatMap((text) => text.split(',')),
    jobs: readJobs(values['jobs']),
    failFast: values['fail-fast'] === true,
    json: values['json'] === true,
  };
  const { runMany } = await import('../exec-many.ts');
  return runMany(io, form, command, choices);
}

function checkWords({ targets, command }: Typed, values: OptionValues): void {
  if (targets.length === 0 && values['stage'] === undefined) {
    throw new UsageError(cliFailure('missing-target', 'a target is needed', { hint: '`stint ls` lists the targets' }));
  }
  if (command.length > 0) return;
  throw new UsageError(
    cliFailure('missing-command', 'a command is needed', { hint: 'write `stint exec TARGET -- COMMAND`' }),
  );
}

export function register(program: Command, io: Io): void {
  const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
  addTargetVerb(
    program,
    io,
    {
      name: 'exec',
      summary: 'run a command with a session of the target, or of many targets side by side',
      target: '[target]',
      examples: ['stint exec dev/test_role -- aws s3 ls', "stint exec 'prod/*' --jobs 4 -- aws s3 ls"],
    },
    async (first, choices, rest, values) => {
      const words = first === undefined ? [] : [first, ...rest];
      const typed = readWords(rawWords(program), words, many(values['target']));
      checkWords(typed, values);
      const run = isMany(io, typed, choices, values)
        ? runSeveral(io, typed, choices, values)
        : runOne(io, typed.targets[0]!, typed.command, choices);
      const ending = await run;
      io.exit(ending.code);
      endAs(ending);
    },
  )
    .argument('[command...]', 'everything after `--`')
    .option(
      '--target <name>',
      'a further target, a pattern like `prod/*`, or a list with commas; may be given several times',
      collect,
    )
    .option('--stage <name>', 'only targets of that stage of the definition; may be given several times', collect)
    .option('--jobs <n>', `for many targets: so many at a time (default: ${usualJobs})`)
    .option('--fail-fast', 'for many targets: after the first failure start no more, and end what runs')
    .option('--json', 'for many targets: one JSON object per target on stdout, as each ends');
}
