// Which codes were sent, so that none is sent twice: not by this process, and not by another one that asks the same
// device in the same half minute. Kept as salted hashes in a file of one's own, for as long as AWS might take a code.
import type { Clock, Millis, Secret } from '../base/index.ts';
import { isFailure } from '../base/index.ts';
import { takeLock } from './lock.ts';
import { makeOwnFolder, replaceFile } from './own-files.ts';

const fs = process.getBuiltinModule('node:fs');

/** A code is shown for 30 s; AWS takes it a little earlier and later, for clocks that are not quite right. */
const remembered: Millis = 180_000;
const saltBytes = 16;

interface Spent {
  readonly salt: string;
  readonly codes: readonly { readonly hash: string; readonly at: Millis }[];
}

function digest(...parts: readonly string[]): string {
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(parts.join('\0')).digest('hex');
}

function isSpent(value: unknown): value is Spent {
  const { salt, codes } = (value ?? {}) as Partial<Spent>;
  return (
    typeof salt === 'string' &&
    Array.isArray(codes) &&
    codes.every((code) => typeof code?.hash === 'string' && typeof code.at === 'number')
  );
}

/** The codes that were sent from this home. Without a folder it remembers for this process only. */
export class MfaMemory {
  readonly #folder: string | undefined;
  readonly #clock: Clock;
  readonly #wait: (millis: Millis) => Promise<void>;
  readonly #own = new Map<string, Spent>();

  constructor(folder: string | undefined, clock: Clock, wait: (millis: Millis) => Promise<void>) {
    this.#folder = folder;
    this.#clock = clock;
    this.#wait = wait;
  }

  /** True for exactly one caller, of any process, until AWS would not take the code any more. */
  claim(serial: string, code: Secret): Promise<boolean> {
    return this.#change(serial, ({ salt, codes }) => {
      const hash = digest(salt, serial, code.reveal());
      if (codes.some((one) => one.hash === hash)) return undefined;
      return { salt, codes: [...codes, { hash, at: this.#clock.now() }] };
    });
  }

  /** Takes a claim back: the code did not get to AWS. */
  async release(serial: string, code: Secret): Promise<void> {
    await this.#change(serial, ({ salt, codes }) => {
      const hash = digest(salt, serial, code.reveal());
      return { salt, codes: codes.filter((one) => one.hash !== hash) };
    });
  }

  /** Applies a change under the device's lock; false when there is none to make. */
  async #change(serial: string, change: (spent: Spent) => Spent | undefined): Promise<boolean> {
    const name = digest(serial).slice(0, 32);
    const release = await this.#lock(name);
    try {
      const next = change(this.#read(name));
      if (next === undefined) return false;
      this.#own.set(name, next);
      this.#write(name, next);
      return true;
    } finally {
      release?.();
    }
  }

  /** Undefined where nothing can be written: then this process remembers for itself. */
  async #lock(name: string): Promise<(() => void) | undefined> {
    if (this.#folder === undefined) return undefined;
    try {
      makeOwnFolder(this.#folder);
      return await takeLock(`${this.#folder}/${name}.lock`, { wait: this.#wait, onBusy: () => undefined });
    } catch (error) {
      if (isFailure(error)) throw error;
      return undefined;
    }
  }

  #read(name: string): Spent {
    const now = this.#clock.now();
    const { salt, codes } = this.#stored(name) ?? { salt: this.#newSalt(), codes: [] };
    // A time that is ahead is of a clock that was set back since; the code is as spent as any.
    return { salt, codes: codes.filter(({ at }) => now - at < remembered) };
  }

  #stored(name: string): Spent | undefined {
    try {
      const value: unknown = JSON.parse(fs.readFileSync(`${this.#folder}/${name}.json`, 'utf8'));
      if (isSpent(value)) return value;
    } catch {
      // None yet, or damaged: what this process knows is what there is.
    }
    return this.#own.get(name);
  }

  #newSalt(): string {
    return process.getBuiltinModule('node:crypto').randomBytes(saltBytes).toString('hex');
  }

  #write(name: string, spent: Spent): void {
    if (this.#folder === undefined) return;
    const file = `${this.#folder}/${name}.json`;
    try {
      replaceFile(file, `${JSON.stringify(spent)}\n`);
    } catch {
      // A full or read-only disk: this process still remembers.
    }
  }
}
