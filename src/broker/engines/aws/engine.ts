// The AWS engine: IAM users that are deleted when their lease ends, and sessions of STS. Vault's
// paths, fields and texts; which path serves what is the table `paths`.
import type { Clock, Random } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Lease } from '../../model.ts';
import { mountTtls } from '../../mounts.ts';
import {
  enginePath,
  type Engine,
  type EngineAnswer,
  type EngineCall,
  type Folder,
  type LendPlan,
  type PathRow,
  type Removal,
} from '../engine.ts';
import { AwsClients, type Environment } from './clients.ts';
import {
  handleLeaseConfig,
  handleRootConfig,
  leaseFields,
  loadLeaseConfig,
  loadRootConfig,
  rootFields,
} from './config.ts';
import { sessionName, userName } from './names.ts';
import { handleRole, listRoles, loadRole, roleFields, type AwsRole } from './roles.ts';
import { credsFields, sessionPlan } from './session-grant.ts';
import { makeUser } from './user-grant.ts';
import { probeUserKey, removeUser } from './user-removal.ts';

export interface AwsEngineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
}

export class AwsEngine implements Engine {
  readonly type = 'aws';
  readonly paths: readonly PathRow[] = [
    enginePath({
      pattern: 'config/root',
      operations: ['read', 'update'],
      summary: 'The AWS that this mount acts in.',
      fields: rootFields,
      handle: handleRootConfig,
    }),
    enginePath({
      pattern: 'config/lease',
      operations: ['read', 'update'],
      summary: 'How long IAM users are lent.',
      fields: leaseFields,
      handle: handleLeaseConfig,
    }),
    enginePath({
      pattern: 'roles',
      operations: ['list'],
      summary: 'List the roles.',
      fields: {},
      handle: listRoles,
    }),
    enginePath({
      pattern: 'roles/:name',
      operations: ['read', 'update', 'delete'],
      summary: 'What may be lent under this name.',
      fields: roleFields,
      handle: (call, { name = '' }) => handleRole(call, name),
    }),
    ...['creds', 'sts'].map((prefix) =>
      enginePath({
        pattern: `${prefix}/:name`,
        operations: ['read', 'update'],
        summary: 'Lends credentials.',
        fields: credsFields,
        handle: (call, { name = '' }) => this.#lendRole(call, name),
      }),
    ),
  ];
  readonly #parts: AwsEngineParts;
  /** Clients by mount, for the revision of the configuration they were made from. */
  readonly #clients = new Map<string, { readonly revision: string; readonly clients: AwsClients }>();
  readonly #former: AwsClients[] = [];

  constructor(parts: AwsEngineParts) {
    this.#parts = parts;
  }

  /** creds/:name and sts/:name: lends what the role says. */
  async #lendRole(call: EngineCall, roleName: string): Promise<EngineAnswer> {
    const role = await loadRole(call.folder, roleName);
    if (role === undefined) throw brokerFailure('role-not-found', `Role "${roleName}" not found`);
    const { clients, accessKey } = await this.#clientsOf(call.mount.id, call.folder);
    const plan =
      role.credentialType === 'iam_user'
        ? await this.#userPlan(call, { clients, madeBy: accessKey }, roleName, role)
        : sessionPlan(clients, {
            roleName,
            role,
            body: call.body,
            freshName: sessionName(this.#parts.clock.now(), this.#parts.random),
            mountMaxSeconds: mountTtls(call.mount).maxSeconds,
            prefix: call.path.split('/')[0]!,
          });
    const { lease, data, warnings } = await call.lend(plan);
    return { data, warnings: warnings, lease };
  }

  async #userPlan(
    call: EngineCall,
    { clients, madeBy }: { clients: AwsClients; madeBy: string },
    roleName: string,
    role: AwsRole,
  ): Promise<LendPlan> {
    const { clock, random } = this.#parts;
    const { leaseSeconds, leaseMaxSeconds } = await loadLeaseConfig(call.folder);
    return {
      path: `${call.path.split('/')[0]!}/${roleName}`,
      role: roleName,
      kind: role.credentialType,
      strength: 'deletes',
      renewable: true,
      ttlSeconds: leaseSeconds,
      maxTtlSeconds: leaseMaxSeconds,
      facts: { userName: userName(call.displayName, roleName, clock.now(), random), madeBy },
      make: async (lease) => makeUser(await clients.iam(), role, lease),
    };
  }

  async renewal(_lease: Lease, folder: Folder): Promise<{ ttlSeconds: number; maxTtlSeconds: number }> {
    const { leaseSeconds, leaseMaxSeconds } = await loadLeaseConfig(folder);
    return { ttlSeconds: leaseSeconds, maxTtlSeconds: leaseMaxSeconds };
  }

  async remove(lease: Lease, folder: Folder): Promise<Removal> {
    const { clients, accessKey } = await this.#clientsOf(lease.mountId, folder);
    const { userName: lentName = '', accessKeyId } = lease.facts;
    const result = await removeUser(await clients.iam(), { userName: lentName, leaseId: lease.id, accessKeyId });
    if (!result.found && !lease.confirmed) checkSameKey(lease, accessKey);
    return result;
  }

  async probe(lease: Lease, folder: Folder): Promise<ProbeAnswer> {
    if (lease.secret === null) return 'nothing-to-probe';
    const { clients } = await this.#clientsOf(lease.mountId, folder);
    const { accessKeyId = '', secretAccessKey = '' } = lease.secret;
    const iam = await clients.iamAs({ accessKeyId, secretAccessKey });
    try {
      return await probeUserKey(iam);
    } finally {
      iam.destroy();
    }
  }

  close(): void {
    for (const { clients } of this.#clients.values()) clients.destroy();
    for (const clients of this.#former.splice(0)) clients.destroy();
    this.#clients.clear();
  }

  /** Clients, and the access key they act with, of one reading of the configuration. */
  async #clientsOf(mountId: string, folder: Folder): Promise<{ clients: AwsClients; accessKey: string }> {
    const { config, revision } = await loadRootConfig(folder);
    const { accessKey } = config;
    const known = this.#clients.get(mountId);
    if (known?.revision === revision) return { clients: known.clients, accessKey };
    // Calls under way still use the former clients: they are let go of only at the end.
    if (known !== undefined) this.#former.push(known.clients);
    const clients = new AwsClients(config, this.#parts.environment);
    this.#clients.set(mountId, { revision, clients });
    return { clients, accessKey };
  }
}

// "Not found" with other keys may be the answer of another account. A confirmed lease has its own
// key to tell; an unfinished grant has not.
function checkSameKey(lease: Lease, accessKey: string): void {
  if (accessKey === lease.facts['madeBy']) return;
  throw brokerFailure('aws-refused', 'config/root was changed since this grant began, so AWS may be another account', {
    hint: 'write the former access key to config/root until this lease is dead',
  });
}
