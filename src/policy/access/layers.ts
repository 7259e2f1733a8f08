// Contexts laid over one another without being copied: a question about ten thousand roles makes as many contexts.
import type { Context } from '../types.ts';

type Value = string | readonly string[];

/** Several contexts as one; a key counts as the first of them has it. */
export class Layers implements ReadonlyMap<string, Value> {
  readonly #layers: readonly Context[];

  constructor(layers: readonly Context[]) {
    this.#layers = layers;
  }

  get(key: string): Value | undefined {
    for (const layer of this.#layers) {
      const value = layer.get(key);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get size(): number {
    return this.#merged().size;
  }

  forEach(callback: (value: Value, key: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [key, value] of this) callback(value, key, this);
  }

  entries(): MapIterator<[string, Value]> {
    return this.#merged().entries();
  }

  keys(): MapIterator<string> {
    return this.#merged().keys();
  }

  values(): MapIterator<Value> {
    return this.#merged().values();
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries();
  }

  #merged(): Map<string, Value> {
    return new Map(this.#layers.toReversed().flatMap((layer) => [...layer]));
  }
}
