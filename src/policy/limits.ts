// Sizes of policy documents as AWS counts them against its quotas. Source: IAM user guide, "IAM and AWS STS quotas";
// Organizations user guide, "Quotas for AWS Organizations".
import type { DocumentKind } from './problems.ts';

/** AWS's default limits in characters of `policySize`. Several can be raised on request, so they are settings elsewhere. */
export const policyLimits = {
  managedPolicy: 6144,
  /** Sums over all inline policies of one user, group or role. */
  userInline: 2048,
  groupInline: 5120,
  roleInline: 10_240,
  trustPolicy: 2048,
  sessionPolicy: 2048,
  scp: 10_240,
  rcp: 5120,
} as const;

/** Characters that count: IAM leaves white space of identity policies out; every other kind counts as it is stored. */
export function policySize(text: string, kind: DocumentKind): number {
  return kind === 'identity' ? text.replace(/[ \t\r\n]/g, '').length : text.length;
}
