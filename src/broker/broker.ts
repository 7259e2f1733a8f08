// The wiring of the broker, to be read first: HTTP -> pipeline -> routes -> engine -> lending ->
// ledger -> barrier -> store; and beside it the sweeper, which ends what is due.
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Secret, systemClock, uuid, type AdjustableClock, type Random } from '../base/index.ts';
import { Access } from './access.ts';
import { Audit, type AuditDevice } from './audit.ts';
import { Barrier } from './barrier.ts';
import { keepClock, restoreClock, rootToken } from './development.ts';
import { AwsEngine } from './engines/aws/engine.ts';
import { brokerFailure } from './failures.ts';
import { Ledger } from './ledger.ts';
import { Lending } from './lending.ts';
import type { Log } from './log.ts';
import { Mounts } from './mounts.ts';
import { answer } from './pipeline.ts';
import { Policies } from './policies.ts';
import { RateLimit } from './rate.ts';
import { engineHandlers } from './routes/engine.ts';
import { leaseHandlers } from './routes/leases.ts';
import { systemHandlers } from './routes/system.ts';
import { tokenHandlers } from './routes/tokens.ts';
import { openLocalSeal } from './seal/local.ts';
import { absent } from './storage/store.ts';
import { openSqliteStore, type SqliteLimits } from './storage/sqlite.ts';
import { Sweeper } from './sweeper.ts';
import { Tokens } from './tokens.ts';
import { listen, type ListenAddress } from './http/listen.ts';
import { createBrokerServer } from './http/server.ts';

/** Above what one node serves, so that it stops a runaway client and nobody else. */
const requestsPerSecond = 20_000;
const requestBurst = 40_000;
/** How long a stop waits for calls under way; the ledger takes care of what is left. */
const stopMillis = 30_000;

export interface BrokerOptions {
  /** Folder of the store and of the local seal's key; made when missing. */
  readonly storage: string;
  readonly listen: ListenAddress;
  /** Development: a known root token, and a clock that may be moved over HTTP. */
  readonly dev: { readonly rootTokenId?: string };
  /** Lease time. Signatures of AWS calls follow the wall clock. */
  readonly clock: AdjustableClock;
  readonly random: Random;
  readonly log: Log;
  /** The process environment: AWS region; the SDK reads credentials and endpoints from it by itself. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly auditDevices?: readonly AuditDevice[];
  readonly store?: SqliteLimits;
  /** How long the record of an ended lease is kept; 30 days when left out. */
  readonly keepEndedMillis?: number;
}

export interface Broker {
  /** `http://127.0.0.1:8200` */
  readonly address: string;
  readonly unsealKey: Secret;
  readonly rootToken: Secret;
  /** Finishes what was promised, then lets go of port, connections and store. */
  stop(): Promise<void>;
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
    const seal = openLocalSeal(options.storage, await Barrier.isFresh(store), options.random);
    const barrier = await Barrier.open(store, seal.key, options.random);
    return await serve(options, barrier, seal);
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

async function serve(
  options: BrokerOptions,
  barrier: Barrier,
  seal: { readonly type: string; readonly key: Secret },
): Promise<Broker> {
  const { clock, random, log, dev } = options;
  await restoreClock(barrier, clock, systemClock);
  const mounts = new Mounts(barrier, random, [new AwsEngine({ clock, random, environment: options.environment })]);
  const onDue = (at: number): void => sweeper.notice(at);
  const tokens = new Tokens(barrier, clock, random, onDue);
  const policies = new Policies(barrier);
  const access = new Access(tokens, policies);
  const ledger = new Ledger(barrier, clock, uuid(random), onDue, options.keepEndedMillis);
  const lending = new Lending({ ledger, mounts, tokens, clock, random, log });
  const sweeper = new Sweeper({ ledger, lending, tokens, clock, log });
  const root = await rootToken(barrier, tokens, dev.rootTokenId);
  let address = '';

  const handlers = {
    ...systemHandlers({
      clock,
      access,
      mounts,
      policies,
      lending,
      sealType: seal.type,
      clusterId: await clusterId(barrier, random),
      address: () => address,
      startedAt: clock.now(),
    }),
    ...leaseHandlers({
      ledger,
      lending,
      clock,
      wake: () => sweeper.wake(),
      keepClock: () => keepClock(barrier, clock, systemClock),
    }),
    ...tokenHandlers({ tokens, policies, lending, clock }),
    ...engineHandlers({ mounts, lending }),
  };
  const audit = new Audit(
    options.auditDevices ?? [],
    new Secret(barrier.blindName('audit')),
    () => new Date(clock.now()),
  );
  const rate = new RateLimit(systemClock, requestsPerSecond, requestBurst);
  const http = createBrokerServer({
    answer: (call) => answer({ access, audit, rate, handlers, hostAllowed: listening.hostAllowed }, call),
    random,
    log,
  });
  if (barrier.exclusive) await sweeper.recover();
  const listening = await listen(http.server, options.listen);
  address = listening.address;
  sweeper.wake();

  const stop = async (): Promise<void> => {
    await withinLimit(Promise.all([listening.stop().then(() => http.finished()), sweeper.stop()]));
    listening.cut();
    mounts.close();
    await barrier.close();
  };
  return { address, unsealKey: seal.key, rootToken: root, stop };
}

async function clusterId(barrier: Barrier, random: Random): Promise<string> {
  await barrier.commit([{ key: 'core/cluster', value: uuid(random), expect: absent }]);
  return (await barrier.get<string>('core/cluster'))!.value;
}

async function withinLimit(work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopMillis);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
