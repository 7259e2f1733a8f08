// The life of a server: uninitialised, it has no key; sealed, it knows none and answers only how it is;
// unsealed, everything else runs. One step at a time: initialising, giving shares, sealing.
import { uuid, type Clock, type Millis, type Random, type Secret } from '../base/index.ts';
import { Barrier, type BarrierParts } from './barrier.ts';
import { brokerFailure } from './failures.ts';
import type { Operation } from './model.ts';
import { makeRootToken } from './root-token.ts';
import {
  initializeStore,
  isFresh,
  migrateStore,
  readSealConfig,
  SealKeys,
  shamir,
  unwrapRootKey,
  type Keeper,
} from './seal/keys.ts';
import { keyBytes } from './seal/record.ts';
import {
  keyOfShares,
  keySeal,
  lengthProblem,
  sameBytes,
  sharesOf,
  type Seal,
  type SealConfig,
  type ShareCounts,
} from './seal/seal.ts';
import type { Services } from './services.ts';
import { keepLeases, type KeptLeases, type SnapshotParts, type StagedSnapshot } from './snapshot/snapshots.ts';
import type { Store } from './storage/store.ts';
import { Tokens } from './tokens.ts';

/** How long sealing waits for calls under way; the ledger takes care of what is left. */
const calmMillis = 30_000;

export interface LifecycleParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** A seal that opens by itself; left out, the server is opened with shares. */
  readonly seal?: Seal | undefined;
  /** Development: where the key of the shares is kept. */
  readonly keeper?: Keeper | undefined;
  /** Starts everything that needs an open barrier. */
  readonly open: (barrier: Barrier, keys: SealKeys) => Promise<Services>;
}

/** What is told of a call while it runs. */
export interface CallUnderWay {
  readonly requestId: string;
  readonly operation: Operation;
  readonly path: string;
  readonly remoteAddress: string;
  readonly remotePort?: number | undefined;
}

export interface SealState {
  readonly type: string;
  readonly recovers: boolean;
  /** Undefined until the server is initialised. */
  readonly config: SealConfig | undefined;
  readonly sealed: boolean;
  /** Shares given so far, and the name of this round of giving. */
  readonly progress: number;
  readonly nonce: string;
}

export interface Initialized {
  readonly shares: readonly Uint8Array[];
  readonly rootToken: Secret;
}

export class Lifecycle {
  readonly #parts: LifecycleParts;
  readonly #barrierParts: BarrierParts;
  #services: Services | undefined;
  /** Sealed, with audit still open. */
  #stopped: Services | undefined;
  #given: readonly Uint8Array[] = [];
  #nonce = '';
  #turn: Promise<unknown> = Promise.resolve();
  readonly #underWay = new Map<CallUnderWay, Millis>();
  /** Of these, calls that wait in here for their turn or for the others to end. */
  #callsInside = 0;
  #onCalm: (() => void) | undefined;

  constructor(parts: LifecycleParts) {
    this.#parts = parts;
    this.#barrierParts = { store: parts.store, clock: parts.clock, random: parts.random };
  }

  /** Undefined while the server is sealed. */
  get services(): Services | undefined {
    return this.#services;
  }

  async state(): Promise<SealState> {
    const { store, seal } = this.#parts;
    return {
      type: seal?.type ?? shamir,
      recovers: seal !== undefined,
      config: await readSealConfig(store),
      sealed: this.#services === undefined,
      progress: this.#given.length,
      nonce: this.#nonce,
    };
  }

