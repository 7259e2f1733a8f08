// Everything by which a user can sign in or sign, removed so that the user can be deleted: DeleteUser refuses while
// one is left (IAM API, DeleteUser). Keys are switched off first: that is what stops them.
import type { Account } from '../aws/index.ts';

type Iam = Account['iam'];

const isNamed = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && codes.some((code) => error.name.startsWith(code));

/** Of a kind of credential that this AWS does not know (GovCloud, emulators) there are none. */
async function listed<Item>(list: () => Promise<Item[] | undefined>): Promise<Item[]> {
  try {
    return (await list()) ?? [];
  } catch (error) {
    if (isNamed(error, 'InvalidAction', 'ServiceNotSupported', 'UnknownOperation')) return [];
    throw error;
  }
}

async function ignoreAbsent(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isNamed(error, 'NoSuchEntity')) throw error;
  });
}

async function purgeKeys(iam: Iam, UserName: string): Promise<void> {
  const keys = await listed(async () => (await iam.listAccessKeys({ UserName })).AccessKeyMetadata);
  for (const { AccessKeyId } of keys) await iam.updateAccessKey({ UserName, AccessKeyId, Status: 'Inactive' });
  for (const { AccessKeyId } of keys) await ignoreAbsent(iam.deleteAccessKey({ UserName, AccessKeyId }));
}

async function purgeDevices(iam: Iam, UserName: string): Promise<void> {
  const devices = await listed(async () => (await iam.listMFADevices({ UserName })).MFADevices);
  for (const { SerialNumber } of devices) {
    await ignoreAbsent(iam.deactivateMFADevice({ UserName, SerialNumber }));
    // Virtual devices have an ARN for a serial number and stay behind as things of their own.
    if (SerialNumber?.includes(':mfa/') === true) await ignoreAbsent(iam.deleteVirtualMFADevice({ SerialNumber }));
  }
}

/** Removes password, access keys, certificates, SSH keys, service credentials and MFA devices of a user. */
export async function purgeUserCredentials(iam: Iam, UserName: string): Promise<void> {
  await ignoreAbsent(iam.deleteLoginProfile({ UserName }));
  await purgeKeys(iam, UserName);
  const certificates = await listed(async () => (await iam.listSigningCertificates({ UserName })).Certificates);
  for (const { CertificateId } of certificates)
    await ignoreAbsent(iam.deleteSigningCertificate({ UserName, CertificateId }));
  const sshKeys = await listed(async () => (await iam.listSSHPublicKeys({ UserName })).SSHPublicKeys);
  for (const { SSHPublicKeyId } of sshKeys) await ignoreAbsent(iam.deleteSSHPublicKey({ UserName, SSHPublicKeyId }));
  const credentials = await listed(
    async () => (await iam.listServiceSpecificCredentials({ UserName })).ServiceSpecificCredentials,
  );
  for (const { ServiceSpecificCredentialId } of credentials) {
    await ignoreAbsent(iam.deleteServiceSpecificCredential({ UserName, ServiceSpecificCredentialId }));
  }
  await purgeDevices(iam, UserName);
}
