// Each kind of IAM resource of a Terraform file as a bulk read of AWS would show it.
import type { PasswordSettings, SeenResource } from '../resources.ts';
import { boundaryOf, documentIn, gather, tagsOf, type Scope } from './carried.ts';
import { arnOfResource, nameOfResource } from './references.ts';
import type { TerraformResource } from './resource.ts';
import { flagIn, numberIn, textIn, textsIn } from './values.ts';

function passwordSettings({ values }: TerraformResource): PasswordSettings {
  const age = numberIn(values, 'max_password_age');
  const reuse = numberIn(values, 'password_reuse_prevention');
  return {
    MinimumPasswordLength: numberIn(values, 'minimum_password_length') ?? 6,
    RequireUppercaseCharacters: flagIn(values, 'require_uppercase_characters'),
    RequireLowercaseCharacters: flagIn(values, 'require_lowercase_characters'),
    RequireNumbers: flagIn(values, 'require_numbers'),
    RequireSymbols: flagIn(values, 'require_symbols'),
    AllowUsersToChangePassword: flagIn(values, 'allow_users_to_change_password'),
    HardExpiry: flagIn(values, 'hard_expiry'),
    ...(age ? { MaxPasswordAge: age } : {}),
    ...(reuse ? { PasswordReusePrevention: reuse } : {}),
  };
}

function roleOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { values } = resource;
  const { attached, inline } = gather(resource, 'role', account, scope);
  const boundary = boundaryOf(resource, account, 'role', scope);
  return {
    kind: 'role',
    name: nameOfResource(resource),
    path: textIn(values, 'path') ?? '/',
    trust: documentIn(resource, 'assume_role_policy', 'trust', account, 'role', scope),
    sessionSeconds: numberIn(values, 'max_session_duration') ?? 3600,
    description: textIn(values, 'description') ?? '',
    attached,
    inline,
    ...(boundary === undefined ? {} : { boundary }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(values, 'unique_id'),
  };
}

function userOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { attached, inline, groups } = gather(resource, 'user', account, scope);
  const boundary = boundaryOf(resource, account, 'user', scope);
  return {
    kind: 'user',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    groups,
    attached,
    inline,
    ...(boundary === undefined ? {} : { boundary }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'unique_id'),
  };
}

function groupOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const { attached, inline } = gather(resource, 'group', account, scope);
  const path = textIn(resource.values, 'path') ?? '/';
  return {
    kind: 'group',
    name: nameOfResource(resource),
    path,
    attached,
    inline,
    arn: arnOfResource(resource, scope.placement),
  };
}

function policyOf(resource: TerraformResource, account: string, scope: Scope): SeenResource {
  const description = textIn(resource.values, 'description');
  return {
    kind: 'policy',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    document: documentIn(resource, 'policy', 'policy', account, 'policy', scope),
    ...(description === undefined ? {} : { description }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'policy_id'),
  };
}

function profileOf(resource: TerraformResource, scope: Scope): SeenResource {
  const role = scope.lookup.nameOf(resource, 'role');
  return {
    kind: 'instance-profile',
    name: nameOfResource(resource),
    path: textIn(resource.values, 'path') ?? '/',
    ...(role === undefined ? {} : { role }),
    tags: tagsOf(resource),
    arn: arnOfResource(resource, scope.placement),
    uniqueId: textIn(resource.values, 'unique_id'),
  };
}

function oidcOf(resource: TerraformResource): SeenResource {
  return {
    kind: 'oidc-provider',
    name: (textIn(resource.values, 'url') ?? `(${resource.address})`).replace(/^https:\/\//, ''),
    clientIds: textsIn(resource.values, 'client_id_list').toSorted(),
    thumbprints: textsIn(resource.values, 'thumbprint_list').map((it) => it.toLowerCase()),
    tags: tagsOf(resource),
    arn: textIn(resource.values, 'arn'),
  };
}

function samlOf(resource: TerraformResource): SeenResource {
  return {
    kind: 'saml-provider',
    name: nameOfResource(resource),
    metadata: textIn(resource.values, 'saml_metadata_document') ?? '',
    tags: tagsOf(resource),
    arn: textIn(resource.values, 'arn'),
  };
}

/** Kinds of policies of an organisation that are no guard rails (tags, backups…) are left out. */
function organizationPolicyOf(resource: TerraformResource, account: string, scope: Scope): SeenResource | undefined {
  // Terraform's default (provider, `aws_organizations_policy`).
  const type = textIn(resource.values, 'type') ?? 'SERVICE_CONTROL_POLICY';
  if (type !== 'SERVICE_CONTROL_POLICY' && type !== 'RESOURCE_CONTROL_POLICY') return undefined;
  const name = nameOfResource(resource);
  const { targets, unknown } = scope.organization.targetsOf(resource);
  if (unknown) {
    const { address } = resource;
    scope.unknowns.push({ account, resource: `organization-policy/${name}`, what: 'target', address });
  }
  return {
    kind: 'organization-policy',
    name,
    type,
    document: documentIn(resource, 'content', 'policy', account, 'organization-policy', scope),
    description: textIn(resource.values, 'description') ?? '',
    targets,
    tags: tagsOf(resource),
    arn: textIn(resource.values, 'arn'),
    policyId: textIn(resource.values, 'id'),
  };
}

/** The resource as AWS shows it; undefined for what only hangs on one. */
export function builtResource(resource: TerraformResource, account: string, scope: Scope): SeenResource | undefined {
  switch (resource.type) {
    case 'aws_iam_role':
      return roleOf(resource, account, scope);
    case 'aws_iam_user':
      return userOf(resource, account, scope);
    case 'aws_iam_group':
      return groupOf(resource, account, scope);
    case 'aws_iam_policy':
      return policyOf(resource, account, scope);
    case 'aws_iam_instance_profile':
      return profileOf(resource, scope);
    case 'aws_iam_openid_connect_provider':
      return oidcOf(resource);
    case 'aws_iam_saml_provider':
      return samlOf(resource);
    case 'aws_organizations_policy':
      return organizationPolicyOf(resource, account, scope);
    case 'aws_iam_account_password_policy':
      return { kind: 'password-policy', name: 'password policy', settings: passwordSettings(resource) };
  }
  return undefined;
}
