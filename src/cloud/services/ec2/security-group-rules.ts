// Rules of security groups: read from a request, compared, and shown one by one or as `IpPermissions`.
// Source: EC2 API reference, AuthorizeSecurityGroupIngress, IpPermission, SecurityGroupRule.
import type { IpPermission, SecurityGroupRule as RuleShape } from '@aws-sdk/client-ec2';
import { isIPv4, isIPv6 } from 'node:net';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter } from './failures.ts';
import { ec2Arn } from './ids.ts';
import { findGroupByName, groupOf, type GroupRule, type Peer, type SecurityGroup } from './security-group-store.ts';
import { tagList } from './shapes.ts';
import { tagsOf } from './store.ts';

/** A rule before it has an id and a direction. */
export type RuleBody = Omit<GroupRule, 'id' | 'egress'>;

const protocolNames: Readonly<Record<string, string>> = {
  '1': 'icmp',
  '6': 'tcp',
  '17': 'udp',
  '58': 'icmpv6',
  all: '-1',
};

interface Ports {
  readonly IpProtocol?: string | undefined;
  readonly FromPort?: number | undefined;
  readonly ToPort?: number | undefined;
}

/** @throws InvalidParameterValue 400 */
export function portsOf({
  IpProtocol: given,
  FromPort: from,
  ToPort: to,
}: Ports): Pick<RuleBody, 'protocol' | 'from' | 'to'> {
  const lower = given?.toLowerCase() ?? '';
  const protocol = protocolNames[lower] ?? lower;
  if (!/^(?:-1|tcp|udp|icmp|icmpv6|\d{1,3})$/.test(protocol) || Number(protocol) > 255) {
    throw invalidParameter(
      `Invalid value '${given ?? 'null'}' for protocol. VPC security group rules must specify protocols explicitly.`,
    );
  }
  if (protocol === 'tcp' || protocol === 'udp') {
    if (from === undefined || to === undefined) {
      throw invalidParameter("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
    }
    for (const port of [from, to]) {
      if (port < 0 || port > 65_535) throw invalidParameter(`TCP/UDP port (${port}) out of range`);
    }
    if (from > to) throw invalidParameter(`Invalid TCP/UDP port range (${from}:${to})`);
    return { protocol, from, to };
  }
  // Other protocols have no ports: what is given is not kept.
  return protocol.startsWith('icmp') ? { protocol, from: from ?? -1, to: to ?? -1 } : { protocol };
}

/** AWS keeps the network of an address: `100.68.0.18/18` becomes `100.68.0.0/18`. @throws InvalidParameterValue 400 */
export function ipv4Network(cidr: string): string {
  const [address = '', bits = '', ...more] = cidr.split('/');
  if (!isIPv4(address) || !/^\d{1,2}$/.test(bits) || Number(bits) > 32 || more.length > 0) {
    throw invalidParameter(`CIDR block ${cidr} is malformed`);
  }
  const number = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(bits));
  const network = Math.floor(number / size) * size;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.')}/${Number(bits)}`;
}

/** @throws InvalidParameterValue 400 */
export function ipv6Network(cidr: string): string {
  const [address = '', bits = '', ...more] = cidr.split('/');
  if (!isIPv6(address) || !/^\d{1,3}$/.test(bits) || Number(bits) > 128 || more.length > 0) {
    throw invalidParameter(`CIDR block ${cidr} is malformed`);
  }
  return cidr.toLowerCase();
}

/** The rules a list of permissions stands for: one for each peer. @throws InvalidParameterValue, InvalidGroup.NotFound 400 */
export function rulesOf(call: Call, permissions: readonly IpPermission[]): readonly RuleBody[] {
  return permissions.flatMap((permission) => {
    const ports = portsOf(permission);
    const rule = (peer: Peer, Description: string | undefined): RuleBody => ({
      ...ports,
      peer,
      ...(Description === undefined ? {} : { description: checkedDescription(Description) }),
    });
    return [
      ...(permission.IpRanges ?? []).map((one) =>
        rule({ kind: 'ipv4', value: ipv4Network(one.CidrIp ?? '') }, one.Description),
      ),
      ...(permission.Ipv6Ranges ?? []).map((one) =>
        rule({ kind: 'ipv6', value: ipv6Network(one.CidrIpv6 ?? '') }, one.Description),
      ),
      ...(permission.PrefixListIds ?? []).map((one) =>
        rule({ kind: 'prefix-list', value: one.PrefixListId ?? '' }, one.Description),
      ),
      ...(permission.UserIdGroupPairs ?? []).map((one) =>
        rule({ kind: 'group', value: peerGroup(call, one).id }, one.Description),
      ),
    ];
  });
}

