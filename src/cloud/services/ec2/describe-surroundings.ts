// Reading what is always there: regions, zones, the default network, images, instance types, account limits.
import type {
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesResult,
  DescribeAvailabilityZonesCommandInput,
  DescribeAvailabilityZonesResult,
  DescribeImagesCommandInput,
  DescribeImagesResult,
  DescribeInstanceTypesCommandInput,
  DescribeInstanceTypesResult,
  DescribeRegionsCommandInput,
  DescribeRegionsResult,
  DescribeSecurityGroupsCommandInput,
  DescribeSecurityGroupsResult,
  DescribeSubnetsCommandInput,
  DescribeSubnetsResult,
  DescribeVpcAttributeCommandInput,
  DescribeVpcAttributeResult,
  DescribeVpcsCommandInput,
  DescribeVpcsResult,
  Image as ImageShape,
  InstanceTypeInfo,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { derivedId, ec2Arn } from './ids.ts';
import { imageOf, seededImages, type Image } from './images.ts';
import { instanceType, instanceTypes, type InstanceType } from './instance-types.ts';
import {
  regionsOf,
  securityGroupOf,
  securityGroupsOf,
  subnetOf,
  subnetsOf,
  vpcCidr,
  vpcId,
  zonesOf,
} from './network.ts';
import { onEverything, onResource } from './permissions.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, tagsOf, visibleInstances } from './store.ts';

const noTags = (): Record<string, string> => ({});

export const DescribeRegions = dryRunnable<DescribeRegionsCommandInput, DescribeRegionsResult>({
  permissions: onEverything('DescribeRegions'),
  handle(input, call) {
    const all = regionsOf(call.partition);
    const missing = (input.RegionNames ?? []).filter((name) => !all.some((region) => region.name === name));
    if (missing.length > 0) throw invalidParameter(`Invalid region provided: ${missing.join(', ')}`);
    const endpoint = (name: string): string => `ec2.${name}.amazonaws.com${call.partition === 'aws-cn' ? '.cn' : ''}`;
    const status = (optIn: boolean): string => (optIn ? 'not-opted-in' : 'opt-in-not-required');
    const named = all.filter(
      ({ name, optIn }) => input.RegionNames?.includes(name) ?? (!optIn || input.AllRegions === true),
    );
    const found = filtered(named, input.Filters, {
      tags: noTags,
      fields: {
        'region-name': ({ name }) => name,
        endpoint: ({ name }) => endpoint(name),
        'opt-in-status': ({ optIn }) => status(optIn),
      },
    });
    return {
      Regions: found.map(({ name, optIn }) => ({
        RegionName: name,
        Endpoint: endpoint(name),
        OptInStatus: status(optIn),
      })),
    };
  },
});

export const DescribeAvailabilityZones = dryRunnable<
  DescribeAvailabilityZonesCommandInput,
  DescribeAvailabilityZonesResult
>({
  permissions: onEverything('DescribeAvailabilityZones'),
  handle(input, call) {
    const all = zonesOf(call.region);
    const names = input.ZoneNames ?? [];
    const missing = names.filter((name) => !all.some((zone) => zone.name === name));
    if (missing.length > 0) throw invalidParameter(`Invalid availability zone: [${missing.join(', ')}]`);
    const named = all.filter(
      ({ name, id }) =>
        (names.length === 0 || names.includes(name)) &&
        ((input.ZoneIds ?? []).length === 0 || input.ZoneIds!.includes(id)),
    );
    const found = filtered(named, input.Filters, {
      tags: noTags,
      fields: {
        'zone-name': ({ name }) => name,
        'zone-id': ({ id }) => id,
        'zone-type': () => 'availability-zone',
        'region-name': () => call.region,
        'group-name': () => call.region,
        state: () => 'available',
        'opt-in-status': () => 'opt-in-not-required',
      },
    });
    return {
      AvailabilityZones: found.map(({ name, id }) => ({
        ZoneName: name,
        ZoneId: id,
        ZoneType: 'availability-zone',
        RegionName: call.region,
        GroupName: call.region,
        NetworkBorderGroup: call.region,
        State: 'available',
        OptInStatus: 'opt-in-not-required',
        Messages: [],
      })),
    };
  },
});

export const DescribeAccountAttributes = dryRunnable<
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesResult
>({
  permissions: onEverything('DescribeAccountAttributes'),
  handle(input, call) {
    const values: Readonly<Record<string, string>> = {
      'supported-platforms': 'VPC',
      'default-vpc': vpcId(call),
      'max-instances': String(call.world.quotas.InstancesPerAccount),
      'vpc-max-security-groups-per-interface': '5',
      'max-elastic-ips': '5',
      'vpc-max-elastic-ips': '5',
    };
    const names: readonly string[] = input.AttributeNames ?? Object.keys(values);
    return {
      AccountAttributes: names
        .filter((name) => Object.hasOwn(values, name))
        .map((name) => ({ AttributeName: name, AttributeValues: [{ AttributeValue: values[name]! }] })),
    };
  },
});

function checkVpc(call: Call, id: string): void {
  if (id === vpcId(call)) return;
  throw awsFailure('InvalidVpcID.NotFound', `The vpc ID '${id}' does not exist`, { status: 400 });
}

export const DescribeVpcs = dryRunnable<DescribeVpcsCommandInput, DescribeVpcsResult>({
  permissions: onEverything('DescribeVpcs'),
  handle(input, call) {
    for (const id of input.VpcIds ?? []) checkVpc(call, id);
    const found = filtered([vpcId(call)], input.Filters, {
      tags: (id) => tagsOf(call, id),
      fields: {
        'vpc-id': (id) => id,
        cidr: () => vpcCidr,
        'cidr-block-association.cidr-block': () => vpcCidr,
        'is-default': () => 'true',
        isDefault: () => 'true',
        'owner-id': () => call.account,
        state: () => 'available',
        'dhcp-options-id': () => derivedId('dopt', call.account, call.region),
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      Vpcs: page.map((id) => ({
        VpcId: id,
        OwnerId: call.account,
        CidrBlock: vpcCidr,
        DhcpOptionsId: derivedId('dopt', call.account, call.region),
        InstanceTenancy: 'default',
        IsDefault: true,
        State: 'available',
        CidrBlockAssociationSet: [
          {
            AssociationId: derivedId('vpc-cidr-assoc', call.account, call.region),
            CidrBlock: vpcCidr,
            CidrBlockState: { State: 'associated' },
          },
        ],
        Tags: tagList(tagsOf(call, id)),
      })),
      ...next,
    };
  },
  depth: 'the default VPC of each account and region',
});

export const DescribeVpcAttribute = dryRunnable<DescribeVpcAttributeCommandInput, DescribeVpcAttributeResult>({
  permissions: (input, call) => [onResource(call, 'DescribeVpcAttribute', input.VpcId ?? '', {})],
  handle(input, call) {
    checkVpc(call, input.VpcId ?? '');
    const attributes: Readonly<Record<string, Partial<DescribeVpcAttributeResult>>> = {
      enableDnsSupport: { EnableDnsSupport: { Value: true } },
      enableDnsHostnames: { EnableDnsHostnames: { Value: true } },
      enableNetworkAddressUsageMetrics: { EnableNetworkAddressUsageMetrics: { Value: false } },
    };
    const attribute = attributes[input.Attribute ?? ''];
    if (attribute === undefined)
      throw invalidParameter(`Value (${input.Attribute ?? ''}) for parameter attribute is invalid.`);
    return { VpcId: input.VpcId, ...attribute };
  },
});

export const DescribeSubnets = dryRunnable<DescribeSubnetsCommandInput, DescribeSubnetsResult>({
  permissions: onEverything('DescribeSubnets'),
  handle(input, call) {
    const ids = input.SubnetIds ?? [];
    const all = ids.length === 0 ? subnetsOf(call) : ids.map((id) => subnetOf(call, id));
    const found = filtered(all, input.Filters, {
      tags: ({ id }) => tagsOf(call, id),
      fields: {
        'subnet-id': ({ id }) => id,
        'vpc-id': (subnet) => subnet.vpcId,
        'availability-zone': ({ zone }) => zone.name,
        availabilityZone: ({ zone }) => zone.name,
        'availability-zone-id': ({ zone }) => zone.id,
        'cidr-block': ({ cidr }) => cidr,
        'default-for-az': () => 'true',
        'map-public-ip-on-launch': () => 'true',
        'owner-id': () => call.account,
        state: () => 'available',
      },
    });
    const { page, ...next } = paged(found, input);
    const used = usedAddresses(call);
    return {
      Subnets: page.map((subnet) => ({
        SubnetId: subnet.id,
        SubnetArn: ec2Arn(call, 'subnet', subnet.id),
        VpcId: subnet.vpcId,
        AvailabilityZone: subnet.zone.name,
        AvailabilityZoneId: subnet.zone.id,
        CidrBlock: subnet.cidr,
        AvailableIpAddressCount: 4091 - (used.get(subnet.id) ?? 0),
        DefaultForAz: true,
        MapPublicIpOnLaunch: true,
        MapCustomerOwnedIpOnLaunch: false,
        AssignIpv6AddressOnCreation: false,
        EnableDns64: false,
        Ipv6Native: false,
        Ipv6CidrBlockAssociationSet: [],
        PrivateDnsNameOptionsOnLaunch: {
          HostnameType: 'ip-name',
          EnableResourceNameDnsARecord: false,
          EnableResourceNameDnsAAAARecord: false,
        },
        OwnerId: call.account,
        State: 'available',
        Tags: tagList(tagsOf(call, subnet.id)),
      })),
      ...next,
    };
  },
  depth: 'the default subnets',
});

function usedAddresses(call: Call): ReadonlyMap<string, number> {
  const used = new Map<string, number>();
  for (const { network } of visibleInstances(call)) {
    if (network !== undefined) used.set(network.subnetId, (used.get(network.subnetId) ?? 0) + 1);
  }
  return used;
}

export const DescribeSecurityGroups = dryRunnable<DescribeSecurityGroupsCommandInput, DescribeSecurityGroupsResult>({
  permissions: onEverything('DescribeSecurityGroups'),
  handle(input, call) {
    const wanted = [...(input.GroupIds ?? []), ...(input.GroupNames ?? [])];
    const all = wanted.length === 0 ? securityGroupsOf(call) : wanted.map((one) => securityGroupOf(call, one));
    const found = filtered(all, input.Filters, {
      tags: ({ id }) => tagsOf(call, id),
      fields: {
        'group-id': ({ id }) => id,
        'group-name': ({ name }) => name,
        'vpc-id': (group) => group.vpcId,
        description: ({ description }) => description,
        'owner-id': () => call.account,
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      SecurityGroups: page.map((group) => ({
        GroupId: group.id,
        GroupName: group.name,
        Description: group.description,
        OwnerId: call.account,
        VpcId: group.vpcId,
        SecurityGroupArn: ec2Arn(call, 'security-group', group.id),
        // The default group lets its own members in and everything out.
        IpPermissions: [
          {
            IpProtocol: '-1',
            UserIdGroupPairs: [{ GroupId: group.id, UserId: call.account }],
            IpRanges: [],
            Ipv6Ranges: [],
            PrefixListIds: [],
          },
        ],
        IpPermissionsEgress: [
          {
            IpProtocol: '-1',
            IpRanges: [{ CidrIp: '0.0.0.0/0' }],
            UserIdGroupPairs: [],
            Ipv6Ranges: [],
            PrefixListIds: [],
          },
        ],
        Tags: tagList(tagsOf(call, group.id)),
      })),
      ...next,
    };
  },
  depth: 'the default group',
});

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

export const DescribeInstanceTypes = dryRunnable<DescribeInstanceTypesCommandInput, DescribeInstanceTypesResult>({
  permissions: onEverything('DescribeInstanceTypes'),
  handle(input, call) {
    void call;
    const names: readonly string[] = input.InstanceTypes ?? [];
    const missing = names.filter((name) => instanceType(name) === undefined);
    if (missing.length > 0) {
      throw awsFailure(
        'InvalidInstanceType',
        `The following supplied instance types do not exist: [${missing.join(', ')}]`,
        { status: 400 },
      );
    }
    const all = names.length === 0 ? instanceTypes() : names.map((name) => instanceType(name)!);
    const found = filtered(all, input.Filters, {
      tags: noTags,
      fields: {
        'instance-type': ({ name }) => name,
        'current-generation': ({ current }) => String(current),
        'burstable-performance-supported': ({ burstable }) => String(burstable),
        'processor-info.supported-architecture': ({ architecture }) => architecture,
        'vcpu-info.default-vcpus': ({ vcpus }) => String(vcpus),
        'memory-info.size-in-mib': ({ mebibytes }) => String(mebibytes),
        hypervisor: ({ nitro }) => (nitro ? 'nitro' : 'xen'),
        'supported-virtualization-type': () => 'hvm',
        'supported-root-device-type': () => 'ebs',
        'supported-usage-class': () => 'on-demand',
        'bare-metal': () => 'false',
      },
    });
    const { page, ...next } = paged(found, input, { max: 100 });
    return { InstanceTypes: page.map(typeShape), ...next };
  },
  depth: 'the general families from t2 to r6g',
});

function typeShape(type: InstanceType): InstanceTypeInfo {
  const threads = type.architecture === 'x86_64' && type.nitro ? 2 : 1;
  return {
    InstanceType: type.name as NonNullable<InstanceTypeInfo['InstanceType']>,
    CurrentGeneration: type.current,
    FreeTierEligible: type.name === 't2.micro' || type.name === 't3.micro',
    SupportedUsageClasses: ['on-demand', 'spot'],
    SupportedRootDeviceTypes: ['ebs'],
    SupportedVirtualizationTypes: ['hvm'],
    BareMetal: false,
    Hypervisor: type.nitro ? 'nitro' : 'xen',
    ProcessorInfo: { SupportedArchitectures: [type.architecture] },
    VCpuInfo: {
      DefaultVCpus: type.vcpus,
      DefaultCores: Math.max(1, type.vcpus / threads),
      DefaultThreadsPerCore: threads,
    },
    MemoryInfo: { SizeInMiB: type.mebibytes },
    InstanceStorageSupported: false,
    EbsInfo: {
      EbsOptimizedSupport: type.nitro ? 'default' : 'unsupported',
      EncryptionSupport: 'supported',
      NvmeSupport: type.nitro ? 'required' : 'unsupported',
    },
    NetworkInfo: {
      MaximumNetworkInterfaces: 2,
      MaximumNetworkCards: 1,
      DefaultNetworkCardIndex: 0,
      Ipv4AddressesPerInterface: 4,
      EnaSupport: type.nitro ? 'required' : 'unsupported',
      Ipv6Supported: true,
    },
    PlacementGroupInfo: { SupportedStrategies: ['partition', 'spread'] },
    HibernationSupported: false,
    BurstablePerformanceSupported: type.burstable,
    DedicatedHostsSupported: false,
    AutoRecoverySupported: true,
    SupportedBootModes: type.nitro ? ['legacy-bios', 'uefi'] : ['legacy-bios'],
  };
}
