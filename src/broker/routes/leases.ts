// stint/leases, the whole truth about leases; and the clock of a development server.
import type { AdjustableClock } from '../../base/index.ts';
import { isoSeconds, parseDuration } from '../../base/index.ts';
import { bare, enveloped, param, served, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { WireLease, WireLeasePage, WireThing, WireValue } from '../http/wire.ts';
import { isLeaseState, leasePage, type LeasePage } from '../lease-pages.ts';
import type { Ledger } from '../ledger.ts';
import type { Lease, LeaseState } from '../model.ts';
import type { Handlers } from '../pipeline.ts';

export interface LeaseParts {
  readonly ledger: Ledger;
  readonly clock: AdjustableClock;
  /** Present in development only: keeps the moved clock over a restart. */
  readonly keepClock: (() => Promise<void>) | undefined;
}

/** Most leases of one page, and how many it has unless told otherwise. */
const pageSize = 1000;
const stuckCountedTo = 10_000;
const longestText = 200;

const pageFields = { prefix: 'string', state: 'list', text: 'string', limit: 'int', after: 'string' } as const;
type PageFields = FieldValues<typeof pageFields>;

export function leaseHandlers(parts: LeaseParts): Pick<Handlers, 'stintLeases' | 'stintLeasesBelow' | 'devClock'> {
  return {
    stintLeases: served('The whole truth about leases, page by page.', pageFields, (call, fields) =>
      showPage(parts, call, '', fields),
    ),
    stintLeasesBelow: served(
      'The whole truth about a lease, or about those below a path.',
      pageFields,
      (call, fields) => showBelow(parts, call, fields),
    ),
    devClock: served(
      'Move the clock of a development server.',
      { advance: 'string', freeze: 'boolean', set: 'string' },
      (call) => moveClock(parts, call),
    ),
  };
}

// As with revoke-prefix, a whole lease id is meant by itself; else only whole segments count.
async function showBelow(parts: LeaseParts, call: Call, fields: PageFields): Promise<Answer> {
  const prefix = param(call, 'prefix');
  const one = await parts.ledger.find(prefix);
  if (one === undefined) return showPage(parts, call, `${prefix}/`, fields);
  return pageAnswer(parts, call, { leases: [one], next: null, lookedAt: 1 }, one.state === 'stuck' ? 1 : 0);
}

async function showPage(parts: LeaseParts, call: Call, prefix: string, fields: PageFields): Promise<Answer> {
  const { state, text = '', limit = pageSize, after } = fields;
  checkPage(text, limit);
  const ask = { prefix, states: statesOf(state), text, limit, after: after === '' ? undefined : after };
  const page = await leasePage(parts.ledger, ask);
  return pageAnswer(parts, call, page, await parts.ledger.countStuck(prefix, stuckCountedTo));
}

function checkPage(text: string, limit: number): void {
  if (limit < 1 || limit > pageSize) throw brokerFailure('bad-request', `\`limit\` is not from 1 to ${pageSize}`);
  if (text.length > longestText) {
    throw brokerFailure('bad-request', `\`text\` is longer than ${longestText} characters`);
  }
}

function statesOf(names: readonly string[] = []): ReadonlySet<LeaseState> | undefined {
  const given = names.filter((name) => name !== '');
  const unknown = given.find((name) => !isLeaseState(name));
  if (unknown !== undefined) {
    throw brokerFailure('bad-request', `\`${unknown}\` is no state of a lease`, {
      hint: 'states are granting, active, revoking, unverified, stuck, dead, expired',
    });
  }
  return given.length === 0 ? undefined : new Set(given.filter(isLeaseState));
}

function pageAnswer({ clock }: LeaseParts, call: Call, page: LeasePage, stuck: number): Answer {
  const data: WireLeasePage = {
    leases: page.leases.map(wireLease),
    next: page.next,
    stuck,
    looked_at: page.lookedAt,
    now: new Date(clock.now()).toISOString(),
  };
  return enveloped(call, { data: data as unknown as Readonly<Record<string, WireValue>> });
}

function wireThing({ userName, sessionName, roleArn, account, accessKeyId }: Lease['facts']): WireThing {
  return {
    user: userName ?? null,
    session: sessionName ?? null,
    role_arn: roleArn ?? null,
    account: account ?? '',
    access_key: accessKeyId ?? null,
  };
}

function wireLease(lease: Lease): WireLease {
  const { id, state, strength, role, kind, renewable, attempts } = lease;
  return {
    id,
    state,
    strength,
    mount: lease.mountPath,
    role,
    kind,
    display_name: lease.displayName,
    started_at: new Date(lease.startedAt).toISOString(),
    expires_at: new Date(lease.expiresAt).toISOString(),
    renewable,
    aws: wireThing(lease.facts),
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
