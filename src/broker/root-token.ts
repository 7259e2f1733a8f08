// Tokens with the policy `root` that no other token made: by initialising, by enough shares, by `--dev`.
import type { Secret } from '../base/index.ts';
import type { Tokens } from './tokens.ts';

/** Makes a root token that lives until it is revoked; `id` is given only in development. */
export async function makeRootToken(tokens: Pick<Tokens, 'create'>, id?: string): Promise<Secret> {
  const made = await tokens.create({
    ...(id === undefined ? {} : { id }),
    policies: ['root'],
    // As Vault's development server makes one of a given id: by an ordinary creation.
    ...(id === undefined
      ? { displayName: 'root', path: 'auth/token/root' }
      : { displayName: 'token', path: 'auth/token/create' }),
    meta: {},
    parent: null,
    ttlSeconds: 0,
    explicitMaxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: false,
    uses: 0,
  });
  return made.id;
}
