// roles/:name of the AWS engine: what may be lent. Written as a merge, checked as a whole; nothing
// appears in AWS until credentials are asked for.
import type { Json } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import { readFields, type FieldValues } from '../../fields.ts';
import type { EngineAnswer, EngineCall, Folder } from '../engine.ts';
import { arnProblem } from './arns.ts';

export const credentialTypes = ['iam_user', 'assumed_role', 'federation_token', 'session_token'] as const;
export type CredentialType = (typeof credentialTypes)[number];

export interface AwsRole {
  readonly version: 1;
  readonly credentialType: CredentialType;
  readonly roleArns: readonly string[] | null;
  readonly policyArns: readonly string[];
  /** Compact JSON, or empty. */
  readonly policyDocument: string;
  readonly iamGroups: readonly string[];
  readonly iamTags: Readonly<Record<string, string>>;
  readonly sessionTags: Readonly<Record<string, string>>;
  readonly externalId: string;
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly userPath: string;
  readonly boundaryArn: string;
  readonly mfaSerial: string;
}

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
} as const;

type RoleFields = FieldValues<typeof roleFields>;

export async function loadRole(folder: Folder, name: string): Promise<AwsRole | undefined> {
  return (await folder.get<AwsRole>(`role/${name}`))?.value;
}

export async function listRoles({ folder }: EngineCall): Promise<EngineAnswer> {
  const keys = await folder.list('role/');
  return keys.length === 0 ? {} : { data: { keys } };
}

export async function handleRole({ operation, body, folder }: EngineCall, name: string): Promise<EngineAnswer> {
  if (operation === 'delete') {
    await folder.change<AwsRole>(`role/${name}`, () => undefined);
    return {};
  }
  if (operation === 'read') {
    const role = await loadRole(folder, name);
    return role === undefined ? {} : { data: roleData(role) };
  }
  await folder.change<AwsRole>(`role/${name}`, (before) => writtenRole(before, body));
  return {};
}

