import assert from 'node:assert/strict';
import {
  AssociateIamInstanceProfileCommand,
  CreateTagsCommand,
  DeleteTagsCommand,
  DescribeIamInstanceProfileAssociationsCommand,
  DescribeImagesCommand,
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  DescribeTagsCommand,
  DescribeVolumesCommand,
  DescribeVpcsCommand,
  DisassociateIamInstanceProfileCommand,
  ModifyInstanceAttributeCommand,
  ModifyInstanceMetadataOptionsCommand,
  ReplaceIamInstanceProfileAssociationCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
  type EC2Client,
  type ModifyInstanceAttributeCommandInput,
  type RunInstancesCommandInput,
} from '@aws-sdk/client-ec2';
import {
  AddRoleToInstanceProfileCommand,
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { defaultOrganization } from '../../../src/cloud/organization.ts';
import { adminOf, central, dev, policyText, userWith } from '../clients.ts';

const request: RunInstancesCommandInput = {
  ImageId: 'ami-12345678',
  InstanceType: 't3.micro',
  MinCount: 1,
  MaxCount: 1,
};

async function run(ec2: EC2Client, more: Partial<RunInstancesCommandInput> = {}): Promise<string> {
  const { Instances } = await ec2.send(new RunInstancesCommand({ ...request, ...more }));
  return Instances![0]!.InstanceId!;
}

async function describe(ec2: EC2Client, id: string) {
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
  return Reservations![0]!.Instances![0]!;
}

async function profileWithRole(iam: IAMClient, name: string): Promise<void> {
  const trust = policyText({ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' });
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
}

test('an instance runs, stops, starts and ends, and is seen for an hour after its end', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await run(ec2);
  const state = async () => (await describe(ec2, id)).State!.Name;
  assert.equal(await state(), 'running');
  await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
  assert.equal(await state(), 'stopped');
  await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
  assert.equal(await state(), 'running');
  const { TerminatingInstances } = await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  assert.equal(TerminatingInstances![0]!.CurrentState!.Name, 'shutting-down');
  assert.equal(await state(), 'terminated');
  await assert.rejects(ec2.send(new StartInstancesCommand({ InstanceIds: [id] })), { name: 'IncorrectInstanceState' });
  cloud.clock.advance(61 * 60 * 1000);
  await assert.rejects(describe(ec2, id), { name: 'InvalidInstanceID.NotFound' });
});

test('a launch comes with volume, interface, network and the options that were asked for', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await run(ec2, { MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 3 } });
  const instance = await describe(ec2, id);
  const { Vpcs } = await ec2.send(new DescribeVpcsCommand({ Filters: [{ Name: 'is-default', Values: ['true'] }] }));
  assert.equal(instance.VpcId, Vpcs![0]!.VpcId);
  assert.equal(instance.MetadataOptions!.HttpTokens, 'required');
  assert.equal(instance.MetadataOptions!.HttpPutResponseHopLimit, 3);
  const volumeId = instance.BlockDeviceMappings![0]!.Ebs!.VolumeId!;
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [volumeId] }));
  assert.equal(Volumes![0]!.Attachments![0]!.InstanceId, id);
  const changed = await ec2.send(new ModifyInstanceMetadataOptionsCommand({ InstanceId: id, HttpTokens: 'optional' }));
  assert.equal(changed.InstanceMetadataOptions!.HttpTokens, 'optional');
});

test('the same client token makes one launch, with another request it is refused', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const first = await run(ec2, { ClientToken: 'once' });
  assert.equal(await run(ec2, { ClientToken: 'once' }), first);
  await assert.rejects(run(ec2, { ClientToken: 'once', InstanceType: 't3.small' }), {
    name: 'IdempotentParameterMismatch',
  });
});

