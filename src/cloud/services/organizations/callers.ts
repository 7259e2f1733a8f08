// Which accounts may call what, beside what their policies say. Source: each operation's page in the API reference;
// Organizations user guide, "Delegated administrator for AWS Organizations".
import type { Call, Operation, Permission } from '../../call.ts';
import { isDelegatedAdministrator } from './delegation-rows.ts';
import { organizationsFailure } from './failures.ts';
import { delegationPolicy } from './resource-policy.ts';
import { memberOf } from './tree.ts';

/** Every account of the organisation may call these, about itself. */
const membersToo: ReadonlySet<string> = new Set([
  'DescribeEffectivePolicy',
  'DescribeOrganization',
  'LeaveOrganization',
]);

/** These work outside an organisation as well. */
const strangersToo: ReadonlySet<string> = new Set([
  'AcceptHandshake',
  'CancelHandshake',
  'CreateOrganization',
  'DeclineHandshake',
  'DescribeHandshake',
  'ListHandshakesForAccount',
]);

/** Changes that a delegation policy can give to a member; it can give every read as well. */
const delegable: ReadonlySet<string> = new Set([
  'AttachPolicy',
  'CreatePolicy',
  'DeletePolicy',
  'DetachPolicy',
  'DisablePolicyType',
  'EnablePolicyType',
  'TagResource',
  'UntagResource',
  'UpdatePolicy',
]);

function isRead(name: string): boolean {
  return name.startsWith('Describe') || name.startsWith('List');
}

/**
 * `operations`, each with the rule of who may call it. What the caller's own policies say comes first, as in AWS: a
 * member's permission is one of its own account, and whether the organisation lets it is asked after.
 */
export function withCallers(operations: Readonly<Record<string, Operation>>): Readonly<Record<string, Operation>> {
  return Object.fromEntries(
    Object.entries(operations).map(([name, operation]) => [
      name,
      {
        ...operation,
        permissions: (input: never, call: Call, prepared: never) =>
          ownSide(operation.permissions(input, call, prepared), call),
        handle: (input: never, call: Call, prepared: never) => {
          checkCaller(name, call, () => operation.permissions(input, call, prepared));
          return operation.handle(input, call, prepared);
        },
      },
    ]),
  );
}

type Permissions = readonly Permission[] | 'permissionless';

function ownSide(permissions: Permissions, call: Call): Permissions {
  const { managementAccount } = call.world;
  if (permissions === 'permissionless' || call.account === managementAccount) return permissions;
  return permissions.map((permission) => ({
    ...permission,
    resourceAccount: call.account,
    context: { 'aws:ResourceAccount': managementAccount, ...permission.context },
  }));
}

/** @throws AWSOrganizationsNotInUseException, AccessDeniedException */
function checkCaller(name: string, call: Call, permissions: () => Permissions): void {
  if (strangersToo.has(name)) return;
  if (memberOf(call.world, call.account) === undefined) throw organizationsFailure('AWSOrganizationsNotInUseException');
  if (call.account === call.world.managementAccount || membersToo.has(name)) return;
  if (isRead(name) && isDelegatedAdministrator(call.world, call.account)) return;
  if (!isRead(name) && !delegable.has(name)) throw organizationsFailure('AccessDeniedException');
  if (!isDelegated(call, permissions())) throw organizationsFailure('AccessDeniedException');
}

/** True when the delegation policy lets the caller do all of it. */
function isDelegated(call: Call, permissions: Permissions): boolean {
  const attached = delegationPolicy(call);
  if (attached === undefined || permissions === 'permissionless') return false;
  const onOrganization = (permission: Permission): Permission => ({
    ...permission,
    resourceAccount: call.world.managementAccount,
    resourcePolicy: { kind: 'resource', attached },
  });
  return permissions.every((permission) => call.refusal(onOrganization(permission)) === undefined);
}
