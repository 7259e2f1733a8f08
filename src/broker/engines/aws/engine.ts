// The AWS engine: IAM users that are deleted when their lease ends, and sessions of STS. Vault's
// paths, fields and texts; which path serves what is the table `paths`.
import type { Clock, Millis, Random } from '../../../base/index.ts';
import { brokerFailure } from '../../failures.ts';
import type { ProbeAnswer } from '../../leases.ts';
import type { Lease, Mount } from '../../model.ts';
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
import { AccountClients, wayTo, type OwnAws } from './accounts.ts';
import type { AwsRole, CredentialType } from './aws-role.ts';
import { AwsClients, type Environment } from './clients.ts';
import {
  handleRootConfig,
  hasRootConfig,
  loadRootConfig,
  ownKeys,
  reachesSame,
  rootFields,
  type RootConfig,
} from './config.ts';
import { KeyRotator } from './key-rotator.ts';
import { handleLeaseConfig, leaseFields, loadLeaseConfig } from './lease-config.ts';
import { defaultUsernameTemplate, newName, type NameKind } from './names.ts';
import { checkWait, optionsOfRole, roleOptionFields, withRoleOptions, type EffectiveOptions } from './options.ts';
import { denyPrefix } from './role-denies.ts';
import { RoleSessions } from './role-sessions.ts';
import { goOnRotatingRoot, rootRotationName, rotateRoot, type RootRotationParts } from './root-rotation.ts';
import { handleRole, listRoles, loadRole, roleFields } from './roles.ts';
import { credsFields, sessionPlan, type CredsFields } from './session-grant.ts';
import { dueName, roleOfDue } from './static-role.ts';
import {
  handleStaticRole,
  listStaticRoles,
  readStaticCreds,
  rotateStaticRole,
  staticRoleFields,
  type StaticRoleParts,
} from './static-roles.ts';
import { stintPaths } from './stint-paths.ts';
import { goQuote } from './template/quote.ts';
import { whenUsable } from './usable.ts';
import { UnderWay } from './under-way.ts';
import { readGifts } from './user-gifts.ts';
import { makeUser } from './user-grant.ts';
import type { AwsWatch } from './watch.ts';
import { probeUserKey, removeUser } from './user-removal.ts';

export interface AwsEngineParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  /** Hears of every call of AWS. */
  readonly watch?: AwsWatch | undefined;
}

/** When the sweeper looks again at what a request is at. */
const busyMillis = 30_000;

interface LendAsk {
  readonly call: EngineCall;
  readonly config: RootConfig;
  readonly clients: AwsClients;
  readonly roleName: string;
  readonly role: AwsRole;
  /** `creds` or `sts`. */
  readonly prefix: string;
  readonly options: EffectiveOptions;
  /** The key or role the clients act with. */
  readonly madeBy: string;
}

