// What an account has once: password policy, alias, summary.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { tokenVersionOf } from './account-features.ts';
import { serverCertificates, signingCertificates } from './credential-model.ts';
import { idsUnder, permissionOnAll } from './entities.ts';
import { alreadyExists, noSuchEntity } from './failures.ts';
import { oidcProviders, samlProviders } from './identity-providers.ts';
import {
  accessKeys,
  accountAliases,
  aliasOwners,
  groups,
  instanceProfiles,
  loginProfiles,
  managedPolicies,
  mfaDevices,
  mfaOfUser,
  passwordPolicies,
  policyUsage,
  roles,
  users,
  type PasswordPolicy,
} from './model.ts';
import type { Parsed } from './shapes.ts';

const updateAccountPasswordPolicy = operation<Parsed<Sdk.UpdateAccountPasswordPolicyRequest>, void>({
  permissions: () => [permissionOnAll('UpdateAccountPasswordPolicy')],
  // What a request leaves out goes back to AWS's default: there are no partial updates.
  handle: (input, call) => {
    const policy: PasswordPolicy = {
      MinimumPasswordLength: input.MinimumPasswordLength ?? 6,
      RequireSymbols: input.RequireSymbols ?? false,
      RequireNumbers: input.RequireNumbers ?? false,
      RequireUppercaseCharacters: input.RequireUppercaseCharacters ?? false,
      RequireLowercaseCharacters: input.RequireLowercaseCharacters ?? false,
      AllowUsersToChangePassword: input.AllowUsersToChangePassword ?? false,
      MaxPasswordAge: input.MaxPasswordAge,
      PasswordReusePrevention: input.PasswordReusePrevention,
      HardExpiry: input.HardExpiry,
    };
    call.world.table(passwordPolicies).put(call.account, call.account, policy);
  },
});

const getAccountPasswordPolicy = operation<object, Sdk.GetAccountPasswordPolicyResponse>({
  permissions: () => [permissionOnAll('GetAccountPasswordPolicy')],
  handle: (_input, call) => {
    const policy = call.world.table(passwordPolicies).get(call.account, call.account);
    if (policy === undefined) {
      throw noSuchEntity(`The Password Policy with domain name ${call.account} cannot be found.`);
    }
    return { PasswordPolicy: { ...policy, ExpirePasswords: (policy.MaxPasswordAge ?? 0) > 0 } };
  },
});

const deleteAccountPasswordPolicy = operation<object, void>({
  permissions: () => [permissionOnAll('DeleteAccountPasswordPolicy')],
  handle: (_input, call) => {
    if (call.world.table(passwordPolicies).get(call.account, call.account) === undefined) {
      throw noSuchEntity('The account policy with name PasswordPolicy cannot be found.');
    }
    call.world.table(passwordPolicies).delete(call.account, call.account);
  },
});

const createAccountAlias = operation<Parsed<Sdk.CreateAccountAliasRequest>, void>({
  permissions: () => [permissionOnAll('CreateAccountAlias')],
  handle: (input, call) => {
    const alias = input.AccountAlias;
    const owner = call.world.table(aliasOwners).get('', alias)?.account;
    if (owner !== undefined && owner !== call.account) {
      throw alreadyExists(`The account alias ${alias} already exists.`);
    }
    dropAlias(call);
    call.world.table(accountAliases).put(call.account, call.account, { alias });
    call.world.table(aliasOwners).put('', alias, { account: call.account });
  },
});

function dropAlias(call: Call): void {
  const current = call.world.table(accountAliases).get(call.account, call.account);
  if (current === undefined) return;
  call.world.table(accountAliases).delete(call.account, call.account);
  call.world.table(aliasOwners).delete('', current.alias);
}

const deleteAccountAlias = operation<Parsed<Sdk.DeleteAccountAliasRequest>, void>({
  permissions: () => [permissionOnAll('DeleteAccountAlias')],
  handle: (input, call) => {
    if (call.world.table(accountAliases).get(call.account, call.account)?.alias !== input.AccountAlias) {
      throw noSuchEntity(`The account alias with name ${input.AccountAlias} cannot be found.`);
    }
    dropAlias(call);
  },
});

