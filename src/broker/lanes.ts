// Work in parallel under bounds: a lane for each thing that bears only so much at once, such as one account's IAM.
// A lane runs at the pace its far end bears: halved when that throttles, recovering while it does not.
import { systemClock, type Clock, type Millis } from '../base/index.ts';
import { Bucket, type Sleep } from '../aws/index.ts';

export interface LaneRules {
  /** Pieces of work of one lane at a time. */
  readonly atOnce: number;
  /** Pieces of work of one lane a second until it is throttled. */
  readonly perSecond: number;
}

interface Lane {
  readonly bucket: Bucket;
  readonly queue: (() => void)[];
  running: number;
  /** Work that began before is no news of how much is borne now. */
  slowedAt: Millis;
  averageMillis: number;
}

/** What a piece of work may tell of the far end. */
export interface LaneReport {
  throttled(): void;
  borne(): void;
}

export class Lanes {
  readonly #rules: LaneRules;
  /** Real time: the pace is that of a far end whose time nobody moves. */
  readonly #clock: Clock;
  readonly #lanes = new Map<string, Lane>();
  readonly #ends = new AbortController();

  constructor(rules: LaneRules, clock: Clock = systemClock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /**
   * Does `work` when it is its turn in the lane; the first to come is the first to go. Rejects without
   * having done it when the lanes are closed before.
   */
  async run<T>(name: string, work: (report: LaneReport) => Promise<T>): Promise<T> {
    const lane = this.#lane(name);
    if (lane.running >= this.#rules.atOnce) await new Promise<void>((resolve) => lane.queue.push(resolve));
    else lane.running++;
    try {
      await lane.bucket.take(this.#ends.signal);
      if (this.#ends.signal.aborted) throw new Error('the lanes are closed');
      return await this.#timed(lane, work);
    } finally {
      const next = lane.queue.shift();
      if (next === undefined) lane.running--;
      else next();
    }
  }

  async #timed<T>(lane: Lane, work: (report: LaneReport) => Promise<T>): Promise<T> {
    const began = this.#clock.now();
    const report: LaneReport = {
      throttled: () => {
        if (began <= lane.slowedAt) return;
        lane.slowedAt = this.#clock.now();
        lane.bucket.throttled();
      },
      borne: () => lane.bucket.succeeded(),
    };
    try {
      return await work(report);
    } finally {
      lane.averageMillis += (this.#clock.now() - began - lane.averageMillis) / 8;
    }
  }

  /** How many wait for their turn. */
  waiting(name: string): number {
    return this.#lanes.get(name)?.queue.length ?? 0;
  }

  /** About how long somebody who comes now would wait. */
  waitMillis(name: string): Millis {
    const lane = this.#lanes.get(name);
    if (lane === undefined) return 0;
    const each = Math.max(1000 / lane.bucket.rate, lane.averageMillis / this.#rules.atOnce);
    return Math.ceil(lane.queue.length * each);
  }

  /** Whoever waits for a turn is sent away; what runs is left to end. */
  stop(): void {
    this.#ends.abort();
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const bucket = new Bucket(this.#rules.perSecond, this.#clock, pause);
    const lane: Lane = { bucket, queue: [], running: 0, slowedAt: 0, averageMillis: 0 };
    this.#lanes.set(name, lane);
    return lane;
  }
}

const pause: Sleep = (millis, signal) =>
  new Promise((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer);
      reject(new Error('no more waiting'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', leave);
      resolve();
    }, millis);
    timer.unref();
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
  });

/** Does `work` for each of `items`, at most `atOnce` at a time. The first failure rejects, after all have been tried. */
export async function forEachAtOnce<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++]!).catch((error: unknown) => failures.push(error));
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) throw failures[0];
}
