// The rights that the server's own key needs, per feature: which calls the engine makes, and on what.
// The tests of the engine run with exactly the policy made from this table, and a test takes away one
// right after the other to see that it was needed.

/** What a call is made on. */
export type Target =
  /** Users that the engine makes: their path and the beginning of their names are known. */
  | 'lent-user'
  /** As `lent-user`, in calls that AWS tells the tags of the user, so that only ours are meant. */
  | 'tagged-user'
  /** A lent user that must carry the lease's tag from its first moment. */
  | 'new-user'
  /** The user whose key the server acts with. */
  | 'own-user'
  /** Users of static roles. */
  | 'static-user'
  | 'group'
  /** Roles that are lent. */
  | 'role'
  /** Roles through which other accounts are reached. */
  | 'executor'
  | 'virtual-mfa'
  | 'federated-user'
  | 'anything';

export interface Right {
  readonly action: string;
  readonly on: Target;
}

export interface Feature {
  readonly about: string;
  readonly rights: readonly Right[];
}

function on(target: Target, ...actions: readonly string[]): readonly Right[] {
  return actions.map((action) => ({ action, on: target }));
}

/* oxfmt-ignore */
export const features = {
  'iam_user': {
    about: 'lends IAM users, and removes them with what it gave them',
    rights: [
      ...on('new-user', 'iam:CreateUser', 'iam:TagUser'),
      // Without a condition on the tag: AWS may see it a moment after the user itself.
      ...on('lent-user', 'iam:GetUser', 'iam:AttachUserPolicy', 'iam:PutUserPolicy', 'iam:CreateAccessKey',
        'iam:ListAccessKeys', 'iam:DeleteAccessKey'),
      ...on('tagged-user', 'iam:ListAttachedUserPolicies', 'iam:DetachUserPolicy', 'iam:ListUserPolicies',
        'iam:DeleteUserPolicy', 'iam:ListGroupsForUser', 'iam:DeleteUser'),
      ...on('group', 'iam:AddUserToGroup', 'iam:RemoveUserFromGroup'),
    ],
  },
  'user-cleanup': {
    about: 'removes what others gave a lent user meanwhile: password, MFA, SSH keys, certificates, service credentials',
    rights: [
      ...on('tagged-user', 'iam:DeleteLoginProfile', 'iam:ListMFADevices', 'iam:DeactivateMFADevice',
        'iam:ListSSHPublicKeys', 'iam:DeleteSSHPublicKey', 'iam:ListSigningCertificates', 'iam:DeleteSigningCertificate',
        'iam:ListServiceSpecificCredentials', 'iam:DeleteServiceSpecificCredential'),
      ...on('virtual-mfa', 'iam:DeleteVirtualMFADevice'),
    ],
  },
  'assumed_role': {
    about: 'lends sessions of roles; with session tags where the role of the engine names some',
    rights: on('role', 'sts:AssumeRole', 'sts:TagSession'),
  },
  'denies': {
    about: 'ends sessions of roles before their time, by a policy that refuses them one by one',
    rights: [
      ...on('role', 'sts:SetSourceIdentity', 'iam:PutRolePolicy', 'iam:GetRolePolicy', 'iam:DeleteRolePolicy', 'iam:ListRolePolicies'),
    ],
  },
  'iam_groups': {
    about: 'narrows sessions by the policies of IAM groups',
    rights: on('group', 'iam:ListAttachedGroupPolicies', 'iam:ListGroupPolicies', 'iam:GetGroupPolicy'),
  },
  'federation_token': {
    about: 'lends federation tokens; they can do at most what this key can, so it needs the lent rights too',
    rights: on('federated-user', 'sts:GetFederationToken'),
  },
  'session_token': {
    about: 'lends session tokens, for which AWS asks for no right; they can do what this key can',
    rights: [],
  },
  'rotate-root': {
    about: 'changes the server’s own access key',
    rights: on('own-user', 'iam:GetUser', 'iam:ListAccessKeys', 'iam:CreateAccessKey', 'iam:DeleteAccessKey'),
  },
  'root-age': {
    about: 'shows the age of the server’s own access key',
    rights: on('own-user', 'iam:ListAccessKeys'),
  },
  'static-roles': {
    about: 'rotates the keys of IAM users that others made',
    rights: on('static-user', 'iam:GetUser', 'iam:ListAccessKeys', 'iam:CreateAccessKey', 'iam:DeleteAccessKey'),
  },
  'accounts': {
    about: 'acts in other accounts through a role of each; that role needs the rights of what is lent there',
    rights: on('executor', 'sts:AssumeRole'),
  },
  'orphans': {
    about: 'finds users and deny policies of the engine that no lease owns, and removes them',
    rights: on('anything', 'iam:GetAccountAuthorizationDetails'),
  },
  'auth-aws': {
    about: 'looks up the users and roles that the auth method `aws` binds its roles to',
    rights: on('anything', 'iam:GetUser', 'iam:GetRole'),
  },
  'auth-aws-ec2': {
    about: 'looks up the instances that log in by the auth method `aws`',
    rights: on('anything', 'ec2:DescribeInstances', 'iam:GetInstanceProfile'),
  },
} as const satisfies Readonly<Record<string, Feature>>;

