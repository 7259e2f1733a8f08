import assert from 'node:assert/strict';
import {
  CreateLaunchTemplateCommand,
  CreateLaunchTemplateVersionCommand,
  DeleteLaunchTemplateCommand,
  DeleteLaunchTemplateVersionsCommand,
  DescribeInstancesCommand,
  DescribeLaunchTemplatesCommand,
  DescribeLaunchTemplateVersionsCommand,
  GetLaunchTemplateDataCommand,
  ModifyLaunchTemplateCommand,
  RunInstancesCommand,
  type EC2Client,
  type RequestLaunchTemplateData,
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
import { adminOf, dev, policyText, userWith } from '../clients.ts';

const data = { ImageId: 'ami-12345678', InstanceType: 't3.micro' } as const;

async function newTemplate(ec2: EC2Client, LaunchTemplateName: string, more: RequestLaunchTemplateData = {}) {
  const { LaunchTemplate } = await ec2.send(
    new CreateLaunchTemplateCommand({ LaunchTemplateName, LaunchTemplateData: { ...data, ...more } }),
  );
  return LaunchTemplate!.LaunchTemplateId!;
}

async function launch(ec2: EC2Client, more: Partial<RunInstancesCommandInput>) {
  const { Instances } = await ec2.send(new RunInstancesCommand({ MinCount: 1, MaxCount: 1, ...more }));
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [Instances![0]!.InstanceId!] }));
  return Reservations![0]!.Instances![0]!;
}

async function profile(iam: IAMClient, name: string): Promise<void> {
  const trust = policyText({ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' });
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trust }));
  await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
  await iam.send(new AddRoleToInstanceProfileCommand({ InstanceProfileName: name, RoleName: name }));
}

test('versions count up, the default is chosen, and only others are deleted', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const LaunchTemplateId = await newTemplate(ec2, 'app');
  const { LaunchTemplateVersion } = await ec2.send(
    new CreateLaunchTemplateVersionCommand({
      LaunchTemplateId,
      SourceVersion: '1',
      LaunchTemplateData: { InstanceType: 't3.small' },
    }),
  );
  assert.equal(LaunchTemplateVersion!.VersionNumber, 2);
  assert.deepEqual(LaunchTemplateVersion!.LaunchTemplateData, { ...data, InstanceType: 't3.small' });
  const describe = async (...Versions: string[]) => {
    const answer = await ec2.send(new DescribeLaunchTemplateVersionsCommand({ LaunchTemplateName: 'app', Versions }));
    return answer.LaunchTemplateVersions!.map(({ VersionNumber }) => VersionNumber);
  };
  assert.deepEqual(await describe(), [2, 1]);
  assert.deepEqual(await describe('$Latest'), [2]);
  assert.deepEqual(await describe('$Default'), [1]);
  await assert.rejects(describe('7'), { name: 'InvalidLaunchTemplateId.VersionNotFound' });
  await ec2.send(new ModifyLaunchTemplateCommand({ LaunchTemplateId, DefaultVersion: '2' }));
  const gone = await ec2.send(new DeleteLaunchTemplateVersionsCommand({ LaunchTemplateId, Versions: ['1', '2', '9'] }));
  assert.deepEqual(
    gone.SuccessfullyDeletedLaunchTemplateVersions!.map(({ VersionNumber }) => VersionNumber),
    [1],
  );
  assert.deepEqual(
    gone.UnsuccessfullyDeletedLaunchTemplateVersions!.map(({ ResponseError }) => ResponseError!.Code),
    ['unexpectedError', 'launchTemplateVersionDoesNotExist'],
  );
  await ec2.send(new DeleteLaunchTemplateCommand({ LaunchTemplateId }));
  await assert.rejects(ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateIds: [LaunchTemplateId] })), {
    name: 'InvalidLaunchTemplateId.NotFound',
  });
  await assert.rejects(ec2.send(new DescribeLaunchTemplatesCommand({ LaunchTemplateNames: ['app'] })), {
    name: 'InvalidLaunchTemplateName.NotFoundException',
  });
});

