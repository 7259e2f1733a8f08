// What a RunInstances request comes to: everything it names found, defaults filled in, bad combinations
// refused. Authorization and the launch itself look at the same plan.
import type { BlockDeviceMapping, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidCombination, invalidParameter, missingParameter, unsupported } from './failures.ts';
import { imageOf, type Image } from './images.ts';
import { defaultInstanceType, instanceType, type InstanceType } from './instance-types.ts';
import { keyPairOf } from './key-pairs.ts';
import type { Disk, KeyPair, MetadataOptions, Tags, Volume } from './model.ts';
import { metadataDefaultsOf } from './metadata-defaults.ts';
import { subnetOf, subnetsOf, type Subnet } from './network.ts';
import { defaultGroup, groupByName, groupOf } from './security-group-store.ts';
import { launchTags, type LaunchedKind } from './tag-specifications.ts';

export interface LaunchPlan {
  readonly image: Image;
  readonly keyPair: KeyPair | undefined;
  readonly type: InstanceType;
  readonly subnet: Subnet;
  /** Ids of security groups. */
  readonly groups: readonly string[];
  readonly publicAddress: boolean;
  /** Without ids; the first is the root. */
  readonly volumes: readonly Omit<Volume, 'id'>[];
  readonly metadata: MetadataOptions;
  readonly tags: Readonly<Partial<Record<LaunchedKind, Tags>>>;
  readonly count: { readonly least: number; readonly most: number };
}

/**
 * @throws MissingParameter, InvalidParameterValue, InvalidParameterCombination, InvalidAMIID.Malformed,
 * InvalidKeyPair.NotFound, InvalidSubnetID.NotFound, InvalidGroup.NotFound, UnsupportedOperation; all 400
 */
export function planOf(input: RunInstancesCommandInput, call: Call): LaunchPlan {
  refuseUnoffered(input);
  if (input.ImageId === undefined) throw missingParameter('ImageId');
  const image = imageOf(call.region, input.ImageId);
  return {
    keyPair: input.KeyName === undefined ? undefined : keyPairOf(call, input.KeyName),
    image,
    type: typeFor(input.InstanceType ?? defaultInstanceType, image),
    ...networkOf(input, call),
    volumes: volumesOf(input.BlockDeviceMappings ?? [], image),
    metadata: metadataOf(input.MetadataOptions ?? {}, image, call),
    tags: launchTags(input.TagSpecifications),
    count: countOf(input),
  };
}

function refuseUnoffered(input: RunInstancesCommandInput): void {
  if (input.InstanceMarketOptions !== undefined) throw unsupported('spot instances');
  if (input.HibernationOptions?.Configured === true) throw unsupported('hibernation');
  if (input.EnclaveOptions?.Enabled === true) throw unsupported('enclaves');
  if ((input.Ipv6AddressCount ?? 0) > 0 || (input.Ipv6Addresses ?? []).length > 0) throw unsupported('IPv6 addresses');
  checkUserData(input.UserData);
}

/** @throws InvalidUserData.Malformed, InvalidParameterValue 400 */
export function checkUserData(text: string | undefined): void {
  if (text === undefined) return;
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)) {
    throw awsFailure('InvalidUserData.Malformed', 'Invalid BASE64 encoding of user data.', { status: 400 });
  }
  if (Buffer.from(text, 'base64').length > 16_384) throw invalidParameter('User data is limited to 16384 bytes');
}

function countOf(input: RunInstancesCommandInput): LaunchPlan['count'] {
  const { MinCount: min, MaxCount: max } = input;
  if (min === undefined) throw missingParameter('MinCount');
  if (max === undefined) throw missingParameter('MaxCount');
  if (min < 1 || max < 1)
    throw invalidParameter(
      `Value (${Math.min(min, max)}) for parameter ${min < 1 ? 'minCount' : 'maxCount'} is invalid. Minimum value is 1.`,
    );
  if (min > max)
    throw invalidParameter(`Value (${min}) for parameter minCount is invalid. It must be at most maxCount (${max}).`);
  return { least: min, most: max };
}

