// The ledger: every lease as a durable record, written before anything is made in AWS and changed
// only by the transitions of leases.ts, each with compare-and-set. The record of an unfinished grant
// is its write-ahead intent. Records lie on four shelves, so that listing and starting cost only
// what they return; due times lie in time order and are the only timer.
import type { Clock, Millis } from '../base/index.ts';
import { mark, type Barrier, type Change, type Stored } from './barrier.ts';
import { dueKey, type Due } from './due.ts';
import { asksForAct, hasEnded, isKnownToVault, transition, type LeaseEffect, type LeaseEvent } from './leases.ts';
import type { Lease } from './model.ts';
import { absent, type Condition } from './storage/store.ts';

const shelves = ['granting', 'live', 'ending', 'past'] as const;
type Shelf = (typeof shelves)[number];
// Records move forward along the shelves, and from `ending` back to `live`: read in this order, a
// record that moves meanwhile is not missed.
const searchOrder: readonly Shelf[] = [...shelves, 'live'];

const stuckPrefix = 'lease-stuck/';

/** Where leases are found that people read: those that are stuck, then every shelf. */
export const sections = ['stuck', ...shelves] as const;
export type Section = (typeof sections)[number];

/** Part of a section; `last` is undefined where the section ends. */
export interface SectionPart {
  readonly leases: readonly Lease[];
  readonly last: string | undefined;
}

/** How long the record of a lease that has ended is kept, unless set otherwise: 30 days. */
export const keepEndedMillis = 30 * 86_400_000;

export interface Applied {
  readonly lease: Lease | undefined;
  readonly effects: readonly LeaseEffect[];
}

function shelfOf(lease: Lease): Shelf {
  if (lease.state === 'granting') return 'granting';
  if (hasEnded(lease.state)) return 'past';
  return isKnownToVault(lease) ? 'live' : 'ending';
}

function leaseKey(shelf: Shelf, id: string): string {
  return `lease/${shelf}/${id}`;
}

export class Ledger {
  readonly #barrier: Barrier;
  readonly #clock: Clock;
  readonly #node: string;
  readonly #onDue: (at: Millis) => void;
  readonly #keepEnded: Millis;

  /**
   * `node` names this process, freshly with every start. `onDue` hears of every due time that was
   * written, so that the sweeper does not sleep past it. Records of leases that have ended are marked
   * to be forgotten after `keepEnded`.
   */
  constructor(barrier: Barrier, clock: Clock, node: string, onDue: (at: Millis) => void, keepEnded = keepEndedMillis) {
    this.#keepEnded = keepEnded;
    this.#barrier = barrier;
    this.#clock = clock;
    this.#node = node;
    this.#onDue = onDue;
  }

  /**
   * Writes the intent of a grant; when it resolves true, the intent survives any crash. False when
   * one of `conditions` (on the mount and the token) no longer held.
   */
  open(lease: Lease, conditions: readonly Condition[]): Promise<boolean> {
    const until = lease.dueAt ?? lease.expiresAt;
    return this.#write(undefined, { ...lease, claim: { node: this.#node, until } }, conditions);
  }