export class AwsEngine implements Engine {
  readonly type = 'aws';
  readonly paths: readonly PathRow[];
  readonly #vaultPaths: readonly PathRow[] = [
    enginePath({
      pattern: 'config/root',
      operations: ['read', 'update'],
      summary: 'The AWS that this mount acts in.',
      fields: rootFields,
      exists: ({ folder }) => hasRootConfig(folder),
      handle: handleRootConfig,
    }),
    enginePath({
      pattern: 'config/rotate-root',
      operations: ['update'],
      summary: 'Replaces the access key that this mount acts with.',
      fields: {},
      handle: (call) => this.#alone(`${call.mount.id}/${rootRotationName}`, () => rotateRoot(this.#rotation, call)),
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
      fields: { ...roleFields, ...roleOptionFields },
      handle: (call, fields) => withRoleOptions(call, fields, () => handleRole(call, fields)),
    }),
    ...['creds', 'sts'].map((prefix) =>
      enginePath({
        pattern: `${prefix}/:name`,
        operations: ['read', 'update'],
        summary: 'Lends credentials.',
        fields: { ...credsFields, wait_until_usable: 'seconds' },
        handle: (call, fields) =>
          this.#underWay.during(call.mount.id, () => this.#lendRole(call, fields, fields.wait_until_usable)),
      }),
    ),
    enginePath({
      pattern: 'static-roles',
      operations: ['list'],
      summary: 'List the static roles.',
      fields: {},
      handle: listStaticRoles,
    }),
    enginePath({
      pattern: 'static-roles/:name',
      operations: ['read', 'update', 'delete'],
      summary: 'An IAM user whose access key is replaced ever again.',
      fields: staticRoleFields,
      handle: (call, fields) =>
        this.#alone(`${call.mount.id}/${dueName(fields.name ?? '')}`, () =>
          handleStaticRole(this.#rotation, call, fields),
        ),
    }),
    enginePath({
      pattern: 'static-creds/:name',
      operations: ['read'],
      summary: 'The access key of a static role as it is now.',
      fields: { name: 'string' },
      handle: readStaticCreds,
    }),
  ];
  readonly #parts: AwsEngineParts;
  /** Clients by mount, with the configuration they were made from. */
  readonly #clients = new Map<string, { readonly config: RootConfig; readonly clients: AwsClients }>();
  readonly #former: AwsClients[] = [];
  readonly #sessions: RoleSessions;
  readonly #accounts: AccountClients;
  readonly #rotation: RootRotationParts & StaticRoleParts;
  readonly #underWay = new UnderWay();
  /** Rotations that this process is at, each of which waits for the one before. */
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(parts: AwsEngineParts) {
    this.#parts = parts;
    this.#rotation = {
      rotator: new KeyRotator(parts),
      clientsOf: (mountId, folder) => this.#ownClients(mountId, folder),
      clock: parts.clock,
      idle: (mountId) => this.#underWay.idle(mountId),
    };
    this.#accounts = new AccountClients(parts.environment, parts.watch);
    const clientsOf = async (mountId: string, folder: Folder, account: string): Promise<AwsClients> =>
      (await this.#clientsOf(mountId, folder, account)).clients;
    this.#sessions = new RoleSessions(parts.clock, parts.random, clientsOf);
    this.paths = [...this.#vaultPaths, ...stintPaths({ clock: parts.clock, clientsOf, sessions: this.#sessions })];
  }

  /** One after the other, so that two requests for one key do not take each other for dead. */
  async #alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#busy.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#busy.get(key) === mine) this.#busy.delete(key);
    }
  }

  /** Marks of sessions are taken out of policies of AWS though the mount is gone. */
  keepsRetired(name: string): boolean {
    return name.startsWith(denyPrefix);
  }

  async due(name: string, mount: Mount, folder: Folder): Promise<Millis | undefined> {
    const key = `${mount.id}/${name}`;
    // Whoever is at it asks for the next look.
    if (this.#busy.has(key)) return this.#parts.clock.now() + busyMillis;
    if (name.startsWith(denyPrefix)) return this.#sessions.tidy(name, mount, folder);
    const role = roleOfDue(name);
    if (role !== undefined) return this.#alone(key, () => rotateStaticRole(this.#rotation, mount, folder, role));
    return name === rootRotationName
      ? this.#alone(key, () => goOnRotatingRoot(this.#rotation, mount, folder))
      : undefined;
  }

  /** creds/:name and sts/:name: lends what the role says. */
  async #lendRole(call: EngineCall, fields: CredsFields, wait: number | undefined): Promise<EngineAnswer> {
    const { name: roleName = '' } = fields;
    const prefix = call.path.split('/')[0]!;
    const role = await loadRole(call.folder, roleName);
    if (role === undefined) throw brokerFailure('role-not-found', `Role ${goQuote(roleName)} not found`);
    const type = typeToLend(role, prefix);
    const options = await optionsOfRole(call.folder, roleName);
    const way = await wayTo(call.folder, options.account);
    const { clients, config, madeBy } = await this.#clientsOf(call.mount.id, call.folder, options.account);
    // Half a key is told before an intent is written: nothing could undo what was never begun.
    ownKeys(config);
    const ask = { call, config, clients, roleName, role, prefix, options, madeBy };
    const plan =
      type === 'iam_user'
        ? await this.#userPlan(ask, checkWait(wait ?? options.waitSeconds))
        : await sessionPlan(clients, {
            type,
            roleName,
            role,
            fields,
            newName: (kind) => this.#newName(kind, ask),
            mountMaxSeconds: mountTtls(call.mount).maxSeconds,
            prefix,
            account: options.account,
            chained: way === 'role',
            namesItself: config.usernameTemplate === defaultUsernameTemplate,
            endingOf: (arn) => this.#sessions.ending(call.mount.id, call.folder, arn, options),
          });
    const { lease, data, warnings } = await call.lend(plan);
    return { data, warnings, lease };
  }

  #newName(kind: NameKind, { call, config, roleName }: LendAsk): string {
    const { clock, random } = this.#parts;
    const { usernameTemplate: template } = config;
    return newName({ kind, template, displayName: call.displayName, role: roleName, now: clock.now(), random });
  }

  async #userPlan(ask: LendAsk, waitSeconds: number): Promise<LendPlan> {
    const { call, clients, madeBy, roleName, role, prefix } = ask;
    const { account } = ask.options;
    const { leaseSeconds, leaseMaxSeconds } = await loadLeaseConfig(call.folder);
    return {
      path: `${prefix}/${roleName}`,
      role: roleName,
      kind: 'iam_user',
      strength: 'deletes',
      renewable: true,
      ttlSeconds: leaseSeconds,
      maxTtlSeconds: leaseMaxSeconds,
      facts: { userName: this.#newName('user', ask), madeBy, ...(account === '' ? {} : { account }) },
      make: async (lease) => whenUsable(clients, await makeUser(await clients.iam(), role, lease), waitSeconds),
    };
  }

  async renewal(_lease: Lease, folder: Folder): Promise<{ ttlSeconds: number; maxTtlSeconds: number }> {
    const { leaseSeconds, leaseMaxSeconds } = await loadLeaseConfig(folder);
    return { ttlSeconds: leaseSeconds, maxTtlSeconds: leaseMaxSeconds };
  }

  remove(lease: Lease, folder: Folder): Promise<Removal> {
    return this.#underWay.during(lease.mountId, () => this.#remove(lease, folder));
  }

  async #remove(lease: Lease, folder: Folder): Promise<Removal> {
    if (lease.strength === 'denies') return this.#sessions.remove(lease, folder);
    const { account = '' } = lease.facts;
    const { clients, config, madeBy } = await this.#clientsOf(lease.mountId, folder, account);
    const { userName = '', accessKeyId } = lease.facts;
    const gifts = readGifts(lease.facts['gifts']);
    const result = await removeUser(await clients.iam(), { userName, leaseId: lease.id, accessKeyId, gifts });
    if (!result.found && !lease.confirmed) checkSameKey(lease, madeBy, account === '' ? config.formerKeys : []);
    return result;
  }

  async probe(lease: Lease, folder: Folder): Promise<ProbeAnswer> {
    if (lease.secret === null) return 'nothing-to-probe';
    if (lease.strength === 'denies') return this.#sessions.probe(lease, folder);
    const { clients } = await this.#clientsOf(lease.mountId, folder, lease.facts['account']);
    const { accessKeyId = '', secretAccessKey = '' } = lease.secret;
    const iam = await clients.iamAs({ accessKeyId, secretAccessKey });
    try {
      return await probeUserKey(iam);
    } finally {
      iam.destroy();
    }
  }

  close(): void {
    this.#accounts.close();
    for (const { clients } of this.#clients.values()) clients.destroy();
    for (const clients of this.#former.splice(0)) clients.destroy();
    this.#clients.clear();
  }

  /** Clients of the mount's own account, or of one of config/accounts, and the key or role they act with. */
  async #clientsOf(mountId: string, folder: Folder, account = ''): Promise<OwnAws & { readonly madeBy: string }> {
    const own = await this.#ownClients(mountId, folder);
    if (account === '') return { ...own, madeBy: own.config.accessKey };
    return { ...own, ...(await this.#accounts.of(mountId, folder, account, own)) };
  }

  /** Clients, and the configuration they were made from, of one reading of it. */
  async #ownClients(mountId: string, folder: Folder): Promise<OwnAws> {
    const config = await loadRootConfig(folder);
    const known = this.#clients.get(mountId);
    if (known !== undefined && reachesSame(known.config, config)) return { clients: known.clients, config };
    // Calls under way still use the former clients: they are let go of only at the end.
    if (known !== undefined) this.#former.push(known.clients);
    const clients = new AwsClients(config, this.#parts.environment, undefined, this.#parts.watch);
    this.#clients.set(mountId, { config, clients });
    return { clients, config };
  }
}

// A role of one type is lent by both paths. The two types of a legacy policy are told apart by the path,
// and a legacy role is lent by its own path only: HV#4229, a session must not become a user with more rights.
function typeToLend({ credentialTypes, prohibitFlexiblePath }: AwsRole, prefix: string): CredentialType {
  const [only, other] = credentialTypes;
  const type = other === undefined ? only : prefix === 'creds' ? 'iam_user' : 'federation_token';
  if (type === undefined) throw brokerFailure('invalid-role', 'unknown credential_type: ""');
  if (prohibitFlexiblePath && (type === 'iam_user') !== (prefix === 'creds')) {
    const text = `attempted to retrieve ${type} credentials through the ${prefix} path; this is not allowed for legacy roles`;
    throw brokerFailure('invalid-role', text, {
      hint: `ask \`${prefix === 'creds' ? 'sts' : 'creds'}/\` instead, or write the role anew with \`credential_type\``,
    });
  }
  return type;
}

// "Not found" with other keys may be the answer of another account. A confirmed lease has its own
// key to tell; an unfinished grant has not. A key that a rotation replaced was of the same user.
function checkSameKey(lease: Lease, key: string, formerKeys: readonly string[]): void {
  const madeBy = lease.facts['madeBy'] ?? '';
  if (madeBy === key || formerKeys.includes(madeBy)) return;
  throw brokerFailure('aws-refused', 'config/root was changed since this grant began, so AWS may be another account', {
    hint: 'write the former access key to config/root until this lease is dead',
  });
}
