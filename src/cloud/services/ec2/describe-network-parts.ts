// Reading what lies around the default VPC: its main route table, internet gateway, network ACL and DHCP
// options, which every VPC has; and what nobody has made here, which is an empty list.
import type {
  DescribeAddressesAttributeCommandInput,
  DescribeAddressesAttributeResult,
  DescribeAddressesCommandInput,
  DescribeAddressesResult,
  DescribeDhcpOptionsCommandInput,
  DescribeDhcpOptionsResult,
  DescribeInternetGatewaysCommandInput,
  DescribeInternetGatewaysResult,
  DescribeNatGatewaysCommandInput,
  DescribeNatGatewaysResult,
  DescribeNetworkAclsCommandInput,
  DescribeNetworkAclsResult,
  DescribeRouteTablesCommandInput,
  DescribeRouteTablesResult,
  DescribeVpcEndpointsCommandInput,
  DescribeVpcEndpointsResult,
  NetworkAclEntry,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { filtered, paged } from './filters.ts';
import { derivedId } from './ids.ts';
import { privateDomain, subnetsOf, vpcCidr, vpcId } from './network.ts';
import { onEverything } from './permissions.ts';
import { tagList } from './shapes.ts';
import { dryRunnable, tagsOf } from './store.ts';

/** The one id of its kind, when it is asked for or nothing is. @throws `code` 400 for any other */
function only(own: string, asked: readonly string[] | undefined, code: string, noun: string): readonly string[] {
  const foreign = (asked ?? []).find((id) => id !== own);
  if (foreign !== undefined) throw awsFailure(code, `The ${noun} ID '${foreign}' does not exist`, { status: 400 });
  return [own];
}

const routeTableId = (call: Call): string => derivedId('rtb', call.account, call.region);
const gatewayId = (call: Call): string => derivedId('igw', call.account, call.region);

export const DescribeRouteTables = dryRunnable<DescribeRouteTablesCommandInput, DescribeRouteTablesResult>({
  permissions: onEverything('DescribeRouteTables'),
  handle(input, call) {
    const all = only(routeTableId(call), input.RouteTableIds, 'InvalidRouteTableID.NotFound', 'routeTable');
    const association = derivedId('rtbassoc', call.account, call.region);
    const found = filtered(all, input.Filters, {
      tags: (id) => tagsOf(call, id),
      fields: {
        'route-table-id': (id) => id,
        'vpc-id': () => vpcId(call),
        'owner-id': () => call.account,
        'association.main': () => 'true',
        'association.route-table-id': (id) => id,
        'association.route-table-association-id': () => association,
        // The main table serves subnets without naming them.
        'association.subnet-id': () => undefined,
        'association.gateway-id': () => undefined,
        'route.destination-cidr-block': () => [vpcCidr, '0.0.0.0/0'],
        'route.gateway-id': () => ['local', gatewayId(call)],
        'route.state': () => 'active',
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      RouteTables: page.map((id) => ({
        RouteTableId: id,
        VpcId: vpcId(call),
        OwnerId: call.account,
        Associations: [
          {
            Main: true,
            RouteTableAssociationId: association,
            RouteTableId: id,
            AssociationState: { State: 'associated' },
          },
        ],
        PropagatingVgws: [],
        Routes: [
          { DestinationCidrBlock: vpcCidr, GatewayId: 'local', Origin: 'CreateRouteTable', State: 'active' },
          { DestinationCidrBlock: '0.0.0.0/0', GatewayId: gatewayId(call), Origin: 'CreateRoute', State: 'active' },
        ],
        Tags: tagList(tagsOf(call, id)),
      })),
      ...next,
    };
  },
  depth: 'the main table of the default VPC',
});

export const DescribeInternetGateways = dryRunnable<
  DescribeInternetGatewaysCommandInput,
  DescribeInternetGatewaysResult
>({
  permissions: onEverything('DescribeInternetGateways'),
  handle(input, call) {
    const all = only(gatewayId(call), input.InternetGatewayIds, 'InvalidInternetGatewayID.NotFound', 'internetGateway');
    const found = filtered(all, input.Filters, {
      tags: (id) => tagsOf(call, id),
      fields: {
        'internet-gateway-id': (id) => id,
        'attachment.vpc-id': () => vpcId(call),
        'attachment.state': () => 'available',
        'owner-id': () => call.account,
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      InternetGateways: page.map((id) => ({
        InternetGatewayId: id,
        OwnerId: call.account,
        // AWS answers `available`, which the SDK's type does not know.
        Attachments: [{ VpcId: vpcId(call), State: 'available' as 'attached' }],
        Tags: tagList(tagsOf(call, id)),
      })),
      ...next,
    };
  },
  depth: 'the gateway of the default VPC',
});

const aclEntries: NetworkAclEntry[] = [true, false].flatMap((Egress) => [
  { Egress, CidrBlock: '0.0.0.0/0', Protocol: '-1', RuleAction: 'allow' as const, RuleNumber: 100 },
  { Egress, CidrBlock: '0.0.0.0/0', Protocol: '-1', RuleAction: 'deny' as const, RuleNumber: 32_767 },
]);

export const DescribeNetworkAcls = dryRunnable<DescribeNetworkAclsCommandInput, DescribeNetworkAclsResult>({
  permissions: onEverything('DescribeNetworkAcls'),
  handle(input, call) {
    const own = derivedId('acl', call.account, call.region);
    const all = only(own, input.NetworkAclIds, 'InvalidNetworkAclID.NotFound', 'networkAcl');
    const subnets = subnetsOf(call);
    const found = filtered(all, input.Filters, {
      tags: (id) => tagsOf(call, id),
      fields: {
        'network-acl-id': (id) => id,
        'association.network-acl-id': (id) => id,
        'association.subnet-id': () => subnets.map(({ id }) => id),
        'vpc-id': () => vpcId(call),
        default: () => 'true',
        'owner-id': () => call.account,
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      NetworkAcls: page.map((id) => ({
        NetworkAclId: id,
        VpcId: vpcId(call),
        IsDefault: true,
        OwnerId: call.account,
        Entries: aclEntries,
        Associations: subnets.map((subnet) => ({
          NetworkAclAssociationId: derivedId('aclassoc', call.account, subnet.id),
          NetworkAclId: id,
          SubnetId: subnet.id,
        })),
        Tags: tagList(tagsOf(call, id)),
      })),
      ...next,
    };
  },
  depth: 'the ACL of the default VPC',
});

export const DescribeDhcpOptions = dryRunnable<DescribeDhcpOptionsCommandInput, DescribeDhcpOptionsResult>({
  permissions: onEverything('DescribeDhcpOptions'),
  handle(input, call) {
    const own = derivedId('dopt', call.account, call.region);
    const all = only(own, input.DhcpOptionsIds, 'InvalidDhcpOptionID.NotFound', 'dhcpOption');
    const found = filtered(all, input.Filters, {
      tags: (id) => tagsOf(call, id),
      fields: {
        'dhcp-options-id': (id) => id,
        key: () => ['domain-name', 'domain-name-servers'],
        value: () => [privateDomain(call.region), 'AmazonProvidedDNS'],
        'owner-id': () => call.account,
      },
    });
    const { page, ...next } = paged(found, input);
    return {
      DhcpOptions: page.map((id) => ({
        DhcpOptionsId: id,
        OwnerId: call.account,
        DhcpConfigurations: [
          { Key: 'domain-name', Values: [{ Value: privateDomain(call.region) }] },
          { Key: 'domain-name-servers', Values: [{ Value: 'AmazonProvidedDNS' }] },
        ],
        Tags: tagList(tagsOf(call, id)),
      })),
      ...next,
    };
  },
  depth: 'the options of the default VPC',
});

export const DescribeAddresses = dryRunnable<DescribeAddressesCommandInput, DescribeAddressesResult>({
  permissions: onEverything('DescribeAddresses'),
  handle(input) {
    const [id] = input.AllocationIds ?? [];
    if (id !== undefined) {
      throw awsFailure('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`, { status: 400 });
    }
    const [address] = input.PublicIps ?? [];
    if (address !== undefined) {
      throw awsFailure('InvalidAddress.NotFound', `Address '${address}' not found.`, { status: 400 });
    }
    return { Addresses: [] };
  },
  depth: 'there are no elastic addresses',
});

export const DescribeAddressesAttribute = dryRunnable<
  DescribeAddressesAttributeCommandInput,
  DescribeAddressesAttributeResult
>({
  permissions: onEverything('DescribeAddressesAttribute'),
  handle(input) {
    const [id] = input.AllocationIds ?? [];
    if (id !== undefined) {
      throw awsFailure('InvalidAllocationID.NotFound', `The allocation ID '${id}' does not exist`, { status: 400 });
    }
    return { Addresses: [] };
  },
  depth: 'there are no elastic addresses',
});

export const DescribeNatGateways = dryRunnable<DescribeNatGatewaysCommandInput, DescribeNatGatewaysResult>({
  permissions: onEverything('DescribeNatGateways'),
  handle(input) {
    const [id] = input.NatGatewayIds ?? [];
    if (id !== undefined) {
      throw awsFailure('NatGatewayNotFound', `NAT gateway ${id} was not found`, { status: 400 });
    }
    return { NatGateways: [] };
  },
  depth: 'there are no NAT gateways',
});

export const DescribeVpcEndpoints = dryRunnable<DescribeVpcEndpointsCommandInput, DescribeVpcEndpointsResult>({
  permissions: onEverything('DescribeVpcEndpoints'),
  handle(input) {
    const [id] = input.VpcEndpointIds ?? [];
    if (id !== undefined) {
      throw awsFailure('InvalidVpcEndpointId.NotFound', `The Vpc Endpoint Id '${id}' does not exist`, { status: 400 });
    }
    return { VpcEndpoints: [] };
  },
  depth: 'there are no VPC endpoints',
});
