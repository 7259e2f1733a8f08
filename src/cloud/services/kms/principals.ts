// Principals of grants: as IAM's stored documents have them, users and roles by unique id.
import type { Principal } from '../../../policy/index.ts';
import type { World } from '../../world.ts';
import { principalArn, withPrincipalIds } from '../iam/principals.ts';
import { invalidArn } from './failures.ts';

interface OnePrincipal {
  readonly Statement: { readonly Principal: { readonly AWS: string } };
}

/** A principal as it is stored. @throws InvalidArnException for one that does not exist */
export function storedPrincipal(arn: string, world: World): string {
  const document: OnePrincipal = { Statement: { Principal: { AWS: arn } } };
  const stored = withPrincipalIds(JSON.stringify(document), world);
  if (arn === '*' || 'invalid' in stored) throw invalidArn(arn);
  return (JSON.parse(stored.document) as OnePrincipal).Statement.Principal.AWS;
}

/** A stored principal as it is shown: its ARN, or its id once it is gone. */
export function shownPrincipal(stored: string, world: World): string {
  return principalArn(stored, world) ?? stored;
}

/** The names under which a caller may be a grantee: itself, what stands behind its session, its account. */
export function storedNamesOf(principal: Principal, partition: string): readonly string[] {
  if (!('account' in principal)) return [];
  const account = `arn:${partition}:iam::${principal.account}:root`;
  switch (principal.type) {
    case 'Root':
      return [account];
    case 'User':
      return [principal.userId, account];
    case 'AssumedRole':
      return [principal.arn, principal.roleId, account];
    case 'FederatedUser':
      break;
  }
  return [principal.arn, ...(principal.issuerId === undefined ? [] : [principal.issuerId]), account];
}

/** The account of a principal as it is shown. */
export function accountOfPrincipal(arn: string): string {
  return arn.split(':', 5)[4] ?? '';
}