test('passing a role to an instance needs iam:PassRole on that role', async () => {
  await using cloud = await startCloud();
  await profileWithRole(adminOf(cloud, dev).iam, 'app');
  await profileWithRole(adminOf(cloud, dev).iam, 'other');
  const launcher = await userWith(
    cloud,
    dev,
    'alice',
    { Effect: 'Allow', Action: 'ec2:*', Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'iam:PassRole',
      Resource: `arn:aws:iam::${dev}:role/app`,
      Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
  );
  const id = await run(launcher.ec2, { IamInstanceProfile: { Name: 'app' } });
  assert.equal((await describe(launcher.ec2, id)).IamInstanceProfile!.Arn, `arn:aws:iam::${dev}:instance-profile/app`);
  await assert.rejects(run(launcher.ec2, { IamInstanceProfile: { Name: 'other' } }), { name: 'UnauthorizedOperation' });
  const plain = await run(launcher.ec2);
  const associate = (Name: string) =>
    launcher.ec2.send(new AssociateIamInstanceProfileCommand({ InstanceId: plain, IamInstanceProfile: { Name } }));
  await assert.rejects(associate('other'), { name: 'UnauthorizedOperation' });
  await associate('app');
});

test('tags at the launch need ec2:CreateTags, and conditions see them', async () => {
  await using cloud = await startCloud();
  const instance = `arn:aws:ec2:us-east-1:${dev}:instance/*`;
  const launch = { Effect: 'Allow', Action: 'ec2:RunInstances', Resource: '*' } as const;
  const untagging = await userWith(cloud, dev, 'alice', launch);
  const tagging = await userWith(cloud, dev, 'bob', launch, {
    Effect: 'Allow',
    Action: 'ec2:CreateTags',
    Resource: instance,
    Condition: { StringEquals: { 'ec2:CreateAction': 'RunInstances', 'aws:RequestTag/team': 'core' } },
  });
  const tagged = (Value: string): Partial<RunInstancesCommandInput> => ({
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'team', Value }] }],
  });
  await run(untagging.ec2);
  await assert.rejects(run(untagging.ec2, tagged('core')), { name: 'UnauthorizedOperation' });
  await run(tagging.ec2, tagged('core'));
  await assert.rejects(run(tagging.ec2, tagged('sales')), { name: 'UnauthorizedOperation' });
});

test('a launch without IMDSv2 is stopped by a policy that demands it', async () => {
  await using cloud = await startCloud();
  const { ec2 } = await userWith(
    cloud,
    dev,
    'alice',
    { Effect: 'Allow', Action: 'ec2:RunInstances', Resource: '*' },
    {
      Effect: 'Deny',
      Action: 'ec2:RunInstances',
      Resource: 'arn:aws:ec2:*:*:instance/*',
      Condition: { StringNotEquals: { 'ec2:MetadataHttpTokens': 'required' } },
    },
  );
  await assert.rejects(run(ec2), { name: 'UnauthorizedOperation' });
  await run(ec2, { MetadataOptions: { HttpTokens: 'required' } });
});

test('each thing a launch touches must be allowed', async () => {
  await using cloud = await startCloud();
  const { ec2 } = await userWith(
    cloud,
    dev,
    'alice',
    { Effect: 'Allow', Action: 'ec2:RunInstances', Resource: '*' },
    { Effect: 'Deny', Action: 'ec2:RunInstances', Resource: 'arn:aws:ec2:*::image/ami-12345678' },
  );
  await assert.rejects(run(ec2), { name: 'UnauthorizedOperation' });
  await run(ec2, { ImageId: 'ami-87654321' });
  await assert.rejects(run(ec2, { DryRun: true }), { name: 'UnauthorizedOperation' });
  await assert.rejects(run(ec2, { ImageId: 'ami-87654321', DryRun: true }), { name: 'DryRunOperation' });
});

test('a tagged instance is ended by who may end instances of that tag', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const [mine, theirs] = [await run(ec2), await run(ec2)];
  await ec2.send(new CreateTagsCommand({ Resources: [mine], Tags: [{ Key: 'team', Value: 'core' }] }));
  const ender = await userWith(cloud, dev, 'alice', {
    Effect: 'Allow',
    Action: 'ec2:TerminateInstances',
    Resource: '*',
    Condition: { StringEquals: { 'ec2:ResourceTag/team': 'core' } },
  });
  const end = (id: string) => ender.ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  await assert.rejects(end(theirs), { name: 'UnauthorizedOperation' });
  await end(mine);
});

