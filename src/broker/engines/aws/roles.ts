// roles/:name of the AWS engine: what may be lent. Written as a merge, checked as a whole; nothing
// appears in AWS until credentials are asked for.
import type { Json } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldSchema, FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { goError } from './aws-errors.ts';
import { emptyRole, type AwsRole, type CredentialType } from './aws-role.ts';
import { compactJson } from './compact-json.ts';
import { legacyRole } from './legacy-roles.ts';
import { roleProblems } from './role-rules.ts';
import { goQuote } from './template/quote.ts';

/** As the first version of the server stored it. */
type StoredRole =
  | AwsRole
  | (Partial<Omit<AwsRole, 'version'>> & { readonly version: 1; readonly credentialType: CredentialType });

export const roleFields = {
  credential_type: 'string',
  role_arns: 'list',
  policy_arns: 'list',
  policy_document: 'string',
  iam_groups: 'list',
  iam_tags: 'map',
  session_tags: 'map',
  external_id: 'string',
  default_sts_ttl: 'seconds',
  max_sts_ttl: 'seconds',
  user_path: 'string',
  permissions_boundary_arn: 'string',
  mfa_serial_number: 'string',
  policy: 'string',
  arn: 'string',
  name: 'string',
} as const satisfies FieldSchema;

type RoleFields = FieldValues<typeof roleFields>;

function current(stored: StoredRole): AwsRole {
  if (stored.version === 2) return stored;
  const { credentialType, ...rest } = stored;
  return { ...emptyRole, ...rest, version: 2, credentialTypes: [credentialType] };
}

export async function loadRole(folder: Folder, name: string): Promise<AwsRole | undefined> {
  const found = await folder.get<StoredRole>(`role/${name}`);
  return found === undefined ? undefined : current(found.value);
}

export async function listRoles({ folder }: EngineCall): Promise<EngineAnswer> {
  const keys = await folder.list('role/');
  return keys.length === 0 ? {} : { data: { keys } };
}

export async function handleRole({ operation, folder }: EngineCall, fields: RoleFields): Promise<EngineAnswer> {
  const { name = '' } = fields;
  if (operation === 'delete') {
    await folder.change<StoredRole>(`role/${name}`, () => undefined);
    return {};
  }
  if (operation === 'read') {
    const role = await loadRole(folder, name);
    return role === undefined ? {} : { data: roleData(role) };
  }
  const legacy = legacyText(fields);
  await folder.change<StoredRole>(`role/${name}`, (before) =>
    legacy === '' ? written(before, fields) : upgraded(legacy, fields),
  );
  return legacy === ''
    ? {}
    : { warnings: ['Detected use of legacy role or policy parameter. Please upgrade to use the new parameters.'] };
}

function roleData(role: AwsRole): Readonly<Record<string, Json>> {
  return {
    credential_type: role.credentialTypes.join(','),
    policy_arns: role.policyArns,
    role_arns: role.roleArns,
    policy_document: role.policyDocument,
    iam_groups: role.iamGroups,
    iam_tags: role.iamTags,
    session_tags: role.sessionTags,
    external_id: role.externalId,
    default_sts_ttl: role.defaultTtlSeconds,
    max_sts_ttl: role.maxTtlSeconds,
    user_path: role.userPath,
    permissions_boundary_arn: role.boundaryArn,
    mfa_serial_number: role.mfaSerial,
  };
}

/** The value of a deprecated parameter, or empty. @throws Failure `engine-failed` when both are given. */
function legacyText({ policy = '', arn = '' }: RoleFields): string {
  if (policy === '' || arn === '') return policy + arn;
  throw brokerFailure('engine-failed', goError('only one of policy or arn should be provided'));
}

/** Parameters that a legacy role cannot have, in the order in which Vault looks. */
const modernFields = [
  'credential_type',
  'role_arns',
  'policy_arns',
  'policy_document',
  'default_sts_ttl',
  'max_sts_ttl',
  'user_path',
  'permissions_boundary_arn',
] as const;

function upgraded(legacy: string, fields: RoleFields): AwsRole {
  const mixed = modernFields.find((field) => fields[field] !== undefined);
  if (mixed !== undefined) {
    const named = mixed === 'credential_type' ? 'an explicit credential_type' : mixed;
    throw brokerFailure('invalid-role', `cannot supply deprecated role or policy parameters with ${named}`);
  }
  const role = legacyRole(legacy);
  if (role === undefined) throw brokerFailure('invalid-role', `unable to parse supplied data: ${goQuote(legacy)}`);
  return checked(role);
}

function written(before: StoredRole | undefined, fields: RoleFields): AwsRole {
  const base = before === undefined ? emptyRole : current(before);
  return checked({ ...merged(base, fields), prohibitFlexiblePath: false });
}

/** @throws Failure `invalid-role` that lists every broken rule, in Vault's form. */
function checked(role: AwsRole): AwsRole {
  const problems = roleProblems(role);
  if (problems.length === 0) return role;
  const count = `${problems.length} error${problems.length === 1 ? '' : 's'} occurred:`;
  const list = `${count}\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`;
  throw brokerFailure('invalid-role', `error(s) validating supplied role data: ${goQuote(list)}`);
}

function merged(before: AwsRole, fields: RoleFields): AwsRole {
  const { credential_type: type, policy_document: document } = fields;
  return {
    version: 2,
    credentialTypes: type === undefined ? before.credentialTypes : [type as CredentialType],
    roleArns: fields.role_arns ?? before.roleArns,
    policyArns: fields.policy_arns ?? before.policyArns,
    policyDocument: document === undefined ? before.policyDocument : compact(document),
    iamGroups: fields.iam_groups ?? before.iamGroups,
    iamTags: fields.iam_tags ?? before.iamTags,
    sessionTags: fields.session_tags ?? before.sessionTags,
    externalId: fields.external_id ?? before.externalId,
    defaultTtlSeconds: Math.floor(fields.default_sts_ttl ?? before.defaultTtlSeconds),
    maxTtlSeconds: Math.floor(fields.max_sts_ttl ?? before.maxTtlSeconds),
    userPath: fields.user_path ?? before.userPath,
    boundaryArn: fields.permissions_boundary_arn ?? before.boundaryArn,
    mfaSerial: fields.mfa_serial_number ?? before.mfaSerial,
    prohibitFlexiblePath: before.prohibitFlexiblePath,
  };
}

function compact(text: string): string {
  if (text === '') return '';
  const document = compactJson(text);
  if (document !== undefined && document.startsWith('{')) return document;
  throw brokerFailure('invalid-role', `cannot parse policy document: ${goQuote(text)}`, {
    hint: 'give an IAM policy: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": …, "Resource": …}]}',
  });
}
