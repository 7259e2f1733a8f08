// RunInstances: what the launch touches must be allowed, then the instances run at once.
import type { Reservation, RunInstancesCommandInput } from '@aws-sdk/client-ec2';
import { operation, type Call, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { madeBefore, rememberToken } from './client-tokens.ts';
import { dryRun } from './failures.ts';
import { ec2Arn, newId } from './ids.ts';
import { planOf, type LaunchPlan } from './launch-plan.ts';
import { isOfTemplate, launchRequestOf, type LaunchRequest } from './launch-request.ts';
import { instances, terminated, type Instance, type NetworkInterface } from './model.ts';
import { findProfile, passRole, requestTags, resourceTags, tagOnCreate } from './permissions.ts';
import { newAssociation } from './profiles.ts';
import { instanceShape, reservationShape } from './shapes.ts';
import { instancesOf, putInstance, putTags, tagsOf } from './store.ts';
import { checkMetadataTags } from './tag-specifications.ts';

type Input = RunInstancesCommandInput;

export const RunInstances = operation<Input, Reservation>({
  permissions(input, call) {
    const request = launchRequestOf(input, call);
    return [
      ...launchPermissions(request, input, planOf(request.input, call), call),
      ...passRole(call, request.input.IamInstanceProfile, '*'),
    ];
  },
  handle(input, call) {
    const request = launchRequestOf(input, call);
    const plan = planOf(request.input, call);
    const known = madeBefore(input, call);
    if (known !== undefined) return answer(instancesOf(call, known), call);
    const profile = request.input.IamInstanceProfile;
    if (profile !== undefined) newAssociation(call, profile);
    const count = countOf(plan.count, call);
    if (input.DryRun === true) throw dryRun();
    const reservationId = newId(call.random, 'r');
    const made = Array.from({ length: count }, (_, index) => launch(request, plan, reservationId, index, call));
    rememberToken(
      input,
      made.map(({ id }) => id),
      call,
    );
    return answer(made, call);
  },
  depth:
    'on-demand Linux instances with one interface in the default network; any well-formed image id is taken as a public image',
});

function answer(made: readonly Instance[], call: Call): Reservation {
  const shapes = made.map((one) => instanceShape(call, one, one.state === 'running' ? 'pending' : one.state));
  return reservationShape(made[0]!.reservationId, call.account, shapes);
}

/** One question for each thing the launch makes or uses, and tag-on-create for each kind it tags. */
function launchPermissions(request: LaunchRequest, own: Input, plan: LaunchPlan, call: Call): readonly Permission[] {
  const { subnet, image, tags, keyPair } = plan;
  const { template } = request;
  const zone = { 'ec2:AvailabilityZone': subnet.zone.name, 'ec2:AvailabilityZoneId': subnet.zone.id };
  const vpc = { 'ec2:Vpc': ec2Arn(call, 'vpc', subnet.vpcId) };
  const templateArn = template === undefined ? undefined : ec2Arn(call, 'launch-template', template.id);
  const on = (kind: string, id: string, context: Permission['context'] = {}): Permission => ({
    action: 'ec2:RunInstances',
    resource: kind === 'image' ? `arn:${call.partition}:ec2:${call.region}::image/${id}` : ec2Arn(call, kind, id),
    context: {
      'ec2:Region': call.region,
      'ec2:LaunchTemplate': templateArn,
      'ec2:IsLaunchTemplateResource': String(isOfTemplate(request, own, kind)),
      ...(id === '*' ? {} : resourceTags(tagsOf(call, id))),
      ...context,
    },
  });
  return [
    on('instance', '*', { ...zone, ...instanceKeys(request.input, call), ...requestTags(tags.instance ?? {}) }),
    on('image', image.id, {
      'ec2:ImageID': image.id,
      'ec2:ImageType': 'machine',
      'ec2:Owner': image.ownerAlias ?? image.owner,
      'ec2:Public': 'true',
      'ec2:RootDeviceType': 'ebs',
    }),
    ...(keyPair === undefined
      ? []
      : [
          on('key-pair', keyPair.name, {
            'ec2:KeyPairName': keyPair.name,
            'ec2:KeyPairType': keyPair.type,
            ...resourceTags(tagsOf(call, keyPair.id)),
          }),
        ]),
    on('subnet', subnet.id, { ...zone, ...vpc, 'ec2:SubnetID': subnet.id }),
    ...plan.groups.map((id) => on('security-group', id, { ...vpc, 'ec2:SecurityGroupID': id })),
    on('network-interface', '*', {
      ...zone,
      ...vpc,
      'ec2:Subnet': ec2Arn(call, 'subnet', subnet.id),
      'ec2:AssociatePublicIpAddress': String(plan.publicAddress),
      ...requestTags(tags['network-interface'] ?? {}),
    }),
    ...plan.volumes.map((volume) =>
      on('volume', '*', { ...zone, ...volumeKeys(volume), ...requestTags(tags.volume ?? {}) }),
    ),
    ...(template === undefined ? [] : [on('launch-template', template.id)]),
    ...Object.entries(tags).flatMap(([kind, wanted]) => tagOnCreate(call, 'RunInstances', kind, wanted)),
  ];
}

/** Metadata options are keys only when the request names them, so a policy can demand that it does. */
function instanceKeys(
  { IamInstanceProfile: profile, MetadataOptions: metadata, ...input }: Input,
  call: Call,
): Permission['context'] {
  return {
    'ec2:InstanceType': input.InstanceType,
    'ec2:InstanceProfile': profile === undefined ? undefined : findProfile(call, profile)?.arn,
    'ec2:InstanceMarketType': 'on-demand',
    'ec2:RootDeviceType': 'ebs',
    'ec2:Tenancy': input.Placement?.Tenancy || 'default',
    'ec2:EbsOptimized': String(input.EbsOptimized ?? false),
    'ec2:MetadataHttpTokens': metadata?.HttpTokens,
    'ec2:MetadataHttpEndpoint': metadata?.HttpEndpoint,
    'ec2:MetadataHttpPutResponseHopLimit': text(metadata?.HttpPutResponseHopLimit),
    'ec2:InstanceMetadataTags': metadata?.InstanceMetadataTags,
  };
}

function volumeKeys(volume: LaunchPlan['volumes'][number]): Permission['context'] {
  return {
    'ec2:Encrypted': String(volume.encrypted),
    'ec2:VolumeSize': String(volume.gibibytes),
    'ec2:VolumeType': volume.type,
    'ec2:VolumeIops': text(volume.iops),
    'ec2:VolumeThroughput': text(volume.throughput),
  };
}

const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));

