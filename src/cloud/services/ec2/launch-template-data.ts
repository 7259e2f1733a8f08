// Reading what launch templates say, and what a template of a running instance would say.
import type {
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsResult,
  GetLaunchTemplateDataCommandInput,
  GetLaunchTemplateDataResult,
  ResponseLaunchTemplateData,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { invalidCombination, missingParameter } from './failures.ts';
import { filtered, noTags, paged } from './filters.ts';
import {
  findVersion,
  templateOf,
  templatesOf,
  versionNumber,
  versionOf,
  versionsOf,
  type LaunchTemplate,
  type TemplateVersion,
} from './launch-template-store.ts';
import { versionShape } from './launch-templates.ts';
import type { Instance } from './model.ts';
import { onEverything } from './permissions.ts';
import { metadataShape, tagList } from './shapes.ts';
import { dryRunnable, instanceOf, tagsOf } from './store.ts';

interface Numbered {
  readonly template: LaunchTemplate;
  readonly version: TemplateVersion;
}

/** Of one template any versions; of all templates only the default and the latest ones. */
function wantedVersions(input: DescribeLaunchTemplateVersionsCommandInput, call: Call): readonly Numbered[] {
  const wanted = input.Versions ?? [];
  if (input.LaunchTemplateId === undefined && input.LaunchTemplateName === undefined) {
    if (wanted.length === 0) throw missingParameter('LaunchTemplateId');
    if (wanted.some((one) => one !== '$Latest' && one !== '$Default')) {
      throw invalidCombination('A launch template ID or name is required when a version number is specified.');
    }
    return [...templatesOf(call)].flatMap((template) =>
      wanted.map((one) => ({ template, version: versionOf(call, template, one) })),
    );
  }
  const template = templateOf(call, input);
  if (wanted.length > 0) {
    const numbers = [...new Set(wanted.map((one) => versionNumber(call, template, one)))];
    // A number that is not there is left out of a list; alone it is refused.
    if (wanted.length === 1) return [{ template, version: versionOf(call, template, wanted[0]!) }];
    return numbers.flatMap((number) => {
      const version = Number.isNaN(number) ? undefined : findVersion(call, template, number);
      return version === undefined ? [] : [{ template, version }];
    });
  }
  const { MinVersion: least, MaxVersion: most } = input;
  return versionsOf(call, template)
    .filter(({ number }) => number >= Number(least ?? 0) && number <= Number(most ?? Infinity))
    .map((version) => ({ template, version }));
}

export const DescribeLaunchTemplateVersions = dryRunnable<
  DescribeLaunchTemplateVersionsCommandInput,
  DescribeLaunchTemplateVersionsResult
>({
  permissions: onEverything('DescribeLaunchTemplateVersions'),
  handle(input, call) {
    const found = filtered(wantedVersions(input, call), input.Filters, {
      tags: noTags,
      fields: {
        'create-time': ({ version }) => new Date(version.createdAt).toISOString(),
        'ebs-optimized': ({ version }) => String(version.data.EbsOptimized ?? false),
        'iam-instance-profile': ({ version }) =>
          version.data.IamInstanceProfile?.Arn ?? version.data.IamInstanceProfile?.Name,
        'image-id': ({ version }) => version.data.ImageId,
        'instance-type': ({ version }) => version.data.InstanceType,
        'is-default-version': ({ template, version }) => String(version.number === template.defaultVersion),
        'http-tokens': ({ version }) => version.data.MetadataOptions?.HttpTokens,
        'http-endpoint': ({ version }) => version.data.MetadataOptions?.HttpEndpoint,
        'network-interface-id': () => undefined,
      },
    });
    const { page, ...next } = paged(found, input, { min: 1, max: 200 });
    return {
      LaunchTemplateVersions: page.map(({ template, version }) => versionShape(template, version)),
      ...next,
    };
  },
});

export const GetLaunchTemplateData = dryRunnable<GetLaunchTemplateDataCommandInput, GetLaunchTemplateDataResult>({
  permissions: onEverything('GetLaunchTemplateData'),
  handle: (input, call) => ({ LaunchTemplateData: dataOf(call, instanceOf(call, input.InstanceId)) }),
});

function dataOf(call: Call, instance: Instance): ResponseLaunchTemplateData {
  const { network } = instance;
  const tags = tagList(tagsOf(call, instance.id)).filter(({ Key }) => Key?.startsWith('aws:') !== true);
  const { State: _state, ...MetadataOptions } = metadataShape(instance);
  return {
    ImageId: instance.imageId,
    InstanceType: instance.type as NonNullable<ResponseLaunchTemplateData['InstanceType']>,
    ...(instance.keyName === undefined ? {} : { KeyName: instance.keyName }),
    EbsOptimized: instance.ebsOptimized,
    ...(instance.profile === undefined ? {} : { IamInstanceProfile: { Arn: instance.profile.profileArn } }),
    BlockDeviceMappings: instance.volumes.map((volume) => ({
      DeviceName: volume.device,
      Ebs: {
        DeleteOnTermination: volume.deleteOnTermination,
        Encrypted: volume.encrypted,
        VolumeSize: volume.gibibytes,
        VolumeType: volume.type as 'gp3',
        ...(volume.iops === undefined ? {} : { Iops: volume.iops }),
        ...(volume.throughput === undefined ? {} : { Throughput: volume.throughput }),
      },
    })),
    NetworkInterfaces:
      network === undefined
        ? []
        : [
            {
              AssociatePublicIpAddress: network.publicIp !== undefined,
              DeleteOnTermination: true,
              Description: '',
              DeviceIndex: 0,
              Groups: [...network.groups],
              InterfaceType: 'interface',
              Ipv6Addresses: [],
              PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: network.privateIp }],
              SubnetId: network.subnetId,
              NetworkCardIndex: 0,
            },
          ],
    Monitoring: { Enabled: instance.monitoring },
    Placement: { AvailabilityZone: instance.zone, GroupName: '', Tenancy: instance.tenancy as 'default' },
    DisableApiTermination: instance.disableApiTermination,
    DisableApiStop: instance.disableApiStop,
    InstanceInitiatedShutdownBehavior: instance.shutdownBehavior,
    ...(instance.userData === undefined ? {} : { UserData: instance.userData }),
    ...(tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'instance', Tags: tags }] }),
    ...(instance.credits === undefined ? {} : { CreditSpecification: { CpuCredits: instance.credits } }),
    CapacityReservationSpecification: { CapacityReservationPreference: 'open' },
    HibernationOptions: { Configured: false },
    EnclaveOptions: { Enabled: false },
    MetadataOptions,
    MaintenanceOptions: { AutoRecovery: 'default' },
  };
}
