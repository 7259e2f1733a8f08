// The sweeper: the store is the only timer, this is what looks at it. It wakes when something is
// due, when the clock is moved, and at the latest every 30 s; what it does survives its death. Each look
// only starts work: a mount whose AWS does not answer keeps none of the others waiting.
import type { AdjustableClock, Millis } from '../base/index.ts';
import { dueKey, type Due, type DueTimes, type Shard } from './due.ts';
import { Lanes } from './lanes.ts';
import { asksForAct } from './leases.ts';
import type { Ledger } from './ledger.ts';
import type { Lending } from './lending.ts';
import type { Log } from './log.ts';
import type { Lease } from './model.ts';
import type { Mounts } from './mounts.ts';
import type { Settling } from './settling.ts';
import type { ShardHolds } from './shards.ts';
import type { Tokens } from './tokens.ts';

const longestSleepMillis = 30_000;
const shortestSleepMillis = 20;
/** After a failure of the store: not at once again. */
const troubledSleepMillis = 1000;
/** Vault tries a failed rotation again after 10 s. */
const troubledMountMillis = 10_000;
const pageSize = 256;
/** Things under way at a time, waiting ones too: what memory they may take. */
const mostUnderWay = 8192;
/** Leases of one account that wait in memory; more are told to come again. */
const mostWaiting = 512;
const shortestPostponeMillis = 30_000;
const longestPostponeMillis = 3_600_000;

export interface SweeperParts {
  readonly due: DueTimes;
  readonly shards: ShardHolds;
  readonly ledger: Ledger;
  readonly settling: Settling;
  readonly lending: Lending;
  readonly mounts: Mounts;
  readonly tokens: Tokens;
  readonly clock: AdjustableClock;
  readonly log: Log;
  /** True when every other process that ever worked on the store is dead. */
  readonly alone: boolean;
}

