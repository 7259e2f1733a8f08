// `stint server`: runs the broker in the foreground until SIGTERM or SIGINT, by a configuration or for development.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { parseListenAddress, type Broker } from '../../broker/index.ts';
import type { Io } from '../command.ts';
import { printData, say } from '../output.ts';
import { textLogger } from '../server/logger.ts';
import { runForeground } from '../server/run.ts';
import { cliFailure } from '../failures.ts';

interface Options {
  readonly config?: string;
  readonly dev?: true;
  readonly devRootTokenId?: string;
  readonly listen: string;
  readonly storage?: string;
  readonly json?: true;
}

const examples = `
Examples:
  stint server --dev --dev-root-token-id root
  stint server --dev --storage ./stint-data --listen 127.0.0.1:0 --json
  stint server --config /etc/stint/server.yaml
`;

/** Adds `stint server`. */
export function register(program: Command, io: Io): void {
  program
    .command('server')
    .description('lend AWS credentials under leases, over the HTTP API of Vault')
    .addOption(
      new Option('--config <file>', 'configuration, YAML or JSON: see docs/server.md').conflicts(['dev', 'storage']),
    )
    .option('--dev', 'development: unsealed by itself, with a known root token')
    .option('--dev-root-token-id <token>', 'the root token of a development server')
    .option('--listen <host:port>', 'address to listen on; port 0 picks a free one', '127.0.0.1:8200')
    .option('--storage <folder>', 'keep leases here; without it nothing outlives the server')
    .option('--json', 'print one line of JSON when ready')
    .addHelpText('after', examples)
    .action((options: Options) => serve(options, io));
}

async function serve(options: Options, io: Io): Promise<void> {
  if (options.config !== undefined) {
    const { runConfigured } = await import('../server/configured.ts');
    return runConfigured(io, options.config, options.json === true);
  }
  if (options.dev === undefined) {
    throw cliFailure('dev-required', 'a server needs a configuration', {
      hint: 'use `stint server --config FILE`, or `stint server --dev` on a machine of your own',
    });
  }
  await develop(options, io);
}

async function develop(options: Options, io: Io): Promise<void> {
  const listen = parseListenAddress(options.listen);
  const folder = options.storage;
  const storage = folder === undefined ? mkdtempSync(join(tmpdir(), 'stint-server-')) : resolve(io.cwd, folder);
  const level = io.quiet === true ? 'warn' : 'info';
  const dev = options.devRootTokenId === undefined ? {} : { rootTokenId: options.devRootTokenId };
  try {
    await runForeground({
      io,
      logger: textLogger(level, io.stderr, () => new Date()),
      options: { storage, listen, dev },
      ready: (broker) => tellReady(options, broker, io),
    });
  } finally {
    if (folder === undefined) rmSync(storage, { recursive: true, force: true });
  }
}

// SECURITY: a development server tells its keys on its own terminal, as the tools people know do.
function tellReady(options: Options, { address, development }: Broker, io: Io): void {
  if (development === undefined) return;
  const { unsealKey, rootToken } = development;
  if (options.json === true) {
    printData(
      io,
      JSON.stringify({ ready: true, address, rootToken: rootToken.reveal(), unsealKey: unsealKey.reveal() }),
    );
    return;
  }
  printData(io, `Address: ${address}`);
  printData(io, `Unseal Key: ${unsealKey.reveal()}`);
  printData(io, `Root Token: ${rootToken.reveal()}`);
  say(io, 'development mode: unsealed, root token in clear, not for production; Ctrl-C ends it');
  say(io, options.storage === undefined ? 'nothing outlives this server' : `leases are kept in ${options.storage}`);
  say(io, `web page: ${address}/ui/ (sign in with the Root Token)`);
  say(io, `elsewhere: export STINT_ADDR=${address} STINT_TOKEN=<Root Token>; stint status`);
}
