// `stint metadata TARGET -- CMD`: a server on loopback that renews its session, and a command that finds it there.
import type { Command } from 'commander';
import { isFailure, systemClock, type Millis, type Secret } from '../../base/index.ts';
import {
  baseEnvironment,
  changedEnvironment,
  endAs,
  execCommand,
  keptSession,
  languageOf,
  loadMetadata,
  quoteFor,
  shellLines,
  shellNames,
  type Credentials,
} from '../../assume/index.ts';
import { UsageError, type AssumeChoices, type OptionValues } from '../assume-options.ts';
import { assumeTarget, openCache, readText, type Assumed } from '../assume-session.ts';
import { addTargetVerb } from '../assume-verb.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, printFailure, say, tell } from '../output.ts';

/** Seconds of a session made of long-term keys: STS's own default for GetSessionToken. */
const sessionSeconds = 43_200;

type Kind = 'ecs' | 'imds';
type Served = Assumed & { readonly session: Credentials & { readonly sessionToken: Secret } };

function kindOf(values: OptionValues): Kind {
  if (values['ecs'] === true && values['imds'] === true) {
    throw new UsageError(
      cliFailure('invalid-option', '`--ecs` and `--imds` exclude each other', {
        hint: 'leave one out; without either it is `--ecs`, which only the command itself can ask',
      }),
    );
  }
  return values['imds'] === true ? 'imds' : 'ecs';
}

function hasToken(assumed: Assumed): assumed is Served {
  return assumed.session.sessionToken !== undefined;
}

/** A session with a token: programs that ask a server know no others, so that long-term keys are never handed out. */
async function servedSession(io: Io, target: string, choices: AssumeChoices): Promise<Served> {
  const first = await assumeTarget(io, target, choices);
  if (hasToken(first)) return first;
  const session = { ...choices.session, durationSeconds: choices.session.durationSeconds ?? sessionSeconds };
  const made = await assumeTarget(io, target, { ...choices, session });
  if (hasToken(made)) return made;
  throw cliFailure(
    'session-needed',
    `\`${target}\` gives keys without a session, and a server hands out sessions only`,
    {
      hint: 'use `stint exec`, or let the target name a role',
    },
  );
}

const notRepeated = ['mfa-code', 'refresh', 'explain', 'quiet', 'verbose', 'ecs', 'imds'];

/** The command that fetches exactly this session again. */
function sameCommand(target: string, values: OptionValues): string {
  const word = (text: string): string => (/^[\w@%+=:,./-]+$/.test(text) ? text : quoteFor('sh', text));
  const options = Object.entries(values).flatMap(([name, value]) => {
    if (notRepeated.includes(name) || value === undefined || value === false) return [];
    return value === true ? [`--${name}`] : [value].flat().flatMap((one) => [`--${name}`, word(one)]);
  });
  return ['stint credentials', word(target), ...options, '--refresh >/dev/null'].join(' ');
}

function cureOf(io: Io, target: string, values: OptionValues): string {
  if (openCache(baseEnvironment(io.env)) === undefined) return 'end the command and start it again';
  return `run \`${sameCommand(target, values)}\` in another terminal; the new session is taken from there`;
}

function later(millis: Millis, work: () => void): () => void {
  const timer = setTimeout(work, millis).unref();
  return () => clearTimeout(timer);
}

async function keep(io: Io, target: string, choices: AssumeChoices, values: OptionValues) {
  const { SessionKeeper } = await loadMetadata();
  const { request, session } = await servedSession(io, target, choices);
  const cache = openCache(baseEnvironment(io.env));
  const issuedAt = keptSession(request, cache)?.issuedAt ?? systemClock.now();
  const again = { ...choices, refresh: true, explain: false, quiet: true, unattended: true, mfaCode: undefined };
  const keeper = new SessionKeeper(session, issuedAt, {
    clock: systemClock,
    later,
    renew: async () => {
      const next = await servedSession(io, target, again);
      if (roleOf(next) === roleOf({ request })) return next.session;
      // SECURITY: a program that began as one role never goes on as another, whatever was edited meanwhile.
      throw cliFailure('target-changed', `\`${target}\` means another role than at the start`, {
        hint: 'end the command and start it again',
      });
    },
    kept: () => keptOrNone(() => keptSession(request, cache)?.credentials),
    tell: (line) => tell(io, line),
    cure: cureOf(io, target, values),
  });
  return { keeper, request };
}

function roleOf({ request }: Pick<Assumed, 'request'>): string | undefined {
  return request.roles.at(-1)?.roleArn;
}

/** A kept session that cannot be read is none: the next renewal tells why. */
function keptOrNone(read: () => Credentials | undefined): Credentials | undefined {
  try {
    return read();
  } catch (error) {
    if (isFailure(error)) return undefined;
    throw error;
  }
}

function shellOf(io: Io): 'sh' | 'fish' | 'pwsh' {
  const name = shellNames.find((shell) => shell === io.env['STINT_SHELL']);
  return name === undefined ? 'sh' : languageOf(name);
}

/** Resolves when the person ends it. */
async function untilStopped({ signal }: Io): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

async function serve(io: Io, target: string, command: readonly string[], choices: AssumeChoices, values: OptionValues) {
  const kind = kindOf(values);
  const { startMetadata, hiddenFiles, metadataChange } = await loadMetadata();
  const { keeper, request } = await keep(io, target, choices, values);
  const tools = { clock: systemClock, read: readText, user: process.geteuid?.() };
  const server = await startMetadata(kind, request, keeper, tools);
  try {
    const hidden = hiddenFiles(io.env, readText);
    for (const { path } of hidden) {
      if (!choices.quiet)
        say(
          io,
          `note: \`[default]\` of \`${path}\` has credentials, which programs take before they ask a server: the file is hidden`,
        );
    }
    const change = metadataChange(io.env, request, server.variables, hidden);
    const [program, ...args] = command;
    if (program === undefined) {
      for (const line of shellLines(shellOf(io), change)) printData(io, line);
      if (!choices.quiet) say(io, `serving \`${target}\` at 127.0.0.1:${server.port} until Ctrl-C`);
      return await untilStopped(io);
    }
    const ending = await execCommand(program, args, changedEnvironment(io.env, change));
    if (ending.error !== undefined) printFailure(io, ending.error);
    io.exit(ending.code);
    return ending;
  } finally {
    keeper.stop();
    await server.close();
  }
}

export function register(program: Command, io: Io): void {
  addTargetVerb(
    program,
    io,
    {
      name: 'metadata',
      summary: 'run a command that finds a session of the target as in a task or on an instance, renewed',
      target: '<target>',
      examples: ['stint metadata dev/test_role -- terraform apply', 'stint metadata dev/test_role --imds -- ./server'],
    },
    async (target, choices, command, values) => {
      const ending = await serve(io, target!, command, choices, values);
      if (ending !== undefined) endAs(ending);
    },
  )
    .argument('[command...]', 'everything after `--`; without one, print the variables and serve until Ctrl-C')
    .option('--ecs', "as in an ECS task: only who has the command's token is answered (default)")
    .option('--imds', 'as on an EC2 instance: IMDSv2, for programs that ask nothing else');
}
