// A server as in production: it starts without keys, is initialised and opened over HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdjustableClock, systemRandom } from '../../../src/base/index.ts';
import { startBroker, type Broker, type LogEntry } from '../../../src/broker/index.ts';
import { openLocalSeal } from '../../../src/broker/seal/local.ts';
import { callHttp, type CallOptions, type Reply } from '../support.ts';

export interface SealedServer {
  readonly address: () => string;
  readonly folder: string;
  readonly clock: AdjustableClock;
  readonly log: LogEntry[];
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Reply>;
  readonly stop: () => Promise<void>;
  readonly restart: () => Promise<void>;
}

/** An uninitialised server, stopped after the test. With `local`, its seal opens by itself. */
export async function sealedServer(
  after: (end: () => Promise<void>) => void,
  kind: 'shamir' | 'local' = 'shamir',
): Promise<SealedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-broker-test-'));
  const clock = new AdjustableClock();
  const log: LogEntry[] = [];
  const start = (): Promise<Broker> =>
    startBroker({
      storage: folder,
      listen: { host: '127.0.0.1', port: 0 },
      clock,
      random: systemRandom,
      log: (entry) => log.push(entry),
      environment: {},
      ...(kind === 'shamir'
        ? {}
        : { seal: (fresh: boolean) => openLocalSeal(join(folder, 'local-key.json'), fresh, systemRandom) }),
    });
  let broker = await start();
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (!stopped) await broker.stop();
    stopped = true;
  };
  after(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    address: () => broker.address,
    folder,
    clock,
    log,
    call: (method, path, options) => callHttp(broker.address, method, path, options),
    stop,
    restart: async () => {
      await stop();
      broker = await start();
      stopped = false;
    },
  };
}

export interface Opened extends SealedServer {
  readonly keys: readonly string[];
  readonly rootToken: string;
}

/** Initialises with `shares` shares, `threshold` needed, and gives enough of them. */
export async function openedServer(
  after: (end: () => Promise<void>) => void,
  counts: { readonly shares: number; readonly threshold: number } = { shares: 3, threshold: 2 },
): Promise<Opened> {
  const server = await sealedServer(after);
  const { body } = await server.call('PUT', '/v1/sys/init', {
    token: null,
    body: { secret_shares: counts.shares, secret_threshold: counts.threshold },
  });
  const keys = body['keys'] as string[];
  await giveShares(server, keys.slice(0, counts.threshold));
  return { ...server, keys, rootToken: body['root_token'] as string };
}

/** Gives shares to sys/unseal; the last answer. */
export async function giveShares({ call }: Pick<SealedServer, 'call'>, keys: readonly string[]): Promise<Reply> {
  let reply: Reply | undefined;
  for (const key of keys) reply = await call('PUT', '/v1/sys/unseal', { token: null, body: { key } });
  return reply!;
}
