// Fills a store with live leases, past the server: `fill(folder, count)` opens it as the server does, by the local seal.
import { randomText, systemClock, systemRandom, uuid } from '../src/base/index.ts';
import type { Barrier } from '../src/broker/barrier.ts';
import { Ledger } from '../src/broker/ledger.ts';
import type { Lease } from '../src/broker/model.ts';
import { inParallel } from './signed-client.ts';

function intent(now: number, tokenName: string): Lease {
  return {
    version: 1,
    id: `aws/creds/user/${randomText(systemRandom, 24)}`,
    mountPath: 'aws',
    mountId: 'bench',
    role: 'user',
    kind: 'iam_user',
    strength: 'deletes',
    state: 'granting',
    tokenName,
    displayName: 'bench',
    startedAt: now,
    expiresAt: now + 1_800_000,
    ttlSeconds: 86_400,
    renewable: true,
    lastRenewedAt: null,
    confirmed: false,
    removed: false,
    endReason: null,
    attempts: 0,
    lastError: null,
    dueAt: now + 600_000,
    claim: null,
    facts: { userName: 'vault-bench-user-1700000000-aaaaaaaaaaaaaaaaaaaa', madeBy: 'AKIAIOSFODNN7EXAMPLE' },
    secret: null,
    steps: [{ state: 'granting', at: now }],
  };
}

/** Adds `count` leases that end in a day, through the ledger and so just as the server writes them. */
export async function fillLeases(barrier: Barrier, count: number): Promise<void> {
  const ledger = new Ledger(barrier, systemClock, uuid(systemRandom), () => {});
  const tokenName = uuid(systemRandom);
  await inParallel(count, 512, async () => {
    const now = Date.now();
    const lease = intent(now, tokenName);
    await ledger.open(lease, []);
    await ledger.apply(lease.id, {
      type: 'granted',
      expiresAt: now + 86_400_000,
      ttlSeconds: 86_400,
      facts: lease.facts,
      secret: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) },
    });
  });
}
