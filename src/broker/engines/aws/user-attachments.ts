// What keeps AWS from deleting an IAM user, and how each of it is taken away: what a grant gives, and
// what only somebody else can have given. DeleteUser refuses with DeleteConflict while any of it is
// there (IAM API reference, "DeleteUser").
import type { IAMClient } from '@aws-sdk/client-iam';
import { awsCode, orMissing } from './aws-errors.ts';

type Iam = typeof import('@aws-sdk/client-iam');

/** A kind of thing that a user has; `removeAll` takes it away and treats "there is none" as done. */
interface Attachment {
  readonly what: string;
  readonly removeAll: (sdk: Iam, client: IAMClient, UserName: string) => Promise<void>;
}

const accessKeys: Attachment = {
  what: 'access keys',
  removeAll: async (sdk, client, UserName) => {
    for await (const page of sdk.paginateListAccessKeys({ client }, { UserName })) {
      for (const { AccessKeyId } of page.AccessKeyMetadata ?? []) {
        await orMissing(client.send(new sdk.DeleteAccessKeyCommand({ UserName, AccessKeyId })));
      }
    }
  },
};

/** What a grant gives besides the key. */
const permissions: readonly Attachment[] = [
  {
    what: 'attached policies',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListAttachedUserPolicies({ client }, { UserName })) {
        for (const { PolicyArn } of page.AttachedPolicies ?? []) {
          await orMissing(client.send(new sdk.DetachUserPolicyCommand({ UserName, PolicyArn })));
        }
      }
    },
  },
  {
    what: 'inline policies',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListUserPolicies({ client }, { UserName })) {
        for (const PolicyName of page.PolicyNames ?? []) {
          await orMissing(client.send(new sdk.DeleteUserPolicyCommand({ UserName, PolicyName })));
        }
      }
    },
  },
  {
    what: 'group memberships',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListGroupsForUser({ client }, { UserName })) {
        for (const { GroupName } of page.Groups ?? []) {
          await orMissing(client.send(new sdk.RemoveUserFromGroupCommand({ UserName, GroupName })));
        }
      }
    },
  },
];

// Only a virtual device is a thing of its own; a security key goes with its deactivation, though it has an ARN too.
const virtualDevice = /^arn:[\w-]+:iam::\d{12}:mfa\//;

/** What only somebody else can have given. */
const othersCredentials: readonly Attachment[] = [
  {
    what: 'password',
    removeAll: async (sdk, client, UserName) => {
      await orMissing(client.send(new sdk.DeleteLoginProfileCommand({ UserName })));
    },
  },
  {
    what: 'MFA devices',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListMFADevices({ client }, { UserName })) {
        for (const { SerialNumber = '' } of page.MFADevices ?? []) {
          await orMissing(client.send(new sdk.DeactivateMFADeviceCommand({ UserName, SerialNumber })));
          if (!virtualDevice.test(SerialNumber)) continue;
          await orMissing(client.send(new sdk.DeleteVirtualMFADeviceCommand({ SerialNumber })));
        }
      }
    },
  },
  {
    what: 'SSH keys',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListSSHPublicKeys({ client }, { UserName })) {
        for (const { SSHPublicKeyId } of page.SSHPublicKeys ?? []) {
          await orMissing(client.send(new sdk.DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId })));
        }
      }
    },
  },
  {
    what: 'signing certificates',
    removeAll: async (sdk, client, UserName) => {
      for await (const page of sdk.paginateListSigningCertificates({ client }, { UserName })) {
        for (const { CertificateId } of page.Certificates ?? []) {
          await orMissing(client.send(new sdk.DeleteSigningCertificateCommand({ UserName, CertificateId })));
        }
      }
    },
  },
  {
    what: 'service-specific credentials',
    removeAll: async (sdk, client, UserName) => {
      const listed = await orMissing(client.send(new sdk.ListServiceSpecificCredentialsCommand({ UserName })));
      for (const { ServiceSpecificCredentialId } of listed?.ServiceSpecificCredentials ?? []) {
        const one = { UserName, ServiceSpecificCredentialId };
        await orMissing(client.send(new sdk.DeleteServiceSpecificCredentialCommand(one)));
      }
    },
  },
];

/** Takes the user's access keys first, then what it was given to do with them. */
export async function removeGiven(sdk: Iam, client: IAMClient, userName: string): Promise<void> {
  await accessKeys.removeAll(sdk, client, userName);
  await Promise.all(permissions.map(({ removeAll }) => removeAll(sdk, client, userName)));
}

/**
 * Takes everything that others gave the user. A kind that our key may not look at is passed over, as
 * the user may have nothing of it. Returns those kinds, for the failure to name.
 */
export async function removeOthers(sdk: Iam, client: IAMClient, userName: string): Promise<readonly string[]> {
  const refused: string[] = [];
  for (const { what, removeAll } of othersCredentials) {
    try {
      await removeAll(sdk, client, userName);
    } catch (error) {
      if (awsCode(error) !== 'AccessDenied') throw error;
      refused.push(what);
    }
  }
  return refused;
}
