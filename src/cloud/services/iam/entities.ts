// The five named things of IAM, told apart by data, so that what they share is written once.
import type { Call, Permission } from '../../call.ts';
import type { TableName, World } from '../../world.ts';
import { noSuchEntity, validationError } from './failures.ts';
import {
  groups,
  instanceProfiles,
  managedPolicies,
  roles,
  users,
  type Group,
  type InstanceProfile,
  type ManagedPolicy,
  type Role,
  type Tag,
  type User,
} from './model.ts';
import { resourceTagKeys, type ConditionKeys } from './tags.ts';

/** The account an entity is looked for in. A `Call` is one. */
export interface Place {
  readonly world: World;
  readonly account: string;
}

/** What everything with a name has. */
export interface Entity {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly tags?: readonly Tag[];
}

export interface Noun<Row extends Entity> {
  /** In names of operations: `CreateUser`. */
  readonly label: string;
  /** In refusals: `user`; absent where they write the ARN. */
  readonly word?: string;
  /** Member of inputs that names it. */
  readonly nameKey: string;
  /** In ARNs: `user`. */
  readonly type: string;
  readonly table: TableName<Row>;
  /** AWS's text when it does not exist. */
  readonly missing: (name: string) => string;
}

export const userNoun: Noun<User> = {
  label: 'User',
  word: 'user',
  nameKey: 'UserName',
  type: 'user',
  table: users,
  missing: (name) => `The user with name ${name} cannot be found.`,
};

export const groupNoun: Noun<Group> = {
  label: 'Group',
  word: 'group',
  nameKey: 'GroupName',
  type: 'group',
  table: groups,
  missing: (name) => `The group with name ${name} cannot be found.`,
};

export const roleNoun: Noun<Role> = {
  label: 'Role',
  word: 'role',
  nameKey: 'RoleName',
  type: 'role',
  table: roles,
  missing: (name) => `The role with name ${name} cannot be found.`,
};

export const instanceProfileNoun: Noun<InstanceProfile> = {
  label: 'InstanceProfile',
  word: 'instance profile',
  nameKey: 'InstanceProfileName',
  type: 'instance-profile',
  table: instanceProfiles,
  missing: (name) => `Instance Profile ${name} cannot be found.`,
};

export const policyNoun: Noun<ManagedPolicy> = {
  label: 'Policy',
  word: 'policy',
  nameKey: 'PolicyName',
  type: 'policy',
  table: managedPolicies,
  missing: (name) => `Policy ${name} was not found.`,
};

/** Names compare without case. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names */
export function rowId(name: string): string {
  return name.toLowerCase();
}

export function find<Row extends Entity>(noun: Noun<Row>, place: Place, name: string): Row | undefined {
  return place.world.table(noun.table).get(place.account, rowId(name));
}

/** @throws NoSuchEntity */
export function need<Row extends Entity>(noun: Noun<Row>, place: Place, name: string): Row {
  const row = find(noun, place, name);
  if (row === undefined) throw noSuchEntity(noun.missing(name));
  return row;
}

export function save<Row extends Entity>(noun: Noun<Row>, place: Place, row: Row): void {
  place.world.table(noun.table).put(place.account, rowId(row.name), row);
}

export function arnOf(call: Pick<Call, 'world' | 'account'>, type: string, path: string, name: string): string {
  return `arn:${call.world.partition}:iam::${call.account}:${type}${path}${name}`;
}

/** Actions whose refusals write the ARN; IAM's older ones call the entity by its kind and name. */
const byArn =
  /^(?:PassRole|Tag|Untag|List\w+Tags$|Simulate|GetContextKeys|\w+PermissionsBoundary$|\w+ServiceLinkedRole|\w+ServiceSpecificCredential|\w+Service(?:LastAccessed|Access))/;

/** Permission for `action` on the entity called `name`, which need not exist; its live tags are in the context. */
export function permissionOn<Row extends Entity>(
  noun: Noun<Row>,
  call: Call,
  action: string,
  name: string,
  context: ConditionKeys = {},
): Permission {
  const row = find(noun, call, name);
  return {
    action: `iam:${action}`,
    resource: row?.arn ?? arnOf(call, noun.type, '/', name),
    named: noun.word === undefined || byArn.test(action) ? undefined : `${noun.word} ${name}`,
    context: { ...resourceTagKeys(row?.tags ?? []), ...context },
  };
}

/** Permission for `action` on an entity that is to be made. */
export function permissionToMake(
  call: Call,
  type: string,
  action: string,
  input: { readonly name: string; readonly path: string | undefined },
  context: ConditionKeys = {},
): Permission {
  return { action: `iam:${action}`, resource: arnOf(call, type, input.path ?? '/', input.name), context };
}

/** Permission for `action` on a whole kind under a path prefix: `arn:aws:iam::111111111111:user/`. */
export function permissionOnKind(call: Call, type: string, action: string, prefix: string | undefined): Permission {
  return { action: `iam:${action}`, resource: arnOf(call, type, prefix ?? '/', '') };
}

/** Permission for `action` that names no resource. */
export function permissionOnAll(action: string): Permission {
  return { action: `iam:${action}`, resource: '*' };
}

/**
 * The user an operation is about: the named one, else the caller.
 * @throws ValidationError when the caller is not a user and names none
 */
export function userNameOf(input: { readonly UserName?: string | undefined }, call: Call): string {
  if (input.UserName !== undefined) return input.UserName;
  if (call.principal.type === 'User') return call.principal.userName;
  throw validationError('Must specify userName when calling with non-User credentials');
}

/** Ids of rows that begin with `prefix`, without it, in order, starting behind `prefix + after`. */
export function* idsUnder<Value>(
  place: Place,
  table: TableName<Value>,
  prefix: string,
  after = '',
): Generator<readonly [rest: string, value: Value]> {
  for (const [id, value] of place.world.table(table).list(place.account, prefix + after)) {
    if (!id.startsWith(prefix)) return;
    yield [id.slice(prefix.length), value];
  }
}
