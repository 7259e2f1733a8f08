// The role of an instance, and its session as EC2 opens it: one for each version of the metadata service.
import { sessionFor, type RoleCredential, type SessionParts } from './service-session.ts';
import { instanceProfiles, roles, type InstanceProfile, type Role } from './services/iam/model.ts';
import { ec2Arn } from './services/ec2/ids.ts';
import type { Instance } from './services/ec2/model.ts';
import type { World } from './world.ts';

/** What the metadata services need of the embedded AWS around them. */
export interface MetadataParts extends SessionParts {
  readonly onDefect: (error: unknown) => void;
}

/** The version of the metadata service by which keys leave; policies can ask for it as `ec2:RoleDelivery`. */
export type Delivery = '1.0' | '2.0';

export interface InstanceRole {
  readonly profile: InstanceProfile;
  readonly role: Role;
}

/** The role an instance is now: undefined without a profile, and when profile or role are gone or empty. */
export function roleOf(instance: Instance, world: World): InstanceRole | undefined {
  const association = instance.profile;
  if (association === undefined) return undefined;
  const name = association.profileArn.slice(association.profileArn.lastIndexOf('/') + 1).toLowerCase();
  const profile = world.table(instanceProfiles).get(instance.account, name);
  // A namesake made later has another id, and AWS does not take it for the one that was attached.
  if (profile?.id !== association.profileId || profile.role === undefined) return undefined;
  const role = world.table(roles).get(instance.account, profile.role);
  return role === undefined ? undefined : { profile, role };
}

/** Credentials that last at least another hour; undefined when the role does not trust EC2. */
export function credentialOf(
  instance: Instance,
  { role }: InstanceRole,
  delivery: Delivery,
  parts: MetadataParts,
): Promise<RoleCredential | undefined> {
  const { account, region, id } = instance;
  const session = {
    key: `${account}/${region}/${id}${delivery === '1.0' ? '/1.0' : ''}`,
    role,
    account,
    service: `ec2.amazonaws.com${parts.world.partition === 'aws-cn' ? '.cn' : ''}`,
    sessionName: id,
    carried: { instanceId: id, originKeys: originKeys(instance, delivery, parts.world) },
  };
  return sessionFor(session, parts);
}

/** IAM user guide, "AWS global condition context keys", properties of the role session; EC2's own `ec2:SourceInstanceARN` and `ec2:RoleDelivery`. */
function originKeys(
  { account, region, id, network }: Instance,
  delivery: Delivery,
  { partition }: World,
): Record<string, string> {
  return {
    'ec2:RoleDelivery': delivery,
    'ec2:SourceInstanceARN': ec2Arn({ partition, region, account }, 'instance', id),
    ...(network === undefined
      ? {}
      : { 'aws:Ec2InstanceSourceVpc': network.vpcId, 'aws:Ec2InstanceSourcePrivateIPv4': network.privateIp }),
  };
}
