// Who can be asked about: the users, groups and roles of the details, each with what decides for it and what is known
// of the context of its requests. Sources: IAM user guide, "AWS global condition context keys" and "Principal key values".
import { preparePrincipal } from '../prepare.ts';
import type { PreparedPrincipal, Principal } from '../types.ts';
import type { AccountDetails, GroupDetails, NamedDocument, RoleDetails, TagMap, UserDetails } from './details.ts';
import type { Shelf } from './shelf.ts';

export interface Subject {
  /** A `group` stands for any member that has nothing else. */
  readonly kind: 'user' | 'group' | 'role';
  readonly arn: string;
  readonly name: string;
  readonly account: AccountDetails;
  readonly principal: Principal;
  readonly role?: RoleDetails | undefined;
  readonly user?: UserDetails | undefined;
  /** Of the keys that its requests have, those that are known; lower-case. */
  readonly known: ReadonlyMap<string, string>;
  readonly isAbsent: (key: string) => boolean;
  /** Prepared at the first question. */
  policies(): PreparedPrincipal;
}

const tagPrefix = 'aws:principaltag/';

// Keys that only sessions of roles, or of services, or of federated people have.
const neverOfUsers = new Set([
  'aws:federatedprovider',
  'aws:principalservicename',
  'aws:principalservicenameslist',
  'aws:sourceidentity',
  'aws:ec2instancesourcevpc',
  'aws:ec2instancesourceprivateipv4',
  'ec2:roledelivery',
  'ec2:sourceinstancearn',
]);
const onlyOfInstances = new Set([
  'aws:ec2instancesourcevpc',
  'aws:ec2instancesourceprivateipv4',
  'ec2:roledelivery',
  'ec2:sourceinstancearn',
]);
const neverOfRoles = new Set(['aws:username', 'aws:principalservicename', 'aws:principalservicenameslist']);

function tagKeys(tags: TagMap): [string, string][] {
  return Object.entries(tags).map(([key, value]) => [`${tagPrefix}${key.toLowerCase()}`, value]);
}

interface Scope {
  readonly shelf: Shelf;
  readonly account: AccountDetails;
  readonly organization: string | undefined;
}

function commonKeys({ account, organization }: Scope): [string, string][] {
  return [
    ['aws:principalaccount', account.id],
    ['aws:principalisawsservice', 'false'],
    ...organizationKeys('principal', account, organization),
  ];
}

/** Keys of the organisation of a principal or of a resource, by the account that it is of. */
export function organizationKeys(
  side: 'principal' | 'resource',
  { inOrganization, organizationPath }: AccountDetails,
  organization: string | undefined,
): [string, string][] {
  if (organization === undefined || inOrganization === false) return [];
  const path = organizationPath === undefined ? [] : [[`aws:${side}orgpaths`, organizationPath] as [string, string]];
  return [[`aws:${side}orgid`, organization], ...path];
}

function prepared(scope: Scope, arn: string, policies: readonly NamedDocument[], boundary: NamedDocument | undefined) {
  const { shelf, account } = scope;
  return preparePrincipal({
    identity: policies.map((policy) => shelf.attached(policy, 'identity', arn)),
    boundary: boundary && shelf.attached(boundary, 'identity', arn),
    scps: account.scps.map((level) => level.map((policy) => shelf.attached(policy, 'scp'))),
  });
}

/** Policies are prepared at the first question and kept. */
function lazily(make: () => PreparedPrincipal): () => PreparedPrincipal {
  let held: PreparedPrincipal | undefined;
  return () => (held ??= make());
}

/** A role in a session that was made with these policies: it can do no more than they allow. */
export function inSession(shelf: Shelf, role: Subject, policies: readonly NamedDocument[]): Subject {
  const session = policies.map((policy) => shelf.attached(policy, 'session'));
  return { ...role, policies: lazily(() => preparePrincipal({ ...role.policies().source, session })) };
}

/** A role in a session of this name, which its user id tells where the role's own id is known. */
export function inNamedSession(role: Subject, name: string): Subject {
  const id = role.role?.id;
  return id === undefined ? role : { ...role, known: new Map([...role.known, ['aws:userid', `${id}:${name}`]]) };
}

/** The groups of a user, in the account. IAM compares their names without case. */
export function groupsOf(account: AccountDetails, user: UserDetails): readonly GroupDetails[] {
  const names = new Set(user.groups.map((name) => name.toLowerCase()));
  return account.groups.filter(({ name }) => names.has(name.toLowerCase()));
}

export function userSubject(scope: Scope, user: UserDetails): Subject {
  const { account } = scope;
  const { arn, name } = user;
  return {
    kind: 'user',
    arn,
    name,
    account,
    user,
    principal: { type: 'User', account: account.id, arn, userId: user.id ?? '', userName: name },
    known: new Map([
      ...commonKeys(scope),
      ['aws:principalarn', arn],
      ['aws:principaltype', 'User'],
      ['aws:username', name],
      ...(user.id === undefined ? [] : ([['aws:userid', user.id]] as const)),
      ...tagKeys(user.tags),
    ]),
    isAbsent: (key) => key.startsWith(tagPrefix) || neverOfUsers.has(key),
    policies: lazily(() => {
      const policies = [...user.policies, ...groupsOf(account, user).flatMap((group) => group.policies)];
      return prepared(scope, arn, policies, user.boundary);
    }),
  };
}

export function groupSubject(scope: Scope, group: GroupDetails): Subject {
  const { account } = scope;
  return {
    kind: 'group',
    arn: group.arn,
    name: group.name,
    account,
    principal: { type: 'User', account: account.id, arn: group.arn, userId: '', userName: '' },
    known: new Map([...commonKeys(scope), ['aws:principaltype', 'User']]),
    isAbsent: (key) => neverOfUsers.has(key),
    policies: lazily(() => prepared(scope, group.arn, group.policies, undefined)),
  };
}

/** Whether sessions may carry tags of their own, which then count as the principal's. */
function takesSessionTags({ trust }: RoleDetails): boolean {
  return /"sts:(?:TagSession|\*|Tag\*)"|"\*"/i.test(
    JSON.stringify([trust.Statement].flat().map((it) => (it as { Action?: unknown }).Action ?? '*')),
  );
}

/** Whether instances may run as the role: only their sessions tell how the metadata service was asked. */
function servesInstances({ trust }: RoleDetails): boolean {
  return /"ec2\.[\w.-]+"|"\*"/i.test(
    JSON.stringify([trust.Statement].flat().map((it) => (it as { Principal?: unknown }).Principal ?? '*')),
  );
}

export function roleSubject(scope: Scope, role: RoleDetails): Subject {
  const { account } = scope;
  const { arn, name } = role;
  const tagged = takesSessionTags(role);
  const onInstances = servesInstances(role);
  return {
    kind: 'role',
    arn,
    name,
    account,
    role,
    principal: {
      type: 'AssumedRole',
      account: account.id,
      arn: `arn:${account.partition}:sts::${account.id}:assumed-role/${name}/*`,
      roleArn: arn,
      roleId: role.id ?? '',
      sessionName: '*',
      serviceLinked: role.path.startsWith('/aws-service-role/'),
    },
    known: new Map([
      ...commonKeys(scope),
      ['aws:principalarn', arn],
      ['aws:principaltype', 'AssumedRole'],
      ...(tagged ? [] : tagKeys(role.tags)),
    ]),
    isAbsent: (key) =>
      neverOfRoles.has(key) || (!onInstances && onlyOfInstances.has(key)) || (!tagged && key.startsWith(tagPrefix)),
    policies: lazily(() => prepared(scope, arn, role.policies, role.boundary)),
  };
}
