// A role of `aws`: which principals or instances may log in, and what the token may do.
// Texts and order of the checks: OpenBao plugins `auth/aws/path_role.go`.
import { formatGoDuration, uuid, type Json, type Random } from '../../../base/index.ts';
import type { Folder } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import {
  noTokenParameters,
  oldFields,
  shownParameters,
  tokenFields,
  writtenParameters,
  type TokenParameters,
} from '../token-parameters.ts';
import { isPattern } from './principal.ts';

const bounds = [
  'bound_ami_id',
  'bound_account_id',
  'bound_region',
  'bound_vpc_id',
  'bound_subnet_id',
  'bound_iam_role_arn',
  'bound_iam_instance_profile_arn',
  'bound_ec2_instance_id',
  'bound_iam_principal_arn',
] as const;

type Bound = (typeof bounds)[number];

export interface Role {
  readonly version: 1;
  readonly roleId: string;
  readonly authType: string;
  readonly bounds: Readonly<Record<Bound, readonly string[]>>;
  /** Unique ids of the principals in `bound_iam_principal_arn` that are no patterns. */
  readonly principalIds: readonly string[];
  readonly resolveIds: boolean;
  readonly inferredType: string;
  readonly inferredRegion: string;
  readonly roleTag: string;
  readonly allowInstanceMigration: boolean;
  readonly disallowReauthentication: boolean;
  readonly token: TokenParameters;
}

export const roleFields = {
  role: 'string',
  auth_type: 'string',
  bound_ami_id: 'list',
  bound_account_id: 'list',
  bound_region: 'list',
  bound_vpc_id: 'list',
  bound_subnet_id: 'list',
  bound_iam_role_arn: 'list',
  bound_iam_instance_profile_arn: 'list',
  bound_ec2_instance_id: 'list',
  bound_iam_principal_arn: 'list',
  resolve_aws_unique_ids: 'boolean',
  inferred_entity_type: 'string',
  inferred_aws_region: 'string',
  role_tag: 'string',
  allow_instance_migration: 'boolean',
  disallow_reauthentication: 'boolean',
  ...tokenFields,
  ...oldFields('policies', 'ttl', 'max_ttl', 'period'),
} as const;

export type RoleValues = FieldValues<typeof roleFields>;

export function roleKey(name: string): string {
  return `role/${name.toLowerCase()}`;
}

export async function loadRole(folder: Folder, name: string): Promise<Role | undefined> {
  return (await folder.get<Role>(roleKey(name)))?.value;
}

export function newRole(random: Random): Role {
  return {
    version: 1,
    roleId: uuid(random),
    authType: '',
    bounds: Object.fromEntries(bounds.map((name) => [name, []])) as unknown as Role['bounds'],
    principalIds: [],
    resolveIds: true,
    inferredType: '',
    inferredRegion: '',
    roleTag: '',
    allowInstanceMigration: false,
    disallowReauthentication: false,
    token: noTokenParameters,
  };
}

function refusal(text: string): Error {
  return brokerFailure('bad-request', text);
}

/**
 * What a write makes of a role, without the ids of its principals. `isNew`: it is not there yet.
 * @throws Failure `bad-request` with Vault's text.
 */
export function writtenRole(before: Role, given: RoleValues, isNew: boolean, maxTtlSeconds: number): Role {
  if (!isNew && before.resolveIds && given.resolve_aws_unique_ids === false) {
    throw refusal('changing resolve_aws_unique_ids from true to false is not allowed');
  }
  const written = Object.fromEntries(bounds.map((name) => [name, given[name] ?? before.bounds[name]]));
  const role: Role = {
    ...before,
    bounds: written as unknown as Role['bounds'],
    resolveIds: given.resolve_aws_unique_ids ?? before.resolveIds,
    inferredType: given.inferred_entity_type ?? before.inferredType,
    inferredRegion: given.inferred_aws_region ?? before.inferredRegion,
    authType: authTypeOf(before, given.auth_type),
    roleTag: given.role_tag ?? before.roleTag,
    allowInstanceMigration: given.allow_instance_migration ?? before.allowInstanceMigration,
    disallowReauthentication: given.disallow_reauthentication ?? before.disallowReauthentication,
  };
  checkInferred(role);
  checkBounds(role);
  checkEc2Only(role, given);
  const token = writtenParameters(before.token, given);
  checkTimes(token, maxTtlSeconds);
  return { ...role, token };
}

