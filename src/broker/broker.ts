// The server, to be read first: HTTP -> pipeline -> routes -> engine -> lending -> ledger -> barrier -> store;
// and beside it the sweeper, which ends what is due. services.ts wires what runs while it is unsealed.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Secret, systemClock, version, type AdjustableClock, type Random } from '../base/index.ts';
import type { DevicePlan } from './audit/audit.ts';
import type { AuditDevice } from './audit/fanout.ts';
import { restoreClock, rootToken } from './development.ts';
import type { AwsWatch } from './engines/aws/watch.ts';
import { brokerFailure } from './failures.ts';
import { Lifecycle } from './lifecycle.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics/metrics.ts';
import { answer, checkCaller, type SealedHandlers } from './pipeline.ts';
import { RateLimit } from './rate.ts';
import { metricsHandlers } from './routes/metrics.ts';
import { openingHandlers } from './routes/seal.ts';
import { statusHandlers } from './routes/status.ts';
import { openServices } from './services.ts';
import { isFresh, type Keeper } from './seal/keys.ts';
import { openKeeper } from './seal/local.ts';
import type { Seal } from './seal/seal.ts';
import type { CopyableStore } from './storage/store.ts';
import { openSqliteStore, type SqliteLimits } from './storage/sqlite.ts';
import { listen, type ListenAddress } from './http/listen.ts';
import { openPage } from './http/page.ts';
import { createBrokerServer, defaultHttpOptions, type HttpOptions } from './http/server.ts';

/** Above what one node serves, so that it stops a runaway client and nobody else. */
const defaultRate = { requestsPerSecond: 20_000, burst: 40_000 };
/** How long a stop waits for calls under way; the ledger takes care of what is left. */
const stopMillis = 30_000;

export interface BrokerOptions {
  /** Folder of the store and of the local seal's key; made when missing. */
  readonly storage: string;
  readonly listen: ListenAddress;
  /** TLS, limits and proxies; what suits a machine of one's own when left out. */
  readonly http?: HttpOptions;
  /** Development: initialised and unsealed by itself, a known root token, a clock that may be moved over HTTP. */
  readonly dev?: { readonly rootTokenId?: string } | undefined;
  /** A seal that opens by itself. Left out, the server is opened with shares; in development it keeps their key. */
  readonly seal?: (fresh: boolean) => Seal;
  /** Lease time. Signatures of AWS calls follow the wall clock. */
  readonly clock: AdjustableClock;
  readonly random: Random;
  readonly log: Log;
  /** The process environment: AWS region; the SDK reads credentials and endpoints from it by itself. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly auditDevices?: readonly AuditDevice[];
  /** Audit devices of the configuration; those made over the API stand in the store. */
  readonly audit?: readonly DevicePlan[];
  /** What one address may ask. */
  readonly rate?: { readonly requestsPerSecond: number; readonly burst: number };
  /** True: `sys/metrics` needs no token. */
  readonly openMetrics?: boolean;
  /** Where the audit device `stdout` writes; the process's own when left out. */
  readonly stdout?: NodeJS.WritableStream;
  readonly store?: SqliteLimits;
  /** How long the record of an ended lease is kept; 30 days when left out. */
  readonly keepEndedMillis?: number;
  /** Folder of the built web page; without one `/ui/` does not exist. */
  readonly page?: string;
}

export interface Broker {
  /** `http://127.0.0.1:8200` */
  readonly address: string;
  /** What a development server tells on its terminal. */
  readonly development: Development | undefined;
  /** Reads certificate and key anew and opens audit files anew. @throws Failure `tls-invalid`. */
  reload(): Promise<void>;
  /** Finishes what was promised, then lets go of port, connections and store. */
  stop(): Promise<void>;
}

export interface Development {
  readonly unsealKey: Secret;
  readonly rootToken: Secret;
}

