// The last so many of something, by a number that only grows.

/** Keeps the newest `limit` items; older ones are forgotten. */
export class Ring<Item> {
  readonly #limit: number;
  readonly #items: Item[] = [];
  #next = 1;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The sequence number of the item that comes next; the first is 1. */
  get next(): number {
    return this.#next;
  }

  push(item: Item): void {
    this.#items[this.#next % this.#limit] = item;
    this.#next += 1;
  }

  /** The items after sequence number `after` that are still kept, oldest first, at most `limit`. */
  after(after: number, limit: number): Item[] {
    const oldest = Math.max(1, this.#next - this.#limit);
    const items: Item[] = [];
    for (let seq = Math.max(after + 1, oldest); seq < this.#next && items.length < limit; seq++) {
      items.push(this.#items[seq % this.#limit]!);
    }
    return items;
  }

  clear(): void {
    this.#items.length = 0;
    this.#next = 1;
  }
}