  /** Runs one call; sealing waits for calls under way. */
  async during<T>(call: CallUnderWay, work: () => Promise<T>): Promise<T> {
    this.#underWay.set(call, this.#parts.clock.now());
    try {
      return await work();
    } finally {
      this.#underWay.delete(call);
      if (this.#isCalm()) this.#onCalm?.();
    }
  }

  /** Calls that have begun and not ended, oldest first. */
  callsUnderWay(): readonly { readonly call: CallUnderWay; readonly since: Millis }[] {
    return [...this.#underWay].map(([call, since]) => ({ call, since }));
  }

  /** Seals, and closes what waited for the last call to end. To be called once, when there are no calls any more. */
  async end(): Promise<void> {
    await this.seal();
    await this.#closeStopped();
  }

  /**
   * Makes keys and the first root token. A seal that opens by itself opens at once; else the server
   * waits for its shares.
   * @throws Failure `bad-request` when the server is initialised already.
   */
  initialize(counts: ShareCounts): Promise<Initialized> {
    return this.#inTurn(async () => {
      const { seal, keeper, random, clock } = this.#parts;
      if (!(await isFresh(this.#parts.store))) throw alreadyInitialized();
      const key = random.bytes(keyBytes);
      if (seal === undefined) keeper?.keep([key]);
      const rootKey = await initializeStore(this.#barrierParts, { seal, key, ...counts });
      if (rootKey === undefined) throw alreadyInitialized();
      const barrier = (await Barrier.open(this.#barrierParts, rootKey))!;
      const rootToken = await makeRootToken(new Tokens(barrier, clock, random, () => {}));
      await barrier.forget();
      if (seal !== undefined) await this.#unseal(rootKey);
      return { shares: sharesOf(key, counts, random), rootToken };
    });
  }

  /**
   * Opens the server when its seal opens by itself, or its key is kept here; true when it is open.
   * @throws Failure `store-tampered` when the kept key is not the one of the store.
   */
  openByItself(): Promise<boolean> {
    return this.#inTurn(async () => {
      if (this.#services !== undefined) return true;
      const { store, seal, keeper } = this.#parts;
      if ((seal === undefined && keeper === undefined) || (await isFresh(store))) return false;
      this.#checkKind(await readSealConfig(store));
      const rootKey = seal === undefined ? await this.#keptRootKey(keeper!) : await unwrapRootKey(store, seal);
      if (rootKey === undefined || !(await this.#unseal(rootKey))) throw wrongSeal();
      return true;
    });
  }

  #checkKind(config: SealConfig | undefined): void {
    const type = this.#parts.seal?.type ?? shamir;
    if (config === undefined || config.type === type) return;
    throw brokerFailure(
      'seal-mismatch',
      `the store is sealed with \`${config.type}\`, and the server is set to \`${type}\``,
      {
        hint: `start it with the seal \`${config.type}\``,
      },
    );
  }

  async #keptRootKey(keeper: Keeper): Promise<Uint8Array | undefined> {
    const { store, random } = this.#parts;
    for (const key of keeper.keys()) {
      const rootKey =
        (await readSealConfig(store)) === undefined
          ? await migrateStore(this.#barrierParts, key)
          : await unwrapRootKey(store, keySeal(shamir, key, random));
      if (rootKey === undefined) continue;
      // A replacing of shares was cut short: by now it is certain which key counts.
      if (keeper.keys().length > 1) keeper.keep([key]);
      return rootKey;
    }
    return undefined;
  }

  /**
   * Takes one share; with enough of them the server opens. The same share again changes nothing.
   * @throws Failure `bad-request`, in Vault's words, when the shares are wrong; they are forgotten then.
   */
  giveShare(share: Uint8Array): Promise<void> {
    return this.#inTurn(async () => {
      const config = await readSealConfig(this.#parts.store);
      if (config === undefined) throw brokerFailure('bad-request', 'Vault is not initialized');
      this.#checkKind(config);
      if (this.#services !== undefined) return;
      const problem = lengthProblem(share);
      if (problem !== undefined) throw invalidKey(problem);
      if (this.#given.some((known) => sameBytes(known, share))) return;
      this.#nonce ||= uuid(this.#parts.random);
      this.#given = [...this.#given, share];
      if (this.#given.length >= config.threshold) await this.#unsealWithGiven(config);
    });
  }

  async #unsealWithGiven({ threshold }: SealConfig): Promise<void> {
    const key = keyOfShares(this.#given, threshold);
    this.#forgetShares();
    if (typeof key === 'string') throw invalidKey(`failed to compute combined key: ${key}`);
    const { store, seal, keeper, random } = this.#parts;
    if (seal === undefined && key.length !== keyBytes) {
      throw invalidKey(`failed to setup unseal key: crypto/aes: invalid key size ${key.length}`);
    }
    const rootKey = await unwrapRootKey(store, seal ?? keySeal(shamir, key, random));
    if (rootKey === undefined || !(await this.#unseal(rootKey, key))) {
      throw seal === undefined
        ? brokerFailure('bad-request', `unable to retrieve stored keys: invalid key: ${wrongKey}`)
        : invalidKey('failed to verify recovery key: recovery key does not match submitted values');
    }
    if (seal === undefined && !(keeper?.keys().some((known) => sameBytes(known, key)) ?? true)) keeper!.keep([key]);
  }

  /** Forgets the shares given so far. @throws Failure `bad-request` while the server is unsealed. */
  resetShares(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#services !== undefined) throw brokerFailure('bad-request', 'vault is unsealed');
      this.#forgetShares();
    });
  }

  #forgetShares(): void {
    this.#given = [];
    this.#nonce = '';
  }

  /** Opens the barrier and starts what runs behind it; false when `key` is not right. */
  async #unseal(rootKey: Uint8Array, key?: Uint8Array): Promise<boolean> {
    const { store, random, seal, keeper, open } = this.#parts;
    const barrier = await Barrier.open(this.#barrierParts, rootKey);
    if (barrier === undefined) return false;
    const keys = new SealKeys({ store, barrier, random, seal, keeper });
    if (key !== undefined && !(await keys.isRight(key))) {
      await barrier.forget();
      return false;
    }
    await this.#calm();
    await this.#closeStopped();
    this.#services = await open(barrier, keys);
    this.#forgetShares();
    return true;
  }

  // The call that seals is recorded after it was carried out, so that audit is closed only then.
  async #closeStopped(): Promise<void> {
    const stopped = this.#stopped;
    this.#stopped = undefined;
    await stopped?.close();
  }

  /** Takes no more calls, finishes what runs, and forgets the keys. */
  seal(): Promise<void> {
    return this.#inTurn(async () => {
      const services = this.#services;
      if (services === undefined) return;
      this.#services = undefined;
      await this.#calm();
      await services.stop();
      this.#stopped = services;
      await services.barrier.forget();
    });
  }

  /**
   * Puts a staged snapshot in the place of everything: stops what runs, keeps the present leases. The
   * server is sealed then, until `reopen`. When it fails, everything is as before.
   * @throws Failure `sealed` when the server was sealed meanwhile, `storage-failed`.
   */
  restore(parts: SnapshotParts, staged: StagedSnapshot): Promise<KeptLeases> {
    return this.#inTurn(async () => {
      const services = this.#services;
      if (services?.barrier !== parts.barrier) {
        await staged.replacement.discard();
        throw brokerFailure('sealed', 'Vault is sealed', { hint: 'unseal the server, and restore again' });
      }
      this.#services = undefined;
      await this.#calm();
      await services.stop();
      this.#stopped = services;
      const kept = await this.#replaced(parts, staged);
      await parts.barrier.forget('dropped');
      return kept;
    });
  }

  /** Opens the restored store, when its seal is this server's. */
  reopen({ rootKey }: StagedSnapshot): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#services === undefined && rootKey !== undefined) await this.#unseal(rootKey);
    });
  }

  async #replaced(parts: SnapshotParts, staged: StagedSnapshot): Promise<KeptLeases> {
    try {
      const kept = await keepLeases(parts, staged);
      await staged.replacement.install();
      return kept;
    } catch (error) {
      await staged.replacement.discard();
      await this.#closeStopped();
      this.#services = await this.#parts.open(parts.barrier, parts.keys);
      throw error;
    }
  }

  #isCalm(): boolean {
    return this.#underWay.size <= this.#callsInside;
  }

  /** Resolves when no other call is under way, or after a while. */
  async #calm(): Promise<void> {
    if (this.#isCalm()) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onCalm = resolve;
      timer = setTimeout(resolve, calmMillis);
    });
    clearTimeout(timer);
    this.#onCalm = undefined;
  }

  // One step at a time; a failed one does not keep the next from running. A call that waits for its
  // turn is not waited for.
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    this.#callsInside++;
    if (this.#isCalm()) this.#onCalm?.();
    const result = this.#turn.then(step).finally(() => this.#callsInside--);
    this.#turn = result.catch(() => {});
    return result;
  }
}

// Vault's words for a seal's key that does not open the root key.
const wrongKey = 'failed to decrypt keys from storage: cipher: message authentication failed';

function invalidKey(reason: string): Error {
  return brokerFailure('bad-request', `invalid key: ${reason}`);
}

function alreadyInitialized(): Error {
  return brokerFailure('bad-request', 'Vault is already initialized');
}

function wrongSeal(): Error {
  return brokerFailure('store-tampered', 'the key of the seal does not open this store', {
    hint: 'the store belongs to another seal key, or was changed outside Stint; restore it from a snapshot',
  });
}
