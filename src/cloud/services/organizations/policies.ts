// Service and resource control policies: made, attached to nodes of the tree, switched on and off.
import type * as Sdk from '@aws-sdk/client-organizations';
import { randomText } from '../../../base/index.ts';
import { compilePolicy } from '../../../policy/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { checkTags, requestTagKeys } from '../iam/tags.ts';
import { ownTagKeys, permission, permissionOnNode, rootShape } from './accounts.ts';
import { constraintViolation, organizationsFailure } from './failures.ts';
import { attachedIds, isEnabled, policyArn, policyById } from './in-force.ts';
import {
  attachments,
  defaultPolicies,
  isDefault,
  organizationPolicies,
  policyTypes,
  type OrganizationPolicy,
  type PolicyType,
} from './model.ts';
import { pageOf } from './page.ts';
import { nodeById, organizationArn, treeOf, type Node } from './tree.ts';

const limits = {
  SERVICE_CONTROL_POLICY: {
    kind: 'scp',
    attached: 'ServiceControlPoliciesPerTarget',
    size: 'ServiceControlPolicySize',
  },
  RESOURCE_CONTROL_POLICY: {
    kind: 'rcp',
    attached: 'ResourceControlPoliciesPerTarget',
    size: 'ResourceControlPolicySize',
  },
} as const;

function isOffered(type: string): type is PolicyType {
  return Object.hasOwn(limits, type);
}

/** @throws PolicyNotFoundException */
function needPolicy(call: Call, id: string): OrganizationPolicy {
  const policy = policyById(call.world, id);
  if (policy === undefined) throw organizationsFailure('PolicyNotFoundException');
  return policy;
}

/** @throws TargetNotFoundException */
function needTarget(call: Call, id: string): Node {
  const node = nodeById(call.world, id);
  if (node === undefined) throw organizationsFailure('TargetNotFoundException');
  return node;
}

/** A policy AWS made cannot be changed. */
function needOwn(call: Call, id: string): OrganizationPolicy {
  const policy = needPolicy(call, id);
  if (isDefault(policy)) throw organizationsFailure('AccessDeniedException');
  return policy;
}

function permissionOnPolicy(call: Call, action: string, id: string): Permission {
  const policy = policyById(call.world, id);
  const arn =
    policy === undefined ? organizationArn(call.world, 'policy', `/unknown/${id}`) : policyArn(call.world, policy);
  return permission(action, arn, { ...ownTagKeys(policy?.tags ?? []), 'organizations:PolicyType': policy?.type });
}

function summaryShape(call: Call, policy: OrganizationPolicy): Sdk.PolicySummary {
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

function* allPolicies(call: Call): Generator<OrganizationPolicy> {
  yield* Object.values(defaultPolicies).filter((policy) => isEnabled(call.world, policy.type));
  for (const [, policy] of call.world.table(organizationPolicies).list('')) yield policy;
}

/** @throws MalformedPolicyDocumentException, ConstraintViolationException */
function checkContent(call: Call, content: string, type: PolicyType): void {
  const limit = call.world.quotas[limits[type].size];
  if (content.length > limit) {
    throw constraintViolation(
      `You have exceeded the maximum policy size of ${limit} characters.`,
      'POLICY_CONTENT_LIMIT_EXCEEDED',
    );
  }
  try {
    compilePolicy(content, limits[type].kind);
  } catch {
    throw organizationsFailure('MalformedPolicyDocumentException');
  }
}

function refuseDuplicateName(call: Call, name: string, type: PolicyType, except?: string): void {
  for (const policy of allPolicies(call)) {
    if (policy.name === name && policy.type === type && policy.id !== except) {
      throw organizationsFailure('DuplicatePolicyException');
    }
  }
}

const createPolicy = operation<Parsed<Sdk.CreatePolicyRequest>, Sdk.CreatePolicyResponse>({
  permissions: (input, call) => [
    permission('CreatePolicy', '*', { 'organizations:PolicyType': input.Type, ...requestTagKeys(input.Tags) }),
    // Organizations user guide, "Tagging AWS Organizations resources": tags at the creation need their own permission.
    ...(input.Tags?.length
      ? [
          permission(
            'TagResource',
            organizationArn(call.world, 'policy', `/${input.Type.toLowerCase()}/*`),
            requestTagKeys(input.Tags),
          ),
        ]
      : []),
  ],
  handle: (input, call) => {
    if (!isOffered(input.Type)) throw organizationsFailure('PolicyTypeNotEnabledException');
    checkContent(call, input.Content, input.Type);
    refuseDuplicateName(call, input.Name, input.Type);
    const policy: OrganizationPolicy = {
      id: `p-${randomText(call.random, 8, 'abcdefghijklmnopqrstuvwxyz0123456789')}`,
      name: input.Name,
      description: input.Description,
      type: input.Type,
      content: input.Content,
      tags: checkTags(input.Tags),
    };
    call.world.table(organizationPolicies).put('', policy.id, policy);
    return { Policy: policyShape(call, policy) };
  },
});

const updatePolicy = operation<Parsed<Sdk.UpdatePolicyRequest>, Sdk.UpdatePolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'UpdatePolicy', input.PolicyId)],
  handle: (input, call) => {
    const policy = needOwn(call, input.PolicyId);
    if (input.Content !== undefined) checkContent(call, input.Content, policy.type);
    if (input.Name !== undefined) refuseDuplicateName(call, input.Name, policy.type, policy.id);
    const changed: OrganizationPolicy = {
      ...policy,
      name: input.Name ?? policy.name,
      description: input.Description ?? policy.description,
      content: input.Content ?? policy.content,
    };
    call.world.table(organizationPolicies).put('', policy.id, changed);
    return { Policy: policyShape(call, changed) };
  },
});

