// Reading instance types and where they are offered.
import type {
  DescribeInstanceTypeOfferingsCommandInput,
  DescribeInstanceTypeOfferingsResult,
  DescribeInstanceTypesCommandInput,
  DescribeInstanceTypesResult,
  InstanceTypeInfo,
} from '@aws-sdk/client-ec2';
import { awsFailure } from '../../failures.ts';
import { filtered, noTags, paged } from './filters.ts';
import { instanceType, instanceTypes, type InstanceType } from './instance-types.ts';
import { zonesOf } from './network.ts';
import { onEverything } from './permissions.ts';
import { dryRunnable } from './store.ts';

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

export const DescribeInstanceTypeOfferings = dryRunnable<
  DescribeInstanceTypeOfferingsCommandInput,
  DescribeInstanceTypeOfferingsResult
>({
  permissions: onEverything('DescribeInstanceTypeOfferings'),
  handle(input, call) {
    const kind = input.LocationType ?? 'region';
    const zones = zonesOf(call.region);
    const places =
      kind === 'region' ? [call.region] : zones.map(({ name, id }) => (kind === 'availability-zone-id' ? id : name));
    const all = instanceTypes().flatMap(({ name }) => places.map((location) => ({ name, location })));
    const found = filtered(all, input.Filters, {
      tags: noTags,
      fields: { 'instance-type': ({ name }) => name, location: ({ location }) => location },
    });
    const { page, ...next } = paged(found, input);
    return {
      InstanceTypeOfferings: page.map(({ name, location }) => ({
        InstanceType: name as NonNullable<InstanceTypeInfo['InstanceType']>,
        LocationType: kind,
        Location: location,
      })),
      ...next,
    };
  },
  depth: 'every type in every zone',
});
