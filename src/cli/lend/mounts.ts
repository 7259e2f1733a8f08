// What `stint secrets` and `stint auth` share: engines and auth methods are mounted, listed, tuned and
// taken away alike.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import { say } from '../output.ts';
import { addConnection, addReply, collected, examples, type ReplyOptions } from './options.ts';
import { printTable, printValue } from './reply.ts';

/** What the words of one of the two groups are. */
export interface MountWords {
  readonly group: 'secrets' | 'auth';
  /** `sys/mounts` or `sys/auth`. */
  readonly api: string;
  readonly thing: string;
  readonly types: string;
  readonly example: string;
}

interface ConfigOptions extends Connection {
  readonly defaultLeaseTtl?: string;
  readonly maxLeaseTtl?: string;
  readonly description?: string;
  readonly listingVisibility?: string;
  readonly tokenType?: string;
  readonly auditNonHmacRequestKeys?: readonly string[];
  readonly auditNonHmacResponseKeys?: readonly string[];
  readonly passthroughRequestHeaders?: readonly string[];
  readonly allowedResponseHeaders?: readonly string[];
}

interface EnableOptions extends ConfigOptions {
  readonly path?: string;
  readonly local?: true;
  readonly sealWrap?: true;
}

function addConfig(command: Command): Command {
  return addConnection(command)
    .option('--description <text>', 'for people')
    .option('--default-lease-ttl <duration>', 'how long a lease or token lasts when nothing else says it')
    .option('--max-lease-ttl <duration>', 'how long one may last at most')
    .option('--listing-visibility <who>', '`unauth` shows the mount to people without a token')
    .option(
      '--audit-non-hmac-request-keys <key>',
      'key of requests that audit shows in clear; may be repeated',
      collected,
    )
    .option(
      '--audit-non-hmac-response-keys <key>',
      'key of answers that audit shows in clear; may be repeated',
      collected,
    )
    .option('--passthrough-request-headers <name>', 'header handed on to it; may be repeated', collected)
    .option('--allowed-response-headers <name>', 'header it may answer with; may be repeated', collected);
}

/** The members that were given; the server leaves the others as they are. */
function configOf(options: ConfigOptions): Readonly<Record<string, unknown>> {
  return {
    default_lease_ttl: options.defaultLeaseTtl,
    max_lease_ttl: options.maxLeaseTtl,
    listing_visibility: options.listingVisibility,
    token_type: options.tokenType,
    audit_non_hmac_request_keys: options.auditNonHmacRequestKeys,
    audit_non_hmac_response_keys: options.auditNonHmacResponseKeys,
    passthrough_request_headers: options.passthroughRequestHeaders,
    allowed_response_headers: options.allowedResponseHeaders,
  };
}

export function registerEnable(parent: Command, io: Io, words: MountWords): void {
  const { group, api, thing, types, example } = words;
  const enable = addConfig(parent.command('enable'))
    .description(`enable ${thing}`)
    .argument('<type>', types)
    .option('--path <path>', 'where; the type itself unless given')
    .option('--local', 'as Vault has it; this server does not replicate')
    .option('--seal-wrap', 'as Vault has it')
    .addHelpText('after', examples(`stint ${group} enable ${example}`, `stint ${group} enable -path=team ${example}`));
  if (group === 'auth') enable.option('--token-type <type>', 'of the tokens it makes: service, batch, default-…');
  enable.action(async (type: string, options: EnableOptions) => {
    const path = closed(options.path ?? type);
    const { description = '', local = false, sealWrap: seal_wrap = false } = options;
    const body = { type, description, local, seal_wrap, config: configOf(options) };
    await askServer(io, 'POST', `${api}/${path}`, { body }, options);
    say(io, `enabled ${type} at ${path}/`);
  });
}

export function registerTune(parent: Command, io: Io, { group, api, thing, example }: MountWords): void {
  const tune = addConfig(parent.command('tune'))
    .description(`change the settings of ${thing}`)
    .argument('<path>')
    .addHelpText(
      'after',
      examples(
        `stint ${group} tune ${example} --max-lease-ttl 1h`,
        `stint ${group} tune ${example} --description "team A"`,
      ),
    );
  if (group === 'auth') tune.option('--token-type <type>', 'of the tokens it makes: service, batch, default-…');
  tune.action(async (path: string, options: ConfigOptions) => {
    const body = { ...configOf(options), description: options.description };
    await askServer(io, 'POST', `${api}/${closed(path)}/tune`, { body }, options);
    say(io, `tuned ${path}`);
  });
}

export function registerDisable(parent: Command, io: Io, { group, api, thing, example }: MountWords): void {
  addConnection(parent.command('disable'))
    .description(
      group === 'auth' ? `end the tokens of ${thing}, then remove it` : `end the leases of ${thing}, then remove it`,
    )
    .argument('<path>')
    .addHelpText('after', examples(`stint ${group} disable ${example}`, `stint ${group} disable team/${example}`))
    .action(async (path: string, options: Connection) => {
      await askServer(io, 'DELETE', `${api}/${closed(path)}`, {}, options);
      const what = group === 'auth' ? 'its tokens' : 'its leases';
      say(io, `disabled, if it was there: ${path}; ${what} were ended first`);
    });
}

interface ShownMount {
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export function registerMountList(parent: Command, io: Io, { group, api, thing }: MountWords): void {
  addReply(parent.command('list'))
    .description(`list every ${thing.replace(/^an? /, '')}`)
    .option('--detailed', 'with accessor and lease times')
    .addHelpText('after', examples(`stint ${group} list`, `stint ${group} list --json`))
    .action(async (options: ReplyOptions & { readonly detailed?: true }) => {
      const mounts = (await askServer(io, 'GET', api, {}, options)).body['data'] as Record<string, ShownMount>;
      if (options.json === true || options.format !== undefined) return printValue(io, mounts, {}, options);
      printTable(io, Object.fromEntries(Object.entries(mounts).map(([path, mount]) => [path, rowOf(mount, options)])));
    });
}

function rowOf(
  { type, description, accessor, config }: ShownMount,
  { detailed }: { readonly detailed?: true },
): string {
  if (detailed !== true) return `${type}  ${description}`.trimEnd();
  const ttls = `default ${String(config['default_lease_ttl'])} s, at most ${String(config['max_lease_ttl'])} s`;
  return `${type}  ${accessor}  ${ttls}  ${description}`.trimEnd();
}

/** Without the slash at its end, which the API's paths have not. */
export function closed(path: string): string {
  return path.replace(/\/+$/, '');
}