function roleData(role: AwsRole): Readonly<Record<string, Json>> {
  return {
    credential_type: role.credentialType,
    role_arns: role.roleArns,
    policy_arns: role.policyArns,
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

/** @throws Failure `invalid-role` that lists every broken rule, in Vault's form. */
function writtenRole(before: AwsRole | undefined, body: Readonly<Record<string, unknown>>): AwsRole {
  const fields = readFields(roleFields, body);
  if (fields.policy !== undefined || fields.arn !== undefined) {
    throw brokerFailure('invalid-role', 'the deprecated parameters `policy` and `arn` are not supported', {
      hint: 'give `credential_type` with `policy_document`, `policy_arns` or `role_arns`',
    });
  }
  const role = merged(before, fields);
  const problems = [...typeProblems(role, fields.credential_type), ...valueProblems(role), ...arnProblems(role)];
  if (problems.length === 0) return role;
  const count = `${problems.length} error${problems.length === 1 ? '' : 's'} occurred`;
  throw brokerFailure(
    'invalid-role',
    `error(s) validating supplied role data: ${count}:\n${problems.map((problem) => `\t* ${problem}\n`).join('')}\n`,
  );
}

function merged(before: AwsRole | undefined, fields: RoleFields): AwsRole {
  return {
    version: 1,
    credentialType: (fields.credential_type ?? before?.credentialType ?? '') as CredentialType,
    roleArns: fields.role_arns ?? before?.roleArns ?? null,
    policyArns: fields.policy_arns ?? before?.policyArns ?? [],
    policyDocument:
      fields.policy_document === undefined ? (before?.policyDocument ?? '') : compact(fields.policy_document),
    iamGroups: fields.iam_groups ?? before?.iamGroups ?? [],
    iamTags: fields.iam_tags ?? before?.iamTags ?? {},
    sessionTags: fields.session_tags ?? before?.sessionTags ?? {},
    externalId: fields.external_id ?? before?.externalId ?? '',
    defaultTtlSeconds: fields.default_sts_ttl ?? before?.defaultTtlSeconds ?? 0,
    maxTtlSeconds: fields.max_sts_ttl ?? before?.maxTtlSeconds ?? 0,
    userPath: fields.user_path ?? before?.userPath ?? '',
    boundaryArn: fields.permissions_boundary_arn ?? before?.boundaryArn ?? '',
    mfaSerial: fields.mfa_serial_number ?? before?.mfaSerial ?? '',
  };
}

function compact(text: string): string {
  if (text.trim() === '') return '';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return JSON.stringify(value);
  } catch {
    // Told below, without quoting the document.
  }
  throw brokerFailure('invalid-role', 'cannot parse policy document: it is not a JSON object', {
    hint: 'give an IAM policy: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": …, "Resource": …}]}',
  });
}

function typeProblems(role: AwsRole, given: string | undefined): readonly string[] {
  const type: string = role.credentialType;
  if (type === '') return ['did not supply credential_type'];
  if (!(credentialTypes as readonly string[]).includes(type)) return [`unrecognized credential type: ${given ?? type}`];
  const only = (allowed: readonly CredentialType[], set: boolean, text: string): readonly string[] =>
    set && !allowed.includes(role.credentialType) ? [text] : [];
  const sts = ['assumed_role', 'federation_token', 'session_token'] as const;
  const names = 'assumed_role, federation_token, or session_token';
  return [
    ...only(sts, role.defaultTtlSeconds > 0, `default_sts_ttl parameter only valid for ${names} credential types`),
    ...only(sts, role.maxTtlSeconds > 0, `max_sts_ttl parameter only valid for ${names} credential types`),
    ...only(['iam_user'], role.userPath !== '', 'user_path parameter only valid for iam_user credential type'),
    ...only(
      ['iam_user'],
      role.boundaryArn !== '',
      "cannot supply permissions_boundary_arn when credential_type isn't iam_user",
    ),
    ...only(
      ['iam_user'],
      Object.keys(role.iamTags).length > 0,
      "cannot supply iam_tags when credential_type isn't iam_user",
    ),
    ...only(
      ['assumed_role'],
      (role.roleArns ?? []).length > 0,
      "cannot supply role_arns when credential_type isn't assumed_role",
    ),
    ...only(
      ['assumed_role'],
      Object.keys(role.sessionTags).length > 0,
      "cannot supply session_tags when credential_type isn't assumed_role",
    ),
    ...only(
      ['assumed_role'],
      role.externalId !== '',
      "cannot supply external_id when credential_type isn't assumed_role",
    ),
    ...only(
      ['iam_user', 'assumed_role', 'federation_token'],
      role.policyDocument !== '' || role.policyArns.length > 0 || role.iamGroups.length > 0,
      'cannot supply a policy or role when using credential_type session_token',
    ),
  ];
}

// IAM's limits: 50 tags on a user, of which the lease's own is one.
const maxTags = 49;

function valueProblems(role: AwsRole): readonly string[] {
  const problems: string[] = [];
  if (role.maxTtlSeconds > 0 && role.defaultTtlSeconds > role.maxTtlSeconds) {
    problems.push('"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value');
  }
  if (role.userPath !== '' && !/^\/([\x21-\x7F]{0,510}\/)?$/.test(role.userPath)) {
    problems.push('user_path parameter is invalid: it begins and ends with `/`, at most 512 characters');
  }
  if (Object.keys(role.iamTags).length > maxTags) problems.push(`iam_tags holds more than ${maxTags} tags`);
  const reserved = Object.keys(role.iamTags).find((key) => key.startsWith('stint:') || key.startsWith('aws:'));
  if (reserved !== undefined) problems.push(`iam_tags: the key \`${reserved}\` is reserved`);
  return problems;
}

function arnProblems(role: AwsRole): readonly string[] {
  const boundary = role.boundaryArn === '' ? undefined : arnProblem('policy', role.boundaryArn);
  const found = [
    ...role.policyArns.map((arn) => prefixed('policy_arns', arnProblem('policy', arn))),
    ...(role.roleArns ?? []).map((arn) => prefixed('role_arns', arnProblem('role', arn))),
    boundary === undefined ? undefined : `invalid permissions_boundary_arn parameter: ${boundary}`,
  ];
  return found.filter((problem) => problem !== undefined);
}

function prefixed(field: string, problem: string | undefined): string | undefined {
  return problem === undefined ? undefined : `${field}: ${problem}`;
}
