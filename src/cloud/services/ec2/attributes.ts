// Attributes of one instance, read and changed; metadata options among them.
import type {
  DescribeInstanceAttributeCommandInput,
  InstanceAttribute,
  InstanceBlockDeviceMappingSpecification,
  ModifyInstanceAttributeCommandInput,
  ModifyInstanceCreditSpecificationCommandInput,
  ModifyInstanceCreditSpecificationResult,
  ModifyInstanceMetadataOptionsCommandInput,
  ModifyInstanceMetadataOptionsResult,
} from '@aws-sdk/client-ec2';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { invalidCombination, invalidParameter, missingParameter } from './failures.ts';
import { instanceType } from './instance-types.ts';
import { changedMetadata } from './launch-plan.ts';
import type { Instance } from './model.ts';
import { onInstance } from './permissions.ts';
import { groupOf } from './security-group-store.ts';
import { blockDevices, groupNames, metadataShape } from './shapes.ts';
import { dryRunnable, findInstance, instanceOf, putInstance, tagsOf } from './store.ts';
import { checkMetadataTags } from './tag-specifications.ts';

type Reader = (instance: Instance, call: Call) => Partial<InstanceAttribute>;

const value = (text: string | undefined) => (text === undefined ? {} : { Value: text });

const readers: Readonly<Record<string, Reader>> = {
  instanceType: ({ type }) => ({ InstanceType: value(type) }),
  userData: ({ userData }) => ({ UserData: value(userData) }),
  disableApiTermination: (instance) => ({ DisableApiTermination: { Value: instance.disableApiTermination } }),
  disableApiStop: (instance) => ({ DisableApiStop: { Value: instance.disableApiStop } }),
  instanceInitiatedShutdownBehavior: (instance) => ({
    InstanceInitiatedShutdownBehavior: value(instance.shutdownBehavior),
  }),
  rootDeviceName: ({ rootDevice }) => ({ RootDeviceName: value(rootDevice) }),
  blockDeviceMapping: (instance) => ({ BlockDeviceMappings: blockDevices(instance) }),
  sourceDestCheck: ({ network }) => ({ SourceDestCheck: { Value: network?.sourceDestCheck ?? true } }),
  groupSet: ({ network }, call) => ({ Groups: groupNames(call, network?.groups ?? []) }),
  ebsOptimized: ({ ebsOptimized }) => ({ EbsOptimized: { Value: ebsOptimized } }),
  enaSupport: () => ({ EnaSupport: { Value: true } }),
  enclaveOptions: () => ({ EnclaveOptions: { Enabled: false } }),
  sriovNetSupport: () => ({ SriovNetSupport: {} }),
  productCodes: () => ({ ProductCodes: [] }),
  kernel: () => ({ KernelId: {} }),
  ramdisk: () => ({ RamdiskId: {} }),
};

export const DescribeInstanceAttribute = dryRunnable<DescribeInstanceAttributeCommandInput, InstanceAttribute>({
  permissions: (input, call) => [
    onInstance(call, 'DescribeInstanceAttribute', input.InstanceId, { 'ec2:Attribute': input.Attribute }),
  ],
  handle(input, call) {
    const instance = instanceOf(call, input.InstanceId);
    if (input.Attribute === undefined) throw missingParameter('Attribute');
    const read = Object.hasOwn(readers, input.Attribute) ? readers[input.Attribute] : undefined;
    if (read === undefined)
      throw invalidParameter(`Value (${input.Attribute}) for parameter attribute is invalid. Unknown attribute.`);
    return { InstanceId: instance.id, ...read(instance, call) };
  },
});

type Changer = (instance: Instance, value: string, call: Call) => Instance;

function stoppedOnly(instance: Instance, attribute: string): void {
  if (instance.state === 'stopped') return;
  throw awsFailure(
    'IncorrectInstanceState',
    `The instance '${instance.id}' is not in the 'stopped' state. The '${attribute}' attribute can only be modified while it is stopped.`,
    { status: 400 },
  );
}

function flag(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw invalidParameter(`Value (${text}) is invalid. Expected a boolean.`);
  return text === 'true';
}

