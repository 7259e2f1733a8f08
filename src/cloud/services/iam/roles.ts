// IAM roles and their trust policies.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { refuseProtected } from './carriers.ts';
import { checkDocument } from './documents.ts';
import {
  arnOf,
  find,
  idsUnder,
  need,
  permissionOn,
  permissionOnKind,
  permissionToMake,
  roleNoun,
  rowId,
  save,
} from './entities.ts';
import { alreadyExists, deleteConflict, invalidInput, malformedPolicy, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { forgetUses } from './last-used.ts';
import { needAttachable } from './managed.ts';
import { principalIds, profilesOfRole, roles, type Role } from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { beginUse, endUse } from './policy-usage.ts';
import { withPrincipalIds } from './principals.ts';
import { checkSharedIssuers } from './shared-issuers.ts';
import { createdRoleShape, fullRoleShape, listedRoleShape, type Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys } from './tags.ts';

const createRole = operation<Parsed<Sdk.CreateRoleRequest>, Sdk.CreateRoleResponse>({
  permissions: (input, call) => {
    const made = { name: input.RoleName, path: input.Path };
    const tags = requestTagKeys(input.Tags);
    const keys = { ...tags, 'iam:PermissionsBoundary': input.PermissionsBoundary };
    return [
      permissionToMake(call, 'role', 'CreateRole', made, keys),
      ...(input.Tags?.length ? [permissionToMake(call, 'role', 'TagRole', made, tags)] : []),
    ];
  },
  handle: (input, call) => {
    const tags = mergeTags(call.world, [], checkTags(input.Tags));
    // SECURITY: organisation policies do not bind what stands under this path.
    if (/^\/aws-(?:service-role|reserved)\//.test(input.Path ?? '/')) {
      throw invalidInput(`The path ${input.Path} is reserved for AWS.`);
    }
    const trust = storedTrust(call, input.AssumeRolePolicyDocument);
    if (find(roleNoun, call, input.RoleName)) throw alreadyExists(`Role with name ${input.RoleName} already exists.`);
    const limit = call.world.quotas.RolesPerAccount;
    if (call.world.table(roles).count(call.account) >= limit) throw quotaExceeded('RolesPerAccount', limit);
    const boundary = input.PermissionsBoundary && needAttachable(call, input.PermissionsBoundary).arn;
    const role = newRole(call, {
      name: input.RoleName,
      path: input.Path ?? '/',
      tags,
      trust,
      boundary,
      description: input.Description,
      maxSessionSeconds: input.MaxSessionDuration ?? 3600,
    });
    if (boundary !== undefined) beginUse(call, boundary, 'boundary', 'role', role.name);
    return { Role: createdRoleShape(role, call.world) };
  },
});

/** Stores a new role. The name is free, the trust policy is as `storedTrust` gives it. */
export function newRole(
  call: Pick<Call, 'world' | 'account' | 'random' | 'clock'>,
  given: Omit<Role, 'id' | 'arn' | 'createdAt' | 'inline' | 'attached'>,
): Role {
  const role: Role = {
    ...given,
    id: uniqueId(call.random, 'AROA'),
    arn: arnOf(call, 'role', given.path, given.name),
    createdAt: call.clock.now(),
    inline: {},
    attached: [],
  };
  save(roleNoun, call, role);
  call.world.table(principalIds).put('', role.id, { account: call.account, kind: 'role', name: rowId(role.name) });
  return role;
}

/** A trust policy as it is stored. @throws MalformedPolicyDocument, LimitExceeded */
export function storedTrust(call: Pick<Call, 'world'>, text: string): string {
  checkSharedIssuers(checkDocument(text, 'trust'));
  const result = withPrincipalIds(text, call.world);
  if ('invalid' in result) throw malformedPolicy(`Invalid principal in policy: ${result.invalid}`);
  const limit = call.world.quotas.AssumeRolePolicySize;
  if (result.document.length > limit) throw quotaExceeded('ACLSizePerRole', limit);
  return result.document;
}

const getRole = operation<Parsed<Sdk.GetRoleRequest>, Sdk.GetRoleResponse>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'GetRole', input.RoleName)],
  handle: (input, call) => ({ Role: fullRoleShape(need(roleNoun, call, input.RoleName), call.world) }),
});

