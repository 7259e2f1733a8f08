// The verbs that touch any path of a server, with the meaning people know from Vault: status, read, write,
// list, delete, unwrap, path-help. Each is one request; the server decides.
import type { Command } from 'commander';
import { Secret, type Failure } from '../../base/index.ts';
import { askServer, serverAddress, storedToken } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { addConnection, addReply, addWrapped, examples, type ReplyOptions } from '../lend/options.ts';
import { printReply, printValue } from '../lend/reply.ts';
import { bodyOf, splitPair } from '../lend/values.ts';
import { printData, say } from '../output.ts';

/** Adds every verb; the program runs the one that was asked for. */
export function register(program: Command, io: Io): void {
  registerStatus(program, io);
  registerRead(program, io);
  registerWrite(program, io);
  registerList(program, io);
  registerDelete(program, io);
  registerUnwrap(program, io);
  registerPathHelp(program, io);
}

function registerStatus(program: Command, io: Io): void {
  addReply(program.command('status'))
    .description('say how the server is: exit code 0 unsealed, 1 error, 2 sealed')
    .addHelpText('after', examples('stint status', 'STINT_ADDR=http://127.0.0.1:8200 stint status --json'))
    .action(async (options: ReplyOptions) => {
      const { body } = await askServer(io, 'GET', 'sys/seal-status', {}, options);
      const shown = ['initialized', 'sealed', 't', 'n', 'progress', 'type', 'version', 'storage_type'];
      const rows = Object.fromEntries(shown.map((key) => [key, body[key]]));
      await printValue(io, body, { address: serverAddress(io, options), ...rows }, options);
      io.exit(body['sealed'] === true ? 2 : 0);
    });
}

function registerRead(program: Command, io: Io): void {
  addWrapped(program.command('read'))
    .description('read a path, for example credentials')
    .argument('<path>')
    .argument('[values...]', 'k=v, sent in the query')
    .addHelpText('after', examples('stint read aws/creds/s3', 'stint read --field secret_key aws/sts/deploy ttl=15m'))
    .action(async (path: string, values: string[], options: ReplyOptions) => {
      const query = new URLSearchParams(values.map(splitPair)).toString();
      const reply = await askServer(io, 'GET', path, { query }, options);
      if (reply.status === 404) throw nothingAt(path);
      await printReply(io, reply, options);
    });
}

function registerWrite(program: Command, io: Io): void {
  addWrapped(program.command('write'))
    .description('write values to a path; @file and - (standard input) stand for contents')
    .argument('<path>')
    .argument('[values...]', 'k=v; a repeated k makes a list; `-` alone reads a JSON object')
    .option('-f, --force', 'write without values')
    .addHelpText(
      'after',
      examples(
        'stint write aws/config/lease lease=30m lease_max=1h',
        'stint write aws/roles/s3 credential_type=iam_user policy_document=@policy.json',
        'stint write -f aws/config/rotate-root',
      ),
    )
    .action(async (path: string, values: string[], options: ReplyOptions & { readonly force?: true }) => {
      if (values.length === 0 && options.force !== true) {
        throw cliFailure('usage', `there are no values to write to \`${path}\``, {
          hint: 'give `k=v`, or `--force` when the path takes none',
        });
      }
      const reply = await askServer(io, 'PUT', path, { body: await bodyOf(io, values) }, options);
      if (Object.keys(reply.body).length === 0) say(io, `written: ${path}`);
      else await printReply(io, reply, options);
    });
}

function registerList(program: Command, io: Io): void {
  addReply(program.command('list'))
    .description('list what is below a path')
    .argument('<path>')
    .addHelpText('after', examples('stint list aws/roles', 'stint list sys/leases/lookup/aws/creds/s3'))
    .action(async (path: string, options: ReplyOptions) => {
      const reply = await askServer(io, 'GET', path, { query: 'list=true' }, options);
      if (reply.status === 404) throw nothingAt(path);
      const { keys } = reply.body['data'] as { keys: string[] };
      if (options.json === true || options.format !== undefined) return printValue(io, keys, {}, options);
      for (const key of keys) printData(io, key);
    });
}

function registerDelete(program: Command, io: Io): void {
  addConnection(program.command('delete'))
    .description('delete a path')
    .argument('<path>')
    .argument('[values...]', 'k=v, sent in the query')
    .addHelpText('after', examples('stint delete aws/roles/s3', 'stint delete sys/policies/acl/old'))
    .action(async (path: string, values: string[], options: ReplyOptions) => {
      const query = new URLSearchParams(values.map(splitPair)).toString();
      await askServer(io, 'DELETE', path, { query }, options);
      say(io, `deleted, if it was there: ${path}`);
    });
}

function registerUnwrap(program: Command, io: Io): void {
  addReply(program.command('unwrap'))
    .description('print what was wrapped in a token, which can be done once')
    .argument('[token]', 'the wrapping token; the stored token unless given')
    .addHelpText('after', examples('stint unwrap hvs.CAESI…', 'VAULT_TOKEN=hvs.CAESI… stint unwrap --field secret_key'))
    .action(async (given: string | undefined, options: ReplyOptions) => {
      const own = storedToken(io);
      const ask =
        given !== undefined && own !== undefined
          ? { body: { token: given } }
          : { body: {}, ...(given === undefined ? {} : { token: new Secret(given) }) };
      await printReply(io, await askServer(io, 'PUT', 'sys/wrapping/unwrap', ask, options), options);
    });
}

function registerPathHelp(program: Command, io: Io): void {
  addReply(program.command('path-help'))
    .description('say what a path is for')
    .argument('<path>')
    .addHelpText('after', examples('stint path-help aws/roles/s3', 'stint path-help aws --json'))
    .action(async (path: string, options: ReplyOptions) => {
      const { status, body } = await askServer(io, 'GET', path, { query: 'help=1' }, options);
      if (status === 404) throw nothingAt(path);
      if (options.json === true || options.format !== undefined) return printValue(io, body, {}, options);
      const { help = '' } = body as { help?: string };
      printData(io, help.trimEnd());
    });
}

function nothingAt(path: string): Failure {
  return cliFailure('not-found', `there is nothing at \`${path}\``, { hint: '`stint list` shows what is there' });
}