/**
 * Opens the store, takes up what an earlier process left undone, and serves.
 * @throws Failure `port-in-use`, `address-invalid`, `storage-in-use`, `storage-failed`,
 *   `store-too-new`, `store-tampered`, `seal-unreadable`.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  makeFolder(options.storage);
  const store = openSqliteStore(join(options.storage, 'stint.db'), options.store);
  try {
    return await serve(options, store, await isFresh(store));
  } catch (error) {
    await store.close();
    throw error;
  }
}

// Not Node's recursive form: below /proc it never ends.
function makeFolder(folder: string): void {
  try {
    mkdirWithParents(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw brokerFailure('storage-failed', `the folder \`${folder}\` cannot be made: ${code ?? 'unknown reason'}`, {
      hint: 'give a folder that is yours to make and write',
      cause: error,
    });
  }
}

function mkdirWithParents(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(folder) !== folder) mkdirWithParents(dirname(folder));
  mkdirSync(folder, { mode: 0o700 });
}

async function serve(options: BrokerOptions, store: CopyableStore, fresh: boolean): Promise<Broker> {
  const { dev } = options;
  const seal = options.seal?.(fresh);
  const keeper =
    dev === undefined || seal !== undefined ? undefined : openKeeper(join(options.storage, 'seal.json'), fresh);
  const metrics: Metrics = new Metrics(version, () => lifecycle.services?.census);
  const lifecycle: Lifecycle = makeLifecycle({ options, store, seal, keeper, metrics, sealedHandlers: () => sealed });
  const sealed = sealedHandlersOf(options, lifecycle, metrics);
  const { requestsPerSecond, burst } = options.rate ?? defaultRate;
  const rate = new RateLimit(systemClock, requestsPerSecond, burst);
  const page = options.page === undefined ? undefined : openPage(options.page);
  const http = createBrokerServer({
    answer: (call) => {
      const { hostAllowed } = listening;
      const parts = { rate, sealedHandlers: sealed, opened: () => lifecycle.services, hostAllowed };
      return metrics.request(call.operation, (seen) => lifecycle.during(call, () => answer(parts, call, seen)));
    },
    page:
      page === undefined
        ? undefined
        : async (asked) => {
            checkCaller({ rate, hostAllowed: listening.hostAllowed }, asked);
            return page.answer(asked);
          },
    random: options.random,
    log: options.log,
    http: options.http ?? defaultHttpOptions,
    onRefused: () => metrics.connectionRefused(),
  });
  const development = await open(lifecycle, keeper, dev);
  const listening = await listen(http.server, options.listen).catch(async (error: unknown) => {
    await lifecycle.end();
    throw error;
  });
  const stop = async (): Promise<void> => {
    const ended = listening.stop();
    await withinLimit(http.finished().then(() => lifecycle.end()));
    listening.cut();
    await ended;
    await store.close();
  };
  const reload = async (): Promise<void> => {
    await lifecycle.services?.audit.reopen();
    http.reload();
  };
  return { address: listening.address, development, reload, stop };
}

interface LifecycleMakings {
  readonly options: BrokerOptions;
  readonly store: CopyableStore;
  readonly seal: Seal | undefined;
  readonly keeper: Keeper | undefined;
  readonly metrics: Metrics;
  readonly sealedHandlers: () => SealedHandlers;
}

/** The life of this server, and what opens when its barrier does. */
function makeLifecycle({ options, store, seal, keeper, metrics, sealedHandlers }: LifecycleMakings): Lifecycle {
  const { clock, random, log, dev, environment, keepEndedMillis } = options;
  const audit = {
    devices: options.auditDevices ?? [],
    configured: options.audit ?? [],
    places: { stdout: options.stdout ?? process.stdout, storage: options.storage },
    onFailure: (device: string) => metrics.auditFailed(device),
  };
  const watchAws: AwsWatch = (...call) => metrics.awsCall(...call);
  const lifecycle = new Lifecycle({
    store,
    clock,
    random,
    seal,
    keeper,
    open: async (barrier, keys) => {
      if (dev !== undefined) await restoreClock(barrier, clock, systemClock);
      const parts = { clock, random, log, environment, audit, watchAws, keepEndedMillis, lifecycle, store };
      return openServices({ ...parts, sealedHandlers: sealedHandlers(), dev: dev !== undefined }, barrier, keys);
    },
  });
  return lifecycle;
}

/** What is answered also while the server is sealed. */
function sealedHandlersOf(options: BrokerOptions, lifecycle: Lifecycle, metrics: Metrics): SealedHandlers {
  return {
    ...statusHandlers({ clock: options.clock, lifecycle }),
    ...openingHandlers(lifecycle),
    ...metricsHandlers({
      metrics,
      unauthenticated: options.openMetrics ?? false,
      access: () => lifecycle.services?.access,
    }),
  };
}

/** Opens the server when it opens by itself; a development server is initialised before. */
async function open(
  lifecycle: Lifecycle,
  keeper: Keeper | undefined,
  dev: BrokerOptions['dev'],
): Promise<Development | undefined> {
  let first: Secret | undefined;
  if (!(await lifecycle.openByItself()) && keeper !== undefined) {
    first = (await lifecycle.initialize({ shares: 1, threshold: 1 })).rootToken;
    await lifecycle.openByItself();
  }
  const { services } = lifecycle;
  if (dev === undefined || services === undefined) return undefined;
  const [key = new Uint8Array()] = keeper?.keys() ?? [];
  return {
    unsealKey: new Secret(Buffer.from(key).toString('base64')),
    rootToken: await rootToken(services.barrier, services.tokens, dev.rootTokenId, first),
  };
}

async function withinLimit(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopMillis);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
