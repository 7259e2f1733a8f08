// What holders of shares do together, each on a command line of their own: `stint operator rekey` and
// `stint operator generate-root`. The server keeps how far they are; a nonce names the round.
import type { Command } from 'commander';
import { randomText, Secret, systemRandom } from '../../base/index.ts';
import { askServer } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { printData, say } from '../output.ts';
import { addReply, examples, type ReplyOptions } from './options.ts';
import { secretFromInput } from './prompt.ts';
import { printFields } from './reply.ts';

type Body = Readonly<Record<string, unknown>>;

/** Adds `rekey` and `generate-root`. */
export function registerCeremonies(operator: Command, io: Io): void {
  registerRekey(operator, io);
  registerGenerateRoot(operator, io);
}

/** The share on the command line, else from the terminal or standard input. */
export async function shareOf(io: Io, given: string | undefined, question: string): Promise<Secret> {
  const share = given === undefined || given === '-' ? (await secretFromInput(io, question)).reveal() : given;
  if (share.trim() !== '') return new Secret(share.trim());
  throw cliFailure('usage', 'there is no share to give', {
    hint: 'type it, pipe it in, or give it as an argument',
  });
}

interface RekeyOptions extends ReplyOptions {
  readonly init?: true;
  readonly status?: true;
  readonly cancel?: true;
  readonly verify?: true;
  readonly keyShares: string;
  readonly keyThreshold: string;
  readonly nonce?: string;
  readonly target: string;
}

function registerRekey(operator: Command, io: Io): void {
  addReply(operator.command('rekey'))
    .description('replace the shares: -init, then enough holders give their present share')
    .argument('[key]', 'a present share, or with -verify a new one; better typed or given on standard input')
    .option('--init', 'start')
    .option('--status', 'say how far it is')
    .option('--cancel', 'give it up; with --verify only what was given as a proof')
    .option('--verify', 'with --init: ask for a proof of the new shares; else give one as a proof')
    .option('-n, --key-shares <n>', 'how many new shares', '5')
    .option('-t, --key-threshold <n>', 'how many of them open the server', '3')
    .option('--nonce <nonce>', 'of this round; asked of the server unless given')
    .option('--target <what>', 'barrier, or recovery for the shares of a seal that opens by itself', 'barrier')
    .addHelpText(
      'after',
      examples('stint operator rekey -init -key-shares=3 -key-threshold=2', 'stint operator rekey < share-1'),
    )
    .action((given: string | undefined, options: RekeyOptions) => rekey(io, given, options));
}

async function rekey(io: Io, given: string | undefined, options: RekeyOptions): Promise<void> {
  if (!['barrier', 'recovery'].includes(options.target)) {
    throw cliFailure('invalid-option', `there is no target \`${options.target}\``, { hint: 'use barrier or recovery' });
  }
  const base = options.target === 'recovery' ? 'sys/rekey-recovery-key' : 'sys/rekey';
  const part = options.verify === true && options.init === undefined ? 'verify' : 'init';
  if (options.cancel === true) {
    await askServer(io, 'DELETE', `${base}/${part}`, { token: null }, options);
    return say(io, part === 'init' ? 'cancelled: the present shares go on' : 'what was given as a proof is forgotten');
  }
  if (options.status === true)
    return show(io, (await askServer(io, 'GET', `${base}/${part}`, { token: null }, options)).body, options);
  if (options.init === true) {
    const body = {
      secret_shares: Number(options.keyShares),
      secret_threshold: Number(options.keyThreshold),
      require_verification: options.verify === true,
    };
    return show(io, (await askServer(io, 'PUT', `${base}/init`, { body, token: null }, options)).body, options);
  }
  await giveRekeyShare(io, given, `${base}/${part === 'verify' ? 'verify' : 'update'}`, `${base}/${part}`, options);
}

