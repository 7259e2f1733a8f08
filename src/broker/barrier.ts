// The barrier between the broker and its store: JSON values, encrypted with AES-256-GCM under a ring
// of keys before they reach storage. A reader of the store learns key names at most; a changed,
// moved or forged value is refused.
import { isFailure, type Clock, type Millis, type Random } from '../base/index.ts';
import { brokerFailure } from './failures.ts';
import { keyedHash } from './keyed-hash.ts';
import { OpenedValues } from './opened-values.ts';
import {
  activeTerm,
  isRotationDue,
  keysByTerm,
  readKeyRing,
  withNewTerm,
  type KeyRing,
  type RotationConfig,
} from './seal/key-ring.ts';
import { decryptRecord, encryptRecord, noTerm, termOf } from './seal/record.ts';
import { absent, prefixRange, type Condition, type Store, type Version, type Write } from './storage/store.ts';

export const keyRingPath = 'core/keyring';
/** The root key under the active term, so that a process with the former root key finds the present one. */
export const rootCopyPath = 'core/root';
const encryptionsPath = 'core/encryptions';
/** Encryptions are counted in memory and kept every so often: a kill loses fewer than these. */
const keepEvery = 10_000;

/** A decrypted entry. */
export interface Stored<T> {
  readonly key: string;
  readonly value: T;
  readonly version: Version;
}

/**
 * The value of a key that is only listed or waited for and never opened, such as a due time: nothing is in it to be
 * kept from readers or forgers, and it is not encrypted, which would cost 9 µs for each of the four of a grant.
 */
export const mark = Symbol('mark');
/** How a mark lies in the store. Shorter than any record, so that it cannot stand in for one. */
const markBytes = Uint8Array.of(0);

/** One write of a batch: `value: undefined` deletes; `expect` as in the storage contract. */
export interface Change {
  readonly key: string;
  readonly value: unknown;
  readonly expect?: Version;
}

export interface BarrierParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

export interface KeyStatus {
  readonly term: number;
  readonly installedAt: Millis;
  readonly encryptions: number;
}

interface Encryptions {
  readonly term: number;
  readonly count: number;
}

export class Barrier {
  /** A name for a text that tells nothing about it to a reader of the store (HMAC-SHA-256, hex). */
  readonly blindName: (text: string) => string;
  readonly #parts: BarrierParts;
  #rootKey: Uint8Array;
  #ring: KeyRing;
  #keys: ReadonlyMap<number, Buffer>;
  #opened = new OpenedValues();
  /** By the active term, as far as they were kept, and since then. */
  #keptEncryptions = 0;
  #newEncryptions = 0;
  #rotating: Promise<void> | undefined;
  #forgotten = false;

  private constructor(parts: BarrierParts, rootKey: Uint8Array, ring: KeyRing) {
    this.#parts = parts;
    this.#rootKey = rootKey;
    this.#ring = ring;
    this.#keys = keysByTerm(ring);
    this.blindName = keyedHash(Buffer.from(ring.nameKey, 'base64'));
  }

  /** Opens the barrier; undefined when the root key is not the one that encrypted the key ring. */
  static async open(parts: BarrierParts, rootKey: Uint8Array): Promise<Barrier | undefined> {
    const found = await parts.store.get(keyRingPath);
    const text = found === undefined ? undefined : decryptRecord(found.value, keyRingPath, rootKey);
    if (text === undefined) return undefined;
    const barrier = new Barrier(parts, rootKey, readKeyRing(text.toString(), parts.clock.now()));
    await barrier.#readEncryptions();
    return barrier;
  }

  get exclusive(): boolean {
    return this.#parts.store.exclusive;
  }

