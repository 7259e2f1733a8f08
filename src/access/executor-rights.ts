// The rights of the executor, the role that Stint acts through in an account: which calls a plan and an apply make, and
// on what. A test runs plan, apply and destroy with exactly the policy made from this table, and finds each right used.
import type { Partition } from '../aws/index.ts';
import { definitionTag, ownedPath } from './ownership.ts';
import { leasePath } from './lease-marker.ts';
import type { Document, Statement } from './resources.ts';

/** What a call is made on. */
type Target =
  /** Reads of a whole account have no resource to narrow them by. */
  | 'anything'
  /** Things with our tag. */
  | 'own-role'
  | 'own-user'
  | 'own-profile'
  | 'own-provider'
  /** Things that get our tag with the call that makes them. */
  | 'new-role'
  | 'new-user'
  | 'new-profile'
  | 'new-provider'
  /** Things below our path, since groups take no tags. */
  | 'own-group'
  | 'own-policy'
  | 'lease'
  | 'virtual-mfa';

const reads = [
  'iam:GetAccountAuthorizationDetails',
  'iam:GetAccountPasswordPolicy',
  'iam:GetGroup',
  'iam:GetInstanceProfile',
  'iam:GetLoginProfile',
  'iam:GetOpenIDConnectProvider',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRole',
  'iam:GetSAMLProvider',
  'iam:GetUser',
  'iam:ListInstanceProfiles',
  'iam:ListOpenIDConnectProviders',
  'iam:ListPolicyTags',
  'iam:ListRoles',
  'iam:ListSAMLProviders',
  'iam:ListSAMLProviderTags',
  'cloudtrail:LookupEvents',
];

/* oxfmt-ignore */
const writes: Readonly<Partial<Record<Target, readonly string[]>>> = {
  'anything': ['UpdateAccountPasswordPolicy', 'DeleteAccountPasswordPolicy'],
  'new-role': ['CreateRole'],
  'own-role': ['UpdateRole', 'UpdateAssumeRolePolicy', 'DeleteRole', 'PutRolePolicy', 'DeleteRolePolicy', 'AttachRolePolicy',
    'DetachRolePolicy', 'PutRolePermissionsBoundary', 'DeleteRolePermissionsBoundary', 'UntagRole', 'PassRole'],
  'new-user': ['CreateUser'],
  'own-user': ['UpdateUser', 'DeleteUser', 'PutUserPolicy', 'DeleteUserPolicy', 'AttachUserPolicy', 'DetachUserPolicy',
    'PutUserPermissionsBoundary', 'DeleteUserPermissionsBoundary', 'UntagUser', 'CreateLoginProfile', 'DeleteLoginProfile',
    'ListAccessKeys', 'UpdateAccessKey', 'DeleteAccessKey', 'ListMFADevices', 'DeactivateMFADevice', 'ListSigningCertificates',
    'DeleteSigningCertificate', 'ListSSHPublicKeys', 'DeleteSSHPublicKey', 'ListServiceSpecificCredentials', 'DeleteServiceSpecificCredential'],
  'virtual-mfa': ['DeleteVirtualMFADevice'],
  'new-profile': ['CreateInstanceProfile'],
  'own-profile': ['DeleteInstanceProfile', 'AddRoleToInstanceProfile', 'RemoveRoleFromInstanceProfile', 'UntagInstanceProfile'],
  'new-provider': ['CreateOpenIDConnectProvider', 'CreateSAMLProvider'],
  'own-provider': ['DeleteOpenIDConnectProvider', 'AddClientIDToOpenIDConnectProvider', 'RemoveClientIDFromOpenIDConnectProvider',
    'UpdateOpenIDConnectProviderThumbprint', 'UntagOpenIDConnectProvider', 'UpdateSAMLProvider', 'DeleteSAMLProvider', 'UntagSAMLProvider'],
  'own-group': ['CreateGroup', 'DeleteGroup', 'PutGroupPolicy', 'DeleteGroupPolicy', 'AttachGroupPolicy', 'DetachGroupPolicy',
    'AddUserToGroup', 'RemoveUserFromGroup'],
  'own-policy': ['CreatePolicy', 'DeletePolicy', 'CreatePolicyVersion', 'DeletePolicyVersion', 'TagPolicy'],
  'lease': ['CreateInstanceProfile', 'DeleteInstanceProfile'],
};

