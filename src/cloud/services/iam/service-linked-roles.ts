// Service-linked roles: made for a service with name, trust and policy that AWS sets, deleted by a task of their own.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html
import type * as Sdk from '@aws-sdk/client-iam';
import { uuid } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { tableName } from '../../world.ts';
import { arnOf, find, need, permissionOn, roleNoun, save } from './entities.ts';
import { invalidInput, noSuchEntity, quotaExceeded } from './failures.ts';
import { findPolicy } from './managed.ts';
import { roles, type Role } from './model.ts';
import { beginUse, endUse } from './policy-usage.ts';
import { newRole, removeRole } from './roles.ts';
import { serviceRole, type ServiceRole } from './service-roles.ts';
import { createdRoleShape, type Parsed } from './shapes.ts';

/** Deletions that were asked for. Id: the task's. A role of ours is in no other service's use, so each has succeeded. */
const deletions = tableName<{ readonly role: string }>('iam.service-linked-deletion');

const prefix = '/aws-service-role/';

function pathOf(service: string): string {
  return `${prefix}${service}/`;
}

/** The name the role gets; a service that AWS does not know has none. */
function nameOf(known: ServiceRole | undefined, suffix: string | undefined): string {
  const base = known?.roleName ?? '';
  return suffix === undefined || suffix === '' ? base : `${base}_${suffix}`;
}

const createServiceLinkedRole = operation<
  Parsed<Sdk.CreateServiceLinkedRoleRequest>,
  Sdk.CreateServiceLinkedRoleResponse
>({
  depth: 'A service whose role is not in the catalogue is refused.',
  permissions: (input, call) => {
    const service = input.AWSServiceName;
    const name = nameOf(serviceRole(service), input.CustomSuffix);
    return [
      {
        action: 'iam:CreateServiceLinkedRole',
        resource: arnOf(call, 'role', pathOf(service), name === '' ? '*' : name),
        context: { 'iam:AWSServiceName': service },
      },
    ];
  },
  handle: (input, call) => {
    const service = input.AWSServiceName;
    const known = serviceRole(service);
    if (known === undefined) throw invalidInput(`${service} is not a valid service name for a service-linked role.`);
    if ((input.CustomSuffix ?? '') !== '' && !known.takesSuffix) {
      throw invalidInput(`Custom suffix is not allowed for ${service}`);
    }
    const name = nameOf(known, input.CustomSuffix);
    if (find(roleNoun, call, name)) {
      throw invalidInput(`Service role name ${name} has been taken in this account, please try a different suffix.`);
    }
    const limit = call.world.quotas.RolesPerAccount;
    if (call.world.table(roles).count(call.account) >= limit) throw quotaExceeded('RolesPerAccount', limit);
    return { Role: createdRoleShape(makeRole(call, known, name, input.Description), call.world) };
  },
});

function makeRole(call: Call, known: ServiceRole, name: string, description: string | undefined): Role {
  const statement = { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { Service: known.service } };
  const role = newRole(call, {
    name,
    path: pathOf(known.service),
    tags: [],
    trust: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    description,
    maxSessionSeconds: 3600,
  });
  const policy = `arn:${call.world.partition}:iam::aws:policy${prefix}${known.policy}`;
  if (findPolicy(call, policy) === undefined) return role;
  const attached: Role = { ...role, attached: [policy] };
  save(roleNoun, call, attached);
  beginUse(call, policy, 'attached', 'role', name);
  return attached;
}

const deleteServiceLinkedRole = operation<
  Parsed<Sdk.DeleteServiceLinkedRoleRequest>,
  Sdk.DeleteServiceLinkedRoleResponse
>({
  depth: 'Always succeeds: no service uses the role.',
  permissions: (input, call) => [permissionOn(roleNoun, call, 'DeleteServiceLinkedRole', input.RoleName)],
  handle: (input, call) => {
    const role = need(roleNoun, call, input.RoleName);
    if (!role.path.startsWith(prefix)) throw noSuchEntity(roleNoun.missing(input.RoleName));
    for (const policy of role.attached) endUse(call, policy, 'attached', 'role', role.name);
    removeRole(call, role);
    const DeletionTaskId = `task${role.path}${role.name}/${uuid(call.random)}`;
    call.world.table(deletions).put(call.account, DeletionTaskId, { role: role.name });
    return { DeletionTaskId };
  },
});

/** The role a deletion task names, as IAM's permission has it: `task/aws-service-role/SERVICE/ROLE/ID`. */
function permissionOnTask(call: Call, task: string): Permission {
  const [, path] = /^task(\/aws-service-role\/[^/]+\/[^/]+)\//.exec(task) ?? [];
  const resource = arnOf(call, 'role', path ?? '/', path === undefined ? '*' : '');
  return { action: 'iam:GetServiceLinkedRoleDeletionStatus', resource };
}

const getServiceLinkedRoleDeletionStatus = operation<
  Parsed<Sdk.GetServiceLinkedRoleDeletionStatusRequest>,
  Sdk.GetServiceLinkedRoleDeletionStatusResponse
>({
  permissions: (input, call) => [permissionOnTask(call, input.DeletionTaskId)],
  handle: (input, call) => {
    if (call.world.table(deletions).get(call.account, input.DeletionTaskId) === undefined) {
      throw noSuchEntity(`The deletion task with id ${input.DeletionTaskId} cannot be found.`);
    }
    return { Status: 'SUCCEEDED' };
  },
});

export const serviceLinkedRoleOperations = {
  CreateServiceLinkedRole: createServiceLinkedRole,
  DeleteServiceLinkedRole: deleteServiceLinkedRole,
  GetServiceLinkedRoleDeletionStatus: getServiceLinkedRoleDeletionStatus,
};
