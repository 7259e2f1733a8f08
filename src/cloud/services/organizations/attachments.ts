// Which policies hang on which nodes.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { constraintViolation, invalidInput, organizationsFailure } from './failures.ts';
import { attachedIds, isEnabled, policyById } from './in-force.ts';
import { attachments, nodeTags, pairId, policyTargets, type OrganizationPolicy, type PolicyType } from './model.ts';
import { pageOf, pageOfList } from './page.ts';
import { permissionOnNode, permissionOnPolicy } from './permissions.ts';
import { needPolicy, summaryShape } from './policies.ts';
import { defaultPolicyOf, factsOf, isDefault, offeredTypes } from './policy-types.ts';
import { nodeById, nodesAfter, type Node } from './tree.ts';

/** @throws TargetNotFoundException */
function needTarget(call: Call, id: string): Node {
  const node = nodeById(call.world, id);
  if (node === undefined) throw organizationsFailure('TargetNotFoundException');
  return node;
}

function permissionsToAttach(action: string) {
  return (input: { readonly PolicyId: string; readonly TargetId: string }, call: Call): readonly Permission[] => [
    permissionOnPolicy(call, action, input.PolicyId),
    permissionOnNode(call, action, input.TargetId, {
      'organizations:PolicyType': policyById(call.world, input.PolicyId)?.type,
    }),
  ];
}

/** Keeps both directions: the node's list, and the policy's targets. */
function setAttached(call: Call, node: string, type: PolicyType, policies: readonly string[]): void {
  const { world } = call;
  for (const id of attachedIds(world, node, type)) world.table(policyTargets).delete('', pairId(id, node));
  for (const id of policies) {
    if (id !== defaultPolicyOf(type)?.id) world.table(policyTargets).put('', pairId(id, node), true);
  }
  world.table(attachments).put('', pairId(type, node), { policies });
}

/** Of a node that ends: what hangs on it, and its tags. */
export function forgetNode(call: Call, node: string): void {
  for (const type of offeredTypes) {
    setAttached(call, node, type, []);
    call.world.table(attachments).delete('', pairId(type, node));
  }
  call.world.table(nodeTags).delete('', node);
}

/** Everything of one type, as when the type is switched off. */
export function forgetType(call: Call, type: PolicyType): void {
  const prefix = pairId(type, '');
  for (const [key] of call.world.table(attachments).list('', prefix)) {
    if (!key.startsWith(prefix)) return;
    setAttached(call, key.slice(prefix.length), type, []);
    call.world.table(attachments).delete('', key);
  }
}

const attachPolicy = operation<Parsed<Sdk.AttachPolicyRequest>, void>({
  permissions: permissionsToAttach('AttachPolicy'),
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyId);
    const { id } = needTarget(call, input.TargetId);
    if (!isEnabled(call.world, policy.type)) throw organizationsFailure('PolicyTypeNotEnabledException');
    const attached = attachedIds(call.world, id, policy.type);
    if (attached.includes(policy.id)) throw organizationsFailure('DuplicatePolicyAttachmentException');
    if (attached.length >= call.world.quotas[factsOf(policy.type)!.attached]) {
      throw constraintViolation(
        'You have attached the maximum number of policies to the specified target.',
        'MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
      );
    }
    setAttached(call, id, policy.type, [...attached, policy.id]);
  },
});

const detachPolicy = operation<Parsed<Sdk.DetachPolicyRequest>, void>({
  permissions: permissionsToAttach('DetachPolicy'),
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyId);
    const { id } = needTarget(call, input.TargetId);
    const attached = attachedIds(call.world, id, policy.type);
    if (!isEnabled(call.world, policy.type) || !attached.includes(policy.id)) {
      throw organizationsFailure('PolicyNotAttachedException');
    }
    refuseLast(policy, attached);
    setAttached(
      call,
      id,
      policy.type,
      attached.filter((other) => other !== policy.id),
    );
  },
});

/**
 * RCPFullAWSAccess stays attached, and every node keeps one SCP.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_policies_attach.html
 */
function refuseLast(policy: OrganizationPolicy, attached: readonly string[]): void {
  if (policy.type === 'RESOURCE_CONTROL_POLICY' && isDefault(policy)) {
    throw invalidInput("You can't detach this AWS Managed Policy.", 'NON_DETACHABLE_POLICY');
  }
  if (policy.type === 'SERVICE_CONTROL_POLICY' && attached.length === 1) {
    throw constraintViolation(
      'You cannot remove the last policy attached to the specified target. You must have at least one attached at all times.',
      'MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
    );
  }
}

const listPoliciesForTarget = operation<Parsed<Sdk.ListPoliciesForTargetRequest>, Sdk.ListPoliciesForTargetResponse>({
  permissions: (input, call) => [
    permissionOnNode(call, 'ListPoliciesForTarget', input.TargetId, { 'organizations:PolicyType': input.Filter }),
  ],
  handle: (input, call) => {
    const { id } = needTarget(call, input.TargetId);
    const type = input.Filter as PolicyType;
    const ids = factsOf(type) !== undefined && isEnabled(call.world, type) ? attachedIds(call.world, id, type) : [];
    const { items, ...page } = pageOfList(ids, input, (policy) => policy);
    return { Policies: items.map((policy) => summaryShape(call, needPolicy(call, policy))), ...page };
  },
});

/** Nodes a policy hangs on, in order of id. */
function* targetsAfter(call: Call, policy: OrganizationPolicy, after = ''): Generator<readonly [string, Node]> {
  const { world } = call;
  if (!isEnabled(world, policy.type)) return;
  if (isDefault(policy)) {
    for (const [id, node] of nodesAfter(world, after)) {
      if (attachedIds(world, id, policy.type).includes(policy.id)) yield [id, node];
    }
    return;
  }
  const prefix = pairId(policy.id, '');
  for (const [key] of world.table(policyTargets).list('', prefix + after)) {
    if (!key.startsWith(prefix)) return;
    const node = nodeById(world, key.slice(prefix.length));
    if (node !== undefined) yield [node.id, node];
  }
}

const listTargetsForPolicy = operation<Parsed<Sdk.ListTargetsForPolicyRequest>, Sdk.ListTargetsForPolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'ListTargetsForPolicy', input.PolicyId)],
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyId);
    const { items, ...page } = pageOf((after) => targetsAfter(call, policy, after), input);
    const targets = items.map(({ id, arn, name, kind }) => ({ TargetId: id, Arn: arn, Name: name, Type: kind }));
    return { Targets: targets, ...page };
  },
});

export const attachmentOperations = {
  AttachPolicy: attachPolicy,
  DetachPolicy: detachPolicy,
  ListPoliciesForTarget: listPoliciesForTarget,
  ListTargetsForPolicy: listTargetsForPolicy,
};
