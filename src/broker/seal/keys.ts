// What opens the server, kept apart from what it guards: values are encrypted by the key ring, the key
// ring by the root key, the root key by the seal, and the seal's key is split into shares. A seal that
// opens by itself has recovery shares instead, which prove who may ask for more and open nothing.
import type { Random } from '../../base/index.ts';
import { keyRingPath, rootCopyPath, type Barrier, type BarrierParts } from '../barrier.ts';
import { absent, type Store, type Version, type Write } from '../storage/store.ts';
import { keysByTerm, newKeyRing, readKeyRing, type KeyRing } from './key-ring.ts';
import { decryptRecord, encryptRecord, keyBytes, noTerm } from './record.ts';
import { keySeal, rootKeyPath, sameBytes, type Seal, type SealConfig, type ShareCounts } from './seal.ts';

/** Type of the seal whose key is put together from shares. */
export const shamir = 'shamir';

const configPath = 'core/seal-config';
/** Behind the barrier: the seal's key made of shares, for a new root key; and the key of the recovery shares. */
const shamirKeyPath = 'core/shamir-kek';
const recoveryKeyPath = 'core/recovery-key';

/** Where a development server keeps its seal's key, so that it opens by itself. */
export interface Keeper {
  /** The key, and while it is being replaced also the next one. */
  keys(): readonly Uint8Array[];
  /** Keeps these, durably, and no others. */
  keep(keys: readonly Uint8Array[]): void;
}

/** How the server is sealed, or undefined when it was never initialised or comes from an older Stint. */
export async function readSealConfig(store: Store): Promise<SealConfig | undefined> {
  const found = await store.get(configPath);
  return found === undefined ? undefined : (JSON.parse(Buffer.from(found.value).toString()) as SealConfig);
}

export async function isFresh(store: Store): Promise<boolean> {
  return (await store.get(keyRingPath)) === undefined;
}

/** The root key of the store, or undefined when the seal does not open it. */
export async function unwrapRootKey(store: Store, seal: Seal): Promise<Uint8Array | undefined> {
  const found = await store.get(rootKeyPath);
  return found === undefined ? undefined : seal.unwrap(found.value);
}

export interface NewKeys extends ShareCounts {
  /** The seal that opens by itself, or undefined when `key` is the seal's. */
  readonly seal: Seal | undefined;
  /** Of the seal, or of the recovery shares. */
  readonly key: Uint8Array;
}

/** Makes root key and key ring in an empty store; undefined when somebody else did. */
export function initializeStore(parts: BarrierParts, keys: NewKeys): Promise<Uint8Array | undefined> {
  return writeFirst(parts, keys, newKeyRing(parts.random, parts.clock.now()), absent);
}

/**
 * Brings a store of format 1, whose seal's key encrypted the key ring itself, to the present format.
 * Undefined when `key` is not the seal's.
 */
export async function migrateStore(parts: BarrierParts, key: Uint8Array): Promise<Uint8Array | undefined> {
  const found = await parts.store.get(keyRingPath);
  const text = found === undefined ? undefined : decryptRecord(found.value, keyRingPath, key);
  if (text === undefined) return undefined;
  const ring = readKeyRing(text.toString(), parts.clock.now());
  return writeFirst(parts, { seal: undefined, key, shares: 1, threshold: 1 }, ring, found!.version);
}

async function writeFirst(
  { store, random }: BarrierParts,
  { seal, key, shares, threshold }: NewKeys,
  ring: KeyRing,
  expect: Version,
): Promise<Uint8Array | undefined> {
  const rootKey = random.bytes(keyBytes);
  const used = seal ?? keySeal(shamir, key, random);
  const behind = (path: string, value: Uint8Array): Write => ({
    key: path,
    value: underRing(ring, path, value, random),
  });
  const batch: readonly Write[] = [
    { key: keyRingPath, value: encryptRecord(JSON.stringify(ring), keyRingPath, noTerm, rootKey, random), expect },
    { key: rootKeyPath, value: await used.wrap(rootKey) },
    configWrite({ version: 1, type: used.type, shares, threshold }),
    behind(seal === undefined ? shamirKeyPath : recoveryKeyPath, key),
    behind(rootCopyPath, rootKey),
  ];
  return (await store.commit(batch)) ? rootKey : undefined;
}

