// IAM: the table of its operations, and what other rooms of the embedded AWS ask of it.
import type { Failure } from '../../../base/index.ts';
import type { Call, Service } from '../../call.ts';
import { accessKeyOperations } from './access-keys.ts';
import { accessReportOperations } from './access-reports.ts';
import { accountFeatureOperations } from './account-features.ts';
import { accountOperations } from './account.ts';
import { attachmentOperations, boundaryOperations } from './attachments.ts';
import { getAccountAuthorizationDetails } from './authorization-details.ts';
import { groupCarrier, roleCarrier, userCarrier } from './carriers.ts';
import { credentialReportOperations } from './credential-report.ts';
import {
  instanceProfileNoun,
  need,
  permissionOn,
  roleNoun,
  save,
  userNoun,
  type Entity,
  type Noun,
} from './entities.ts';
import { invalidToken } from './failures.ts';
import { groupOperations } from './groups.ts';
import { inlinePolicyOperations } from './inline-policies.ts';
import { instanceProfileOperations } from './instance-profiles.ts';
import { loginProfileOperations } from './login-profiles.ts';
import { needPolicy } from './managed.ts';
import { mfaDeviceOperations, needDevice, permissionOnDevice, saveDevice } from './mfa-devices.ts';
import { managedPolicies, type ManagedPolicy, type MfaDevice, type Tag } from './model.ts';
import { oidcProviderOperations, taggableOidcProvider } from './oidc-providers.ts';
import { organizationsAccessOperations } from './organizations-access.ts';
import { organizationsFeatureOperations } from './organizations-features.ts';
import { permissionOnPolicy, permissionToChange, policyOperations } from './policies.ts';
import { policyVersionOperations } from './policy-versions.ts';
import { roleOperations } from './roles.ts';
import { samlProviderOperations, taggableSamlProvider } from './saml-providers.ts';
import { serviceLinkedRoleOperations } from './service-linked-roles.ts';
import { simulateOperations } from './simulate.ts';
import { serverCertificateNoun, serverCertificateOperations } from './server-certificates.ts';
import { serviceCredentialOperations } from './service-credentials.ts';
import { isSessionToken, limited } from './session-limits.ts';
import { signingCertificateOperations } from './signing-certificates.ts';
import { sshPublicKeyOperations } from './ssh-public-keys.ts';
import { taggingOperations, type Taggable } from './tagging.ts';
import type { TagCase } from './tags.ts';
import { userOperations } from './users.ts';

function taggable<Row extends Entity & { readonly tags: readonly Tag[] }>(
  noun: Noun<Row>,
  tagCase: TagCase,
): Taggable<Row> {
  return {
    label: noun.label,
    nameKey: noun.nameKey,
    tagCase,
    permission: (call, action, name, context) => permissionOn(noun, call, action, name, context),
    need: (call, name) => need(noun, call, name),
    save: (call, row) => save(noun, call, row),
  };
}

const taggablePolicy: Taggable<ManagedPolicy> = {
  label: 'Policy',
  nameKey: 'PolicyArn',
  tagCase: 'exact',
  permission: (call, action, arn, context) =>
    (action.startsWith('List') ? permissionOnPolicy : permissionToChange)(call, action, arn, context),
  need: needPolicy,
  save: (call, row) => call.world.table(managedPolicies).put(call.account, row.name.toLowerCase(), row),
};

const taggableMfaDevice: Taggable<MfaDevice> = {
  label: 'MFADevice',
  nameKey: 'SerialNumber',
  tagCase: 'exact',
  permission: permissionOnDevice,
  need: needDevice,
  save: saveDevice,
};

const operations = {
  ...userOperations,
  ...groupOperations,
  ...roleOperations,
  ...serviceLinkedRoleOperations,
  ...policyOperations,
  ...policyVersionOperations,
  ...instanceProfileOperations,
  ...accessKeyOperations,
  ...loginProfileOperations,
  ...mfaDeviceOperations,
  ...sshPublicKeyOperations,
  ...signingCertificateOperations,
  ...serviceCredentialOperations,
  ...serverCertificateOperations,
  ...accountOperations,
  ...simulateOperations,
  ...oidcProviderOperations,
  ...samlProviderOperations,
  ...accountFeatureOperations,
  ...credentialReportOperations,
  ...accessReportOperations,
  ...organizationsAccessOperations,
  ...organizationsFeatureOperations,
  ...inlinePolicyOperations(userCarrier),
  ...inlinePolicyOperations(groupCarrier),
  ...inlinePolicyOperations(roleCarrier),
  ...attachmentOperations(userCarrier),
  ...attachmentOperations(groupCarrier),
  ...attachmentOperations(roleCarrier),
  ...boundaryOperations(userCarrier),
  ...boundaryOperations(roleCarrier),
  ...taggingOperations(taggable(userNoun, 'ignored')),
  ...taggingOperations(taggable(roleNoun, 'ignored')),
  ...taggingOperations(taggable(instanceProfileNoun, 'exact')),
  ...taggingOperations(taggable(serverCertificateNoun, 'exact')),
  ...taggingOperations(taggablePolicy),
  ...taggingOperations(taggableMfaDevice),
  ...taggingOperations(taggableOidcProvider),
  ...taggingOperations(taggableSamlProvider),
  GetAccountAuthorizationDetails: getAccountAuthorizationDetails,
};

/** IAM takes no federated users, and sessions of GetSessionToken only when they were made with MFA. */
function sessionLimit(_name: string, call: Call): Failure | undefined {
  const withoutMfa = isSessionToken(call) && call.credential?.session?.mfaAt === undefined;
  return withoutMfa || call.credential?.kind === 'federated-user' ? invalidToken() : undefined;
}

export const iam: Service = { id: 'iam', operations: limited(operations, sessionLimit) };

export { findCredential, policiesOf, principalOf, principalTagsOf, rcpsOf, scpsOf } from './lookup.ts';
export { makeSession, type Mint, type SessionOwner } from './credentials.ts';
export { permissionToPass } from './instance-profiles.ts';
export { withPrincipalArns, withPrincipalIds } from './principals.ts';
export { compiledDocument } from './documents.ts';
export { requestTagKeys } from './tags.ts';
export { seedAccount } from './seed.ts';
export type { Parsed } from './shapes.ts';
