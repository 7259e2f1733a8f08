// Ends a lent IAM user: takes its keys first, then everything else that keeps AWS from deleting it,
// then the user, and reads back that it is gone. Repeatable, and safe when done twice at once.
import type { IAMClient } from '@aws-sdk/client-iam';
import { isFailure } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Removal } from '../engine.ts';
import { awsCode, awsFailure, isMissing, orMissing, refusesKeys } from './aws-errors.ts';
import { leaseTagKey } from './names.ts';

type Iam = typeof import('@aws-sdk/client-iam');

const prefix = 'Error deleting IAM user: ';

/** True when the user exists and carries this lease's id. */
export async function carriesLease(iam: IAMClient, userName: string, leaseId: string): Promise<boolean> {
  const { GetUserCommand } = await import('@aws-sdk/client-iam');
  const found = await orMissing(iam.send(new GetUserCommand({ UserName: userName })));
  return (found?.User?.Tags ?? []).some(({ Key, Value }) => Key === leaseTagKey && Value === leaseId);
}

/**
 * Removes the lease's user.
 * @throws Failure `aws-refused` when a user of that name exists that is not this lease's; other AWS
 *   failures as they come.
 */
export async function removeUser(iam: IAMClient, userName: string, leaseId: string): Promise<Removal> {
  const sdk: Iam = await import('@aws-sdk/client-iam');
  try {
    const found = await orMissing(iam.send(new sdk.GetUserCommand({ UserName: userName })));
    if (found === undefined) return { found: false, gone: true };
    // SECURITY: whatever the name, a user that does not carry the lease's id is somebody else's.
    if (!(await carriesLease(iam, userName, leaseId))) throw notOurs(userName);
    await removeKeys(sdk, iam, userName);
    await removePermissions(sdk, iam, userName);
    await deleteUser(sdk, iam, userName);
    const shown = await orMissing(iam.send(new sdk.GetUserCommand({ UserName: userName })));
    return { found: true, gone: shown === undefined };
  } catch (error) {
    throw isFailure(error) ? error : awsFailure(prefix, error);
  }
}

function notOurs(userName: string): Error {
  return brokerFailure('aws-refused', `${prefix}\`${userName}\` does not carry the tag of this lease`, {
    hint: `look at the user in IAM; Stint deletes only users whose tag \`${leaseTagKey}\` names the lease`,
  });
}

async function removeKeys(sdk: Iam, iam: IAMClient, UserName: string): Promise<void> {
  for await (const page of sdk.paginateListAccessKeys({ client: iam }, { UserName })) {
    for (const { AccessKeyId } of page.AccessKeyMetadata ?? []) {
      await orMissing(iam.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId })));
    }
  }
}

async function removePermissions(sdk: Iam, iam: IAMClient, UserName: string): Promise<void> {
  for await (const page of sdk.paginateListAttachedUserPolicies({ client: iam }, { UserName })) {
    for (const { PolicyArn } of page.AttachedPolicies ?? []) {
      await orMissing(iam.send(new sdk.DetachUserPolicyCommand({ UserName, PolicyArn })));
    }
  }
  for await (const page of sdk.paginateListUserPolicies({ client: iam }, { UserName })) {
    for (const PolicyName of page.PolicyNames ?? []) {
      await orMissing(iam.send(new sdk.DeleteUserPolicyCommand({ UserName, PolicyName })));
    }
  }
  for await (const page of sdk.paginateListGroupsForUser({ client: iam }, { UserName })) {
    for (const { GroupName } of page.Groups ?? []) {
      await orMissing(iam.send(new sdk.RemoveUserFromGroupCommand({ UserName, GroupName })));
    }
  }
}

// The rest is what the user can only have been given by somebody else. Looking for it needs rights
// that Vault's documented policy for this key does not hold, so it is looked for only in need.
async function deleteUser(sdk: Iam, iam: IAMClient, UserName: string): Promise<void> {
  try {
    await orMissing(iam.send(new sdk.DeleteUserCommand({ UserName })));
  } catch (error) {
    if (awsCode(error) !== 'DeleteConflict') throw error;
    await removeCredentialsOfOthers(sdk, iam, UserName);
    await orMissing(iam.send(new sdk.DeleteUserCommand({ UserName })));
  }
}

async function removeCredentialsOfOthers(sdk: Iam, iam: IAMClient, UserName: string): Promise<void> {
  await orMissing(iam.send(new sdk.DeleteLoginProfileCommand({ UserName })));
  for await (const page of sdk.paginateListMFADevices({ client: iam }, { UserName })) {
    for (const { SerialNumber } of page.MFADevices ?? []) {
      await orMissing(iam.send(new sdk.DeactivateMFADeviceCommand({ UserName, SerialNumber })));
      // Only a virtual device is a thing of its own, named by an ARN.
      if (SerialNumber?.startsWith('arn:')) {
        await orMissing(iam.send(new sdk.DeleteVirtualMFADeviceCommand({ SerialNumber })));
      }
    }
  }
  for await (const page of sdk.paginateListSSHPublicKeys({ client: iam }, { UserName })) {
    for (const { SSHPublicKeyId } of page.SSHPublicKeys ?? []) {
      await orMissing(iam.send(new sdk.DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId })));
    }
  }
  for await (const page of sdk.paginateListSigningCertificates({ client: iam }, { UserName })) {
    for (const { CertificateId } of page.Certificates ?? []) {
      await orMissing(iam.send(new sdk.DeleteSigningCertificateCommand({ UserName, CertificateId })));
    }
  }
  const specific = await orMissing(iam.send(new sdk.ListServiceSpecificCredentialsCommand({ UserName })));
  for (const { ServiceSpecificCredentialId } of specific?.ServiceSpecificCredentials ?? []) {
    await orMissing(
      iam.send(new sdk.DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId })),
    );
  }
}

/**
 * Calls IAM with the lease's own key. A key that IAM does not know is refused before anything is
 * decided about permissions, so that "access denied" still means the key lives.
 */
export async function probeUserKey(iam: IAMClient): Promise<ProbeAnswer> {
  const { GetUserCommand } = await import('@aws-sdk/client-iam');
  try {
    await iam.send(new GetUserCommand({}));
    return 'accepted';
  } catch (error) {
    if (refusesKeys(error)) return 'refused';
    if (awsCode(error) === 'AccessDenied' || isMissing(error)) return 'accepted';
    throw awsFailure('Error probing the key: ', error);
  }
}
