// What a role of the AWS engine may be: every rule that is broken, in Vault's words and order. Facts:
// hashicorp/vault builtin/logical/aws/path_roles.go (validate). The last ones are ours: what AWS would
// refuse at the first grant is refused when the role is written.
import { arnProblem } from './arns.ts';
import { credentialTypes, type AwsRole, type CredentialType } from './aws-role.ts';
import { goQuote } from './template/quote.ts';

const userPath = /^\/([\x21-\x7F]{0,510}\/)?$/;
/** As Vault shows it in its refusal. */
const userPathSource = '^\\/([\\x21-\\x7F]{0,510}\\/)?$';
/** IAM allows 50 tags on a user, of which two are ours; STS 50 on a session. */
const maxUserTags = 48;
const maxSessionTags = 50;

/** The broken rules; empty when the role may be as it is. */
export function roleProblems(role: AwsRole): readonly string[] {
  return [...typeProblems(role), ...kindProblems(role), ...arnProblems(role), ...tagProblems(role)];
}

function typeProblems({ credentialTypes: types }: AwsRole): readonly string[] {
  if (types.length === 0) return ['did not supply credential_type'];
  return types
    .filter((type) => !(credentialTypes as readonly string[]).includes(type))
    .map((type) => `unrecognized credential type: ${type}`);
}

function kindProblems(role: AwsRole): readonly string[] {
  const is = (...types: readonly CredentialType[]): boolean =>
    types.some((type) => role.credentialTypes.includes(type));
  const sts = is('assumed_role', 'federation_token', 'session_token');
  const user = is('iam_user');
  const assumed = is('assumed_role');
  const names = 'assumed_role, federation_token, and session_token';
  const { defaultTtlSeconds, maxTtlSeconds, boundaryArn } = role;
  const boundary = boundaryArn === '' ? undefined : boundaryProblem(boundaryArn);
  return broken([
    [defaultTtlSeconds !== 0 && !sts, `default_sts_ttl parameter only valid for ${names} credential types`],
    [maxTtlSeconds !== 0 && !sts, `max_sts_ttl parameter only valid for ${names} credential types`],
    [
      maxTtlSeconds > 0 && defaultTtlSeconds > maxTtlSeconds,
      '"default_sts_ttl" value must be less than or equal to "max_sts_ttl" value',
    ],
    [role.userPath !== '' && !user, 'user_path parameter only valid for iam_user credential type'],
    [
      role.userPath !== '' && !userPath.test(role.userPath),
      `the specified value for user_path is invalid. It must match ${goQuote(userPathSource)} regexp`,
    ],
    [boundaryArn !== '' && !user, "cannot supply permissions_boundary_arn when credential_type isn't iam_user"],
    [boundary !== undefined, `invalid permissions_boundary_arn parameter: ${boundary}`],
    [
      is('session_token') && givesPermissions(role),
      'cannot supply a policy or role when using credential_type session_token',
    ],
    [(role.roleArns ?? []).length > 0 && !assumed, "cannot supply role_arns when credential_type isn't assumed_role"],
    [hasTags(role.sessionTags) && !assumed, "cannot supply session_tags when credential_type isn't assumed_role"],
    [role.externalId !== '' && !assumed, "cannot supply external_id when credential_type isn't assumed_role"],
  ]);
}

function broken(rules: readonly (readonly [boolean, string])[]): readonly string[] {
  return rules.filter(([isBroken]) => isBroken).map(([, text]) => text);
}

// Vault lets groups pass, without any effect: the session would have all rights of the server's key.
function givesPermissions({ policyDocument, policyArns, iamGroups }: AwsRole): boolean {
  return policyDocument !== '' || (policyArns ?? []).length > 0 || (iamGroups ?? []).length > 0;
}

function hasTags(tags: Readonly<Record<string, string>> | null): boolean {
  return Object.keys(tags ?? {}).length > 0;
}

function boundaryProblem(arn: string): string | undefined {
  const [prefix, , service, , , ...resource] = arn.split(':');
  if (prefix !== 'arn') return 'arn: invalid prefix';
  if (resource.length === 0) return 'arn: not enough sections';
  if (service !== 'iam') return `expected a service of iam but got ${service}`;
  const name = resource.join(':');
  if (!name.startsWith('policy/')) return `expected a resource type of policy but got ${name}`;
  return arnProblem('policy', arn);
}

function arnProblems({ policyArns, roleArns }: AwsRole): readonly string[] {
  const told = (field: string, kind: 'policy' | 'role', arns: readonly string[] | null): readonly string[] =>
    (arns ?? [])
      .map((arn) => arnProblem(kind, arn))
      .flatMap((text) => (text === undefined ? [] : [`${field}: ${text}`]));
  return [...told('policy_arns', 'policy', policyArns), ...told('role_arns', 'role', roleArns)];
}

// AWS refuses more, but these would pass until the first grant; a key of ours would untie a user from its lease.
function tagProblems({ iamTags, sessionTags }: AwsRole): readonly string[] {
  return [
    ...tagsOf('iam_tags', iamTags, maxUserTags, /^(?:aws|stint):/i),
    ...tagsOf('session_tags', sessionTags, maxSessionTags, /^stint:/i),
  ];
}

function tagsOf(
  field: string,
  tags: Readonly<Record<string, string>> | null,
  most: number,
  reserved: RegExp,
): readonly string[] {
  const keys = Object.keys(tags ?? {});
  const taken = keys.find((key) => reserved.test(key));
  return broken([
    [keys.length > most, `${field} holds more than ${most} tags`],
    [taken !== undefined, `${field}: the key \`${taken}\` is reserved`],
  ]);
}
