// sys/leases/…, and sys/renew and its like of old: Vault's calls on leases. A token has a lease, too,
// named after the path that made it; it can be looked up and ended here, but not renewed.
import type { Clock } from '../../base/index.ts';
import { accepted, done, enveloped, param, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { WireValue } from '../http/wire.ts';
import { isKnownToVault } from '../leases.ts';
import type { Ledger } from '../ledger.ts';
import type { Lending } from '../lending.ts';
import type { Lease, Token } from '../model.ts';
import type { Handlers } from '../pipeline.ts';
import type { Tokens } from '../tokens.ts';

export interface LeaseCallParts {
  readonly ledger: Ledger;
  readonly lending: Lending;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly wake: () => void;
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
  | 'oldRenew'
  | 'oldRenewId'
  | 'oldRevoke'
  | 'oldRevokeId'
  | 'oldRevokeAll'
  | 'oldForceAll';

const renewal = { lease_id: 'string', url_lease_id: 'string', increment: 'seconds' } as const;
const revocation = { lease_id: 'string', url_lease_id: 'string', sync: 'boolean' } as const;

export function leaseCallHandlers(parts: LeaseCallParts): Pick<Handlers, Names> {
  const renewOne = served('Let a lease last longer.', renewal, (call, { increment }) =>
    renew(parts, call, increment ?? 0),
  );
  const revokeOne = served('End a lease.', revocation, (call, { sync }) => revoke(parts, leaseIdOf(call), sync));
  const revokeAll: Served = served(
    'End all leases below a prefix.',
    { prefix: 'string', sync: 'boolean' },
    (call, { sync }) => revokePrefix(parts, prefixOf(call), sync),
  );
  const forceAll: Served = served(
    'Forget all leases below a prefix; the server goes on ending them.',
    { prefix: 'string' },
    (call) => forcePrefix(parts, prefixOf(call)),
  );
  return {
    leaseLookup: served('When a lease began and when it ends.', { lease_id: 'string' }, (call) => lookup(parts, call)),
    leaseListAll: served('List the leases.', {}, (call) => list(parts, call, '')),
    leaseList: served('List the leases below a prefix.', { prefix: 'string' }, (call) =>
      list(parts, call, `${prefixOf(call)}/`),
    ),
    leaseRenew: renewOne,
    leaseRenewId: renewOne,
    oldRenew: renewOne,
    oldRenewId: renewOne,
    leaseRevoke: revokeOne,
    leaseRevokeId: revokeOne,
    oldRevoke: revokeOne,
    oldRevokeId: revokeOne,
    leaseRevokeAll: revokeAll,
    oldRevokeAll: revokeAll,
    leaseForceAll: forceAll,
    oldForceAll: forceAll,
  };
}

/** The body names the lease, or the path does: policies judge the path, so the two may not differ. */
function leaseIdOf({ body, params }: Call): string {
  const given = body['lease_id'];
  if (given !== undefined && given !== null && typeof given !== 'string') {
    throw brokerFailure('bad-request', 'invalid lease ID');
  }
  const inPath = params['url_lease_id'] ?? '';
  if (given && inPath !== '' && given !== inPath) {
    throw brokerFailure('bad-request', 'invalid lease ID', { hint: 'the body names another lease than the path' });
  }
  const id = given || inPath;
  if (id === '') throw brokerFailure('bad-request', 'lease_id must be specified');
  return id;
}

function prefixOf(call: Call): string {
  return param(call, 'prefix').replace(/\/$/, '');
}

async function lookup({ ledger, tokens, clock }: LeaseCallParts, call: Call): Promise<Answer> {
  const id = leaseIdOf(call);
  const token = await tokens.byLeaseId(id);
  if (token !== undefined) return enveloped(call, { data: tokenData(id, token, clock.now()) });
  const lease = await ledger.find(id);
  if (lease === undefined || !isKnownToVault(lease)) throw brokerFailure('lease-not-found', 'invalid lease');
  return enveloped(call, { data: leaseData(lease, clock.now()) });
}

type LeaseData = Readonly<Record<string, WireValue>>;

function leaseData(lease: Lease, now: number): LeaseData {
  const { id, startedAt, expiresAt, lastRenewedAt, lastError } = lease;
  return {
    id,
    path: id.slice(0, id.lastIndexOf('/')),
    issue_time: isoText(startedAt),
    expire_time: isoText(expiresAt),
    last_renewal: lastRenewedAt === null ? null : isoText(lastRenewedAt),
    // As in Vault, what a batch token was lent shows as not renewable, and is renewed all the same.
    renewable: lease.renewable && lease.state === 'active' && lease.latestAt === undefined,
    ttl: secondsLeft(expiresAt, now),
    ...(lastError === null ? {} : { revoke_error: lastError }),
  };
}

function tokenData(id: string, token: Token, now: number): LeaseData {
  const { path, createdAt, expiresAt, lastRenewedAt, renewable } = token;
  return {
    id,
    path,
    issue_time: isoText(createdAt),
    expire_time: expiresAt === null ? null : isoText(expiresAt),
    last_renewal: lastRenewedAt === null ? null : isoText(lastRenewedAt),
    renewable,
    ttl: expiresAt === null ? 0 : secondsLeft(expiresAt, now),
  };
}

/** Vault rounds now to whole seconds first, so that a fresh lease shows its whole time. */
function secondsLeft(expiresAt: number, now: number): number {
  return Math.max(0, Math.floor((expiresAt - Math.round(now / 1000) * 1000) / 1000));
}

function isoText(at: number): string {
  return new Date(at).toISOString();
}

async function list({ ledger, tokens }: LeaseCallParts, call: Call, folder: string): Promise<Answer> {
  const names = await Promise.all([ledger.list(folder), tokens.listLeases(folder)]);
  const keys = [...new Set(names.flat())].sort();
  if (keys.length === 0) throw brokerFailure('not-found', '');
  return enveloped(call, { data: { keys } });
}

async function renew({ ledger, lending, tokens }: LeaseCallParts, call: Call, seconds: number): Promise<Answer> {
  const id = leaseIdOf(call);
  const token = await tokens.byLeaseId(id);
  if (token !== undefined) {
    if (!token.renewable) throw brokerFailure('lease-not-renewable', 'lease is not renewable');
    throw brokerFailure('bad-request', 'tokens cannot be renewed through this endpoint');
  }
  if ((await ledger.find(id))?.state === 'stuck') {
    throw brokerFailure('lease-expired', 'lease is expired and has failed previous revocation attempts');
  }
  const { lease, warnings } = await lending.renew(id, seconds);
  return enveloped(call, { lease, warnings, mountType: '' });
}

async function revoke(parts: LeaseCallParts, id: string, sync: boolean | undefined): Promise<Answer> {
  const { lending, tokens, wake } = parts;
  const token = await tokens.byLeaseId(id);
  if (token !== undefined) return endTokens(parts, [token.name], sync);
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
function checkEnded({ state, lastError }: Lease): void {
  if (state !== 'revoking' && state !== 'stuck') return;
  throw brokerFailure('revoke-incomplete', `failed to revoke entry: ${lastError ?? 'another node is at work on it'}`, {
    hint: 'nothing is given up: the server tries again by itself; `GET /v1/stint/leases` shows when',
  });
}

// Ended is ended: what a token was lent is recorded to end, and its time does not come before that.
async function endTokens(
  { lending, tokens, wake }: LeaseCallParts,
  names: readonly string[],
  sync: boolean | undefined,
): Promise<Answer> {
  for (const name of names) await (sync === false ? tokens.end(name) : lending.endToken(name));
  if (sync !== false) return done();
  wake();
  return accepted();
}

// As in Vault, a whole lease id is meant by itself; else only whole segments count.
async function revokePrefix(parts: LeaseCallParts, prefix: string, sync: boolean | undefined): Promise<Answer> {
  const { ledger, lending, tokens } = parts;
  const one = (await tokens.byLeaseId(prefix)) ?? (await ledger.find(prefix));
  if (one !== undefined) return revoke(parts, prefix, sync);
  const names = await tokens.withLeasePrefix(`${prefix}/`);
  if (sync === false) await lending.startEndPrefix(`${prefix}/`);
  else await lending.endPrefix(`${prefix}/`);
  return endTokens(parts, names, sync);
}

async function forcePrefix({ ledger, lending, tokens }: LeaseCallParts, prefix: string): Promise<Answer> {
  const token = await tokens.byLeaseId(prefix);
  const whole = token === undefined && (await ledger.find(prefix)) !== undefined;
  const names = token === undefined ? await tokens.withLeasePrefix(`${prefix}/`) : [token.name];
  await lending.forcePrefix(whole ? prefix : `${prefix}/`);
  for (const name of names) await lending.endToken(name);
  return done();
}
