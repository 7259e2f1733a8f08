// Roles with `inferred_entity_type=ec2_instance`: a session of an instance profile is named after its
// instance, so that the caller can be held to be one. EC2 is asked whether it runs and is what the role asks for.
import type { Instance } from '@aws-sdk/client-ec2';
import { iamSdk } from '../../aws-sdk.ts';
import { renewalRefused } from '../logins.ts';
import type { EngineCall } from '../../engines/engine.ts';
import type { AuthClients } from './clients.ts';
import { matchesPattern, parsePrincipal, type Principal } from './principal.ts';
import { awsText, type Place } from './principals.ts';
import type { Role } from './role.ts';
import { refused } from './signed-request.ts';

export class Instances {
  readonly #clients: AuthClients;

  constructor(clients: AuthClients) {
    this.#clients = clients;
  }

  /**
   * The id of the instance that calls; empty when the role does not ask for one.
   * @throws Failure `login-refused` when there is no such instance, or it is not what the role asks for.
   */
  async inferred({ mount, folder }: EngineCall, roleName: string, role: Role, caller: Principal): Promise<string> {
    if (role.inferredType === '') return '';
    const { session: id, account } = caller;
    const place = { mountId: mount.id, folder };
    const instance = await this.#running(place, id, role.inferredRegion, account).catch((error: unknown) => {
      throw refused(
        `failed to verify ${id} as a valid EC2 instance in region ${role.inferredRegion}: ${awsText(error)}`,
        'the keys of `config/client` need `ec2:DescribeInstances`',
      );
    });
    const problem =
      instanceProblem(role, roleName, instance, account) ??
      (await this.#profileProblem(place, role, roleName, instance, account));
    if (problem !== undefined) throw refused(`error validating instance: ${problem}`);
    return id;
  }

  /** @throws Failure `renewal-refused` when the instance of the login runs no more. */
  async stillRuns(place: Place, role: Role, login: Readonly<Record<string, string>>): Promise<void> {
    if (role.inferredType === '') return;
    const { inferred_entity_id: id = '', inferred_aws_region: region = '', account_id: account = '' } = login;
    if (id === '') throw renewalRefused('"inferred_entity_id" not found in auth metadata');
    await this.#running(place, id, region, account).catch((error: unknown) => {
      throw renewalRefused(`failed to verify instance ID "${id}": ${awsText(error)}`);
    });
  }

  async #running({ mountId, folder }: Place, id: string, region: string, account: string): Promise<Instance> {
    if (!/^i-[0-9a-f]{8,17}$/.test(id)) throw new Error('the session is not named after an instance');
    const ec2 = await this.#clients.ec2({ mountId, folder, account, region });
    const { DescribeInstancesCommand } = await import('@aws-sdk/client-ec2');
    const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ InstanceIds: [id] }));
    const [reservation] = Reservations;
    const [instance] = reservation?.Instances ?? [];
    if (instance === undefined || instance.InstanceId !== id) throw new Error('no instance details found');
    // SECURITY: anybody may name a session of his own account after an instance of ours.
    if (reservation?.OwnerId !== account) {
      throw new Error(
        `unable to fetch client for account ID "${account}" -- default client is for account "${reservation?.OwnerId}"`,
      );
    }
    if (instance.State?.Name !== 'running') throw new Error("instance is not in 'running' state");
    return instance;
  }

  async #profileProblem(
    { mountId, folder }: Place,
    role: Role,
    roleName: string,
    instance: Instance,
    account: string,
  ): Promise<string | undefined> {
    const { bound_iam_role_arn: arns } = role.bounds;
    if (arns.length === 0) return undefined;
    const profile = instance.IamInstanceProfile?.Arn;
    if (profile === undefined) return 'IAM instance profile in the instance description is nil';
    const iam = await this.#clients.iam({ mountId, folder, account, region: role.inferredRegion });
    const { GetInstanceProfileCommand } = await iamSdk();
    const asked = new GetInstanceProfileCommand({ InstanceProfileName: parsePrincipal(profile).name });
    const answer = await iam.send(asked).catch((error: unknown) => {
      throw refused(`error validating instance: IAM role ARN could not be fetched: ${awsText(error)}`);
    });
    const arn = answer.InstanceProfile?.Roles?.[0]?.Arn ?? '';
    return arns.some((pattern) => matchesPattern(pattern, arn))
      ? undefined
      : `IAM role ARN "${arn}" does not satisfy the constraint role "${roleName}"`;
  }
}

/** Why the instance is not one that the role asks for; undefined when it is. Pure. */
function instanceProblem(role: Role, roleName: string, instance: Instance, account: string): string | undefined {
  const { bounds } = role;
  const profile = instance.IamInstanceProfile?.Arn ?? '';
  const isOne = (allowed: readonly string[], value: string | undefined): boolean =>
    allowed.length === 0 || allowed.includes(value ?? '');
  if (!isOne(bounds.bound_ec2_instance_id, instance.InstanceId)) {
    return `instance ID "${instance.InstanceId}" does not belong to the role "${roleName}"`;
  }
  if (!isOne(bounds.bound_account_id, account)) return `account ID "${account}" does not belong to role "${roleName}"`;
  if (!isOne(bounds.bound_ami_id, instance.ImageId)) {
    return `AMI ID "${instance.ImageId}" does not belong to role "${roleName}"`;
  }
  if (!isOne(bounds.bound_subnet_id, instance.SubnetId)) {
    return `subnet ID "${instance.SubnetId}" does not satisfy the constraint on role "${roleName}"`;
  }
  if (!isOne(bounds.bound_vpc_id, instance.VpcId)) {
    return `VPC ID "${instance.VpcId}" does not satisfy the constraint on role "${roleName}"`;
  }
  const profiles = bounds.bound_iam_instance_profile_arn;
  if (profiles.length > 0 && !profiles.some((pattern) => matchesPattern(pattern, profile))) {
    return `IAM instance profile ARN "${profile}" does not satisfy the constraint role "${roleName}"`;
  }
  return undefined;
}
