// What the broker's tests share: a folder that goes away, a broker on a free port, and plain HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AdjustableClock, systemClock, systemRandom, type Clock } from '../../src/base/index.ts';
import { Barrier } from '../../src/broker/barrier.ts';
import type { BrokerOptions } from '../../src/broker/broker.ts';
import { startBroker, type Broker, type LogEntry } from '../../src/broker/index.ts';
import { initializeStore, unwrapRootKey } from '../../src/broker/seal/keys.ts';
import { keySeal } from '../../src/broker/seal/seal.ts';
import type { Store } from '../../src/broker/storage/store.ts';

/** A new folder; `after` gets the function that removes it. */
export function temporaryFolder(after: (remove: () => void) => void): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-broker-test-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Lets the clock stand still at a whole second, so that what counts seconds does not hang on how fast the machine is. */
export function stopClock(clock: AdjustableClock): void {
  clock.freeze(true);
  clock.set(Math.ceil(clock.now() / 1000) * 1000);
}

/** The barrier of a store, which is initialised when nothing is in it; whoever closes the store ends it. */
export async function testBarrier(store: Store, clock: Clock = systemClock): Promise<Barrier> {
  const parts = { store, clock, random: systemRandom };
  const key = Buffer.alloc(32, 1);
  const rootKey =
    (await initializeStore(parts, { seal: undefined, key, shares: 1, threshold: 1 })) ??
    (await unwrapRootKey(store, keySeal('shamir', key, systemRandom)))!;
  return (await Barrier.open(parts, rootKey))!;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The parsed body, or undefined when there was none. */
  // The wire is what the tests are about: they read it as they expect it.
  readonly body: {
    readonly errors: readonly string[];
    readonly data: Readonly<Record<string, unknown>>;
    readonly [member: string]: unknown;
  };
}

export interface CallOptions {
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON; text and bytes as they are. */
  readonly body?: unknown;
}

/** One HTTP request on a connection of its own. */
export function callHttp(address: string, method: string, path: string, options: CallOptions = {}): Promise<Reply> {
  const { token = 'root', headers = {}, body } = options;
  const payload =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(`${address}${path}`, {
      method,
      agent: false,
      headers: { ...(token === null ? {} : { 'X-Vault-Token': token }), 'X-Vault-Request': 'true', ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      // A server that dies within its answer: without a listener nothing would ever be told of that.
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const parsed = text === '' ? undefined : (JSON.parse(text) as unknown);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed as Reply['body'] });
      });
    });
    sent.end(payload);
  });
}

export interface TestBroker {
  readonly broker: Broker;
  readonly clock: AdjustableClock;
  readonly folder: string;
  readonly log: LogEntry[];
  readonly call: (method: string, path: string, options?: CallOptions) => Promise<Reply>;
  /** Stops it and starts it again on the same store. */
  readonly restart: () => Promise<void>;
}

type After = (end: () => Promise<void> | void) => void;

/** A development broker with root token `root`, on a free port, stopped after the test. */
export async function testBroker(after: After, options: Partial<BrokerOptions> = {}): Promise<TestBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'stint-broker-test-'));
  const log: LogEntry[] = [];
  const start = async (clock: AdjustableClock): Promise<Broker> =>
    startBroker({
      storage: folder,
      listen: { host: '127.0.0.1', port: 0 },
      dev: { rootTokenId: 'root' },
      clock,
      random: systemRandom,
      log: (entry) => log.push(entry),
      environment: {},
      ...options,
    });
  let clock = new AdjustableClock();
  let broker = await start(clock);
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get broker() {
      return broker;
    },
    get clock() {
      return clock;
    },
    folder,
    log,
    call: (method, path, call) => callHttp(broker.address, method, path, call),
    restart: async () => {
      await broker.stop();
      clock = new AdjustableClock();
      broker = await start(clock);
    },
  };
}
