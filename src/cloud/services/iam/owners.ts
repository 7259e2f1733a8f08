// Whose credentials an operation is about: the named user's, the caller's own, or the root user's when it asks
// for its own. Sessions of `sts:AssumeRoot` are the root user of their account too.
import type { Call, Permission } from '../../call.ts';
import { need, permissionOn, userNameOf, userNoun } from './entities.ts';
import type { User } from './model.ts';

export interface OwnerInput {
  readonly UserName?: string | undefined;
}

export function isOwnRoot(input: OwnerInput, call: Call): boolean {
  return input.UserName === undefined && call.principal.type === 'Root';
}

/** The user that is meant; undefined for the root user. @throws NoSuchEntity, ValidationError */
export function ownerOf(input: OwnerInput, call: Call): User | undefined {
  return isOwnRoot(input, call) ? undefined : need(userNoun, call, userNameOf(input, call));
}

export function permissionOnOwner(input: OwnerInput, call: Call, action: string): readonly Permission[] {
  return isOwnRoot(input, call)
    ? [{ action: `iam:${action}`, resource: `arn:${call.partition}:iam::${call.account}:root` }]
    : [permissionOn(userNoun, call, action, userNameOf(input, call))];
}

/** Who may read a report that this caller asks for: all keys of a user are one owner, every session is its own. */
export function jobOwner({ principal, credential, account }: Call): string {
  if (credential?.session !== undefined) return credential.accessKeyId;
  return principal.type === 'User' ? principal.userId : account;
}
