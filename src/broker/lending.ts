// Lending: what leases.ts decides and ledger.ts records is carried out here, with the engines. The
// one way to grant, renew and end a lease, for requests and for the sweeper alike.
import { isFailure, randomText, type Clock, type Millis, type Random } from '../base/index.ts';
import { NothingMade, type Lent, type LendPlan, type Made } from './engines/engine.ts';
import { brokerFailure } from './failures.ts';
import { forEachAtOnce } from './lanes.ts';
import { asksForAct, grantDeadlineMillis, isKnownToVault, leaseTtl, type LeaseEvent } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { Log } from './log.ts';
import type { Lease, Mount, Token } from './model.ts';
import { isAuth, mountTtls, type Mounts } from './mounts.ts';
import type { LeaseSlots } from './quotas/lease-slots.ts';
import { claimMillis, type Settling } from './settling.ts';
import { absent } from './storage/store.ts';
import { leaseHolder, type Tokens } from './tokens.ts';

/** Records written at once, which share commits. */
const commitWidth = 512;
/** Ends asked for at once; how many of them AWS sees at a time is settling's to say. */
const settleWidth = 256;
/** How long disabling a mount waits for AWS to let go of what it lent. */
const disablePatienceMillis = 20_000;

export interface LendingParts {
  readonly ledger: Ledger;
  readonly settling: Settling;
  readonly mounts: Mounts;
  readonly tokens: Tokens;
  readonly slots: Pick<LeaseSlots, 'free' | 'followMount'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Lending {
  readonly #parts: LendingParts;

  constructor(parts: LendingParts) {
    this.#parts = parts;
  }

  /**
   * Grants: intent, then AWS, then the lease, each durable before the next; the answer comes last.
   * When anything fails, what was made is removed, now or by the sweeper.
   */
  async grant(mount: Mount, token: Token, plan: LendPlan): Promise<Lent> {
    const { ledger } = this.#parts;
    const { lease, warnings } = this.#intent(mount, token, plan);
    await this.#open(lease, mount, token);
    const made = await this.#make(plan, lease);
    const granted: LeaseEvent = { type: 'granted', ...this.#times(lease), facts: made.facts, secret: made.secret };
    const confirmed = await ledger.apply(lease.id, granted).catch(async (error: unknown) => {
      await this.#undo(lease);
      throw error;
    });
    if (confirmed?.lease?.state !== 'active') return this.#refuseUndone(lease);
    return {
      lease: confirmed.lease,
      data: made.data,
      warnings: [...warnings, ...(plan.warnings ?? []), ...(made.warnings ?? [])],
    };
  }

  #intent(mount: Mount, token: Token, plan: LendPlan): { lease: Lease; warnings: readonly string[] } {
    const { clock, random } = this.#parts;
    const now = clock.now();
    const ttls = mountTtls(mount);
    const verdict = leaseTtl({
      ...limitOf(token),
      incrementSeconds: 0,
      engineTtlSeconds: plan.ttlSeconds,
      engineMaxSeconds: plan.maxTtlSeconds,
      mountDefaultSeconds: ttls.defaultSeconds,
      mountMaxSeconds: ttls.maxSeconds,
      issuedAt: now,
      now,
    });
    if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
    const lease: Lease = {
      version: 1,
      id: `${mount.path}/${plan.path}/${randomText(random, 24)}`,
      mountPath: mount.path,
      mountId: mount.id,
      role: plan.role,
      kind: plan.kind,
      strength: plan.strength,
      state: 'granting',
      tokenName: leaseHolder(token) ?? token.name,
      displayName: token.displayName,
      startedAt: now,
      expiresAt: now + grantDeadlineMillis + verdict.ttlSeconds * 1000,
      ttlSeconds: verdict.ttlSeconds,
      renewable: plan.renewable,
      lastRenewedAt: null,
      confirmed: false,
      removed: false,
      endReason: null,
      attempts: 0,
      lastError: null,
      dueAt: now + grantDeadlineMillis,
      claim: null,
      facts: plan.facts,
      secret: null,
      steps: [{ state: 'granting', at: now }],
      ...limitOf(token),
    };
    return { lease, warnings: verdict.warning === undefined ? [] : [verdict.warning] };
  }

  #times(lease: Lease): { expiresAt: number; ttlSeconds: number } {
    return { expiresAt: this.#parts.clock.now() + lease.ttlSeconds * 1000, ttlSeconds: lease.ttlSeconds };
  }

  // INVARIANT: an intent is opened only under a mount that lends and a token that lives, in one
  // commit with that check; whoever ends either of them afterwards finds the intent.
  async #open(lease: Lease, mount: Mount, token: Token): Promise<void> {
    const { ledger, mounts, tokens, slots } = this.#parts;
    for (;;) {
      const slot = await slots.free({ path: lease.id.slice(0, lease.id.lastIndexOf('/')), role: '' });
      const conditions = [
        await mounts.lendCondition(mount),
        ...(await tokens.lendConditions(token)),
        ...(slot === undefined ? [] : [{ key: slot, expect: absent }]),
      ];
      if (await ledger.open(slot === undefined ? lease : { ...lease, quotaSlot: slot }, conditions)) return;
    }
  }

