// What one account shall hold, as resources of Terraform with the id by which each is imported.
import type { Json } from '../../base/index.ts';
import { iamArn } from '../../aws/index.ts';
import { resourceArn, type Document, type PasswordSettings, type Resource } from '../resources.ts';
import { terraformName } from './export-names.ts';
import { exported, tagEntry, type ExportedResource, type ExportScope } from './export-parts.ts';
import type { Entry, Expression } from './hcl.ts';

type Of<Kind extends Resource['kind']> = Extract<Resource, { readonly kind: Kind }>;
type Carrier = Of<'role' | 'user' | 'group'>;

const value = (json: Json): Expression => ({ value: json });
const refer = (address: string, attribute: string): Expression => ({ refer: `${address}.${attribute}` });
const policy = (document: Document): Expression => ({ policy: document as unknown as Json });

const pathEntry = (path: string): Entry | undefined => (path === '/' ? undefined : ['path', value(path)]);

/** The address of a resource of this account in Terraform. */
function addressOf(scope: ExportScope, type: string, name: string): string {
  return `${type}.${terraformName(scope.account.name, name)}`;
}

/** A policy of the definition by reference, so that it is made first; any other by its ARN. */
function policyArn(scope: ExportScope, arn: string): Expression {
  const own = scope.account.resources.find(
    (it): it is Of<'policy'> =>
      it.kind === 'policy' && iamArn(scope.partition, scope.account.id, 'policy', it.name, it.path) === arn,
  );
  return own === undefined ? value(arn) : refer(addressOf(scope, 'aws_iam_policy', own.name), 'arn');
}

function withArn({ account, partition }: ExportScope, resource: Resource, block: ExportedResource): ExportedResource {
  return { ...block, arn: resourceArn(partition, account.id, resource) };
}

function boundaryEntry(scope: ExportScope, boundary: string | undefined): Entry | undefined {
  return boundary === undefined ? undefined : ['permissions_boundary', policyArn(scope, boundary)];
}

/** Attachments and inline policies: a resource each, as Terraform wants them. */
function carried(scope: ExportScope, carrier: Carrier): ExportedResource[] {
  const { kind, name } = carrier;
  const address = addressOf(scope, `aws_iam_${kind}`, name);
  const id = `${kind}/${name}`;
  const inline = Object.entries(carrier.inline).map(([policyName, document]) =>
    exported(scope, `aws_iam_${kind}_policy`, [name, policyName], id, `${name}:${policyName}`, [
      ['name', value(policyName)],
      [kind, refer(address, 'name')],
      ['policy', policy(document)],
    ]),
  );
  const lastName = (arn: string): string => arn.slice(arn.lastIndexOf('/') + 1);
  const attached = carrier.attached.map((arn) => {
    // Two policies of one name lie in different paths or accounts: those are told apart by all of their ARN.
    const alone = carrier.attached.filter((other) => lastName(other) === lastName(arn)).length === 1;
    const label = alone ? lastName(arn) : arn.replace(/^arn:[^:]+:iam::/, '');
    return exported(scope, `aws_iam_${kind}_policy_attachment`, [name, label], id, `${name}/${arn}`, [
      [kind, refer(address, 'name')],
      ['policy_arn', policyArn(scope, arn)],
    ]);
  });
  return [...inline, ...attached];
}

function roleBlocks(scope: ExportScope, role: Of<'role'>): ExportedResource[] {
  const block = exported(scope, 'aws_iam_role', [role.name], `role/${role.name}`, role.name, [
    ['name', value(role.name)],
    pathEntry(role.path),
    role.description === '' ? undefined : ['description', value(role.description)],
    ['max_session_duration', value(role.sessionSeconds)],
    boundaryEntry(scope, role.boundary),
    ['assume_role_policy', policy(role.trust)],
    tagEntry(scope, role.tags),
  ]);
  return [withArn(scope, role, block), ...carried(scope, role)];
}

function userBlocks(scope: ExportScope, user: Of<'user'>): ExportedResource[] {
  const id = `user/${user.name}`;
  const address = addressOf(scope, 'aws_iam_user', user.name);
  const block = exported(scope, 'aws_iam_user', [user.name], id, user.name, [
    ['name', value(user.name)],
    pathEntry(user.path),
    boundaryEntry(scope, user.boundary),
    tagEntry(scope, user.tags),
  ]);
  const groups = user.groups.map((group): Expression => refer(addressOf(scope, 'aws_iam_group', group), 'name'));
  const member = exported(
    scope,
    'aws_iam_user_group_membership',
    [user.name],
    id,
    [user.name, ...user.groups].join('/'),
    [
      ['user', refer(address, 'name')],
      ['groups', { list: groups }],
    ],
  );
  return [withArn(scope, user, block), ...(groups.length === 0 ? [] : [member]), ...carried(scope, user)];
}

