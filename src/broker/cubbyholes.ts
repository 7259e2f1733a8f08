// Cubbyholes: what a token keeps for itself. Nobody else reads it, root neither, and it ends with the token.
import type { Json } from '../base/index.ts';
import type { Barrier } from './barrier.ts';
import { brokerFailure } from './failures.ts';
import type { Token } from './model.ts';
import { cubbyholeFolder, spent } from './tokens/record.ts';
import type { Tokens } from './tokens.ts';

export type Kept = Readonly<Record<string, Json>>;

export class Cubbyholes {
  readonly #barrier: Barrier;
  readonly #tokens: Tokens;

  constructor(barrier: Barrier, tokens: Tokens) {
    this.#barrier = barrier;
    this.#tokens = tokens;
  }

  async get(token: Token, path: string): Promise<Kept | undefined> {
    return (await this.#barrier.get<Kept>(keyOf(token, path)))?.value;
  }

  /** Names below `folder`, which is empty or ends with `/`. */
  list(token: Token, folder: string): Promise<readonly string[]> {
    return this.#barrier.list(keyOf(token, folder));
  }

  // INVARIANT: written only while the token lives, in one commit with that check, so that whoever ends
  // the token empties all there ever will be. After a last use it would be gone at once.
  async put(token: Token, path: string, value: Kept): Promise<void> {
    const key = keyOf(token, path);
    for (;;) {
      if (token.usesLeft === spent) return;
      if (await this.#barrier.commit([{ key, value }], await this.#tokens.lendConditions(token))) return;
    }
  }

  async delete(token: Token, path: string): Promise<void> {
    await this.#barrier.commit([{ key: keyOf(token, path), value: undefined }]);
  }
}

/** @throws Failure `bad-request` for a batch token, of which nothing is kept. */
function keyOf(token: Token, path: string): string {
  if (token.type === 'service') return `${cubbyholeFolder(token.name)}${path}`;
  throw brokerFailure('bad-request', "cubbyhole operations are only supported by 'service' type tokens");
}
