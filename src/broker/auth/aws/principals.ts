// Asks IAM about principals: the unique id of one, which no other of the same name ever has, and the
// whole ARN with its path, which a session does not tell.
import type { Clock, Millis } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import type { Folder } from '../../engines/engine.ts';
import type { AuthClients } from './clients.ts';
import { matchesPattern, isPattern, parsePrincipal, canonicalArn, regionOf, type Principal } from './principal.ts';
import type { Role } from './role.ts';

/** Whose role it is that somebody wants to log in with. */
export interface Place {
  readonly mountId: string;
  readonly folder: Folder;
}

interface Known {
  readonly id: string;
  readonly arn: string;
}

/** Every login by a pattern would be a call to IAM, of which AWS allows few. */
const keptMillis: Millis = 3_600_000;
const keptEntries = 10_000;

export class Principals {
  readonly #clients: AuthClients;
  readonly #clock: Clock;
  readonly #arns = new Map<string, { readonly arn: string; readonly until: Millis }>();

  constructor(clients: AuthClients, clock: Clock) {
    this.#clients = clients;
    this.#clock = clock;
  }

  /** @throws Error, or what the SDK throws. */
  async uniqueId(place: Place, arn: string): Promise<string> {
    const principal = parsePrincipal(arn);
    if (principal.type === 'assumed-role') throw new Error(`unrecognized error type "${principal.type}"`);
    return (await this.#ask(place, principal)).id;
  }

  /**
   * Whether the role is bound to the caller: by unique id, by ARN where the role does not look at ids,
   * or by a pattern.
   * @throws Error, or what the SDK throws, when IAM has to be asked and does not tell.
   */
  async isBound(place: Place, role: Role, caller: Principal, uniqueId: string): Promise<boolean> {
    const { bound_iam_principal_arn: arns } = role.bounds;
    if (arns.length === 0 || role.principalIds.includes(uniqueId)) return true;
    if (!role.resolveIds && arns.includes(canonicalArn(caller))) return true;
    const patterns = arns.filter(isPattern);
    if (patterns.length === 0) return false;
    const arn = await this.#fullArn(place, caller, uniqueId);
    return patterns.some((pattern) => matchesPattern(pattern, arn));
  }

  async #fullArn(place: Place, caller: Principal, uniqueId: string): Promise<string> {
    const key = `${place.mountId}/${uniqueId}`;
    const known = this.#arns.get(key);
    if (known !== undefined && this.#clock.now() < known.until) return known.arn;
    const { id, arn } = await this.#ask(place, caller);
    // SECURITY: the name may by now be somebody else's.
    if (id !== uniqueId) throw new Error(`the id of ${canonicalArn(caller)} is not that of the caller`);
    this.#arns.delete(key);
    this.#arns.set(key, { arn, until: this.#clock.now() + keptMillis });
    if (this.#arns.size > keptEntries) this.#arns.delete(this.#arns.keys().next().value!);
    return arn;
  }

  async #ask(place: Place, asked: Principal): Promise<Known> {
    const known = await this.#find(place, asked);
    const { account } = parsePrincipal(known.arn);
    // SECURITY: without a role in that account our own was asked, where the name is somebody else's.
    if (account === asked.account) return known;
    throw new Error(
      `unable to fetch client for account ID "${asked.account}" -- default client is for account "${account}"`,
    );
  }

  async #find({ mountId, folder }: Place, { partition, account, type, name }: Principal): Promise<Known> {
    const iam = await this.#clients.iam({ mountId, folder, account, region: regionOf(partition) });
    const sdk = await iamSdk();
    if (type === 'user') {
      const { User } = await iam.send(new sdk.GetUserCommand({ UserName: name }));
      return { id: User!.UserId!, arn: User!.Arn! };
    }
    if (type === 'instance-profile') {
      const asked = new sdk.GetInstanceProfileCommand({ InstanceProfileName: name });
      const { InstanceProfile: found } = await iam.send(asked);
      return { id: found!.InstanceProfileId!, arn: found!.Arn! };
    }
    const { Role: found } = await iam.send(new sdk.GetRoleCommand({ RoleName: name }));
    return { id: found!.RoleId!, arn: found!.Arn! };
  }
}

/** What AWS or the network said, with AWS's code before it. */
export function awsText(error: unknown): string {
  const { name, message, $metadata, code } = error as Error & { code?: string; $metadata?: object };
  if (code === 'ERR_INVALID_CHAR') return 'the access key holds a character that cannot be sent';
  return $metadata === undefined ? message : `${name.replace(/Exception$/, '')}: ${message}`;
}
