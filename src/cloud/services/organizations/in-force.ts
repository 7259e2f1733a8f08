// Which organisation policies bind an account. Authorization asks on every request, so the answer is
// kept until a table changes.
import type { AttachedPolicy } from '../../../policy/index.ts';
import type { World } from '../../world.ts';
import { compiledDocument } from '../iam/documents.ts';
import {
  attachments,
  defaultPolicies,
  isDefault,
  nodesOf,
  organizationPolicies,
  policyTypes,
  type NodeKey,
  type OrganizationPolicy,
  type PolicyType,
} from './model.ts';

/** Policies per level of an account: root, each unit, the account. */
export type PolicyLevels = readonly (readonly AttachedPolicy[])[];

/** True when policies of this type count. SCPs do from the start; RCPs from EnablePolicyType on. */
export function isEnabled(world: World, type: PolicyType): boolean {
  return world.table(policyTypes).get('', type)?.enabled ?? type === 'SERVICE_CONTROL_POLICY';
}

export function attachedIds(world: World, node: NodeKey, type: PolicyType): readonly string[] {
  return world.table(attachments).get('', `${node} ${type}`)?.policies ?? [defaultPolicies[type].id];
}

export function policyById(world: World, id: string): OrganizationPolicy | undefined {
  return (
    Object.values(defaultPolicies).find((policy) => policy.id === id) ?? world.table(organizationPolicies).get('', id)
  );
}

export function policyArn(world: World, policy: OrganizationPolicy): string {
  const type = policy.type.toLowerCase();
  return isDefault(policy)
    ? `arn:${world.partition}:organizations::aws:policy/${type}/${policy.id}`
    : `arn:${world.partition}:organizations::${world.managementAccount}:policy/${world.organizationId}/${type}/${policy.id}`;
}

/** A number that grows whenever the answer of `levelsFor` may have changed. */
export function organizationRevision(world: World): number {
  return (
    world.table(attachments).revision('') +
    world.table(organizationPolicies).revision('') +
    world.table(policyTypes).revision('')
  );
}

/**
 * What binds `account`. Empty for the management account, for accounts outside the organisation and
 * while the type is switched off.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
 */
export function levelsFor(world: World, account: string, type: PolicyType): PolicyLevels {
  const info = world.account(account);
  if (info === undefined || account === world.managementAccount || !isEnabled(world, type)) return [];
  const kind = type === 'SERVICE_CONTROL_POLICY' ? 'scp' : 'rcp';
  return nodesOf(info).map((node) =>
    attachedIds(world, node, type).flatMap((id) => {
      const policy = policyById(world, id);
      if (policy === undefined) return [];
      const compiled = compiledDocument(policy, policy.content, kind);
      return [{ policy: compiled, arn: policyArn(world, policy), name: policy.name, attachedTo: node }];
    }),
  );
}
