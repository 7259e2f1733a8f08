// The token of an identity provider, read anew each time: whoever writes the file replaces it before it ends.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html (web_identity_token_file)
import { Secret } from '../../base/index.ts';
import { failure } from '../failures.ts';
import type { Environment, IdentityToken } from '../model.ts';
import { guardedEnvironment, runProgram, shellProgram } from './command.ts';
import type { SourceOf, SourceTools } from './source.ts';

type TokenSource = SourceOf<'web-identity'>;

/** Characters that STS takes. https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html */
const longestToken = 20_000;

function refuse({ place }: TokenSource, what: string, cause?: unknown): Error {
  return failure('token-refused', `${place}: ${what}`, {
    hint: 'it holds the token alone, as the identity provider signed it: `HEADER.PAYLOAD.SIGNATURE`',
    cause,
  });
}

function readFile(source: TokenSource, file: string): string {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(file, 'utf8');
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw refuse(source, `the token file \`${file}\` cannot be read (${why})`, cause);
  }
}

async function runProcess(source: TokenSource, line: string, profile: string, env: Environment): Promise<string> {
  const guarded = guardedEnvironment(profile, 'web_identity_token_process', source.place, env);
  const { problem, output, cause } = await runProgram({ ...shellProgram(line), env: guarded });
  if (problem === undefined) return output;
  throw failure('process-failed', `${source.place}: the web_identity_token_process ${problem}`, {
    hint: 'run the command by itself; it must end with 0 and print the token alone',
    cause,
  });
}

/**
 * Reads the token. What it says is left to AWS, to which its signature means something.
 * @throws Failure `token-refused`, `process-failed`, `profile-circular`.
 */
export async function readIdentityToken(source: TokenSource, { env }: SourceTools): Promise<IdentityToken> {
  const { token: from } = source;
  const text = 'file' in from ? readFile(source, from.file) : await runProcess(source, from.process, from.profile, env);
  const name = 'file' in from ? `the token file \`${from.file}\`` : 'what the web_identity_token_process printed';
  const token = text.replace(/^\uFEFF/, '').trim();
  if (token === '') throw refuse(source, `${name} is empty`);
  // SECURITY: what is no token may be another secret, so nothing of it is repeated.
  if (/[^\x21-\x7e]/.test(token)) throw refuse(source, `${name} holds blanks or letters that no token has`);
  if (token.length > longestToken) throw refuse(source, `${name} has more than ${longestToken} characters`);
  return { identityToken: new Secret(token) };
}
