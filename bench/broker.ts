// The broker's ledger without AWS: durable grants a second, alone and 64 at once; then the store with
// many live leases: how long opening and finding what is due take, and the memory. `--leases N` sets how many.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomText, systemClock, systemRandom } from '../src/base/index.ts';
import { Barrier } from '../src/broker/barrier.ts';
import { DueTimes, shards } from '../src/broker/due.ts';
import { Ledger } from '../src/broker/ledger.ts';
import type { Lease } from '../src/broker/model.ts';
import { initializeStore, unwrapRootKey } from '../src/broker/seal/keys.ts';
import { keySeal } from '../src/broker/seal/seal.ts';
import { openSqliteStore } from '../src/broker/storage/sqlite.ts';
import type { Store } from '../src/broker/storage/store.ts';

const { values } = parseArgs({ options: { leases: { type: 'string', default: '20000' } } });
const many = Number(values.leases);
const folder = mkdtempSync(join(tmpdir(), 'stint-bench-'));
const key = Buffer.alloc(32, 1);

async function open(): Promise<{ store: Store; barrier: Barrier; ledger: Ledger }> {
  const store = openSqliteStore(join(folder, 'stint.db'));
  const parts = { store, clock: systemClock, random: systemRandom };
  const rootKey =
    (await initializeStore(parts, { seal: undefined, key, shares: 1, threshold: 1 })) ??
    (await unwrapRootKey(store, keySeal('shamir', key, systemRandom)))!;
  const barrier = (await Barrier.open(parts, rootKey))!;
  return { store, barrier, ledger: new Ledger(barrier, systemClock, 'bench', () => {}) };
}

function intent(): Lease {
  const now = Date.now();
  return {
    version: 1,
    id: `aws/creds/deploy/${randomText(systemRandom, 24)}`,
    mountPath: 'aws',
    mountId: 'bench',
    role: 'deploy',
    kind: 'iam_user',
    strength: 'deletes',
    state: 'granting',
    tokenName: 'bench',
    displayName: 'bench',
    startedAt: now,
    expiresAt: now + 1_800_000,
    ttlSeconds: 1800,
    renewable: true,
    lastRenewedAt: null,
    confirmed: false,
    removed: false,
    endReason: null,
    attempts: 0,
    lastError: null,
    dueAt: now + 600_000,
    claim: null,
    facts: { userName: 'vault-bench-deploy-1700000000-aaaaaaaaaaaaaaaaaaaa' },
    secret: null,
    steps: [{ state: 'granting', at: now }],
  };
}

async function grant(ledger: Ledger): Promise<void> {
  const lease = intent();
  await ledger.open(lease, []);
  await ledger.apply(lease.id, {
    type: 'granted',
    expiresAt: lease.expiresAt,
    ttlSeconds: 1800,
    facts: lease.facts,
    secret: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) },
  });
}

/** Grants a second with `width` under way at any time. */
async function rate(ledger: Ledger, total: number, width: number): Promise<number> {
  let left = total;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0) await grant(ledger);
  };
  await Promise.all(Array.from({ length: width }, worker));
  return Math.round((total / (performance.now() - began)) * 1000);
}

const first = await open();
console.log(`durable grants (intent and lease), one at a time: ${await rate(first.ledger, 2000, 1)} a second`);
console.log(`durable grants, 64 at once: ${await rate(first.ledger, many, 64)} a second`);
await first.store.close();

const before = performance.now();
const again = await open();
const next = await new DueTimes(again.barrier).next(shards, Date.now());
const opened = performance.now() - before;
console.log(`opened with ${many + 2000} live leases in ${opened.toFixed(1)} ms (next due ${next})`);
console.log(`memory: ${Math.round(process.memoryUsage().rss / 1024 / 1024)} MiB`);
await again.store.close();
rmSync(folder, { recursive: true, force: true });
