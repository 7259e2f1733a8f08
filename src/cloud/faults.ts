// Faults on order: a named call, before or after it takes effect, errs, hangs, is slow or throttled. Promises: a
// hang ends when the client goes or the server stops, and no timer outlives either.
import { randomText, type Clock, type Random } from '../base/index.ts';
import { awsFailure } from './failures.ts';
import { Buckets, throttled, type Throttle } from './throttle.ts';

export type FaultEffect =
  | { readonly error: { readonly code: string; readonly status: number; readonly message: string } }
  | { readonly hang: true }
  | { readonly throttle: Throttle }
  | { readonly delayMs: number };

/** An order. The call it is for is counted from 1 when the order is given; it strikes calls `nth` to `nth + count - 1`. */
export interface FaultOrder {
  readonly service: string;
  /** `*` for every operation of the service. */
  readonly operation: string;
  readonly account?: string | undefined;
  readonly nth: number;
  readonly count: number;
  /**
   * `before`: nothing of the call happens. `after`: the call succeeded and its changes stay, but the
   * client learns otherwise; calls that fail by themselves are not counted.
   */
  readonly when: 'before' | 'after';
  readonly effect: FaultEffect;
}

export interface FaultPoint {
  readonly service: string;
  readonly operation: string;
  readonly account: string;
  readonly when: 'before' | 'after';
}

interface Armed {
  readonly id: string;
  readonly order: FaultOrder;
  /** Of a throttle. */
  readonly buckets: Buckets | undefined;
  seen: number;
}

/** Thrown where a call hangs, once its client has gone: there is nobody to answer. */
export const clientGone: unique symbol = Symbol('client gone');

export class Faults {
  readonly #random: Random;
  /** Emulated time, by which buckets fill. */
  readonly #clock: Clock;
  #armed: Armed[] = [];

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  /** Arms a fault; returns its id. */
  add(order: FaultOrder): string {
    const id = `fault-${randomText(this.#random, 12)}`;
    const { effect } = order;
    const buckets = 'throttle' in effect ? new Buckets(effect.throttle) : undefined;
    this.#armed.push({ id, order, buckets, seen: 0 });
    return id;
  }

  /** Disarms one fault, or all; false when there is none of that id. Calls that hang already stay so. */
  remove(id?: string): boolean {
    const before = this.#armed.length;
    this.#armed = id === undefined ? [] : this.#armed.filter((fault) => fault.id !== id);
    return id === undefined || this.#armed.length < before;
  }

  /** Every fault that is ordered, and how many calls it has counted. */
  list(): readonly object[] {
    return this.#armed.map(({ id, seen, order: { effect, ...order } }) => ({ id, ...order, ...effect, seen }));
  }

  get isEmpty(): boolean {
    return this.#armed.length === 0;
  }

  /**
   * Counts the call at `point`; the first fault whose turn it is strikes. Returns its id, or undefined.
   * @throws what an `error` fault or a throttle says, through `onStrike` first; `clientGone` when `gone` aborted meanwhile.
   */
  async pass(point: FaultPoint, gone: AbortSignal, onStrike: (id: string) => void): Promise<void> {
    const fault = this.#next(point);
    if (fault === undefined) return;
    onStrike(fault.id);
    const { effect } = fault.order;
    if ('error' in effect) throw awsFailure(effect.error.code, effect.error.message, { status: effect.error.status });
    if ('throttle' in effect) throw throttled(point.service);
    await pause('hang' in effect ? undefined : effect.delayMs, gone);
  }

  #next(point: FaultPoint): Armed | undefined {
    let striking: Armed | undefined;
    for (const fault of this.#armed) {
      if (!concerns(fault.order, point)) continue;
      fault.seen += 1;
      const turn = fault.seen - fault.order.nth;
      // Every call takes its token, also when another fault strikes it.
      if (fault.buckets?.take(point.account, this.#clock.now()) === true) continue;
      if (turn >= 0 && turn < fault.order.count) striking ??= fault;
    }
    return striking;
  }
}

function concerns(order: FaultOrder, point: FaultPoint): boolean {
  return (
    order.when === point.when &&
    order.service === point.service &&
    (order.operation === '*' || order.operation === point.operation) &&
    (order.account === undefined || order.account === point.account)
  );
}

/** Waits `ms`, or for ever. Real time: clients' time limits are real. */
function pause(ms: number | undefined, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // oxlint-disable-next-line typescript/prefer-promise-reject-errors
    const leave = () => (clearTimeout(timer), reject(clientGone));
    const timer =
      ms === undefined ? undefined : setTimeout(() => (gone.removeEventListener('abort', leave), resolve()), ms);
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
  });
}
