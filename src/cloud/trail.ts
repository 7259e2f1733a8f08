// What CloudTrail keeps of calls: management events of every account and region, the newest of them.
// SECURITY: parameters and answers come in here already shown by `trail-parameters.ts`, which leaves
// secrets out; nothing that signs is kept.
import type { Millis } from '../base/index.ts';
import type { Principal } from '../policy/index.ts';
import type { ServiceId } from './call.ts';
import type { Session } from './credential.ts';

/** What is known of the caller's temporary credentials. */
export type TrailSession = Pick<Session, 'issuedAt' | 'mfaAt' | 'sourceIdentity' | 'instanceId' | 'federatedProvider'>;

/** One call as one account may see it. */
export interface TrailEvent {
  /** Grows by one with each event of all histories. */
  readonly seq: number;
  /** Emulated. */
  readonly at: Millis;
  /** The account whose history it is in. */
  readonly account: string;
  readonly region: string;
  readonly service: ServiceId;
  readonly operation: string;
  readonly requestId: string;
  readonly principal: Principal;
  readonly accessKeyId?: string | undefined;
  readonly session?: TrailSession | undefined;
  readonly sourceIp: string;
  readonly userAgent: string;
  readonly host: string;
  readonly secure: boolean;
  /** The first resource that the call needed a permission for, and whose it is. */
  readonly resource?: { readonly arn: string; readonly account: string } | undefined;
  readonly error?: { readonly code: string; readonly message: string } | undefined;
  readonly parameters: object | null;
  readonly answer: object | null;
  /** A call of one account on a resource of another, which is in both histories. */
  readonly shared: boolean;
}

/** Events kept over all accounts; older ones are forgotten. */
const kept = 10_000;

/** A queue: `shift` of an array of thousands takes longer than the whole rest of an event. */
class Queue<Item> {
  #items: (Item | undefined)[] = [];
  /** Items before it are gone. */
  #first = 0;

  get size(): number {
    return this.#items.length - this.#first;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    // What is gone must not be held until the next tidying: there are thousands of queues.
    this.#items[this.#first] = undefined;
    this.#first += 1;
    if (this.#first > 1000 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  *newest(): Generator<Item> {
    for (let index = this.#items.length - 1; index >= this.#first; index--) yield this.#items[index]!;
  }
}

/** The newest events, in one history per account and region. */
export class Trail {
  readonly #histories = new Map<string, Queue<TrailEvent>>();
  /** The history of each kept event, oldest first. */
  #order = new Queue<Queue<TrailEvent>>();
  #seq = 0;

  record(told: Omit<TrailEvent, 'seq'>): void {
    const event = { ...told, seq: (this.#seq += 1) };
    const place = `${event.account}/${event.region}`;
    let history = this.#histories.get(place);
    if (history === undefined) this.#histories.set(place, (history = new Queue()));
    history.push(event);
    this.#order.push(history);
    if (this.#order.size > kept) this.#forgetOldest();
  }

  /** A history is in the order of its events, so its first is the oldest of all. */
  #forgetOldest(): void {
    const history = this.#order.shift()!;
    const { account, region } = history.shift()!;
    // A caller may name any number of regions.
    if (history.size === 0) this.#histories.delete(`${account}/${region}`);
  }

  /** Newest first, in the order in which calls ended. Cost does not grow with other histories. */
  newest(account: string, region: string): Iterable<TrailEvent> {
    return this.#histories.get(`${account}/${region}`)?.newest() ?? [];
  }

  clear(): void {
    this.#histories.clear();
    this.#order = new Queue();
  }
}
