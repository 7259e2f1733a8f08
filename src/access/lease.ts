// One run at a time in an account. The lease is a marker in the account itself, made by a call that succeeds once
// only, so it needs no state of ours anywhere; it ends by its own time, and with `--break-lease`. Two calls an account:
// one that makes the marker, one that takes it away. AWS knows of no fencing: a run that has lost its lease stops
// before its next call.
import { isoSeconds, type Clock, type Millis } from '../base/index.ts';
import type { Account } from '../aws/index.ts';
import { accessFailure } from './failures.ts';
import type { RunHolder } from './journal.ts';
import { leaseOf, leaseProfile, pathOf, type SeenLease } from './lease-marker.ts';
import type { AccountRef } from './resources.ts';

/** How long a lease holds without being renewed: what a run that was killed elsewhere blocks others at most. */
export const leaseMillis: Millis = 15 * 60_000;

export interface LeaseTaker {
  readonly run: string;
  readonly holder: RunHolder;
  readonly caller: string;
  readonly clock: Clock;
  /** Takes the place of a holder that still has time. */
  readonly breakLease?: boolean | undefined;
  /** Whether a run of this machine is known to have ended: then its lease binds nobody. */
  readonly hasEnded: (run: string, holder: RunHolder) => boolean;
}

const isNamed = (error: unknown, code: string): boolean => error instanceof Error && error.name.startsWith(code);

/** The lease that still binds others; `undefined` when none does. */
export function bindingLease(leases: readonly SeenLease[], taker: LeaseTaker): SeenLease | undefined {
  return leases.findLast(
    (it) => it.run !== taker.run && it.expires > taker.clock.now() && !taker.hasEnded(it.run, it.holder),
  );
}

/** @throws Failure `lease-held` always. */
export function refuseHeld(account: AccountRef, held: SeenLease): never {
  const who = held.caller === '' ? 'somebody' : held.caller;
  const where = `run ${held.run} on ${held.holder.host.replace(/:\d+$/, '')}, process ${held.holder.pid}`;
  throw accessFailure(
    'lease-held',
    `${who} is applying to account \`${account.name}\` (${where}); its lease holds until ${isoSeconds(held.expires)}`,
    {
      hint: 'wait for it, or when you know that it has ended: `--break-lease`',
    },
  );
}

/** How often a marker is made that is there for the creating call and not for the one that reads it. */
const makingTries = 5;

/** The lease of one run on one account. */
export class AccountLease {
  readonly #account: Account;
  readonly #ref: AccountRef;
  readonly #taker: LeaseTaker;
  #own: SeenLease;
  #isLost = false;

  private constructor(account: Account, ref: AccountRef, taker: LeaseTaker, own: SeenLease) {
    this.#account = account;
    this.#ref = ref;
    this.#taker = taker;
    this.#own = own;
  }

  /**
   * Takes the lease of an account that shows these. Markers of ended runs go afterwards: `settle`.
   * @throws Failure `lease-held`.
   */
  static async take(
    account: Account,
    ref: AccountRef,
    seen: readonly SeenLease[],
    taker: LeaseTaker,
  ): Promise<AccountLease> {
    const held = bindingLease(seen, taker);
    if (held !== undefined && taker.breakLease !== true) refuseHeld(ref, held);
    const highest = Math.max(0, ...seen.map(({ number }) => number));
    const lease = new AccountLease(account, ref, taker, AccountLease.#next(highest, taker));
    await lease.#make(lease.#own);
    return lease;
  }

  static #next(number: number, { clock, run, holder, caller }: LeaseTaker): SeenLease {
    // Whole seconds, as the path tells them.
    const expires = Math.floor((clock.now() + leaseMillis) / 1000) * 1000;
    return { number: number + 1, expires, run, holder, caller };
  }

  /** Markers that are to go because their runs have ended, or this one took their place. */
  async settle(seen: readonly SeenLease[]): Promise<void> {
    for (const { number, run } of seen) if (run !== this.#taker.run) await this.#remove(number);
  }

  /**
   * Called before a write: renews a lease that has less than half of its time left.
   * @throws Failure `lease-lost` when another run has taken its place.
   */
  async keep(): Promise<void> {
    if (this.#own.expires - this.#taker.clock.now() > leaseMillis / 2) return;
    const before = this.#own;
    const next = AccountLease.#next(before.number, this.#taker);
    await this.#make(next, true);
    this.#own = next;
    // Who takes our place makes the next marker, which we just made, or has removed ours.
    if (await this.#remove(before.number)) return;
    await this.release();
    this.#lost();
  }

  /** Gives the lease back. Never throws: what stays behind ends by its time. */
  async release(): Promise<void> {
    if (!this.#isLost) await this.#remove(this.#own.number).catch(() => undefined);
  }

  #lost(): never {
    this.#isLost = true;
    throw accessFailure('lease-lost', `another run has taken the lease on account \`${this.#ref.name}\``, {
      hint: 'see what it did with `stint plan`, then apply again',
    });
  }

  async #make(lease: SeenLease, renewing = false, triesLeft = makingTries): Promise<void> {
    const { iam } = this.#account;
    const name = leaseProfile(lease.number);
    try {
      await iam.createInstanceProfile({ InstanceProfileName: name, Path: pathOf(lease) });
    } catch (error) {
      if (!isNamed(error, 'EntityAlreadyExists')) throw error;
      const path = await this.#pathOf(name);
      // Given back in between; or so new that IAM does not show it yet, and then it counts as somebody's in the end.
      if (path === undefined && triesLeft > 1) return this.#make(lease, renewing, triesLeft - 1);
      const held = leaseOf(name, path ?? '');
      // Ours when the answer to our own call was lost.
      if (held?.run === this.#taker.run) return;
      if (renewing) this.#lost();
      refuseHeld(this.#ref, held ?? { ...lease, run: 'unknown', caller: '' });
    }
  }

  /** The path of the marker of that name; undefined when there is none. */
  async #pathOf(name: string): Promise<string | undefined> {
    try {
      const { InstanceProfile } = await this.#account.iam.getInstanceProfile({ InstanceProfileName: name });
      return InstanceProfile?.Path ?? '';
    } catch (error) {
      if (isNamed(error, 'NoSuchEntity')) return undefined;
      throw error;
    }
  }

  /** Whether the marker was there. */
  async #remove(number: number): Promise<boolean> {
    try {
      await this.#account.iam.deleteInstanceProfile({ InstanceProfileName: leaseProfile(number) });
      return true;
    } catch (error) {
      if (isNamed(error, 'NoSuchEntity')) return false;
      throw error;
    }
  }
}
