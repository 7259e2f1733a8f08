// Batch tokens: a token that is its own record, sealed by the barrier's keys. Nothing of it is
// stored, so it costs no write, and it cannot be ended before its time, unless its parent ends.
import type { Barrier } from '../barrier.ts';
import type { Token } from '../model.ts';

const label = 'batch-token';
export const batchPrefix = 'hvb.';

/** All a batch token is. */
export type SealedToken = Pick<
  Token,
  | 'policies'
  | 'displayName'
  | 'path'
  | 'meta'
  | 'parent'
  | 'entityId'
  | 'role'
  | 'boundCidrs'
  | 'createdAt'
  | 'creationTtlSeconds'
>;

/** The id of a batch token; `openBatch` makes the token of it again. */
export function sealBatch(barrier: Barrier, token: SealedToken): string {
  const { policies, displayName, path, meta, parent, entityId, role, boundCidrs, createdAt, creationTtlSeconds } =
    token;
  const sealed: SealedToken = {
    policies,
    displayName,
    path,
    meta,
    parent,
    entityId,
    role,
    boundCidrs,
    createdAt,
    creationTtlSeconds,
  };
  return `${batchPrefix}${Buffer.from(barrier.encrypt(label, sealed)).toString('base64url')}`;
}

/** The token with this id, or undefined when it is none that this server made. Its time may be over. */
export async function openBatch(barrier: Barrier, id: string): Promise<Token | undefined> {
  const bytes = Buffer.from(id.slice(batchPrefix.length), 'base64url');
  const sealed = (await barrier.decrypt(label, bytes)) as SealedToken | undefined;
  return sealed === undefined ? undefined : batchToken(sealed, barrier.blindName(`token:${id}`));
}

export function isBatchId(id: string): boolean {
  return id.startsWith(batchPrefix);
}

/** A whole batch token: what it has not is what no batch token has. */
export function batchToken(sealed: SealedToken, name: string): Token {
  return {
    ...sealed,
    version: 2,
    name,
    accessor: '',
    type: 'batch',
    expiresAt: sealed.createdAt + sealed.creationTtlSeconds * 1000,
    explicitMaxTtlSeconds: 0,
    maxTtlSeconds: 0,
    periodSeconds: 0,
    renewable: false,
    lastRenewedAt: null,
    usesLeft: 0,
    leavesChildren: false,
  };
}
