// Making, switching and dropping credentials. A long-term key stands in two tables: the one that signs
// by and the one that its user is listed by; both change here and nowhere else.
import { Secret, type Clock, type Random } from '../../../base/index.ts';
import type { Credential, Session } from '../../credential.ts';
import type { AccessKeyPair, World } from '../../world.ts';
import { forgetEnded, noteEnd } from '../ends.ts';
import { accessKeyIdFor, secretKeyText } from './ids.ts';
import { rowId, type Place } from './entities.ts';
import { accessKeys, credentials, sessionEnds, type AccessKey } from './model.ts';

/** What making a credential needs; a `Call` is one. */
export interface Mint {
  readonly world: World;
  readonly account: string;
  readonly random: Random;
  readonly clock: Clock;
}

type Owner = { readonly kind: 'root' } | { readonly kind: 'user'; readonly userId: string; readonly userName: string };

/** The id of a key in `accessKeys`. */
export function accessKeyRow(userName: string | undefined, keyId: string): string {
  return `${userName === undefined ? '' : rowId(userName)}/${keyId}`;
}

function freshKeyId(mint: Mint, prefix: 'AKIA' | 'ASIA'): string {
  const table = mint.world.table(credentials);
  for (;;) {
    const id = accessKeyIdFor(mint.account, mint.random, prefix);
    if (table.get('', id) === undefined) return id;
  }
}

/** A new active long-term key of a user or of the account's root user. */
export function makeAccessKey(mint: Mint, owner: Owner): AccessKeyPair {
  const accessKeyId = freshKeyId(mint, 'AKIA');
  const secretAccessKey = new Secret(secretKeyText(mint.random));
  const common = { accessKeyId, secretAccessKey, account: mint.account, status: 'Active' as const };
  const credential: Credential =
    owner.kind === 'root' ? { ...common, kind: 'root' } : { ...common, kind: 'user', userId: owner.userId };
  mint.world.table(credentials).put('', accessKeyId, credential);
  const userName = owner.kind === 'root' ? undefined : owner.userName;
  const row: AccessKey = {
    id: accessKeyId,
    user: userName === undefined ? undefined : rowId(userName),
    status: 'Active',
    createdAt: mint.clock.now(),
  };
  mint.world.table(accessKeys).put(mint.account, accessKeyRow(userName, accessKeyId), row);
  return { accessKeyId, secretAccessKey };
}

export function setAccessKeyStatus(place: Place, rowKey: string, key: AccessKey, status: AccessKey['status']): void {
  place.world.table(accessKeys).put(place.account, rowKey, { ...key, status });
  const credential = place.world.table(credentials).get('', key.id);
  if (credential !== undefined) place.world.table(credentials).put('', key.id, { ...credential, status });
}

export function dropAccessKey(place: Place, rowKey: string, key: AccessKey): void {
  place.world.table(accessKeys).delete(place.account, rowKey);
  place.world.table(credentials).delete('', key.id);
}

/** Who a session belongs to, as `Credential` has it. */
export type SessionOwner =
  | { readonly kind: 'root' }
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'role'; readonly roleId: string; readonly sessionName: string }
  | { readonly kind: 'federated-user'; readonly name: string; readonly issuerUserId?: string | undefined };

/** New temporary credentials in `mint.account`. Everything of the session but token and times is the caller's. */
export function makeSession(
  mint: Mint,
  owner: SessionOwner,
  durationSeconds: number,
  session: Omit<Session, 'token' | 'issuedAt' | 'expiresAt'>,
): Credential & { readonly session: Session } {
  const issuedAt = mint.clock.now();
  const credential = {
    accessKeyId: freshKeyId(mint, 'ASIA'),
    secretAccessKey: new Secret(secretKeyText(mint.random)),
    account: mint.account,
    status: 'Active' as const,
    session: {
      ...session,
      token: new Secret(Buffer.from(mint.random.bytes(96)).toString('base64')),
      issuedAt,
      expiresAt: issuedAt + durationSeconds * 1000,
    },
    ...owner,
  };
  mint.world.table(credentials).put('', credential.accessKeyId, credential);
  noteEnd(mint.world.table(sessionEnds), '', credential.session.expiresAt, credential.accessKeyId);
  forgetOldSessions(mint);
  return credential;
}

/** How long an expired session is still known, and answered `ExpiredToken` rather than as unknown. */
const rememberedMillis = 7 * 86_400_000;

function forgetOldSessions({ world, clock }: Mint): void {
  const table = world.table(credentials);
  forgetEnded(world.table(sessionEnds), '', clock.now() - rememberedMillis, (id) => table.delete('', id));
}
