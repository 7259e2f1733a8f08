// The leases of one run: all of its accounts, or none.
import { isFailure, type Clock } from '../base/index.ts';
import type { AwsAccounts } from '../aws/index.ts';
import type { RunHolder } from './journal.ts';
import { AccountLease, bindingLease, refuseHeld, type LeaseTaker } from './lease.ts';
import { leaseProfile } from './lease-marker.ts';
import { accountsAtOnce, forEachLimited } from './parallel.ts';
import type { SeenAccount } from './resources.ts';

export class AccountLeases {
  readonly #accounts: AwsAccounts;
  readonly #taker: LeaseTaker;
  readonly #held = new Map<string, AccountLease>();

  constructor(accounts: AwsAccounts, taker: LeaseTaker) {
    this.#accounts = accounts;
    this.#taker = taker;
  }

  /** Ids of the accounts whose leases are held. */
  get accounts(): ReadonlySet<string> {
    return new Set(this.#held.keys());
  }

  /**
   * Takes the lease of every account, at the first refusal of none: `release` gives back what was taken.
   * @throws Failure `lease-held`, before anything is called where the accounts show it already.
   */
  async take(seen: readonly SeenAccount[]): Promise<void> {
    if (this.#taker.breakLease !== true) this.#refuseBound(seen);
    const [first, ...others] = seen.toSorted((one, other) => (one.id < other.id ? -1 : 1));
    if (first === undefined) return;
    // The first one alone: side by side, two runs that begin at once could each take what the other one lacks.
    await this.#takeOne(first);
    await forEachLimited(others, accountsAtOnce, (account) => this.#takeOne(account));
  }

  async #takeOne(account: SeenAccount): Promise<void> {
    const entered = await this.#accounts.account(account.id);
    this.#held.set(account.id, await AccountLease.take(entered, account, account.leases ?? [], this.#taker));
  }

  /**
   * After the accounts were looked at again: refuses where another run came first, and removes the markers of those
   * that have ended or lost their place.
   * @throws Failure `lease-held`.
   */
  async settle(seen: readonly SeenAccount[]): Promise<void> {
    if (this.#taker.breakLease !== true) this.#refuseBound(seen);
    await forEachLimited(seen, accountsAtOnce, async ({ id, leases }) => this.#held.get(id)?.settle(leases ?? []));
  }

  /** Called before a write in the account. @throws Failure `lease-lost`. */
  async keep(account: string): Promise<void> {
    await this.#held.get(account)?.keep();
  }

  /** Gives every lease back. Never throws. */
  async release(): Promise<void> {
    await forEachLimited([...this.#held.values()], accountsAtOnce, (lease) => lease.release());
  }

  #refuseBound(seen: readonly SeenAccount[]): void {
    for (const account of seen) {
      const held = bindingLease(account.leases ?? [], this.#taker);
      if (held !== undefined) refuseHeld(account, held);
    }
  }
}

/** Removes what runs that have ended left behind, where there is nothing else to do. A refusal changes nothing. */
export async function removeEnded(
  context: {
    readonly accounts: AwsAccounts;
    readonly clock: Clock;
    readonly hasEnded: (run: string, holder: RunHolder) => boolean;
  },
  seen: readonly SeenAccount[],
): Promise<void> {
  for (const { id, leases } of seen) {
    for (const { number, run, holder, expires } of leases ?? []) {
      if (expires > context.clock.now() && !context.hasEnded(run, holder)) continue;
      const { iam } = await context.accounts.account(id);
      await iam.deleteInstanceProfile({ InstanceProfileName: leaseProfile(number) }).catch((error: unknown) => {
        if (isFailure(error)) throw error;
      });
    }
  }
}