test('an association of a profile is made once, replaced and taken away', async () => {
  await using cloud = await startCloud();
  const { ec2, iam } = adminOf(cloud, dev);
  await profileWithRole(iam, 'app');
  await profileWithRole(iam, 'other');
  const InstanceId = await run(ec2);
  const associate = new AssociateIamInstanceProfileCommand({ InstanceId, IamInstanceProfile: { Name: 'app' } });
  await ec2.send(associate);
  await assert.rejects(ec2.send(associate), { name: 'IncorrectState' });
  const associations = async () =>
    (
      await ec2.send(
        new DescribeIamInstanceProfileAssociationsCommand({ Filters: [{ Name: 'instance-id', Values: [InstanceId] }] }),
      )
    ).IamInstanceProfileAssociations!;
  const [{ AssociationId }] = (await associations()) as [{ AssociationId: string }];
  const replaced = await ec2.send(
    new ReplaceIamInstanceProfileAssociationCommand({ AssociationId, IamInstanceProfile: { Name: 'other' } }),
  );
  const next = replaced.IamInstanceProfileAssociation!.AssociationId!;
  assert.match((await describe(ec2, InstanceId)).IamInstanceProfile!.Arn!, /other$/);
  await assert.rejects(ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId })), {
    name: 'InvalidAssociationID.NotFound',
  });
  await ec2.send(new DisassociateIamInstanceProfileCommand({ AssociationId: next }));
  assert.deepEqual(await associations(), []);
});

test('attributes are read and changed, and protect from ending', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const InstanceId = await run(ec2, { UserData: 'aGVsbG8=' });
  await ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, DisableApiTermination: { Value: true } }));
  const read = (Attribute: 'disableApiTermination' | 'userData') =>
    ec2.send(new DescribeInstanceAttributeCommand({ InstanceId, Attribute }));
  assert.equal((await read('disableApiTermination')).DisableApiTermination!.Value, true);
  assert.equal((await read('userData')).UserData!.Value, 'aGVsbG8=');
  await assert.rejects(ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] })), {
    name: 'OperationNotPermitted',
  });
  await assert.rejects(
    ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, InstanceType: { Value: 't3.small' } })),
    {
      name: 'IncorrectInstanceState',
    },
  );
});

test('a policy about an attribute holds whichever way the request names it', async () => {
  await using cloud = await startCloud();
  const InstanceId = await run(adminOf(cloud, dev).ec2);
  const { ec2 } = await userWith(
    cloud,
    dev,
    'alice',
    { Effect: 'Allow', Action: 'ec2:*', Resource: '*' },
    {
      Effect: 'Deny',
      Action: 'ec2:ModifyInstanceAttribute',
      Resource: '*',
      Condition: { StringEquals: { 'ec2:Attribute': 'DisableApiTermination' } },
    },
    {
      Effect: 'Deny',
      Action: 'ec2:ModifyInstanceAttribute',
      Resource: '*',
      Condition: { StringEquals: { 'ec2:Attribute/DisableApiStop': 'true' } },
    },
  );
  const change = (input: Omit<ModifyInstanceAttributeCommandInput, 'InstanceId'>) =>
    ec2.send(new ModifyInstanceAttributeCommand({ InstanceId, ...input }));
  const denied = { name: 'UnauthorizedOperation' };
  await assert.rejects(change({ DisableApiTermination: { Value: false } }), denied);
  await assert.rejects(change({ Attribute: 'disableApiTermination', Value: 'false' }), denied);
  await assert.rejects(change({ DisableApiStop: { Value: true } }), denied);
  await change({ DisableApiStop: { Value: false } });
});

test('tags are created, listed, filtered by and deleted', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await run(ec2);
  await run(ec2);
  await ec2.send(new CreateTagsCommand({ Resources: [id], Tags: [{ Key: 'Name', Value: 'web-1' }] }));
  const byTag = await ec2.send(new DescribeInstancesCommand({ Filters: [{ Name: 'tag:Name', Values: ['web-*'] }] }));
  assert.deepEqual(
    byTag.Reservations!.flatMap(({ Instances }) => Instances!.map(({ InstanceId }) => InstanceId)),
    [id],
  );
  const tags = async () =>
    (await ec2.send(new DescribeTagsCommand({ Filters: [{ Name: 'resource-id', Values: [id] }] }))).Tags!;
  assert.deepEqual(
    (await tags()).map(({ Key, ResourceType }) => [Key, ResourceType]),
    [['Name', 'instance']],
  );
  await ec2.send(new DeleteTagsCommand({ Resources: [id], Tags: [{ Key: 'Name' }] }));
  assert.deepEqual(await tags(), []);
});