const deletePolicy = operation<Parsed<Sdk.DeletePolicyRequest>, void>({
  permissions: (input, call) => [permissionOnPolicy(call, 'DeletePolicy', input.PolicyId)],
  handle: (input, call) => {
    const policy = needOwn(call, input.PolicyId);
    if (targetsOf(call, policy).length > 0) throw organizationsFailure('PolicyInUseException');
    call.world.table(organizationPolicies).delete('', policy.id);
  },
});

const describePolicy = operation<Parsed<Sdk.DescribePolicyRequest>, Sdk.DescribePolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'DescribePolicy', input.PolicyId)],
  handle: (input, call) => ({ Policy: policyShape(call, needPolicy(call, input.PolicyId)) }),
});

const listPolicies = operation<Parsed<Sdk.ListPoliciesRequest>, Sdk.ListPoliciesResponse>({
  permissions: (input) => [permission('ListPolicies', '*', { 'organizations:PolicyType': input.Filter })],
  handle: (input, call) => {
    const policies = [...allPolicies(call)].filter((policy) => policy.type === input.Filter);
    const { items, ...page } = pageOf(policies, input);
    return { Policies: items.map((policy) => summaryShape(call, policy)), ...page };
  },
});

const listPoliciesForTarget = operation<Parsed<Sdk.ListPoliciesForTargetRequest>, Sdk.ListPoliciesForTargetResponse>({
  permissions: (input, call) => [
    permissionOnNode(call, 'ListPoliciesForTarget', input.TargetId, { 'organizations:PolicyType': input.Filter }),
  ],
  handle: (input, call) => {
    const node = needTarget(call, input.TargetId);
    const ids =
      isOffered(input.Filter) && isEnabled(call.world, input.Filter)
        ? attachedIds(call.world, node.key, input.Filter)
        : [];
    const { items, ...page } = pageOf(ids, input);
    return { Policies: items.map((id) => summaryShape(call, needPolicy(call, id))), ...page };
  },
});

function targetsOf(call: Call, policy: OrganizationPolicy): readonly Node[] {
  if (!isEnabled(call.world, policy.type)) return [];
  return [...treeOf(call.world).values()].filter((node) =>
    attachedIds(call.world, node.key, policy.type).includes(policy.id),
  );
}

const listTargetsForPolicy = operation<Parsed<Sdk.ListTargetsForPolicyRequest>, Sdk.ListTargetsForPolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'ListTargetsForPolicy', input.PolicyId)],
  handle: (input, call) => {
    const { items, ...page } = pageOf(targetsOf(call, needPolicy(call, input.PolicyId)), input);
    const targets = items.map(({ id, arn, name, kind }) => ({ TargetId: id, Arn: arn, Name: name, Type: kind }));
    return { Targets: targets, ...page };
  },
});

function permissionsToAttach(action: string) {
  return (input: { readonly PolicyId: string; readonly TargetId: string }, call: Call): readonly Permission[] => [
    permissionOnPolicy(call, action, input.PolicyId),
    permissionOnNode(call, action, input.TargetId, {
      'organizations:PolicyType': policyById(call.world, input.PolicyId)?.type,
    }),
  ];
}