function underRing(ring: KeyRing, path: string, value: Uint8Array, random: Random): Uint8Array {
  return encryptRecord(JSON.stringify(textOf(value)), path, ring.active, keysByTerm(ring).get(ring.active)!, random);
}

function configWrite(config: SealConfig): Write {
  return { key: configPath, value: Buffer.from(JSON.stringify(config)) };
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}

export interface SealKeysParts {
  readonly store: Store;
  readonly barrier: Barrier;
  readonly random: Random;
  readonly seal: Seal | undefined;
  readonly keeper: Keeper | undefined;
}

/** What may be done with these keys while the barrier is open. */
export class SealKeys {
  readonly #parts: SealKeysParts;

  constructor(parts: SealKeysParts) {
    this.#parts = parts;
  }

  /** True when the seal opens by itself, so that shares are recovery shares. */
  get recovers(): boolean {
    return this.#parts.seal !== undefined;
  }

  /** Of the present shares. */
  async config(): Promise<SealConfig> {
    const config = await readSealConfig(this.#parts.store);
    if (config === undefined) throw new TypeError('an open barrier has a seal');
    return config;
  }

  /** Whether `key`, put together from shares, is the right one. */
  async isRight(key: Uint8Array): Promise<boolean> {
    const { store, barrier, random } = this.#parts;
    if (this.recovers) return sameBytes(await this.#kept(recoveryKeyPath), key);
    if (key.length !== keyBytes) return false;
    const rootKey = await unwrapRootKey(store, keySeal(shamir, key, random));
    return rootKey !== undefined && barrier.isRootKey(rootKey);
  }

  /** The root key of another store that has the same seal; undefined when it has not. */
  async rootKeyOf(other: Store): Promise<Uint8Array | undefined> {
    return unwrapRootKey(other, await this.#seal());
  }

  /** A new root key; shares stay as they are. */
  async rotateRoot(): Promise<void> {
    await this.#replaceRoot(await this.#seal());
  }

  async #seal(): Promise<Seal> {
    const { seal, random } = this.#parts;
    return seal ?? keySeal(shamir, await this.#kept(shamirKeyPath), random);
  }

  /** Makes `key` the one whose shares count from now on; a new root key goes with a new key of the seal. */
  async replaceKey(key: Uint8Array, { shares, threshold }: ShareCounts): Promise<void> {
    const { seal, barrier, keeper, random } = this.#parts;
    if (seal !== undefined) {
      const config = configWrite({ version: 1, type: seal.type, shares, threshold });
      await barrier.commit([{ key: recoveryKeyPath, value: textOf(key) }], [], [config]);
      return;
    }
    const config = configWrite({ version: 1, type: shamir, shares, threshold });
    // Both keys are kept until it is certain which one counts.
    keeper?.keep([...keeper.keys(), key]);
    await this.#replaceRoot(keySeal(shamir, key, random), [config], [{ key: shamirKeyPath, value: textOf(key) }]);
    keeper?.keep([key]);
  }

  async #replaceRoot(
    seal: Seal,
    outside: readonly Write[] = [],
    changes: readonly { readonly key: string; readonly value: unknown }[] = [],
  ): Promise<void> {
    const { barrier, random } = this.#parts;
    const rootKey = random.bytes(keyBytes);
    const wrapped = { key: rootKeyPath, value: await seal.wrap(rootKey) };
    await barrier.replaceRootKey(rootKey, [wrapped, ...outside], changes);
  }

  async #kept(path: string): Promise<Uint8Array> {
    return Buffer.from((await this.#parts.barrier.get<string>(path))!.value, 'base64');
  }
}
