// `stint policy …`: what tokens may do on a server.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { addConnection, addReply, examples, type ReplyOptions } from '../lend/options.ts';
import { printField, printValue } from '../lend/reply.ts';
import { fileOrStdin } from '../lend/values.ts';
import { printData, say } from '../output.ts';

const api = 'sys/policies/acl';

export function register(program: Command, io: Io): void {
  const policy = program
    .command('policy')
    .description('what tokens may do')
    .addHelpText('after', examples('stint policy write deploy deploy.hcl', 'stint policy list'));
  registerWrite(policy, io);
  registerRead(policy, io);
  registerList(policy, io);
  addConnection(policy.command('delete'))
    .description('delete a policy; tokens that name it lose what it allows at once')
    .argument('<name>')
    .addHelpText('after', examples('stint policy delete deploy', 'stint policy delete old-team'))
    .action(async (name: string, options: Connection) => {
      await askServer(io, 'DELETE', `${api}/${name}`, {}, options);
      say(io, `deleted, if it was there: ${name}`);
    });
}

function registerWrite(policy: Command, io: Io): void {
  addConnection(policy.command('write'))
    .description('write a policy from a file of HCL or JSON')
    .argument('<name>')
    .argument('<file>', '`-` is standard input')
    .addHelpText(
      'after',
      examples('stint policy write deploy deploy.hcl', 'cat deploy.hcl | stint policy write deploy -'),
    )
    .action(async (name: string, file: string, options: Connection) => {
      await askServer(io, 'PUT', `${api}/${name}`, { body: { policy: await fileOrStdin(io, file) } }, options);
      say(io, `written: ${name}`);
    });
}

function registerRead(policy: Command, io: Io): void {
  addReply(policy.command('read'))
    .description('print a policy')
    .argument('<name>')
    .addHelpText('after', examples('stint policy read default', 'stint policy read deploy > deploy.hcl'))
    .action(async (name: string, options: ReplyOptions) => {
      const { status, body } = await askServer(io, 'GET', `${api}/${name}`, {}, options);
      if (status === 404) {
        throw cliFailure('not-found', `there is no policy \`${name}\``, {
          hint: '`stint policy list` shows which there are',
        });
      }
      const data = body['data'] as Readonly<Record<string, unknown>>;
      if (options.field !== undefined) return printField(io, data, options.field);
      if (options.json === true || options.format !== undefined) return printValue(io, data, {}, options);
      printData(io, String(data['policy']).trimEnd());
    });
}

function registerList(policy: Command, io: Io): void {
  addReply(policy.command('list'))
    .description('list the policies')
    .addHelpText('after', examples('stint policy list', 'stint policy list --json'))
    .action(async (options: ReplyOptions) => {
      const { body } = await askServer(io, 'GET', api, { query: 'list=true' }, options);
      const { keys } = body['data'] as { keys: string[] };
      if (options.json === true || options.format !== undefined) return printValue(io, keys, {}, options);
      for (const key of keys) printData(io, key);
    });
}