test('instances are listed in pages and each account and region has its own', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  await ec2.send(new RunInstancesCommand({ ...request, MinCount: 7, MaxCount: 7 }));
  const first = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5 }));
  const second = await ec2.send(new DescribeInstancesCommand({ MaxResults: 5, NextToken: first.NextToken }));
  const count = (page: typeof first) => page.Reservations!.flatMap(({ Instances }) => Instances!).length;
  assert.deepEqual([count(first), count(second), second.NextToken], [5, 2, undefined]);
  const { Reservations } = await adminOf(cloud, central).ec2.send(new DescribeInstancesCommand({}));
  assert.deepEqual(Reservations, []);
});

const refusals: readonly (readonly [
  what: string,
  request: Partial<RunInstancesCommandInput>,
  code: string,
  message: RegExp,
])[] = [
  [
    'a profile that does not exist',
    { IamInstanceProfile: { Name: 'none' } },
    'InvalidParameterValue',
    /Invalid IAM Instance Profile name/,
  ],
  ['a malformed image id', { ImageId: 'ami-xyz' }, 'InvalidAMIID.Malformed', /ami-xyz/],
  ['an unknown type', { InstanceType: 't9.huge' as 't3.micro' }, 'InvalidParameterValue', /t9\.huge/],
  ['a type of another architecture', { InstanceType: 't4g.micro' }, 'InvalidParameterValue', /architecture/],
  ['a subnet that does not exist', { SubnetId: 'subnet-12345678' }, 'InvalidSubnetID.NotFound', /subnet-12345678/],
  ['a group that does not exist', { SecurityGroupIds: ['sg-12345678'] }, 'InvalidGroup.NotFound', /sg-12345678/],
  ['a key pair that does not exist', { KeyName: 'laptop' }, 'InvalidKeyPair.NotFound', /'laptop' does not exist/],
  ['more at least than at most', { MinCount: 2 }, 'InvalidParameterValue', /minCount/],
  ['a spot market', { InstanceMarketOptions: { MarketType: 'spot' } }, 'UnsupportedOperation', /spot/],
  ['a hop limit of 65', { MetadataOptions: { HttpPutResponseHopLimit: 65 } }, 'InvalidParameterValue', /HopLimit/],
];
test('a launch that cannot be is refused, and nothing is made', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  for (const [what, more, name, message] of refusals) await assert.rejects(run(ec2, more), { name, message }, what);
  assert.deepEqual((await ec2.send(new DescribeInstancesCommand({}))).Reservations, []);
});

test('a launch takes the room there is, and a terminated instance takes none', async () => {
  await using cloud = await startCloud({
    organization: { ...defaultOrganization, quotas: { InstancesPerAccount: 2 } },
  });
  const { ec2 } = adminOf(cloud, dev);
  const { Instances } = await ec2.send(new RunInstancesCommand({ ...request, MaxCount: 1_000_000_000 }));
  assert.equal(Instances!.length, 2);
  await assert.rejects(run(ec2), { name: 'InstanceLimitExceeded' });
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
  await run(ec2);
  await assert.rejects(run(ec2), { name: 'InstanceLimitExceeded' });
});

test('the image everybody looks for is found by its name', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const Filters = [{ Name: 'name', Values: ['al2023-ami-*-x86_64'] }];
  const { Images } = await ec2.send(new DescribeImagesCommand({ Owners: ['amazon'], Filters }));
  assert.equal(Images!.length, 1);
  const id = await run(ec2, { ImageId: Images![0]!.ImageId });
  assert.equal((await describe(ec2, id)).MetadataOptions!.HttpTokens, 'required');
});
