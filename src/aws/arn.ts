// Amazon Resource Names in every partition: made, and misprints put right.

export type Partition = 'aws' | 'aws-us-gov' | 'aws-cn';

type IamKind = 'role' | 'user' | 'group' | 'policy' | 'instance-profile' | 'oidc-provider' | 'saml-provider';

/** `arn:PARTITION:iam::ACCOUNT:KIND/PATH/NAME`. `path` begins and ends with `/`. IAM ARNs carry no region. */
export function iamArn(partition: Partition, account: string, kind: IamKind, name: string, path = '/'): string {
  return `arn:${partition}:iam::${account}:${kind}${path}${name}`;
}

/** The ARN of an account's root, which in a trust policy stands for the whole account. */
export function rootArn(partition: Partition, account: string): string {
  return `arn:${partition}:iam::${account}:root`;
}

const policyShape = /^arn:(aws|aws-us-gov|aws-cn):iam::(aws|\d{12}):policy\/[\w+=,.@/-]{1,512}$/;

/**
 * What is wrong with a managed policy's ARN and which ARN was probably meant; `undefined` when it is well formed.
 * Catches a missing or doubled colon, a wrong partition and a bare name (IAM ARN format: IAM user guide, "IAM ARNs").
 */
export function policyArnProblem(
  text: string,
  partition: Partition,
): { readonly problem: string; readonly suggestion?: string } | undefined {
  if (policyShape.test(text)) {
    if (text.startsWith(`arn:${partition}:`)) return undefined;
    return {
      problem: `\`${text}\` lies in another partition than \`${partition}\``,
      suggestion: text.replace(/^arn:[^:]+:/, `arn:${partition}:`),
    };
  }
  const problem = `\`${text}\` is not the ARN of a managed policy`;
  const rest = /(?::|^)(aws|\d{12})?:?policy\/([\w+=,.@/-]{1,512})$/.exec(text);
  if (rest === null) return { problem };
  return { problem, suggestion: `arn:${partition}:iam::${rest[1] ?? 'aws'}:policy/${rest[2]}` };
}
