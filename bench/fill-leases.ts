// Fills a store with live leases, past the server: the records that it writes, by its own transitions and ledger, but
// without their intents, in the order of their keys and thousands to a commit: 0.08 ms of processor each.
import { randomText, systemClock, systemRandom, uuid } from '../src/base/index.ts';
import type { Barrier } from '../src/broker/barrier.ts';
import { transition } from '../src/broker/leases.ts';
import { Ledger } from '../src/broker/ledger.ts';
import type { Lease } from '../src/broker/model.ts';
import { inParallel } from './signed-client.ts';

/** Written in one commit. */
const width = 8192;
const dayMillis = 86_400_000;

function intent(id: string, now: number, tokenName: string): Lease {
  return {
    version: 1,
    id,
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

function granted(lease: Lease): Lease {
  const { startedAt: now, facts } = lease;
  const secret = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'x'.repeat(40) };
  const event = { type: 'granted', expiresAt: now + dayMillis, ttlSeconds: dayMillis / 1000, facts, secret } as const;
  return transition(lease, event, now).lease!;
}

/** Adds `count` leases that end in a day. */
export async function fillLeases(barrier: Barrier, count: number): Promise<void> {
  const ledger = new Ledger(barrier, systemClock, uuid(systemRandom), () => {});
  const tokenName = uuid(systemRandom);
  const ids = Array.from({ length: count }, () => `aws/creds/user/${randomText(systemRandom, 24)}`).sort();
  await inParallel(count, width, (at) => ledger.takeOver(granted(intent(ids[at]!, Date.now(), tokenName))));
}
