// Policies of every type: made, changed, deleted, read, and their types switched on and off.
import type * as Sdk from '@aws-sdk/client-organizations';
import { isFailure, randomText } from '../../../base/index.ts';
import { compilePolicy } from '../../../policy/index.ts';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { constraintViolation, invalidInput, organizationsFailure } from './failures.ts';
import { isEnabled, policyArn, policyById } from './in-force.ts';
import { checkManagementPolicy } from './management-policy.ts';
import {
  organizationPolicies,
  pairId,
  policyNames,
  policyTargets,
  type OrganizationPolicy,
  type PolicyType,
} from './model.ts';
import { pageOf } from './page.ts';
import { permission, permissionOnPolicy, permissionToTag } from './permissions.ts';
import { defaultPolicyOf, factsOf, isDefault } from './policy-types.ts';
import { withTags } from './tags.ts';
import { idAlphabet } from './tree.ts';

/** @throws PolicyNotFoundException */
export function needPolicy(call: Call, id: string): OrganizationPolicy {
  const policy = policyById(call.world, id);
  if (policy === undefined) throw organizationsFailure('PolicyNotFoundException');
  return policy;
}

/** A policy AWS made cannot be changed. @throws InvalidInputException */
function needOwn(call: Call, id: string): OrganizationPolicy {
  const policy = needPolicy(call, id);
  if (isDefault(policy)) {
    throw invalidInput("You specified a policy that is managed by AWS and can't be modified.", 'IMMUTABLE_POLICY');
  }
  return policy;
}

export function summaryShape(call: Call, policy: OrganizationPolicy): Sdk.PolicySummary {
  return {
    Id: policy.id,
    Arn: policyArn(call.world, policy),
    Name: policy.name,
    Description: policy.description,
    Type: policy.type,
    AwsManaged: isDefault(policy),
  };
}

function policyShape(call: Call, policy: OrganizationPolicy): Sdk.Policy {
  return { PolicySummary: summaryShape(call, policy), Content: policy.content };
}

/** @throws MalformedPolicyDocumentException, ConstraintViolationException */
function checkContent(call: Call, content: string, type: PolicyType): void {
  const { size, kind, topics } = factsOf(type)!;
  const limit = call.world.quotas[size];
  if (content.length > limit) {
    throw constraintViolation(
      `You have exceeded the maximum policy size of ${limit} characters.`,
      'POLICY_CONTENT_LIMIT_EXCEEDED',
    );
  }
  try {
    if (kind === undefined) checkManagementPolicy(content, type, topics ?? []);
    else compilePolicy(content, kind);
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw organizationsFailure('MalformedPolicyDocumentException');
  }
}

/** @throws DuplicatePolicyException */
function refuseTakenName(call: Call, name: string, type: PolicyType, except?: string): void {
  const taken = call.world.table(policyNames).get('', pairId(type, name))?.id;
  if (defaultPolicyOf(type)?.name === name || (taken !== undefined && taken !== except)) {
    throw organizationsFailure('DuplicatePolicyException');
  }
}

function refuseTooMany(call: Call, type: PolicyType): void {
  const { quotas } = call.world;
  const limit =
    type === 'SERVICE_CONTROL_POLICY' ? quotas.ServiceControlPoliciesPerOrganization : quotas.PoliciesPerOrganization;
  let count = 0;
  for (const [key] of call.world.table(policyNames).list('', pairId(type, ''))) {
    if (!key.startsWith(pairId(type, ''))) return;
    if (++count < limit) continue;
    throw constraintViolation(
      'You attempted to exceed the number of policies that you can have in an organization.',
      'POLICY_NUMBER_LIMIT_EXCEEDED',
    );
  }
}

function save(call: Call, policy: OrganizationPolicy): void {
  call.world.table(organizationPolicies).put('', policy.id, policy);
  call.world.table(policyNames).put('', pairId(policy.type, policy.name), { id: policy.id });
}

