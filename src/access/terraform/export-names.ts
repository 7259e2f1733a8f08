// Names in Terraform: `account__role`. A name that Terraform cannot spell is spelt otherwise, always in the same way,
// because another name there means another resource.
import { createHash } from 'node:crypto';

/** One part of a Terraform name. IAM allows `+=,.@` as well; those parts get a mark that tells them apart. */
function namePart(text: string): string {
  const spelt = text.replaceAll(/[^\w-]/g, '_');
  return spelt === text ? text : `${spelt}_${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

/** `dev__test_role`; what belongs to a role has its own name behind. */
export function terraformName(account: string, ...parts: readonly string[]): string {
  const name = [account, ...parts].map(namePart).join('__');
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}
