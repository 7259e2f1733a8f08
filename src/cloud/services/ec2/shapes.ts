// Instances and their parts as EC2 prints them.
import type {
  IamInstanceProfileAssociation,
  Instance as InstanceShape,
  InstanceBlockDeviceMapping,
  InstanceMetadataOptionsResponse,
  InstanceNetworkInterface,
  InstanceState as StateShape,
  NetworkInterface as NetworkInterfaceShape,
  Reservation,
  Tag,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { imageOf } from './images.ts';
import { instanceType } from './instance-types.ts';
import type { Instance, NetworkInterface, Tags } from './model.ts';
import { privateDomain, publicDomain } from './network.ts';
import { findGroup } from './security-group-store.ts';
import { tagsOf } from './store.ts';

const stateCodes = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48, stopping: 64, stopped: 80 } as const;

export function stateShape(name: keyof typeof stateCodes): StateShape {
  return { Code: stateCodes[name], Name: name };
}

export function tagList(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** Empty tag sets are left out, as AWS does. */
export function tagMember<Name extends string>(name: Name, tags: Tags): Partial<Record<Name, Tag[]>> {
  const list = tagList(tags);
  return (list.length === 0 ? {} : { [name]: list }) as Partial<Record<Name, Tag[]>>;
}

export function groupNames(call: Call, ids: readonly string[]): { GroupId: string; GroupName: string }[] {
  return ids.map((id) => ({ GroupId: id, GroupName: findGroup(call, id)?.name ?? '' }));
}

function dnsName(ip: string, region: string): string {
  return `ip-${ip.replaceAll('.', '-')}.${privateDomain(region)}`;
}

function publicName(ip: string, region: string): string {
  return `ec2-${ip.replaceAll('.', '-')}.${publicDomain(region)}`;
}

function associationOf(network: NetworkInterface, region: string) {
  if (network.publicIp === undefined) return {};
  const { publicIp } = network;
  return { Association: { IpOwnerId: 'amazon', PublicDnsName: publicName(publicIp, region), PublicIp: publicIp } };
}

function addressesOf(network: NetworkInterface, region: string) {
  const PrivateDnsName = dnsName(network.privateIp, region);
  return {
    PrivateDnsName,
    PrivateIpAddress: network.privateIp,
    PrivateIpAddresses: [
      { Primary: true, PrivateDnsName, PrivateIpAddress: network.privateIp, ...associationOf(network, region) },
    ],
  };
}

function interfaceOf(call: Call, instance: Instance, network: NetworkInterface): InstanceNetworkInterface {
  return {
    ...associationOf(network, instance.region),
    ...addressesOf(network, instance.region),
    Attachment: {
      AttachTime: new Date(instance.createdAt),
      AttachmentId: network.attachmentId,
      DeleteOnTermination: true,
      DeviceIndex: 0,
      NetworkCardIndex: 0,
      Status: 'attached',
    },
    Description: '',
    Groups: groupNames(call, network.groups),
    Ipv6Addresses: [],
    MacAddress: network.mac,
    NetworkInterfaceId: network.id,
    OwnerId: instance.account,
    SourceDestCheck: network.sourceDestCheck,
    Status: 'in-use',
    SubnetId: network.subnetId,
    VpcId: network.vpcId,
    InterfaceType: 'interface',
  };
}

export function networkInterfaceShape(
  call: Call,
  instance: Instance,
  network: NetworkInterface,
): NetworkInterfaceShape {
  return {
    ...associationOf(network, instance.region),
    ...addressesOf(network, instance.region),
    Attachment: {
      AttachTime: new Date(instance.createdAt),
      AttachmentId: network.attachmentId,
      DeleteOnTermination: true,
      DeviceIndex: 0,
      NetworkCardIndex: 0,
      InstanceId: instance.id,
      InstanceOwnerId: instance.account,
      Status: 'attached',
    },
    AvailabilityZone: instance.zone,
    Description: '',
    Groups: groupNames(call, network.groups),
    InterfaceType: 'interface',
    Ipv6Addresses: [],
    MacAddress: network.mac,
    NetworkInterfaceId: network.id,
    OwnerId: instance.account,
    RequesterManaged: false,
    SourceDestCheck: network.sourceDestCheck,
    Status: 'in-use',
    TagSet: tagList(tagsOf(call, network.id)),
    SubnetId: network.subnetId,
    VpcId: network.vpcId,
  };
}

export function blockDevices(instance: Instance): InstanceBlockDeviceMapping[] {
  return instance.volumes.map((volume) => ({
    DeviceName: volume.device,
    Ebs: {
      AttachTime: new Date(volume.attachedAt ?? instance.createdAt),
      DeleteOnTermination: volume.deleteOnTermination,
      Status: 'attached',
      VolumeId: volume.id,
    },
  }));
}

export function metadataShape({ metadata }: Instance): InstanceMetadataOptionsResponse {
  return {
    State: 'applied',
    HttpTokens: metadata.httpTokens,
    HttpPutResponseHopLimit: metadata.hopLimit,
    HttpEndpoint: metadata.httpEndpoint,
    HttpProtocolIpv6: metadata.ipv6,
    InstanceMetadataTags: metadata.tags,
  };
}

export function associationShape(instance: Instance, state = 'associated'): IamInstanceProfileAssociation {
  const profile = instance.profile!;
  return {
    AssociationId: profile.id,
    InstanceId: instance.id,
    IamInstanceProfile: { Arn: profile.profileArn, Id: profile.profileId },
    State: state as NonNullable<IamInstanceProfileAssociation['State']>,
    Timestamp: new Date(profile.at),
  };
}

/** What a machine is made of; the same as long as it lives. */
function hardware(instance: Instance): Partial<InstanceShape> {
  const image = imageOf(instance.region, instance.imageId);
  const type = instanceType(instance.type);
  const cores = Math.max(1, (type?.vcpus ?? 1) / (type?.architecture === 'arm64' || type?.nitro === false ? 1 : 2));
  return {
    Architecture: image.architecture,
    EnaSupport: true,
    Hypervisor: 'xen',
    VirtualizationType: 'hvm',
    RootDeviceType: 'ebs',
    RootDeviceName: instance.rootDevice,
    CpuOptions: { CoreCount: cores, ThreadsPerCore: Math.max(1, (type?.vcpus ?? 1) / cores) },
    BootMode: 'uefi-preferred',
    CurrentInstanceBootMode: type?.nitro === false ? 'legacy-bios' : 'uefi',
    PlatformDetails: 'Linux/UNIX',
    UsageOperation: 'RunInstances',
  };
}

function endShape(instance: Instance): Partial<InstanceShape> {
  if (instance.endedAt === undefined || instance.state === 'running') return { StateTransitionReason: '' };
  const at = new Date(instance.endedAt)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z/, ' GMT');
  return {
    StateTransitionReason: `User initiated (${at})`,
    StateReason: {
      Code: 'Client.UserInitiatedShutdown',
      Message: 'Client.UserInitiatedShutdown: User initiated shutdown',
    },
  };
}

