// What a call to Organizations must be allowed, with the ARNs and condition keys of the Service Authorization
// Reference, "Actions, resources, and condition keys for AWS Organizations".
import type { Call, Permission } from '../../call.ts';
import type { Tag } from '../iam/model.ts';
import { requestTagKeys, type TagList } from '../iam/tags.ts';
import { policyArn, policyById } from './in-force.ts';
import { nodeTags } from './model.ts';
import { nodeById, organizationArn } from './tree.ts';

/** Permission for `action` on a resource; on `*` when the action names none. */
export function permission(action: string, resource = '*', context: Permission['context'] = {}): Permission {
  return { action: `organizations:${action}`, resource, context };
}

/** `aws:ResourceTag/…` of what carries these tags. */
export function ownTagKeys(tags: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map((tag) => [`aws:ResourceTag/${tag.Key}`, tag.Value]));
}

export function tagsOfNode(call: Call, id: string): readonly Tag[] {
  return call.world.table(nodeTags).get('', id)?.tags ?? [];
}

/** Permission on the node with this id, whether it exists or not. */
export function permissionOnNode(
  call: Call,
  action: string,
  id: string,
  context: Permission['context'] = {},
): Permission {
  const arn = nodeById(call.world, id)?.arn ?? organizationArn(call.world, kindOfId(id), `/${id}`);
  return permission(action, arn, { ...ownTagKeys(tagsOfNode(call, id)), ...context });
}

function kindOfId(id: string): string {
  if (id.startsWith('ou-')) return 'ou';
  return id.startsWith('r-') ? 'root' : 'account';
}

export function permissionOnPolicy(
  call: Call,
  action: string,
  id: string,
  context: Permission['context'] = {},
): Permission {
  const policy = policyById(call.world, id);
  const arn =
    policy === undefined ? organizationArn(call.world, 'policy', `/unknown/${id}`) : policyArn(call.world, policy);
  return permission(action, arn, {
    ...ownTagKeys(policy?.tags ?? []),
    'organizations:PolicyType': policy?.type,
    ...context,
  });
}

/**
 * What tags at a creation need beside the permission to create: `organizations:TagResource` on what is to be made.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_tagging.html
 */
export function permissionToTag(call: Call, kind: string, rest: string, tags: TagList | undefined): Permission[] {
  if (tags === undefined || tags.length === 0) return [];
  return [permission('TagResource', organizationArn(call.world, kind, rest), requestTagKeys(tags))];
}
