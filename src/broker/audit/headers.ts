// Which request headers audit records, kept in the store.
import type { Barrier } from '../barrier.ts';

const key = 'core/audit/headers';

/** By lower-case name; true: as a hash. */
type Headers = Readonly<Record<string, boolean>>;

export class AuditHeaders {
  readonly #barrier: Barrier;
  all: Headers;

  private constructor(barrier: Barrier, all: Headers) {
    this.#barrier = barrier;
    this.all = all;
  }

  static async open(barrier: Barrier): Promise<AuditHeaders> {
    return new AuditHeaders(barrier, (await barrier.get<Headers>(key))?.value ?? {});
  }

  set(name: string, hashed: boolean): Promise<void> {
    return this.#change((before) => ({ ...before, [name.toLowerCase()]: hashed }));
  }

  remove(name: string): Promise<void> {
    const other = ([each]: readonly [string, boolean]): boolean => each !== name.toLowerCase();
    return this.#change((before) => Object.fromEntries(Object.entries(before).filter(other)));
  }

  async #change(change: (before: Headers) => Headers): Promise<void> {
    for (;;) {
      const found = await this.#barrier.get<Headers>(key);
      const value = change(found?.value ?? {});
      const expect = found?.version ?? 'absent';
      if (!(await this.#barrier.commit([{ key, value, expect }]))) continue;
      this.all = value;
      return;
    }
  }
}
