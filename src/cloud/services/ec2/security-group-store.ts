// Security groups as they are kept: the default group of a VPC is there without a row until it is changed.
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName, type World } from '../../world.ts';
import { checkId } from './failures.ts';
import { derivedId } from './ids.ts';
import { vpcId, type Place } from './network.ts';

/** Who is at the other end of a rule. */
export interface Peer {
  readonly kind: 'ipv4' | 'ipv6' | 'group' | 'prefix-list';
  readonly value: string;
}

export interface GroupRule {
  readonly id: string;
  readonly egress: boolean;
  /** `tcp`, `udp`, `icmp`, `icmpv6`, a number, or `-1` for all. */
  readonly protocol: string;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly peer: Peer;
  readonly description?: string | undefined;
}

export interface SecurityGroup {
  readonly id: string;
  readonly vpcId: string;
  readonly name: string;
  readonly description: string;
  readonly rules: readonly GroupRule[];
}

/** Id: `REGION/sg-…`. */
const groups = tableName<SecurityGroup>('ec2.security-group');
/** Id: `REGION/NAME` → the group's id; every group is in the default VPC, so names are unique in a region. */
const groupNames = tableName<string>('ec2.security-group-name');
/** Id: `REGION/sgr-…` → the id of the rule's group. */
const ruleGroups = tableName<string>('ec2.security-group-rule');
/** Id: `REGION/sg-…/` and the id of an instance that has the group, or of another group whose rule names it. */
const groupUses = tableName<true>('ec2.security-group-use');

/** An account, a region, and the world they are in: a call, or an instance with its world. */
export interface PlaceInWorld extends Place {
  readonly world: World;
}

/** The default group lets its own members in and everything out. */
function freshDefaultGroup(place: Place): SecurityGroup {
  const id = derivedId('sg', place.account, place.region);
  return {
    id,
    vpcId: vpcId(place),
    name: 'default',
    description: 'default VPC security group',
    rules: [
      {
        id: derivedId('sgr', place.account, place.region, 'in'),
        egress: false,
        protocol: '-1',
        peer: { kind: 'group', value: id },
      },
      { ...allOut, id: derivedId('sgr', place.account, place.region, 'out') },
    ],
  };
}

/** The rule every new group starts with. */
export const allOut = { egress: true, protocol: '-1', peer: { kind: 'ipv4', value: '0.0.0.0/0' } } as const;

export function defaultGroup(place: PlaceInWorld): SecurityGroup {
  const fresh = freshDefaultGroup(place);
  return place.world.table(groups).get(place.account, `${place.region}/${fresh.id}`) ?? fresh;
}

export function findGroup(place: PlaceInWorld, id: string): SecurityGroup | undefined {
  const stored = place.world.table(groups).get(place.account, `${place.region}/${id}`);
  if (stored !== undefined) return stored;
  const fresh = freshDefaultGroup(place);
  return fresh.id === id ? fresh : undefined;
}

export function findGroupByName(place: PlaceInWorld, name: string): SecurityGroup | undefined {
  if (name === 'default') return defaultGroup(place);
  const id = place.world.table(groupNames).get(place.account, `${place.region}/${name}`);
  return id === undefined ? undefined : findGroup(place, id);
}

/** Every group of the account and region, the default one first. */
export function* groupsOf(place: PlaceInWorld): Generator<SecurityGroup> {
  const first = defaultGroup(place);
  yield first;
  for (const [id, group] of place.world.table(groups).list(place.account, `${place.region}/`)) {
    if (!id.startsWith(`${place.region}/`)) return;
    if (group.id !== first.id) yield group;
  }
}

/** @throws InvalidGroupId.Malformed, InvalidGroup.NotFound 400 */
export function groupOf(place: PlaceInWorld, id: string): SecurityGroup {
  const group = findGroup(place, id);
  if (group !== undefined) return group;
  checkId(id, 'sg', 'InvalidGroupId.Malformed');
  throw awsFailure('InvalidGroup.NotFound', `The security group '${id}' does not exist`, { status: 400 });
}

/** A group of the default VPC. @throws InvalidGroup.NotFound 400 */
export function groupByName(place: PlaceInWorld, name: string): SecurityGroup {
  const group = findGroupByName(place, name);
  if (group !== undefined) return group;
  throw awsFailure(
    'InvalidGroup.NotFound',
    `The security group '${name}' does not exist in default VPC '${vpcId(place)}'`,
    { status: 400 },
  );
}

/** The group that has this rule. */
export function groupOfRule(place: PlaceInWorld, ruleId: string): SecurityGroup | undefined {
  const id = place.world.table(ruleGroups).get(place.account, `${place.region}/${ruleId}`);
  const group = id === undefined ? defaultGroup(place) : findGroup(place, id);
  return group?.rules.some((rule) => rule.id === ruleId) === true ? group : undefined;
}

/** Puts the group in the place of what was there, and keeps its indexes in step. */
export function putGroup(call: Call, group: SecurityGroup): void {
  const before = findGroup(call, group.id);
  if (before !== undefined) dropIndexes(call, before);
  call.world.table(groups).put(call.account, `${call.region}/${group.id}`, group);
  if (group.name !== 'default')
    call.world.table(groupNames).put(call.account, `${call.region}/${group.name}`, group.id);
  for (const rule of group.rules) {
    call.world.table(ruleGroups).put(call.account, `${call.region}/${rule.id}`, group.id);
    if (rule.peer.kind === 'group') noteUse(call, rule.peer.value, group.id);
  }
}

export function removeGroup(call: Call, group: SecurityGroup): void {
  dropIndexes(call, group);
  call.world.table(groups).delete(call.account, `${call.region}/${group.id}`);
}

function dropIndexes(call: Call, group: SecurityGroup): void {
  call.world.table(groupNames).delete(call.account, `${call.region}/${group.name}`);
  for (const rule of group.rules) {
    call.world.table(ruleGroups).delete(call.account, `${call.region}/${rule.id}`);
    if (rule.peer.kind === 'group') forgetUse(call, rule.peer.value, group.id);
  }
}

/** Remembers that an instance or another group needs the group. */
export function noteUse(call: Call, groupId: string, user: string): void {
  call.world.table(groupUses).put(call.account, `${call.region}/${groupId}/${user}`, true);
}

export function forgetUse(call: Call, groupId: string, user: string): void {
  call.world.table(groupUses).delete(call.account, `${call.region}/${groupId}/${user}`);
}

/** Whether anything but the group itself needs it. */
export function isUsed(call: Call, groupId: string): boolean {
  const prefix = `${call.region}/${groupId}/`;
  for (const [id] of call.world.table(groupUses).list(call.account, prefix)) {
    if (!id.startsWith(prefix)) return false;
    if (id !== `${prefix}${groupId}`) return true;
  }
  return false;
}