function groupBlocks(scope: ExportScope, group: Of<'group'>): ExportedResource[] {
  const block = exported(scope, 'aws_iam_group', [group.name], `group/${group.name}`, group.name, [
    ['name', value(group.name)],
    pathEntry(group.path),
  ]);
  return [withArn(scope, group, block), ...carried(scope, group)];
}

function policyBlock(scope: ExportScope, it: Of<'policy'>): ExportedResource {
  const arn = iamArn(scope.partition, scope.account.id, 'policy', it.name, it.path);
  const block = exported(scope, 'aws_iam_policy', [it.name], `policy/${it.name}`, arn, [
    ['name', value(it.name)],
    pathEntry(it.path),
    it.description === undefined ? undefined : ['description', value(it.description)],
    ['policy', policy(it.document)],
    tagEntry(scope, it.tags),
  ]);
  return { ...block, arn };
}

function profileBlock(scope: ExportScope, it: Of<'instance-profile'>): ExportedResource {
  const block = exported(scope, 'aws_iam_instance_profile', [it.name], `instance-profile/${it.name}`, it.name, [
    ['name', value(it.name)],
    pathEntry(it.path),
    it.role === undefined ? undefined : ['role', refer(addressOf(scope, 'aws_iam_role', it.role), 'name')],
    tagEntry(scope, it.tags),
  ]);
  return withArn(scope, it, block);
}

function oidcBlock(scope: ExportScope, it: Of<'oidc-provider'>): ExportedResource {
  const arn = resourceArn(scope.partition, scope.account.id, it);
  const block = exported(scope, 'aws_iam_openid_connect_provider', [it.name], `oidc-provider/${it.name}`, arn, [
    ['url', value(`https://${it.name}`)],
    ['client_id_list', value(it.clientIds)],
    it.thumbprints.length === 0 ? undefined : ['thumbprint_list', value(it.thumbprints)],
    tagEntry(scope, it.tags),
  ]);
  return { ...block, arn };
}

function samlBlock(scope: ExportScope, it: Of<'saml-provider'>): ExportedResource {
  const arn = resourceArn(scope.partition, scope.account.id, it);
  const block = exported(scope, 'aws_iam_saml_provider', [it.name], `saml-provider/${it.name}`, arn, [
    ['name', value(it.name)],
    ['saml_metadata_document', value(it.metadata)],
    tagEntry(scope, it.tags),
  ]);
  return { ...block, arn };
}

function passwordBlock(scope: ExportScope, settings: PasswordSettings): ExportedResource {
  const { MaxPasswordAge: age, PasswordReusePrevention: reuse } = settings;
  return exported(scope, 'aws_iam_account_password_policy', [], 'password policy', 'iam-account-password-policy', [
    ['minimum_password_length', value(settings.MinimumPasswordLength)],
    ['require_uppercase_characters', value(settings.RequireUppercaseCharacters)],
    ['require_lowercase_characters', value(settings.RequireLowercaseCharacters)],
    ['require_numbers', value(settings.RequireNumbers)],
    ['require_symbols', value(settings.RequireSymbols)],
    ['allow_users_to_change_password', value(settings.AllowUsersToChangePassword)],
    ['hard_expiry', value(settings.HardExpiry)],
    age === undefined ? undefined : ['max_password_age', value(age)],
    reuse === undefined ? undefined : ['password_reuse_prevention', value(reuse)],
  ]);
}

function resourceBlocks(scope: ExportScope, resource: Resource): ExportedResource[] {
  switch (resource.kind) {
    case 'role':
      return roleBlocks(scope, resource);
    case 'user':
      return userBlocks(scope, resource);
    case 'group':
      return groupBlocks(scope, resource);
    case 'policy':
      return [policyBlock(scope, resource)];
    case 'instance-profile':
      return [profileBlock(scope, resource)];
    case 'password-policy':
      return [passwordBlock(scope, resource.settings)];
    case 'oidc-provider':
      return [oidcBlock(scope, resource)];
    case 'saml-provider':
      return [samlBlock(scope, resource)];
    case 'organization-policy':
      // Those are of the organisation, not of IAM: `exportOrganization`.
      return [];
  }
  return [];
}

/** What IAM of an account shall hold, but for what is only watched. Passwords and keys are no part of it. */
export function exportAccount(scope: ExportScope): ExportedResource[] {
  return scope.account.resources
    .filter(({ mode }) => mode !== 'observe')
    .flatMap((resource) => resourceBlocks(scope, resource));
}
