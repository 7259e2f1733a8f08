// Instance profiles: the wrapping in which an instance gets its role.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Permission } from '../../call.ts';
import { refuseProtected } from './carriers.ts';
import {
  arnOf,
  find,
  idsUnder,
  instanceProfileNoun,
  need,
  permissionOn,
  permissionOnKind,
  permissionToMake,
  roleNoun,
  rowId,
  save,
} from './entities.ts';
import { alreadyExists, deleteConflict, noSuchEntity, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { instanceProfiles, profilesOfRole, roles, type InstanceProfile } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { instanceProfileShape, type Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys } from './tags.ts';

export function profileShape(call: Pick<Call, 'world' | 'account'>, profile: InstanceProfile): Sdk.InstanceProfile {
  const role = profile.role === undefined ? undefined : call.world.table(roles).get(call.account, profile.role);
  return instanceProfileShape(profile, role, call.world);
}

/** The instance profiles that hold a role, in order of name, behind the one called `after`. */
export function* profilesHolding(
  call: Pick<Call, 'world' | 'account'>,
  roleName: string,
  after?: string,
): Generator<readonly [id: string, profile: InstanceProfile]> {
  for (const [id] of idsUnder(call, profilesOfRole, `${rowId(roleName)}/`, after)) {
    const profile = call.world.table(instanceProfiles).get(call.account, id);
    if (profile !== undefined) yield [id, profile];
  }
}

/** `iam:PassRole` on a role that is handed to a service. https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html */
export function permissionToPass(call: Call, roleName: string, service: string): Permission {
  return permissionOn(roleNoun, call, 'PassRole', roleName, { 'iam:PassedToService': service });
}

const createInstanceProfile = operation<Parsed<Sdk.CreateInstanceProfileRequest>, Sdk.CreateInstanceProfileResponse>({
  permissions: (input, call) => {
    const made = { name: input.InstanceProfileName, path: input.Path };
    const tags = requestTagKeys(input.Tags);
    return [
      permissionToMake(call, 'instance-profile', 'CreateInstanceProfile', made, tags),
      ...(input.Tags?.length ? [permissionToMake(call, 'instance-profile', 'TagInstanceProfile', made, tags)] : []),
    ];
  },
  handle: (input, call) => {
    const tags = mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact');
    const name = input.InstanceProfileName;
    if (find(instanceProfileNoun, call, name)) throw alreadyExists(`Instance Profile ${name} already exists.`);
    const limit = call.world.quotas.InstanceProfilesPerAccount;
    if (call.world.table(instanceProfiles).count(call.account) >= limit) {
      throw quotaExceeded('InstanceProfilesPerAccount', limit);
    }
    const path = input.Path ?? '/';
    const profile: InstanceProfile = {
      name,
      path,
      id: uniqueId(call.random, 'AIPA'),
      arn: arnOf(call, 'instance-profile', path, name),
      createdAt: call.clock.now(),
      tags,
    };
    save(instanceProfileNoun, call, profile);
    return {
      InstanceProfile: { ...profileShape(call, profile), ...(tags.length > 0 ? { Tags: [...tags] } : {}) },
    };
  },
});

const getInstanceProfile = operation<Parsed<Sdk.GetInstanceProfileRequest>, Sdk.GetInstanceProfileResponse>({
  permissions: (input, call) => [
    permissionOn(instanceProfileNoun, call, 'GetInstanceProfile', input.InstanceProfileName),
  ],
  handle: (input, call) => {
    const profile = need(instanceProfileNoun, call, input.InstanceProfileName);
    return { InstanceProfile: { ...profileShape(call, profile), Tags: [...profile.tags] } };
  },
});

const listInstanceProfiles = operation<Parsed<Sdk.ListInstanceProfilesRequest>, Sdk.ListInstanceProfilesResponse>({
  permissions: (input, call) => [permissionOnKind(call, 'instance-profile', 'ListInstanceProfiles', input.PathPrefix)],
  handle: (input, call) => {
    const rows = call.world.table(instanceProfiles).list(call.account, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (profile) =>
      profile.path.startsWith(input.PathPrefix ?? '/') ? profileShape(call, profile) : undefined,
    );
    return { InstanceProfiles: [...items], ...page };
  },
});

const listInstanceProfilesForRole = operation<
  Parsed<Sdk.ListInstanceProfilesForRoleRequest>,
  Sdk.ListInstanceProfilesForRoleResponse
>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'ListInstanceProfilesForRole', input.RoleName)],
  handle: (input, call) => {
    const role = need(roleNoun, call, input.RoleName);
    const rows = profilesHolding(call, role.name, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (profile) => profileShape(call, profile));
    return { InstanceProfiles: [...items], ...page };
  },
});

const deleteInstanceProfile = operation<Parsed<Sdk.DeleteInstanceProfileRequest>, void>({
  permissions: (input, call) => [
    permissionOn(instanceProfileNoun, call, 'DeleteInstanceProfile', input.InstanceProfileName),
  ],
  handle: (input, call) => {
    const profile = need(instanceProfileNoun, call, input.InstanceProfileName);
    if (profile.role !== undefined) {
      throw deleteConflict('Cannot delete entity, must remove roles from instance profile first.');
    }
    call.world.table(instanceProfiles).delete(call.account, rowId(profile.name));
  },
});

const addRoleToInstanceProfile = operation<Parsed<Sdk.AddRoleToInstanceProfileRequest>, void>({
  permissions: (input, call) => [
    permissionOn(instanceProfileNoun, call, 'AddRoleToInstanceProfile', input.InstanceProfileName),
    permissionToPass(call, input.RoleName, 'ec2.amazonaws.com'),
  ],
  handle: (input, call) => {
    const profile = need(instanceProfileNoun, call, input.InstanceProfileName);
    const role = need(roleNoun, call, input.RoleName);
    refuseProtected(role);
    // One role is all that fits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    if (profile.role !== undefined) throw quotaExceeded('InstanceSessionsPerInstanceProfile', 1);
    save(instanceProfileNoun, call, { ...profile, role: rowId(role.name) });
    call.world.table(profilesOfRole).put(call.account, `${rowId(role.name)}/${rowId(profile.name)}`, true);
  },
});

const removeRoleFromInstanceProfile = operation<Parsed<Sdk.RemoveRoleFromInstanceProfileRequest>, void>({
  permissions: (input, call) => [
    permissionOn(instanceProfileNoun, call, 'RemoveRoleFromInstanceProfile', input.InstanceProfileName),
  ],
  handle: (input, call) => {
    const profile = need(instanceProfileNoun, call, input.InstanceProfileName);
    const role = need(roleNoun, call, input.RoleName);
    if (profile.role !== rowId(role.name)) throw noSuchEntity(roleNoun.missing(role.name));
    save(instanceProfileNoun, call, { ...profile, role: undefined });
    call.world.table(profilesOfRole).delete(call.account, `${rowId(role.name)}/${rowId(profile.name)}`);
  },
});

export const instanceProfileOperations = {
  CreateInstanceProfile: createInstanceProfile,
  GetInstanceProfile: getInstanceProfile,
  ListInstanceProfiles: listInstanceProfiles,
  ListInstanceProfilesForRole: listInstanceProfilesForRole,
  DeleteInstanceProfile: deleteInstanceProfile,
  AddRoleToInstanceProfile: addRoleToInstanceProfile,
  RemoveRoleFromInstanceProfile: removeRoleFromInstanceProfile,
};