function authTypeOf(before: Role, given: string | undefined): string {
  if (before.authType === '') {
    const type = given ?? 'iam';
    if (type === 'iam' || type === 'ec2') return type;
    throw refusal(`unrecognized auth_type: ${type}`);
  }
  if (given === undefined || given === before.authType) return before.authType;
  throw refusal('changing auth_type on a role is not allowed');
}

function checkInferred({ inferredType, inferredRegion, authType }: Role): void {
  if (inferredType === '') {
    if (inferredRegion !== '') throw refusal('specified inferred_aws_region but not inferred_entity_type');
    return;
  }
  if (authType !== 'iam') throw refusal("specified inferred_entity_type but didn't allow iam auth_type");
  if (inferredType !== 'ec2_instance') throw refusal(`specified invalid inferred_entity_type: ${inferredType}`);
  if (inferredRegion === '') throw refusal('specified inferred_entity_type but not inferred_aws_region');
}

/** In Vault's order of checks. */
const boundOrder: readonly Bound[] = [
  'bound_account_id',
  'bound_region',
  'bound_ami_id',
  'bound_iam_instance_profile_arn',
  'bound_ec2_instance_id',
  'bound_iam_role_arn',
  'bound_iam_principal_arn',
  'bound_vpc_id',
  'bound_subnet_id',
];

function checkBounds(role: Role): void {
  const used = boundOrder.filter((name) => role.bounds[name].length > 0);
  for (const name of used) {
    const problem = boundProblem(role, name);
    if (problem !== undefined) throw refusal(`specified ${name} but not ${problem}`);
  }
  if (used.length === 0) throw refusal('at least one bound parameter should be specified on the role');
}

function boundProblem({ authType, inferredType }: Role, name: Bound): string | undefined {
  if (name === 'bound_iam_principal_arn') return authType === 'iam' ? undefined : 'specifying iam auth_type';
  if (name === 'bound_region') return authType === 'ec2' ? undefined : 'specifying ec2 auth_type';
  const allowed = authType === 'ec2' || inferredType !== '';
  return allowed ? undefined : 'specifying ec2 auth_type or inferring ec2_instance';
}

function checkEc2Only(role: Role, given: RoleValues): void {
  const isEc2 = role.authType === 'ec2';
  if (!isEc2 && given.disallow_reauthentication !== undefined) {
    throw refusal('specified disallow_reauthentication when not using ec2 auth type');
  }
  if (!isEc2 && given.allow_instance_migration !== undefined) {
    throw refusal('specified allow_instance_migration when not using ec2 auth type');
  }
  if (role.allowInstanceMigration && role.disallowReauthentication) {
    throw refusal('cannot specify both disallow_reauthentication=true and allow_instance_migration=true');
  }
  if (!isEc2 && given.role_tag !== undefined) throw refusal('tried to enable role_tag when not using ec2 auth method');
  if (role.roleTag.length > 127) throw refusal('length of role tag exceeds the EC2 key limit of 127 characters');
}

function checkTimes({ ttl, maxTtl, period }: TokenParameters, maxTtlSeconds: number): void {
  if (maxTtl !== 0 && maxTtl < ttl) throw refusal('ttl should be shorter than max ttl');
  if (period <= maxTtlSeconds) return;
  throw refusal(
    `period of "${formatGoDuration(period)}" is greater than the backend's maximum lease TTL of "${formatGoDuration(maxTtlSeconds)}"`,
  );
}

export function roleWarnings({ token: { maxTtl } }: Role, maxTtlSeconds: number): readonly string[] {
  if (maxTtl <= maxTtlSeconds) return [];
  return [
    `Given max ttl of ${maxTtl} seconds greater than current mount/system default of ${maxTtlSeconds} seconds; max ttl will be capped at login time`,
  ];
}

/** The principals whose unique ids the role is bound to; patterns have none. */
export function principalsToResolve({
  resolveIds,
  bounds: { bound_iam_principal_arn: arns },
}: Role): readonly string[] {
  return resolveIds ? arns.filter((arn) => !isPattern(arn)) : [];
}

export function shownRole(role: Role): Readonly<Record<string, Json>> {
  return {
    auth_type: role.authType,
    ...role.bounds,
    bound_iam_principal_id: role.principalIds,
    inferred_entity_type: role.inferredType,
    inferred_aws_region: role.inferredRegion,
    resolve_aws_unique_ids: role.resolveIds,
    role_id: role.roleId,
    role_tag: role.roleTag,
    allow_instance_migration: role.allowInstanceMigration,
    disallow_reauthentication: role.disallowReauthentication,
    ...shownParameters(role.token),
  };
}
