// A root token, made by enough holders of shares together when nobody has one any more. It leaves
// encoded with a one-time password, so that neither the last holder nor a listener has the token.
import { uuid, type Random, type Secret } from '../../base/index.ts';
import type { Barrier } from '../barrier.ts';
import { brokerFailure } from '../failures.ts';
import { absent } from '../storage/store.ts';
import type { SealKeys } from './keys.ts';
import { withShare } from './rekey.ts';
import { wrongShares } from './rekey-ceremony.ts';
import { keyOfShares, lengthProblem } from './seal.ts';

/** Characters of a root token, and so of the password: `hvs.` and 24. */
export const passwordLength = 28;

const path = 'core/generate-root';

interface Attempt {
  readonly version: 1;
  readonly nonce: string;
  readonly password: string;
  readonly given: readonly string[];
}

export interface AttemptStatus {
  readonly started: boolean;
  readonly nonce: string;
  readonly progress: number;
  readonly needed: number;
}

export interface RootCeremonyParts {
  readonly barrier: Barrier;
  readonly keys: SealKeys;
  readonly random: Random;
  readonly makeToken: () => Promise<Secret>;
}

export class RootCeremony {
  readonly #parts: RootCeremonyParts;

  constructor(parts: RootCeremonyParts) {
    this.#parts = parts;
  }

  async status(): Promise<AttemptStatus> {
    const { barrier, keys } = this.#parts;
    const attempt = (await barrier.get<Attempt>(path))?.value;
    return {
      started: attempt !== undefined,
      nonce: attempt?.nonce ?? '',
      progress: attempt?.given.length ?? 0,
      needed: (await keys.config()).threshold,
    };
  }

  /** @throws Failure `bad-request` when the password has the wrong length or another attempt is under way. */
  async start(password: string): Promise<void> {
    const { barrier, random } = this.#parts;
    if (!/^[\x20-\x7e]*$/.test(password) || password.length !== passwordLength) {
      throw brokerFailure('bad-request', 'OTP string has incorrect length', {
        hint: `use ${passwordLength} printable characters, or leave \`otp\` out and the server draws one`,
      });
    }
    const value: Attempt = { version: 1, nonce: uuid(random), password, given: [] };
    if (await barrier.commit([{ key: path, value, expect: absent }])) return;
    throw brokerFailure('bad-request', 'root generation already in progress', {
      hint: 'finish it, or cancel it: `stint operator generate-root --cancel`',
    });
  }

  async cancel(): Promise<void> {
    await this.#parts.barrier.commit([{ key: path, value: undefined }]);
  }

  /**
   * Takes one share; with enough of them there is a token. `token` is encoded: base64 without padding
   * of the token, exclusive-or the password.
   * @throws Failure `bad-request`, in Vault's words.
   */
  async give(share: Uint8Array, nonce: string): Promise<{ readonly progress: number; readonly token: string }> {
    const problem = lengthProblem(share);
    if (problem !== undefined) throw brokerFailure('bad-request', `invalid key: ${problem}`);
    const { keys, makeToken } = this.#parts;
    const { threshold } = await keys.config();
    const { given, password } = await this.#addShare(share, nonce, threshold);
    if (given.length < threshold) return { progress: given.length, token: '' };
    await this.#checkRight(
      keyOfShares(
        given.map((text) => Buffer.from(text, 'base64')),
        threshold,
      ),
    );
    // First the end of the attempt: of two last shares at once, one makes the token.
    if (!(await this.#finish(nonce))) throw noneUnderWay();
    return { progress: threshold, token: encodeToken((await makeToken()).reveal(), password) };
  }

  // The attempt goes on without any share when together they turn out wrong.
  async #addShare(share: Uint8Array, nonce: string, threshold: number): Promise<Attempt> {
    const { barrier } = this.#parts;
    for (;;) {
      const found = await barrier.get<Attempt>(path);
      if (found === undefined) throw noneUnderWay();
      const attempt = found.value;
      if (attempt.nonce !== nonce) {
        throw brokerFailure(
          'bad-request',
          `incorrect nonce supplied; nonce for this root generation operation is "${attempt.nonce}"`,
        );
      }
      const given = withShare(attempt.given, share);
      if (given === undefined) {
        throw brokerFailure('bad-request', 'given key has already been provided during this generation operation');
      }
      const value: Attempt = { ...attempt, given: given.length < threshold ? given : [] };
      if (await barrier.commit([{ key: path, value, expect: found.version }])) return { ...attempt, given };
    }
  }

  async #checkRight(key: Uint8Array | string): Promise<void> {
    const { keys } = this.#parts;
    if (typeof key === 'string') throw brokerFailure('bad-request', `failed to compute root key: ${key}`);
    if (await keys.isRight(key)) return;
    const reason = keys.recovers
      ? 'recovery key verification failed: recovery key does not match submitted values'
      : wrongShares(key, 'unable to retrieve stored keys');
    throw brokerFailure('bad-request', `root generation aborted: unable to authenticate: ${reason}`);
  }

  async #finish(nonce: string): Promise<boolean> {
    const { barrier } = this.#parts;
    const found = await barrier.get<Attempt>(path);
    if (found?.value.nonce !== nonce) return false;
    return barrier.commit([{ key: path, value: undefined, expect: found.version }]);
  }
}

function noneUnderWay(): Error {
  return brokerFailure('bad-request', 'no root generation in progress', {
    hint: 'start one: `stint operator generate-root --init`',
  });
}

function encodeToken(token: string, password: string): string {
  return exclusiveOr(Buffer.from(token), password).toString('base64').replace(/=+$/, '');
}

/** The token that was encoded with this password, or why it cannot be had, in Vault's words. */
export function decodeToken(encoded: string, password: string): { readonly token: string } | string {
  if (!/^[A-Za-z0-9+/]*$/.test(encoded) || encoded.length % 4 === 1) {
    return "error decoding base64'd token: illegal base64 data";
  }
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== password.length) {
    return `error xoring token: length of byte slices is not equivalent: ${bytes.length} != ${password.length}`;
  }
  return { token: exclusiveOr(bytes, password).toString() };
}

function exclusiveOr(bytes: Uint8Array, password: string): Buffer {
  return Buffer.from(bytes.map((byte, at) => byte ^ password.charCodeAt(at)));
}
