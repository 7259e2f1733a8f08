// The sweeper: the store is the only timer, this is what looks at it. It wakes when something is
// due, when the clock is moved, and at the latest every 30 s; what it does survives its death.
import type { AdjustableClock, Millis } from '../base/index.ts';
import type { Ledger, Due } from './ledger.ts';
import type { Lending } from './lending.ts';
import type { Log } from './log.ts';
import type { Mounts } from './mounts.ts';
import type { Tokens } from './tokens.ts';

const longestSleepMillis = 30_000;
const shortestSleepMillis = 100;
/** After a failure of the store: not at once again. */
const troubledSleepMillis = 1000;
/** Vault tries a failed rotation again after 10 s. */
const troubledMountMillis = 10_000;
const atOnce = 8;
const pageSize = 256;

export interface SweeperParts {
  readonly ledger: Ledger;
  readonly lending: Lending;
  readonly mounts: Mounts;
  readonly tokens: Tokens;
  readonly clock: AdjustableClock;
  readonly log: Log;
}

export class Sweeper {
  readonly #parts: SweeperParts;
  /** Leases on which a dead process was at work. */
  readonly #orphaned: string[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweeping: Promise<void> | undefined;
  /** On the clock of leases. */
  #wakesAt: Millis = 0;
  /** Earliest due time that was written while looking. */
  #noticed: Millis = Infinity;
  #again = false;
  #stopped = false;
  readonly #stopListening: () => void;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#stopListening = parts.clock.onMove(() => this.wake());
  }

  /**
   * To be called once before the first look, by the only process on the store: every unfinished grant
   * and every claim found now belongs to a dead process and is taken up at the first look.
   */
  async recover(): Promise<void> {
    const { ledger, clock, log } = this.#parts;
    for (const id of await ledger.unfinishedGrants()) {
      log({ level: 'warn', event: 'grant.abandoned', lease: id });
      await this.#orLogged(id, () => ledger.apply(id, { type: 'abandoned' }));
    }
    const claimedAhead = await ledger.dueUntil(clock.now() + 10 * 60_000, pageSize);
    for (const { kind, id } of claimedAhead) {
      if (kind !== 'lease') continue;
      await this.#orLogged(id, async () => {
        if ((await ledger.find(id))?.claim) this.#orphaned.push(id);
      });
    }
  }

  // A lease that cannot be read must not keep the server, which ends all others, from starting.
  async #orLogged(lease: string, work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => {
      this.#parts.log({ level: 'error', event: 'sweeper.failed', lease, error: textOf(error) });
    });
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
    const { clock } = this.#parts;
    if (at <= clock.now()) this.wake();
    else if (this.#sweeping === undefined) this.#sleep(at - clock.now());
    else this.#noticed = Math.min(this.#noticed, at);
  }

  /** Looks no more; resolves when work under way is done. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopListening();
    clearTimeout(this.#timer);
    await this.#sweeping;
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
    const sleep = clock.frozen
      ? longestSleepMillis
      : Math.min(Math.max(millis, shortestSleepMillis), longestSleepMillis);
    clearTimeout(this.#timer);
    this.#wakesAt = clock.now() + sleep;
    this.#timer = setTimeout(() => this.wake(), sleep);
    this.#timer.unref();
  }

  /** Works off everything due; returns how long to sleep. */
  async #sweep(): Promise<number> {
    const { ledger, lending, clock, log } = this.#parts;
    try {
      await this.#inTurn(this.#orphaned.splice(0), (id) => this.#orLogged(id, () => lending.settle(id)));
      let troubled = false;
      let last: Due | undefined;
      do {
        const due = await ledger.dueUntil(clock.now(), pageSize, last);
        await this.#inTurn(due, async (one) => {
          troubled = !(await this.#tried(one)) || troubled;
        });
        last = due.at(-1);
      } while (last !== undefined && !this.#stopped);
      await lending.purgeRetired();
      return troubled ? troubledSleepMillis : await this.#sleepMillis();
    } catch (error) {
      log({ level: 'error', event: 'sweeper.failed', error: textOf(error) });
      return troubledSleepMillis;
    }
  }

  async #sleepMillis(): Promise<number> {
    const { ledger, clock } = this.#parts;
    const next = await ledger.nextDue();
    return next === undefined ? longestSleepMillis : next - clock.now();
  }

  async #inTurn<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = [...items];
    const worker = async (): Promise<void> => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        if (this.#stopped) return;
        await work(item);
      }
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker));
  }

  // One thing that cannot be handled, such as a damaged record, must not keep the others alive.
  async #tried(due: Due): Promise<boolean> {
    try {
      await this.#handle(due);
      return true;
    } catch (error) {
      this.#parts.log({ level: 'error', event: 'sweeper.failed', [due.kind]: due.id, error: textOf(error) });
      return false;
    }
  }

  async #handle(due: Due): Promise<void> {
    if (due.kind === 'past') return this.#parts.ledger.forgetEnded(due);
    if (due.kind === 'mount') return this.#handleMount(due);
    return due.kind === 'token' ? this.#handleToken(due) : this.#handleLease(due);
  }

  async #handleLease(due: Due): Promise<void> {
    const { ledger, lending, clock, log } = this.#parts;
    const outcome = await ledger.apply(due.id, { type: 'due' }).catch(async (error: unknown) => {
      // SECURITY: an unwritable store must not prolong a lease. Its end is recorded when writing works again.
      log({ level: 'error', event: 'lease.due-unrecorded', lease: due.id, error: (error as Error).message });
      const lease = await ledger.find(due.id);
      if (lease !== undefined && lease.dueAt !== null && lease.dueAt <= clock.now()) await lending.settle(due.id);
      throw error;
    });
    if (outcome === undefined) return ledger.dropDue(due);
    if (outcome.effects.includes('act')) await lending.settle(due.id);
  }

  async #handleMount(due: Due): Promise<void> {
    const { mounts, clock, log } = this.#parts;
    const [mountId = '', ...name] = due.id.split('/');
    const next = await mounts.due(mountId, name.join('/')).catch((error: unknown) => {
      log({ level: 'error', event: 'mount.due-failed', name: due.id, error: textOf(error) });
      return clock.now() + troubledMountMillis;
    });
    await mounts.schedule(mountId, name.join('/'), next);
    if (next === undefined || next !== due.at) await this.#parts.ledger.dropDue(due);
  }

  async #handleToken(due: Due): Promise<void> {
    const { ledger, lending, tokens } = this.#parts;
    if (await tokens.isOver(due.id)) await lending.endToken(due.id);
    else await ledger.dropDue(due);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
