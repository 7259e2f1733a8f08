// Volumes: made, attached, detached, deleted. They hold nothing; what is kept is what policies and clients read.
import type {
  AttachVolumeCommandInput,
  CreateVolumeCommandInput,
  DeleteVolumeCommandInput,
  DetachVolumeCommandInput,
  Volume as VolumeShape,
  VolumeAttachment,
} from '@aws-sdk/client-ec2';
import type { Call, Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { madeBefore, rememberToken } from './client-tokens.ts';
import { invalidCombination, invalidParameter, missingParameter, unsupported } from './failures.ts';
import { newId } from './ids.ts';
import { diskOf } from './launch-plan.ts';
import type { Volume } from './model.ts';
import { zonesOf, type Zone } from './network.ts';
import { onInstance, onNew, onResource } from './permissions.ts';
import { volumeShape } from './describe-volumes.ts';
import { dryRunnable, instanceOf, putInstance, putTags } from './store.ts';
import { createdTags } from './tag-specifications.ts';
import { findVolume, freed, putFreeVolume, removeFreeVolume, takeFreeVolume, volumeOf } from './volume-store.ts';

function zoneOf(input: CreateVolumeCommandInput, call: Call): Zone {
  const zones = zonesOf(call.region);
  const { AvailabilityZone: name, AvailabilityZoneId: id } = input;
  if (name === undefined && id === undefined) throw missingParameter('AvailabilityZone');
  if (name !== undefined && id !== undefined) {
    throw invalidCombination('Specify either AvailabilityZone or AvailabilityZoneId, but not both.');
  }
  const zone = zones.find((one) => one.name === name || one.id === id);
  if (zone !== undefined) return zone;
  throw awsFailure('InvalidZone.NotFound', `The zone '${name ?? id}' does not exist.`, { status: 400 });
}

export const CreateVolume = dryRunnable<CreateVolumeCommandInput, VolumeShape>({
  permissions(input, call) {
    const tags = createdTags(input.TagSpecifications, 'volume');
    return onNew(call, 'CreateVolume', 'volume', tags, {
      'ec2:AvailabilityZone': input.AvailabilityZone,
      'ec2:Encrypted': String(input.Encrypted ?? false),
      'ec2:VolumeSize': text(input.Size),
      'ec2:VolumeType': input.VolumeType ?? 'gp2',
      'ec2:VolumeIops': text(input.Iops),
      'ec2:VolumeThroughput': text(input.Throughput),
    });
  },
  handle(input, call) {
    const [known] = madeBefore(input, call) ?? [];
    if (known !== undefined) return volumeShape(call, volumeOf(call, known));
    const zone = zoneOf(input, call);
    refuseUnoffered(input);
    const disk = diskOf({ ...input, VolumeSize: input.Size });
    const id = newId(call.random, 'vol');
    const volume = { ...disk, id, zone: zone.name, createdAt: call.clock.now() };
    putFreeVolume(call, volume);
    putTags(call, id, createdTags(input.TagSpecifications, 'volume'));
    rememberToken(input, [id], call);
    return { ...volumeShape(call, { volume }), State: 'creating' };
  },
  depth: 'empty volumes; there are no snapshots to make one from',
});

const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

function refuseUnoffered(input: CreateVolumeCommandInput): void {
  if (input.SnapshotId !== undefined && input.SnapshotId !== '') {
    throw awsFailure('InvalidSnapshot.NotFound', `The snapshot '${input.SnapshotId}' does not exist.`, { status: 400 });
  }
  if (input.MultiAttachEnabled === true) throw unsupported('volumes attached to several instances');
  if (input.OutpostArn !== undefined) throw unsupported('outposts');
  if (input.KmsKeyId !== undefined && input.Encrypted !== true) {
    throw awsFailure(
      'InvalidParameterDependency',
      'The parameter KmsKeyId requires the parameter Encrypted to be set.',
      { status: 400 },
    );
  }
  if (input.Size === undefined) throw missingParameter('size/snapshot');
}

export const DeleteVolume = dryRunnable<DeleteVolumeCommandInput, object>({
  permissions: (input, call) => [onResource(call, 'DeleteVolume', input.VolumeId ?? '', keysOf(call, input.VolumeId))],
  handle(input, call) {
    const { volume, instance } = volumeOf(call, input.VolumeId ?? '');
    if (instance !== undefined) {
      throw awsFailure('VolumeInUse', `Volume ${volume.id} is currently attached to ${instance.id}`, { status: 400 });
    }
    removeFreeVolume(call, volume.id);
    return {};
  },
});

/** What policies ask of a volume that is there. */
function keysOf(call: Call, id: string | undefined): Permission['context'] {
  const found = findVolume(call, id ?? '');
  if (found === undefined) return {};
  const { volume } = found;
  return {
    'ec2:AvailabilityZone': found.instance === undefined ? found.volume.zone : found.instance.zone,
    'ec2:Encrypted': String(volume.encrypted),
    'ec2:VolumeSize': String(volume.gibibytes),
    'ec2:VolumeType': volume.type,
    'ec2:VolumeIops': text(volume.iops),
    'ec2:VolumeThroughput': text(volume.throughput),
  };
}

function onBoth(call: Call, action: string, volumeId: string, instanceId: string | undefined): readonly Permission[] {
  return [
    onResource(call, action, volumeId, keysOf(call, volumeId)),
    onInstance(call, action, instanceId ?? findVolume(call, volumeId)?.instance?.id ?? '*'),
  ];
}

export const AttachVolume = dryRunnable<AttachVolumeCommandInput, VolumeAttachment>({
  permissions: (input, call) => onBoth(call, 'AttachVolume', input.VolumeId ?? '', input.InstanceId),
  handle(input, call) {
    const found = volumeOf(call, input.VolumeId ?? '');
    const instance = instanceOf(call, input.InstanceId);
    const device = input.Device ?? '';
    if (device === '') throw missingParameter('device');
    if (found.instance !== undefined) {
      throw awsFailure('VolumeInUse', `${found.volume.id} is already attached to an instance`, { status: 400 });
    }
    if (instance.state === 'terminated') {
      throw awsFailure('IncorrectState', `Instance '${instance.id}' is not 'running'.`, { status: 400 });
    }
    if (found.volume.zone !== instance.zone) {
      throw awsFailure(
        'InvalidVolume.ZoneMismatch',
        `The volume '${found.volume.id}' is not in the same availability zone as instance '${instance.id}'`,
        { status: 400 },
      );
    }
    if (instance.volumes.some((one) => one.device === device)) {
      throw invalidParameter(`Invalid value '${device}' for unixDevice. Attachment point ${device} is already in use`);
    }
    const { zone: _zone, ...disk } = found.volume;
    const volume: Volume = { ...disk, device, deleteOnTermination: false, attachedAt: call.clock.now() };
    takeFreeVolume(call, volume.id);
    putInstance(call, { ...instance, volumes: [...instance.volumes, volume] });
    return attachment(volume, instance.id, 'attaching');
  },
});

export const DetachVolume = dryRunnable<DetachVolumeCommandInput, VolumeAttachment>({
  permissions: (input, call) => onBoth(call, 'DetachVolume', input.VolumeId ?? '', input.InstanceId),
  handle(input, call) {
    const { volume, instance } = volumeOf(call, input.VolumeId ?? '');
    if (instance === undefined) {
      throw awsFailure('IncorrectState', `Volume '${volume.id}' is in the 'available' state.`, { status: 400 });
    }
    const isOther = input.InstanceId !== undefined && input.InstanceId !== instance.id;
    if (isOther || (input.Device !== undefined && input.Device !== volume.device)) {
      throw awsFailure(
        'InvalidAttachment.NotFound',
        `The volume '${volume.id}' is not attached to instance '${input.InstanceId ?? instance.id}' as device '${input.Device ?? ''}'`,
        { status: 400 },
      );
    }
    if (volume.device === instance.rootDevice && instance.state === 'running') {
      throw awsFailure(
        'OperationNotPermitted',
        `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`,
        { status: 400 },
      );
    }
    putFreeVolume(call, freed(volume, instance));
    putInstance(call, { ...instance, volumes: instance.volumes.filter((one) => one !== volume) });
    return attachment(volume, instance.id, 'detaching');
  },
});

function attachment(volume: Volume, instanceId: string, State: 'attaching' | 'detaching'): VolumeAttachment {
  return {
    VolumeId: volume.id,
    InstanceId: instanceId,
    Device: volume.device,
    State,
    ...(volume.attachedAt === undefined ? {} : { AttachTime: new Date(volume.attachedAt) }),
    DeleteOnTermination: volume.deleteOnTermination,
  };
}
