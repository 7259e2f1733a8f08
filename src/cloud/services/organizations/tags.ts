// Tags of accounts, units, the root, policies and the resource policy. Keys compare with case, unlike IAM's.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Tag } from '../iam/model.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys, type TagList } from '../iam/tags.ts';
import { constraintViolation, invalidInput, organizationsFailure } from './failures.ts';
import { policyArn, policyById } from './in-force.ts';
import { nodeTags, organizationPolicies } from './model.ts';
import { pageOfList } from './page.ts';
import { ownTagKeys, permission, permissionOnNode, tagsOfNode } from './permissions.ts';
import { isDefault } from './policy-types.ts';
import { onlyResourcePolicy, resourcePolicies, resourcePolicyArn } from './resource-policy-row.ts';
import { nodeById } from './tree.ts';

/** `added` put over `tags`. @throws InvalidInputException, ConstraintViolationException */
export function withTags(call: Call, tags: readonly Tag[], added: TagList | undefined): readonly Tag[] {
  const merged = new Map(tags.map((tag) => [tag.Key, tag]));
  const given = new Set<string>();
  for (const { Key = '', Value = '' } of added ?? []) {
    if (given.has(Key)) {
      throw invalidInput('Tag keys must be unique among the tags attached to the same entity.', 'DUPLICATE_TAG_KEY');
    }
    if (Key.toLowerCase().startsWith('aws:')) throw systemTag();
    given.add(Key);
    merged.set(Key, { Key, Value });
  }
  if (merged.size > call.world.quotas.TagsPerResource) {
    throw constraintViolation(
      'You have exceeded the number of tags allowed on this resource.',
      'MAX_TAG_LIMIT_EXCEEDED',
    );
  }
  return [...merged.values()];
}

function systemTag() {
  return invalidInput(
    "You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because they're reserved for AWS use.",
    'INVALID_SYSTEM_TAGS_PARAMETER',
  );
}

/** Replaces the tags of a node. */
export function putNodeTags(call: Call, id: string, tags: readonly Tag[]): void {
  if (tags.length === 0) call.world.table(nodeTags).delete('', id);
  else call.world.table(nodeTags).put('', id, { tags });
}

interface Tagged {
  readonly arn: string;
  readonly tags: readonly Tag[];
  readonly save: (tags: readonly Tag[]) => void;
}

function findTagged(call: Call, id: string): Tagged | undefined {
  const { world } = call;
  const node = nodeById(world, id);
  if (node !== undefined) {
    return { arn: node.arn, tags: tagsOfNode(call, id), save: (tags) => putNodeTags(call, id, tags) };
  }
  const resourcePolicy = world.table(resourcePolicies).get('', onlyResourcePolicy);
  if (resourcePolicy?.id === id) {
    const save = (tags: readonly Tag[]) =>
      world.table(resourcePolicies).put('', onlyResourcePolicy, { ...resourcePolicy, tags });
    return { arn: resourcePolicyArn(world, resourcePolicy), tags: resourcePolicy.tags, save };
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
  if (found === undefined) return permissionOnNode(call, action, id, context);
  return permission(action, found.arn, { ...ownTagKeys(found.tags), ...context });
}

export const tagOperations = {
  TagResource: operation<Parsed<Sdk.TagResourceRequest>, void>({
    permissions: (input, call) => [permissionOn(call, 'TagResource', input.ResourceId, requestTagKeys(input.Tags))],
    handle: (input, call) => {
      const { tags, save } = needTagged(call, input.ResourceId);
      save(withTags(call, tags, input.Tags));
    },
  }),
  UntagResource: operation<Parsed<Sdk.UntagResourceRequest>, void>({
    permissions: (input, call) => [
      permissionOn(call, 'UntagResource', input.ResourceId, { 'aws:TagKeys': input.TagKeys }),
    ],
    handle: (input, call) => {
      const { tags, save } = needTagged(call, input.ResourceId);
      if (input.TagKeys.some((key) => key.toLowerCase().startsWith('aws:'))) throw systemTag();
      save(tags.filter((tag) => !input.TagKeys.includes(tag.Key)));
    },
  }),
  ListTagsForResource: operation<Parsed<Sdk.ListTagsForResourceRequest>, Sdk.ListTagsForResourceResponse>({
    permissions: (input, call) => [permissionOn(call, 'ListTagsForResource', input.ResourceId)],
    handle: (input, call) => {
      const { items, ...page } = pageOfList(needTagged(call, input.ResourceId).tags, input, (tag) => tag.Key);
      return { Tags: items, ...page };
    },
  }),
};