const changers: Readonly<Record<string, Changer>> = {
  instanceType(instance, text) {
    stoppedOnly(instance, 'instanceType');
    const type = instanceType(text);
    if (type === undefined) throw invalidParameter(`Invalid value '${text}' for InstanceType.`);
    const start = text.startsWith('t2.') ? 'standard' : 'unlimited';
    return { ...instance, type: text, credits: type.burstable ? (instance.credits ?? start) : undefined };
  },
  userData(instance, text) {
    stoppedOnly(instance, 'userData');
    return { ...instance, userData: text };
  },
  disableApiTermination: (instance, text) => ({ ...instance, disableApiTermination: flag(text) }),
  disableApiStop: (instance, text) => ({ ...instance, disableApiStop: flag(text) }),
  instanceInitiatedShutdownBehavior(instance, text) {
    if (text !== 'stop' && text !== 'terminate') {
      throw invalidParameter(
        `Value (${text}) for parameter instanceInitiatedShutdownBehavior is invalid. Expected 'stop' or 'terminate'.`,
      );
    }
    return { ...instance, shutdownBehavior: text };
  },
  ebsOptimized(instance, text) {
    stoppedOnly(instance, 'ebsOptimized');
    return { ...instance, ebsOptimized: flag(text) };
  },
  sourceDestCheck: (instance, text) =>
    instance.network === undefined
      ? instance
      : { ...instance, network: { ...instance.network, sourceDestCheck: flag(text) } },
  groupSet(instance, text, call) {
    const groups = text.split(',').map((id) => groupOf(call, id).id);
    return instance.network === undefined ? instance : { ...instance, network: { ...instance.network, groups } };
  },
};

/** The changes of a request: each by its own member, or by `Attribute` and `Value`. */
function givenChanges(input: ModifyInstanceAttributeCommandInput): readonly (readonly [string, string])[] {
  const raw = input.UserData?.Value;
  const changes: readonly (readonly [string, string | boolean | undefined])[] = [
    [input.Attribute ?? '', input.Value],
    ['instanceType', input.InstanceType?.Value],
    ['userData', raw === undefined ? undefined : Buffer.from(raw).toString('base64')],
    ['disableApiTermination', input.DisableApiTermination?.Value],
    ['disableApiStop', input.DisableApiStop?.Value],
    ['instanceInitiatedShutdownBehavior', input.InstanceInitiatedShutdownBehavior?.Value],
    ['ebsOptimized', input.EbsOptimized?.Value],
    ['sourceDestCheck', input.SourceDestCheck?.Value],
    ['groupSet', (input.Groups ?? []).length > 0 ? input.Groups!.join(',') : undefined],
  ];
  return changes.flatMap(([attribute, one]) => (one === undefined ? [] : [[attribute, String(one)] as const]));
}

/** AWS takes one change at a time. */
function wantedChange(input: ModifyInstanceAttributeCommandInput): readonly [attribute: string, value: string] {
  const given = givenChanges(input);
  if (given.length > 1) throw invalidCombination('Fields for multiple attribute types specified');
  const [first] = given;
  if (first === undefined) throw invalidCombination('No attributes specified.');
  return first;
}

/** Of a device only whether its volume goes with the instance can be changed. @throws InvalidInstanceAttributeValue 400 */
function withDevices(instance: Instance, mappings: readonly InstanceBlockDeviceMappingSpecification[]): Instance {
  const unknown = mappings.find(({ DeviceName }) => !instance.volumes.some(({ device }) => device === DeviceName));
  if (unknown !== undefined) {
    throw awsFailure('InvalidInstanceAttributeValue', `No device is currently mapped at ${unknown.DeviceName ?? ''}`, {
      status: 400,
    });
  }
  const volumes = instance.volumes.map((volume) => {
    const wanted = mappings.find(({ DeviceName }) => DeviceName === volume.device)?.Ebs?.DeleteOnTermination;
    return wanted === undefined ? volume : { ...volume, deleteOnTermination: wanted };
  });
  return { ...instance, volumes };
}

/** `ec2:Attribute` and `ec2:Attribute/Name`, whichever way the request names the attribute. */
function attributeKeys(input: ModifyInstanceAttributeCommandInput): Readonly<Record<string, string>> {
  const keys: Record<string, string> = {};
  for (const [attribute, text] of givenChanges(input)) {
    const name = `${attribute.slice(0, 1).toUpperCase()}${attribute.slice(1)}`;
    keys['ec2:Attribute'] = name;
    keys[`ec2:Attribute/${name}`] = text;
  }
  return keys;
}