/** As many as are asked for at most and as there is room for. @throws InstanceLimitExceeded 400 when that is less than asked for at least */
function countOf({ least, most }: LaunchPlan['count'], call: Call): number {
  const limit = call.world.quotas.InstancesPerAccount;
  // Terminated instances are still seen for an hour, but take no room.
  const alive = call.world.table(instances).count(call.account) - call.world.table(terminated).count(call.account);
  if (alive + least <= limit) return Math.min(most, limit - alive);
  throw awsFailure(
    'InstanceLimitExceeded',
    `You have requested more instances (${alive + least}) than your current instance limit of ${limit} allows.`,
    { status: 400 },
  );
}

function launch(
  { input, template, version }: LaunchRequest,
  plan: LaunchPlan,
  reservationId: string,
  launchIndex: number,
  call: Call,
): Instance {
  const instance: Instance = {
    id: newId(call.random, 'i'),
    account: call.account,
    region: call.region,
    zone: plan.subnet.zone.name,
    reservationId,
    launchIndex,
    clientToken: input.ClientToken,
    imageId: plan.image.id,
    keyName: plan.keyPair?.name,
    publicKey: plan.keyPair?.publicKey,
    type: plan.type.name,
    state: 'running',
    createdAt: call.clock.now(),
    launchedAt: call.clock.now(),
    endedAt: undefined,
    profile: input.IamInstanceProfile === undefined ? undefined : newAssociation(call, input.IamInstanceProfile),
    metadata: plan.metadata,
    rootDevice: plan.image.rootDevice,
    volumes: plan.volumes.map((volume) => ({ ...volume, id: newId(call.random, 'vol') })),
    network: interfaceFor(input, plan, call),
    userData: input.UserData || undefined,
    disableApiTermination: input.DisableApiTermination ?? false,
    disableApiStop: input.DisableApiStop ?? false,
    shutdownBehavior: input.InstanceInitiatedShutdownBehavior ?? 'stop',
    ebsOptimized: input.EbsOptimized ?? false,
    monitoring: input.Monitoring?.Enabled ?? false,
    tenancy: input.Placement?.Tenancy || 'default',
    credits: creditsOf(input, plan),
  };
  putInstance(call, instance);
  if (instance.metadata.tags === 'enabled') checkMetadataTags(plan.tags.instance ?? {});
  putTags(call, instance.id, {
    ...plan.tags.instance,
    ...(template === undefined
      ? {}
      : { 'aws:ec2launchtemplate:id': template.id, 'aws:ec2launchtemplate:version': String(version) }),
  });
  putTags(call, instance.network!.id, plan.tags['network-interface'] ?? {});
  for (const volume of instance.volumes) putTags(call, volume.id, plan.tags.volume ?? {});
  return instance;
}

/** T2 starts `standard`, every later burstable family `unlimited`. */
function creditsOf(input: Input, { type }: LaunchPlan): string | undefined {
  if (!type.burstable) return undefined;
  return input.CreditSpecification?.CpuCredits ?? (type.name.startsWith('t2.') ? 'standard' : 'unlimited');
}

function interfaceFor(input: Input, plan: LaunchPlan, call: Call): NetworkInterface {
  const [first, second, ...bytes] = call.random.bytes(8) as unknown as readonly [number, number, ...number[]];
  const { subnet } = plan;
  // The first four hosts of a subnet and the last one are AWS's own.
  const host = 4 + (((first << 8) | second) % (4096 - 5));
  const address = `172.31.${subnet.firstThird + (host >> 8)}.${host & 255}`;
  return {
    id: newId(call.random, 'eni'),
    attachmentId: newId(call.random, 'eni-attach'),
    mac: ['0a', ...bytes.slice(0, 5).map((byte) => byte.toString(16).padStart(2, '0'))].join(':'),
    privateIp: input.NetworkInterfaces?.[0]?.PrivateIpAddress ?? input.PrivateIpAddress ?? address,
    // 203.0.113.0/24 is kept for documentation (RFC 5737): nobody is reached by accident.
    publicIp: plan.publicAddress ? `203.0.113.${1 + (bytes[5]! % 254)}` : undefined,
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    groups: plan.groups,
    sourceDestCheck: true,
  };
}
