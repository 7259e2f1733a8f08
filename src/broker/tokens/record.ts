// A token as it lies in the store: its keys, and the changes that make it, move it and end it.
import type { Json, Millis } from '../../base/index.ts';
import type { Change, Stored } from '../barrier.ts';
import { dueKey } from '../due.ts';
import type { Token } from '../model.ts';
import { absent } from '../storage/store.ts';

/** `usesLeft` of a token that may do nothing more. */
export const spent = -1;

/** The path of a root token that no API call made; such a token has no lease. */
export const rootPath = 'auth/token/root';

type AddedMembers = 'type' | 'entityId' | 'role' | 'boundCidrs' | 'maxTtlSeconds' | 'leavesChildren';
type OldToken = Omit<Token, 'version' | AddedMembers> & { readonly version: 1 };

/** The token of a stored record; records of the first format have fewer members. */
export function upgradeToken(record: Token | OldToken): Token {
  if (record.version === 2) return record;
  return {
    ...record,
    version: 2,
    type: 'service',
    entityId: '',
    role: '',
    boundCidrs: [],
    maxTtlSeconds: 0,
    leavesChildren: false,
  };
}

export function tokenKey(name: string): string {
  return `token/${name}`;
}

export function accessorKey(accessor: string): string {
  return `accessor/${accessor}`;
}

export function childKey(parent: string, name: string): string {
  return `token-child/${parent}/${name}`;
}

export function mountTokenKey(mountId: string, name: string): string {
  return `mount-token/${mountId}/${name}`;
}

/** Folder of what the token keeps in its cubbyhole. */
export function cubbyholeFolder(name: string): string {
  return `cubbyhole/${name}/`;
}

/** The id under which Vault's lease calls know a token: the path that made it, and its name after an `h`. */
export function tokenLeaseId({ path, name }: Pick<Token, 'path' | 'name'>): string {
  return `${path}/h${name}`;
}

/** The token's name in such an id, or undefined when it is no token's. */
export function tokenNameOfLease(leaseId: string): string | undefined {
  return /\/h([0-9a-f]{64})$/.exec(leaseId)?.[1];
}

/** Folder of the marks under which tokens are listed by the path that made them. */
export const tokenPathFolder = 'token-path/';

function pathKeys(token: Token): readonly string[] {
  return token.path === rootPath ? [] : [`${tokenPathFolder}${tokenLeaseId(token)}`];
}

/** The batch that makes a token, with what lies in its cubbyhole from the start. */
export function creation(token: Token, cubbyhole: Readonly<Record<string, Json>> = {}): readonly Change[] {
  return [
    { key: tokenKey(token.name), value: token, expect: absent },
    { key: accessorKey(token.accessor), value: token.name, expect: absent },
    ...(token.parent === null ? [] : [{ key: childKey(token.parent, token.name), value: null }]),
    ...(token.mountId === undefined ? [] : [{ key: mountTokenKey(token.mountId, token.name), value: null }]),
    ...pathKeys(token).map((key) => ({ key, value: null })),
    ...(token.quotaSlot === undefined ? [] : [slotMark(token.quotaSlot)]),
    ...Object.entries(cubbyhole).map(([path, value]) => ({ key: `${cubbyholeFolder(token.name)}${path}`, value })),
    ...dueChanges(undefined, token),
  ];
}

/** Takes a slot of a rule for the number of leases, where it is still free. */
export function slotMark(slot: string): Change {
  return { key: slot, value: null, expect: absent };
}

/** The batch that replaces a token. */
export function replacement(found: Stored<Token>, next: Token): readonly Change[] {
  return [{ key: found.key, value: next, expect: found.version }, ...dueChanges(found.value, next)];
}

/** The batch that forgets a token. */
export function removal(token: Token): readonly Change[] {
  const keys = [
    tokenKey(token.name),
    accessorKey(token.accessor),
    ...(token.parent === null ? [] : [childKey(token.parent, token.name)]),
    ...(token.mountId === undefined ? [] : [mountTokenKey(token.mountId, token.name)]),
    ...pathKeys(token),
    ...(token.quotaSlot === undefined ? [] : [token.quotaSlot]),
  ];
  return [...keys.map((key) => ({ key, value: undefined })), ...dueChanges(token, undefined)];
}

/** The mark with which the sweeper finds a token whose last use is over. */
export function spentMark(name: string, at: Millis): Change {
  return { key: dueKey({ at, kind: 'token', id: name }), value: null };
}

function dueChanges(before: Token | undefined, next: Token | undefined): readonly Change[] {
  const [old, mark] = [before, next].map((token) =>
    token === undefined || token.expiresAt === null
      ? undefined
      : dueKey({ at: token.expiresAt, kind: 'token', id: token.name }),
  );
  if (old === mark) return [];
  return [
    ...(old === undefined ? [] : [{ key: old, value: undefined }]),
    ...(mark === undefined ? [] : [{ key: mark, value: null }]),
  ];
}
