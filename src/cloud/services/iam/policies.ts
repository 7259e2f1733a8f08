// Managed policies: customer managed ones are made and changed, AWS's own are read beside them.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsPolicies, type AwsPolicySummary } from './aws-policies.ts';
import { checkDocument, documentSize } from './documents.ts';
import { arnOf, find, idsUnder, permissionOnAll, permissionToMake, policyNoun, rowId, save } from './entities.ts';
import { accessDenied, alreadyExists, deleteConflict, quotaExceeded } from './failures.ts';
import { uniqueId } from './ids.ts';
import { findPolicy, isAwsPolicyArn, needPolicy } from './managed.ts';
import {
  groups,
  managedPolicies,
  policyUsage,
  policyUsers,
  roles,
  users,
  type Identity,
  type ManagedPolicy,
} from './model.ts';
import { afterMarker, pageOf } from './page.ts';
import { policyShape, type Parsed } from './shapes.ts';
import { checkTags, mergeTags, requestTagKeys, resourceTagKeys, type ConditionKeys } from './tags.ts';

/** Permission for `action` on the policy with this ARN. */
export function permissionOnPolicy(call: Call, action: string, arn: string, context: ConditionKeys = {}): Permission {
  return {
    action: `iam:${action}`,
    resource: arn,
    named: /^(?:Tag|Untag|List\w+Tags$)/.test(action) ? undefined : `policy ${arn}`,
    context: { ...resourceTagKeys(findPolicy(call, arn)?.tags ?? []), ...context },
  };
}

/** Permission to change a policy. Nobody but AWS changes AWS's. @throws AccessDenied */
export function permissionToChange(call: Call, action: string, arn: string, context: ConditionKeys = {}): Permission {
  if (isAwsPolicyArn(arn)) {
    const caller = 'arn' in call.principal ? call.principal.arn : 'anonymous';
    throw accessDenied(`User: ${caller} is not authorized to perform: iam:${action} on resource: policy ${arn}`);
  }
  return permissionOnPolicy(call, action, arn, context);
}

/** Checks a document of a managed policy. @throws MalformedPolicyDocument, LimitExceeded */
export function checkManagedDocument(call: Call, text: string): void {
  checkDocument(text, 'identity', { managed: true });
  const limit = call.world.quotas.PolicySize;
  if (documentSize(text) > limit) throw quotaExceeded('PolicySize', limit);
}

const createPolicy = operation<Parsed<Sdk.CreatePolicyRequest>, Sdk.CreatePolicyResponse>({
  permissions: (input, call) => {
    const made = { name: input.PolicyName, path: input.Path };
    const tags = requestTagKeys(input.Tags);
    return [
      { ...permissionToMake(call, 'policy', 'CreatePolicy', made, tags), named: `policy ${input.PolicyName}` },
      ...(input.Tags?.length ? [permissionToMake(call, 'policy', 'TagPolicy', made, tags)] : []),
    ];
  },
  handle: (input, call) => {
    const tags = mergeTags(call.world, [], checkTags(input.Tags, 'exact'), 'exact');
    checkManagedDocument(call, input.PolicyDocument);
    const name = input.PolicyName;
    if (find(policyNoun, call, name)) {
      throw alreadyExists(`A policy called ${name} already exists. Duplicate names are not allowed.`);
    }
    const limit = call.world.quotas.PoliciesPerAccount;
    if (call.world.table(managedPolicies).count(call.account) >= limit) {
      throw quotaExceeded('PoliciesPerAccount', limit);
    }
    const now = call.clock.now();
    const path = input.Path ?? '/';
    const policy: ManagedPolicy = {
      name,
      path,
      id: uniqueId(call.random, 'ANPA'),
      arn: arnOf(call, 'policy', path, name),
      description: input.Description,
      createdAt: now,
      updatedAt: now,
      defaultVersion: 'v1',
      nextVersion: 2,
      versions: [{ id: 'v1', document: input.PolicyDocument, createdAt: now }],
      tags,
    };
    save(policyNoun, call, policy);
    return { Policy: { ...policyShape(policy, call), ...(tags.length > 0 ? { Tags: [...tags] } : {}) } };
  },
});

const getPolicy = operation<Parsed<Sdk.GetPolicyRequest>, Sdk.GetPolicyResponse>({
  depth: 'AWS managed policies have no description and only their newest version.',
  permissions: (input, call) => [permissionOnPolicy(call, 'GetPolicy', input.PolicyArn)],
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyArn);
    const description = policy.description === undefined ? {} : { Description: policy.description };
    return { Policy: { ...policyShape(policy, call), ...description, Tags: [...policy.tags] } };
  },
});