test('names are unique, tokens make one template, and bad names are refused', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const create = (name: string, ClientToken?: string) =>
    ec2.send(new CreateLaunchTemplateCommand({ LaunchTemplateName: name, LaunchTemplateData: data, ClientToken }));
  const first = await create('app', 'once');
  const again = await create('app', 'once');
  assert.equal(again.LaunchTemplate!.LaunchTemplateId, first.LaunchTemplate!.LaunchTemplateId);
  await assert.rejects(create('other', 'once'), { name: 'IdempotentParameterMismatch' });
  await assert.rejects(create('app'), {
    name: 'InvalidLaunchTemplateName.AlreadyExistsException',
    message: 'Launch template name already in use.',
  });
  await assert.rejects(create('a b'), { name: 'InvalidLaunchTemplateName.MalformedException' });
});

test('a launch from a template takes what it says, and the request wins part by part', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await newTemplate(ec2, 'app', {
    MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 3 },
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'from', Value: 'template' }] }],
  });
  const plain = await launch(ec2, { LaunchTemplate: { LaunchTemplateId: id } });
  assert.equal(plain.InstanceType, 't3.micro');
  assert.equal(plain.MetadataOptions!.HttpPutResponseHopLimit, 3);
  const tags = Object.fromEntries(plain.Tags!.map(({ Key, Value }) => [Key, Value]));
  assert.deepEqual(tags, {
    from: 'template',
    'aws:ec2launchtemplate:id': id,
    'aws:ec2launchtemplate:version': '1',
  });
  const changed = await launch(ec2, {
    LaunchTemplate: { LaunchTemplateName: 'app', Version: '$Latest' },
    InstanceType: 't3.small',
    MetadataOptions: { HttpPutResponseHopLimit: 5 },
  });
  assert.equal(changed.InstanceType, 't3.small');
  assert.equal(changed.MetadataOptions!.HttpTokens, 'required');
  assert.equal(changed.MetadataOptions!.HttpPutResponseHopLimit, 5);
  const read = await ec2.send(new GetLaunchTemplateDataCommand({ InstanceId: changed.InstanceId! }));
  assert.equal(read.LaunchTemplateData!.InstanceType, 't3.small');
  await assert.rejects(launch(ec2, { LaunchTemplate: { LaunchTemplateName: 'gone' } }), {
    name: 'InvalidLaunchTemplateName.NotFoundException',
  });
});

test('a policy can demand a template and forbid to override what it says', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const id = await newTemplate(ec2, 'app');
  const launcher = await userWith(
    cloud,
    dev,
    'launcher',
    { Effect: 'Allow', Action: 'ec2:DescribeInstances', Resource: '*' },
    {
      Effect: 'Allow',
      Action: 'ec2:RunInstances',
      Resource: '*',
      Condition: {
        ArnLike: { 'ec2:LaunchTemplate': `arn:aws:ec2:us-east-1:${dev}:launch-template/${id}` },
        Bool: { 'ec2:IsLaunchTemplateResource': 'true' },
      },
    },
  );
  await launch(launcher.ec2, { LaunchTemplate: { LaunchTemplateId: id } });
  await assert.rejects(launch(launcher.ec2, { LaunchTemplate: { LaunchTemplateId: id }, InstanceType: 't3.large' }), {
    name: 'UnauthorizedOperation',
  });
  await assert.rejects(launch(launcher.ec2, data), { name: 'UnauthorizedOperation' });
});

test("launching from a template passes the role of the template's profile", async () => {
  await using cloud = await startCloud();
  const { ec2, iam } = adminOf(cloud, dev);
  await profile(iam, 'app');
  const id = await newTemplate(ec2, 'app', { IamInstanceProfile: { Name: 'app' } });
  const [without, having] = [
    await userWith(cloud, dev, 'without', { Effect: 'Allow', Action: 'ec2:*', Resource: '*' }),
    await userWith(
      cloud,
      dev,
      'having',
      { Effect: 'Allow', Action: 'ec2:*', Resource: '*' },
      { Effect: 'Allow', Action: 'iam:PassRole', Resource: `arn:aws:iam::${dev}:role/app` },
    ),
  ];
  await assert.rejects(launch(without.ec2, { LaunchTemplate: { LaunchTemplateId: id } }), /iam:PassRole/);
  const made = await launch(having.ec2, { LaunchTemplate: { LaunchTemplateId: id } });
  assert.match(made.IamInstanceProfile!.Arn!, /instance-profile\/app$/);
});
