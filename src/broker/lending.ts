// Lending: what leases.ts decides and ledger.ts records is carried out here, with the engines. The
// one way to grant, renew and end a lease, for requests and for the sweeper alike.
import { isFailure, randomText, type Clock, type Millis, type Random } from '../base/index.ts';
import { NothingMade, type Engine, type Folder, type Lent, type LendPlan, type Made } from './engines/engine.ts';
import { brokerFailure } from './failures.ts';
import { grantDeadlineMillis, isKnownToVault, leaseTtl, type LeaseEvent, type ProbeAnswer } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { Log } from './log.ts';
import type { Lease, Mount, Token } from './model.ts';
import { isAuth, mountTtls, type Mounts } from './mounts.ts';
import { leaseHolder, type Tokens } from './tokens.ts';

/** How long one node may act on a lease before another takes over. */
const claimMillis = 2 * 60_000;

export interface LendingParts {
  readonly ledger: Ledger;
  readonly mounts: Mounts;
  readonly tokens: Tokens;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export class Lending {
  readonly #parts: LendingParts;
  /** Work under way in this process, so that a request and the sweeper join instead of doing it twice. */
  readonly #underWay = new Map<string, Promise<Lease | undefined>>();

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
    return { lease: confirmed.lease, data: made.data, warnings };
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
    const { ledger, mounts, tokens } = this.#parts;
    for (;;) {
      const conditions = [await mounts.lendCondition(mount), ...(await tokens.lendConditions(token))];
      if (await ledger.open(lease, conditions)) return;
    }
  }

  async #make(plan: LendPlan, lease: Lease): Promise<Made> {
    try {
      return await plan.make(lease);
    } catch (error) {
      if (error instanceof NothingMade) {
        await this.#record(lease.id, { type: 'not-made' });
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
    await this.#record(lease.id, { type: 'abandoned' });
    await this.settle(lease.id);
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

  /** Records that the lease is to end; from here on it ends even if this process dies. False when unknown. */
  async startEnd(id: string): Promise<boolean> {
    return (await this.#parts.ledger.apply(id, { type: 'revoke' })) !== undefined;
  }

  /**
   * Ends the lease and waits until AWS has removed what it made. Undefined when unknown.
   * With a store that cannot be written it still removes, and then rejects with `storage-failed`.
   */
  async end(id: string): Promise<Lease | undefined> {
    const started = await this.startEnd(id).catch(async (error: unknown) => {
      await this.settle(id);
      throw error;
    });
    return started ? this.settle(id) : undefined;
  }

  /** Records for every lease beginning with `prefix` that it is to end. Returns their ids. */
  async startEndPrefix(prefix: string): Promise<readonly string[]> {
    const ids = await this.#parts.ledger.withPrefix(prefix);
    for (const id of ids) await this.startEnd(id);
    return ids;
  }

  /**
   * Ends every lease beginning with `prefix`: all are recorded first, then all are tried; one that
   * fails stops none of the others. @throws Failure `revoke-incomplete` naming the first that failed.
   */
  async endPrefix(prefix: string): Promise<void> {
    const ids = await this.startEndPrefix(prefix);
    let failed = 0;
    let first: Lease | undefined;
    for (const id of ids) {
      const lease = await this.settle(id);
      if (lease?.state !== 'revoking' && lease?.state !== 'stuck') continue;
      failed++;
      first ??= lease;
    }
    if (first === undefined) return;
    const reason = first.lastError ?? 'another node is at work on it';
    throw brokerFailure('revoke-incomplete', `failed to revoke "${first.id}" (${failed} / ${ids.length}): ${reason}`, {
      hint: 'nothing is given up: the server tries again by itself; `GET /v1/stint/leases` shows when',
    });
  }

  /**
   * Vault's revoke-force: from here on its API knows none of these leases, whatever AWS answers. The
   * record stays true: each is tried now and, where AWS refuses, again by the sweeper until it has ended.
   */
  async forcePrefix(prefix: string): Promise<void> {
    const { ledger } = this.#parts;
    const ids = await ledger.withPrefix(prefix);
    for (const id of ids) await ledger.apply(id, { type: 'force' });
    for (const id of ids) await this.settle(id);
  }

  /**
   * Does what the lease is due for (remove, read back, probe) and records the outcome. Failures are
   * recorded in the lease, never thrown; the sweeper tries again.
   */
  settle(id: string): Promise<Lease | undefined> {
    const running = this.#underWay.get(id);
    if (running !== undefined) return running;
    const work = this.#settle(id).finally(() => this.#underWay.delete(id));
    this.#underWay.set(id, work);
    return work;
  }

  async #settle(id: string): Promise<Lease | undefined> {
    const { ledger, clock, mounts } = this.#parts;
    // A store that cannot be written (full disk) must not keep credentials alive: act without a claim.
    const lease = await ledger.claim(id, clock.now() + claimMillis).catch((error: unknown) => {
      this.#report('lease.claim-failed', id, error);
      return ledger.find(id);
    });
    if (lease === undefined || lease.strength !== 'deletes' || lease.dueAt === null) return lease;
    const located = await mounts.ofLease(lease.mountPath, lease.mountId);
    const acted = await this.#act(lease, located);
    const after = await this.#record(id, acted);
    if (acted.type !== 'acted' || !acted.gone || located === undefined) return after ?? lease;
    return (await this.#record(id, await this.#probe(lease, located))) ?? after;
  }

  async #act(lease: Lease, located: { backend: Engine; folder: Folder } | undefined): Promise<LeaseEvent> {
    if (located === undefined) return { type: 'act-failed', error: `the mount ${lease.mountPath}/ is gone` };
    try {
      return { type: 'acted', ...(await located.backend.remove(lease, located.folder)) };
    } catch (error) {
      this.#report('lease.remove-failed', lease.id, error);
      return { type: 'act-failed', error: publicText(error) };
    }
  }

  async #probe(lease: Lease, { backend, folder }: { backend: Engine; folder: Folder }): Promise<LeaseEvent> {
    const answered = (answer: ProbeAnswer): LeaseEvent => ({ type: 'probed', answer });
    try {
      return answered(await backend.probe(lease, folder));
    } catch (error) {
      this.#report('lease.probe-failed', lease.id, error);
      return { type: 'probed', answer: 'unknown', error: publicText(error) };
    }
  }

  async #record(id: string, event: LeaseEvent): Promise<Lease | undefined> {
    try {
      return (await this.#parts.ledger.apply(id, event))?.lease;
    } catch (error) {
      this.#report('lease.record-failed', id, error);
      return undefined;
    }
  }

  #report(event: string, lease: string, error: unknown): void {
    this.#parts.log({ level: 'warn', event, lease, error: publicText(error) });
  }