  async #make(plan: LendPlan, lease: Lease): Promise<Made> {
    try {
      return await plan.make(lease);
    } catch (error) {
      if (error instanceof NothingMade) {
        await this.#orLeft(lease, this.#parts.ledger.apply(lease.id, { type: 'not-made' }));
        throw error.cause;
      }
      await this.#undo(lease);
      throw error;
    }
  }

  async #refuseUndone(lease: Lease): Promise<never> {
    await this.#undo(lease);
    throw brokerFailure('grant-undone', `the lease \`${lease.id}\` was revoked while its credentials were being made`, {
      hint: 'nothing was handed out; ask again',
    });
  }

  /** Ends a grant that broke off. Does what it can now; the intent makes sure of the rest. */
  async #undo(lease: Lease): Promise<void> {
    await this.#orLeft(lease, this.#parts.settling.settle(lease.id, { type: 'abandoned' }));
  }

  // What cannot be recorded now, the sweeper finds by the intent; who asked learns why the grant failed.
  async #orLeft({ id }: Lease, work: Promise<unknown>): Promise<void> {
    await work.catch((error: unknown) => {
      const text = isFailure(error) ? error.code : 'internal';
      this.#parts.log({ level: 'warn', event: 'lease.record-failed', lease: id, error: text });
    });
  }

  /**
   * Extends a lease. @throws Failure `lease-not-found`, `lease-expired`, `lease-not-renewable`,
   * `bad-request` past its longest life.
   */
  async renew(id: string, incrementSeconds: number): Promise<{ lease: Lease; warnings: readonly string[] }> {
    const { ledger, mounts, clock } = this.#parts;
    const lease = await ledger.find(id);
    if (lease === undefined || !isKnownToVault(lease)) throw brokerFailure('lease-not-found', 'lease not found');
    if (lease.state !== 'active' || lease.expiresAt <= clock.now())
      throw brokerFailure('lease-expired', 'lease expired');
    if (!lease.renewable) throw brokerFailure('lease-not-renewable', 'lease is not renewable');
    const located = await mounts.ofLease(lease.mountPath, lease.mountId);
    if (located === undefined || located.mount.tainted) throw brokerFailure('lease-not-found', 'lease not found');
    const engine = await located.backend.renewal(lease, located.folder);
    const ttls = mountTtls(located.mount);
    const now = clock.now();
    const verdict = leaseTtl({
      ...(lease.latestAt === undefined ? {} : { latestAt: lease.latestAt }),
      incrementSeconds,
      engineTtlSeconds: engine.ttlSeconds,
      engineMaxSeconds: engine.maxTtlSeconds,
      mountDefaultSeconds: ttls.defaultSeconds,
      mountMaxSeconds: ttls.maxSeconds,
      issuedAt: lease.startedAt,
      now,
    });
    if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
    const { ttlSeconds } = verdict;
    const outcome = await ledger.apply(id, { type: 'renewed', ttlSeconds, expiresAt: now + ttlSeconds * 1000 });
    if (outcome?.lease?.state !== 'active') throw brokerFailure('lease-expired', 'lease expired');
    return { lease: outcome.lease, warnings: verdict.warning === undefined ? [] : [verdict.warning] };
  }

  find(id: string): Promise<Lease | undefined> {
    return this.#parts.ledger.find(id);
  }

  /** Records that the lease is to end; from here on it ends even if this process dies. False when unknown. */
  async startEnd(id: string): Promise<boolean> {
    return (await this.#parts.ledger.apply(id, { type: 'revoke' })) !== undefined;
  }

  /**
   * Ends the lease and waits until AWS has removed what it made. Undefined when unknown.
   * With a store that cannot be written it still removes; the lease then shows no end.
   */
  end(id: string): Promise<Lease | undefined> {
    return this.#parts.settling.settle(id, { type: 'revoke' });
  }

  /** Records for every lease beginning with `prefix` that it is to end, many in one commit. Returns how many. */
  async startEndPrefix(prefix: string): Promise<number> {
    const ids = await this.#parts.ledger.withPrefix(prefix);
    await forEachAtOnce(ids, commitWidth, (id) => this.startEnd(id));
    return ids.length;
  }

  /**
   * Ends every lease beginning with `prefix`: all are recorded first, then all are tried, many at once; one
   * that fails stops none of the others. @throws Failure `revoke-incomplete` naming the first that failed.
   */
  async endPrefix(prefix: string): Promise<void> {
    const begun = await this.#beginAll(prefix, { type: 'revoke' });
    const failed = await this.#finishAll(begun, { type: 'revoke' });
    const [first] = failed;
    if (first === undefined) return;
    const count = `${failed.length} / ${begun.length}`;
    const reason = first.lastError ?? 'another node is at work on it';
    throw brokerFailure('revoke-incomplete', `failed to revoke "${first.id}" (${count}): ${reason}`, {
      hint: 'nothing is given up: the server tries again by itself; `GET /v1/stint/leases` shows when',
    });
  }

  /**
   * Vault's revoke-force: from here on its API knows none of these leases, whatever AWS answers. The
   * record stays true: each is tried now and, where AWS refuses, again by the sweeper until it has ended.
   */
  async forcePrefix(prefix: string): Promise<void> {
    await this.#finishAll(await this.#beginAll(prefix, { type: 'force' }), { type: 'force' });
  }

  // Each is claimed in the commit that records its end, so that the sweeper leaves it to this call while that lives.
  async #beginAll(prefix: string, event: LeaseEvent): Promise<readonly Lease[]> {
    const { ledger, clock } = this.#parts;
    const begun: Lease[] = [];
    await forEachAtOnce(await ledger.withPrefix(prefix), commitWidth, async (id) => {
      const claimed = await ledger.claim(id, clock.now() + claimMillis, event).catch(() => undefined);
      const { lease } = claimed ?? (await ledger.foresee(id, event)) ?? {};
      if (lease !== undefined) begun.push(lease);
    });
    return begun;
  }

  /** The leases that AWS did not let go of yet. @throws Failure `storage-failed` when an end could not be recorded. */
  async #finishAll(begun: readonly Lease[], event: LeaseEvent): Promise<readonly Lease[]> {
    const failed: Lease[] = [];
    await forEachAtOnce(begun.filter(asksForAct), settleWidth, async (lease) => {
      const after = await this.#parts.settling.inTurn(lease, event);
      if (after?.state === 'revoking' || after?.state === 'stuck') failed.push(after);
    });
    return failed.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /**
   * Disables a mount: its leases are recorded to end and tried, and its path is free afterwards. What AWS does
   * not let go of now keeps its lease, and the sweeper tries on with what the mount kept.
   */
  async disable(mount: Mount): Promise<void> {
    const { mounts } = this.#parts;
    const tainted = await mounts.tune(mount, (before) => ({ ...before, tainted: true }));
    if (isAuth(mount)) await this.#endMount(tainted);
    else await this.#endWithPatience(`${mount.path}/`);
    await this.#endWrapped(mount);
    await mounts.retire(tainted);
    await this.#parts.slots.followMount(mount.path, undefined);
    await this.purgeRetired();
  }

  // An AWS that does not answer keeps nobody waiting: the ends are durable, the rest goes on by itself.
  async #endWithPatience(prefix: string): Promise<void> {
    const begun = await this.#beginAll(prefix, { type: 'revoke' });
    let timer: NodeJS.Timeout | undefined;
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, disablePatienceMillis);
    });
    const ended = this.#finishAll(begun, { type: 'revoke' });
    await Promise.race([ended, enough]).finally(() => clearTimeout(timer));
  }

  /** Moves a mount: its leases end first, as in Vault. @throws Failure `revoke-incomplete`, `mount-invalid`. */
  async move(mount: Mount, to: string): Promise<void> {
    const { mounts } = this.#parts;
    await mounts.checkFree(to);
    const tainted = await mounts.tune(mount, (before) => ({ ...before, tainted: true }));
    try {
      await this.#endMount(tainted);
      await mounts.move(tainted, to);
    } catch (error) {
      await mounts.tune(tainted, (before) => ({ ...before, tainted: false }));
      throw error;
    }
    await this.#parts.slots.followMount(mount.path, to);
  }

  /** Erases answers of the mount that were wrapped and that nobody has taken. */
  async #endWrapped({ path }: Mount): Promise<void> {
    const names = await this.#parts.tokens.withLeasePrefix(`${path}/`);
    await forEachAtOnce(names, commitWidth, (name) => this.endToken(name));
  }

  /** Ends what a mount gave out: the leases of an engine, the tokens of an auth method. */
  async #endMount(mount: Mount): Promise<void> {
    if (!isAuth(mount)) return this.endPrefix(`${mount.path}/`);
    for (const name of await this.#parts.tokens.ofMount(mount.id)) await this.endToken(name);
  }

  /** Forgets what disabled mounts kept, as soon as their last lease has ended and nothing is left to do for them. */
  async purgeRetired(): Promise<void> {
    const { ledger, mounts } = this.#parts;
    for (const mount of await mounts.retired()) {
      if (!(await ledger.holdsOf(mount.id)) && !(await mounts.hasDuties(mount))) await mounts.purge(mount);
    }
  }

  /**
   * Ends the token of this name with its children and all their leases; with `leavesChildren` the
   * children live on as orphans. Durable step by step: killed in between, the sweeper finds the token again.
   */
  async endToken(name: string, leavesChildren = false): Promise<void> {
    const { tokens, ledger } = this.#parts;
    const ended = await tokens.end(name, leavesChildren);
    if (ended === undefined) return;
    await forEachAtOnce(await tokens.children(name), commitWidth, (child) =>
      ended.leavesChildren ? tokens.makeOrphan(child, name) : this.endToken(child),
    );
    await forEachAtOnce(await ledger.ofToken(name), commitWidth, (id) => this.startEnd(id));
    await tokens.forget(name);
  }
}

// What is lent to a batch token ends with it at the latest: nobody can end it together with the token.
function limitOf({ type, expiresAt }: Token): { latestAt?: Millis } {
  return type === 'batch' && expiresAt !== null ? { latestAt: expiresAt } : {};
}
