// The barrier between the broker and its store: JSON values, encrypted with AES-256-GCM under a ring
// of keys before they reach storage. A reader of the store learns key names at most; a changed,
// moved or forged value is refused.
import { isFailure, type Random, type Secret } from '../base/index.ts';
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { brokerFailure } from './failures.ts';
import { absent, prefixRange, type Condition, type Store, type Version, type Write } from './storage/store.ts';

const keyRingKey = 'core/keyring';
const recordVersion = 1;
const nonceBytes = 12;
const tagBytes = 16;
const headerBytes = 5 + nonceBytes;

/** A decrypted entry. */
export interface Stored<T> {
  readonly key: string;
  readonly value: T;
  readonly version: Version;
}

/** One write of a batch: `value: undefined` deletes; `expect` as in the storage contract. */
export interface Change {
  readonly key: string;
  readonly value: unknown;
  readonly expect?: Version;
}

interface KeyRing {
  readonly version: 1;
  readonly active: number;
  /** Base64 of 32 bytes each, by term. */
  readonly terms: Readonly<Record<string, string>>;
  /** Base64 of 32 bytes; names in the store that must not be guessable are made with it. */
  readonly nameKey: string;
}

export class Barrier {
  readonly #store: Store;
  readonly #random: Random;
  readonly #ring: KeyRing;
  readonly #keys: ReadonlyMap<number, Buffer>;

  private constructor(store: Store, random: Random, ring: KeyRing) {
    this.#store = store;
    this.#random = random;
    this.#ring = ring;
    this.#keys = new Map(Object.entries(ring.terms).map(([term, key]) => [Number(term), Buffer.from(key, 'base64')]));
  }

  /** True when nothing was ever stored, so that a new seal key may be made. */
  static async isFresh(store: Store): Promise<boolean> {
    return (await store.get(keyRingKey)) === undefined;
  }

  /**
   * Opens the barrier with the seal's key; makes the key ring in an empty store.
   * @throws Failure `store-tampered` when the seal's key does not open the key ring.
   */
  static async open(store: Store, sealKey: Secret, random: Random): Promise<Barrier> {
    const root = Buffer.from(sealKey.reveal(), 'base64');
    const found = await store.get(keyRingKey);
    if (found !== undefined) return new Barrier(store, random, decode(found.value, keyRingKey, () => root) as KeyRing);
    const ring: KeyRing = {
      version: 1,
      active: 1,
      terms: { 1: Buffer.from(random.bytes(32)).toString('base64') },
      nameKey: Buffer.from(random.bytes(32)).toString('base64'),
    };
    const value = encode(ring, keyRingKey, 0, root, random);
    if (await store.commit([{ key: keyRingKey, value, expect: absent }])) return new Barrier(store, random, ring);
    return Barrier.open(store, sealKey, random);
  }

  get exclusive(): boolean {
    return this.#store.exclusive;
  }

  /** A name for `text` that tells nothing about it to a reader of the store (HMAC-SHA-256, hex). */
  blindName(text: string): string {
    return createHmac('sha256', Buffer.from(this.#ring.nameKey, 'base64')).update(text).digest('hex');
  }

  /** @throws Failure `store-tampered` when the value is not what this barrier wrote under this key. */
  async get<T>(key: string): Promise<Stored<T> | undefined> {
    const entry = await this.#store.get(key);
    if (entry === undefined) return undefined;
    return { key, value: this.#decode(entry.value, key) as T, version: entry.version };
  }

  /** The version of what lies under the key, which stays closed: a tenth of the cost of `get`. */
  async version(key: string): Promise<Version> {
    return (await this.#store.get(key))?.version ?? absent;
  }

  /** Entries whose key begins with `prefix`, in key order, after the key `after`. */
  async scan<T>(prefix: string, limit: number, after?: string): Promise<readonly Stored<T>[]> {
    const entries = await this.#store.scan(prefixRange(prefix, limit, after));
    return entries.map(({ key, value, version }) => ({ key, value: this.#decode(value, key) as T, version }));
  }

  /** Keys from `prefix` + `from` up to (not including) `prefix` + `to`; values stay closed. */
  async keys(prefix: string, limit: number, from = '', to = '\x7f'): Promise<readonly string[]> {
    const entries = await this.#store.scan({ from: `${prefix}${from}`, to: `${prefix}${to}`, limit });
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

  /** All or nothing; false when an `expect` did not hold. Durable when resolved. */
  commit(changes: readonly Change[], conditions: readonly Condition[] = []): Promise<boolean> {
    const batch = changes.map(({ key, value, expect }): Write => ({
      key,
      value: value === undefined ? undefined : this.#encode(value, key),
      ...(expect === undefined ? {} : { expect }),
    }));
    return this.#store.commit(batch, conditions);
  }

  /** `value`, readable by this barrier only, to be handed out; `label` says what for, and opens nothing else. */
  encrypt(label: string, value: unknown): Uint8Array {
    return this.#encode(value, `out/${label}`);
  }

  /** What `encrypt` was given, or undefined when these bytes are not of this barrier and label. */
  decrypt(label: string, bytes: Uint8Array): unknown {
    try {
      return this.#decode(bytes, `out/${label}`);
    } catch (error) {
      if (isFailure(error)) return undefined;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  #encode(value: unknown, key: string): Uint8Array {
    const term = this.#ring.active;
    return encode(value, key, term, this.#keys.get(term)!, this.#random);
  }

  #decode(record: Uint8Array, key: string): unknown {
    return decode(record, key, (term) => this.#keys.get(term));
  }
}

// A record: 4 bytes term, 1 byte version, 12 bytes nonce, ciphertext, 16 bytes tag. The key path is
// associated data, so that a record moved to another key does not open.
function encode(value: unknown, key: string, term: number, secret: Buffer, random: Random): Uint8Array {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt32BE(term, 0);
  header.writeUInt8(recordVersion, 4);
  header.set(random.bytes(nonceBytes), 5);
  const cipher = createCipheriv('aes-256-gcm', secret, header.subarray(5));
  cipher.setAAD(associated(header, key));
  const body = cipher.update(JSON.stringify(value), 'utf8');
  return Buffer.concat([header, body, cipher.final(), cipher.getAuthTag()]);
}

function decode(record: Uint8Array, key: string, keyOf: (term: number) => Buffer | undefined): unknown {
  try {
    const bytes = Buffer.from(record);
    if (bytes.length < headerBytes + tagBytes || bytes.readUInt8(4) !== recordVersion) throw new Error('not a record');
    const secret = keyOf(bytes.readUInt32BE(0));
    if (secret === undefined) throw new Error('unknown key term');
    const decipher = createDecipheriv('aes-256-gcm', secret, bytes.subarray(5, headerBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(associated(bytes.subarray(0, headerBytes), key));
    decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
    const body = decipher.update(bytes.subarray(headerBytes, bytes.length - tagBytes));
    return JSON.parse(Buffer.concat([body, decipher.final()]).toString('utf8')) as unknown;
  } catch (error) {
    throw brokerFailure('store-tampered', `the stored value of \`${key}\` cannot be opened`, {
      hint: 'it was changed outside Stint, or belongs to another seal key; restore the store from a snapshot',
      cause: error,
    });
  }
}

function associated(header: Buffer, key: string): Buffer {
  return Buffer.concat([header.subarray(0, 5), Buffer.from(key, 'utf8')]);
}
