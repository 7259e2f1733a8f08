// What EC2 asks to be allowed: ARNs and condition keys of instances and of what a launch touches.
// Source: service authorization reference, "Actions, resources, and condition keys for Amazon EC2".
import type { Call, Permission } from '../../call.ts';
import { instanceProfiles, roles, type InstanceProfile, type Role } from '../iam/model.ts';
import { ec2Arn, typeOfId } from './ids.ts';
import type { Instance, Tags } from './model.ts';
import { vpcId } from './network.ts';
import { findInstance, instanceOfPart, tagsOf } from './store.ts';

type Context = Record<string, string | readonly string[] | undefined>;

/** For the Describe operations and others that name no resource. */
export function onEverything(action: string): (input: unknown, call: Call) => readonly Permission[] {
  return (_, call) => [{ action: `ec2:${action}`, resource: '*', context: { 'ec2:Region': call.region } }];
}

/** Tags of a resource under both names that policies use. */
export function resourceTags(tags: Tags): Context {
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`ec2:ResourceTag/${key}`, value],
    ]),
  );
}

/** The question that comes with tags at a creation: `ec2:CreateTags`, with the creating operation as `ec2:CreateAction`. */
export function tagOnCreate(
  call: Call,
  createAction: string,
  kind: string,
  tags: Tags,
  id = '*',
): readonly Permission[] {
  if (Object.keys(tags).length === 0) return [];
  return [
    {
      action: 'ec2:CreateTags',
      resource: ec2Arn(call, kind, id),
      resourceAccount: call.account,
      context: { 'ec2:Region': call.region, 'ec2:CreateAction': createAction, ...requestTags(tags) },
    },
  ];
}

/** `action` on what the request is about to make, and tag-on-create for its tags. */
export function onNew(
  call: Call,
  action: string,
  kind: string,
  tags: Tags,
  context: Context = {},
): readonly Permission[] {
  return [
    {
      action: `ec2:${action}`,
      resource: ec2Arn(call, kind, '*'),
      resourceAccount: call.account,
      context: { 'ec2:Region': call.region, ...context, ...requestTags(tags) },
    },
    ...tagOnCreate(call, action, kind, tags),
  ];
}

/** Tags that a request brings. */
export function requestTags(tags: Tags): Context {
  const keys = Object.keys(tags);
  if (keys.length === 0) return {};
  return {
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
    'aws:TagKeys': keys,
  };
}

function instanceContext(call: Call, instance: Instance): Context {
  return {
    'ec2:InstanceID': instance.id,
    'ec2:InstanceType': instance.type,
    'ec2:InstanceProfile': instance.profile?.profileArn,
    'ec2:AvailabilityZone': instance.zone,
    'ec2:EbsOptimized': String(instance.ebsOptimized),
    'ec2:Tenancy': instance.tenancy,
    'ec2:RootDeviceType': 'ebs',
    'ec2:MetadataHttpTokens': instance.metadata.httpTokens,
    'ec2:MetadataHttpEndpoint': instance.metadata.httpEndpoint,
    'ec2:MetadataHttpPutResponseHopLimit': String(instance.metadata.hopLimit),
    ...resourceTags(tagsOf(call, instance.id)),
  };
}

/** `action` on one instance; one that does not exist has an ARN but no attributes. */
export function onInstance(call: Call, action: string, id: string | undefined, context: Context = {}): Permission {
  const instance = findInstance(call, id ?? '');
  return {
    action: `ec2:${action}`,
    resource: ec2Arn(call, 'instance', id ?? ''),
    resourceAccount: call.account,
    context: {
      'ec2:Region': call.region,
      ...(instance === undefined ? {} : instanceContext(call, instance)),
      ...context,
    },
  };
}

/** Condition keys that hold the id of a resource, by its type. */
const idKeys: Readonly<Record<string, string>> = {
  volume: 'ec2:VolumeID',
  'network-interface': 'ec2:NetworkInterfaceID',
  vpc: 'ec2:VpcID',
  subnet: 'ec2:SubnetID',
  'security-group': 'ec2:SecurityGroupID',
  'route-table': 'ec2:RouteTableID',
  'network-acl': 'ec2:NetworkAclID',
  'internet-gateway': 'ec2:InternetGatewayID',
};
const inVpc: ReadonlySet<string> = new Set([
  'network-interface',
  'subnet',
  'security-group',
  'route-table',
  'network-acl',
]);

/** `action` on any resource with an id. */
export function onResource(call: Call, action: string, id: string, context: Context = {}): Permission {
  const type = typeOfId(id) ?? 'instance';
  if (type === 'instance') return onInstance(call, action, id, context);
  return onNamed(call, action, type, id, {
    ...(idKeys[type] === undefined ? {} : { [idKeys[type]]: id }),
    ...(inVpc.has(type) ? { 'ec2:Vpc': ec2Arn(call, 'vpc', vpcId(call)) } : {}),
    ...resourceTags(tagsOf(call, id)),
    ...context,
  });
}

/** `action` on a resource whose ARN ends in something else than an id with a prefix: a key pair's name. */
export function onNamed(call: Call, action: string, type: string, name: string, context: Context): Permission {
  return {
    action: `ec2:${action}`,
    resource: ec2Arn(call, type, name),
    resourceAccount: call.account,
    context: { 'ec2:Region': call.region, ...context },
  };
}

/** The permission for an operation that names an association of an instance. */
export function onAssociation(call: Call, action: string, association: string, context: Context = {}): Permission {
  return onInstance(call, action, instanceOfPart(call, association)?.id ?? '*', context);
}

export interface ProfileName {
  readonly Arn?: string | undefined;
  readonly Name?: string | undefined;
}

/** The caller's profile by ARN or name, as EC2 sees it; undefined when there is none. */
export function findProfile(call: Call, wanted: ProfileName): InstanceProfile | undefined {
  const name = wanted.Name ?? wanted.Arn?.slice(wanted.Arn.lastIndexOf('/') + 1) ?? '';
  const profile = call.world.seen.table(instanceProfiles).get(call.account, name.toLowerCase());
  return wanted.Arn === undefined || profile?.arn === wanted.Arn ? profile : undefined;
}

export function roleOfProfile(call: Call, profile: InstanceProfile): Role | undefined {
  return profile.role === undefined ? undefined : call.world.seen.table(roles).get(call.account, profile.role);
}

/**
 * Whoever gives an instance a profile passes its role to EC2: `iam:PassRole`. A profile without a role, or
 * none, passes nothing.
 */
export function passRole(call: Call, wanted: ProfileName | undefined, instanceId: string): readonly Permission[] {
  const profile = wanted === undefined ? undefined : findProfile(call, wanted);
  const role = profile === undefined ? undefined : roleOfProfile(call, profile);
  if (role === undefined) return [];
  const tags = Object.fromEntries(
    role.tags.flatMap(({ Key, Value }) => [
      [`aws:ResourceTag/${Key}`, Value],
      [`iam:ResourceTag/${Key}`, Value],
    ]),
  );
  return [
    {
      action: 'iam:PassRole',
      resource: role.arn,
      resourceAccount: call.account,
      context: {
        'iam:PassedToService': 'ec2.amazonaws.com',
        'iam:AssociatedResourceArn': ec2Arn(call, 'instance', instanceId),
        ...tags,
      },
    },
  ];
}
