// Counting leases without counting them: a rule for at most N leases has N slots, and a lease takes a
// free one in the commit that opens it and leaves it in the commit that ends it. So the rule holds to
// the lease, on any number of nodes, and no counter is fought for.
import type { Clock, Millis, Random } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { applicable, type LeaseQuota, type QuotaRequest } from './quota.ts';
import type { QuotaTable } from './table.ts';

const probes = 12;
const pageSize = 1000;
/** Up to so many slots all are looked through at once; a larger rule that was full is full for a moment. */
const smallRule = 10_000;
const fullMillis: Millis = 250;

export interface LeaseSlotParts {
  readonly barrier: Barrier;
  readonly table: QuotaTable;
  readonly random: Random;
  readonly wallClock: Clock;
}

export class LeaseSlots {
  readonly #parts: LeaseSlotParts;
  readonly #fullUntil = new Map<string, Millis>();

  constructor(parts: LeaseSlotParts) {
    this.#parts = parts;
  }

  /**
   * The key of a slot that was free just now, to be written where it is still absent; undefined when no
   * rule holds for the request. @throws Failure `lease-limit-reached` when all are taken.
   */
  async free(request: QuotaRequest): Promise<string | undefined> {
    const { leases } = await this.#parts.table.all();
    const quota = leases.length === 0 ? undefined : applicable(leases, request);
    if (quota === undefined) return undefined;
    const slot = await this.freeOf(quota);
    if (slot !== undefined) return slot;
    throw brokerFailure('lease-limit-reached', `request path "${request.path}": lease count quota exceeded`, {
      hint: `the rule \`${quota.name}\` of sys/quotas/lease-count allows ${quota.maxLeases} leases: end some, or ask whoever may change it`,
    });
  }

  /** The key of a slot of this rule that was free just now. */
  async freeOf(quota: LeaseQuota): Promise<string | undefined> {
    const now = this.#parts.wallClock.now();
    if ((this.#fullUntil.get(quota.id) ?? 0) > now) return undefined;
    const slot = (await this.#isFull(quota)) ? undefined : ((await this.#drawn(quota)) ?? (await this.#gap(quota)));
    if (slot === undefined && quota.maxLeases > smallRule) this.#fullUntil.set(quota.id, now + fullMillis);
    return slot;
  }

  /** How many leases hold a slot of this rule. */
  async count(quota: LeaseQuota, limit = Infinity): Promise<number> {
    let count = 0;
    for await (const page of this.#pages(quota)) {
      count += page.length;
      if (count >= limit) break;
    }
    return count;
  }

  /** Lets go of all slots of a rule that is no more. */
  async forget(quota: LeaseQuota): Promise<void> {
    for await (const page of this.#pages(quota)) {
      await this.#parts.barrier.commit(page.map((key) => ({ key, value: undefined })));
    }
  }

  /** Lets the rules of a mount go with it: to another path, or away. */
  async followMount(path: string, to: string | undefined): Promise<void> {
    const dropped = await this.#parts.table.followMount(`${path}/`, to === undefined ? undefined : `${to}/`);
    for (const quota of dropped) if (quota.kind === 'lease-count') await this.forget(quota);
  }

  // A rule that was made smaller may have slots beyond its end that are still taken.
  async #isFull(quota: LeaseQuota): Promise<boolean> {
    const beyond = await this.#parts.barrier.keys(folder(quota), 1, slotText(quota.maxLeases));
    return beyond.length > 0 && (await this.count(quota, quota.maxLeases)) >= quota.maxLeases;
  }

  async #drawn(quota: LeaseQuota): Promise<string | undefined> {
    if (quota.maxLeases <= probes) return undefined;
    for (let tries = 0; tries < probes; tries++) {
      const bytes = this.#parts.random.bytes(6);
      const drawn = bytes.reduce((number, byte) => number * 256 + byte, 0) % quota.maxLeases;
      const key = `${folder(quota)}${slotText(drawn)}`;
      if ((await this.#parts.barrier.keys(key, 1, '', '\0')).length === 0) return key;
    }
    return undefined;
  }

  async #gap(quota: LeaseQuota): Promise<string | undefined> {
    let next = 0;
    for await (const page of this.#pages(quota)) {
      for (const key of page) {
        if (key !== `${folder(quota)}${slotText(next)}`) return this.#within(quota, next);
        next++;
      }
    }
    return this.#within(quota, next);
  }

  #within(quota: LeaseQuota, slot: number): string | undefined {
    return slot < quota.maxLeases ? `${folder(quota)}${slotText(slot)}` : undefined;
  }

  async *#pages(quota: LeaseQuota): AsyncGenerator<readonly string[]> {
    const prefix = folder(quota);
    for (let from = ''; ;) {
      const page = await this.#parts.barrier.keys(prefix, pageSize, from);
      if (page.length > 0) yield page;
      if (page.length < pageSize) return;
      from = `${page.at(-1)!.slice(prefix.length)}\0`;
    }
  }
}

function folder({ id }: LeaseQuota): string {
  return `quota-slot/${id}/`;
}

function slotText(slot: number): string {
  return String(slot).padStart(12, '0');
}