function typeFor(name: string, image: Image): InstanceType {
  const type = instanceType(name);
  if (type === undefined) throw invalidParameter(`Invalid value '${name}' for InstanceType.`);
  if (type.architecture !== image.architecture) {
    throw invalidParameter(
      `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  }
  return type;
}

function networkOf(
  input: RunInstancesCommandInput,
  call: Call,
): Pick<LaunchPlan, 'subnet' | 'groups' | 'publicAddress'> {
  const [network, ...more] = input.NetworkInterfaces ?? [];
  if (more.length > 0 || network?.NetworkInterfaceId !== undefined) {
    throw unsupported('more than one network interface, or one that was made before');
  }
  if (network !== undefined && (input.SubnetId !== undefined || (input.SecurityGroupIds ?? []).length > 0)) {
    throw invalidCombination(
      'Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request',
    );
  }
  const ids = network?.Groups ?? input.SecurityGroupIds ?? [];
  const named = [
    ...ids.map((id) => groupOf(call, id)),
    // Names are those of the default VPC's groups.
    ...(input.SecurityGroups ?? []).map((name) => groupByName(call, name)),
  ];
  return {
    // Terraform sends what is not set as an empty text.
    subnet: subnetFor(
      network?.SubnetId || input.SubnetId || undefined,
      input.Placement?.AvailabilityZone || undefined,
      call,
    ),
    groups: (named.length === 0 ? [defaultGroup(call)] : named).map(({ id }) => id),
    // Default subnets give public addresses unless told otherwise.
    publicAddress: network?.AssociatePublicIpAddress ?? true,
  };
}

function subnetFor(id: string | undefined, zone: string | undefined, call: Call): Subnet {
  const subnet =
    id === undefined ? subnetsOf(call).find((one) => zone === undefined || one.zone.name === zone) : subnetOf(call, id);
  if (subnet === undefined || (zone !== undefined && subnet.zone.name !== zone)) {
    throw invalidParameter(`Invalid availability zone: [${zone ?? ''}]`);
  }
  return subnet;
}

/** The root volume first, as the image has it unless the request says otherwise; then those the request adds. */
function volumesOf(mappings: readonly BlockDeviceMapping[], image: Image): readonly Omit<Volume, 'id'>[] {
  const root = mappings.find((one) => one.DeviceName === image.rootDevice);
  const others = mappings.filter((one) => one !== root && one.NoDevice === undefined && one.VirtualName === undefined);
  return [
    volumeOf(root ?? {}, image.rootDevice, image.gibibytes),
    ...others.map((one) => volumeOf(one, one.DeviceName ?? '', undefined)),
  ];
}

function volumeOf(mapping: BlockDeviceMapping, device: string, least: number | undefined): Omit<Volume, 'id'> {
  const ebs = mapping.Ebs ?? {};
  if (device === '') throw missingParameter('BlockDeviceMapping.DeviceName');
  return {
    device,
    ...diskOf({ ...ebs, VolumeType: ebs.VolumeType ?? (least === undefined ? 'gp2' : 'gp3') }, least),
    deleteOnTermination: ebs.DeleteOnTermination ?? least !== undefined,
  };
}

interface DiskRequest {
  readonly VolumeType?: string | undefined;
  readonly VolumeSize?: number | undefined;
  readonly Iops?: number | undefined;
  readonly Throughput?: number | undefined;
  readonly Encrypted?: boolean | undefined;
  readonly KmsKeyId?: string | undefined;
}

/** Least and most GiB by type: EBS user guide, "Amazon EBS volume types". */
const sizes: Readonly<Record<string, readonly [least: number, most: number]>> = {
  gp2: [1, 16_384],
  gp3: [1, 65_536],
  io1: [4, 16_384],
  io2: [4, 65_536],
  st1: [125, 16_384],
  sc1: [125, 16_384],
  standard: [1, 1024],
};

/** A disk as a request describes it; `least` is the size of the image it comes from. @throws InvalidParameterValue, MissingParameter 400 */
export function diskOf(wanted: DiskRequest, least?: number): Omit<Disk, 'id'> {
  const type = wanted.VolumeType ?? 'gp2';
  const gibibytes = wanted.VolumeSize ?? least;
  const limits = Object.hasOwn(sizes, type) ? sizes[type] : undefined;
  if (limits === undefined) throw invalidParameter(`Invalid volume type: ${type}`);
  if (gibibytes === undefined) throw missingParameter('size/snapshot');
  if (gibibytes < Math.max(least ?? 1, limits[0]) || gibibytes > limits[1]) {
    throw invalidParameter(`Volume of ${gibibytes}GiB is not valid: ${type} takes ${limits[0]} to ${limits[1]} GiB.`);
  }
  if ((type === 'io1' || type === 'io2') && wanted.Iops === undefined) {
    throw missingParameter(`iops for ${type} volumes`);
  }
  return {
    gibibytes,
    type,
    iops:
      wanted.Iops ??
      (type === 'gp3' ? 3000 : type === 'gp2' ? Math.min(16_000, Math.max(100, gibibytes * 3)) : undefined),
    throughput: wanted.Throughput ?? (type === 'gp3' ? 125 : undefined),
    encrypted: wanted.Encrypted ?? false,
    ...(wanted.KmsKeyId === undefined ? {} : { kmsKeyId: wanted.KmsKeyId }),
  };
}

type MetadataRequest = NonNullable<RunInstancesCommandInput['MetadataOptions']>;

/** Options changed by a request, over those that hold. @throws InvalidParameterValue 400 */
export function changedMetadata(before: MetadataOptions, wanted: MetadataRequest): MetadataOptions {
  const hopLimit = wanted.HttpPutResponseHopLimit ?? before.hopLimit;
  if (!Number.isInteger(hopLimit) || hopLimit < 1 || hopLimit > 64) {
    throw invalidParameter(
      `Value (${hopLimit}) for parameter HttpPutResponseHopLimit is invalid. Valid values are between 1 and 64.`,
    );
  }
  return {
    httpTokens: oneOf(wanted.HttpTokens, ['optional', 'required'], 'HttpTokens') ?? before.httpTokens,
    httpEndpoint: oneOf(wanted.HttpEndpoint, ['enabled', 'disabled'], 'HttpEndpoint') ?? before.httpEndpoint,
    hopLimit,
    ipv6: oneOf(wanted.HttpProtocolIpv6, ['enabled', 'disabled'], 'HttpProtocolIpv6') ?? before.ipv6,
    tags: oneOf(wanted.InstanceMetadataTags, ['enabled', 'disabled'], 'InstanceMetadataTags') ?? before.tags,
  };
}

function oneOf<Value extends string>(
  value: string | undefined,
  allowed: readonly Value[],
  name: string,
): Value | undefined {
  if (value === undefined) return undefined;
  const found = allowed.find((one) => one === value);
  if (found === undefined)
    throw invalidParameter(
      `Value (${value}) for parameter ${name} is invalid. Valid values are: ${allowed.join(', ')}.`,
    );
  return found;
}

/**
 * Each option as the launch says; else as the account's defaults say; else as the image does: one that supports
 * IMDSv2 sets `required` and two hops ("Order of precedence for instance metadata options").
 */
function metadataOf(wanted: MetadataRequest, image: Image, call: Call): MetadataOptions {
  return changedMetadata(
    {
      httpTokens: image.imdsV2 ? 'required' : 'optional',
      httpEndpoint: 'enabled',
      hopLimit: image.imdsV2 ? 2 : 1,
      ipv6: 'disabled',
      tags: 'disabled',
      ...metadataDefaultsOf(call),
    },
    wanted,
  );
}
