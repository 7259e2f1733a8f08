// The credentials of an instance's role: minted as EC2 does it, kept until they near their end, renewed by the
// emulated clock.
import { isoSeconds, type Clock, type Random } from '../base/index.ts';
import { contextOf, evaluate, preparePrincipal } from '../policy/index.ts';
import type { Credential, Session } from './credential.ts';
import { makeSession } from './services/iam/credentials.ts';
import { compiledDocument } from './services/iam/documents.ts';
import { rcpsOf } from './services/iam/lookup.ts';
import { credentials, instanceProfiles, roles, type InstanceProfile, type Role } from './services/iam/model.ts';
import { ec2Arn } from './services/ec2/ids.ts';
import type { Instance } from './services/ec2/model.ts';
import type { State } from './state.ts';
import { tableName, type World } from './world.ts';

/** What the metadata services need of the embedded AWS around them. */
export interface MetadataParts {
  readonly state: State;
  readonly world: World;
  /** Emulated time. */
  readonly clock: Clock;
  readonly random: Random;
  readonly onDefect: (error: unknown) => void;
}

const lifetimeSeconds = 6 * 60 * 60;
/** Clients refresh up to twenty minutes ahead; what they then get must be new. */
const renewBefore = 60 * 60 * 1000;

interface Minted {
  readonly accessKeyId: string;
  readonly roleId: string;
  /** Of the instance before this one, as long as they last. */
  readonly older: readonly string[];
}

/** The version of the metadata service by which keys leave; policies can ask for it as `ec2:RoleDelivery`. */
export type Delivery = '1.0' | '2.0';

/** Account `''`; id: `ACCOUNT/REGION/i-…`, and `/1.0` for those given by version 1 → the credentials it was given last. */
const minted = tableName<Minted>('ec2.metadata-credentials');

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

/** Whether the role's trust policy lets EC2 become it, as it would be asked of STS. */
function trustsEc2(role: Role, account: string, world: World, clock: Clock): boolean {
  const service = `ec2.amazonaws.com${world.partition === 'aws-cn' ? '.cn' : ''}`;
  const decision = evaluate({
    principal: { type: 'Service', service },
    policies: preparePrincipal({ identity: [], scps: [] }),
    action: 'sts:assumerole',
    resource: {
      arn: role.arn,
      account,
      policy: {
        kind: 'trust',
        attached: { policy: compiledDocument(role, role.trust, 'trust'), name: role.name, attachedTo: role.arn },
      },
      rcps: rcpsOf(account, world),
    },
    context: contextOf({
      'aws:PrincipalIsAWSService': true,
      'aws:PrincipalServiceName': service,
      'aws:CurrentTime': isoSeconds(clock.now()),
      'aws:EpochTime': Math.floor(clock.now() / 1000),
      'aws:SecureTransport': true,
    }),
  });
  return decision.decision === 'allow';
}

type RoleCredential = Credential & { readonly session: Session };

/** Credentials that last at least another hour; undefined when the role does not trust EC2. */
export async function credentialOf(
  instance: Instance,
  { role }: InstanceRole,
  delivery: Delivery,
  parts: MetadataParts,
): Promise<RoleCredential | undefined> {
  const { state, world, clock } = parts;
  if (!trustsEc2(role, instance.account, world, clock)) return undefined;
  return (
    current(instance, role, delivery, parts) ??
    (await state.transaction(() => current(instance, role, delivery, parts) ?? mint(instance, role, delivery, parts)))
  );
}

const keyOf = (instance: Instance, delivery: Delivery): string =>
  `${instance.account}/${instance.region}/${instance.id}${delivery === '1.0' ? '/1.0' : ''}`;

function current(
  instance: Instance,
  role: Role,
  delivery: Delivery,
  { world, clock }: MetadataParts,
): RoleCredential | undefined {
  const known = world.table(minted).get('', keyOf(instance, delivery));
  const credential = known?.roleId === role.id ? world.table(credentials).get('', known.accessKeyId) : undefined;
  if (credential?.session === undefined) return undefined;
  const { issuedAt, expiresAt } = credential.session;
  const now = clock.now();
  return issuedAt <= now && now < expiresAt - renewBefore ? (credential as RoleCredential) : undefined;
}

function mint(
  instance: Instance,
  role: Role,
  delivery: Delivery,
  { world, clock, random }: MetadataParts,
): RoleCredential {
  const credential = makeSession(
    { world, clock, random, account: instance.account },
    { kind: 'role', roleId: role.id, sessionName: instance.id },
    lifetimeSeconds,
    { tags: [], transitiveTagKeys: [], instanceId: instance.id, originKeys: originKeys(instance, delivery, world) },
  );
  const table = world.table(minted);
  const before = table.get('', keyOf(instance, delivery));
  const older = before === undefined ? [] : [...before.older, before.accessKeyId];
  table.put('', keyOf(instance, delivery), {
    accessKeyId: credential.accessKeyId,
    roleId: role.id,
    older: older.filter((id) => stillLasts(id, world, clock)),
  });
  return credential;
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

/** Older credentials stay good until they expire, and are dropped then. */
function stillLasts(accessKeyId: string, world: World, clock: Clock): boolean {
  const session = world.table(credentials).get('', accessKeyId)?.session;
  if (session !== undefined && session.expiresAt > clock.now()) return true;
  world.table(credentials).delete('', accessKeyId);
  return false;
}
