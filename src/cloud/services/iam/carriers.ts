// Users, groups and roles as carriers of policies: what inline policies, attachments and boundaries share.
import type { Call, Permission } from '../../call.ts';
import type { QuotaName } from '../../quotas.ts';
import { find, groupNoun, permissionOn, roleNoun, userNoun, type Noun } from './entities.ts';
import { awsFailure } from '../../failures.ts';
import type { Group, Identity, Role, User } from './model.ts';
import type { UserKind } from './policy-usage.ts';
import type { ConditionKeys } from './tags.ts';

export interface Carrier<Row extends Identity> {
  readonly noun: Noun<Row>;
  readonly kind: UserKind;
  /** Limit of all inline policies together. */
  readonly inlineQuota: QuotaName;
  readonly attachedQuota: QuotaName;
}

export const userCarrier: Carrier<User> = {
  noun: userNoun,
  kind: 'user',
  inlineQuota: 'UserPolicySize',
  attachedQuota: 'AttachedPoliciesPerUser',
};

export const groupCarrier: Carrier<Group> = {
  noun: groupNoun,
  kind: 'group',
  inlineQuota: 'GroupPolicySize',
  attachedQuota: 'AttachedPoliciesPerGroup',
};

export const roleCarrier: Carrier<Role> = {
  noun: roleNoun,
  kind: 'role',
  inlineQuota: 'RolePolicySize',
  attachedQuota: 'AttachedPoliciesPerRole',
};

/** Input of an operation whose members are named after the carrier: `UserName`, `RoleName`. */
export type CarrierInput = Readonly<Record<string, unknown>>;

export function carrierName(carrier: Carrier<never>, input: CarrierInput): string {
  return input[carrier.noun.nameKey] as string;
}

/** Permission to change what a carrier may do: `iam:PermissionsBoundary` is the boundary it has. */
export function permissionOnCarrier<Row extends Identity>(
  carrier: Carrier<Row>,
  call: Call,
  action: string,
  name: string,
  context: ConditionKeys = {},
): Permission {
  const row: Row | undefined = find(carrier.noun, call, name);
  const boundary = row !== undefined && 'boundary' in row ? (row.boundary as string | undefined) : undefined;
  return permissionOn(carrier.noun, call, action, name, { 'iam:PermissionsBoundary': boundary, ...context });
}

/** Roles that AWS made for its services are changed by AWS alone. @throws UnmodifiableEntity */
export function refuseProtected(row: Identity): void {
  if (/:role\/aws-(?:service-role|reserved)\//.test(row.arn)) {
    throw awsFailure(
      'UnmodifiableEntity',
      `Cannot perform the operation on the protected role '${row.name}' - this role is only modifiable by AWS`,
      { status: 400 },
    );
  }
}