/** Calls that set tags: of what has our tag, or gets it with the call. */
const tagging: Readonly<Partial<Record<Target, readonly string[]>>> = {
  'new-role': ['TagRole'],
  'new-user': ['TagUser'],
  'new-profile': ['TagInstanceProfile'],
  'new-provider': ['TagOpenIDConnectProvider', 'TagSAMLProvider'],
};

export interface ExecutorScope {
  readonly partition: Partition;
  /** Name of the definition, by which its things are marked. */
  readonly definition: string;
  readonly organization?: string | undefined;
  /** Id of the account from which the executors are entered. */
  readonly hubAccount: string;
  /** ARN of the role or user that enters them. */
  readonly hubPrincipal: string;
  /** Permissions boundary that every role and user made must have. */
  readonly boundary?: string | undefined;
}

const arnParts: Readonly<Record<Exclude<Target, 'anything'>, readonly string[]>> = {
  'own-role': ['role/*'],
  'new-role': ['role/*'],
  'own-user': ['user/*'],
  'new-user': ['user/*'],
  'own-profile': ['instance-profile/*'],
  'new-profile': ['instance-profile/*'],
  'own-provider': ['oidc-provider/*', 'saml-provider/*'],
  'new-provider': ['oidc-provider/*', 'saml-provider/*'],
  'own-group': [],
  'own-policy': [],
  lease: [`instance-profile${leasePath}*`],
  'virtual-mfa': ['mfa/*'],
};

function resourcesOf(target: Target, { partition, definition }: ExecutorScope): string | string[] {
  if (target === 'anything') return '*';
  const path = ownedPath(definition);
  const parts =
    target === 'own-group' ? [`group${path}*`] : target === 'own-policy' ? [`policy${path}*`] : arnParts[target];
  const arns = parts.map((part) => `arn:${partition}:iam::*:${part}`);
  return arns.length === 1 ? arns[0]! : arns;
}

function conditionOf(target: Target, actions: readonly string[], scope: ExecutorScope): Statement['Condition'] {
  const tag = target.startsWith('new-') ? 'RequestTag' : 'ResourceTag';
  const tagged = /^(?:new-|own-(?!group|policy))/.test(target);
  const bounded = scope.boundary !== undefined && actions.some((it) => /^Create(?:Role|User)$/.test(it));
  const keys = {
    ...(tagged ? { [`aws:${tag}/${definitionTag}`]: scope.definition } : {}),
    ...(bounded ? { 'iam:PermissionsBoundary': scope.boundary ?? '' } : {}),
  };
  return Object.keys(keys).length === 0 ? undefined : { StringEquals: keys };
}

function statementOf(target: Target, actions: readonly string[], scope: ExecutorScope): Statement {
  const Condition = conditionOf(target, actions, scope);
  return {
    Effect: 'Allow',
    Action: actions.map((action) => (action.includes(':') ? action : `iam:${action}`)),
    Resource: resourcesOf(target, scope),
    ...(Condition === undefined ? {} : { Condition }),
  };
}

const entriesOf = (table: Readonly<Partial<Record<Target, readonly string[]>>>): [Target, readonly string[]][] =>
  Object.entries(table) as [Target, readonly string[]][];

/** The least policy of an executor; with `readOnly`, of its twin for plan and drift. */
export function executorPolicy(scope: ExecutorScope, readOnly: boolean): Document {
  const looks = statementOf('anything', reads, scope);
  if (readOnly) return { Version: '2012-10-17', Statement: [looks] };
  // The tag that is set on what has ours already need not be ours: a call may set others beside it.
  const retagging = entriesOf(tagging).map(([target, actions]) =>
    statementOf(target.replace('new-', 'own-') as Target, actions, scope),
  );
  return {
    Version: '2012-10-17',
    Statement: [
      looks,
      ...entriesOf(writes).map(([target, actions]) => statementOf(target, actions, scope)),
      ...entriesOf(tagging).map(([target, actions]) => statementOf(target, actions, scope)),
      ...retagging,
    ],
  };
}

/**
 * Who may enter an executor: the one principal of the hub account, by its name rather than its identity, so that
 * building it anew locks nobody out of every account.
 */
export function executorTrust({ partition, organization, hubAccount, hubPrincipal }: ExecutorScope): Document {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:${partition}:iam::${hubAccount}:root` },
        Action: 'sts:AssumeRole',
        Condition: {
          ArnEquals: { 'aws:PrincipalArn': hubPrincipal },
          ...(organization === undefined ? {} : { StringEquals: { 'aws:PrincipalOrgID': organization } }),
        },
      },
    ],
  };
}
