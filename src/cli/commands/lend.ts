// The verbs that talk to a server, with the meaning people know from Vault: status, login, read,
// write, list, delete, secrets, lease. Each is one request; the server decides.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Command } from 'commander';
import { formatDuration, Secret, type Failure } from '../../base/index.ts';
import { askServer, serverAddress, tokenFile, type ServerReply } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { printData, printJson, say } from '../output.ts';
import { cliFailure } from '../failures.ts';

interface Output {
  readonly json?: true;
}

/** Adds every verb; the program runs the one that was asked for. */
export function register(program: Command, io: Io): void {
  registerStatus(program, io);
  registerData(program, io);
  registerSecrets(program, io);
  registerLease(program, io);
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function registerStatus(program: Command, io: Io): void {
  program
    .command('status')
    .description('say how the server is: exit code 0 unsealed, 1 error, 2 sealed')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('stint status', 'STINT_ADDR=http://127.0.0.1:8200 stint status --json'))
    .action(async (options: Output) => {
      const { body } = await askServer(io, 'GET', 'sys/seal-status');
      if (options.json === true) printJson(io, body);
      else printTable(io, { address: serverAddress(io), ...pick(body, ['sealed', 'type', 'version', 'storage_type']) });
      io.exit(body['sealed'] === true ? 2 : 0);
    });
  program
    .command('login')
    .description('check a token and keep it in ~/.vault-token')
    .argument('[token]', 'the token; better left out and given on standard input')
    .addHelpText('after', examples('stint login < token-file', 'stint login root'))
    .action(async (given: string | undefined) => login(io, given));
}

async function login(io: Io, given: string | undefined): Promise<void> {
  if (given === undefined && io.stdin.isTTY) {
    throw cliFailure('token-missing', 'there is no token to log in with', {
      hint: 'pipe it in: `stint login < file`, or give it as an argument',
    });
  }
  const token = new Secret((given ?? (await readAll(io.stdin))).trim());
  const { body } = await askServer(io, 'GET', 'auth/token/lookup-self', { token });
  const file = tokenFile(io);
  keepToken(file, token);
  const data = body['data'] as { display_name?: string; policies?: string[] };
  say(io, `logged in as ${data.display_name} with policies ${data.policies?.join(', ')}; the token is kept in ${file}`);
}

function keepToken(file: string, token: Secret): void {
  try {
    writeFileSync(file, token.reveal(), { mode: 0o600 });
    chmodSync(file, 0o600);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw cliFailure('token-unwritable', `the token is good, and \`${file}\` cannot be written (${why})`, {
      hint: 'make the home folder writable, or set STINT_TOKEN instead of logging in',
      cause: error,
    });
  }
}

function registerData(program: Command, io: Io): void {
  program
    .command('read')
    .description('read a path, for example credentials')
    .argument('<path>')
    .argument('[values...]', 'k=v, sent in the query')
    .option('--json', 'print the whole answer as JSON')
    .addHelpText('after', examples('stint read aws/creds/s3', 'stint read aws/sts/deploy ttl=15m --json'))
    .action(async (path: string, values: string[], options: Output) => {
      const query = new URLSearchParams(values.map(splitPair)).toString();
      const reply = await askServer(io, 'GET', path, { query });
      if (reply.status === 404) throw nothingAt(path);
      printReply(io, reply, options);
    });
  program
    .command('write')
    .description('write values to a path; @file and - (standard input) stand for contents')
    .argument('<path>')
    .argument('[values...]', 'k=v; a repeated k makes a list')
    .option('--json', 'print the whole answer as JSON')
    .addHelpText(
      'after',
      examples(
        'stint write aws/config/lease lease=30m lease_max=1h',
        'stint write aws/roles/s3 credential_type=iam_user policy_document=@policy.json',
      ),
    )
    .action(async (path: string, values: string[], options: Output) => {
      const reply = await askServer(io, 'PUT', path, { body: await bodyOf(io, values) });
      if (reply.status === 204) say(io, `written: ${path}`);
      else printReply(io, reply, options);
    });
  program
    .command('list')
    .description('list what is below a path')
    .argument('<path>')
    .option('--json', 'print JSON')
    .addHelpText('after', examples('stint list aws/roles', 'stint list sys/leases/lookup/aws/creds/s3'))
    .action(async (path: string, options: Output) => printKeys(io, path, options));
  program
    .command('delete')
    .description('delete a path')
    .argument('<path>')
    .addHelpText('after', examples('stint delete aws/roles/s3', 'stint delete sys/policies/acl/old'))
    .action(async (path: string) => {
      await askServer(io, 'DELETE', path);
      say(io, `deleted, if it was there: ${path}`);
    });
}

