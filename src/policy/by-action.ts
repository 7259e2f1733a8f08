// A table from action to whatever was found for it, filled as actions are asked. It is bounded, so a caller
// who asks for endless made-up actions costs time but no memory.

const mostActions = 4096;

export class ByAction<Value extends object> {
  readonly #held = new Map<string, Value>();
  readonly #find: (action: string) => Value;

  constructor(find: (action: string) => Value) {
    this.#find = find;
  }

  get(action: string): Value {
    const known = this.#held.get(action);
    if (known !== undefined) return known;
    if (this.#held.size >= mostActions) this.#held.clear();
    const found = this.#find(action);
    this.#held.set(action, found);
    return found;
  }
}
