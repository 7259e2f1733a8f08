// `stint token …`: making, looking up, renewing and revoking tokens.
import type { Command } from 'commander';
import { askServer, type Connection, type ServerReply } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { cliFailure } from '../failures.ts';
import { addConnection, addReply, addWrapped, collected, examples, type ReplyOptions } from '../lend/options.ts';
import { printReply, printValue } from '../lend/reply.ts';
import { splitPair } from '../lend/values.ts';
import { printData, say } from '../output.ts';

export function register(program: Command, io: Io): void {
  const token = program
    .command('token')
    .description('tokens of the server')
    .addHelpText('after', examples('stint token create -policy=deploy -ttl=1h', 'stint token lookup'));
  registerCreate(token, io);
  registerLookup(token, io);
  registerRenew(token, io);
  registerRevoke(token, io);
  registerCapabilities(token, io);
}

interface CreateOptions extends ReplyOptions {
  readonly id?: string;
  readonly policy?: readonly string[];
  readonly metadata?: readonly string[];
  readonly ttl?: string;
  readonly explicitMaxTtl?: string;
  readonly period?: string;
  readonly displayName?: string;
  readonly useLimit?: string;
  readonly type?: string;
  readonly role?: string;
  readonly entityAlias?: string;
  readonly renewable: boolean;
  readonly orphan?: true;
  readonly defaultPolicy: boolean;
}

function registerCreate(token: Command, io: Io): void {
  addWrapped(token.command('create'))
    .description('make a token, a child of the one that asks')
    .option('--policy <name>', 'policy of the token; may be repeated', collected)
    .option('--ttl <duration>', 'how long it lives')
    .option('--explicit-max-ttl <duration>', 'how long it may live, however often it is renewed')
    .option('--period <duration>', 'a renewal lets it live so much longer, without end')
    .option('--use-limit <n>', 'how often it may be used')
    .option('--display-name <name>', 'how it is shown')
    .option('--metadata <k=v>', 'shown with it; may be repeated', collected)
    .option('--type <type>', 'service or batch')
    .option('--role <name>', 'make it by this token role')
    .option('--entity-alias <name>', 'with --role: act for this alias')
    .option('--id <id>', 'its id; for root tokens only')
    .option('--orphan', 'without parent, so that it outlives the one that asks')
    .option('--renewable', 'can be renewed (the default)')
    .option('--no-renewable', 'cannot be renewed')
    .option('--no-default-policy', 'without the policy `default`')
    .addHelpText(
      'after',
      examples('stint token create -policy=deploy -ttl=1h', 'stint token create -field=token -orphan -period=24h'),
    )
    .action(async (options: CreateOptions) => {
      const path = options.role ? `create/${options.role}` : options.orphan === true ? 'create-orphan' : 'create';
      await printReply(
        io,
        await askServer(io, 'POST', `auth/token/${path}`, { body: planOf(options) }, options),
        options,
      );
    });
}

function planOf(options: CreateOptions): Readonly<Record<string, unknown>> {
  return {
    id: options.id,
    policies: options.policy,
    meta: options.metadata === undefined ? undefined : Object.fromEntries(options.metadata.map(splitPair)),
    ttl: options.ttl,
    explicit_max_ttl: options.explicitMaxTtl,
    period: options.period,
    display_name: options.displayName,
    num_uses: options.useLimit,
    type: options.type,
    entity_alias: options.entityAlias,
    renewable: options.renewable,
    no_parent: options.orphan,
    no_default_policy: options.defaultPolicy ? undefined : true,
  };
}

interface AccessorOptions extends ReplyOptions {
  readonly accessor?: true;
}

const accessorOption = ['--accessor', 'what is given is an accessor'] as const;

function registerLookup(token: Command, io: Io): void {
  addReply(token.command('lookup'))
    .description('say what a token is; the own one unless another is given')
    .argument('[token]')
    .option(...accessorOption)
    .addHelpText(
      'after',
      examples('stint token lookup', 'stint token lookup -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da'),
    )
    .action(async (given: string | undefined, options: AccessorOptions) =>
      printReply(io, await lookup(io, given, options), options),
    );
}