function setAttached(call: Call, node: Node, type: PolicyType, policies: readonly string[]): void {
  call.world.table(attachments).put('', `${node.key} ${type}`, { policies });
}

const attachPolicy = operation<Parsed<Sdk.AttachPolicyRequest>, void>({
  permissions: permissionsToAttach('AttachPolicy'),
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyId);
    const node = needTarget(call, input.TargetId);
    if (!isEnabled(call.world, policy.type)) throw organizationsFailure('PolicyTypeNotEnabledException');
    const attached = attachedIds(call.world, node.key, policy.type);
    if (attached.includes(policy.id)) throw organizationsFailure('DuplicatePolicyAttachmentException');
    if (attached.length >= call.world.quotas[limits[policy.type].attached]) {
      throw constraintViolation(
        'You have attached the maximum number of policies of this type to the target.',
        'MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
      );
    }
    setAttached(call, node, policy.type, [...attached, policy.id]);
  },
});

const detachPolicy = operation<Parsed<Sdk.DetachPolicyRequest>, void>({
  permissions: permissionsToAttach('DetachPolicy'),
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyId);
    const node = needTarget(call, input.TargetId);
    const attached = attachedIds(call.world, node.key, policy.type);
    if (!isEnabled(call.world, policy.type) || !attached.includes(policy.id)) {
      throw organizationsFailure('PolicyNotAttachedException');
    }
    // RCPFullAWSAccess stays attached, and every node keeps one SCP:
    // https://docs.aws.amazon.com/organizations/latest/userguide/orgs_policies_attach.html
    if (attached.length === 1 || (isDefault(policy) && policy.type === 'RESOURCE_CONTROL_POLICY')) {
      throw constraintViolation(
        'You cannot remove the last policy of this type from the target.',
        'MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
      );
    }
    setAttached(
      call,
      node,
      policy.type,
      attached.filter((id) => id !== policy.id),
    );
  },
});

/** @throws RootNotFoundException, PolicyTypeNotEnabledException */
function checkSwitch(call: Call, rootId: string, type: string): PolicyType {
  if (nodeById(call.world, rootId)?.kind !== 'ROOT') throw organizationsFailure('RootNotFoundException');
  if (!isOffered(type)) throw organizationsFailure('PolicyTypeNotEnabledException');
  return type;
}

const enablePolicyType = operation<Parsed<Sdk.EnablePolicyTypeRequest>, Sdk.EnablePolicyTypeResponse>({
  depth: 'Service and resource control policies.',
  permissions: (input, call) => [
    permissionOnNode(call, 'EnablePolicyType', input.RootId, { 'organizations:PolicyType': input.PolicyType }),
  ],
  handle: (input, call) => {
    const type = checkSwitch(call, input.RootId, input.PolicyType);
    if (isEnabled(call.world, type)) throw organizationsFailure('PolicyTypeAlreadyEnabledException');
    call.world.table(policyTypes).put('', type, { enabled: true });
    return { Root: rootShape(call) };
  },
});

const disablePolicyType = operation<Parsed<Sdk.DisablePolicyTypeRequest>, Sdk.DisablePolicyTypeResponse>({
  depth: 'Service and resource control policies.',
  permissions: (input, call) => [
    permissionOnNode(call, 'DisablePolicyType', input.RootId, { 'organizations:PolicyType': input.PolicyType }),
  ],
  handle: (input, call) => {
    const type = checkSwitch(call, input.RootId, input.PolicyType);
    if (!isEnabled(call.world, type)) throw organizationsFailure('PolicyTypeNotEnabledException');
    call.world.table(policyTypes).put('', type, { enabled: false });
    // AWS forgets what was attached.
    for (const key of treeOf(call.world).keys()) call.world.table(attachments).delete('', `${key} ${type}`);
    return { Root: rootShape(call) };
  },
});

export const policyOperations = {
  CreatePolicy: createPolicy,
  UpdatePolicy: updatePolicy,
  DeletePolicy: deletePolicy,
  DescribePolicy: describePolicy,
  ListPolicies: listPolicies,
  ListPoliciesForTarget: listPoliciesForTarget,
  ListTargetsForPolicy: listTargetsForPolicy,
  AttachPolicy: attachPolicy,
  DetachPolicy: detachPolicy,
  EnablePolicyType: enablePolicyType,
  DisablePolicyType: disablePolicyType,
};
