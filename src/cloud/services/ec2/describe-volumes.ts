// Reading volumes: what they are, where, their status and attributes.
import type {
  DescribeVolumeAttributeCommandInput,
  DescribeVolumeAttributeResult,
  DescribeVolumesCommandInput,
  DescribeVolumesModificationsCommandInput,
  DescribeVolumesModificationsResult,
  DescribeVolumesResult,
  DescribeVolumeStatusCommandInput,
  DescribeVolumeStatusResult,
  Volume as VolumeShape,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter, missingParameter } from './failures.ts';
import { filtered, paged, type Filterable } from './filters.ts';
import { zonesOf } from './network.ts';
import { onEverything, onResource } from './permissions.ts';
import { tagMember } from './shapes.ts';
import { dryRunnable, tagsOf } from './store.ts';
import { volumeOf, volumesOf, type PlacedVolume } from './volume-store.ts';

const zoneName = (placed: PlacedVolume): string =>
  placed.instance === undefined ? placed.volume.zone : placed.instance.zone;
const zoneId = (call: Call, placed: PlacedVolume): string | undefined =>
  zonesOf(call.region).find(({ name }) => name === zoneName(placed))?.id;

export function volumeShape(call: Call, placed: PlacedVolume): VolumeShape {
  const { volume, instance } = placed;
  return {
    VolumeId: volume.id,
    Size: volume.gibibytes,
    AvailabilityZone: zoneName(placed),
    AvailabilityZoneId: zoneId(call, placed),
    State: instance === undefined ? 'available' : 'in-use',
    CreateTime: new Date(volume.createdAt ?? instance?.createdAt ?? 0),
    VolumeType: volume.type as NonNullable<VolumeShape['VolumeType']>,
    ...(volume.iops === undefined ? {} : { Iops: volume.iops }),
    ...(volume.throughput === undefined ? {} : { Throughput: volume.throughput }),
    Encrypted: volume.encrypted,
    ...(volume.kmsKeyId === undefined ? {} : { KmsKeyId: volume.kmsKeyId }),
    MultiAttachEnabled: false,
    SnapshotId: volume.snapshotId ?? '',
    Attachments:
      instance === undefined
        ? []
        : [
            {
              AttachTime: new Date(volume.attachedAt ?? instance.createdAt),
              DeleteOnTermination: volume.deleteOnTermination,
              Device: volume.device,
              InstanceId: instance.id,
              State: 'attached',
              VolumeId: volume.id,
            },
          ],
    ...tagMember('Tags', tagsOf(call, volume.id)),
  };
}

function volumeFilters(call: Call): Filterable<PlacedVolume> {
  return {
    tags: ({ volume }) => tagsOf(call, volume.id),
    fields: {
      'volume-id': ({ volume }) => volume.id,
      'volume-type': ({ volume }) => volume.type,
      size: ({ volume }) => String(volume.gibibytes),
      encrypted: ({ volume }) => String(volume.encrypted),
      status: ({ instance }) => (instance === undefined ? 'available' : 'in-use'),
      'availability-zone': zoneName,
      'availability-zone-id': (placed) => zoneId(call, placed),
      'create-time': ({ volume, instance }) => new Date(volume.createdAt ?? instance?.createdAt ?? 0).toISOString(),
      'snapshot-id': ({ volume }) => volume.snapshotId,
      'multi-attach-enabled': () => 'false',
      'attachment.instance-id': ({ instance }) => instance?.id,
      'attachment.device': (placed) => (placed.instance === undefined ? undefined : placed.volume.device),
      'attachment.status': ({ instance }) => (instance === undefined ? undefined : 'attached'),
      'attachment.delete-on-termination': (placed) =>
        placed.instance === undefined ? undefined : String(placed.volume.deleteOnTermination),
    },
  };
}

export const DescribeVolumes = dryRunnable<DescribeVolumesCommandInput, DescribeVolumesResult>({
  permissions: onEverything('DescribeVolumes'),
  handle(input, call) {
    const ids = input.VolumeIds ?? [];
    const all = ids.length === 0 ? volumesOf(call) : ids.map((id) => volumeOf(call, id));
    const { page, ...next } = paged(filtered(all, input.Filters, volumeFilters(call)), input, { ids });
    return { Volumes: page.map((placed) => volumeShape(call, placed)), ...next };
  },
});

export const DescribeVolumeStatus = dryRunnable<DescribeVolumeStatusCommandInput, DescribeVolumeStatusResult>({
  permissions: onEverything('DescribeVolumeStatus'),
  handle(input, call) {
    const ids = input.VolumeIds ?? [];
    const all = ids.length === 0 ? volumesOf(call) : ids.map((id) => volumeOf(call, id));
    const found = filtered(all, input.Filters, {
      tags: ({ volume }) => tagsOf(call, volume.id),
      fields: { 'availability-zone': zoneName, 'volume-status.status': () => 'ok' },
    });
    const { page, ...next } = paged(found, input, { ids });
    return {
      VolumeStatuses: page.map((placed) => ({
        VolumeId: placed.volume.id,
        AvailabilityZone: zoneName(placed),
        Actions: [],
        Events: [],
        VolumeStatus: {
          Status: 'ok' as const,
          Details: [
            { Name: 'io-enabled' as const, Status: 'passed' },
            { Name: 'io-performance' as const, Status: 'not-applicable' },
          ],
        },
      })),
      ...next,
    };
  },
  depth: 'every volume is well',
});

export const DescribeVolumeAttribute = dryRunnable<DescribeVolumeAttributeCommandInput, DescribeVolumeAttributeResult>({
  permissions: (input, call) => [onResource(call, 'DescribeVolumeAttribute', input.VolumeId ?? '')],
  handle(input, call) {
    const { volume } = volumeOf(call, input.VolumeId ?? '');
    if (input.Attribute === undefined) throw missingParameter('Attribute');
    if (input.Attribute === 'autoEnableIO') return { VolumeId: volume.id, AutoEnableIO: { Value: false } };
    if (input.Attribute === 'productCodes') return { VolumeId: volume.id, ProductCodes: [] };
    throw invalidParameter(`Value (${String(input.Attribute)}) for parameter attribute is invalid. Unknown attribute.`);
  },
});

export const DescribeVolumesModifications = dryRunnable<
  DescribeVolumesModificationsCommandInput,
  DescribeVolumesModificationsResult
>({
  permissions: onEverything('DescribeVolumesModifications'),
  handle(input, call) {
    const [id] = input.VolumeIds ?? [];
    if (id === undefined) return { VolumesModifications: [] };
    const { volume } = volumeOf(call, id);
    throw awsFailure('InvalidVolumeModification.NotFound', `Modification for volume '${volume.id}' does not exist.`, {
      status: 400,
    });
  },
  depth: 'volumes are not modified',
});