function registerSecrets(program: Command, io: Io): void {
  const secrets = program
    .command('secrets')
    .description('engines of the server')
    .addHelpText('after', examples('stint secrets enable aws', 'stint secrets list'));
  secrets
    .command('enable')
    .description('enable an engine')
    .argument('<type>', 'aws')
    .addHelpText('after', examples('stint secrets enable aws', 'stint secrets enable aws --path team/aws'))
    .option('--path <path>', 'where; the type itself unless given')
    .option('--description <text>', 'for people', '')
    .action(async (type: string, { path = type, description }: { path?: string; description: string }) => {
      await askServer(io, 'POST', `sys/mounts/${path}`, { body: { type, description } });
      say(io, `enabled ${type} at ${path}/`);
    });
  secrets
    .command('disable')
    .description('end the leases of an engine, then remove it')
    .addHelpText('after', examples('stint secrets disable aws', 'stint secrets disable team/aws'))
    .argument('<path>')
    .action(async (path: string) => {
      await askServer(io, 'DELETE', `sys/mounts/${path.replace(/\/$/, '')}`);
      say(io, `disabled, if it was there: ${path}; its leases were ended first`);
    });
  secrets
    .command('list')
    .description('list the engines')
    .addHelpText('after', examples('stint secrets list', 'stint secrets list --json'))
    .option('--json', 'print JSON')
    .action(async (options: Output) => {
      const mounts = (await askServer(io, 'GET', 'sys/mounts')).body['data'] as Record<
        string,
        { type: string; description: string }
      >;
      if (options.json === true) return printJson(io, mounts);
      printTable(
        io,
        Object.fromEntries(
          Object.entries(mounts).map(([path, { type, description }]) => [path, `${type}  ${description}`.trimEnd()]),
        ),
      );
    });
  secrets
    .command('tune')
    .description('change how long leases of an engine last')
    .addHelpText(
      'after',
      examples('stint secrets tune aws --max-lease-ttl 1h', 'stint secrets tune aws --description "team A"'),
    )
    .argument('<path>')
    .option('--default-lease-ttl <duration>', 'lease when the engine names none')
    .option('--max-lease-ttl <duration>', 'longest lease')
    .option('--description <text>', 'for people')
    .action(async (path: string, given: { defaultLeaseTtl?: string; maxLeaseTtl?: string; description?: string }) => {
      const { defaultLeaseTtl: default_lease_ttl, maxLeaseTtl: max_lease_ttl, description } = given;
      await askServer(io, 'POST', `sys/mounts/${path.replace(/\/$/, '')}/tune`, {
        body: { default_lease_ttl, max_lease_ttl, description },
      });
      say(io, `tuned ${path}`);
    });
}

function registerLease(program: Command, io: Io): void {
  const lease = program
    .command('lease')
    .description('leases of the server')
    .addHelpText('after', examples('stint lease list aws/creds/s3', 'stint lease revoke aws/creds/s3/ID'));
  lease
    .command('lookup')
    .description('say when a lease began and when it ends')
    .addHelpText(
      'after',
      examples(
        'stint lease lookup aws/creds/s3/yx1tbecBi5a4cSQ19PhEL1ZE',
        'stint lease lookup aws/creds/s3/yx1t… --json',
      ),
    )
    .argument('<id>')
    .option('--json', 'print JSON')
    .action(async (lease_id: string, options: Output) =>
      printReply(io, await askServer(io, 'PUT', 'sys/leases/lookup', { body: { lease_id } }), options),
    );
  lease
    .command('list')
    .description('list leases, one level below a prefix')
    .addHelpText('after', examples('stint lease list aws/creds/s3', 'stint lease list --json'))
    .argument('[prefix]', 'a mount, a role, …')
    .option('--json', 'print JSON')
    .action(async (prefix: string | undefined, options: Output) =>
      printKeys(io, `sys/leases/lookup${prefix === undefined ? '' : `/${prefix}`}`, options),
    );
  lease
    .command('renew')
    .description('let a lease last longer')
    .addHelpText(
      'after',
      examples('stint lease renew aws/creds/s3/yx1t…', 'stint lease renew aws/creds/s3/yx1t… --increment 1h'),
    )
    .argument('<id>')
    .option('--increment <duration>', 'how long from now; the engine’s own lease unless given')
    .option('--json', 'print JSON')
    .action(async (lease_id: string, { increment, ...options }: Output & { increment?: string }) =>
      printReply(io, await askServer(io, 'PUT', 'sys/leases/renew', { body: { lease_id, increment } }), options),
    );
  lease
    .command('revoke')
    .argument('<id>')
    .description('end a lease, or all below a prefix; AWS refuses the credentials afterwards')
    .option('--prefix', 'every lease whose id begins so')
    .option('--force', 'with --prefix: forget them here even if AWS does not answer; the server goes on trying')
    .addHelpText(
      'after',
      examples('stint lease revoke aws/creds/s3/yx1tbecBi5a4cSQ19PhEL1ZE', 'stint lease revoke -prefix aws/creds/s3'),
    )
    .action(async (id: string, options: RevokeOptions) => revoke(io, id, options));
}