  async find(id: string): Promise<Lease | undefined> {
    return (await this.#find(id))?.value;
  }

  /**
   * Applies `events` in turn to the lease `id` and stores the outcome durably, in one commit. Undefined
   * when there is no such lease. Safe against others doing the same: on a conflict the newer record is
   * read and the events applied to that.
   */
  async apply(id: string, ...events: readonly LeaseEvent[]): Promise<Applied | undefined> {
    for (;;) {
      const found = await this.#find(id);
      if (found === undefined) return undefined;
      const outcome = applied(found.value, events, this.#clock.now());
      if (outcome.lease === found.value) return outcome;
      if (await this.#write(found, outcome.lease)) return outcome;
    }
  }

  /** What `apply` would store. */
  async foresee(id: string, ...events: readonly LeaseEvent[]): Promise<Applied | undefined> {
    const found = await this.#find(id);
    return found === undefined ? undefined : applied(found.value, events, this.#clock.now());
  }

  /**
   * As `apply`, and in the same commit takes the right to act until `until` where the lease then asks for
   * somebody to act. Undefined when another living node has that right. If this process dies, the sweeper
   * of any node finds the lease again at `until`.
   */
  async claim(id: string, until: Millis, ...events: readonly LeaseEvent[]): Promise<Applied | undefined> {
    for (;;) {
      const found = await this.#find(id);
      if (found === undefined) return undefined;
      if (this.#heldByAnother(found.value)) return undefined;
      const { lease, effects } = applied(found.value, events, this.#clock.now());
      const next =
        lease === undefined || !asksForAct(lease) || this.#holds(lease, until) ? lease : this.#held(lease, until);
      if (next === found.value || (await this.#write(found, next))) return { lease: next, effects };
    }
  }

  #held(lease: Lease, until: Millis): Lease {
    return { ...lease, claim: { node: this.#node, until }, dueAt: until };
  }

  // Half of the time is enough to go on with; then a claim is renewed.
  #holds({ claim }: Lease, until: Millis): boolean {
    const now = this.#clock.now();
    return claim !== null && claim.node === this.#node && claim.until >= now + (until - now) / 2;
  }

  async #write(
    found: Stored<Lease> | undefined,
    next: Lease | undefined,
    conditions: readonly Condition[] = [],
  ): Promise<boolean> {
    if (!(await this.#barrier.commit(this.#changesOf(found, next), conditions))) return false;
    if (next !== undefined && next.dueAt !== null) this.#onDue(next.dueAt);
    return true;
  }

  #heldByAnother({ claim }: Lease): boolean {
    // Where only one process can have the store open, a claim of another node is one of a dead process.
    if (claim === null || claim.node === this.#node || this.#barrier.exclusive) return false;
    return claim.until > this.#clock.now();
  }

  /** Removes the due mark of a lease that asks for another time or none by now; false when it asks for just this one. */
  async dropStale(due: Due): Promise<boolean> {
    const found = await this.#find(due.id);
    if (found !== undefined && this.#markOf(found.value) === dueKey(due)) return false;
    const unchanged = found === undefined ? [] : [{ key: found.key, expect: found.version }];
    // Refused when the lease has changed meanwhile and may ask for it again: it is looked at once more.
    await this.#barrier.commit([{ key: dueKey(due), value: undefined }], unchanged);
    return true;
  }

  /** Forgets the record of a lease that has ended, with its mark; any other lease stays. */
  async forgetEnded(due: Due): Promise<void> {
    const changes = [leaseKey('past', due.id), dueKey(due)].map((key) => ({ key, value: undefined }));
    await this.#barrier.commit(changes);
  }

  /** Ids of leases on which a process is or was at work, page by page: grants that have not come to an end, then claims. */
  async *atWork(): AsyncGenerator<readonly string[]> {
    yield* this.#idPages('lease/granting/', '');
    for await (const page of this.#idPages('claim/', '')) {
      yield page.map((rest) => rest.slice(rest.indexOf('/') + 1));
    }
  }

  /** True when another process than this was the last to be at work on the lease. */
  isOthersWork({ state, claim }: Lease): boolean {
    return claim === null ? state === 'granting' : claim.node !== this.#node;
  }

  /** Ids of leases that Vault's API knows, and of grants under way, beginning with `prefix`. */
  async withPrefix(prefix: string): Promise<readonly string[]> {
    const granting = await this.#ids('lease/granting/', prefix);
    return [...new Set([...granting, ...(await this.#ids('lease/live/', prefix))])];
  }

  /** Lets a lease that lives and holds no slot take this one; false when somebody else has it by now. */
  async takeSlot(id: string, slot: string): Promise<boolean> {
    for (;;) {
      const found = await this.#find(id);
      if (found === undefined || !isHeld(found.value) || found.value.quotaSlot !== undefined) return true;
      if (await this.#write(found, { ...found.value, quotaSlot: slot }, [{ key: slot, expect: absent }])) return true;
      if ((await this.#barrier.keys(slot, 1, '', '\0')).length > 0) return false;
    }
  }

  /** Leases that could not be ended so far, in the order of their ids; they are still tried. */
  async stuck(limit: number): Promise<readonly Lease[]> {
    const keys = await this.#barrier.keys(stuckPrefix, limit);
    const found = await Promise.all(keys.map((key) => this.find(key.slice(stuckPrefix.length))));
    return found.filter((lease) => lease !== undefined);
  }

  /** How many leases Vault's API knows whose id begins with `prefix`. Reads all their names: nothing for a hot path. */
  async count(prefix: string): Promise<number> {
    let count = 0;
    for await (const page of this.#idPages('lease/live/', prefix)) count += page.length;
    return count;
  }

  /** How many leases have not ended, by where they stand. Reads all their names: nothing for a hot path. */
  async census(): Promise<Readonly<Record<'granting' | 'live' | 'ending' | 'stuck', number>>> {
    const counted = async (prefix: string): Promise<number> => {
      let count = 0;
      for await (const page of this.#idPages(prefix, '')) count += page.length;
      return count;
    };
    return {
      granting: await counted('lease/granting/'),
      live: await counted('lease/live/'),
      ending: await counted('lease/ending/'),
      stuck: await counted(stuckPrefix),
    };
  }

  /** True while a lease of the mount has not ended, so that the mount's configuration is still needed. */
  async holdsOf(mountId: string): Promise<boolean> {
    return (await this.#barrier.keys(`mount-lease/${mountId}/`, 1)).length > 0;
  }

  /** Ids of leases lent to the token of that blind name. */
  async ofToken(tokenName: string): Promise<readonly string[]> {
    return this.#ids(`token-lease/${tokenName}/`, '');
  }

  /** Names below `folder`, which is empty or ends with `/`, as Vault's LIST of leases shows them. */
  async list(folder: string): Promise<readonly string[]> {
    return this.#barrier.list(`lease/live/${folder}`);
  }

  /** Every lease that has not ended, page by page. */
  async *unended(): AsyncGenerator<readonly Lease[]> {
    const size = 500;
    for (const shelf of ['granting', 'live', 'ending'] as const) {
      for (let last: string | undefined; ;) {
        const page = await this.#barrier.scan<Lease>(`lease/${shelf}/`, size, last);
        if (page.length > 0) yield page.map(({ value }) => value);
        if (page.length < size) break;
        last = page.at(-1)!.key;
      }
    }
  }

  /** Takes a record over as it is, in the place of what was there. */
  async takeOver(lease: Lease): Promise<void> {
    while (!(await this.#write(await this.#find(lease.id), lease)));
  }

  /** Up to `size` leases of a section whose ids begin with `prefix`, behind the id `after`, in the order of their ids. */
  async section(section: Section, prefix: string, after: string, size: number): Promise<SectionPart> {
    if (section === 'stuck') return this.#stuckPart(prefix, after, size);
    const shelf = `lease/${section}/`;
    const page = await this.#barrier.scan<Lease>(`${shelf}${prefix}`, size, after === '' ? undefined : shelf + after);
    const leases = page.map(({ value }) => value);
    return { leases, last: page.length < size ? undefined : leases.at(-1)!.id };
  }

  async #stuckPart(prefix: string, after: string, size: number): Promise<SectionPart> {
    const from = after === '' ? '' : `${after.slice(prefix.length)}\0`;
    const keys = await this.#barrier.keys(`${stuckPrefix}${prefix}`, size, from);
    const ids = keys.map((key) => key.slice(stuckPrefix.length));
    const found = await Promise.all(ids.map((id) => this.find(id)));
    const leases = found.filter((lease) => lease !== undefined);
    return { leases, last: ids.length < size ? undefined : ids.at(-1)! };
  }

  /** How many leases are stuck whose id begins with `prefix`; counts no further than `most`. */
  async countStuck(prefix: string, most: number): Promise<number> {
    return (await this.#barrier.keys(`${stuckPrefix}${prefix}`, most)).length;
  }

  // One atomic batch: the record (moved between shelves when its state asks for it), its due mark and
  // its entries under the token and the mount.
  #changesOf(found: Stored<Lease> | undefined, next: Lease | undefined): readonly Change[] {
    const before = found?.value;
    const key = next === undefined ? undefined : leaseKey(shelfOf(next), next.id);
    const changes: Change[] = [];
    if (found !== undefined && found.key !== key) {
      changes.push({ key: found.key, value: undefined, expect: found.version });
    }
    if (key !== undefined) {
      changes.push({ key, value: next, expect: found !== undefined && found.key === key ? found.version : absent });
    }
    return [
      ...changes,
      ...moved(this.#markOf(before), this.#markOf(next)),
      ...moved(claimMark(before), claimMark(next)),
      ...moved(stuckMark(before), stuckMark(next)),
      ...moved(tokenMark(before), tokenMark(next)),
      ...moved(mountMark(before), mountMark(next)),
      ...moved(slotMark(before), slotMark(next)),
    ];
  }

  #markOf(lease: Lease | undefined): string | undefined {
    if (lease === undefined) return undefined;
    const { id, dueAt, state } = lease;
    if (dueAt !== null) return dueKey({ at: dueAt, kind: 'lease', id });
    const endedAt = lease.steps.at(-1)?.at ?? lease.expiresAt;
    return hasEnded(state) ? dueKey({ at: endedAt + this.#keepEnded, kind: 'past', id }) : undefined;
  }

  async #ids(prefix: string, rest: string): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const page of this.#idPages(prefix, rest)) ids.push(...page);
    return ids;
  }

  async *#idPages(prefix: string, rest: string): AsyncGenerator<readonly string[]> {
    const size = 1000;
    for (let from = rest; ;) {
      const keys = await this.#barrier.keys(prefix, size, from, `${rest}\x7f`);
      const ids = keys.map((key) => key.slice(prefix.length));
      if (ids.length > 0) yield ids;
      if (ids.length < size) return;
      from = `${ids.at(-1)!}\0`;
    }
  }

  async #find(id: string): Promise<Stored<Lease> | undefined> {
    for (const shelf of searchOrder) {
      const found = await this.#barrier.get<Lease>(leaseKey(shelf, id), 'once');
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Replaces the key `old` by the key `next`, which are marks. */
function moved(old: string | undefined, next: string | undefined): readonly Change[] {
  if (old === next) return [];
  return [
    ...(old === undefined ? [] : [{ key: old, value: undefined }]),
    ...(next === undefined ? [] : [{ key: next, value: mark }]),
  ];
}

function mountMark(lease: Lease | undefined): string | undefined {
  return lease === undefined || hasEnded(lease.state) ? undefined : `mount-lease/${lease.mountId}/${lease.id}`;
}

function slotMark(lease: Lease | undefined): string | undefined {
  return isHeld(lease) ? lease?.quotaSlot : undefined;
}

function isHeld(lease: Lease | undefined): boolean {
  return lease !== undefined && (lease.state === 'granting' || isKnownToVault(lease));
}

function tokenMark(lease: Lease | undefined): string | undefined {
  return lease !== undefined && isHeld(lease) ? `token-lease/${lease.tokenName}/${lease.id}` : undefined;
}

// The claim of a grant needs no mark: it lies on a shelf of its own.
function claimMark(lease: Lease | undefined): string | undefined {
  const claimed = lease !== undefined && lease.claim !== null && lease.state !== 'granting';
  return claimed ? `claim/${lease.claim.node}/${lease.id}` : undefined;
}

function stuckMark(lease: Lease | undefined): string | undefined {
  return lease?.state === 'stuck' ? `${stuckPrefix}${lease.id}` : undefined;
}

function applied(lease: Lease, events: readonly LeaseEvent[], now: Millis): Applied {
  let next: Applied = { lease, effects: [] };
  for (const event of events) {
    if (next.lease === undefined) return next;
    const { lease: after, effects } = transition(next.lease, event, now);
    next = { lease: after, effects: [...next.effects, ...effects] };
  }
  return next;
}