export class Sweeper {
  readonly #parts: SweeperParts;
  /** Looks into the store; acting on a lease waits in the lane of its account. */
  readonly #looks = new Lanes({ atOnce: 64, perSecond: 1_000_000 });
  /** Work that is not the end of a lease: for each mount, and for tokens. */
  readonly #works = new Lanes({ atOnce: 16, perSecond: 1_000_000 });
  /** Due keys of what is under way. */
  readonly #underWay = new Map<string, Promise<void>>();
  #onRoom: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  /** On the clock of leases. */
  #wakesAt: Millis = 0;
  /** Earliest due time that was written while looking. */
  #noticed: Millis = Infinity;
  #again = false;
  #stopped = false;
  #recovered: boolean;
  readonly #stopListening: () => void;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#recovered = !parts.alone;
    this.#stopListening = parts.clock.onMove(() => this.wake());
  }

  /** Looks now, or once more when it is looking already. */
  wake(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#sweeping ??= this.#run();
  }

  /** Something will be due at `at`: do not sleep past it. */
  notice(at: Millis): void {
    if (this.#stopped || at >= this.#wakesAt) return;
    if (this.#sweeping === undefined) this.#sleep(at - this.#parts.clock.now());
    else this.#noticed = Math.min(this.#noticed, at);
  }

  /** Looks no more; resolves when work under way is done. What waits for its turn is left to the next start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    this.#onRoom?.();
    for (const waiting of [this.#looks, this.#works, this.#parts.settling]) waiting.stop();
    await this.#sweeping;
    await Promise.all(this.#underWay.values());
    await this.#parts.shards.release().catch((error: unknown) => this.#failed({ of: 'shards' }, error));
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#wakesAt = Infinity;
    let sleep = longestSleepMillis;
    while (this.#again && !this.#stopped) {
      this.#again = false;
      this.#noticed = Infinity;
      sleep = await this.#sweep();
    }
    this.#sweeping = undefined;
    if (this.#stopped) return;
    this.#sleep(Math.min(sleep, this.#noticed - this.#parts.clock.now()));
  }

  #sleep(millis: number): void {
    const { clock } = this.#parts;
    // Frozen, no time comes but what is due already.
    const wanted = clock.frozen && millis > 0 ? longestSleepMillis : millis;
    const sleep = Math.min(Math.max(wanted, shortestSleepMillis), longestSleepMillis);
    clearTimeout(this.#timer);
    this.#wakesAt = clock.now() + sleep;
    this.#timer = setTimeout(() => this.wake(), sleep);
    this.#timer.unref();
  }

  /** Starts work on everything due; returns how long to sleep. */
  async #sweep(): Promise<number> {
    const { due, shards, lending, clock } = this.#parts;
    try {
      if (!this.#recovered) await this.#recover();
      const mine = await shards.mine();
      const now = clock.now();
      for (const shard of mine) await this.#sweepShard(shard, now);
      await lending.purgeRetired();
      const next = await due.next(mine, now);
      return next === undefined ? longestSleepMillis : next - clock.now();
    } catch (error) {
      this.#failed({ of: 'store' }, error);
      return troubledSleepMillis;
    }
  }

  async #sweepShard(shard: Shard, now: Millis): Promise<void> {
    let last: Due | undefined;
    do {
      const page = await this.#parts.due.upTo(shard, now, pageSize, last);
      for (const one of page) this.#start(dueKey(one), one, () => this.#look(one));
      last = page.at(-1);
      await this.#room();
    } while (last !== undefined && !this.#stopped);
  }

  /** What a dead process was at work on: its unfinished grants, and what it had claimed. */
  async #recover(): Promise<void> {
    const { ledger } = this.#parts;
    for await (const page of ledger.atWork()) {
      for (const id of page) this.#start(`recover/${id}`, { kind: 'lease', id }, () => this.#recoverLease(id));
      await this.#room();
      if (this.#stopped) return;
    }
    this.#recovered = true;
  }

  async #room(): Promise<void> {
    while (this.#underWay.size >= mostUnderWay && !this.#stopped) {
      await new Promise<void>((resolve) => {
        this.#onRoom = resolve;
      });
    }
  }

  async #recoverLease(id: string): Promise<Follow> {
    const { ledger, settling, log } = this.#parts;
    const lease = await ledger.find(id);
    if (lease === undefined || !ledger.isOthersWork(lease)) return undefined;
    if (lease.state !== 'granting') return () => settling.inTurn(lease);
    log({ level: 'warn', event: 'grant.abandoned', lease: id });
    await ledger.apply(id, { type: 'abandoned' });
    return () => settling.inTurn(lease);
  }

  // One thing that cannot be handled, such as a damaged record, must not keep the others alive.
  #start(key: string, what: Pick<Due, 'kind' | 'id'>, look: () => Promise<Follow>): void {
    if (this.#underWay.has(key)) return;
    const work = this.#looks
      .run('', look)
      .then((follow) => (this.#stopped ? undefined : follow?.()))
      .catch((error: unknown) => {
        if (this.#stopped) return;
        this.#failed({ [what.kind]: what.id }, error);
        this.notice(this.#parts.clock.now() + troubledSleepMillis);
      })
      .finally(() => {
        this.#underWay.delete(key);
        this.#onRoom?.();
      });
    this.#underWay.set(key, work as Promise<void>);
  }

  #failed(what: Readonly<Record<string, string>>, error: unknown): void {
    this.#parts.log({ level: 'error', event: 'sweeper.failed', ...what, error: textOf(error) });
  }

  async #look(due: Due): Promise<Follow> {
    if (this.#stopped) return undefined;
    if (due.kind === 'lease') return this.#lookAtLease(due);
    if (due.kind === 'token') return this.#lookAtToken(due);
    if (due.kind === 'mount') return () => this.#works.run(due.id.split('/')[0]!, () => this.#workForMount(due));
    await this.#parts.ledger.forgetEnded(due);
    return undefined;
  }

  async #lookAtLease(due: Due): Promise<Follow> {
    const { ledger, settling } = this.#parts;
    const lease = await ledger.find(due.id);
    if (lease === undefined || (await ledger.dropStale(due))) return undefined;
    // What only time ends needs nobody but the ledger.
    if (!asksForAct({ ...lease, state: 'revoking' })) return () => ledger.apply(due.id, { type: 'due' });
    const { waiting, waitMillis } = settling.backlog(lease);
    if (waiting >= mostWaiting) return this.#postpone(lease, waitMillis);
    return () => settling.inTurn(lease, { type: 'due' });
  }

  /** Records that the lease is to end, and comes back when those before it may be done. */
  async #postpone({ id }: Lease, waitMillis: Millis): Promise<undefined> {
    const { ledger, clock } = this.#parts;
    const millis = Math.min(Math.max(waitMillis, shortestPostponeMillis), longestPostponeMillis);
    await ledger.apply(id, { type: 'due' }, { type: 'postponed', until: clock.now() + millis });
  }

  async #lookAtToken(due: Due): Promise<Follow> {
    const { lending, tokens } = this.#parts;
    if (await tokens.isOver(due.id)) return () => this.#works.run('tokens', () => lending.endToken(due.id));
    await this.#parts.due.drop(due);
    return undefined;
  }

  async #workForMount(asked: Due): Promise<void> {
    const { due, mounts, clock, log } = this.#parts;
    const [mountId = '', ...name] = asked.id.split('/');
    const next = await mounts.due(mountId, name.join('/')).catch((error: unknown) => {
      log({ level: 'error', event: 'mount.due-failed', name: asked.id, error: textOf(error) });
      return clock.now() + troubledMountMillis;
    });
    const replaced = await mounts.reschedule(mountId, name.join('/'), asked.at, next);
    if (!replaced || next !== asked.at) await due.drop(asked);
  }
}

/** What is to be done after a look, without holding up other looks. */
type Follow = (() => Promise<unknown>) | undefined;

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
