// Reading security groups and their rules.
import type {
  DescribeSecurityGroupRulesCommandInput,
  DescribeSecurityGroupRulesResult,
  DescribeSecurityGroupsCommandInput,
  DescribeSecurityGroupsResult,
  GetSecurityGroupsForVpcCommandInput,
  GetSecurityGroupsForVpcResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { checkVpc } from './describe-network.ts';
import { filtered, paged, type Filterable } from './filters.ts';
import { ec2Arn } from './ids.ts';
import { onEverything, onResource } from './permissions.ts';
import { ipPermissions, ruleShape } from './security-group-rules.ts';
import {
  findGroup,
  groupByName,
  groupOf,
  groupOfRule,
  groupsOf,
  type GroupRule,
  type Peer,
  type SecurityGroup,
} from './security-group-store.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, tagsOf } from './store.ts';

function groupFilters(call: Call): Filterable<SecurityGroup> {
  const peers = (egress: boolean, kind: Peer['kind']) => (group: SecurityGroup) =>
    group.rules.filter((rule) => rule.egress === egress && rule.peer.kind === kind).map(({ peer }) => peer.value);
  const ports = (egress: boolean, member: 'from' | 'to' | 'protocol') => (group: SecurityGroup) =>
    group.rules.filter((rule) => rule.egress === egress).map((rule) => String(rule[member] ?? ''));
  const permission = (prefix: string, egress: boolean) => ({
    [`${prefix}ip-permission.cidr`]: peers(egress, 'ipv4'),
    [`${prefix}ip-permission.ipv6-cidr`]: peers(egress, 'ipv6'),
    [`${prefix}ip-permission.group-id`]: peers(egress, 'group'),
    [`${prefix}ip-permission.prefix-list-id`]: peers(egress, 'prefix-list'),
    [`${prefix}ip-permission.from-port`]: ports(egress, 'from'),
    [`${prefix}ip-permission.to-port`]: ports(egress, 'to'),
    [`${prefix}ip-permission.protocol`]: ports(egress, 'protocol'),
  });
  return {
    tags: ({ id }) => tagsOf(call, id),
    fields: {
      'group-id': ({ id }) => id,
      'group-name': ({ name }) => name,
      'vpc-id': (group) => group.vpcId,
      description: ({ description }) => description,
      'owner-id': () => call.account,
      ...permission('', false),
      ...permission('egress.', true),
    },
  };
}

export const DescribeSecurityGroups = dryRunnable<DescribeSecurityGroupsCommandInput, DescribeSecurityGroupsResult>({
  permissions: onEverything('DescribeSecurityGroups'),
  handle(input, call) {
    const wanted = [
      ...(input.GroupIds ?? []).map((id) => groupOf(call, id)),
      ...(input.GroupNames ?? []).map((name) => groupByName(call, name)),
    ];
    const found = filtered(wanted.length === 0 ? groupsOf(call) : wanted, input.Filters, groupFilters(call));
    const { page, ...next } = paged(found, input);
    return {
      SecurityGroups: page.map((group) => ({
        GroupId: group.id,
        GroupName: group.name,
        Description: group.description,
        OwnerId: call.account,
        VpcId: group.vpcId,
        SecurityGroupArn: ec2Arn(call, 'security-group', group.id),
        IpPermissions: ipPermissions(
          call,
          group.rules.filter(({ egress }) => !egress),
        ),
        IpPermissionsEgress: ipPermissions(
          call,
          group.rules.filter(({ egress }) => egress),
        ),
        Tags: tagList(tagsOf(call, group.id)),
      })),
      ...next,
    };
  },
});

interface Rule {
  readonly group: SecurityGroup;
  readonly rule: GroupRule;
}

function ruleOf(call: Call, id: string): Rule {
  const group = groupOfRule(call, id);
  const rule = group?.rules.find((one) => one.id === id);
  if (group !== undefined && rule !== undefined) return { group, rule };
  throw awsFailure('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`, {
    status: 400,
  });
}

/** All rules, or those of the groups that a filter names. */
function* rulesIn(input: DescribeSecurityGroupRulesCommandInput, call: Call): Generator<Rule> {
  const named = input.Filters?.find(({ Name }) => Name === 'group-id')?.Values;
  const isExact = named !== undefined && !named.some((id) => /[*?]/.test(id));
  for (const group of isExact ? named.flatMap((id) => findGroup(call, id) ?? []) : groupsOf(call)) {
    for (const rule of group.rules) yield { group, rule };
  }
}

export const DescribeSecurityGroupRules = dryRunnable<
  DescribeSecurityGroupRulesCommandInput,
  DescribeSecurityGroupRulesResult
>({
  permissions: onEverything('DescribeSecurityGroupRules'),
  handle(input, call) {
    const ids = input.SecurityGroupRuleIds ?? [];
    const all = ids.length === 0 ? rulesIn(input, call) : ids.map((id) => ruleOf(call, id));
    const found = filtered(all, input.Filters, {
      tags: ({ rule }) => tagsOf(call, rule.id),
      fields: { 'group-id': ({ group }) => group.id, 'security-group-rule-id': ({ rule }) => rule.id },
    });
    const { page, ...next } = paged(found, input);
    return { SecurityGroupRules: page.map(({ group, rule }) => ruleShape(call, group, rule)), ...next };
  },
});

export const GetSecurityGroupsForVpc = dryRunnable<GetSecurityGroupsForVpcCommandInput, GetSecurityGroupsForVpcResult>({
  permissions: (input, call) => [onResource(call, 'GetSecurityGroupsForVpc', input.VpcId ?? '')],
  handle(input, call) {
    checkVpc(call, input.VpcId ?? '');
    const { fields, tags } = groupFilters(call);
    const found = filtered(groupsOf(call), input.Filters, {
      tags,
      fields: { ...fields, 'primary-vpc-id': (group) => group.vpcId },
    });
    const { page, ...next } = paged(found, input);
    return {
      SecurityGroupForVpcs: page.map((group) => ({
        GroupId: group.id,
        GroupName: group.name,
        Description: group.description,
        OwnerId: call.account,
        PrimaryVpcId: group.vpcId,
        Tags: tagList(tagsOf(call, group.id)),
      })),
      ...next,
    };
  },
});
