// The life of a server: sealed, it knows no key and answers only how it is; unsealed, everything else runs.
import type { Random, Secret } from '../base/index.ts';
import { Barrier } from './barrier.ts';
import type { Services } from './services.ts';
import type { Store } from './storage/store.ts';

export interface LifecycleParts {
  readonly store: Store;
  readonly random: Random;
  /** Starts everything that needs an open barrier. */
  readonly open: (barrier: Barrier) => Promise<Services>;
}

export class Lifecycle {
  readonly #parts: LifecycleParts;
  #services: Services | undefined;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
  }

  /** Undefined while the server is sealed. */
  get services(): Services | undefined {
    return this.#services;
  }

  /** Opens the barrier with the seal's key and starts what runs behind it. @throws Failure `store-tampered`. */
  async unseal(sealKey: Secret): Promise<Services> {
    const { store, random, open } = this.#parts;
    this.#services ??= await open(await Barrier.open(store, sealKey, random));
    return this.#services;
  }

  /** Finishes what runs and forgets the keys. */
  async seal(): Promise<void> {
    const services = this.#services;
    this.#services = undefined;
    await services?.stop();
  }
}
