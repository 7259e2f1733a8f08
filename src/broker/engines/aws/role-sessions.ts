// Sessions of roles that can be ended before their time: decides at the grant whether the engine can,
// and at the end writes the deny policy and tries the session until AWS refuses it.
import type { Clock, Random } from '../../../base/index.ts';
import { iamSdk } from '../../aws-sdk.ts';
import { brokerFailure } from '../../failures.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Lease, Mount } from '../../model.ts';
import type { Folder, Removal } from '../engine.ts';
import { awsCode, awsFailure } from './aws-errors.ts';
import type { AwsClients } from './clients.ts';
import type { DenyRecord } from './deny-record.ts';
import type { EffectiveOptions } from './options.ts';
import { policyName, recordKey, RoleDenies, roleName, type DeniedRole } from './role-denies.ts';
import { denyEntryOf, probeSession, UntrustedIdentities } from './session-end.ts';

/** Clients that act in the mount's own account, for the empty name, or in one of `config/accounts`. */
export type ClientsOf = (mountId: string, folder: Folder, account: string) => Promise<AwsClients>;

/** How sessions of a role of AWS end. */
export interface SessionEnding {
  readonly strength: 'denies' | 'expires';
  /** Why they do not end before their time though they are meant to; undefined when they do. */
  readonly reason: string | undefined;
  /** Whether a source identity is to be tried. */
  readonly sourceIdentity: boolean;
  readonly untrusted: UntrustedIdentities;
}

const knownMillis = 10 * 60_000;

export class RoleSessions {
  readonly #clock: Clock;
  readonly #clientsOf: ClientsOf;
  readonly #denies: RoleDenies;
  readonly #untrusted: UntrustedIdentities;
  /** Why the engine may not write to a role, or null when it may; asked anew after a while. */
  readonly #writable = new Map<string, { readonly reason: string | null; readonly until: number }>();

  constructor(clock: Clock, random: Random, clientsOf: ClientsOf) {
    this.#clock = clock;
    this.#clientsOf = clientsOf;
    this.#denies = new RoleDenies(clock, random);
    this.#untrusted = new UntrustedIdentities(() => clock.now());
  }

  /** How a session of `roleArn` lent now would end. Never throws: in doubt it ends by time alone. */
  async ending(mountId: string, folder: Folder, roleArn: string, options: EffectiveOptions): Promise<SessionEnding> {
    const { sourceIdentity } = options;
    const untrusted = this.#untrusted;
    if (options.revokeStrength === 'expires')
      return { strength: 'expires', reason: undefined, sourceIdentity, untrusted };
    const reason = await this.#whyNot(mountId, folder, roleArn);
    return { strength: reason === undefined ? 'denies' : 'expires', reason, sourceIdentity, untrusted };
  }

  async #whyNot(mountId: string, folder: Folder, roleArn: string): Promise<string | undefined> {
    const key = `${mountId}/${roleArn}`;
    const known = this.#writable.get(key);
    if (known !== undefined && known.until > this.#clock.now()) return known.reason ?? undefined;
    try {
      const reason = await this.#askWhyNot(mountId, folder, roleArn);
      this.#writable.set(key, { reason: reason ?? null, until: this.#clock.now() + knownMillis });
      return reason;
    } catch (error) {
      return `AWS did not say whether its policies may be written: ${awsFailure('', error).message}`;
    }
  }

  // Asked by taking away a policy that nobody has: the answer tells whether one could be written, and
  // changes nothing.
  async #askWhyNot(mountId: string, folder: Folder, roleArn: string): Promise<string | undefined> {
    const clients = await this.#writerOf(mountId, folder, roleArn);
    if (clients === undefined)
      return `no key of this mount acts in its account; write config/accounts/${accountOf(roleArn)}`;
    const { DeleteRolePolicyCommand } = await iamSdk();
    const names = { RoleName: roleName(roleArn), PolicyName: `${policyName(mountId)}-try` };
    try {
      await (await clients.iam()).send(new DeleteRolePolicyCommand(names));
      return undefined;
    } catch (error) {
      if (awsCode(error) === 'NoSuchEntity') return undefined;
      if (awsCode(error) === 'AccessDenied') return 'the server’s key may not write its inline policies';
      if (awsCode(error) === 'UnmodifiableEntity') return 'AWS lets nobody change it';
      throw error;
    }
  }

  /** The clients that act in the account of the role: IAM takes names, which other accounts may have too. */
  async #writerOf(mountId: string, folder: Folder, roleArn: string): Promise<AwsClients | undefined> {
    const account = accountOf(roleArn);
    const own = await this.#clientsOf(mountId, folder, '');
    if ((await own.identity()).account === account) return own;
    if ((await folder.get(`config/accounts/${account}`)) === undefined) return undefined;
    const other = await this.#clientsOf(mountId, folder, account);
    return (await other.identity()).account === account ? other : undefined;
  }

  /** Refuses the lease's session. `found` tells that it was alive before, so that its probe proves something. */
  async remove(lease: Lease, folder: Folder): Promise<Removal> {
    const entry = denyEntryOf(lease);
    if (entry === undefined) return { found: false, gone: true };
    const role = this.#deniedRole(lease.mountId, folder, lease.facts['roleArn'] ?? '');
    const record = (await folder.get<DenyRecord>(recordKey(role.roleArn)))?.value;
    const found =
      record !== undefined && Object.hasOwn(record.entries, lease.id)
        ? lease.removed
        : lease.secret !== null && (await this.probe(lease, folder)) === 'accepted';
    return { found, gone: await this.#denies.refuse(role, lease.id, entry) };
  }

  async probe(lease: Lease, folder: Folder): Promise<ProbeAnswer> {
    if (lease.secret === null) return 'nothing-to-probe';
    const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = lease.secret;
    const clients = await this.#clientsOf(lease.mountId, folder, lease.facts['account'] ?? '');
    const sts = await clients.stsAs({ accessKeyId, secretAccessKey, sessionToken });
    try {
      return await probeSession(sts, accessKeyId);
    } catch (error) {
      throw awsFailure('Error probing the session: ', error);
    } finally {
      sts.destroy();
    }
  }

  /** Takes sessions that have run out from the policy of the role that `name` was scheduled for. */
  async tidy(name: string, mount: Mount, folder: Folder): Promise<number | undefined> {
    const record = (await folder.get<DenyRecord>(name))?.value;
    if (record === undefined) return undefined;
    return this.#denies.tidy(this.#deniedRole(mount.id, folder, record.roleArn));
  }

  #deniedRole(mountId: string, folder: Folder, roleArn: string): DeniedRole {
    const iam = async (): Promise<Awaited<ReturnType<AwsClients['iam']>>> => {
      const clients = await this.#writerOf(mountId, folder, roleArn);
      if (clients === undefined) throw wrongAccount(roleArn);
      return clients.iam();
    };
    return { mountId, folder, roleArn, iam };
  }
}

function accountOf(arn: string): string {
  return arn.split(':')[4] ?? '';
}

function wrongAccount(roleArn: string): Error {
  return brokerFailure('aws-refused', `no key of this mount acts in the account of \`${roleArn}\` any more`, {
    hint: `write config/root, or config/accounts/${accountOf(roleArn)}, with a key of that account`,
  });
}
