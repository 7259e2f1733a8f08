// Which shards of the due times this node sweeps. Nodes share them out by compare-and-set: each tells that it
// lives, keeps its fair part, gives back what is too much, and takes over what nobody holds any more.
// Sharing out only saves work: that no two nodes act on one lease is the leases' own claim.
import type { Clock, Millis } from '../base/index.ts';
import type { Barrier, Change, Stored } from './barrier.ts';
import { shards, type Shard } from './due.ts';
import { absent } from './storage/store.ts';

/** How long a node is believed to live after it last told so. Longer than the sweeper's longest sleep. */
const heldMillis = 60_000;
/** How long an answer of the store is good for. */
const freshMillis = 20_000;

interface Hold {
  readonly node: string;
  readonly until: Millis;
}

export class ShardHolds {
  readonly #barrier: Barrier;
  readonly #clock: Clock;
  readonly #node: string;
  #seen: { readonly until: Millis; readonly mine: readonly Shard[] } | undefined;

  /** `node` names this process, freshly with every start. */
  constructor(barrier: Barrier, clock: Clock, node: string) {
    this.#barrier = barrier;
    this.#clock = clock;
    this.#node = node;
  }

  /** The shards that are this node's for now. To be asked before each sweep. */
  async mine(): Promise<readonly Shard[]> {
    // A hint that saves a write each minute: nobody else can be there to share with.
    if (this.#barrier.exclusive) return shards;
    const now = this.#clock.now();
    if (this.#seen === undefined || this.#seen.until <= now) {
      this.#seen = { mine: await this.#share(), until: now + freshMillis };
    }
    return this.#seen.mine;
  }

  async #share(): Promise<readonly Shard[]> {
    await this.#tellAlive();
    const held = await this.#barrier.scan<Hold>('sweep/shard/', shards.length);
    const most = Math.ceil(shards.length / (await this.#livingNodes()));
    const own = held.filter(({ value }) => value.node === this.#node);
    const kept = await this.#renewed(own.slice(0, most));
    await Promise.all(own.slice(most).map((found) => this.#write(found.key, found, undefined)));
    const taken = held.filter(({ value }) => value.node === this.#node || value.until > this.#clock.now());
    const free = shards.filter((shard) => !taken.some(({ key }) => key === keyOf(shard)));
    return [...kept, ...(await this.#taken(free, held, most - kept.length))];
  }

  /** Gives everything back, so that others need not wait for this node's time to be over. */
  async release(): Promise<void> {
    if (this.#barrier.exclusive) return;
    this.#seen = undefined;
    const held = await this.#barrier.scan<Hold>('sweep/shard/', shards.length);
    const own = held.filter(({ value }) => value.node === this.#node);
    await Promise.all(own.map((found) => this.#write(found.key, found, undefined)));
    await this.#barrier.commit([{ key: `sweep/node/${this.#node}`, value: undefined }]);
  }

  #hold(): Hold {
    return { node: this.#node, until: this.#clock.now() + heldMillis };
  }

  async #tellAlive(): Promise<void> {
    await this.#barrier.commit([{ key: `sweep/node/${this.#node}`, value: this.#hold() }]);
  }

  async #livingNodes(): Promise<number> {
    const nodes = await this.#barrier.scan<Hold>('sweep/node/', 1000);
    const gone = nodes.filter(({ value }) => value.until <= this.#clock.now());
    await Promise.all(gone.map((found) => this.#write(found.key, found, undefined)));
    return Math.max(1, nodes.length - gone.length);
  }

  async #renewed(own: readonly Stored<Hold>[]): Promise<readonly Shard[]> {
    const kept = await Promise.all(own.map((found) => this.#write(found.key, found, this.#hold())));
    return own.filter((_, index) => kept[index]).map(({ key }) => shardOfKey(key));
  }

  async #taken(free: readonly Shard[], held: readonly Stored<Hold>[], most: number): Promise<readonly Shard[]> {
    const wanted = free.slice(0, Math.max(0, most));
    const won = await Promise.all(
      wanted.map((shard) => {
        const key = keyOf(shard);
        return this.#write(
          key,
          held.find((found) => found.key === key),
          this.#hold(),
        );
      }),
    );
    return wanted.filter((_, index) => won[index]);
  }

  #write(key: string, found: Stored<Hold> | undefined, value: Hold | undefined): Promise<boolean> {
    const change: Change = { key, value, expect: found?.version ?? absent };
    return this.#barrier.commit([change]);
  }
}

function keyOf(shard: Shard): string {
  return `sweep/shard/${shard}`;
}

function shardOfKey(key: string): Shard {
  return key.slice('sweep/shard/'.length) as Shard;
}
