// A launch request with its launch template filled in: what the request names wins, part by part.
// Source: EC2 user guide, "Launch EC2 instances using a launch template"; RunInstances: "Any additional
// parameters that you specify for the new instance overwrite the corresponding parameters included in the
// launch template".
import type {
  BlockDeviceMapping,
  RequestLaunchTemplateData,
  RunInstancesCommandInput,
  TagSpecification,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { templateOf, versionOf, type LaunchTemplate } from './launch-template-store.ts';

export interface LaunchRequest {
  /** As if everything had been said in the request; without the template. */
  readonly input: RunInstancesCommandInput;
  readonly template?: LaunchTemplate | undefined;
  /** Number of the template's version. */
  readonly version?: number | undefined;
}

/** @throws as `templateOf` and `versionOf` */
export function launchRequestOf(input: RunInstancesCommandInput, call: Call): LaunchRequest {
  const { LaunchTemplate: named, ...own } = input;
  if (named === undefined) return { input };
  const template = templateOf(call, named);
  const version = versionOf(call, template, named.Version || '$Default');
  return { input: merged(own, version.data), template, version: version.number };
}

type Own = Omit<RunInstancesCommandInput, 'LaunchTemplate'>;

function merged(own: Own, data: RequestLaunchTemplateData): RunInstancesCommandInput {
  const { RamDiskId, ElasticGpuSpecifications, InstanceRequirements: _requirements, ...same } = data;
  const template = {
    ...same,
    ...(RamDiskId === undefined ? {} : { RamdiskId: RamDiskId }),
    ...(ElasticGpuSpecifications === undefined ? {} : { ElasticGpuSpecification: ElasticGpuSpecifications }),
  } as Partial<RunInstancesCommandInput>;
  // Terraform sends what is not set as an empty text.
  const given = Object.fromEntries(
    Object.entries(own).filter(([, value]) => value !== undefined && value !== ''),
  ) as unknown as Own;
  return {
    ...withoutOverridden(template, own),
    ...given,
    ...structures(template, own),
    ...optional('BlockDeviceMappings', mergedDevices(template.BlockDeviceMappings, own.BlockDeviceMappings)),
    ...optional('TagSpecifications', mergedTags(template.TagSpecifications, own.TagSpecifications)),
  };
}

function optional<Name extends string, Value>(name: Name, list: Value[]): Partial<Record<Name, Value[]>> {
  return list.length === 0 ? {} : ({ [name]: list } as Record<Name, Value[]>);
}

/** Subnet and groups of the request take the place of the template's interface, and the other way round. */
function withoutOverridden(template: Partial<RunInstancesCommandInput>, own: Own): Partial<RunInstancesCommandInput> {
  const { SubnetId, SecurityGroupIds, SecurityGroups, NetworkInterfaces, ...others } = template;
  const byInterface = own.NetworkInterfaces !== undefined;
  const byGroups = (own.SecurityGroupIds ?? own.SecurityGroups) !== undefined;
  const interfaces = own.SubnetId === undefined && !byGroups ? { NetworkInterfaces } : {};
  return Object.fromEntries(
    Object.entries({
      ...others,
      ...(byInterface ? {} : { SubnetId, ...(byGroups ? {} : { SecurityGroupIds, SecurityGroups }) }),
      ...interfaces,
    }).filter(([, value]) => value !== undefined),
  );
}

const structured = ['MetadataOptions', 'Placement', 'CreditSpecification', 'CpuOptions', 'Monitoring'] as const;

/** Members that are structures are merged member by member. */
function structures(template: Partial<RunInstancesCommandInput>, own: Own): object {
  return Object.fromEntries(
    structured.flatMap((name) => {
      const both = { ...template[name], ...own[name] };
      return Object.keys(both).length === 0 ? [] : [[name, both]];
    }),
  );
}

function mergedDevices(
  template: readonly BlockDeviceMapping[] = [],
  own: readonly BlockDeviceMapping[] = [],
): BlockDeviceMapping[] {
  const kept = template.filter(({ DeviceName }) => !own.some((one) => one.DeviceName === DeviceName));
  return [...kept, ...own];
}

/** Tags of both; of one key that of the request. */
function mergedTags(
  template: readonly TagSpecification[] = [],
  own: readonly TagSpecification[] = [],
): TagSpecification[] {
  const extra = template.filter(({ ResourceType }) => !own.some((one) => one.ResourceType === ResourceType));
  return [
    ...extra,
    ...own.map((specification) => {
      const inherited = template.find(({ ResourceType }) => ResourceType === specification.ResourceType)?.Tags ?? [];
      const keys = new Set((specification.Tags ?? []).map(({ Key }) => Key));
      return {
        ...specification,
        Tags: [...inherited.filter(({ Key }) => !keys.has(Key)), ...(specification.Tags ?? [])],
      };
    }),
  ];
}

/** Members of a request that name what a launch makes or uses, by the resource type of the permission. */
const overrides: Readonly<Record<string, readonly (keyof RunInstancesCommandInput)[]>> = {
  instance: [
    'InstanceType',
    'IamInstanceProfile',
    'MetadataOptions',
    'UserData',
    'EbsOptimized',
    'Placement',
    'CreditSpecification',
    'CpuOptions',
    'InstanceMarketOptions',
  ],
  image: ['ImageId'],
  'key-pair': ['KeyName'],
  subnet: ['SubnetId', 'NetworkInterfaces'],
  'network-interface': ['NetworkInterfaces'],
  'security-group': ['SecurityGroupIds', 'SecurityGroups', 'NetworkInterfaces'],
  volume: ['BlockDeviceMappings'],
};

/** `ec2:IsLaunchTemplateResource`: whether this kind of resource is as the template has it. */
export function isOfTemplate(request: LaunchRequest, own: RunInstancesCommandInput, kind: string): boolean {
  if (request.template === undefined) return false;
  return !(overrides[kind] ?? []).some((member) => own[member] !== undefined);
}
