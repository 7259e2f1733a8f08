// IAM's limits by AWS's names. The organisation file may set any of them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
import type { World } from '../../world.ts';

export const iamQuotas = {
  UsersPerAccount: 5000,
  GroupsPerAccount: 300,
  RolesPerAccount: 1000,
  InstanceProfilesPerAccount: 1000,
  PoliciesPerAccount: 1500,
  VersionsPerPolicy: 5,
  GroupsPerUser: 10,
  AccessKeysPerUser: 2,
  AttachedPoliciesPerUser: 10,
  AttachedPoliciesPerGroup: 10,
  AttachedPoliciesPerRole: 10,
  /** Characters without white space, all inline policies of one entity together. */
  UserPolicySize: 2048,
  GroupPolicySize: 5120,
  RolePolicySize: 10_240,
  /** Characters without white space. */
  PolicySize: 6144,
  /** Characters as stored. */
  AssumeRolePolicySize: 2048,
  TagsPerEntity: 50,
  MFADevicesPerUser: 8,
  SigningCertificatesPerUser: 2,
  SSHPublicKeysPerUser: 5,
  ServerCertificatesPerAccount: 20,
  PolicyVersionsInUsePerAccount: 10_000,
} as const;

export type IamQuota = keyof typeof iamQuotas;

/** The limit that holds in this world. */
export function quota(world: World, name: IamQuota): number {
  return world.quotas[name] ?? iamQuotas[name];
}
