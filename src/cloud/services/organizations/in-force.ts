// Which organisation policies bind an account. Authorization asks on every request, so the answer is
// kept until a table changes.
import type { AttachedPolicy } from '../../../policy/index.ts';
import type { World } from '../../world.ts';
import { compiledDocument } from '../iam/documents.ts';
import {
  accountRows,
  attachments,
  organizationPolicies,
  pairId,
  policyTypes,
  units,
  type AuthorizationPolicyType,
  type OrganizationPolicy,
  type PolicyType,
} from './model.ts';
import { defaultPolicies, defaultPolicyOf, isDefault } from './policy-types.ts';
import { lineOf, memberOf, organizationExists, type Member } from './tree.ts';

/** Policies per level of an account: root, each unit, the account. */
export type PolicyLevels = readonly (readonly AttachedPolicy[])[];

/** True when policies of this type count. SCPs do from the start; the others from EnablePolicyType on. */
export function isEnabled(world: World, type: PolicyType): boolean {
  return world.table(policyTypes).get('', type)?.enabled ?? type === 'SERVICE_CONTROL_POLICY';
}

/** Ids of the policies attached to a node, oldest first. */
export function attachedIds(world: World, node: string, type: PolicyType): readonly string[] {
  const row = world.table(attachments).get('', pairId(type, node));
  const first = defaultPolicyOf(type);
  return row?.policies ?? (first === undefined ? [] : [first.id]);
}

export function policyById(world: World, id: string): OrganizationPolicy | undefined {
  return defaultPolicies.find((policy) => policy.id === id) ?? world.table(organizationPolicies).get('', id);
}

export function policyArn(world: World, policy: OrganizationPolicy): string {
  const type = policy.type.toLowerCase();
  return isDefault(policy)
    ? `arn:${world.partition}:organizations::aws:policy/${type}/${policy.id}`
    : `arn:${world.partition}:organizations::${world.managementAccount}:policy/${world.organizationId}/${type}/${policy.id}`;
}

/** A number that grows whenever the answer of `levelsFor` may have changed. */
export function organizationRevision(world: World): number {
  let sum = 0;
  for (const table of [attachments, organizationPolicies, policyTypes, accountRows, units]) {
    sum += world.table<unknown>(table).revision('');
  }
  return sum;
}

interface Known {
  readonly revision: number;
  readonly levels: Partial<Record<AuthorizationPolicyType, PolicyLevels>>;
}

// A memo, not state: keyed by rows that are never changed in place and by the revision of what else was read. Each
// world has its own: one as it is, and one as it is seen while changes are on their way.
const memo = new WeakMap<World, WeakMap<Member, Known>>();

const none: PolicyLevels = [];

/**
 * What binds `account`. Empty for the management account, for accounts outside the organisation and
 * while the type is switched off.
 * https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps_evaluation.html
 */
export function levelsFor(world: World, account: string, type: AuthorizationPolicyType): PolicyLevels {
  const member = memberOf(world, account);
  if (member === undefined || account === world.managementAccount) return none;
  const revision = organizationRevision(world);
  let members = memo.get(world);
  if (members === undefined) memo.set(world, (members = new WeakMap<Member, Known>()));
  let known = members.get(member);
  if (known?.revision !== revision) members.set(member, (known = { revision, levels: {} }));
  return (known.levels[type] ??= computeLevels(world, member, type));
}

function computeLevels(world: World, member: Member, type: AuthorizationPolicyType): PolicyLevels {
  if (!organizationExists(world) || !isEnabled(world, type)) return none;
  const kind = type === 'SERVICE_CONTROL_POLICY' ? 'scp' : 'rcp';
  return lineOf(world, member.id).map((node, depth, line) =>
    attachedIds(world, node, type).flatMap((id) => {
      const policy = policyById(world, id);
      if (policy === undefined) return [];
      const compiled = compiledDocument(policy, policy.content, kind);
      const attachedTo = placeName(world, line.slice(0, depth + 1), member.id);
      return [{ policy: compiled, arn: policyArn(world, policy), name: policy.name, attachedTo }];
    }),
  );
}

/** The node at the end of a line as people call it: `root`, `ou/Workloads/Dev`, `account/222222222222`. */
function placeName(world: World, line: readonly string[], account: string): string {
  if (line.at(-1) === account) return `account/${account}`;
  const names = line.slice(1).map((id) => world.table(units).get('', id)?.name ?? id);
  return names.length === 0 ? 'root' : `ou/${names.join('/')}`;
}