  /**
   * The value is frozen; `once` is for what is hardly read twice, or holds a secret that is not to stay in memory.
   * @throws Failure `store-tampered` when the value is not what this barrier wrote under this key.
   */
  async get<T>(key: string, reading: 'often' | 'once' = 'often'): Promise<Stored<T> | undefined> {
    const entry = await this.#parts.store.get(key);
    if (entry === undefined) return undefined;
    const { version } = entry;
    const opened = this.#opened.get(key, version);
    if (opened !== undefined) return { key, value: opened.value as T, version };
    if (this.#isOfNewTerm(entry.value)) await this.#reload();
    const value = this.#decode(entry.value, key) as T;
    if (reading === 'often') this.#opened.keep(key, version, value, entry.value.length);
    return { key, value, version };
  }

  /** The version of what lies under the key, which stays closed: a tenth of the cost of `get`. */
  async version(key: string): Promise<Version> {
    return (await this.#parts.store.get(key))?.version ?? absent;
  }

  /** Entries whose key begins with `prefix`, in key order, after the key `after`. */
  async scan<T>(prefix: string, limit: number, after?: string): Promise<readonly Stored<T>[]> {
    const entries = await this.#parts.store.scan(prefixRange(prefix, limit, after));
    if (entries.some(({ value }) => this.#isOfNewTerm(value))) await this.#reload();
    return entries.map(({ key, value, version }) => ({ key, value: this.#decode(value, key) as T, version }));
  }

  /** Keys from `prefix` + `from` up to (not including) `prefix` + `to`; values stay closed. */
  async keys(prefix: string, limit: number, from = '', to = '\x7f'): Promise<readonly string[]> {
    const entries = await this.#parts.store.scan({ from: `${prefix}${from}`, to: `${prefix}${to}`, limit });
    return entries.map(({ key }) => key);
  }

  /** Names directly below `prefix`, folders with a closing `/`; cost grows with the answer, not with what lies below. */
  async list(prefix: string): Promise<readonly string[]> {
    const names: string[] = [];
    let from = '';
    for (;;) {
      const [key] = await this.keys(prefix, 1, from);
      if (key === undefined) return names;
      const rest = key.slice(prefix.length);
      const slash = rest.indexOf('/');
      names.push(slash < 0 ? rest : rest.slice(0, slash + 1));
      // `0` is the character after `/`: the next key outside this folder.
      from = slash < 0 ? `${rest}\0` : `${rest.slice(0, slash)}0`;
    }
  }

  /**
   * All or nothing; false when an `expect` did not hold. Durable when resolved. What is `outside` is
   * written as it is, because it must be readable while the barrier is closed.
   */
  async commit(
    changes: readonly Change[],
    conditions: readonly Condition[] = [],
    outside: readonly Write[] = [],
  ): Promise<boolean> {
    if (this.#newEncryptions >= keepEvery) await this.#keepCount();
    if (this.#isRotationDue()) await this.rotateWhenDue();
    return this.#parts.store.commit([...outside, ...this.#encoded(changes)], conditions);
  }

  /** Of the active term. */
  keyStatus(): KeyStatus {
    this.#checkOpen();
    const encryptions = this.#keptEncryptions + this.#newEncryptions;
    return { term: this.#ring.active, installedAt: activeTerm(this.#ring).installedAt, encryptions };
  }

  get rotation(): RotationConfig {
    return this.#ring.rotation;
  }

  setRotation(rotation: RotationConfig): Promise<void> {
    return this.#changeRing((ring) => ({ ...ring, rotation }));
  }

  /** Adds a term, under which everything is encrypted from then on. */
  async rotate(): Promise<void> {
    this.#checkOpen();
    await this.#rotateFrom(this.#ring.active);
  }

  /** Rotates when the active term is worn out or old enough; of many at once, one does. */
  async rotateWhenDue(): Promise<void> {
    if (!this.#isRotationDue()) return;
    this.#rotating ??= this.#rotateFrom(this.#ring.active).finally(() => {
      this.#rotating = undefined;
    });
    await this.#rotating;
  }

  #isRotationDue(): boolean {
    return isRotationDue(this.#ring, this.#keptEncryptions + this.#newEncryptions, this.#parts.clock.now());
  }

  // Another process may have added a term meanwhile: then that is the new one.
  #rotateFrom(term: number): Promise<void> {
    const { clock, random } = this.#parts;
    return this.#changeRing((ring) => (ring.active === term ? withNewTerm(ring, random, clock.now()) : ring));
  }

  /** True when this is the key that opens the key ring. */
  isRootKey(key: Uint8Array): boolean {
    return key.length === this.#rootKey.length && Buffer.from(key).equals(this.#rootKey);
  }

  /**
   * Encrypts the key ring under another root key, in one batch with `outside`, which stays as it is
   * given, and `changes`.
   */
  async replaceRootKey(rootKey: Uint8Array, outside: readonly Write[], changes: readonly Change[] = []): Promise<void> {
    const copy = { key: rootCopyPath, value: Buffer.from(rootKey).toString('base64') };
    await this.#changeRing(
      (ring) => ring,
      rootKey,
      () => [...outside, ...this.#encoded([copy, ...changes])],
    );
  }

  /** Encrypts a text that belongs to the whole store, to prove that its root key was there. */
  sealText(text: string, path: string): Uint8Array {
    this.#checkOpen();
    return encryptRecord(text, path, noTerm, this.#rootKey, this.#parts.random);
  }

  /**
   * Ends the use of this barrier: keys are forgotten, and whoever still holds it gets `sealed`. The count
   * of encryptions is kept unless the store is not this barrier's any more.
   */
  async forget(count: 'kept' | 'dropped' = 'kept'): Promise<void> {
    if (count === 'kept' && this.#newEncryptions > 0) await this.#keepCount().catch(() => {});
    this.#forgotten = true;
    for (const key of this.#keys.values()) key.fill(0);
    this.#opened = new OpenedValues();
    this.#keys = new Map();
    this.#rootKey = new Uint8Array();
  }

  async #changeRing(
    next: (ring: KeyRing) => KeyRing,
    newRootKey?: Uint8Array,
    others: () => readonly Write[] = () => [],
  ): Promise<void> {
    const { store, random } = this.#parts;
    for (;;) {
      this.#checkOpen();
      const version = await this.#reload();
      const ring = next(this.#ring);
      const rootKey = newRootKey ?? this.#rootKey;
      const value = encryptRecord(JSON.stringify(ring), keyRingPath, noTerm, rootKey, random);
      if (!(await store.commit([{ key: keyRingPath, value, expect: version }, ...others()]))) continue;
      this.#use(ring, rootKey);
      return;
    }
  }

  #use(ring: KeyRing, rootKey: Uint8Array): void {
    if (ring.active !== this.#ring.active) {
      this.#newEncryptions = 0;
      this.#keptEncryptions = 0;
    }
    this.#ring = ring;
    this.#keys = keysByTerm(ring);
    this.#rootKey = rootKey;
  }

  /** Reads the key ring as other processes left it; returns its version. */
  async #reload(): Promise<Version> {
    const { store, clock } = this.#parts;
    const found = await store.get(keyRingPath);
    if (found === undefined) throw tampered(keyRingPath);
    const own = decryptRecord(found.value, keyRingPath, this.#rootKey);
    const rootKey = own === undefined ? await this.#newerRootKey() : this.#rootKey;
    const text = own ?? decryptRecord(found.value, keyRingPath, rootKey);
    if (text === undefined) throw tampered(keyRingPath);
    this.#use(readKeyRing(text.toString(), clock.now()), rootKey);
    return found.version;
  }

  async #newerRootKey(): Promise<Uint8Array> {
    const entry = await this.#parts.store.get(rootCopyPath);
    const key = entry === undefined ? undefined : this.#keys.get(termOf(entry.value) ?? noTerm);
    const text = key === undefined ? undefined : decryptRecord(entry!.value, rootCopyPath, key);
    if (text === undefined) throw tampered(rootCopyPath);
    return Buffer.from(JSON.parse(text.toString()) as string, 'base64');
  }

  #encoded(changes: readonly Change[]): readonly Write[] {
    this.#checkOpen();
    return changes.map(({ key, value, expect }): Write => ({
      key,
      value: value === undefined ? undefined : this.#encode(value, key),
      ...(expect === undefined ? {} : { expect }),
    }));
  }

  /** `value`, readable by this barrier only, to be handed out; `label` says what for, and opens nothing else. */
  encrypt(label: string, value: unknown): Uint8Array {
    this.#checkOpen();
    return this.#encode(value, `out/${label}`);
  }

  /** What `encrypt` was given, or undefined when these bytes are not of this barrier and label. */
  async decrypt(label: string, bytes: Uint8Array): Promise<unknown> {
    this.#checkOpen();
    if (this.#isOfNewTerm(bytes)) await this.#reload();
    try {
      return this.#decode(bytes, `out/${label}`);
    } catch (error) {
      if (isFailure(error)) return undefined;
      throw error;
    }
  }

  #encode(value: unknown, key: string): Uint8Array {
    if (value === mark) return markBytes;
    this.#newEncryptions++;
    const { active } = this.#ring;
    return encryptRecord(JSON.stringify(value), key, active, this.#keys.get(active)!, this.#parts.random);
  }

  /** Another process may have added a term. */
  #isOfNewTerm(record: Uint8Array): boolean {
    const term = termOf(record);
    return term !== undefined && term > this.#ring.active;
  }

  #decode(record: Uint8Array, key: string): unknown {
    this.#checkOpen();
    const secret = this.#keys.get(termOf(record) ?? noTerm);
    const text = secret === undefined ? undefined : decryptRecord(record, key, secret);
    if (text === undefined) throw tampered(key);
    return JSON.parse(text.toString()) as unknown;
  }

  async #readEncryptions(): Promise<void> {
    const kept = (await this.get<Encryptions>(encryptionsPath))?.value;
    if (kept?.term === this.#ring.active) this.#keptEncryptions = kept.count;
  }

  async #keepCount(): Promise<void> {
    this.#checkOpen();
    const count = this.#newEncryptions;
    const term = this.#ring.active;
    this.#newEncryptions = 0;
    for (let kept = false; !kept;) {
      const found = await this.get<Encryptions>(encryptionsPath);
      const before = found?.value.term === term ? found.value.count : 0;
      const change = { key: encryptionsPath, value: { term, count: before + count }, expect: found?.version ?? absent };
      kept = await this.#parts.store.commit(this.#encoded([change]));
      if (kept) this.#keptEncryptions = before + count;
    }
  }

  #checkOpen(): void {
    if (this.#forgotten) throw brokerFailure('sealed', 'Vault is sealed', { hint: 'unseal the server first' });
  }
}

function tampered(key: string): Error {
  return brokerFailure('store-tampered', `the stored value of \`${key}\` cannot be opened`, {
    hint: 'it was changed outside Stint, or belongs to another seal key; restore the store from a snapshot',
  });
}
