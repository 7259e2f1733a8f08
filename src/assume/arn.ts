// Role and policy ARNs as people type them, with the right one suggested for a wrong one.
import { failure } from './failures.ts';

const partition = '(aws|aws-us-gov|aws-cn|aws-eusc|aws-iso(?:-[bef])?)';
const roleArn = new RegExp(`^arn:${partition}:iam::(\\d{12}):role/([\\w+=,.@/-]+)$`);
const policyArn = new RegExp(`^arn:${partition}:iam::(\\d{12}|aws):policy/[\\w+=,.@/-]+$`);

export interface RoleName {
  readonly partition: string;
  readonly account: string;
  /** With its path. */
  readonly name: string;
}

/** Parts of a role ARN, undefined for anything else. */
export function parseRoleArn(arn: string): RoleName | undefined {
  const match = roleArn.exec(arn);
  return match === null ? undefined : { partition: match[1]!, account: match[2]!, name: match[3]! };
}

export function isRoleArn(arn: string): boolean {
  return roleArn.test(arn);
}

function roleCure(arn: string): string {
  const session = /^arn:([\w-]+):sts::(\d{12}):assumed-role\/([^/]+)\//.exec(arn);
  if (session !== null)
    return `this is a session of a role: did you mean \`arn:${session[1]!}:iam::${session[2]!}:role/${session[3]!}\`?`;
  const loose = /^arn:([\w-]+):iam:+(\d{12}):role\/(.+)$/.exec(arn);
  if (loose !== null) return `did you mean \`arn:${loose[1]!}:iam::${loose[2]!}:role/${loose[3]!}\`?`;
  // A target may be called so, but not a role of `--role-arn` or of a file, whose partition nothing tells.
  const short = /^(\d{12}):(?:role\/)?([\w+=,.@/-]+)$/.exec(arn);
  if (short !== null) return `did you mean \`arn:aws:iam::${short[1]!}:role/${short[2]!}\`?`;
  return 'write it like `arn:aws:iam::123456789012:role/NAME`';
}

/**
 * Returns `arn`. `place` is the `file:line` it stands at, undefined for one that was typed.
 * @throws Failure `invalid-option` for a typed one, `setting-invalid` for another; the hint has the right form.
 */
export function checkRoleArn(arn: string, place?: () => string): string {
  if (isRoleArn(arn)) return arn;
  const where = place === undefined ? '' : `${place()}: `;
  throw failure(
    place === undefined ? 'invalid-option' : 'setting-invalid',
    `${where}\`${arn}\` is not the ARN of a role`,
    {
      hint: roleCure(arn),
    },
  );
}

/** Returns `arn`. @throws Failure `invalid-option` with the right form. */
export function checkPolicyArn(arn: string): string {
  if (policyArn.test(arn)) return arn;
  const loose = /^arn:([\w-]+):iam:+(\d{12}|aws):policy\/(.+)$/.exec(arn);
  const cure =
    loose === null
      ? 'arn:aws:iam::aws:policy/ReadOnlyAccess'
      : `arn:${loose[1]!}:iam::${loose[2]!}:policy/${loose[3]!}`;
  throw failure('invalid-option', `\`${arn}\` is not the ARN of a policy`, {
    hint: loose === null ? `write it like \`${cure}\`` : `did you mean \`${cure}\`?`,
  });
}
