// What is read of a Terraform file: these attributes of these types, and nothing else. Everything that may be a
// secret is left behind here, before anything is kept: a type or attribute that is not named has no way in.

/** Attributes by type of managed resource. Of the types that hold secrets only who has one is read. */
export const readAttributes: Readonly<Record<string, readonly string[]>> = {
  aws_iam_role: [
    'arn',
    'name',
    'path',
    'description',
    'assume_role_policy',
    'max_session_duration',
    'permissions_boundary',
    'managed_policy_arns',
    'inline_policy',
    'tags',
    'tags_all',
    'unique_id',
  ],
  aws_iam_role_policy: ['name', 'role', 'policy'],
  aws_iam_role_policy_attachment: ['role', 'policy_arn'],
  aws_iam_role_policies_exclusive: ['role_name', 'policy_names'],
  aws_iam_role_policy_attachments_exclusive: ['role_name', 'policy_arns'],
  aws_iam_policy: ['arn', 'name', 'path', 'description', 'policy', 'tags', 'tags_all', 'policy_id'],
  aws_iam_policy_attachment: ['policy_arn', 'roles', 'users', 'groups'],
  aws_iam_user: ['arn', 'name', 'path', 'permissions_boundary', 'tags', 'tags_all', 'unique_id'],
  aws_iam_user_policy: ['name', 'user', 'policy'],
  aws_iam_user_policy_attachment: ['user', 'policy_arn'],
  aws_iam_user_policies_exclusive: ['user_name', 'policy_names'],
  aws_iam_user_policy_attachments_exclusive: ['user_name', 'policy_arns'],
  aws_iam_user_group_membership: ['user', 'groups'],
  aws_iam_group: ['arn', 'name', 'path', 'unique_id'],
  aws_iam_group_membership: ['group', 'users'],
  aws_iam_group_policy: ['name', 'group', 'policy'],
  aws_iam_group_policy_attachment: ['group', 'policy_arn'],
  aws_iam_group_policies_exclusive: ['group_name', 'policy_names'],
  aws_iam_group_policy_attachments_exclusive: ['group_name', 'policy_arns'],
  aws_iam_instance_profile: ['arn', 'name', 'path', 'role', 'tags', 'tags_all', 'unique_id'],
  aws_iam_openid_connect_provider: ['arn', 'url', 'client_id_list', 'thumbprint_list', 'tags', 'tags_all'],
  aws_iam_saml_provider: ['arn', 'name', 'saml_metadata_document', 'tags', 'tags_all'],
  aws_iam_account_password_policy: [
    'allow_users_to_change_password',
    'hard_expiry',
    'max_password_age',
    'minimum_password_length',
    'password_reuse_prevention',
    'require_lowercase_characters',
    'require_numbers',
    'require_symbols',
    'require_uppercase_characters',
  ],
  aws_iam_account_alias: ['account_alias'],
  aws_iam_service_linked_role: ['arn'],
  aws_organizations_account: ['id', 'name', 'parent_id'],
  aws_organizations_organization: ['id', 'master_account_id', 'roots'],
  aws_organizations_organizational_unit: ['id', 'name', 'parent_id'],
  aws_organizations_policy: ['arn', 'id', 'name', 'description', 'content', 'type', 'tags', 'tags_all'],
  aws_organizations_policy_attachment: ['policy_id', 'target_id'],
  // SECURITY: of these the secret itself is never read, not even to be thrown away later.
  aws_iam_user_login_profile: ['user', 'password_reset_required'],
  aws_iam_access_key: ['user'],
  aws_iam_service_specific_credential: ['user_name'],
  aws_instance: ['arn', 'iam_instance_profile', 'metadata_options'],
  aws_launch_template: ['arn', 'name', 'iam_instance_profile', 'metadata_options'],
  aws_launch_configuration: ['arn', 'name', 'iam_instance_profile', 'metadata_options'],
};

/** The same for data sources: they tell which account a provider is in. */
export const readData: Readonly<Record<string, readonly string[]>> = {
  aws_caller_identity: ['account_id'],
  aws_organizations_organization: ['id', 'master_account_id', 'roots'],
  aws_organizations_organizational_unit: ['id', 'name', 'parent_id'],
};

/** Types whose secret lies in clear in every state that holds them. */
export const secretTypes: Readonly<Record<string, string>> = {
  aws_iam_user_login_profile: 'a console password',
  aws_iam_access_key: 'a secret access key',
  aws_iam_service_specific_credential: 'a service password',
  aws_iam_virtual_mfa_device: 'the seed of an MFA device',
};

/** IAM types that hold nothing of which a definition could speak, so that nothing is lost without them. */
export const passedOver: ReadonlySet<string> = new Set([
  'aws_iam_user_ssh_key',
  'aws_iam_signing_certificate',
  'aws_iam_server_certificate',
  'aws_iam_virtual_mfa_device',
  'aws_iam_security_token_service_preferences',
]);
