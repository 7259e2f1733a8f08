// Runs a `credential_process` without a shell and reads what it prints.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
import { Secret, type Clock } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Credentials, Environment } from '../model.ts';
import { guardedEnvironment, runProgram } from './command.ts';
import type { SourceOf } from './source.ts';

type ProcessSource = SourceOf<'process'>;

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
  const guarded = guardedEnvironment(source.profile, 'credential_process', source.place, env);
  const { problem, output, cause } = await runProgram({ command, args, env: guarded });
  if (problem !== undefined) throw refuse(source, problem, cause);
  return readOutput(output, source, clock);
}
