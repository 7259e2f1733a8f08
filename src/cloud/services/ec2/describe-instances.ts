// Reading instances: the machines, their status, their volumes and interfaces.
import type {
  DescribeInstanceCreditSpecificationsCommandInput,
  DescribeInstanceCreditSpecificationsResult,
  DescribeInstancesCommandInput,
  DescribeInstancesResult,
  DescribeInstanceStatusCommandInput,
  DescribeInstanceStatusResult,
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesResult,
  Reservation,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { checkId } from './failures.ts';
import { checkNotPaged, filtered, paged, type Filterable } from './filters.ts';
import type { Instance, NetworkInterface } from './model.ts';
import { zonesOf } from './network.ts';
import { onEverything } from './permissions.ts';
import { groupNames, instanceShape, networkInterfaceShape, reservationShape, stateShape } from './shapes.ts';
import { dryRunnable, instanceOfPart, instancesOf, tagsOf, visibleInstances } from './store.ts';

function instanceFilters(call: Call): Filterable<Instance> {
  return {
    tags: (instance) => tagsOf(call, instance.id),
    fields: {
      'instance-id': ({ id }) => id,
      'instance-state-name': ({ state }) => state,
      'instance-state-code': ({ state }) => String(stateShape(state).Code),
      'instance-type': ({ type }) => type,
      'image-id': ({ imageId }) => imageId,
      'key-name': ({ keyName }) => keyName,
      'availability-zone': ({ zone }) => zone,
      'placement.availability-zone': ({ zone }) => zone,
      'vpc-id': ({ network }) => network?.vpcId,
      'subnet-id': ({ network }) => network?.subnetId,
      'private-ip-address': ({ network }) => network?.privateIp,
      'ip-address': ({ network }) => network?.publicIp,
      'network-interface.network-interface-id': ({ network }) => network?.id,
      'instance.group-id': ({ network }) => network?.groups,
      'group-id': ({ network }) => network?.groups,
      'instance.group-name': ({ network }) => groupNames(call, network?.groups ?? []).map(({ GroupName }) => GroupName),
      'group-name': ({ network }) => groupNames(call, network?.groups ?? []).map(({ GroupName }) => GroupName),
      'iam-instance-profile.arn': ({ profile }) => profile?.profileArn,
      'iam-instance-profile.id': ({ profile }) => profile?.profileId,
      'iam-instance-profile.name': ({ profile }) => profile?.profileArn.split('/').at(-1),
      'block-device-mapping.volume-id': ({ volumes }) => volumes.map(({ id }) => id),
      'block-device-mapping.device-name': ({ volumes }) => volumes.map(({ device }) => device),
      'client-token': ({ clientToken }) => clientToken,
      'owner-id': ({ account }) => account,
      'reservation-id': ({ reservationId }) => reservationId,
      'launch-index': ({ launchIndex }) => String(launchIndex),
      'launch-time': ({ launchedAt }) => new Date(launchedAt).toISOString(),
      'root-device-name': ({ rootDevice }) => rootDevice,
      'root-device-type': () => 'ebs',
      'monitoring-state': ({ monitoring }) => (monitoring ? 'enabled' : 'disabled'),
      'metadata-options.http-tokens': ({ metadata }) => metadata.httpTokens,
      'metadata-options.http-endpoint': ({ metadata }) => metadata.httpEndpoint,
      'metadata-options.http-put-response-hop-limit': ({ metadata }) => String(metadata.hopLimit),
      tenancy: ({ tenancy }) => tenancy,
    },
  };
}

/** Those with the ids, or all, through the filters. */
function found(
  input: {
    InstanceIds?: string[] | undefined;
    Filters?: { Name?: string | undefined; Values?: string[] | undefined }[] | undefined;
    MaxResults?: number | undefined;
  },
  call: Call,
): readonly Instance[] {
  const ids = input.InstanceIds ?? [];
  checkNotPaged(ids, input);
  const all = ids.length === 0 ? visibleInstances(call) : instancesOf(call, [...new Set(ids)]);
  return filtered(all, input.Filters, instanceFilters(call));
}

export const DescribeInstances = dryRunnable<DescribeInstancesCommandInput, DescribeInstancesResult>({
  permissions: onEverything('DescribeInstances'),
  handle(input, call) {
    const { page, ...next } = paged(found(input, call), input, { ids: input.InstanceIds });
    const byReservation = Map.groupBy(page, ({ reservationId }) => reservationId);
    const Reservations: Reservation[] = [];
    for (const [id, group] of byReservation) {
      Reservations.push(
        reservationShape(
          id,
          call.account,
          group.map((instance) => instanceShape(call, instance)),
        ),
      );
    }
    return { Reservations, ...next };
  },
});

const passed = { Status: 'ok' as const, Details: [{ Name: 'reachability' as const, Status: 'passed' as const }] };

export const DescribeInstanceStatus = dryRunnable<DescribeInstanceStatusCommandInput, DescribeInstanceStatusResult>({
  permissions: onEverything('DescribeInstanceStatus'),
  handle(input, call) {
    const all = found(input, call).filter(({ state }) => state === 'running' || input.IncludeAllInstances === true);
    const { page, ...next } = paged(all, input, { ids: input.InstanceIds });
    return {
      InstanceStatuses: page.map((instance) => {
        const status = instance.state === 'running' ? passed : { Status: 'not-applicable' as const };
        return {
          InstanceId: instance.id,
          AvailabilityZone: instance.zone,
          AvailabilityZoneId: zonesOf(instance.region).find(({ name }) => name === instance.zone)?.id,
          InstanceState: stateShape(instance.state),
          InstanceStatus: status,
          SystemStatus: status,
        };
      }),
      ...next,
    };
  },
});

export const DescribeInstanceCreditSpecifications = dryRunnable<
  DescribeInstanceCreditSpecificationsCommandInput,
  DescribeInstanceCreditSpecificationsResult
>({
  permissions: onEverything('DescribeInstanceCreditSpecifications'),
  handle(input, call) {
    const all = found(input, call).filter(({ credits, state }) => credits !== undefined && state !== 'terminated');
    const { page, ...next } = paged(all, input, { ids: input.InstanceIds });
    return {
      InstanceCreditSpecifications: page.map(({ id, credits }) => ({ InstanceId: id, CpuCredits: credits! })),
      ...next,
    };
  },
});

interface AttachedInterface {
  readonly instance: Instance;
  readonly network: NetworkInterface;
}

function interfacesOf(call: Call, ids: readonly string[]): readonly AttachedInterface[] {
  if (ids.length === 0) {
    return [...visibleInstances(call)].flatMap((instance) =>
      instance.network === undefined ? [] : [{ instance, network: instance.network }],
    );
  }
  return ids.map((id) => {
    checkId(id, 'eni', 'InvalidNetworkInterfaceId.Malformed');
    const instance = instanceOfPart(call, id);
    if (instance?.network?.id !== id) {
      throw awsFailure('InvalidNetworkInterfaceID.NotFound', `The networkInterface ID '${id}' does not exist`, {
        status: 400,
      });
    }
    return { instance, network: instance.network };
  });
}

export const DescribeNetworkInterfaces = dryRunnable<
  DescribeNetworkInterfacesCommandInput,
  DescribeNetworkInterfacesResult
>({
  permissions: onEverything('DescribeNetworkInterfaces'),
  handle(input, call) {
    const ids = input.NetworkInterfaceIds ?? [];
    const all = filtered(interfacesOf(call, ids), input.Filters, {
      tags: ({ network }) => tagsOf(call, network.id),
      fields: {
        'network-interface-id': ({ network }) => network.id,
        'attachment.instance-id': ({ instance }) => instance.id,
        'attachment.attachment-id': ({ network }) => network.attachmentId,
        'attachment.device-index': () => '0',
        'attachment.status': () => 'attached',
        'availability-zone': ({ instance }) => instance.zone,
        'group-id': ({ network }) => network.groups,
        'subnet-id': ({ network }) => network.subnetId,
        'vpc-id': ({ network }) => network.vpcId,
        'private-ip-address': ({ network }) => network.privateIp,
        'addresses.private-ip-address': ({ network }) => network.privateIp,
        'association.public-ip': ({ network }) => network.publicIp,
        'owner-id': ({ instance }) => instance.account,
        status: () => 'in-use',
      },
    });
    const { page, ...next } = paged(all, input, { ids });
    return {
      NetworkInterfaces: page.map(({ instance, network }) => networkInterfaceShape(call, instance, network)),
      ...next,
    };
  },
});
