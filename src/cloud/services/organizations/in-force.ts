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
  /** Those of the revision before: the same objects come back when they say the same. */
  readonly before: Known['levels'] | undefined;
}

// A memo, not state: keyed by rows that are never changed in place and by the revision of what else was read. One
// for each world: what is seen may be older than what is.
const memos = new WeakMap<World, WeakMap<Member, Known>>();

function memoOf(world: World): WeakMap<Member, Known> {
  let memo = memos.get(world);
  if (memo === undefined) memos.set(world, (memo = new WeakMap<Member, Known>()));
  return memo;
}

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
  const memo = memoOf(world);
  let known = memo.get(member);
  if (known?.revision !== revision) {
    const before = { ...known?.before, ...known?.levels };
    memo.set(member, (known = { revision, levels: {}, before }));
  }
  return (known.levels[type] ??= unchanged(known.before?.[type], computeLevels(world, member, type)));
}

/** `before` when it says the same: a write elsewhere in the organisation leaves what was compiled for a caller as it is. */
function unchanged(before: PolicyLevels | undefined, now: PolicyLevels): PolicyLevels {
  const isSame = (one: AttachedPolicy, other: AttachedPolicy | undefined): boolean =>
    one.policy === other?.policy &&
    one.arn === other.arn &&
    one.name === other.name &&
    one.attachedTo === other.attachedTo;
  const same =
    before?.length === now.length &&
    now.every((level, index) => {
      const old = before[index]!;
      return level.length === old.length && level.every((policy, place) => isSame(policy, old[place]));
    });
  return same ? before : now;
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
