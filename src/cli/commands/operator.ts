// `stint operator …`: what operators do to a server, with the habits of Vault's tools: init, unseal, seal,
// rotate, rekey, generate-root, key-status, step-down, snapshot.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { registerCeremonies, shareOf } from '../lend/ceremonies.ts';
import { addConnection, addReply, examples, type ReplyOptions } from '../lend/options.ts';
import { printFields } from '../lend/reply.ts';
import { registerSnapshots } from '../lend/snapshots.ts';
import { say } from '../output.ts';

export function register(program: Command, io: Io): void {
  const operator = program
    .command('operator')
    .description('open, close and keep a server')
    .addHelpText('after', examples('stint operator init', 'stint operator snapshot save backup.snap'));
  registerInit(operator, io);
  registerUnseal(operator, io);
  registerSeal(operator, io);
  registerRotate(operator, io);
  registerCeremonies(operator, io);
  registerSnapshots(operator, io);
}

interface InitOptions extends ReplyOptions {
  readonly status?: true;
  readonly keyShares?: number;
  readonly keyThreshold?: number;
  readonly recoveryShares?: number;
  readonly recoveryThreshold?: number;
  readonly pgpKeys?: string;
}

/** A whole number of an option. */
function count(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw cliFailure('invalid-option', `\`${text}\` is not a number of shares`, { hint: 'use a whole number, as 5' });
}

function registerInit(operator: Command, io: Io): void {
  addReply(operator.command('init'))
    .description('make the keys and the first root token; with -status: exit code 0 when that was done, 2 when not')
    .option('--status', 'only say whether it was done')
    .option('-n, --key-shares <n>', 'shares of the key; 5 unless given', count)
    .option('-t, --key-threshold <n>', 'shares that open the server; 3 unless given', count)
    .option('--recovery-shares <n>', 'of a seal that opens by itself; 5 unless given', count)
    .option('--recovery-threshold <n>', 'of a seal that opens by itself; 3 unless given', count)
    .option('--pgp-keys <keys>', 'not supported: encrypt the shares when you hand them on')
    .addHelpText('after', examples('stint operator init', 'stint operator init -key-shares=1 -key-threshold=1 --json'))
    .action(async (options: InitOptions) => {
      if (options.status === true) return initStatus(io, options);
      const status = (await askServer(io, 'GET', 'sys/seal-status', { token: null }, options)).body;
      const body = initBody(options, status['recovery_seal'] === true);
      const made = (await askServer(io, 'PUT', 'sys/init', { body, token: null }, options)).body;
      await printInit(io, { ...body, ...made }, options);
    });
}

async function initStatus(io: Io, options: InitOptions): Promise<void> {
  const { body } = await askServer(io, 'GET', 'sys/init', { token: null }, options);
  await printFields(io, body, body, options);
  io.exit(body['initialized'] === true ? 0 : 2);
}

function initBody(options: InitOptions, recovers: boolean): Readonly<Record<string, unknown>> {
  const { keyShares, keyThreshold, recoveryShares, recoveryThreshold, pgpKeys } = options;
  const pgp = pgpKeys === undefined ? {} : { pgp_keys: pgpKeys.split(',') };
  const recovery = { recovery_shares: recoveryShares ?? 5, recovery_threshold: recoveryThreshold ?? 3 };
  const key = { secret_shares: keyShares ?? 5, secret_threshold: keyThreshold ?? 3 };
  // What was given goes along, so that the server can say what does not fit.
  return {
    ...(recovers || recoveryShares !== undefined ? recovery : {}),
    ...(!recovers || keyShares !== undefined ? key : {}),
    ...pgp,
  };
}

