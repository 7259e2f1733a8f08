// Reading regions, zones and limits of the account.
import type {
  DescribeAccountAttributesCommandInput,
  DescribeAccountAttributesResult,
  DescribeAvailabilityZonesCommandInput,
  DescribeAvailabilityZonesResult,
  DescribeRegionsCommandInput,
  DescribeRegionsResult,
} from '@aws-sdk/client-ec2';
import { invalidParameter } from './failures.ts';
import { filtered, noTags } from './filters.ts';
import { regionsOf, vpcId, zonesOf } from './network.ts';
import { onEverything } from './permissions.ts';
import { dryRunnable } from './store.ts';

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