function lookup(io: Io, given: string | undefined, options: AccessorOptions): Promise<ServerReply> {
  if (given === undefined) {
    needsToken(options);
    return askServer(io, 'GET', 'auth/token/lookup-self', {}, options);
  }
  return options.accessor === true
    ? askServer(io, 'POST', 'auth/token/lookup-accessor', { body: { accessor: given } }, options)
    : askServer(io, 'POST', 'auth/token/lookup', { body: { token: given } }, options);
}

function needsToken({ accessor }: AccessorOptions): void {
  if (accessor !== true) return;
  throw cliFailure('usage', '`--accessor` needs the accessor itself', { hint: 'write it after the options' });
}

function registerRenew(token: Command, io: Io): void {
  addReply(token.command('renew'))
    .description('let a token live longer; the own one unless another is given')
    .argument('[token]')
    .option(...accessorOption)
    .option('--increment <duration>', 'how long from now')
    .addHelpText('after', examples('stint token renew', 'stint token renew -increment=30m hvs.CAESI…'))
    .action(async (given: string | undefined, options: AccessorOptions & { increment?: string }) => {
      const { increment } = options;
      if (given === undefined) needsToken(options);
      const [path, named] =
        given === undefined
          ? ['renew-self', {}]
          : options.accessor === true
            ? ['renew-accessor', { accessor: given }]
            : ['renew', { token: given }];
      const reply = await askServer(io, 'PUT', `auth/token/${path}`, { body: { ...named, increment } }, options);
      await printReply(io, reply, options);
    });
}

interface TokenRevokeOptions extends Connection {
  readonly accessor?: true;
  readonly self?: true;
  readonly mode?: string;
}

function registerRevoke(token: Command, io: Io): void {
  addConnection(token.command('revoke'))
    .description('end a token with its children and all their leases')
    .argument('[token]')
    .option(...accessorOption)
    .option('--self', 'end the own token')
    .option('--mode <mode>', '`orphan`: leave the children alive; `path`: every token of a login path')
    .addHelpText('after', examples('stint token revoke hvs.CAESI…', 'stint token revoke -mode=orphan hvs.CAESI…'))
    .action(async (given: string | undefined, options: TokenRevokeOptions) => {
      const [path, body] = revocationOf(given, options);
      await askServer(io, 'PUT', path, { body }, options);
      say(io, 'revoked, if it was there');
    });
}

function revocationOf(given: string | undefined, { accessor, self, mode }: TokenRevokeOptions): [string, object] {
  if (self === true && given === undefined) return ['auth/token/revoke-self', {}];
  if (self === true || given === undefined) {
    throw cliFailure('usage', 'one token is to be named', { hint: 'give its id, or `--self` for the own one' });
  }
  if (mode !== undefined && accessor === true) {
    throw cliFailure('usage', '`--mode` and `--accessor` do not go together', { hint: 'give the token itself' });
  }
  if (mode === 'orphan') return ['auth/token/revoke-orphan', { token: given }];
  if (mode === 'path') return [`sys/leases/revoke-prefix/${given}`, {}];
  if (mode !== undefined) {
    throw cliFailure('invalid-option', `there is no mode \`${mode}\``, { hint: 'use `orphan` or `path`' });
  }
  return accessor === true
    ? ['auth/token/revoke-accessor', { accessor: given }]
    : ['auth/token/revoke', { token: given }];
}

function registerCapabilities(token: Command, io: Io): void {
  addReply(token.command('capabilities'))
    .description('say what a token may do on a path; the own one unless another is given')
    .argument('<token-or-path>')
    .argument('[path]')
    .option(...accessorOption)
    .addHelpText(
      'after',
      examples('stint token capabilities aws/creds/s3', 'stint token capabilities hvs.CAESI… aws/creds/s3'),
    )
    .action(async (first: string, second: string | undefined, options: AccessorOptions) => {
      const path = second ?? first;
      const named = second === undefined ? {} : options.accessor === true ? { accessor: first } : { token: first };
      if (second === undefined) needsToken(options);
      const api =
        second === undefined
          ? 'capabilities-self'
          : options.accessor === true
            ? 'capabilities-accessor'
            : 'capabilities';
      const { body } = await askServer(io, 'PUT', `sys/${api}`, { body: { ...named, paths: [path] } }, options);
      const list = (body['data'] as Record<string, string[]>)[path] ?? [];
      if (options.json === true || options.format !== undefined) return printValue(io, list, {}, options);
      printData(io, [...list].sort().join(', '));
    });
}