function checkedDescription(text: string): string {
  if (text.length <= 255 && /^[\w\s.:/()#,@[\]+=&;{}!$*-]*$/.test(text)) return text;
  throw invalidParameter(
    'Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*',
  );
}

function peerGroup(
  call: Call,
  { GroupId, GroupName }: { GroupId?: string | undefined; GroupName?: string | undefined },
): SecurityGroup {
  const byName = GroupId === undefined && GroupName !== undefined ? findGroupByName(call, GroupName) : undefined;
  return byName ?? groupOf(call, GroupId ?? GroupName ?? '');
}

/** Two rules that allow the same, whatever they are called. */
export function sameRule(one: RuleBody, other: RuleBody): boolean {
  return (
    one.protocol === other.protocol &&
    one.from === other.from &&
    one.to === other.to &&
    one.peer.kind === other.peer.kind &&
    one.peer.value === other.peer.value
  );
}

/** @throws InvalidPermission.Duplicate 400 */
export function duplicateRule({ peer, protocol, from, to }: RuleBody): Error {
  const ports = from === undefined ? '' : `, from port: ${from}, to port: ${to}`;
  const name = protocol === '-1' ? 'ALL' : protocol.toUpperCase();
  return awsFailure(
    'InvalidPermission.Duplicate',
    `the specified rule "peer: ${peer.value}, ${name}${ports}, ALLOW" already exists`,
    { status: 400 },
  );
}

export function ruleShape(call: Call, group: SecurityGroup, rule: GroupRule): RuleShape {
  return {
    SecurityGroupRuleId: rule.id,
    SecurityGroupRuleArn: ec2Arn(call, 'security-group-rule', rule.id),
    GroupId: group.id,
    GroupOwnerId: call.account,
    IsEgress: rule.egress,
    IpProtocol: rule.protocol,
    FromPort: rule.from ?? -1,
    ToPort: rule.to ?? -1,
    ...(rule.peer.kind === 'ipv4' ? { CidrIpv4: rule.peer.value } : {}),
    ...(rule.peer.kind === 'ipv6' ? { CidrIpv6: rule.peer.value } : {}),
    ...(rule.peer.kind === 'prefix-list' ? { PrefixListId: rule.peer.value } : {}),
    ...(rule.peer.kind === 'group'
      ? { ReferencedGroupInfo: { GroupId: rule.peer.value, UserId: call.account, VpcId: group.vpcId } }
      : {}),
    ...(rule.description === undefined ? {} : { Description: rule.description }),
    Tags: tagList(tagsOf(call, rule.id)),
  };
}

/** Rules of one direction, those with the same protocol and ports together. */
export function ipPermissions(call: Call, rules: readonly GroupRule[]): IpPermission[] {
  const byPorts = Map.groupBy(rules, ({ protocol, from, to }) => `${protocol}/${from}/${to}`);
  return [...byPorts.values()].map((same) => {
    const of = (kind: Peer['kind']) => same.filter((rule) => rule.peer.kind === kind);
    const described = ({ description }: GroupRule) => (description === undefined ? {} : { Description: description });
    const { protocol, from, to } = same[0]!;
    return {
      IpProtocol: protocol,
      ...(from === undefined ? {} : { FromPort: from, ToPort: to }),
      IpRanges: of('ipv4').map((rule) => ({ CidrIp: rule.peer.value, ...described(rule) })),
      Ipv6Ranges: of('ipv6').map((rule) => ({ CidrIpv6: rule.peer.value, ...described(rule) })),
      PrefixListIds: of('prefix-list').map((rule) => ({ PrefixListId: rule.peer.value, ...described(rule) })),
      UserIdGroupPairs: of('group').map((rule) => ({
        GroupId: rule.peer.value,
        UserId: call.account,
        ...described(rule),
      })),
    };
  });
}