function drop(call: Call, policy: OrganizationPolicy): void {
  call.world.table(organizationPolicies).delete('', policy.id);
  call.world.table(policyNames).delete('', pairId(policy.type, policy.name));
}

const createPolicy = operation<Parsed<Sdk.CreatePolicyRequest>, Sdk.CreatePolicyResponse>({
  permissions: (input, call) => [
    permission('CreatePolicy', '*', { 'organizations:PolicyType': input.Type, ...requestTagKeys(input.Tags) }),
    ...permissionToTag(call, 'policy', `/${input.Type.toLowerCase()}/*`, input.Tags),
  ],
  handle: (input, call) => {
    const type = input.Type as PolicyType;
    if (factsOf(type) === undefined) throw organizationsFailure('PolicyTypeNotAvailableForOrganizationException');
    checkContent(call, input.Content, type);
    refuseTakenName(call, input.Name, type);
    refuseTooMany(call, type);
    const policy: OrganizationPolicy = {
      id: `p-${randomText(call.random, 8, idAlphabet)}`,
      name: input.Name,
      description: input.Description,
      type,
      content: input.Content,
      tags: withTags(call, [], input.Tags),
      changedAt: call.clock.now(),
    };
    save(call, policy);
    return { Policy: policyShape(call, policy) };
  },
});

const updatePolicy = operation<Parsed<Sdk.UpdatePolicyRequest>, Sdk.UpdatePolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'UpdatePolicy', input.PolicyId)],
  handle: (input, call) => {
    const policy = needOwn(call, input.PolicyId);
    if (input.Content !== undefined) checkContent(call, input.Content, policy.type);
    if (input.Name !== undefined) refuseTakenName(call, input.Name, policy.type, policy.id);
    const changed: OrganizationPolicy = {
      ...policy,
      name: input.Name ?? policy.name,
      description: input.Description ?? policy.description,
      content: input.Content ?? policy.content,
      changedAt: call.clock.now(),
    };
    drop(call, policy);
    save(call, changed);
    return { Policy: policyShape(call, changed) };
  },
});

const deletePolicy = operation<Parsed<Sdk.DeletePolicyRequest>, void>({
  permissions: (input, call) => [permissionOnPolicy(call, 'DeletePolicy', input.PolicyId)],
  handle: (input, call) => {
    const policy = needOwn(call, input.PolicyId);
    for (const [key] of call.world.table(policyTargets).list('', pairId(policy.id, ''))) {
      if (key.startsWith(pairId(policy.id, ''))) throw organizationsFailure('PolicyInUseException');
      break;
    }
    drop(call, policy);
  },
});

const describePolicy = operation<Parsed<Sdk.DescribePolicyRequest>, Sdk.DescribePolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'DescribePolicy', input.PolicyId)],
  handle: (input, call) => ({ Policy: policyShape(call, needPolicy(call, input.PolicyId)) }),
});

/** Policies of one type in order of id; AWS's own as far as the type is in use. */
function* policiesAfter(call: Call, type: PolicyType, after = ''): Generator<readonly [string, OrganizationPolicy]> {
  const own = defaultPolicyOf(type);
  // AWS's ids begin with a capital, so they stand before all others.
  if (own !== undefined && own.id > after && isEnabled(call.world, type)) yield [own.id, own];
  for (const row of call.world.table(organizationPolicies).list('', after)) if (row[1].type === type) yield row;
}

const listPolicies = operation<Parsed<Sdk.ListPoliciesRequest>, Sdk.ListPoliciesResponse>({
  permissions: (input) => [permission('ListPolicies', '*', { 'organizations:PolicyType': input.Filter })],
  handle: (input, call) => {
    const { items, ...page } = pageOf((after) => policiesAfter(call, input.Filter as PolicyType, after), input);
    return { Policies: items.map((policy) => summaryShape(call, policy)), ...page };
  },
});

export const policyOperations = {
  CreatePolicy: createPolicy,
  UpdatePolicy: updatePolicy,
  DeletePolicy: deletePolicy,
  DescribePolicy: describePolicy,
  ListPolicies: listPolicies,
};
