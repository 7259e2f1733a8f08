// sys/leases/…: Vault's calls on leases; and stint/leases, the whole truth about them.
import type { AdjustableClock } from '../../base/index.ts';
import { isoSeconds, parseDuration } from '../../base/index.ts';
import { accepted, bare, done, enveloped, param, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields } from '../fields.ts';
import type { WireLease, WireValue } from '../http/wire.ts';
import { isKnownToVault } from '../leases.ts';
import type { Ledger } from '../ledger.ts';
import type { Lending } from '../lending.ts';
import type { Lease } from '../model.ts';
import type { Handlers } from '../pipeline.ts';

export interface LeaseParts {
  readonly ledger: Ledger;
  readonly lending: Lending;
  readonly clock: AdjustableClock;
  readonly wake: () => void;
  /** Present in development only: keeps the moved clock over a restart. */
  readonly keepClock: (() => Promise<void>) | undefined;
}

type Names =
  | 'leaseLookup'
  | 'leaseListAll'
  | 'leaseList'
  | 'leaseRenew'
  | 'leaseRenewId'
  | 'leaseRevoke'
  | 'leaseRevokeId'
  | 'leaseRevokeAll'
  | 'leaseForceAll'
  | 'stintLeases'
  | 'devClock';

export function leaseHandlers(parts: LeaseParts): Pick<Handlers, Names> {
  const list = async (call: Call, folder: string): Promise<Answer> => {
    const keys = await parts.ledger.list(folder);
    if (keys.length === 0) throw brokerFailure('not-found', '');
    return enveloped(call, { data: { keys } });
  };
  const id = { lease_id: 'string' } as const;
  const renewal = { lease_id: 'string', increment: 'seconds' } as const;
  const revocation = { lease_id: 'string', sync: 'boolean' } as const;
  return {
    leaseLookup: served('When a lease began and when it ends.', id, (call) => lookup(parts, call)),
    leaseListAll: served('List the leases.', {}, (call) => list(call, '')),
    leaseList: served('List the leases below a prefix.', { prefix: 'string' }, (call) =>
      list(call, `${param(call, 'prefix').replace(/\/$/, '')}/`),
    ),
    leaseRenew: served('Let a lease last longer.', renewal, (call) => renew(parts, call)),
    leaseRenewId: served('Let a lease last longer.', renewal, (call) => renew(parts, call)),
    leaseRevoke: served('End a lease.', revocation, (call) => revoke(parts, call)),
    leaseRevokeId: served('End a lease.', revocation, (call) => revoke(parts, call)),
    leaseRevokeAll: served('End all leases below a prefix.', { prefix: 'string', sync: 'boolean' }, (call) =>
      revokePrefix(parts, call),
    ),
    leaseForceAll: served(
      'Forget all leases below a prefix; the server goes on ending them.',
      { prefix: 'string' },
      async (call) => {
        await parts.lending.forcePrefix(`${param(call, 'prefix').replace(/\/$/, '')}/`);
        return done();
      },
    ),
    stintLeases: served('The whole truth about leases.', {}, async (call) => {
      const leases = await parts.ledger.records(1000);
      return enveloped(call, { data: { leases: leases.map(wireLease) as unknown as WireValue } });
    }),
    devClock: served(
      'Move the clock of a development server.',
      { advance: 'string', freeze: 'boolean', set: 'string' },
      (call) => moveClock(parts, call),
    ),
  };
}

function leaseIdOf(call: Call): string {
  const { lease_id: given } = readFields({ lease_id: 'string' }, call.body);
  const id = call.params['lease_id'] ?? given ?? '';
  if (id === '') throw brokerFailure('bad-request', 'lease_id must be specified');
  return id;
}

async function lookup({ ledger, clock }: LeaseParts, call: Call): Promise<Answer> {
  const lease = await ledger.find(leaseIdOf(call));
  if (lease === undefined || !isKnownToVault(lease)) throw brokerFailure('lease-not-found', 'invalid lease');
  return enveloped(call, {
    data: {
      id: lease.id,
      issue_time: new Date(lease.startedAt).toISOString(),
      expire_time: new Date(lease.expiresAt).toISOString(),
      last_renewal: lease.lastRenewedAt === null ? null : new Date(lease.lastRenewedAt).toISOString(),
      renewable: lease.renewable && lease.state === 'active',
      ttl: Math.max(0, Math.floor((lease.expiresAt - clock.now()) / 1000)),
      ...(lease.lastError === null ? {} : { revoke_error: lease.lastError }),
    },
  });
}