async function giveRekeyShare(
  io: Io,
  given: string | undefined,
  path: string,
  statusPath: string,
  options: RekeyOptions,
): Promise<void> {
  const status = (await askServer(io, 'GET', statusPath, { token: null }, options)).body;
  if (status['started'] !== true) {
    throw cliFailure('server-refused', 'nobody has started to replace the shares', {
      hint: 'start with `stint operator rekey -init`',
    });
  }
  const question = path.endsWith('verify') ? 'New key (will be hidden): ' : 'Rekey operation key (will be hidden): ';
  const key = await shareOf(io, given, question);
  const body = { key: key.reveal(), nonce: options.nonce ?? status['nonce'] };
  const reply = (await askServer(io, 'PUT', path, { body, token: null }, options)).body;
  await show(io, reply, options);
  if (reply['complete'] !== true || reply['keys'] === undefined) return;
  say(
    io,
    reply['verification_required'] === true
      ? 'the present shares go on until enough of these are given with `stint operator rekey -verify`'
      : 'give each key to another holder: the former shares open nothing any more',
  );
}

/** Lists of keys one a line, everything else as it is. */
async function show(io: Io, body: Body, options: ReplyOptions): Promise<void> {
  const { keys: _, keys_base64: base64, ...rest } = body;
  const keys = (base64 as readonly string[] | undefined) ?? [];
  const rows = { ...Object.fromEntries(keys.map((key, at) => [`Key ${at + 1}:`, key])), ...rest };
  await printFields(io, body, rows, options);
}

interface GenerateOptions extends ReplyOptions {
  readonly init?: true;
  readonly status?: true;
  readonly cancel?: true;
  readonly generateOtp?: true;
  readonly decode?: string;
  readonly otp?: string;
  readonly nonce?: string;
}

function registerGenerateRoot(operator: Command, io: Io): void {
  addReply(operator.command('generate-root'))
    .description('make a root token: -init, then enough holders give their share; -decode shows it')
    .argument('[key]', 'a share; better typed or given on standard input')
    .option('--init', 'start; the one-time password that is printed decodes the token')
    .option('--status', 'say how far it is')
    .option('--cancel', 'give it up')
    .option('--decode <token>', 'show the token that was encoded with --otp')
    .option('--generate-otp', 'print a one-time password and nothing else')
    .option('--otp <password>', 'with --init: use this one; with --decode: the one of the start')
    .option('--nonce <nonce>', 'of this round; asked of the server unless given')
    .addHelpText(
      'after',
      examples('stint operator generate-root -init', 'stint operator generate-root -decode=TOKEN -otp=PASSWORD'),
    )
    .action((given: string | undefined, options: GenerateOptions) => generateRoot(io, given, options));
}

const attempt = 'sys/generate-root/attempt';

async function generateRoot(io: Io, given: string | undefined, options: GenerateOptions): Promise<void> {
  if (options.decode !== undefined) return decode(io, options.decode, options);
  if (options.generateOtp === true) {
    const { otp_length: length } = (await askServer(io, 'GET', attempt, { token: null }, options)).body;
    return printData(io, randomText(systemRandom, Number(length)));
  }
  if (options.cancel === true) {
    await askServer(io, 'DELETE', attempt, { token: null }, options);
    return say(io, 'cancelled');
  }
  if (options.init === true) {
    const body = options.otp === undefined ? {} : { otp: options.otp };
    return show(io, (await askServer(io, 'PUT', attempt, { body, token: null }, options)).body, options);
  }
  const status = (await askServer(io, 'GET', attempt, { token: null }, options)).body;
  if (options.status === true) return show(io, status, options);
  if (status['started'] !== true) {
    throw cliFailure('server-refused', 'nobody has started to make a root token', {
      hint: 'start with `stint operator generate-root -init`',
    });
  }
  const key = await shareOf(io, given, 'Unseal Key (will be hidden): ');
  const body = { key: key.reveal(), nonce: options.nonce ?? status['nonce'] };
  await show(
    io,
    (await askServer(io, 'PUT', 'sys/generate-root/update', { body, token: null }, options)).body,
    options,
  );
}

// By the server, which alone says how tokens are encoded; both parts are needed, and it keeps neither.
async function decode(io: Io, encoded: string, options: GenerateOptions): Promise<void> {
  if (options.otp === undefined) {
    throw cliFailure('usage', 'there is no one-time password to decode with', {
      hint: 'give the one that `-init` printed: `-otp=PASSWORD`',
    });
  }
  const body = { encoded_token: encoded, otp: options.otp };
  const reply = (await askServer(io, 'PUT', 'sys/decode-token', { body, token: null }, options)).body;
  const data = reply['data'] as Body;
  await printFields(io, data, { 'Root token:': data['token'] }, options);
}
