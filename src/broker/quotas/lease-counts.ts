// What a new rule for leases finds already there: leases and tokens that live when it is made count, too.
import { forEachAtOnce } from '../lanes.ts';
import type { Ledger } from '../ledger.ts';
import type { Tokens } from '../tokens.ts';
import { tokenLeaseId } from '../tokens/record.ts';
import { applicable, type LeaseQuota } from './quota.ts';
import type { LeaseSlots } from './lease-slots.ts';

const commitWidth = 64;

export interface LeaseCountParts {
  readonly slots: LeaseSlots;
  readonly ledger: Pick<Ledger, 'withPrefix' | 'takeSlot'>;
  readonly tokens: Pick<Tokens, 'withLeasePrefix' | 'byName' | 'takeSlot'>;
}

export class LeaseCounts {
  readonly #parts: LeaseCountParts;

  constructor(parts: LeaseCountParts) {
    this.#parts = parts;
  }

  count(quota: LeaseQuota): Promise<number> {
    return this.#parts.slots.count(quota);
  }

  forget(quota: LeaseQuota): Promise<void> {
    return this.#parts.slots.forget(quota);
  }

  /** Gives a slot to each lease the rule holds for, as far as there are slots: what lives beyond them stays uncounted. */
  async countPresent(quota: LeaseQuota): Promise<void> {
    const { ledger, tokens } = this.#parts;
    const leases = (await ledger.withPrefix(quota.mountPath)).filter((id) => isOf(quota, id));
    await forEachAtOnce(leases.slice(0, quota.maxLeases), commitWidth, (id) =>
      this.#take(quota, (slot) => ledger.takeSlot(id, slot)),
    );
    if (quota.mountPath !== '' && !quota.mountPath.startsWith('auth/')) return;
    const names = await tokens.withLeasePrefix(quota.mountPath);
    await forEachAtOnce(names.slice(0, quota.maxLeases), commitWidth, async (name) => {
      const token = await tokens.byName(name);
      if (token === undefined || !isOf(quota, tokenLeaseId(token))) return;
      await this.#take(quota, (slot) => tokens.takeSlot(name, slot));
    });
  }

  /** Another may be faster with the slot: then the next. */
  async #take(quota: LeaseQuota, take: (slot: string) => Promise<boolean>): Promise<void> {
    for (;;) {
      const slot = await this.#parts.slots.freeOf(quota);
      if (slot === undefined || (await take(slot))) return;
    }
  }
}

function isOf(quota: LeaseQuota, leaseId: string): boolean {
  return applicable([quota], { path: leaseId.slice(0, leaseId.lastIndexOf('/')), role: quota.role }) !== undefined;
}
