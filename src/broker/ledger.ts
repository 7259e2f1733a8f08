// The ledger: every lease as a durable record, written before anything is made in AWS and changed
// only by the transitions of leases.ts, each with compare-and-set. The record of an unfinished grant
// is its write-ahead intent. Records lie on four shelves, so that listing and starting cost only
// what they return; due times lie in time order and are the only timer.
import type { Clock, Millis } from '../base/index.ts';
import type { Barrier, Change, Stored } from './barrier.ts';
import { hasEnded, isKnownToVault, transition, type LeaseEffect, type LeaseEvent } from './leases.ts';
import type { Lease } from './model.ts';
import { absent, type Condition } from './storage/store.ts';

const shelves = ['granting', 'live', 'ending', 'past'] as const;
type Shelf = (typeof shelves)[number];
// Records move forward along the shelves, and from `ending` back to `live`: read in this order, a
// record that moves meanwhile is not missed.
const searchOrder: readonly Shelf[] = [...shelves, 'live'];

/** A thing whose time has come. */
export interface Due {
  readonly at: Millis;
  /** `past`: the record of a lease that ended long ago is to be forgotten; `mount`: a backend asked for it. */
  readonly kind: 'lease' | 'token' | 'past' | 'mount';
  readonly id: string;
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

/** Key under which the sweeper finds a thing at its time; ordered by time. */
export function dueKey({ at, kind, id }: Due): string {
  return `due/${timeText(at)}/${kind}/${id}`;
}

function timeText(at: Millis): string {
  return String(Math.max(0, Math.ceil(at))).padStart(15, '0');
}

function parseDueKey(key: string): Due {
  const [, at, kind, ...id] = key.split('/');
  return { at: Number(at), kind: kind as Due['kind'], id: id.join('/') };
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
    return this.#write(undefined, lease, conditions);
  }

  async find(id: string): Promise<Lease | undefined> {
    return (await this.#find(id))?.value;
  }

  /**
   * Applies `event` to the lease `id` and stores the outcome durably. Undefined when there is no
   * such lease. Safe against others doing the same: on a conflict the newer record is read and the
   * event applied to that.
   */
  async apply(id: string, event: LeaseEvent): Promise<Applied | undefined> {
    for (;;) {
      const found = await this.#find(id);
      if (found === undefined) return undefined;
      const outcome = transition(found.value, event, this.#clock.now());
      if (outcome.lease === found.value) return outcome;
      if (await this.#write(found, outcome.lease)) return outcome;
    }
  }

  /**
   * Takes the right to act on the lease until `until`. Undefined when another living node has it. A
   * lease on which nobody can act (ended, or only time ends it) is returned as it is.
   * If this process dies, the sweeper of any node finds the lease again at `until`.
   */
  async claim(id: string, until: Millis): Promise<Lease | undefined> {
    for (;;) {
      const found = await this.#find(id);
      if (found === undefined || hasEnded(found.value.state) || found.value.strength !== 'deletes') return found?.value;
      if (this.#heldByAnother(found.value)) return undefined;
      const claimed = { ...found.value, claim: { node: this.#node, until }, dueAt: until };
      if (await this.#write(found, claimed)) return claimed;
    }
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

  /** Things due up to `until`, earliest first, beginning after `after`. */
  async dueUntil(until: Millis, limit: number, after?: Due): Promise<readonly Due[]> {
    const from = after === undefined ? '' : `${dueKey(after).slice('due/'.length)}\0`;
    const keys = await this.#barrier.keys('due/', limit, from, `${timeText(until)}/\x7f`);
    return keys.map(parseDueKey);
  }

  /** The next due time, or undefined when nothing waits. */
  async nextDue(): Promise<Millis | undefined> {
    const [key] = await this.#barrier.keys('due/', 1);
    return key === undefined ? undefined : parseDueKey(key).at;
  }

  /** Removes the due mark of a thing that no longer asks for it. */
  async dropDue(due: Due): Promise<void> {
    await this.#barrier.commit([{ key: dueKey(due), value: undefined }]);
  }

  /** Forgets the record of a lease that has ended, with its mark; any other lease stays. */
  async forgetEnded(due: Due): Promise<void> {
    const changes = [leaseKey('past', due.id), dueKey(due)].map((key) => ({ key, value: undefined }));
    await this.#barrier.commit(changes);
  }

  /** Ids of grants that never came to an end: after a start of the only node, grants that died with it. */
  async unfinishedGrants(): Promise<readonly string[]> {
    return this.#ids(`lease/granting/`, '');
  }

  /** Ids of leases that Vault's API knows, and of grants under way, beginning with `prefix`. */
  async withPrefix(prefix: string): Promise<readonly string[]> {
    const granting = await this.#ids('lease/granting/', prefix);
    return [...new Set([...granting, ...(await this.#ids('lease/live/', prefix))])];
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

  /** Up to `limit` records of each shelf, for people. */
  async records(limit: number): Promise<readonly Lease[]> {
    const found = await Promise.all(shelves.map((shelf) => this.#barrier.scan<Lease>(`lease/${shelf}/`, limit)));
    return found.flat().map(({ value }) => value);
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
    const marks = [this.#markOf(before), this.#markOf(next)] as const;
    return [...changes, ...moved(...marks), ...tokenChanges(before, next), ...mountChanges(before, next)];
  }

  #markOf(lease: Lease | undefined): string | undefined {
    if (lease === undefined) return undefined;
    const { id, dueAt, state } = lease;
    if (dueAt !== null) return dueKey({ at: dueAt, kind: 'lease', id });
    const endedAt = lease.steps.at(-1)?.at ?? lease.expiresAt;
    return hasEnded(state) ? dueKey({ at: endedAt + this.#keepEnded, kind: 'past', id }) : undefined;
  }

  async #ids(prefix: string, rest: string): Promise<readonly string[]> {
    const page = 1000;
    const ids: string[] = [];
    for (let from = rest; ;) {
      const keys = await this.#barrier.keys(prefix, page, from, `${rest}\x7f`);
      ids.push(...keys.map((key) => key.slice(prefix.length)));
      if (keys.length < page) return ids;
      from = `${ids.at(-1)!}\0`;
    }
  }

  async #find(id: string): Promise<Stored<Lease> | undefined> {
    for (const shelf of searchOrder) {
      const found = await this.#barrier.get<Lease>(leaseKey(shelf, id));
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Replaces the key `old` by the key `next`, both without a value. */
function moved(old: string | undefined, next: string | undefined): readonly Change[] {
  if (old === next) return [];
  return [
    ...(old === undefined ? [] : [{ key: old, value: undefined }]),
    ...(next === undefined ? [] : [{ key: next, value: null }]),
  ];
}

function mountChanges(before: Lease | undefined, next: Lease | undefined): readonly Change[] {
  const [old, key] = [before, next].map((lease) =>
    lease === undefined || hasEnded(lease.state) ? undefined : `mount-lease/${lease.mountId}/${lease.id}`,
  );
  return moved(old, key);
}

function tokenChanges(before: Lease | undefined, next: Lease | undefined): readonly Change[] {
  const held = (lease: Lease | undefined): boolean =>
    lease !== undefined && (lease.state === 'granting' || isKnownToVault(lease));
  if (held(before) === held(next)) return [];
  const { tokenName, id } = (before ?? next)!;
  return [{ key: `token-lease/${tokenName}/${id}`, value: held(next) ? null : undefined }];
}
