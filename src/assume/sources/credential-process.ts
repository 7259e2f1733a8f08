// Runs a `credential_process` without a shell and reads what it prints.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
import type { ChildProcess } from 'node:child_process';
import { Secret, type Clock } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Credentials, Environment, Source } from '../model.ts';

type ProcessSource = Extract<Source, { kind: 'process' }>;

/** Names the profiles whose process is running, so that one which asks Stint for itself is found out. */
const guardVariable = 'STINT_PROCESS_PROFILES';
const longestOutput = 100_000;

/**
 * The words of a command line: blanks part them, `"…"` and `'…'` hold them together, `\"` and `\\` stand for
 * themselves inside double quotes, `\` keeps its next letter elsewhere. Nothing is expanded.
 * @throws Failure `config-syntax` for a quote that does not end, or an empty line.
 */
export function splitCommand(line: string, place: string): readonly [string, ...string[]] {
  const words: string[] = [];
  const token = /\s*((?:"(?:[^"\\]|\\[\s\S])*"|'[^']*'|\\[\s\S]|[^\s"'\\])+)/y;
  let end = 0;
  for (let match = token.exec(line); match !== null; match = token.exec(line)) {
    words.push(unquote(match[1]!));
    end = token.lastIndex;
  }
  const [command, ...rest] = words;
  if (line.slice(end).trim() !== '' || command === undefined) {
    throw failure(
      'config-syntax',
      `${place}: credential_process ${command === undefined ? 'is empty' : 'has a quote that does not end'}`,
      {
        hint: 'quote words with blanks as in `"/path with blanks/tool" --option`',
      },
    );
  }
  return [command, ...rest];
}

function unquote(word: string): string {
  return word.replace(
    /"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'|\\([\s\S])/g,
    (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(["\\])/g, '$1') : (single ?? escaped ?? ''),
  );
}

function guard(source: ProcessSource, env: Environment): Record<string, string | undefined> {
  const running = (env[guardVariable] ?? '').split('\n').filter((name) => name !== '');
  if (running.includes(source.profile)) {
    throw failure(
      'profile-circular',
      `${source.place}: the credential_process of profile \`${source.profile}\` asks for that profile again`,
      {
        hint: 'let it name another profile, one with role_arn or keys',
      },
    );
  }
  return { ...env, [guardVariable]: [...running, source.profile].join('\n') };
}

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

function run(child: ChildProcess): Promise<Ending> {
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk;
    if (output.length <= longestOutput) return;
    // Closing the pipe as well ends whatever the process started.
    child.stdout?.destroy();
    child.kill('SIGKILL');
  });
  child.on('error', reject);
  child.on('close', (code, signal) => resolve({ code, signal, output }));
  return promise;
}

function refuse(source: ProcessSource, what: string, cause?: unknown): Error {
  return failure('process-failed', `${source.place}: the credential_process of profile \`${source.profile}\` ${what}`, {
    hint: 'run the command by itself; it must end with 0 and print {"Version":1,"AccessKeyId":…,"SecretAccessKey":…}',
    cause,
  });
}

function readOutput(output: string, source: ProcessSource, clock: Clock): Credentials {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(output) as Record<string, unknown>;
  } catch {
    // SECURITY: the output may hold keys, so neither it nor the parser's message about it is repeated.
    throw refuse(source, 'did not print JSON');
  }
  if (value?.['Version'] !== 1) throw refuse(source, 'did not print `"Version": 1` (a number)');
  const { AccessKeyId: id, SecretAccessKey: secret, SessionToken: token, Expiration: end } = value;
  if (typeof id !== 'string' || typeof secret !== 'string')
    throw refuse(source, 'did not print AccessKeyId and SecretAccessKey');
  if (token !== undefined && token !== null && typeof token !== 'string')
    throw refuse(source, 'printed a SessionToken that is not a text');
  const expiration = typeof end === 'string' ? Date.parse(end) : undefined;
  if (expiration !== undefined && !(expiration > clock.now()))
    throw refuse(source, 'printed credentials that have ended, or an Expiration that is no time');
  return {
    accessKeyId: id,
    secretAccessKey: new Secret(secret),
    ...(typeof token === 'string' && token !== '' ? { sessionToken: new Secret(token) } : {}),
    ...(expiration === undefined ? {} : { expiration }),
  };
}

/**
 * The credentials that the process prints. Its stderr stays the terminal's, its stdin is empty.
 * @throws Failure `process-failed`, `config-syntax`, `profile-circular`.
 */
export async function runCredentialProcess(
  source: ProcessSource,
  env: Environment,
  clock: Clock,
): Promise<Credentials> {
  const [command, ...args] = splitCommand(source.command, source.place);
  const childEnv = guard(source, env);
  const { spawn } = process.getBuiltinModule('node:child_process');
  let ending: Ending;
  try {
    ending = await run(spawn(command, args, { env: childEnv, stdio: ['ignore', 'pipe', 'inherit'] }));
  } catch (cause) {
    throw refuse(
      source,
      `cannot be run: \`${command}\` (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      cause,
    );
  }
  if (ending.output.length > longestOutput) throw refuse(source, 'printed far more than credentials');
  if (ending.code !== 0) throw refuse(source, `ended with ${ending.signal ?? `exit code ${String(ending.code)}`}`);
  return readOutput(ending.output, source, clock);
}
