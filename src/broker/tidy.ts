// Tidying: what a crash or a damaged store may have left of tokens that are gone. Nothing of it can
// be used; it only takes room. Runs beside the requests, one run of a kind at a time.
import type { Barrier, Stored } from './barrier.ts';
import type { Ledger } from './ledger.ts';
import type { Lending } from './lending.ts';
import type { Log } from './log.ts';
import type { Tokens } from './tokens.ts';

export interface TidyParts {
  readonly barrier: Barrier;
  readonly tokens: Tokens;
  readonly ledger: Ledger;
  readonly lending: Lending;
  readonly log: Log;
}

type Kind = 'tokens' | 'leases';

const pageSize = 500;

export class Tidy {
  readonly #parts: TidyParts;
  readonly #running = new Map<Kind, Promise<void>>();
  #stopped = false;

  constructor(parts: TidyParts) {
    this.#parts = parts;
  }

  /** Begins a run; false when one of this kind is under way. What it did is logged. */
  start(kind: Kind): boolean {
    if (this.#stopped || this.#running.has(kind)) return false;
    const run = this.#run(kind).finally(() => this.#running.delete(kind));
    this.#running.set(kind, run);
    return true;
  }

  /** Begins no more; resolves when the runs under way have stopped. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.idle();
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async #run(kind: Kind): Promise<void> {
    const { log } = this.#parts;
    try {
      const removed = kind === 'tokens' ? await this.#tidyTokens() : await this.#tidyLeases();
      log({ level: 'info', event: 'tidy.done', kind, removed });
    } catch (error) {
      log({ level: 'error', event: 'tidy.failed', kind, error: error instanceof Error ? error.message : 'unknown' });
    }
  }

  async #tidyTokens(): Promise<number> {
    const { barrier } = this.#parts;
    let removed = 0;
    for await (const { key, value } of this.#entries<string>('accessor/')) removed += await this.#drop(key, value);
    for (const folder of ['token-child/', 'token-path/', 'mount-token/']) {
      for await (const { key } of this.#entries(folder)) removed += await this.#drop(key, nameIn(key));
    }
    for (const folder of await barrier.list('cubbyhole/')) {
      const name = folder.replace(/\/$/, '');
      if (this.#stopped || (await this.#lives(name))) continue;
      await this.#parts.tokens.forget(name);
      removed++;
    }
    return removed;
  }

  /** Ends what was lent to tokens that are gone; what was lent to a batch token ends by its own time. */
  async #tidyLeases(): Promise<number> {
    const { barrier, ledger, lending } = this.#parts;
    let removed = 0;
    for (const folder of await barrier.list('token-lease/')) {
      const name = folder.replace(/\/$/, '');
      if (this.#stopped || (await this.#lives(name))) continue;
      for (const id of await ledger.ofToken(name)) {
        if ((await ledger.find(id))?.latestAt !== undefined) continue;
        await lending.startEnd(id);
        removed++;
      }
    }
    return removed;
  }

  async #drop(key: string, name: string): Promise<number> {
    if (this.#stopped || (await this.#lives(name))) return 0;
    await this.#parts.barrier.commit([{ key, value: undefined }]);
    return 1;
  }

  async #lives(name: string): Promise<boolean> {
    return (await this.#parts.barrier.keys(`token/${name}`, 1, '', '\0')).length > 0;
  }

  async *#entries<T>(prefix: string): AsyncGenerator<Stored<T>> {
    let after: string | undefined;
    for (;;) {
      const page = await this.#parts.barrier.scan<T>(prefix, pageSize, after);
      yield* page;
      if (page.length < pageSize || this.#stopped) return;
      after = page.at(-1)!.key;
    }
  }
}

/** The token named at the end of an index key, after an `h` where it is a lease's. */
function nameIn(key: string): string {
  return key.slice(-64);
}
