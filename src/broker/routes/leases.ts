// stint/leases, the whole truth about leases; and the clock of a development server.
import type { AdjustableClock } from '../../base/index.ts';
import { isoSeconds, parseDuration } from '../../base/index.ts';
import { bare, enveloped, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { WireLease, WireValue } from '../http/wire.ts';
import type { Ledger } from '../ledger.ts';
import type { Lease } from '../model.ts';
import type { Handlers } from '../pipeline.ts';

export interface LeaseParts {
  readonly ledger: Ledger;
  readonly clock: AdjustableClock;
  /** Present in development only: keeps the moved clock over a restart. */
  readonly keepClock: (() => Promise<void>) | undefined;
}

export function leaseHandlers(parts: LeaseParts): Pick<Handlers, 'stintLeases' | 'devClock'> {
  return {
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
