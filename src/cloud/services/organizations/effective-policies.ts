// The effective management policy of an account, for the account itself and for the management account.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { invalidInput, organizationsFailure } from './failures.ts';
import { attachedIds, isEnabled, policyById } from './in-force.ts';
import { effectivePolicy } from './management-policy.ts';
import type { ManagementPolicyType } from './model.ts';
import { permissionOnNode } from './permissions.ts';
import { isManagementType } from './policy-types.ts';
import { lineOf, memberOf } from './tree.ts';

/** @throws AccessDeniedException, TargetNotFoundException, InvalidInputException */
function targetOf(call: Call, asked: string | undefined): string {
  const target = asked ?? call.account;
  if (target !== call.account && call.account !== call.world.managementAccount) {
    throw organizationsFailure('AccessDeniedException');
  }
  if (!/^\d{12}$/.test(target)) {
    throw invalidInput("You can't perform the specified operation on that target entity.", 'TARGET_NOT_SUPPORTED');
  }
  if (memberOf(call.world, target) === undefined) throw organizationsFailure('TargetNotFoundException');
  return target;
}

const describeEffectivePolicy = operation<
  Parsed<Sdk.DescribeEffectivePolicyRequest>,
  Sdk.DescribeEffectivePolicyResponse
>({
  permissions: (input, call) => [
    permissionOnNode(call, 'DescribeEffectivePolicy', input.TargetId ?? call.account, {
      'organizations:PolicyType': input.PolicyType,
    }),
  ],
  handle: (input, call) => {
    const TargetId = targetOf(call, input.TargetId);
    const type = input.PolicyType;
    if (!isManagementType(type) || !isEnabled(call.world, type)) {
      throw organizationsFailure('EffectivePolicyNotFoundException');
    }
    const { content, changedAt } = inEffect(call, TargetId, type);
    if (content === undefined) throw organizationsFailure('EffectivePolicyNotFoundException');
    return {
      EffectivePolicy: {
        PolicyContent: content,
        LastUpdatedTimestamp: new Date(changedAt),
        TargetId,
        PolicyType: type,
      },
    };
  },
});

function inEffect(call: Call, account: string, type: ManagementPolicyType) {
  const levels = lineOf(call.world, account).map((node) =>
    attachedIds(call.world, node, type).flatMap((id) => policyById(call.world, id) ?? []),
  );
  return {
    content: effectivePolicy(levels.map((policies) => policies.map((policy) => policy.content))),
    changedAt: Math.max(0, ...levels.flat().map((policy) => policy.changedAt ?? 0)),
  };
}

export const effectivePolicyOperations = { DescribeEffectivePolicy: describeEffectivePolicy };
