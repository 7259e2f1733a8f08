// Replacing shares, as holders of the present ones do it together. What was given so far lies behind
// the barrier, so that the next share may reach another process.
import { uuid, type Random } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { absent } from '../storage/store.ts';
import type { SealKeys } from './keys.ts';
import { keyBytes } from './record.ts';
import {
  awaitProof,
  giveShare,
  newRekey,
  proveShare,
  restartProof,
  type Refused,
  type Rekey,
  type RekeyWords,
  type Step,
} from './rekey.ts';
import { lengthProblem, sharesOf, type ShareCounts } from './seal.ts';

/** `root`: what opens the server. `recovery`: what proves who may ask, where the seal opens by itself. */
export type Replaced = 'root' | 'recovery';

export interface CeremonyParts {
  readonly barrier: Barrier;
  readonly keys: SealKeys;
  readonly random: Random;
}

export interface RekeyStatus {
  readonly rekey: Rekey | undefined;
  /** Present shares needed. */
  readonly needed: number;
}

export interface NewShares {
  readonly shares: readonly Uint8Array[];
  /** Where the new shares count only after a proof: its nonce. */
  readonly proofNonce: string | undefined;
}

interface GivenShare {
  readonly share: Uint8Array;
  readonly nonce: string;
}

export class RekeyCeremony {
  readonly #parts: CeremonyParts;
  readonly #replaced: Replaced;
  readonly #words: RekeyWords;

  constructor(parts: CeremonyParts, replaced: Replaced, words: RekeyWords) {
    this.#parts = parts;
    this.#replaced = replaced;
    this.#words = words;
  }

  async status(): Promise<RekeyStatus> {
    const found = await this.#parts.barrier.get<Rekey>(this.#path);
    return { rekey: found?.value, needed: (await this.#parts.keys.config()).threshold };
  }

  /** @throws Failure `bad-request` while another one is under way. */
  async start(counts: ShareCounts, verify: boolean): Promise<void> {
    const { barrier, random } = this.#parts;
    const value = newRekey(counts, verify, uuid(random));
    if (await barrier.commit([{ key: this.#path, value, expect: absent }])) return;
    throw brokerFailure('bad-request', `${this.#words} already in progress`, {
      hint: 'finish it, or cancel it: `stint operator rekey --cancel`',
    });
  }

  async cancel(): Promise<void> {
    await this.#parts.barrier.commit([{ key: this.#path, value: undefined }]);
  }

  /**
   * Takes one present share; with enough of them there are new ones. Undefined while more are needed.
   * @throws Failure `bad-request`, in Vault's words.
   */
  async give(given: GivenShare): Promise<NewShares | undefined> {
    checkLength(given.share);
    const { threshold } = await this.#parts.keys.config();
    const { rekey, key } = await this.#step((now) => giveShare(now, given, threshold, this.#words));
    if (key === undefined) return undefined;
    if (!(await this.#parts.keys.isRight(key))) throw this.#wrongKey(key);
    return this.#replace(rekey);
  }

  async #replace(rekey: Rekey): Promise<NewShares> {
    const { keys, random } = this.#parts;
    if (keys.recovers && this.#replaced === 'root') {
      await keys.rotateRoot();
      await this.cancel();
      return { shares: [], proofNonce: undefined };
    }
    const key = random.bytes(keyBytes);
    const shares = sharesOf(key, rekey, random);
    if (rekey.verify) {
      const proofNonce = uuid(random);
      await this.#step((now) => ({ next: awaitProof(now, key, proofNonce) }));
      return { shares, proofNonce };
    }
    await keys.replaceKey(key, rekey);
    await this.cancel();
    return { shares, proofNonce: undefined };
  }

  /**
   * Takes one of the new shares as a proof; true when there were enough and the new ones count.
   * @throws Failure `bad-request`, in Vault's words.
   */
  async prove(given: GivenShare): Promise<boolean> {
    checkLength(given.share);
    const fresh = uuid(this.#parts.random);
    const { rekey, key } = await this.#step((now) => proveShare(now, given, fresh, this.#words));
    if (key === undefined) return false;
    await this.#parts.keys.replaceKey(key, rekey);
    await this.cancel();
    return true;
  }

  /** Forgets what was given as a proof. */
  async restartProof(): Promise<void> {
    const fresh = uuid(this.#parts.random);
    if ((await this.status()).rekey === undefined) return;
    await this.#step((now) => ({ next: restartProof(now, fresh) }));
  }

  async #step(decide: (now: Rekey) => Step | Refused): Promise<{ readonly rekey: Rekey; readonly key?: Uint8Array }> {
    const { barrier } = this.#parts;
    for (;;) {
      const found = await barrier.get<Rekey>(this.#path);
      if (found === undefined) throw this.#noneUnderWay();
      const outcome = decide(found.value);
      const value = outcome.next;
      if (value !== undefined && !(await barrier.commit([{ key: this.#path, value, expect: found.version }]))) continue;
      if (!('refused' in outcome))
        return { rekey: outcome.next, ...(outcome.key === undefined ? {} : { key: outcome.key }) };
      throw brokerFailure('bad-request', outcome.refused, { status: outcome.status });
    }
  }

  get #path(): string {
    return `core/rekey/${this.#replaced}`;
  }

  #noneUnderWay(): Error {
    const kind = this.#replaced === 'recovery' ? 'recovery' : 'barrier';
    const text = this.#words === 'rekey' ? `no ${kind} rekey in progress` : 'no rotation in progress';
    return brokerFailure('bad-request', text, { hint: 'start one: `stint operator rekey --init`' });
  }

  // Vault answers with 500 here, although it is the caller's mistake.
  #wrongKey(key: Uint8Array): Error {
    if (this.#parts.keys.recovers) {
      return brokerFailure(
        'bad-request',
        'recovery key verification failed: recovery key does not match submitted values',
      );
    }
    return brokerFailure('bad-request', wrongShares(key, 'failed to read root key'), { status: 500 });
  }
}

/** Vault's words for shares that together are not the seal's key. */
export function wrongShares(key: Uint8Array, where: string): string {
  return key.length === keyBytes
    ? `${where}: invalid key: failed to decrypt keys from storage: cipher: message authentication failed`
    : `failed to setup unseal key: crypto/aes: invalid key size ${key.length}`;
}

function checkLength(share: Uint8Array): void {
  const problem = lengthProblem(share);
  if (problem !== undefined) throw brokerFailure('bad-request', problem);
}
