// Security groups and their rules: made, changed, deleted. Nothing filters packets here; what is kept is what
// policies, Terraform and the metadata service read.
import type {
  AuthorizeSecurityGroupEgressCommandInput,
  AuthorizeSecurityGroupIngressCommandInput,
  AuthorizeSecurityGroupIngressResult,
  CreateSecurityGroupCommandInput,
  CreateSecurityGroupResult,
  DeleteSecurityGroupCommandInput,
  DeleteSecurityGroupResult,
  IpPermission,
  ModifySecurityGroupRulesCommandInput,
  ModifySecurityGroupRulesResult,
  RevokeSecurityGroupEgressCommandInput,
  RevokeSecurityGroupIngressCommandInput,
  RevokeSecurityGroupIngressResult,
  SecurityGroupRuleRequest,
} from '@aws-sdk/client-ec2';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter, missingParameter } from './failures.ts';
import { ec2Arn, newId } from './ids.ts';
import { vpcId } from './network.ts';
import { onNew, onResource, requestTags, tagOnCreate } from './permissions.ts';
import {
  duplicateRule,
  ipv4Network,
  ipv6Network,
  portsOf,
  rulesOf,
  ruleShape,
  sameRule,
  type RuleBody,
} from './security-group-rules.ts';
import {
  allOut,
  findGroupByName,
  groupByName,
  groupOf,
  isUsed,
  putGroup,
  removeGroup,
  type GroupRule,
  type SecurityGroup,
} from './security-group-store.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, putTags } from './store.ts';
import { checkVpc } from './describe-network.ts';
import { createdTags } from './tag-specifications.ts';

/** "Security groups per VPC" is a soft limit and high; rules per group and direction are 60 (VPC user guide, "Amazon VPC quotas"). */
const mostRules = 60;

export const CreateSecurityGroup = dryRunnable<CreateSecurityGroupCommandInput, CreateSecurityGroupResult>({
  permissions(input, call) {
    const vpc = input.VpcId || vpcId(call);
    return [
      ...onNew(call, 'CreateSecurityGroup', 'security-group', createdTags(input.TagSpecifications, 'security-group'), {
        'ec2:Vpc': ec2Arn(call, 'vpc', vpc),
      }),
      onResource(call, 'CreateSecurityGroup', vpc),
    ];
  },
  handle(input, call) {
    const vpc = input.VpcId || vpcId(call);
    checkVpc(call, vpc);
    const { GroupName: name, Description: description } = input;
    checkTexts(name, description);
    if (findGroupByName(call, name!) !== undefined) {
      throw awsFailure('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC '${vpc}'`, {
        status: 400,
      });
    }
    const tags = createdTags(input.TagSpecifications, 'security-group');
    const id = newId(call.random, 'sg');
    const rule = { ...allOut, id: newId(call.random, 'sgr') };
    putGroup(call, { id, vpcId: vpc, name: name!, description: description!, rules: [rule] });
    putTags(call, id, tags);
    return { GroupId: id, Tags: tagList(tags), SecurityGroupArn: ec2Arn(call, 'security-group', id) };
  },
  depth: 'in the default VPC',
});

