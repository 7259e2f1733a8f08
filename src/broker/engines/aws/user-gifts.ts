// What a grant gave its IAM user besides the key. It is kept in the lease, so that the end of a lease that
// nobody meddled with need not list what its user has; whoever gave the user more makes DeleteUser refuse,
// and then everything is looked for.
import type { IAMClient } from '@aws-sdk/client-iam';
import { awsCode, isMissing, orMissing } from './aws-errors.ts';
import type { AwsRole } from './aws-role.ts';

type Iam = typeof import('@aws-sdk/client-iam');

export interface Gifts {
  readonly policyArns: readonly string[];
  /** Name of the inline policy, or empty. */
  readonly inlinePolicy: string;
  readonly groups: readonly string[];
}

export function giftsOf({ policyArns, policyDocument, iamGroups }: AwsRole, roleName: string): Gifts {
  return {
    policyArns: policyArns ?? [],
    inlinePolicy: policyDocument === '' ? '' : roleName,
    groups: iamGroups ?? [],
  };
}

/** As a fact of the lease. */
export function writeGifts(gifts: Gifts): string {
  return JSON.stringify(gifts);
}

/** Undefined for a lease of a store that did not keep them. */
export function readGifts(fact: string | undefined): Gifts | undefined {
  return fact === undefined ? undefined : (JSON.parse(fact) as Gifts);
}

/**
 * Removes the lease's user with what it was given. False when something is not as the grant left it, so that
 * all it has must be looked for.
 */
export async function removeWithGifts(
  sdk: Iam,
  iam: IAMClient,
  UserName: string,
  AccessKeyId: string,
  gifts: Gifts,
): Promise<boolean> {
  try {
    await iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId }));
    for (const PolicyArn of gifts.policyArns) {
      await orMissing(iam.send(new sdk.DetachUserPolicyCommand({ UserName, PolicyArn })));
    }
    if (gifts.inlinePolicy !== '') {
      await orMissing(iam.send(new sdk.DeleteUserPolicyCommand({ UserName, PolicyName: gifts.inlinePolicy })));
    }
    for (const GroupName of gifts.groups) {
      await orMissing(iam.send(new sdk.RemoveUserFromGroupCommand({ UserName, GroupName })));
    }
    await iam.send(new sdk.DeleteUserCommand({ UserName }));
    return true;
  } catch (error) {
    if (isMissing(error) || awsCode(error) === 'DeleteConflict') return false;
    throw error;
  }
}