function networkMembers(call: Call, instance: Instance): Partial<InstanceShape> {
  const { network } = instance;
  if (network === undefined) {
    return { NetworkInterfaces: [], SecurityGroups: [], PrivateDnsName: '', PublicDnsName: '' };
  }
  const address = instance.state === 'running' ? network.publicIp : undefined;
  return {
    NetworkInterfaces: [interfaceOf(call, instance, network)],
    SecurityGroups: groupNames(call, network.groups),
    SourceDestCheck: network.sourceDestCheck,
    PrivateDnsName: dnsName(network.privateIp, instance.region),
    PrivateIpAddress: network.privateIp,
    PublicDnsName: address === undefined ? '' : publicName(address, instance.region),
    ...(address === undefined ? {} : { PublicIpAddress: address }),
    SubnetId: network.subnetId,
    VpcId: network.vpcId,
    PrivateDnsNameOptions: {
      HostnameType: 'ip-name',
      EnableResourceNameDnsARecord: false,
      EnableResourceNameDnsAAAARecord: false,
    },
  };
}

/** `state` is what is shown where it differs from what is stored: a launch answers `pending`. */
export function instanceShape(
  call: Call,
  instance: Instance,
  state: keyof typeof stateCodes = instance.state,
): InstanceShape {
  return {
    InstanceId: instance.id,
    ImageId: instance.imageId,
    ...(instance.keyName === undefined ? {} : { KeyName: instance.keyName }),
    InstanceType: instance.type as NonNullable<InstanceShape['InstanceType']>,
    State: stateShape(state),
    ...endShape(instance),
    ...hardware(instance),
    ...networkMembers(call, instance),
    AmiLaunchIndex: instance.launchIndex,
    LaunchTime: new Date(instance.launchedAt),
    UsageOperationUpdateTime: new Date(instance.createdAt),
    Placement: {
      AvailabilityZone: instance.zone,
      GroupName: '',
      Tenancy: instance.tenancy as 'default' | 'dedicated',
    },
    Monitoring: { State: instance.monitoring ? 'enabled' : 'disabled' },
    BlockDeviceMappings: blockDevices(instance),
    ...(instance.clientToken === undefined ? {} : { ClientToken: instance.clientToken }),
    EbsOptimized: instance.ebsOptimized,
    ...(instance.profile === undefined
      ? {}
      : { IamInstanceProfile: { Arn: instance.profile.profileArn, Id: instance.profile.profileId } }),
    CapacityReservationSpecification: { CapacityReservationPreference: 'open' },
    HibernationOptions: { Configured: false },
    EnclaveOptions: { Enabled: false },
    MetadataOptions: metadataShape(instance),
    MaintenanceOptions: { AutoRecovery: 'default' },
    ProductCodes: [],
    ...tagMember('Tags', tagsOf(call, instance.id)),
  };
}

/** One reservation: instances that one launch made. */
export function reservationShape(reservationId: string, account: string, shapes: InstanceShape[]): Reservation {
  return { ReservationId: reservationId, OwnerId: account, Groups: [], Instances: shapes };
}
