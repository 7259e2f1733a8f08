// Tags of accounts, units, the root and policies.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import type { Tag } from '../iam/model.ts';
import { checkTags, mergeTags, requestTagKeys, withoutTags } from '../iam/tags.ts';
import { ownTagKeys, permission } from './accounts.ts';
import { organizationsFailure } from './failures.ts';
import { policyArn, policyById } from './in-force.ts';
import { isDefault, organizationPolicies, organizationTags } from './model.ts';
import { pageOf } from './page.ts';
import { nodeById, organizationArn } from './tree.ts';

interface Tagged {
  readonly arn: string;
  readonly tags: readonly Tag[];
  readonly save: (tags: readonly Tag[]) => void;
}

function findTagged(call: Call, id: string): Tagged | undefined {
  const { world } = call;
  const node = nodeById(world, id);
  if (node !== undefined) {
    const table = world.table(organizationTags);
    const tags = table.get('', node.key)?.tags ?? [];
    return { arn: node.arn, tags, save: (changed) => table.put('', node.key, { tags: changed }) };
  }
  const policy = policyById(world, id);
  if (policy === undefined) return undefined;
  return {
    arn: policyArn(world, policy),
    tags: policy.tags,
    save: (tags) => {
      if (isDefault(policy)) throw organizationsFailure('AccessDeniedException');
      world.table(organizationPolicies).put('', policy.id, { ...policy, tags });
    },
  };
}

/** @throws TargetNotFoundException */
function needTagged(call: Call, id: string): Tagged {
  const found = findTagged(call, id);
  if (found === undefined) throw organizationsFailure('TargetNotFoundException');
  return found;
}

function permissionOn(call: Call, action: string, id: string, context: Permission['context'] = {}): Permission {
  const found = findTagged(call, id);
  const arn = found?.arn ?? organizationArn(call.world, 'unknown', `/${id}`);
  return permission(action, arn, { ...ownTagKeys(found?.tags ?? []), ...context });
}

export const tagOperations = {
  TagResource: operation<Parsed<Sdk.TagResourceRequest>, void>({
    permissions: (input, call) => [permissionOn(call, 'TagResource', input.ResourceId, requestTagKeys(input.Tags))],
    handle: (input, call) => {
      const { tags, save } = needTagged(call, input.ResourceId);
      save(mergeTags(call.world, tags, checkTags(input.Tags)));
    },
  }),
  UntagResource: operation<Parsed<Sdk.UntagResourceRequest>, void>({
    permissions: (input, call) => [
      permissionOn(call, 'UntagResource', input.ResourceId, { 'aws:TagKeys': input.TagKeys }),
    ],
    handle: (input, call) => {
      const { tags, save } = needTagged(call, input.ResourceId);
      save(withoutTags(tags, input.TagKeys));
    },
  }),
  ListTagsForResource: operation<Parsed<Sdk.ListTagsForResourceRequest>, Sdk.ListTagsForResourceResponse>({
    permissions: (input, call) => [permissionOn(call, 'ListTagsForResource', input.ResourceId)],
    handle: (input, call) => {
      const { items, ...page } = pageOf(needTagged(call, input.ResourceId).tags, input);
      return { Tags: items, ...page };
    },
  }),
};
