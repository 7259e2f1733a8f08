// AWS's limits, by the names under which `--org` files set them and services ask for them.
// Source: IAM user guide, "IAM and AWS STS quotas"; Organizations user guide, "Quotas".

/** Defaults of the pages. Sizes are characters without white space, as AWS counts them. */
export const defaultQuotas = {
  UsersPerAccount: 5000,
  GroupsPerAccount: 300,
  RolesPerAccount: 1000,
  InstanceProfilesPerAccount: 1000,
  PoliciesPerAccount: 1500,
  AttachedPoliciesPerUser: 10,
  AttachedPoliciesPerGroup: 10,
  AttachedPoliciesPerRole: 10,
  GroupsPerUser: 10,
  AccessKeysPerUser: 2,
  MFADevicesPerUser: 8,
  SigningCertificatesPerUser: 2,
  SSHPublicKeysPerUser: 5,
  // Of one service.
  ServiceSpecificCredentialsPerUser: 2,
  ServerCertificatesPerAccount: 20,
  OpenIdConnectProvidersPerAccount: 100,
  ClientIdsPerOpenIdConnectProvider: 100,
  ThumbprintsPerOpenIdConnectProvider: 5,
  SAMLProvidersPerAccount: 100,
  VersionsPerPolicy: 5,
  PolicyVersionsInUsePerAccount: 10_000,
  RolesPerInstanceProfile: 1,
  TagsPerResource: 50,
  PolicySize: 6144,
  UserPolicySize: 2048,
  GroupPolicySize: 5120,
  RolePolicySize: 10_240,
  AssumeRolePolicySize: 2048,
  ServiceControlPoliciesPerTarget: 10,
  ResourceControlPoliciesPerTarget: 5,
  ServiceControlPolicySize: 10_240,
  ResourceControlPolicySize: 5120,
  ManagementPoliciesPerTarget: 10,
  ManagementPolicySize: 10_000,
  AIServicesOptOutPoliciesPerTarget: 5,
  AIServicesOptOutPolicySize: 2500,
  ServiceControlPoliciesPerOrganization: 10_000,
  // Of each other type.
  PoliciesPerOrganization: 1000,
  // AWS starts at 10 and raises it for every organisation that asks.
  AccountsPerOrganization: 10_000,
  OrganizationalUnitsPerOrganization: 2000,
  OrganizationalUnitDepth: 5,
  DaysUntilCreatedAccountMayLeave: 4,
  // S3 user guide, "Bucket quotas"; EC2 user guide, "On-Demand Instance quotas" counts vCPUs, we count instances.
  BucketsPerAccount: 10_000,
  InstancesPerAccount: 1000,
  // KMS developer guide, "Resource quotas" and "Rotate on demand".
  KMSKeysPerAccount: 100_000,
  KMSAliasesPerKey: 50,
  KMSGrantsPerKey: 50_000,
  KMSOnDemandRotationsPerKey: 25,
  // Not AWS's: bodies of objects lie in memory, so they have a bound per account.
  S3BytesPerAccount: 1_073_741_824,
} as const satisfies Readonly<Record<string, number>>;

export type QuotaName = keyof typeof defaultQuotas;

export type Quotas = Readonly<Record<QuotaName, number>>;