  /**
   * Disables a mount: ends its leases first; its path is free afterwards. While one lease cannot be
   * ended the mount stays, tainted, and lends nothing. @throws Failure `revoke-incomplete`.
   */
  async disable(mount: Mount): Promise<void> {
    const { mounts } = this.#parts;
    const tainted = await mounts.tune(mount, (before) => ({ ...before, tainted: true }));
    await this.#endMount(tainted);
    await mounts.retire(tainted);
    await this.purgeRetired();
  }

  /** Moves a mount: its leases end first, as in Vault. @throws Failure `revoke-incomplete`, `mount-invalid`. */
  async move(mount: Mount, to: string): Promise<void> {
    const { mounts } = this.#parts;
    const tainted = await mounts.tune(mount, (before) => ({ ...before, tainted: true }));
    try {
      await this.#endMount(tainted);
      await mounts.move(tainted, to);
    } catch (error) {
      await mounts.tune(tainted, (before) => ({ ...before, tainted: false }));
      throw error;
    }
  }

  /** Ends what a mount gave out: the leases of an engine, the tokens of an auth method. */
  async #endMount(mount: Mount): Promise<void> {
    if (!isAuth(mount)) return this.endPrefix(`${mount.path}/`);
    for (const name of await this.#parts.tokens.ofMount(mount.id)) await this.endToken(name);
  }

  /** Forgets what disabled mounts kept, as soon as their last lease has ended. */
  async purgeRetired(): Promise<void> {
    const { ledger, mounts } = this.#parts;
    for (const mount of await mounts.retired()) {
      if (!(await ledger.holdsOf(mount.id))) await mounts.purge(mount);
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
    for (const child of await tokens.children(name)) {
      await (ended.leavesChildren ? tokens.makeOrphan(child, name) : this.endToken(child));
    }
    for (const id of await ledger.ofToken(name)) await this.startEnd(id);
    await tokens.forget(name);
  }
}

// What is lent to a batch token ends with it at the latest: nobody can end it together with the token.
function limitOf({ type, expiresAt }: Token): { latestAt?: Millis } {
  return type === 'batch' && expiresAt !== null ? { latestAt: expiresAt } : {};
}

/** What a log or a lease record may say about a failure: its public text, never a cause or a response of AWS in full. */
function publicText(error: unknown): string {
  if (isFailure(error)) return `${error.code}: ${error.message}`.slice(0, 500);
  return error instanceof Error ? error.name : 'unknown error';
}