const listRoles = operation<Parsed<Sdk.ListRolesRequest>, Sdk.ListRolesResponse>({
  permissions: (input, call) => [permissionOnKind(call, 'role', 'ListRoles', input.PathPrefix)],
  handle: (input, call) => {
    const rows = call.world.table(roles).list(call.account, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (role) =>
      role.path.startsWith(input.PathPrefix ?? '/') ? listedRoleShape(role, call.world) : undefined,
    );
    return { Roles: [...items], ...page };
  },
});

const updateRole = operation<Parsed<Sdk.UpdateRoleRequest>, Sdk.UpdateRoleResponse>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'UpdateRole', input.RoleName)],
  handle: (input, call) => {
    const role = need(roleNoun, call, input.RoleName);
    // The description is the one thing of a service-linked role that its owner may change.
    if (input.MaxSessionDuration !== undefined) refuseProtected(role);
    save(roleNoun, call, {
      ...role,
      description: input.Description ?? role.description,
      maxSessionSeconds: input.MaxSessionDuration ?? role.maxSessionSeconds,
    });
    return {};
  },
});

const updateRoleDescription = operation<Parsed<Sdk.UpdateRoleDescriptionRequest>, Sdk.UpdateRoleDescriptionResponse>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'UpdateRoleDescription', input.RoleName)],
  handle: (input, call) => {
    const role: Role = { ...need(roleNoun, call, input.RoleName), description: input.Description };
    save(roleNoun, call, role);
    return { Role: { ...createdRoleShape(role, call.world), Description: input.Description } };
  },
});

const updateAssumeRolePolicy = operation<Parsed<Sdk.UpdateAssumeRolePolicyRequest>, void>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'UpdateAssumeRolePolicy', input.RoleName)],
  handle: (input, call) => {
    const role = need(roleNoun, call, input.RoleName);
    refuseProtected(role);
    save(roleNoun, call, { ...role, trust: storedTrust(call, input.PolicyDocument) });
  },
});

const deleteRole = operation<Parsed<Sdk.DeleteRoleRequest>, void>({
  permissions: (input, call) => [permissionOn(roleNoun, call, 'DeleteRole', input.RoleName)],
  handle: (input, call) => {
    const role = need(roleNoun, call, input.RoleName);
    refuseProtected(role);
    const id = rowId(role.name);
    if (idsUnder(call, profilesOfRole, `${id}/`).next().done !== true) {
      throw deleteConflict('Cannot delete entity, must remove roles from instance profile first.');
    }
    if (role.attached.length > 0) throw deleteConflict('Cannot delete entity, must detach all policies first.');
    if (Object.keys(role.inline).length > 0) throw deleteConflict('Cannot delete entity, must delete policies first.');
    removeRole(call, role);
  },
});

/** Deletes a role that nothing hangs on. */
export function removeRole(call: Pick<Call, 'world' | 'account'>, role: Role): void {
  call.world.table(roles).delete(call.account, rowId(role.name));
  call.world.table(principalIds).delete('', role.id);
  forgetUses(call, role.id);
  if (role.boundary !== undefined) endUse(call, role.boundary, 'boundary', 'role', role.name);
}

export const roleOperations = {
  CreateRole: createRole,
  GetRole: getRole,
  ListRoles: listRoles,
  UpdateRole: updateRole,
  UpdateRoleDescription: updateRoleDescription,
  UpdateAssumeRolePolicy: updateAssumeRolePolicy,
  DeleteRole: deleteRole,
};
