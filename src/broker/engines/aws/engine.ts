// The AWS engine: IAM users that are deleted when their lease ends, and sessions of STS. Vault's
// paths, fields and texts; which path serves what is the table below.
import type { Clock, Random } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import { unknownFieldWarnings } from '../../fields.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Lease, Operation } from '../../model.ts';
import { mountTtls } from '../../mounts.ts';
import type { Engine, EngineAnswer, EngineCall, Folder, LendPlan, Removal } from '../engine.ts';
import { AwsClients, type Environment } from './clients.ts';
import { handleLeaseConfig, handleRootConfig, loadLeaseConfig, loadRootConfig } from './config.ts';
import { sessionName, userName } from './names.ts';
import { handleRole, listRoles, loadRole, type AwsRole } from './roles.ts';
import { credsFields, sessionPlan } from './session-grant.ts';
import { makeUser } from './user-grant.ts';
import { probeUserKey, removeUser } from './user-removal.ts';

export interface AwsEngineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
}

interface Row {
  readonly pattern: RegExp;
  readonly operations: readonly Operation[];
  readonly handle: (engine: AwsEngine, call: EngineCall, name: string) => Promise<EngineAnswer>;
}

// Names as Vault allows them; anything else is an unsupported path.
const name = '(\\w(?:(?:[\\w.@-]+)?\\w)?)';

const rows: readonly Row[] = [
  { pattern: /^config\/root$/, operations: ['read', 'update'], handle: (_, call) => handleRootConfig(call) },
  { pattern: /^config\/lease$/, operations: ['read', 'update'], handle: (_, call) => handleLeaseConfig(call) },
  { pattern: /^roles$/, operations: ['list'], handle: (_, call) => listRoles(call) },
  {
    pattern: new RegExp(`^roles/${name}$`),
    operations: ['read', 'update', 'delete'],
    handle: (_, call, role) => handleRole(call, role),
  },
  {
    pattern: new RegExp(`^(?:creds|sts)/${name}$`),
    operations: ['read', 'update'],
    handle: (engine, call, role) => engine.lendRole(call, role),
  },
];

export class AwsEngine implements Engine {
  readonly type = 'aws';
  readonly #parts: AwsEngineParts;
  /** Clients by mount, for the revision of the configuration they were made from. */
  readonly #clients = new Map<string, { readonly revision: string; readonly clients: AwsClients }>();
  readonly #former: AwsClients[] = [];

  constructor(parts: AwsEngineParts) {
    this.#parts = parts;
  }

  async handle(call: EngineCall): Promise<EngineAnswer> {
    const row = rows.find(({ pattern }) => pattern.test(call.path));
    if (row === undefined) throw brokerFailure('no-route', '1 error occurred:\n\t* unsupported path\n\n');
    if (!row.operations.includes(call.operation)) {
      throw brokerFailure('unsupported-operation', '1 error occurred:\n\t* unsupported operation\n\n');
    }
    return row.handle(this, call, row.pattern.exec(call.path)?.[1] ?? '');
  }

  /** creds/:name and sts/:name: lends what the role says. */
  async lendRole(call: EngineCall, roleName: string): Promise<EngineAnswer> {
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
    return { data, warnings: [...unknownFieldWarnings(credsFields, call.body), ...warnings], lease };
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
    const result = await removeUser(await clients.iam(), lease.facts['userName'] ?? '', lease.id);
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
