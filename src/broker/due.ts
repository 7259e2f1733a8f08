// Due times, the only timer there is: what is to be looked at and when, in time order. They lie on a number
// of shards, so that many nodes may each sweep some (shards.ts) and writes do not all go to one place.
import type { Millis } from '../base/index.ts';
import { mark, type Barrier } from './barrier.ts';

/* oxfmt-ignore */
export const shards = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'] as const;
export type Shard = (typeof shards)[number];

/** A thing whose time has come. */
export interface Due {
  readonly at: Millis;
  /** `past`: the record of a lease that ended long ago is to be forgotten; `mount`: a backend asked for it. */
  readonly kind: 'lease' | 'token' | 'past' | 'mount';
  readonly id: string;
}

/** Key under which the sweeper finds a thing at its time. */
export function dueKey(due: Due): string {
  return `due/${shardOf(due)}/${restOf(due)}`;
}

function restOf({ at, kind, id }: Due): string {
  return `${timeText(at)}/${kind}/${id}`;
}

function timeText(at: Millis): string {
  return String(Math.max(0, Math.ceil(at))).padStart(15, '0');
}

// FNV-1a: spreads well, and every node of any version must come to the same shard.
function shardOf({ kind, id }: Due): Shard {
  let hash = 0x811c9dc5;
  for (const character of `${kind}/${id}`) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return shards[(hash >>> 16) % shards.length]!;
}

function parseRest(rest: string): Due {
  const [at, kind, ...id] = rest.split('/');
  return { at: Number(at), kind: kind as Due['kind'], id: id.join('/') };
}

export class DueTimes {
  readonly #barrier: Barrier;

  constructor(barrier: Barrier) {
    this.#barrier = barrier;
  }

  /** Things of a shard due up to `until`, earliest first, beginning after `after`. */
  async upTo(shard: Shard, until: Millis, limit: number, after?: Due): Promise<readonly Due[]> {
    const prefix = `due/${shard}/`;
    const from = after === undefined ? '' : `${restOf(after)}\0`;
    const keys = await this.#barrier.keys(prefix, limit, from, `${timeText(until)}/\x7f`);
    return keys.map((key) => parseRest(key.slice(prefix.length)));
  }

  /** The earliest time after `now` at which something of these shards is due. */
  async next(of: readonly Shard[], now: Millis): Promise<Millis | undefined> {
    let earliest: Millis | undefined;
    for (const shard of of) {
      const prefix = `due/${shard}/`;
      const [key] = await this.#barrier.keys(prefix, 1, `${timeText(now)}/\x7f`);
      if (key === undefined) continue;
      const { at } = parseRest(key.slice(prefix.length));
      earliest = Math.min(at, earliest ?? at);
    }
    return earliest;
  }

  /** Removes the mark of a thing that no longer asks for it. */
  async drop(due: Due): Promise<void> {
    await this.#barrier.commit([{ key: dueKey(due), value: undefined }]);
  }

  /** Puts the marks of a store from before there were shards onto theirs. Repeatable; one look when there are none. */
  async upgrade(): Promise<void> {
    for (;;) {
      const keys = await this.#barrier.keys('due/', 500, '0', ':');
      if (keys.length === 0) return;
      const changes = keys.flatMap((key) => [
        { key, value: undefined },
        { key: dueKey(parseRest(key.slice('due/'.length))), value: mark },
      ]);
      await this.#barrier.commit(changes);
    }
  }
}
