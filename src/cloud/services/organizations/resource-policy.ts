// The organisation's resource-based delegation policy: what member accounts may do beyond reading themselves.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_delegate_policies.html
import type * as Sdk from '@aws-sdk/client-organizations';
import { isFailure, randomText } from '../../../base/index.ts';
import { compilePolicy, type AttachedPolicy } from '../../../policy/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { compiledDocument } from '../iam/documents.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { invalidInput, organizationsFailure } from './failures.ts';
import { ownTagKeys, permission, permissionToTag } from './permissions.ts';
import {
  onlyResourcePolicy,
  resourcePolicies,
  resourcePolicyArn,
  type ResourcePolicyRow,
} from './resource-policy-row.ts';
import { withTags } from './tags.ts';
import { idAlphabet, organizationArn } from './tree.ts';

function current(call: Call): ResourcePolicyRow | undefined {
  return call.world.table(resourcePolicies).get('', onlyResourcePolicy);
}

/** The policy as authorization sees it. */
export function delegationPolicy(call: Call): AttachedPolicy | undefined {
  const row = current(call);
  if (row === undefined) return undefined;
  return {
    policy: compiledDocument(row, row.content, 'resource'),
    name: row.id,
    attachedTo: organizationArn(call.world, 'organization'),
  };
}

function permissionOnPolicy(call: Call, action: string, context: Permission['context'] = {}): Permission {
  const row = current(call);
  const arn = resourcePolicyArn(call.world, row ?? { id: '*' });
  return permission(action, arn, { ...ownTagKeys(row?.tags ?? []), ...context });
}

/** @throws InvalidInputException */
function checkContent(content: string): void {
  try {
    compilePolicy(content, 'resource');
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw invalidInput(
      'The provided resource policy document is not valid JSON policy.',
      'INVALID_RESOURCE_POLICY_JSON',
    );
  }
  const statements = [(JSON.parse(content) as { Statement: object | object[] }).Statement].flat();
  for (const statement of statements as readonly { Action?: string | string[]; NotAction?: unknown }[]) {
    const actions = [statement.Action ?? []].flat();
    if (statement.NotAction !== undefined || !actions.every((action) => /^organizations:/i.test(action))) {
      throw invalidInput(
        'You specified an action that is not supported in a resource policy.',
        'UNSUPPORTED_ACTION_IN_RESOURCE_POLICY',
      );
    }
  }
}

function shapeOf(call: Call, row: ResourcePolicyRow): Sdk.ResourcePolicy {
  return {
    ResourcePolicySummary: { Id: row.id, Arn: resourcePolicyArn(call.world, row) },
    Content: row.content,
  };
}

const putResourcePolicy = operation<Parsed<Sdk.PutResourcePolicyRequest>, Sdk.PutResourcePolicyResponse>({
  permissions: (input, call) => [
    permissionOnPolicy(call, 'PutResourcePolicy', requestTagKeys(input.Tags)),
    ...permissionToTag(call, 'resourcepolicy', '/*', input.Tags),
  ],
  handle: (input, call) => {
    checkContent(input.Content);
    const before = current(call);
    const row: ResourcePolicyRow = {
      id: before?.id ?? `rp-${randomText(call.random, 8, idAlphabet)}`,
      content: input.Content,
      tags: withTags(call, before?.tags ?? [], input.Tags),
    };
    call.world.table(resourcePolicies).put('', onlyResourcePolicy, row);
    return { ResourcePolicy: shapeOf(call, row) };
  },
});

/** @throws ResourcePolicyNotFoundException */
function needCurrent(call: Call): ResourcePolicyRow {
  const row = current(call);
  if (row === undefined) throw organizationsFailure('ResourcePolicyNotFoundException');
  return row;
}

const describeResourcePolicy = operation<object, Sdk.DescribeResourcePolicyResponse>({
  permissions: (_input, call) => [permissionOnPolicy(call, 'DescribeResourcePolicy')],
  handle: (_input, call) => ({ ResourcePolicy: shapeOf(call, needCurrent(call)) }),
});

const deleteResourcePolicy = operation<object, void>({
  permissions: (_input, call) => [permissionOnPolicy(call, 'DeleteResourcePolicy')],
  handle: (_input, call) => {
    needCurrent(call);
    call.world.table(resourcePolicies).delete('', onlyResourcePolicy);
  },
});

export const resourcePolicyOperations = {
  PutResourcePolicy: putResourcePolicy,
  DescribeResourcePolicy: describeResourcePolicy,
  DeleteResourcePolicy: deleteResourcePolicy,
};
