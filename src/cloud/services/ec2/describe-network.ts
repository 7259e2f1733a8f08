// Reading the default VPC and its subnets.
import type {
  DescribeSubnetsCommandInput,
  DescribeSubnetsResult,
  DescribeVpcAttributeCommandInput,
  DescribeVpcAttributeResult,
  DescribeVpcsCommandInput,
  DescribeVpcsResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidParameter } from './failures.ts';
import { filtered, paged } from './filters.ts';
import { derivedId, ec2Arn } from './ids.ts';
import { subnetOf, subnetsOf, vpcCidr, vpcId } from './network.ts';
import { onEverything, onResource } from './permissions.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, tagsOf, visibleInstances } from './store.ts';

/** @throws InvalidVpcID.NotFound 400 */
export function checkVpc(call: Call, id: string): void {
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
