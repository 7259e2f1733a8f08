// `stint lease …`: looking up, renewing and ending leases.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { addConnection, addReply, examples, type ReplyOptions } from '../lend/options.ts';
import { printReply, printValue } from '../lend/reply.ts';
import { printData, say } from '../output.ts';

export function register(program: Command, io: Io): void {
  const lease = program
    .command('lease')
    .description('leases of the server')
    .addHelpText('after', examples('stint lease list aws/creds/s3', 'stint lease revoke aws/creds/s3/ID'));
  registerLooks(lease, io);
  registerChanges(lease, io);
}

function registerLooks(lease: Command, io: Io): void {
  addReply(lease.command('lookup'))
    .description('say when a lease began and when it ends')
    .addHelpText(
      'after',
      examples(
        'stint lease lookup aws/creds/s3/yx1tbecBi5a4cSQ19PhEL1ZE',
        'stint lease lookup aws/creds/s3/yx1t… --json',
      ),
    )
    .argument('<id>')
    .action(async (lease_id: string, options: ReplyOptions) =>
      printReply(io, await askServer(io, 'PUT', 'sys/leases/lookup', { body: { lease_id } }, options), options),
    );
  addReply(lease.command('list'))
    .description('list leases, one level below a prefix')
    .addHelpText('after', examples('stint lease list aws/creds/s3', 'stint lease list --json'))
    .argument('[prefix]', 'a mount, a role, …')
    .action(async (prefix: string | undefined, options: ReplyOptions) => {
      const path = `sys/leases/lookup${prefix === undefined ? '' : `/${prefix}`}`;
      const reply = await askServer(io, 'GET', path, { query: 'list=true' }, options);
      if (reply.status === 404) {
        throw cliFailure('not-found', `there is no lease at \`${prefix ?? '/'}\``, {
          hint: '`stint lease list` shows where leases are',
        });
      }
      const { keys } = reply.body['data'] as { keys: string[] };
      if (options.json === true || options.format !== undefined) return printValue(io, keys, {}, options);
      for (const key of keys) printData(io, key);
    });
}

function registerChanges(lease: Command, io: Io): void {
  addReply(lease.command('renew'))
    .description('let a lease last longer')
    .addHelpText(
      'after',
      examples('stint lease renew aws/creds/s3/yx1t…', 'stint lease renew aws/creds/s3/yx1t… --increment 1h'),
    )
    .argument('<id>')
    .option('--increment <duration>', 'how long from now; the engine’s own lease unless given')
    .action(async (lease_id: string, { increment, ...options }: ReplyOptions & { increment?: string }) =>
      printReply(
        io,
        await askServer(io, 'PUT', 'sys/leases/renew', { body: { lease_id, increment } }, options),
        options,
      ),
    );
  addConnection(lease.command('revoke'))
    .argument('<id>')
    .description('end a lease, or all below a prefix; AWS refuses the credentials afterwards')
    .option('--prefix', 'every lease whose id begins so')
    .option('--force', 'with --prefix: forget them here even if AWS does not answer; the server goes on trying')
    .option('--sync', 'wait until it is done (the default)')
    .option('--no-sync', 'return when the end is recorded; the server does the rest')
    .addHelpText(
      'after',
      examples(
        'stint lease revoke aws/creds/s3/yx1tbecBi5a4cSQ19PhEL1ZE',
        'stint lease revoke -prefix aws/creds/s3',
        'stint lease revoke -sync=false aws/creds/s3/yx1t…',
      ),
    )
    .action((id: string, options: RevokeOptions) => revoke(io, id, options));
}

interface RevokeOptions extends Connection {
  readonly prefix?: true;
  readonly force?: true;
  readonly sync: boolean;
}

async function revoke(io: Io, id: string, { prefix, force, sync, ...options }: RevokeOptions): Promise<void> {
  const below = id.replace(/\/$/, '');
  if (force === true && prefix !== true) {
    throw cliFailure('usage', '`--force` goes with `--prefix` only', {
      hint: `write \`stint lease revoke --force --prefix ${below}\``,
    });
  }
  if (force === true) await askServer(io, 'PUT', `sys/leases/revoke-force/${below}`, {}, options);
  else if (prefix === true)
    await askServer(io, 'PUT', `sys/leases/revoke-prefix/${below}`, { body: { sync } }, options);
  else await askServer(io, 'PUT', 'sys/leases/revoke', { body: { lease_id: id, sync } }, options);
  if (force === true) say(io, `forgotten: ${id}; \`stint read stint/leases\` shows what AWS still holds`);
  else say(io, sync ? `revoked: ${id}` : `its end is recorded: ${id}`);
}
