import assert from 'node:assert/strict';
import {
  AuthorizeSecurityGroupEgressCommand,
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DeleteSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  DescribeSecurityGroupsCommand,
  ModifySecurityGroupRulesCommand,
  RevokeSecurityGroupEgressCommand,
  RevokeSecurityGroupIngressCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
  type IpPermission,
} from '@aws-sdk/client-ec2';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, dev, userWith } from '../clients.ts';

const https: IpPermission = {
  IpProtocol: 'tcp',
  FromPort: 443,
  ToPort: 443,
  IpRanges: [{ CidrIp: '10.0.1.7/16', Description: 'office' }],
};

async function newGroup(ec2: EC2Client, GroupName: string): Promise<string> {
  const { GroupId } = await ec2.send(new CreateSecurityGroupCommand({ GroupName, Description: 'for tests' }));
  return GroupId!;
}

test('a group starts with everything out, takes rules, shows them one by one and together, and gives them up', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await newGroup(ec2, 'web');
  const added = await ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [https] }));
  assert.equal(added.SecurityGroupRules![0]!.CidrIpv4, '10.0.0.0/16');
  const { SecurityGroups } = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
  const [group] = SecurityGroups!;
  assert.deepEqual(group!.IpPermissions![0]!.IpRanges, [{ CidrIp: '10.0.0.0/16', Description: 'office' }]);
  assert.equal(group!.IpPermissionsEgress![0]!.IpProtocol, '-1');
  const ruleId = added.SecurityGroupRules![0]!.SecurityGroupRuleId!;
  await ec2.send(
    new ModifySecurityGroupRulesCommand({
      GroupId: id,
      SecurityGroupRules: [
        {
          SecurityGroupRuleId: ruleId,
          SecurityGroupRule: { IpProtocol: 'tcp', FromPort: 80, ToPort: 80, CidrIpv4: '10.0.0.0/16' },
        },
      ],
    }),
  );
  const { SecurityGroupRules } = await ec2.send(
    new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [id] }] }),
  );
  assert.deepEqual(
    SecurityGroupRules!.map(({ IsEgress, FromPort }) => [IsEgress, FromPort]),
    [
      [true, -1],
      [false, 80],
    ],
  );
  await ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: id, SecurityGroupRuleIds: [ruleId] }));
  await ec2.send(
    new RevokeSecurityGroupEgressCommand({
      GroupId: id,
      IpPermissions: [{ IpProtocol: '-1', IpRanges: [{ CidrIp: '0.0.0.0/0' }] }],
    }),
  );
  const rest = await ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] }));
  assert.equal(rest.SecurityGroups![0]!.IpPermissions?.length ?? 0, 0);
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: id }));
  await assert.rejects(ec2.send(new DescribeSecurityGroupsCommand({ GroupIds: [id] })), {
    name: 'InvalidGroup.NotFound',
  });
});

test('what EC2 refuses of groups and rules is refused in its words', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await newGroup(ec2, 'web');
  const authorize = (permission: IpPermission) =>
    ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [permission] }));
  await authorize(https);
  await assert.rejects(authorize(https), {
    name: 'InvalidPermission.Duplicate',
    message: 'the specified rule "peer: 10.0.0.0/16, TCP, from port: 443, to port: 443, ALLOW" already exists',
  });
  await assert.rejects(newGroup(ec2, 'web'), { name: 'InvalidGroup.Duplicate' });
  await assert.rejects(newGroup(ec2, 'default'), { name: 'InvalidParameterValue' });
  await assert.rejects(newGroup(ec2, 'sg-web'), { name: 'InvalidParameterValue' });
  await assert.rejects(authorize({ ...https, FromPort: 70_000, ToPort: 70_000 }), { name: 'InvalidParameterValue' });
  await assert.rejects(authorize({ ...https, IpRanges: [{ CidrIp: '10.0.0.0' }] }), {
    message: 'CIDR block 10.0.0.0 is malformed',
  });
  await assert.rejects(
    ec2.send(new RevokeSecurityGroupIngressCommand({ GroupId: id, IpPermissions: [{ ...https, FromPort: 1 }] })),
    { name: 'InvalidPermission.NotFound' },
  );
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupId: 'nonsense' })), {
    name: 'InvalidGroupId.Malformed',
  });
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupName: 'default' })), { name: 'CannotDelete' });
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupName: 'gone' })), {
    name: 'InvalidGroup.NotFound',
  });
});

test('a group that an instance or the rule of another group needs is not deleted', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const [used, peer] = [await newGroup(ec2, 'used'), await newGroup(ec2, 'peer')];
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1, SecurityGroupIds: [used] }),
  );
  await ec2.send(
    new AuthorizeSecurityGroupEgressCommand({
      GroupId: used,
      IpPermissions: [{ IpProtocol: 'udp', FromPort: 53, ToPort: 53, UserIdGroupPairs: [{ GroupId: peer }] }],
    }),
  );
  const refused = { name: 'DependencyViolation', message: `resource ${used} has a dependent object` };
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupId: used })), refused);
  await assert.rejects(ec2.send(new DeleteSecurityGroupCommand({ GroupId: peer })), { name: 'DependencyViolation' });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: used }));
  await ec2.send(new DeleteSecurityGroupCommand({ GroupId: peer }));
});

test('changing a group is allowed by its tags, and tags at a creation need CreateTags for that creation', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const team = await userWith(
    cloud,
    dev,
    'team',
    { Effect: 'Allow', Action: 'ec2:CreateSecurityGroup', Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'ec2:AuthorizeSecurityGroupIngress',
      Resource: '*',
      Condition: { StringEquals: { 'aws:ResourceTag/team': 'core' } },
    },
  );
  const create = (client: EC2Client) =>
    client.send(
      new CreateSecurityGroupCommand({
        GroupName: 'core',
        Description: 'core',
        TagSpecifications: [{ ResourceType: 'security-group', Tags: [{ Key: 'team', Value: 'core' }] }],
      }),
    );
  await assert.rejects(create(team.ec2), /ec2:CreateTags/);
  const { GroupId } = await create(ec2);
  const other = await newGroup(ec2, 'other');
  await team.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId, IpPermissions: [https] }));
  await assert.rejects(
    team.ec2.send(new AuthorizeSecurityGroupIngressCommand({ GroupId: other, IpPermissions: [https] })),
    { name: 'UnauthorizedOperation' },
  );
});