export type FeatureName = keyof typeof features;

export const featureNames = Object.keys(features) as readonly FeatureName[];

/** What the resources of the policy are made from; each has a default that covers what the engine may name. */
export interface RightsScope {
  readonly partition: string;
  /** Twelve digits; `*` for any. */
  readonly account: string;
  /** Path and beginning of the names of lent users. */
  readonly users: readonly string[];
  /** The server's own user: path and name. */
  readonly ownUser: string;
  readonly staticUsers: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  readonly executors: readonly string[];
}

export const widestScope: RightsScope = {
  partition: 'aws',
  account: '*',
  users: ['vault-*', '*/vault-*'],
  ownUser: '${aws:username}',
  staticUsers: ['*'],
  groups: ['*'],
  roles: ['arn:aws:iam::*:role/*'],
  executors: ['arn:aws:iam::*:role/*'],
};

interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const tagged = { Null: { 'aws:ResourceTag/stint:lease': 'false' } };
const beingTagged = { Null: { 'aws:RequestTag/stint:lease': 'false' } };

const sids: Readonly<Record<Target, string>> = {
  'lent-user': 'LentUsers',
  'tagged-user': 'LentUsersByTag',
  'new-user': 'NewUsers',
  'own-user': 'OwnUser',
  'static-user': 'StaticUsers',
  group: 'Groups',
  role: 'LentRoles',
  executor: 'Executors',
  'virtual-mfa': 'DevicesOfLentUsers',
  'federated-user': 'FederatedUsers',
  anything: 'Everything',
};

/** The least policy of the server's key for `names`: one statement for each kind of thing. */
export function keyPolicy(
  names: readonly FeatureName[],
  scope: RightsScope,
): { Version: string; Statement: readonly PolicyStatement[] } {
  const rights = names.flatMap((name): readonly Right[] => features[name].rights);
  const statements = (Object.keys(sids) as Target[]).flatMap((target) => {
    const actions = [...new Set(rights.filter((right) => right.on === target).map(({ action }) => action))].sort();
    return actions.length === 0 ? [] : [statement(target, actions, scope)];
  });
  return { Version: '2012-10-17', Statement: statements };
}

function statement(target: Target, Action: readonly string[], scope: RightsScope): PolicyStatement {
  const Condition = target === 'tagged-user' ? tagged : target === 'new-user' ? beingTagged : undefined;
  return {
    Sid: sids[target],
    Effect: 'Allow',
    Action,
    Resource: resourcesOf(target, scope),
    ...(Condition === undefined ? {} : { Condition }),
  };
}

function resourcesOf(target: Target, scope: RightsScope): readonly string[] {
  const { partition, account } = scope;
  const inAccount = (kind: string, names: readonly string[]): readonly string[] =>
    names.map((name) => `arn:${partition}:iam::${account}:${kind}/${name}`);
  const resources: Readonly<Record<Target, readonly string[]>> = {
    'lent-user': inAccount('user', scope.users),
    'tagged-user': inAccount('user', scope.users),
    'new-user': inAccount('user', scope.users),
    'own-user': inAccount('user', [scope.ownUser]),
    'static-user': inAccount('user', scope.staticUsers),
    group: inAccount('group', scope.groups),
    role: scope.roles,
    executor: scope.executors,
    'virtual-mfa': inAccount('mfa', ['*']),
    'federated-user': [`arn:${partition}:sts::${account}:federated-user/*`],
    anything: ['*'],
  };
  return resources[target];
}
