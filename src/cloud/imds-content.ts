// What an instance can read about itself, as a tree: a text is a file, an object a directory.
// Source: EC2 user guide, "Instance metadata categories" and "Instance identity documents".
import { isoSeconds } from '../base/index.ts';
import { credentialOf, roleOf, type Delivery, type MetadataParts } from './imds-credentials.ts';
import { instanceType } from './services/ec2/instance-types.ts';
import { tags, type Instance } from './services/ec2/model.ts';
import { privateDomain, publicDomain, subnetsOf, vpcCidr, zonesOf } from './services/ec2/network.ts';
import { findGroup } from './services/ec2/security-group-store.ts';
import type { World } from './world.ts';

/** `undefined` is a name that is not there. */
type Leaf = string | (() => Promise<string | undefined>) | undefined;
export interface Tree {
  readonly [name: string]: Leaf | Tree;
  /** What a directory says of itself where that is not its names. */
  readonly [listing]?: string;
}

const listing: unique symbol = Symbol('listing');

/** The tree below a version (`/latest`), with what is true now. */
export function metadataOf(instance: Instance, delivery: Delivery, parts: MetadataParts): Tree {
  return {
    dynamic: {
      fws: { 'instance-monitoring': instance.monitoring ? 'enabled' : 'disabled' },
      'instance-identity': { document: identityDocument(instance) },
    },
    'meta-data': {
      'ami-id': instance.imageId,
      'ami-launch-index': String(instance.launchIndex),
      'ami-manifest-path': '(unknown)',
      'block-device-mapping': devicesOf(instance),
      hostname: privateName(instance),
      iam: iamOf(instance, delivery, parts),
      'identity-credentials': { ec2: { info: identityInfo(instance, parts) } },
      'instance-action': 'none',
      'instance-id': instance.id,
      'instance-life-cycle': 'on-demand',
      'instance-type': instance.type,
      ...addressesOf(instance, parts.world),
      placement: placementOf(instance),
      profile: 'default-hvm',
      'public-keys': publicKeysOf(instance),
      'reservation-id': instance.reservationId,
      'security-groups': groupsOf(instance, parts.world),
      services: {
        domain: `amazonaws.com${parts.world.partition === 'aws-cn' ? '.cn' : ''}`,
        partition: parts.world.partition,
      },
      system: instanceType(instance.type)?.nitro === false ? 'xen' : 'nitro',
      tags: instance.metadata.tags === 'enabled' ? { instance: tagsOf(instance, parts.world) } : undefined,
    },
    'user-data': instance.userData === undefined ? undefined : Buffer.from(instance.userData, 'base64').toString(),
  };
}

/** `ami` and `root` are the root device; other volumes are numbered. */
function devicesOf({ rootDevice, volumes }: Instance): Tree {
  const others = volumes.filter(({ device }) => device !== rootDevice);
  return {
    ami: rootDevice,
    ...Object.fromEntries(others.map(({ device }, index) => [`ebs${index + 1}`, device.replace('/dev/', '')])),
    root: rootDevice,
  };
}

/** The list names the key with its number (`0=my-key`); below stands only the number. Absent without a key. */
function publicKeysOf({ keyName, publicKey }: Instance): Tree | undefined {
  if (keyName === undefined || publicKey === undefined) return undefined;
  return { [listing]: `0=${keyName}`, '0': { 'openssh-key': `${publicKey} ${keyName}\n` } };
}

function identityInfo({ account }: Instance, { clock }: MetadataParts): string {
  return json({ Code: 'Success', LastUpdated: isoSeconds(clock.now()), AccountId: account });
}

function privateName({ network, region }: Instance): string | undefined {
  return network === undefined ? undefined : `ip-${network.privateIp.replaceAll('.', '-')}.${privateDomain(region)}`;
}

function publicName(ip: string, region: string): string {
  return `ec2-${ip.replaceAll('.', '-')}.${publicDomain(region)}`;
}

