// A bounded memory of what is used over and over.

/**
 * Keeps values by name until others that were used later fill its place. There are two generations: what is found in
 * the older one moves to the younger, and a full younger one takes the older one's place. So a hit costs one look-up,
 * where an exact order would cost a removal and an insertion.
 */
export class Recent<V extends object | string> {
  readonly #mostEach: number;
  readonly #sizeOf: (value: V) => number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();
  #youngSize = 0;

  /** `most` is the sum of the sizes of what is kept; a value counts 1 unless `sizeOf` says otherwise. */
  constructor(most: number, sizeOf: (value: V) => number = () => 1) {
    this.#mostEach = most / 2;
    this.#sizeOf = sizeOf;
  }

  get(name: string): V | undefined {
    const young = this.#young.get(name);
    if (young !== undefined) return young;
    const old = this.#old.get(name);
    if (old === undefined) return undefined;
    this.#old.delete(name);
    this.#add(name, old);
    return old;
  }

  set(name: string, value: V): void {
    this.delete(name);
    this.#add(name, value);
  }

  delete(name: string): void {
    const young = this.#young.get(name);
    if (young === undefined) {
      this.#old.delete(name);
      return;
    }
    this.#young.delete(name);
    this.#youngSize -= this.#sizeOf(young);
  }

  clear(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngSize = 0;
  }

  #add(name: string, value: V): void {
    const size = this.#sizeOf(value);
    if (this.#youngSize + size > this.#mostEach) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngSize = 0;
    }
    this.#young.set(name, value);
    this.#youngSize += size;
  }
}
