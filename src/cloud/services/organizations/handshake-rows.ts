// Invitations between the organisation and accounts outside it.
import type { Millis } from '../../../base/index.ts';
import { tableName } from '../../world.ts';
import type { Tag } from '../iam/model.ts';

export interface HandshakeRow {
  /** `h-` and 8 characters. */
  readonly id: string;
  /** The invited account. */
  readonly account: string;
  /** How it was named. */
  readonly target: { readonly type: 'ACCOUNT' | 'EMAIL'; readonly id: string };
  readonly notes?: string | undefined;
  /** Put on the account when it joins. */
  readonly tags: readonly Tag[];
  /** `EXPIRED` is never stored: time says it. */
  readonly state: 'OPEN' | 'ACCEPTED' | 'CANCELED' | 'DECLINED';
  readonly requestedAt: Millis;
}

export const handshakes = tableName<HandshakeRow>('organizations.handshake');
