// Reading images. Nobody makes snapshots here, so there are none to read.
import type {
  DescribeImagesCommandInput,
  DescribeImagesResult,
  DescribeSnapshotsCommandInput,
  DescribeSnapshotsResult,
  Image as ImageShape,
} from '@aws-sdk/client-ec2';
import { awsFailure } from '../../failures.ts';
import { filtered, noTags, paged } from './filters.ts';
import { derivedId } from './ids.ts';
import { imageOf, seededImages, type Image } from './images.ts';
import { onEverything } from './permissions.ts';
import { dryRunnable } from './store.ts';

export const DescribeImages = dryRunnable<DescribeImagesCommandInput, DescribeImagesResult>({
  permissions: onEverything('DescribeImages'),
  handle(input, call) {
    const ids = input.ImageIds ?? [];
    const all = ids.length === 0 ? seededImages(call.region) : ids.map((id) => imageOf(call.region, id));
    const owners = input.Owners ?? [];
    const owned = all.filter(
      ({ owner, ownerAlias }) =>
        owners.length === 0 || owners.includes(owner) || (ownerAlias !== undefined && owners.includes(ownerAlias)),
    );
    const found = filtered(owned, input.Filters, {
      tags: noTags,
      fields: {
        'image-id': ({ id }) => id,
        name: ({ name }) => name,
        description: ({ description }) => description,
        architecture: ({ architecture }) => architecture,
        'owner-id': ({ owner }) => owner,
        'owner-alias': ({ ownerAlias }) => ownerAlias,
        'creation-date': ({ created }) => created,
        'root-device-name': ({ rootDevice }) => rootDevice,
        'root-device-type': () => 'ebs',
        'block-device-mapping.volume-type': () => 'gp3',
        'virtualization-type': () => 'hvm',
        'image-type': () => 'machine',
        'is-public': () => 'true',
        'ena-support': () => 'true',
        hypervisor: () => 'xen',
        state: () => 'available',
      },
    });
    const { page, ...next } = paged(found, input);
    return { Images: page.map(imageShape), ...next };
  },
  depth: 'a few seeded images; any other well-formed id is answered as a public image',
});

function imageShape(image: Image): ImageShape {
  return {
    ImageId: image.id,
    Name: image.name,
    Description: image.description,
    ImageLocation: `${image.ownerAlias ?? image.owner}/${image.name}`,
    OwnerId: image.owner,
    ...(image.ownerAlias === undefined ? {} : { ImageOwnerAlias: image.ownerAlias }),
    Architecture: image.architecture,
    CreationDate: image.created,
    RootDeviceName: image.rootDevice,
    RootDeviceType: 'ebs',
    BlockDeviceMappings: [
      {
        DeviceName: image.rootDevice,
        Ebs: {
          DeleteOnTermination: true,
          Encrypted: false,
          SnapshotId: derivedId('snap', image.id),
          VolumeSize: image.gibibytes,
          VolumeType: 'gp3',
          Iops: 3000,
          Throughput: 125,
        },
      },
    ],
    ...(image.imdsV2 ? { ImdsSupport: 'v2.0' as const } : {}),
    BootMode: 'uefi-preferred',
    EnaSupport: true,
    Hypervisor: 'xen',
    ImageType: 'machine',
    PlatformDetails: 'Linux/UNIX',
    Public: true,
    SriovNetSupport: 'simple',
    State: 'available',
    UsageOperation: 'RunInstances',
    VirtualizationType: 'hvm',
  };
}

export const DescribeSnapshots = dryRunnable<DescribeSnapshotsCommandInput, DescribeSnapshotsResult>({
  permissions: onEverything('DescribeSnapshots'),
  handle(input) {
    const [id] = input.SnapshotIds ?? [];
    if (id !== undefined) {
      throw awsFailure('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`, { status: 400 });
    }
    return { Snapshots: [] };
  },
  depth: 'there are no snapshots',
});
