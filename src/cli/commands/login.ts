// `stint login`: proves who one is by a token or an auth method, and keeps the token that comes of it.
import { chmodSync, closeSync, openSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { Secret } from '../../base/index.ts';
import { askServer, tokenFile, type ServerReply } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { addWrapped, examples, type ReplyOptions } from '../lend/options.ts';
import { secretFromInput } from '../lend/prompt.ts';
import { printReply } from '../lend/reply.ts';
import { bodyOf } from '../lend/values.ts';
import { printData, say } from '../output.ts';

interface LoginOptions extends ReplyOptions {
  readonly method: string;
  readonly path?: string;
  /** False with `--no-store`. */
  readonly store: boolean;
  /** False with `--no-print`. */
  readonly print: boolean;
  readonly tokenOnly?: true;
}

export function register(program: Command, io: Io): void {
  addWrapped(program.command('login'))
    .description('log in with a token or an auth method, and keep the token in ~/.vault-token')
    .argument('[values...]', 'the token, or k=v of the method; secrets are better given on standard input')
    .option('--method <method>', 'token, userpass, approle or aws', 'token')
    .option('--path <path>', 'where the method is enabled; its own name unless given')
    .option('--no-store', 'do not keep the token')
    .option('--no-print', 'print nothing')
    .option('--token-only', 'print the token and nothing else, and do not keep it')
    .addHelpText(
      'after',
      examples(
        'stint login < token-file',
        'stint login -method=userpass username=alice',
        'stint login -method=approle role_id=… secret_id=@secret-id',
        'stint login -method=aws role=deploy',
      ),
    )
    .action((values: string[], options: LoginOptions) => login(io, values, options));
}

async function login(io: Io, values: readonly string[], options: LoginOptions): Promise<void> {
  if (options.method === 'token') return loginWithToken(io, values, options);
  const reply = await askMethod(io, values, options);
  const auth = reply.body['auth'] as { client_token: string; display_name?: string; policies?: string[] } | null;
  if (auth === null || auth === undefined) return printReply(io, reply, options);
  const token = new Secret(auth.client_token);
  if (options.tokenOnly === true) return printData(io, token.reveal());
  if (options.store) say(io, `logged in; the token is kept in ${keepToken(io, token)}`);
  if (options.print) await printReply(io, reply, options);
}

async function askMethod(io: Io, values: readonly string[], options: LoginOptions): Promise<ServerReply> {
  const given = (await bodyOf(io, values)) as Readonly<Record<string, string>>;
  const at = `auth/${(options.path ?? options.method).replace(/^auth\/|\/+$/g, '')}/login`;
  const ask = (path: string, body: unknown): Promise<ServerReply> =>
    askServer(io, 'PUT', path, { body, token: null }, options);
  switch (options.method) {
    case 'userpass': {
      const { username = io.env['USER'] ?? '', password, ...rest } = given;
      const secret = password ?? (await secretFromInput(io, 'Password (will be hidden): ')).reveal();
      return ask(`${at}/${username}`, { ...rest, password: secret });
    }
    case 'approle': {
      const { secret_id, ...rest } = given;
      return ask(at, { ...rest, secret_id: secret_id ?? (await secretFromInput(io, 'Secret id: ')).reveal() });
    }
    case 'aws': {
      const { awsLoginBody } = await import('../lend/aws-login.ts');
      const { role, header_value: serverId, region } = given;
      return ask(at, await awsLoginBody(io, { role, serverId, region }));
    }
    default:
      throw cliFailure('invalid-option', `the method \`${options.method}\` is not known here`, {
        hint: 'use token, userpass, approle or aws; others: `stint write auth/PATH/login …`',
      });
  }
}

async function loginWithToken(io: Io, [given]: readonly string[], options: LoginOptions): Promise<void> {
  const typed =
    given === undefined || given === '-' ? await secretFromInput(io, 'Token (will be hidden): ') : undefined;
  const token = new Secret((typed?.reveal() ?? given!.replace(/^token=/, '')).trim());
  if (token.reveal() === '') {
    throw cliFailure('token-missing', 'there is no token to log in with', {
      hint: 'pipe it in: `stint login < file`, or give it as an argument',
    });
  }
  const { body } = await askServer(io, 'GET', 'auth/token/lookup-self', { token }, options);
  if (options.tokenOnly === true) return printData(io, token.reveal());
  const kept = options.store ? `; the token is kept in ${keepToken(io, token)}` : '';
  const data = body['data'] as { display_name?: string; policies?: string[] };
  say(io, `logged in as ${data.display_name} with policies ${data.policies?.join(', ')}${kept}`);
}

function keepToken(io: Io, token: Secret): string {
  const file = tokenFile(io);
  try {
    // SECURITY: the mode first, should the file be there already and others may read it.
    closeSync(openSync(file, 'a', 0o600));
    chmodSync(file, 0o600);
    writeFileSync(file, token.reveal());
    return file;
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw cliFailure('token-unwritable', `the token is good, and \`${file}\` cannot be written (${why})`, {
      hint: 'make the home folder writable, or set STINT_TOKEN instead of logging in',
      cause: error,
    });
  }
}
