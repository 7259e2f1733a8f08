// The ARNs that roles of the engine name, checked before AWS would refuse them at the first grant,
// with the one that was probably meant.
const partitions = 'aws|aws-us-gov|aws-cn';
const policyArn = new RegExp(`^arn:(?:${partitions}):iam::(?:aws|\\d{12}):policy/[\\x21-\\x7e]{1,512}$`);
const roleArn = new RegExp(`^arn:(?:${partitions}):iam::\\d{12}:role/[\\x21-\\x7e]{1,512}$`);

export type ArnKind = 'policy' | 'role';

/** Why `arn` is none of a policy or role, with the right one where it can be told; undefined when it is one. */
export function arnProblem(kind: ArnKind, arn: string): string | undefined {
  const pattern = kind === 'policy' ? policyArn : roleArn;
  if (pattern.test(arn)) return undefined;
  const meant = likelyArn(kind, arn);
  const cure =
    meant === undefined
      ? `it has the form \`${kind === 'policy' ? 'arn:aws:iam::aws:policy/NAME' : 'arn:aws:iam::111111111111:role/NAME'}\``
      : `did you mean \`${meant}\`?`;
  return `\`${arn}\` is not the ARN of an IAM ${kind}: ${cure}`;
}

function likelyArn(kind: ArnKind, arn: string): string | undefined {
  const pattern = kind === 'policy' ? policyArn : roleArn;
  const name = /(?:policy|role)\/(.+)$/.exec(arn)?.[1] ?? (/^[\w+=,.@-]+$/.test(arn) ? arn : undefined);
  const partition = new RegExp(`^arn:(${partitions}):`).exec(arn)?.[1] ?? 'aws';
  const owner = /:(aws|\d{12}):(?:policy|role)\//.exec(arn)?.[1] ?? (kind === 'policy' ? 'aws' : undefined);
  if (name === undefined || owner === undefined) return undefined;
  const guess = `arn:${partition}:iam::${owner}:${kind}/${name}`;
  return pattern.test(guess) ? guess : undefined;
}
