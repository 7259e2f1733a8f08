import assert from 'node:assert/strict';
import {
  AttachVolumeCommand,
  CreateVolumeCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeVolumesCommand,
  DescribeVolumeStatusCommand,
  DetachVolumeCommand,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  TerminateInstancesCommand,
  type CreateVolumeCommandInput,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { test } from 'node:test';
import { startCloud } from '../../../src/cloud/index.ts';
import { adminOf, dev } from '../clients.ts';

async function newInstance(ec2: EC2Client): Promise<string> {
  const launch = { ImageId: 'ami-12345678', MinCount: 1, MaxCount: 1 };
  const { Instances } = await ec2.send(
    new RunInstancesCommand({ ...launch, Placement: { AvailabilityZone: 'us-east-1a' } }),
  );
  return Instances![0]!.InstanceId!;
}

const create = (ec2: EC2Client, more: Partial<CreateVolumeCommandInput> = {}) =>
  ec2.send(new CreateVolumeCommand({ AvailabilityZone: 'us-east-1a', Size: 10, ...more }));

async function stateOf(ec2: EC2Client, id: string) {
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({ VolumeIds: [id] }));
  return Volumes![0]!;
}

test('a volume is made, attached, detached and deleted, and keeps its tags on the way', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const InstanceId = await newInstance(ec2);
  const made = await create(ec2, {
    VolumeType: 'gp3',
    TagSpecifications: [{ ResourceType: 'volume', Tags: [{ Key: 'team', Value: 'core' }] }],
  });
  const VolumeId = made.VolumeId!;
  assert.equal(made.State, 'creating');
  assert.equal((await stateOf(ec2, VolumeId)).State, 'available');
  await ec2.send(new AttachVolumeCommand({ InstanceId, VolumeId, Device: '/dev/sdf' }));
  const attached = await stateOf(ec2, VolumeId);
  assert.equal(attached.State, 'in-use');
  assert.equal(attached.Attachments![0]!.InstanceId, InstanceId);
  const { Reservations } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [InstanceId] }));
  assert.ok(Reservations![0]!.Instances![0]!.BlockDeviceMappings!.some(({ DeviceName }) => DeviceName === '/dev/sdf'));
  await assert.rejects(ec2.send(new DeleteVolumeCommand({ VolumeId })), { name: 'VolumeInUse' });
  await ec2.send(new DetachVolumeCommand({ VolumeId }));
  const detached = await stateOf(ec2, VolumeId);
  assert.equal(detached.State, 'available');
  assert.deepEqual(detached.Tags, [{ Key: 'team', Value: 'core' }]);
  await assert.rejects(ec2.send(new DetachVolumeCommand({ VolumeId })), { name: 'IncorrectState' });
  const { VolumeStatuses } = await ec2.send(new DescribeVolumeStatusCommand({ VolumeIds: [VolumeId] }));
  assert.equal(VolumeStatuses![0]!.VolumeStatus!.Status, 'ok');
  await ec2.send(new DeleteVolumeCommand({ VolumeId }));
  await assert.rejects(stateOf(ec2, VolumeId), { name: 'InvalidVolume.NotFound' });
});

test('volumes that are not deleted with their instance outlive it', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const InstanceId = await newInstance(ec2);
  const VolumeId = (await create(ec2)).VolumeId!;
  await ec2.send(new AttachVolumeCommand({ InstanceId, VolumeId, Device: '/dev/sdf' }));
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
  assert.deepEqual(
    Volumes!.map((volume) => [volume.VolumeId, volume.State]),
    [[VolumeId, 'available']],
  );
});

test('a root volume outlives its instance when the instance is told so', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const InstanceId = await newInstance(ec2);
  const keep = (DeviceName: string) =>
    ec2.send(
      new ModifyInstanceAttributeCommand({
        InstanceId,
        BlockDeviceMappings: [{ DeviceName, Ebs: { DeleteOnTermination: false } }],
      }),
    );
  await assert.rejects(keep('/dev/none'), { name: 'InvalidInstanceAttributeValue' });
  await keep('/dev/xvda');
  await ec2.send(new TerminateInstancesCommand({ InstanceIds: [InstanceId] }));
  const { Volumes } = await ec2.send(new DescribeVolumesCommand({}));
  assert.deepEqual(
    Volumes!.map(({ State, Size }) => [State, Size]),
    [['available', 8]],
  );
});

test('what does not fit is refused', async () => {
  await using cloud = await startCloud();
  const { ec2 } = adminOf(cloud, dev);
  const InstanceId = await newInstance(ec2);
  const far = (await create(ec2, { AvailabilityZone: 'us-east-1b' })).VolumeId!;
  const near = (await create(ec2)).VolumeId!;
  const attach = (VolumeId: string, Device: string) =>
    ec2.send(new AttachVolumeCommand({ InstanceId, VolumeId, Device }));
  await assert.rejects(attach(far, '/dev/sdf'), { name: 'InvalidVolume.ZoneMismatch' });
  await assert.rejects(attach(near, '/dev/xvda'), { name: 'InvalidParameterValue' });
  await assert.rejects(create(ec2, { AvailabilityZone: 'us-east-1z' }), { name: 'InvalidZone.NotFound' });
  await assert.rejects(create(ec2, { Size: 100_000 }), { name: 'InvalidParameterValue' });
  await assert.rejects(create(ec2, { VolumeType: 'io1' }), { name: 'MissingParameter' });
  const token = await create(ec2, { ClientToken: 'once' });
  assert.equal((await create(ec2, { ClientToken: 'once' })).VolumeId, token.VolumeId);
  await assert.rejects(create(ec2, { ClientToken: 'once', Size: 11 }), { name: 'IdempotentParameterMismatch' });
});