interface RevokeOptions {
  readonly prefix?: true;
  readonly force?: true;
}

async function revoke(io: Io, id: string, { prefix, force }: RevokeOptions): Promise<void> {
  const below = id.replace(/\/$/, '');
  if (force === true && prefix !== true) {
    throw cliFailure('usage', '`--force` goes with `--prefix` only', {
      hint: `write \`stint lease revoke --force --prefix ${below}\``,
    });
  }
  if (force === true) await askServer(io, 'PUT', `sys/leases/revoke-force/${below}`);
  else if (prefix === true) await askServer(io, 'PUT', `sys/leases/revoke-prefix/${below}`, { body: { sync: true } });
  else await askServer(io, 'PUT', 'sys/leases/revoke', { body: { lease_id: id, sync: true } });
  say(
    io,
    force === true ? `forgotten: ${id}; \`stint read stint/leases\` shows what AWS still holds` : `revoked: ${id}`,
  );
}

function splitPair(pair: string): [string, string] {
  const at = pair.indexOf('=');
  if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
  throw cliFailure('value-invalid', `\`${pair}\` is not of the form \`k=v\``, {
    hint: 'write values like `lease=30m`',
  });
}

async function bodyOf(io: Io, values: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const body: Record<string, string | string[]> = {};
  for (const [key, raw] of values.map(splitPair)) {
    const value = await contentsOf(io, raw);
    const before = body[key];
    body[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value];
  }
  return body;
}

async function contentsOf(io: Io, value: string): Promise<string> {
  if (value === '-') return readAll(io.stdin);
  if (!value.startsWith('@')) return value;
  try {
    return readFileSync(resolve(io.cwd, value.slice(1)), 'utf8');
  } catch (error) {
    throw cliFailure('file-unreadable', `the file \`${value.slice(1)}\` cannot be read`, {
      hint: 'check the path after `@`',
      cause: error,
    });
  }
}

function nothingAt(path: string): Failure {
  return cliFailure('not-found', `there is nothing at \`${path}\``, { hint: '`stint list` shows what is there' });
}

async function printKeys(io: Io, path: string, options: Output): Promise<void> {
  const reply = await askServer(io, 'GET', path, { query: 'list=true' });
  if (reply.status === 404) throw nothingAt(path);
  const { keys } = reply.body['data'] as { keys: string[] };
  if (options.json === true) return printJson(io, keys);
  for (const key of keys) printData(io, key);
}

function printReply(io: Io, { body }: ServerReply, options: Output): void {
  if (options.json === true) return printJson(io, body);
  for (const warning of (body['warnings'] as string[] | null) ?? []) say(io, `warning: ${warning}`);
  const lease =
    body['lease_id'] === '' || body['lease_id'] === undefined
      ? {}
      : {
          lease_id: body['lease_id'],
          lease_duration: formatDuration(Number(body['lease_duration'])),
          lease_renewable: body['renewable'],
        };
  printTable(io, { ...lease, ...(body['data'] as Record<string, unknown> | null) });
}

function printTable(io: Io, values: Readonly<Record<string, unknown>>): void {
  const shown = Object.entries(values).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...shown.map(([key]) => key.length));
  for (const [key, value] of shown) {
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    printData(io, `${key.padEnd(width)}  ${text}`.trimEnd());
  }
}

function pick(body: Readonly<Record<string, unknown>>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.map((key) => [key, body[key]]));
}
