// IAM groups and who is in them.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import {
  arnOf,
  find,
  groupNoun,
  need,
  permissionOn,
  permissionOnKind,
  permissionToMake,
  rowId,
  save,
  userNoun,
} from './entities.ts';
import { alreadyExists, deleteConflict, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { groups, users, type Group } from './model.ts';
import { afterMarker, pageOf, pageOfList } from './page.ts';
import { moveUse } from './policy-usage.ts';
import { groupShape, userShape, type Parsed } from './shapes.ts';

const createGroup = operation<Parsed<Sdk.CreateGroupRequest>, Sdk.CreateGroupResponse>({
  permissions: (input, call) => [
    permissionToMake(call, 'group', 'CreateGroup', { name: input.GroupName, path: input.Path }),
  ],
  handle: (input, call) => {
    const name = input.GroupName;
    if (find(groupNoun, call, name)) throw alreadyExists(`Group with name ${name} already exists.`);
    const limit = call.world.quotas.GroupsPerAccount;
    if (call.world.table(groups).count(call.account) >= limit) throw quotaExceeded('GroupsPerAccount', limit);
    const path = input.Path ?? '/';
    const group: Group = {
      name,
      path,
      id: uniqueId(call.random, 'AGPA'),
      arn: arnOf(call, 'group', path, name),
      createdAt: call.clock.now(),
      inline: {},
      attached: [],
      members: [],
    };
    save(groupNoun, call, group);
    return { Group: groupShape(group) };
  },
});

const getGroup = operation<Parsed<Sdk.GetGroupRequest>, Sdk.GetGroupResponse>({
  permissions: (input, call) => [permissionOn(groupNoun, call, 'GetGroup', input.GroupName)],
  handle: (input, call) => {
    const group = need(groupNoun, call, input.GroupName);
    const { items, ...page } = pageOfList(group.members, input, (name) => name);
    const members = items.flatMap((name) => call.world.table(users).get(call.account, name) ?? []);
    return { Group: groupShape(group), Users: members.map((user) => userShape(user, 'listed')), ...page };
  },
});

const listGroups = operation<Parsed<Sdk.ListGroupsRequest>, Sdk.ListGroupsResponse>({
  permissions: (input, call) => [permissionOnKind(call, 'group', 'ListGroups', input.PathPrefix)],
  handle: (input, call) => {
    const rows = call.world.table(groups).list(call.account, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (group) =>
      group.path.startsWith(input.PathPrefix ?? '/') ? groupShape(group) : undefined,
    );
    return { Groups: [...items], ...page };
  },
});

const listGroupsForUser = operation<Parsed<Sdk.ListGroupsForUserRequest>, Sdk.ListGroupsForUserResponse>({
  permissions: (input, call) => [permissionOn(userNoun, call, 'ListGroupsForUser', input.UserName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const { items, ...page } = pageOfList(user.groups, input, (name) => name);
    const rows = items.flatMap((name) => call.world.table(groups).get(call.account, name) ?? []);
    return { Groups: rows.map(groupShape), ...page };
  },
});

const updateGroup = operation<Parsed<Sdk.UpdateGroupRequest>, void>({
  permissions: (input, call) => [
    permissionOn(groupNoun, call, 'UpdateGroup', input.GroupName),
    ...(input.NewGroupName === undefined && input.NewPath === undefined
      ? []
      : [
          permissionToMake(call, 'group', 'UpdateGroup', {
            name: input.NewGroupName ?? input.GroupName,
            path: input.NewPath ?? find(groupNoun, call, input.GroupName)?.path,
          }),
        ]),
  ],
  handle: (input, call) => {
    const group = need(groupNoun, call, input.GroupName);
    const name = input.NewGroupName ?? group.name;
    const path = input.NewPath ?? group.path;
    const renamed = rowId(name) !== rowId(group.name);
    if (renamed && find(groupNoun, call, name)) throw alreadyExists(`Group with name ${name} already exists.`);
    if (renamed) moveRows(call, group, name);
    save(groupNoun, call, { ...group, name, path, arn: arnOf(call, 'group', path, name) });
  },
});

function moveRows(call: Call, group: Group, name: string): void {
  const from = rowId(group.name);
  const to = rowId(name);
  call.world.table(groups).delete(call.account, from);
  for (const member of group.members) {
    const user = call.world.table(users).get(call.account, member);
    if (user === undefined) continue;
    save(userNoun, call, { ...user, groups: user.groups.map((id) => (id === from ? to : id)) });
  }
  moveUse(call, 'group', group, { from, to });
}

const deleteGroup = operation<Parsed<Sdk.DeleteGroupRequest>, void>({
  permissions: (input, call) => [permissionOn(groupNoun, call, 'DeleteGroup', input.GroupName)],
  handle: (input, call) => {
    const group = need(groupNoun, call, input.GroupName);
    if (group.members.length > 0) throw deleteConflict('Cannot delete entity, must remove users from group first.');
    if (group.attached.length > 0) throw deleteConflict('Cannot delete entity, must detach all policies first.');
    if (Object.keys(group.inline).length > 0) throw deleteConflict('Cannot delete entity, must delete policies first.');
    call.world.table(groups).delete(call.account, rowId(group.name));
  },
});

const addUserToGroup = operation<Parsed<Sdk.AddUserToGroupRequest>, void>({
  permissions: (input, call) => [permissionOn(groupNoun, call, 'AddUserToGroup', input.GroupName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const group = need(groupNoun, call, input.GroupName);
    const groupId = rowId(group.name);
    if (user.groups.includes(groupId)) return;
    const limit = call.world.quotas.GroupsPerUser;
    if (user.groups.length >= limit) throw quotaExceeded('GroupsPerUser', limit);
    save(userNoun, call, { ...user, groups: [...user.groups, groupId].sort() });
    save(groupNoun, call, { ...group, members: [...group.members, rowId(user.name)].sort() });
  },
});

const removeUserFromGroup = operation<Parsed<Sdk.RemoveUserFromGroupRequest>, void>({
  permissions: (input, call) => [permissionOn(groupNoun, call, 'RemoveUserFromGroup', input.GroupName)],
  handle: (input, call) => {
    const user = need(userNoun, call, input.UserName);
    const group = need(groupNoun, call, input.GroupName);
    save(userNoun, call, { ...user, groups: user.groups.filter((id) => id !== rowId(group.name)) });
    save(groupNoun, call, { ...group, members: group.members.filter((id) => id !== rowId(user.name)) });
  },
});

export const groupOperations = {
  CreateGroup: createGroup,
  GetGroup: getGroup,
  ListGroups: listGroups,
  ListGroupsForUser: listGroupsForUser,
  UpdateGroup: updateGroup,
  DeleteGroup: deleteGroup,
  AddUserToGroup: addUserToGroup,
  RemoveUserFromGroup: removeUserFromGroup,
};