export const ModifyInstanceAttribute = dryRunnable<ModifyInstanceAttributeCommandInput, object>({
  permissions: (input, call) => [onInstance(call, 'ModifyInstanceAttribute', input.InstanceId, attributeKeys(input))],
  handle(input, call) {
    const instance = instanceOf(call, input.InstanceId);
    if ((input.BlockDeviceMappings ?? []).length > 0) {
      if (givenChanges(input).length > 0) throw invalidCombination('Fields for multiple attribute types specified');
      putInstance(call, withDevices(instance, input.BlockDeviceMappings!));
      return {};
    }
    const [attribute, text] = wantedChange(input);
    const change = Object.hasOwn(changers, attribute) ? changers[attribute] : undefined;
    if (change === undefined)
      throw invalidParameter(`Value (${attribute}) for parameter attribute is invalid. Unknown attribute.`);
    if (instance.state === 'terminated') {
      throw awsFailure('IncorrectInstanceState', `The instance '${instance.id}' is terminated.`, { status: 400 });
    }
    putInstance(call, change(instance, text, call));
    return {};
  },
});

export const ModifyInstanceMetadataOptions = dryRunnable<
  ModifyInstanceMetadataOptionsCommandInput,
  ModifyInstanceMetadataOptionsResult
>({
  permissions: (input, call) => [
    onInstance(call, 'ModifyInstanceMetadataOptions', input.InstanceId, {
      'ec2:Attribute/HttpTokens': input.HttpTokens,
      'ec2:Attribute/HttpEndpoint': input.HttpEndpoint,
      'ec2:Attribute/HttpPutResponseHopLimit':
        input.HttpPutResponseHopLimit === undefined ? undefined : String(input.HttpPutResponseHopLimit),
    }),
  ],
  handle(input, call) {
    const instance = instanceOf(call, input.InstanceId);
    if (instance.state === 'terminated') {
      throw awsFailure('IncorrectInstanceState', `The instance '${instance.id}' is terminated.`, { status: 400 });
    }
    const changed = { ...instance, metadata: changedMetadata(instance.metadata, input) };
    if (changed.metadata.tags === 'enabled') checkMetadataTags(tagsOf(call, instance.id));
    putInstance(call, changed);
    return { InstanceId: instance.id, InstanceMetadataOptions: { ...metadataShape(changed), State: 'pending' } };
  },
  depth: 'acts at once; the hop limit is kept and shown',
});

export const ModifyInstanceCreditSpecification = dryRunnable<
  ModifyInstanceCreditSpecificationCommandInput,
  ModifyInstanceCreditSpecificationResult
>({
  permissions: (input, call) =>
    (input.InstanceCreditSpecifications ?? []).map(({ InstanceId }) =>
      onInstance(call, 'ModifyInstanceCreditSpecification', InstanceId),
    ),
  handle(input, call) {
    const wanted = input.InstanceCreditSpecifications ?? [];
    if (wanted.length === 0) throw missingParameter('InstanceCreditSpecification');
    const done: string[] = [];
    const failed: NonNullable<ModifyInstanceCreditSpecificationResult['UnsuccessfulInstanceCreditSpecifications']> = [];
    for (const { InstanceId: id = '', CpuCredits: credits = '' } of wanted) {
      if (credits !== 'standard' && credits !== 'unlimited') {
        throw invalidParameter(`Value (${credits}) for parameter CpuCredits is invalid.`);
      }
      const instance = findInstance(call, id);
      const problem = creditProblem(instance, id);
      if (problem === undefined) {
        putInstance(call, { ...instance!, credits });
        done.push(id);
      } else failed.push({ InstanceId: id, Error: problem });
    }
    return {
      SuccessfulInstanceCreditSpecifications: done.map((id) => ({ InstanceId: id })),
      UnsuccessfulInstanceCreditSpecifications: failed,
    };
  },
});

function creditProblem(instance: Instance | undefined, id: string) {
  if (instance === undefined) {
    return { Code: 'InvalidInstanceID.NotFound' as const, Message: `The instance ID '${id}' does not exist` };
  }
  if (instance.credits === undefined) {
    return {
      Code: 'InstanceCreditSpecification.NotSupported' as const,
      Message: `The instance '${id}' does not support credit specification.`,
    };
  }
  if (instance.state !== 'terminated') return undefined;
  return {
    Code: 'IncorrectInstanceState' as const,
    Message: `The instance '${id}' is not in a valid state for this operation.`,
  };
}