const listAccountAliases = operation<Parsed<Sdk.ListAccountAliasesRequest>, Sdk.ListAccountAliasesResponse>({
  permissions: () => [permissionOnAll('ListAccountAliases')],
  handle: (_input, call) => {
    const current = call.world.table(accountAliases).get(call.account, call.account);
    return { AccountAliases: current === undefined ? [] : [current.alias], IsTruncated: false };
  },
});

const getAccountSummary = operation<object, Sdk.GetAccountSummaryResponse>({
  permissions: () => [permissionOnAll('GetAccountSummary')],
  handle: (_input, call) => {
    const { quotas } = call.world;
    const count = (table: Parameters<typeof call.world.table>[0]): number =>
      call.world.table(table).count(call.account);
    const rootPassword = call.world.table(loginProfiles).get(call.account, '');
    const rootHas = (table: Parameters<typeof call.world.table>[0]): number =>
      idsUnder(call, table, '/').next().done === true ? 0 : 1;
    return {
      SummaryMap: {
        Users: count(users),
        UsersQuota: quotas.UsersPerAccount,
        Groups: count(groups),
        GroupsQuota: quotas.GroupsPerAccount,
        Roles: count(roles),
        RolesQuota: quotas.RolesPerAccount,
        InstanceProfiles: count(instanceProfiles),
        InstanceProfilesQuota: quotas.InstanceProfilesPerAccount,
        Policies: count(managedPolicies),
        PoliciesQuota: quotas.PoliciesPerAccount,
        // Every managed policy in use counts once, AWS's own too; what is attached nowhere does not.
        PolicyVersionsInUse: count(policyUsage),
        PolicyVersionsInUseQuota: quotas.PolicyVersionsInUsePerAccount,
        PolicySizeQuota: quotas.PolicySize,
        VersionsPerPolicyQuota: quotas.VersionsPerPolicy,
        UserPolicySizeQuota: quotas.UserPolicySize,
        GroupPolicySizeQuota: quotas.GroupPolicySize,
        RolePolicySizeQuota: quotas.RolePolicySize,
        AssumeRolePolicySizeQuota: quotas.AssumeRolePolicySize,
        AttachedPoliciesPerUserQuota: quotas.AttachedPoliciesPerUser,
        AttachedPoliciesPerGroupQuota: quotas.AttachedPoliciesPerGroup,
        AttachedPoliciesPerRoleQuota: quotas.AttachedPoliciesPerRole,
        GroupsPerUserQuota: quotas.GroupsPerUser,
        AccessKeysPerUserQuota: quotas.AccessKeysPerUser,
        SigningCertificatesPerUserQuota: quotas.SigningCertificatesPerUser,
        ServerCertificates: count(serverCertificates),
        ServerCertificatesQuota: quotas.ServerCertificatesPerAccount,
        MFADevices: count(mfaDevices),
        MFADevicesInUse: count(mfaOfUser),
        AccountMFAEnabled: rootHas(mfaOfUser),
        AccountAccessKeysPresent: rootHas(accessKeys),
        AccountPasswordPresent: rootPassword === undefined ? 0 : 1,
        AccountSigningCertificatesPresent: rootHas(signingCertificates),
        Providers: count(oidcProviders) + count(samlProviders),
        GlobalEndpointTokenVersion: tokenVersionOf(call.world, call.account),
      },
    };
  },
});

export const accountOperations = {
  UpdateAccountPasswordPolicy: updateAccountPasswordPolicy,
  GetAccountPasswordPolicy: getAccountPasswordPolicy,
  DeleteAccountPasswordPolicy: deleteAccountPasswordPolicy,
  CreateAccountAlias: createAccountAlias,
  DeleteAccountAlias: deleteAccountAlias,
  ListAccountAliases: listAccountAliases,
  GetAccountSummary: getAccountSummary,
};