type Listed = ManagedPolicy | AwsPolicySummary;

const listPolicies = operation<Parsed<Sdk.ListPoliciesRequest>, Sdk.ListPoliciesResponse>({
  permissions: (input) => [{ ...permissionOnAll('ListPolicies'), named: `policy path ${input.PathPrefix ?? '/'}` }],
  handle: (input, call) => {
    const { items, ...page } = pageOf(listedPolicies(input, call), input, (policy) => {
      const usage = call.world.table(policyUsage).get(call.account, policy.arn);
      if (!policy.path.startsWith(input.PathPrefix ?? '/')) return undefined;
      const used = input.PolicyUsageFilter === 'PermissionsBoundary' ? usage?.boundaries : usage?.attached;
      if ((input.OnlyAttached === true || input.PolicyUsageFilter !== undefined) && !used) return undefined;
      return policyShape(policy, call);
    });
    return { Policies: [...items], ...page };
  },
});

/** The account's policies, then AWS's; ids say which of the two a page ended in. */
function* listedPolicies(
  input: Parsed<Sdk.ListPoliciesRequest>,
  call: Call,
): Generator<readonly [id: string, policy: Listed]> {
  const after = afterMarker(input.Marker);
  const scope = input.Scope ?? 'All';
  if (scope !== 'AWS' && after?.startsWith('aws ') !== true) {
    const rows = call.world.table(managedPolicies).list(call.account, after?.slice('own '.length));
    for (const [id, policy] of rows) yield [`own ${id}`, policy];
  }
  if (scope === 'Local') return;
  const from = after?.startsWith('aws ') === true ? after.slice('aws '.length) : undefined;
  for (const policy of awsPolicies(call.partition, from)) yield [`aws ${policy.arn}`, policy];
}

const deletePolicy = operation<Parsed<Sdk.DeletePolicyRequest>, void>({
  permissions: (input, call) => [permissionToChange(call, 'DeletePolicy', input.PolicyArn)],
  handle: (input, call) => {
    const policy = needPolicy(call, input.PolicyArn);
    if (call.world.table(policyUsage).get(call.account, policy.arn) !== undefined) {
      throw deleteConflict('Cannot delete a policy attached to entities.');
    }
    if (policy.versions.length > 1) {
      throw deleteConflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
      );
    }
    call.world.table(managedPolicies).delete(call.account, rowId(policy.name));
  },
});

const listEntitiesForPolicy = operation<Parsed<Sdk.ListEntitiesForPolicyRequest>, Sdk.ListEntitiesForPolicyResponse>({
  permissions: (input, call) => [permissionOnPolicy(call, 'ListEntitiesForPolicy', input.PolicyArn)],
  handle: (input, call) => {
    const { arn } = needPolicy(call, input.PolicyArn);
    const rows = idsUnder(call, policyUsers, `${arn} `, afterMarker(input.Marker));
    const { items, ...page } = pageOf(rows, input, (_, id) => entityOf(id, input, call));
    return {
      PolicyGroups: items
        .filter((item) => item.kind === 'group')
        .map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: items.filter((item) => item.kind === 'user').map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: items.filter((item) => item.kind === 'role').map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...page,
    };
  },
});

const usages = { PermissionsPolicy: 'attached', PermissionsBoundary: 'boundary' } as const;
const tables = { user: users, group: groups, role: roles } as const;

/** The entity of a row of `policyUsers`, when the request's filters let it through. */
function entityOf(
  id: string,
  input: Parsed<Sdk.ListEntitiesForPolicyRequest>,
  call: Call,
): { kind: string; name: string; id: string } | undefined {
  const [usage, kind, name] = id.split(' ') as [string, keyof typeof tables, string];
  if (input.PolicyUsageFilter !== undefined && usages[input.PolicyUsageFilter] !== usage) return undefined;
  if (input.EntityFilter !== undefined && input.EntityFilter.toLowerCase() !== kind) return undefined;
  const row = call.world.table<Identity>(tables[kind]).get(call.account, name);
  if (row === undefined || !row.path.startsWith(input.PathPrefix ?? '/')) return undefined;
  return { kind, name: row.name, id: row.id };
}

export const policyOperations = {
  CreatePolicy: createPolicy,
  GetPolicy: getPolicy,
  ListPolicies: listPolicies,
  DeletePolicy: deletePolicy,
  ListEntitiesForPolicy: listEntitiesForPolicy,
};
