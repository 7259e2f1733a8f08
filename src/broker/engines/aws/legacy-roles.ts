// Roles written with the deprecated parameters `policy` and `arn`, as Vault upgrades them. Facts:
// hashicorp/vault builtin/logical/aws/path_roles.go (upgradeLegacyPolicyEntry).
import { emptyRole, type AwsRole } from './aws-role.ts';
import { compactJson } from './compact-json.ts';

/** The role that `policy` or `arn` stands for; undefined when it is neither JSON nor the ARN of a role or policy. */
export function legacyRole(given: string): AwsRole | undefined {
  const role: AwsRole = { ...emptyRole, prohibitFlexiblePath: true };
  if (!given.startsWith('arn:')) {
    const document = compactJson(given);
    // It may have meant either type: which one is told by the path that is asked for credentials.
    return document === undefined
      ? undefined
      : { ...role, credentialTypes: ['iam_user', 'federation_token'], policyDocument: document };
  }
  switch (/^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^/]*)/.exec(given)?.[1]) {
    case 'role':
      return { ...role, credentialTypes: ['assumed_role'], roleArns: [given] };
    case 'policy':
      return { ...role, credentialTypes: ['iam_user'], policyArns: [given] };
    default:
      return undefined;
  }
}
