// The ways by which somebody becomes more than he is: one row each, with the permissions that it needs and on what.
// Sources: DataDog/pathfinding.cloud (paths), parliament and cloudsplaining (method lists), and the authorization
// reference of each service.

import { need, type Method, type Need, type Slot } from './method.ts';
import { passMethods, useMethods } from './service-methods.ts';

interface SelfRow {
  readonly holder?: 'user' | 'role';
  readonly given?: string;
}

const self = (id: string, title: string, on: Slot, action: string, row: SelfRow = {}): Method => ({
  id,
  title,
  needs: need(on, action),
  outcome: 'any',
  ...row,
});

const becomes = (id: string, title: string, needs: readonly Need[], given?: string): Method => ({
  id,
  title,
  needs,
  outcome: 'becomes',
  ...(given === undefined ? {} : { given }),
});

const pivot = (id: string, title: string, ...needs: readonly Need[]): Method => ({ id, title, needs, outcome: 'any' });

const iamMethods: readonly Method[] = [
  self(
    'create-policy-version',
    'writes a new version of a policy that he carries',
    'own-policy',
    'iam:CreatePolicyVersion',
  ),
  self(
    'set-default-policy-version',
    'goes back to an older version of a policy that he carries',
    'own-policy',
    'iam:SetDefaultPolicyVersion',
    {
      given: 'an older version that allows more',
    },
  ),
  self('attach-user-policy', 'attaches any policy to himself', 'self', 'iam:AttachUserPolicy', { holder: 'user' }),
  self('attach-group-policy', 'attaches any policy to a group of his', 'own-group', 'iam:AttachGroupPolicy', {
    holder: 'user',
  }),
  self('attach-role-policy', 'attaches any policy to itself', 'self', 'iam:AttachRolePolicy', { holder: 'role' }),
  self('put-user-policy', 'writes an inline policy for himself', 'self', 'iam:PutUserPolicy', { holder: 'user' }),
  self('put-group-policy', 'writes an inline policy for a group of his', 'own-group', 'iam:PutGroupPolicy', {
    holder: 'user',
  }),
  self('put-role-policy', 'writes an inline policy for itself', 'self', 'iam:PutRolePolicy', { holder: 'role' }),
  {
    id: 'add-user-to-group',
    title: 'joins a group',
    holder: 'user',
    needs: need('group', 'iam:AddUserToGroup'),
    outcome: 'joins',
  },
  becomes('create-access-key', 'makes an access key for a user', need('user', 'iam:CreateAccessKey')),
  becomes(
    'update-access-key',
    'reactivates an access key of a user',
    need('user', 'iam:UpdateAccessKey'),
    'an inactive key whose secret is known',
  ),
  becomes('create-login-profile', 'gives a user a password', need('user', 'iam:CreateLoginProfile')),
  becomes(
    'update-login-profile',
    'changes the password of a user',
    need('user', 'iam:UpdateLoginProfile'),
    'a user with a password',
  ),
  becomes(
    'update-assume-role-policy',
    'writes himself into the trust of a role',
    need('role', 'iam:UpdateAssumeRolePolicy'),
  ),
  becomes('assume', 'assumes a role', need('role', 'sts:AssumeRole')),
  pivot(
    'attach-role-policy-and-assume',
    'attaches any policy to a role and assumes it',
    ...need('role', 'iam:AttachRolePolicy', 'sts:AssumeRole'),
  ),
  pivot(
    'put-role-policy-and-assume',
    'writes an inline policy for a role and assumes it',
    ...need('role', 'iam:PutRolePolicy', 'sts:AssumeRole'),
  ),
  pivot(
    'create-policy-version-and-assume',
    'writes a policy that a role carries and assumes it',
    ...need('policy', 'iam:CreatePolicyVersion'),
    ...need('role', 'sts:AssumeRole'),
  ),
  pivot(
    'attach-role-policy-and-trust',
    'attaches any policy to a role and writes himself into its trust',
    ...need('role', 'iam:AttachRolePolicy', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'put-role-policy-and-trust',
    'writes an inline policy for a role and himself into its trust',
    ...need('role', 'iam:PutRolePolicy', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'create-policy-version-and-trust',
    'writes a policy that a role carries and himself into its trust',
    ...need('policy', 'iam:CreatePolicyVersion'),
    ...need('role', 'iam:UpdateAssumeRolePolicy'),
  ),
  pivot(
    'attach-user-policy-and-key',
    'attaches any policy to a user and makes a key for it',
    ...need('user', 'iam:AttachUserPolicy', 'iam:CreateAccessKey'),
  ),
  pivot(
    'put-user-policy-and-key',
    'writes an inline policy for a user and makes a key for it',
    ...need('user', 'iam:PutUserPolicy', 'iam:CreateAccessKey'),
  ),
];

const sheds = (id: string, title: string, action: string, holder: 'user' | 'role', given?: string): Method => ({
  id,
  title,
  holder,
  needs: need('self', action),
  outcome: 'sheds',
  ...(given === undefined ? {} : { given }),
});

const guardMethods: readonly Method[] = [
  sheds('delete-user-boundary', 'takes off his own boundary', 'iam:DeleteUserPermissionsBoundary', 'user'),
  sheds('put-user-boundary', 'writes his own boundary', 'iam:PutUserPermissionsBoundary', 'user'),
  sheds('delete-role-boundary', 'takes off its own boundary', 'iam:DeleteRolePermissionsBoundary', 'role'),
  sheds('put-role-boundary', 'writes its own boundary', 'iam:PutRolePermissionsBoundary', 'role'),
  sheds('delete-user-denial', 'deletes an inline policy that denies him something', 'iam:DeleteUserPolicy', 'user'),
  sheds('detach-user-denial', 'detaches a policy that denies him something', 'iam:DetachUserPolicy', 'user'),
  sheds('delete-role-denial', 'deletes an inline policy that denies it something', 'iam:DeleteRolePolicy', 'role'),
  sheds('detach-role-denial', 'detaches a policy that denies it something', 'iam:DetachRolePolicy', 'role'),
  {
    id: 'detach-organization-policy',
    title: 'detaches a policy of the organisation',
    needs: need('new', 'organizations:DetachPolicy'),
    outcome: 'sheds',
    given: 'the management account or one that it has delegated to',
  },
];

const takes = (id: string, title: string, action: string): Method => ({
  id,
  title,
  needs: need('new', action),
  outcome: 'takes',
  given: 'something worth taking',
});

const takeMethods: readonly Method[] = [
  takes('secrets-get-secret-value', 'reads any secret', 'secretsmanager:GetSecretValue'),
  takes('ssm-get-parameter', 'reads any parameter', 'ssm:GetParameter'),
  takes('kms-put-key-policy', 'writes the policy of any key', 'kms:PutKeyPolicy'),
  takes('kms-create-grant', 'grants himself any key', 'kms:CreateGrant'),
  takes('s3-put-bucket-policy', 'writes the policy of any bucket', 's3:PutBucketPolicy'),
];

/** Every method, those of IAM alone first. */
export const methods: readonly Method[] = [
  ...iamMethods,
  ...guardMethods,
  ...passMethods,
  ...useMethods,
  ...takeMethods,
];

/** The actions that any method needs. */
export const methodActions: readonly string[] = [
  ...new Set(methods.flatMap(({ needs, oneOf }) => [...needs, ...(oneOf ?? [])]).map(({ action }) => action)),
];

/**
 * The methods that end in any permission, or in becoming somebody, with only the actions that `holds` says are held on
 * everything: what a single policy opens. `certain`: whatever is there; otherwise where what the method needs is there. Assuming roles is left out: that is what trust is for.
 */
export function soloEscalations(
  holds: (action: string) => boolean,
  certain: boolean,
): { readonly id: string; readonly method: string; readonly actions: readonly string[] }[] {
  return methods
    .filter(({ given }) => (given === undefined) === certain)
    .filter(({ id, outcome }) => id !== 'assume' && (outcome === 'any' || outcome === 'becomes' || outcome === 'joins'))
    .flatMap(({ id, title, needs, oneOf }) => {
      const alternative = oneOf?.find(({ action }) => holds(action));
      if (!needs.every(({ action }) => holds(action)) || (oneOf !== undefined && alternative === undefined)) return [];
      const actions = [...needs, ...(alternative === undefined ? [] : [alternative])].map(({ action }) => action);
      return [{ id, method: title, actions }];
    });
}