function addressesOf(instance: Instance, world: World): Tree {
  const { network, region } = instance;
  if (network === undefined) return {};
  const { publicIp } = network;
  return {
    'local-hostname': privateName(instance),
    'local-ipv4': network.privateIp,
    mac: network.mac,
    ...(publicIp === undefined ? {} : { 'public-hostname': publicName(publicIp, region), 'public-ipv4': publicIp }),
    network: {
      interfaces: {
        macs: {
          [network.mac]: {
            'device-number': '0',
            'interface-id': network.id,
            ...(publicIp === undefined
              ? {}
              : {
                  'ipv4-associations': { [publicIp]: network.privateIp },
                  'public-hostname': publicName(publicIp, region),
                  'public-ipv4s': publicIp,
                }),
            'local-hostname': privateName(instance),
            'local-ipv4s': network.privateIp,
            mac: network.mac,
            'owner-id': instance.account,
            'security-group-ids': network.groups.join('\n'),
            'security-groups': groupsOf(instance, world),
            'subnet-id': network.subnetId,
            'subnet-ipv4-cidr-block': subnetsOf(instance).find(({ id }) => id === network.subnetId)?.cidr,
            'vpc-id': network.vpcId,
            'vpc-ipv4-cidr-block': vpcCidr,
            'vpc-ipv4-cidr-blocks': vpcCidr,
          },
        },
      },
    },
  };
}

function placementOf({ zone, region }: Instance): Tree {
  return {
    'availability-zone': zone,
    'availability-zone-id': zonesOf(region).find(({ name }) => name === zone)?.id,
    region,
  };
}

function groupsOf({ network, account, region }: Instance, world: World): string {
  return (network?.groups ?? []).map((id) => findGroup({ account, region, world }, id)?.name ?? id).join('\n');
}

function tagsOf(instance: Instance, world: World): Tree {
  return world.table(tags).get(instance.account, `${instance.region}/${instance.id}`) ?? {};
}

/** Absent without a profile, and when the profile or its role are gone: AWS answers 404. */
function iamOf(instance: Instance, delivery: Delivery, parts: MetadataParts): Tree | undefined {
  const found = roleOf(instance, parts.world);
  if (found === undefined) return undefined;
  const { profile, role } = found;
  const LastUpdated = isoSeconds(parts.clock.now());
  return {
    info: json({ Code: 'Success', LastUpdated, InstanceProfileArn: profile.arn, InstanceProfileId: profile.id }),
    'security-credentials': {
      [role.name]: async () =>
        credentialsText(await credentialOf(instance, found, delivery, parts), role.name, LastUpdated),
    },
  };
}

function credentialsText(credential: Awaited<ReturnType<typeof credentialOf>>, roleName: string, now: string): string {
  if (credential === undefined) {
    return json({
      Code: 'AssumeRoleUnauthorizedAccess',
      Message: `EC2 cannot assume the role ${roleName}. Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.`,
      LastUpdated: now,
    });
  }
  // SECURITY: here the keys of the role leave, to whoever runs on the instance.
  return json({
    Code: 'Success',
    LastUpdated: isoSeconds(credential.session.issuedAt),
    Type: 'AWS-HMAC',
    AccessKeyId: credential.accessKeyId,
    SecretAccessKey: credential.secretAccessKey.reveal(),
    Token: credential.session.token.reveal(),
    Expiration: isoSeconds(credential.session.expiresAt),
  });
}

function identityDocument(instance: Instance): string {
  return json({
    accountId: instance.account,
    architecture: instanceType(instance.type)?.architecture ?? 'x86_64',
    availabilityZone: instance.zone,
    billingProducts: null,
    devpayProductCodes: null,
    marketplaceProductCodes: null,
    imageId: instance.imageId,
    instanceId: instance.id,
    instanceType: instance.type,
    kernelId: null,
    pendingTime: isoSeconds(instance.launchedAt),
    privateIp: instance.network?.privateIp ?? null,
    ramdiskId: null,
    region: instance.region,
    version: '2017-09-30',
  });
}

function json(value: object): string {
  return JSON.stringify(value, null, 2);
}

/** Listing of a directory: directories end in `/`. */
export function listingOf(tree: Tree): string {
  const own = tree[listing];
  if (own !== undefined) return own;
  return Object.keys(tree)
    .filter((name) => tree[name] !== undefined)
    .sort()
    .map((name) => (typeof tree[name] === 'object' ? `${name}/` : name))
    .join('\n');
}
