// IAM users: create, read, rename, delete.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import {
  moveOwnedRows,
  serviceCredentialOwners,
  serviceCredentials,
  signingCertificates,
  sshPublicKeys,
} from './credential-model.ts';
import {
  arnOf,
  find,
  idsUnder,
  need,
  permissionOn,
  permissionOnKind,
  permissionToMake,
  rowId,
  save,
  userNameOf,
  userNoun,
} from './entities.ts';
import { alreadyExists, deleteConflict, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { forgetUses } from './last-used.ts';
import { needAttachable } from './managed.ts';
import {
  accessKeys,
  accountCreations,
  groups,
  loginProfiles,
  mfaOfUser,
  mfaDevices,
  principalIds,
  users,
  type User,
} from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { beginUse, endUse, moveUse } from './policy-usage.ts';
import { userShape, type Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys } from './tags.ts';

const createUser = operation<Parsed<Sdk.CreateUserRequest>, Sdk.CreateUserResponse>({
  permissions: (input, call) => {
    const made = { name: input.UserName, path: input.Path };
    const tags = requestTagKeys(input.Tags);
    const keys = { ...tags, 'iam:PermissionsBoundary': input.PermissionsBoundary };
    return [
      permissionToMake(call, 'user', 'CreateUser', made, keys),
      ...(input.Tags?.length ? [permissionToMake(call, 'user', 'TagUser', made, tags)] : []),
    ];
  },
  handle: (input, call) => {
    const tags = mergeTags(call.world, [], checkTags(input.Tags));
    if (find(userNoun, call, input.UserName)) throw alreadyExists(`User with name ${input.UserName} already exists.`);
    const limit = call.world.quotas.UsersPerAccount;
    if (call.world.table(users).count(call.account) >= limit) throw quotaExceeded('UsersPerAccount', limit);
    const user = newUser(call, { name: input.UserName, path: input.Path ?? '/', tags });
    if (input.PermissionsBoundary === undefined) return { User: userShape(user, 'full') };
    const bounded: User = { ...user, boundary: needAttachable(call, input.PermissionsBoundary).arn };
    save(userNoun, call, bounded);
    beginUse(call, input.PermissionsBoundary, 'boundary', 'user', user.name);
    return { User: userShape(bounded, 'full') };
  },
});

/** Stores a new user. The name is free. */
export function newUser(
  call: Pick<Call, 'world' | 'account' | 'random' | 'clock'>,
  given: Pick<User, 'name' | 'path' | 'tags'>,
): User {
  const user: User = {
    ...given,
    id: uniqueId(call.random, 'AIDA'),
    arn: arnOf(call, 'user', given.path, given.name),
    createdAt: call.clock.now(),
    inline: {},
    attached: [],
    groups: [],
  };
  save(userNoun, call, user);
  call.world.table(principalIds).put('', user.id, { account: call.account, kind: 'user', name: rowId(user.name) });
  return user;
}

const getUser = operation<Parsed<Sdk.GetUserRequest>, Sdk.GetUserResponse>({
  permissions: (input, call) =>
    input.UserName === undefined && call.principal.type === 'Root'
      ? [{ action: 'iam:GetUser', resource: call.principal.arn }]
      : [permissionOn(userNoun, call, 'GetUser', userNameOf(input, call))],
  handle: (input, call) => {
    if (input.UserName === undefined && call.principal.type === 'Root') return { User: rootUserShape(call) };
    return { User: userShape(need(userNoun, call, userNameOf(input, call)), 'full') };
  },
});

/** The root user asks for itself: its id is the account's number; it has no name and no path. */
function rootUserShape(call: Call): Sdk.User {
  const createdAt = call.world.table(accountCreations).get(call.account, call.account)?.createdAt ?? 0;
  return {
    Path: undefined,
    UserName: undefined,
    UserId: call.account,
    Arn: `arn:${call.partition}:iam::${call.account}:root`,
    CreateDate: new Date(createdAt),
  };
}

const listUsers = operation<Parsed<Sdk.ListUsersRequest>, Sdk.ListUsersResponse>({
  permissions: (input, call) => [permissionOnKind(call, 'user', 'ListUsers', input.PathPrefix)],
  handle: (input, call) => {
    const rows = call.world.table(users).list(call.account, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (user) =>
      user.path.startsWith(input.PathPrefix ?? '/') ? userShape(user, 'listed') : undefined,
    );
    return { Users: [...items], ...page };
  },
});

const updateUser = operation<Parsed<Sdk.UpdateUserRequest>, void>({
  permissions: (input, call) => [
    permissionOn(userNoun, call, 'UpdateUser', input.UserName),
    ...(input.NewUserName === undefined && input.NewPath === undefined
      ? []
      : [
          permissionToMake(call, 'user', 'UpdateUser', {
            name: input.NewUserName ?? input.UserName,
            path: input.NewPath ?? find(userNoun, call, input.UserName)?.path,
          }),
        ]),
  ],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const name = input.NewUserName ?? user.name;
    const path = input.NewPath ?? user.path;
    if (rowId(name) !== rowId(user.name) && find(userNoun, call, name)) {
      throw alreadyExists(`User with name ${name} already exists.`);
    }
    const changed: User = { ...user, name, path, arn: arnOf(call, 'user', path, name) };
    if (rowId(name) !== rowId(user.name)) moveRows(call, user, name);
    save(userNoun, call, changed);
  },
});

