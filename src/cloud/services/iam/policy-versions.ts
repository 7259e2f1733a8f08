// Versions of managed policies: five at most, one of them in force.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { policyNoun, save } from './entities.ts';
import { deleteConflict, limitExceeded, noSuchEntity } from './failures.ts';
import { checkPolicyArn, findPolicy, needPolicy } from './managed.ts';
import type { ManagedPolicy, PolicyVersion } from './model.ts';
import { pageOfList } from './page.ts';
import { checkManagedDocument, permissionOnPolicy, permissionToChange } from './policies.ts';
import { versionShape, type Parsed } from './shapes.ts';

/** @throws NoSuchEntity, InvalidInput */
function needVersion(call: Call, arn: string, id: string): { policy: ManagedPolicy; version: PolicyVersion } {
  checkPolicyArn(arn);
  const policy = findPolicy(call, arn);
  const version = policy?.versions.find((candidate) => candidate.id === id);
  if (policy === undefined || version === undefined) {
    throw noSuchEntity(`Policy ${arn} version ${id} does not exist or is not attachable.`);
  }
  return { policy, version };
}

const createPolicyVersion = operation<Parsed<Sdk.CreatePolicyVersionRequest>, Sdk.CreatePolicyVersionResponse>({
  permissions: (input, call) => [permissionToChange(call, 'CreatePolicyVersion', input.PolicyArn)],
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyArn);
    checkManagedDocument(call, input.PolicyDocument);
    const limit = call.world.quotas.VersionsPerPolicy;
    if (policy.versions.length >= limit) {
      throw limitExceeded(
        `A managed policy can have up to ${limit} versions. Before you create a new version, you must delete an existing version.`,
      );
    }
    const version: PolicyVersion = {
      id: `v${policy.nextVersion}`,
      document: input.PolicyDocument,
      createdAt: call.clock.now(),
    };
    const changed: ManagedPolicy = {
      ...policy,
      updatedAt: call.clock.now(),
      nextVersion: policy.nextVersion + 1,
      defaultVersion: input.SetAsDefault === true ? version.id : policy.defaultVersion,
      versions: [version, ...policy.versions],
    };
    save(policyNoun, call, changed);
    return { PolicyVersion: versionShape(changed, version) };
  },
});

const getPolicyVersion = operation<Parsed<Sdk.GetPolicyVersionRequest>, Sdk.GetPolicyVersionResponse>({
  depth: 'Of AWS managed policies there is only the newest version.',
  permissions: (input, call) => [permissionOnPolicy(call, 'GetPolicyVersion', input.PolicyArn)],
  handle: (input, call) => {
    const { policy, version } = needVersion(call, input.PolicyArn, input.VersionId);
    return { PolicyVersion: { Document: version.document, ...versionShape(policy, version) } };
  },
});

const listPolicyVersions = operation<Parsed<Sdk.ListPolicyVersionsRequest>, Sdk.ListPolicyVersionsResponse>({
  depth: 'Of AWS managed policies there is only the newest version.',
  permissions: (input, call) => [permissionOnPolicy(call, 'ListPolicyVersions', input.PolicyArn)],
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyArn);
    const { items, ...page } = pageOfList(policy.versions, input, (version) => version.id);
    return { Versions: items.map((version) => versionShape(policy, version)), ...page };
  },
});

const setDefaultPolicyVersion = operation<Parsed<Sdk.SetDefaultPolicyVersionRequest>, void>({
  permissions: (input, call) => [permissionToChange(call, 'SetDefaultPolicyVersion', input.PolicyArn)],
  handle: (input, call) => {
    const { policy, version } = needVersion(call, input.PolicyArn, input.VersionId);
    save(policyNoun, call, { ...policy, defaultVersion: version.id, updatedAt: call.clock.now() });
  },
});

const deletePolicyVersion = operation<Parsed<Sdk.DeletePolicyVersionRequest>, void>({
  permissions: (input, call) => [permissionToChange(call, 'DeletePolicyVersion', input.PolicyArn)],
  handle: (input, call) => {
    const { policy, version } = needVersion(call, input.PolicyArn, input.VersionId);
    if (version.id === policy.defaultVersion) throw deleteConflict('Cannot delete the default version of a policy.');
    save(policyNoun, call, {
      ...policy,
      updatedAt: call.clock.now(),
      versions: policy.versions.filter((other) => other !== version),
    });
  },
});

export const policyVersionOperations = {
  CreatePolicyVersion: createPolicyVersion,
  GetPolicyVersion: getPolicyVersion,
  ListPolicyVersions: listPolicyVersions,
  SetDefaultPolicyVersion: setDefaultPolicyVersion,
  DeletePolicyVersion: deletePolicyVersion,
};