const textPattern = /^[\w\s.:/()#,@[\]+=&;{}!$*-]{1,255}$/;

function checkTexts(name: string | undefined, description: string | undefined): void {
  if (name === undefined || name === '') throw missingParameter('GroupName');
  if (description === undefined || description === '') throw missingParameter('GroupDescription');
  if (name === 'default') throw invalidParameter('Cannot use reserved security group name: default');
  if (/^sg-/i.test(name)) {
    throw invalidParameter('Invalid group name. Group names may not be in the format sg-*');
  }
  for (const [text, parameter] of [
    [name, 'groupName'],
    [description, 'groupDescription'],
  ] as const) {
    if (textPattern.test(text)) continue;
    throw invalidParameter(
      `Value (${text}) for parameter ${parameter === 'groupName' ? 'GroupName' : 'GroupDescription'} is invalid. Character sets beyond ASCII are not supported.`,
    );
  }
}

interface GroupNamed {
  readonly GroupId?: string | undefined;
  readonly GroupName?: string | undefined;
}

function namedGroup(call: Call, { GroupId, GroupName }: GroupNamed): SecurityGroup {
  if (GroupId !== undefined) return groupOf(call, GroupId);
  if (GroupName !== undefined) return groupByName(call, GroupName);
  throw missingParameter('groupId');
}

/** A group that does not exist is asked for by the name it was given. */
function onGroup(call: Call, action: string, named: GroupNamed): Permission {
  const byName = named.GroupName === undefined ? undefined : findGroupByName(call, named.GroupName)?.id;
  return onResource(call, action, named.GroupId ?? byName ?? 'sg-0');
}

export const DeleteSecurityGroup = dryRunnable<DeleteSecurityGroupCommandInput, DeleteSecurityGroupResult>({
  permissions: (input, call) => [onGroup(call, 'DeleteSecurityGroup', input)],
  handle(input, call) {
    const group = namedGroup(call, input);
    if (group.name === 'default') {
      throw awsFailure(
        'CannotDelete',
        `the specified group: "${group.id}" name: "default" cannot be deleted by a user`,
        { status: 400 },
      );
    }
    if (isUsed(call, group.id)) {
      throw awsFailure('DependencyViolation', `resource ${group.id} has a dependent object`, { status: 400 });
    }
    for (const rule of group.rules) putTags(call, rule.id, {});
    putTags(call, group.id, {});
    removeGroup(call, group);
    return { Return: true, GroupId: group.id };
  },
});

interface RuleRequest extends GroupNamed {
  readonly IpPermissions?: readonly IpPermission[] | undefined;
  readonly IpProtocol?: string | undefined;
  readonly FromPort?: number | undefined;
  readonly ToPort?: number | undefined;
  readonly CidrIp?: string | undefined;
  readonly SourceSecurityGroupName?: string | undefined;
}

/** The rules of a request: as a list, or as one rule by the parameters of old. @throws MissingParameter 400 */
function requestedRules(call: Call, input: RuleRequest): readonly RuleBody[] {
  const single: IpPermission = {
    IpProtocol: input.IpProtocol ?? (input.SourceSecurityGroupName === undefined ? undefined : '-1'),
    FromPort: input.FromPort,
    ToPort: input.ToPort,
    ...(input.CidrIp === undefined ? {} : { IpRanges: [{ CidrIp: input.CidrIp }] }),
    ...(input.SourceSecurityGroupName === undefined
      ? {}
      : { UserIdGroupPairs: [{ GroupName: input.SourceSecurityGroupName }] }),
  };
  const isSingle = input.CidrIp !== undefined || input.SourceSecurityGroupName !== undefined;
  const rules = rulesOf(call, input.IpPermissions ?? (isSingle ? [single] : []));
  if (rules.length === 0) throw missingParameter('ipPermissions');
  return rules;
}

function authorize(egress: boolean, action: string) {
  return dryRunnable<
    AuthorizeSecurityGroupIngressCommandInput & AuthorizeSecurityGroupEgressCommandInput,
    AuthorizeSecurityGroupIngressResult
  >({
    permissions(input, call) {
      const tags = createdTags(input.TagSpecifications, 'security-group-rule');
      const on = onGroup(call, action, input);
      return [
        { ...on, context: { ...on.context, ...requestTags(tags) } },
        ...tagOnCreate(call, action, 'security-group-rule', tags),
      ];
    },
    handle(input, call) {
      const group = namedGroup(call, input);
      const tags = createdTags(input.TagSpecifications, 'security-group-rule');
      const added: GroupRule[] = [];
      for (const body of requestedRules(call, input)) {
        const others = [...group.rules, ...added].filter((rule) => rule.egress === egress);
        if (others.some((rule) => sameRule(rule, body))) throw duplicateRule(body);
        if (others.length >= mostRules) {
          throw awsFailure(
            'RulesPerSecurityGroupLimitExceeded',
            'The maximum number of rules per security group has been reached.',
            { status: 400 },
          );
        }
        added.push({ ...body, egress, id: newId(call.random, 'sgr') });
      }
      putGroup(call, { ...group, rules: [...group.rules, ...added] });
      for (const rule of added) putTags(call, rule.id, tags);
      return { Return: true, SecurityGroupRules: added.map((rule) => ruleShape(call, group, rule)) };
    },
    depth: 'kept and shown; nothing filters packets',
  });
}

export const AuthorizeSecurityGroupIngress = authorize(false, 'AuthorizeSecurityGroupIngress');
export const AuthorizeSecurityGroupEgress = authorize(true, 'AuthorizeSecurityGroupEgress');

function noRule(): Error {
  return awsFailure('InvalidPermission.NotFound', 'The specified rule does not exist in this security group.', {
    status: 400,
  });
}

function noRuleId(id: string): Error {
  return awsFailure('InvalidSecurityGroupRuleId.NotFound', `The security group rule ID '${id}' does not exist`, {
    status: 400,
  });
}

function revoke(egress: boolean, action: string) {
  return dryRunnable<
    RevokeSecurityGroupIngressCommandInput & RevokeSecurityGroupEgressCommandInput,
    RevokeSecurityGroupIngressResult
  >({
    permissions: (input, call) => [onGroup(call, action, input)],
    handle(input, call) {
      const group = namedGroup(call, input);
      const own = group.rules.filter((rule) => rule.egress === egress);
      const ids = input.SecurityGroupRuleIds ?? [];
      const gone =
        ids.length > 0
          ? ids.map((id) => own.find((rule) => rule.id === id) ?? fail(noRuleId(id)))
          : requestedRules(call, input).map((body) => own.find((rule) => sameRule(rule, body)) ?? fail(noRule()));
      putGroup(call, { ...group, rules: group.rules.filter((rule) => !gone.includes(rule)) });
      for (const rule of gone) putTags(call, rule.id, {});
      return { Return: true, RevokedSecurityGroupRules: gone.map((rule) => revokedShape(group, rule)) };
    },
  });
}

function fail(error: Error): never {
  throw error;
}

function revokedShape(group: SecurityGroup, { id, egress, protocol, from, to, peer, description }: GroupRule) {
  return {
    SecurityGroupRuleId: id,
    GroupId: group.id,
    IsEgress: egress,
    IpProtocol: protocol,
    FromPort: from ?? -1,
    ToPort: to ?? -1,
    ...(peer.kind === 'ipv4' ? { CidrIpv4: peer.value } : {}),
    ...(peer.kind === 'ipv6' ? { CidrIpv6: peer.value } : {}),
    ...(peer.kind === 'prefix-list' ? { PrefixListId: peer.value } : {}),
    ...(peer.kind === 'group' ? { ReferencedGroupId: peer.value } : {}),
    ...(description === undefined ? {} : { Description: description }),
  };
}

export const RevokeSecurityGroupIngress = revoke(false, 'RevokeSecurityGroupIngress');
export const RevokeSecurityGroupEgress = revoke(true, 'RevokeSecurityGroupEgress');

export const ModifySecurityGroupRules = dryRunnable<
  ModifySecurityGroupRulesCommandInput,
  ModifySecurityGroupRulesResult
>({
  permissions: (input, call) => [
    onGroup(call, 'ModifySecurityGroupRules', input),
    ...(input.SecurityGroupRules ?? []).map(({ SecurityGroupRuleId = '' }) =>
      onResource(call, 'ModifySecurityGroupRules', SecurityGroupRuleId),
    ),
  ],
  handle(input, call) {
    const group = namedGroup(call, input);
    let { rules } = group;
    for (const { SecurityGroupRuleId: id = '', SecurityGroupRule: wanted } of input.SecurityGroupRules ?? []) {
      const before = rules.find((rule) => rule.id === id) ?? fail(noRuleId(id));
      const body = wantedRule(call, wanted ?? {});
      const others = rules.filter((rule) => rule !== before && rule.egress === before.egress);
      if (others.some((rule) => sameRule(rule, body))) throw duplicateRule(body);
      rules = rules.map((rule) => (rule === before ? { ...body, id, egress: before.egress } : rule));
    }
    putGroup(call, { ...group, rules });
    return { Return: true };
  },
});

function wantedRule(call: Call, rule: SecurityGroupRuleRequest): RuleBody {
  const peers = [
    ...(rule.CidrIpv4 === undefined ? [] : [{ kind: 'ipv4', value: ipv4Network(rule.CidrIpv4) } as const]),
    ...(rule.CidrIpv6 === undefined ? [] : [{ kind: 'ipv6', value: ipv6Network(rule.CidrIpv6) } as const]),
    ...(rule.PrefixListId === undefined ? [] : [{ kind: 'prefix-list', value: rule.PrefixListId } as const]),
    ...(rule.ReferencedGroupId === undefined
      ? []
      : [{ kind: 'group', value: groupOf(call, rule.ReferencedGroupId).id } as const]),
  ];
  if (peers.length !== 1) {
    throw invalidParameter('Only one of cidrIp, ipv6CidrIp, prefixListId, or sourceSecurityGroup can be specified');
  }
  const description = rule.Description === undefined ? {} : { description: rule.Description };
  return { ...portsOf(rule), peer: peers[0]!, ...description };
}
