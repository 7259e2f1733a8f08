// `stint server`: runs the broker in the foreground until SIGTERM or SIGINT.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { AdjustableClock, systemRandom } from '../../base/index.ts';
import { parseListenAddress, startBroker, type Broker, type LogEntry } from '../../broker/index.ts';
import type { Io } from '../command.ts';
import { printData, say, tell } from '../output.ts';
import { cliFailure } from '../failures.ts';

interface Options {
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
`;

/** Adds `stint server`. */
export function register(program: Command, io: Io): void {
  program
    .command('server')
    .description('lend AWS credentials under leases, over the HTTP API of Vault')
    .option('--dev', 'development: unsealed by itself, with a known root token')
    .option('--dev-root-token-id <token>', 'the root token of a development server')
    .option('--listen <host:port>', 'address to listen on; port 0 picks a free one', '127.0.0.1:8200')
    .option('--storage <folder>', 'keep leases here; without it nothing outlives the server')
    .option('--json', 'print one line of JSON when ready')
    .addHelpText('after', examples)
    .action((options: Options) => serve(options, io));
}

async function serve(options: Options, io: Io): Promise<void> {
  if (options.dev === undefined) {
    throw cliFailure('dev-required', 'the server runs in development mode only', { hint: 'use `stint server --dev`' });
  }
  const listen = parseListenAddress(options.listen);
  const folder = options.storage;
  const storage = folder === undefined ? mkdtempSync(join(tmpdir(), 'stint-server-')) : resolve(io.cwd, folder);
  try {
    const broker = await startBroker({
      storage,
      listen,
      dev: options.devRootTokenId === undefined ? {} : { rootTokenId: options.devRootTokenId },
      clock: new AdjustableClock(),
      random: systemRandom,
      log: (entry) => printLog(io, entry),
      environment: io.env,
    });
    tellReady(options, broker, io);
    await aborted(io.signal);
    await broker.stop();
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
  say(io, `elsewhere: export STINT_ADDR=${address} STINT_TOKEN=<Root Token>; stint status`);
}

function printLog(io: Io, { level, event, ...fields }: LogEntry): void {
  const text = Object.entries(fields).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const write = level === 'info' ? say : tell;
  write(io, `${new Date().toISOString()} ${level} ${event}${text.join('')}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