/** Carries everything that stands under the user's old name over to the new one. */
function moveRows(call: Call, user: User, name: string): void {
  const { world, account } = call;
  const from = rowId(user.name);
  const to = rowId(name);
  world.table(users).delete(account, from);
  world.table(principalIds).put('', user.id, { account, kind: 'user', name: to });
  for (const group of user.groups) {
    const row = world.table(groups).get(account, group);
    if (row === undefined) continue;
    world.table(groups).put(account, group, {
      ...row,
      members: row.members.map((member) => (member === from ? to : member)),
    });
  }
  moveOwnedRows(call, accessKeys, `${from}/`, `${to}/`, (key) => ({ ...key, user: to }));
  moveOwnedRows(call, sshPublicKeys, `${from}/`, `${to}/`);
  moveOwnedRows(call, signingCertificates, `${from}/`, `${to}/`);
  moveOwnedRows(call, serviceCredentials, `${from}/`, `${to}/`);
  for (const [id] of idsUnder(call, serviceCredentials, `${to}/`)) {
    world.table(serviceCredentialOwners).put(account, id, { user: to });
  }
  for (const [serial] of idsUnder(call, mfaOfUser, `${from}/`)) {
    world.table(mfaOfUser).delete(account, `${from}/${serial}`);
    world.table(mfaOfUser).put(account, `${to}/${serial}`, true);
    const device = world.table(mfaDevices).get(account, serial);
    if (device !== undefined) world.table(mfaDevices).put(account, serial, { ...device, user: to });
  }
  const profile = world.table(loginProfiles).get(account, from);
  if (profile !== undefined) {
    world.table(loginProfiles).delete(account, from);
    world.table(loginProfiles).put(account, to, profile);
  }
  moveUse(call, 'user', user, { from, to });
}

const deleteUser = operation<Parsed<Sdk.DeleteUserRequest>, void>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'DeleteUser', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    refuseWhileInUse(call, user);
    const { world, account } = call;
    world.table(users).delete(account, rowId(user.name));
    world.table(principalIds).delete('', user.id);
    forgetUses(call, user.id);
    if (user.boundary !== undefined) endUse(call, user.boundary, 'boundary', 'user', user.name);
  },
});

/** AWS deletes only a user that nothing hangs on. @throws DeleteConflict */
function refuseWhileInUse(call: Call, user: User): void {
  const { world, account } = call;
  const id = rowId(user.name);
  const has = <Value>(table: Parameters<typeof idsUnder<Value>>[1]): boolean =>
    idsUnder(call, table, `${id}/`).next().done !== true;
  const refuse = (present: boolean, what: string): void => {
    if (present) throw deleteConflict(`Cannot delete entity, must ${what} first.`);
  };
  refuse(world.table(loginProfiles).get(account, id) !== undefined, 'delete login profile');
  refuse(has(accessKeys), 'delete access keys');
  refuse(has(signingCertificates), 'delete certificates');
  refuse(has(mfaOfUser), 'delete MFA device');
  refuse(has(sshPublicKeys) || has(serviceCredentials), 'remove referenced objects');
  refuse(user.groups.length > 0, 'remove users from group');
  refuse(user.attached.length > 0, 'detach all policies');
  refuse(Object.keys(user.inline).length > 0, 'delete policies');
}

export const userOperations = {
  CreateUser: createUser,
  GetUser: getUser,
  ListUsers: listUsers,
  UpdateUser: updateUser,
  DeleteUser: deleteUser,
};
