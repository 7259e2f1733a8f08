// IAM's rows as its answers show them.
import type * as Sdk from '@aws-sdk/client-iam';
import type { World } from '../../world.ts';
import type { Place } from './entities.ts';
import type { AwsPolicySummary } from './aws-policies.ts';
import {
  policyUsage,
  type Group,
  type InstanceProfile,
  type ManagedPolicy,
  type PolicyVersion,
  type Role,
  type Tag,
  type User,
} from './model.ts';
import { withPrincipalArns } from './principals.ts';

/** Input of an operation after parsing: what the model requires is there. */
export type Parsed<Input> = {
  [Member in keyof Input]: object extends Pick<Input, Member> ? Input[Member] : Exclude<Input[Member], undefined>;
};

/** How much of an entity an answer shows: lists leave out what a get shows. */
export type Detail = 'listed' | 'full';

function boundaryShape(arn: string | undefined): { PermissionsBoundary?: Sdk.AttachedPermissionsBoundary } {
  return arn === undefined
    ? {}
    : { PermissionsBoundary: { PermissionsBoundaryType: 'PermissionsBoundaryPolicy', PermissionsBoundaryArn: arn } };
}

/** Tags, left out when there are none: so AWS answers for users and roles. */
function tagShape(tags: readonly Tag[]): { Tags?: Tag[] } {
  return tags.length === 0 ? {} : { Tags: [...tags] };
}

export function userShape(user: User, detail: Detail): Sdk.User {
  return {
    Path: user.path,
    UserName: user.name,
    UserId: user.id,
    Arn: user.arn,
    CreateDate: new Date(user.createdAt),
    ...(user.passwordLastUsedAt === undefined ? {} : { PasswordLastUsed: new Date(user.passwordLastUsedAt) }),
    ...(detail === 'full' ? { ...boundaryShape(user.boundary), ...tagShape(user.tags) } : {}),
  };
}

export function groupShape(group: Group): Sdk.Group {
  return {
    Path: group.path,
    GroupName: group.name,
    GroupId: group.id,
    Arn: group.arn,
    CreateDate: new Date(group.createdAt),
  };
}

/** The members every answer about a role has. The protocol percent-encodes documents. */
export function roleShape(role: Role, world: World): Sdk.Role {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: new Date(role.createdAt),
    AssumeRolePolicyDocument: withPrincipalArns(role.trust, world),
  };
}

/** What ListRoles shows beyond `roleShape`. */
export function listedRoleShape(role: Role, world: World): Sdk.Role {
  return {
    ...roleShape(role, world),
    ...(role.description === undefined ? {} : { Description: role.description }),
    MaxSessionDuration: role.maxSessionSeconds,
  };
}

export function fullRoleShape(role: Role, world: World): Sdk.Role {
  return {
    ...listedRoleShape(role, world),
    ...boundaryShape(role.boundary),
    ...tagShape(role.tags),
    RoleLastUsed: roleLastUsedShape(role),
  };
}

export function createdRoleShape(role: Role, world: World): Sdk.Role {
  return { ...roleShape(role, world), ...boundaryShape(role.boundary), ...tagShape(role.tags) };
}

export function roleLastUsedShape(role: Role): Sdk.RoleLastUsed {
  return role.lastUsed === undefined ? {} : { LastUsedDate: new Date(role.lastUsed.at), Region: role.lastUsed.region };
}

export function policyShape(policy: ManagedPolicy | AwsPolicySummary, place: Place): Sdk.Policy {
  const usage = place.world.table(policyUsage).get(place.account, policy.arn);
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersion,
    AttachmentCount: usage?.attached ?? 0,
    PermissionsBoundaryUsageCount: usage?.boundaries ?? 0,
    IsAttachable: true,
    CreateDate: new Date(policy.createdAt),
    UpdateDate: new Date(policy.updatedAt),
  };
}

export function versionShape(policy: ManagedPolicy, version: PolicyVersion): Sdk.PolicyVersion {
  return {
    VersionId: version.id,
    IsDefaultVersion: version.id === policy.defaultVersion,
    CreateDate: new Date(version.createdAt),
  };
}

export function instanceProfileShape(
  profile: InstanceProfile,
  role: Role | undefined,
  world: World,
): Sdk.InstanceProfile {
  return {
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.id,
    Arn: profile.arn,
    CreateDate: new Date(profile.createdAt),
    Roles: role === undefined ? [] : [roleShape(role, world)],
  };
}