async function renew({ lending }: LeaseParts, call: Call): Promise<Answer> {
  const { increment } = readFields({ increment: 'seconds' }, call.body);
  const { lease, warnings } = await lending.renew(leaseIdOf(call), increment ?? 0);
  return enveloped(call, { lease, warnings, mountType: '' });
}

function revoke(parts: LeaseParts, call: Call): Promise<Answer> {
  const { sync } = readFields({ sync: 'boolean' }, call.body);
  return revokeOne(parts, leaseIdOf(call), sync);
}

async function revokeOne(
  { lending, wake }: Pick<LeaseParts, 'lending' | 'wake'>,
  id: string,
  sync: boolean | undefined,
): Promise<Answer> {
  if (sync === false) {
    await lending.startEnd(id);
    wake();
    return accepted();
  }
  const lease = await lending.end(id);
  if (lease !== undefined) checkEnded(lease);
  return done();
}

/** @throws Failure `revoke-incomplete` while AWS has not removed what the lease made. */
function checkEnded(lease: Lease): void {
  if (lease.state !== 'revoking' && lease.state !== 'stuck') return;
  throw brokerFailure(
    'revoke-incomplete',
    `failed to revoke entry: ${lease.lastError ?? 'another node is at work on it'}`,
    {
      hint: 'nothing is given up: the server tries again by itself; `GET /v1/stint/leases` shows when',
    },
  );
}

async function revokePrefix({ ledger, lending, wake }: LeaseParts, call: Call): Promise<Answer> {
  const prefix = param(call, 'prefix').replace(/\/$/, '');
  const { sync } = readFields({ sync: 'boolean' }, call.body);
  // As in Vault, a whole lease id is meant by itself; else only whole segments count.
  if ((await ledger.find(prefix)) !== undefined) return revokeOne({ lending, wake }, prefix, sync);
  if (sync === false) {
    await lending.startEndPrefix(`${prefix}/`);
    wake();
    return accepted();
  }
  await lending.endPrefix(`${prefix}/`);
  return done();
}

function wireLease(lease: Lease): WireLease {
  const { id, state, strength, role, kind, renewable, attempts } = lease;
  return {
    id,
    state,
    strength,
    role,
    kind,
    display_name: lease.displayName,
    started_at: new Date(lease.startedAt).toISOString(),
    expires_at: new Date(lease.expiresAt).toISOString(),
    renewable,
    end_reason: lease.endReason,
    attempts,
    last_error: lease.lastError,
    next_look_at: lease.dueAt === null ? null : new Date(lease.dueAt).toISOString(),
    steps: lease.steps.map((step) => ({ state: step.state, at: new Date(step.at).toISOString() })),
  };
}

const clockHint = 'send one of {"advance":"30m"}, {"freeze":true}, {"set":"2026-01-01T00:00:00Z"}';

async function moveClock({ clock, keepClock }: LeaseParts, call: Call): Promise<Answer> {
  if (keepClock === undefined) {
    throw brokerFailure('no-route', `no handler for route "${call.path}". route entry not found.`, {
      hint: 'the clock moves only in a server started with `--dev`',
    });
  }
  const { advance, freeze, set, ...rest } = call.body;
  const given = [advance, freeze, set].filter((value) => value !== undefined);
  if (given.length !== 1 || Object.keys(rest).length > 0) {
    throw brokerFailure('bad-request', 'the body names not exactly one move', { hint: clockHint });
  }
  applyMove(clock, { advance, freeze, set });
  await keepClock();
  return bare({ now: isoSeconds(clock.now()), frozen: clock.frozen });
}

function applyMove(clock: AdjustableClock, { advance, freeze, set }: Readonly<Record<string, unknown>>): void {
  if (typeof freeze === 'boolean') return clock.freeze(freeze);
  if (typeof advance === 'string' || typeof advance === 'number') {
    return clock.advance(checkTime(clock.now() + parseDuration(advance) * 1000) - clock.now());
  }
  const time = typeof set === 'string' ? Date.parse(set) : Number.NaN;
  clock.set(checkTime(time));
}

/** Times Stint can store: from 1970 to the year 9999. */
function checkTime(millis: number): number {
  if (millis >= 0 && millis < 253_402_300_800_000) return millis;
  throw brokerFailure('bad-request', 'the move names no time between 1970 and 9999', { hint: clockHint });
}