async function printInit(io: Io, body: Readonly<Record<string, unknown>>, options: InitOptions): Promise<void> {
  const list = (name: string): readonly string[] => (body[name] as readonly string[] | undefined) ?? [];
  const token = body['root_token'];
  const shown = {
    unseal_keys_b64: list('keys_base64'),
    unseal_keys_hex: list('keys'),
    unseal_shares: body['secret_shares'] ?? 1,
    unseal_threshold: body['secret_threshold'] ?? 1,
    recovery_keys_b64: list('recovery_keys_base64'),
    recovery_keys_hex: list('recovery_keys'),
    recovery_keys_shares: body['recovery_shares'] ?? 0,
    recovery_keys_threshold: body['recovery_threshold'] ?? 0,
    root_token: token,
  };
  const rows = {
    ...Object.fromEntries(shown.unseal_keys_b64.map((key, at) => [`Unseal Key ${at + 1}:`, key])),
    ...Object.fromEntries(shown.recovery_keys_b64.map((key, at) => [`Recovery Key ${at + 1}:`, key])),
    'Initial Root Token:': token,
  };
  // SECURITY: shares and token are shown once, to who initialised.
  await printFields(io, shown, rows, options);
  say(
    io,
    'give each key to another holder: nobody can open the server without enough of them, and nothing shows them again',
  );
}

interface UnsealOptions extends ReplyOptions {
  readonly reset?: true;
  readonly migrate?: true;
}

function registerUnseal(operator: Command, io: Io): void {
  addReply(operator.command('unseal'))
    .description('give one share of the key that opens the server')
    .argument('[key]', 'better left out, and typed or given on standard input')
    .option('--reset', 'forget the shares given so far')
    .option('--migrate', 'as Vault has it; a store keeps its kind of seal')
    .addHelpText('after', examples('stint operator unseal < share-1', 'stint operator unseal -reset'))
    .action(async (given: string | undefined, { reset, migrate, ...options }: UnsealOptions) => {
      const key = reset === true ? undefined : await shareOf(io, given, 'Unseal Key (will be hidden): ');
      const body = {
        reset: reset === true,
        migrate: migrate === true,
        ...(key === undefined ? {} : { key: key.reveal() }),
      };
      const reply = (await askServer(io, 'PUT', 'sys/unseal', { body, token: null }, options)).body;
      const names = ['initialized', 'sealed', 't', 'n', 'progress', 'nonce', 'type', 'version'];
      await printFields(io, reply, Object.fromEntries(names.map((name) => [name, reply[name]])), options);
    });
}

function registerSeal(operator: Command, io: Io): void {
  addConnection(operator.command('seal'))
    .description('stop everything and forget the keys')
    .addHelpText('after', examples('stint operator seal', 'stint operator seal --address https://vault.example:8200'))
    .action(async (options: Connection) => {
      await askServer(io, 'PUT', 'sys/seal', {}, options);
      say(io, 'sealed: leases stay, and end at their time once it is unsealed again');
    });
  addConnection(operator.command('step-down'))
    .description('give up leading; one node has the store, so that nothing happens')
    .addHelpText(
      'after',
      examples('stint operator step-down', 'stint operator step-down --address http://127.0.0.1:8200'),
    )
    .action(async (options: Connection) => {
      await askServer(io, 'PUT', 'sys/step-down', {}, options);
      say(io, 'asked');
    });
}

function registerRotate(operator: Command, io: Io): void {
  addReply(operator.command('rotate'))
    .description('add a key, which encrypts everything from then on; old ones still open what they encrypted')
    .addHelpText('after', examples('stint operator rotate', 'stint operator rotate --json'))
    .action(async (options: ReplyOptions) => {
      await askServer(io, 'PUT', 'sys/rotate', {}, options);
      await printKeyStatus(io, options);
    });
  addReply(operator.command('key-status'))
    .description('the key that encrypts now')
    .addHelpText('after', examples('stint operator key-status', 'stint operator key-status --json'))
    .action((options: ReplyOptions) => printKeyStatus(io, options));
}

async function printKeyStatus(io: Io, options: ReplyOptions): Promise<void> {
  const data = (await askServer(io, 'GET', 'sys/key-status', {}, options)).body['data'] as Record<string, unknown>;
  const { term, install_time, encryptions } = data;
  const rows = { 'Key Term': term, 'Install Time': install_time, 'Encryption Count': encryptions };
  await printFields(io, data, rows, options);
}
