// The auth method `approle`: machines with a role id, and a secret id that is handed to them apart from it.
import type { Clock, Random } from '../../../base/index.ts';
import {
  enginePath,
  type AuthMethod,
  type EngineAnswer,
  type EngineCall,
  type Folder,
  type LoginToken,
  type PathRow,
  type RenewedLogin,
} from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import type { FieldValues } from '../../fields.ts';
import type { Mount } from '../../model.ts';
import { mountTtls } from '../../mounts.ts';
import { listPath, listed, loginToken, methodFailed, pageFields, renewalRefused } from '../logins.ts';
import { AppRoleLogin } from './login.ts';
import { gone, rolePartPaths } from './role-parts.ts';
import {
  changeRole,
  dropIndex,
  loadRole,
  newRole,
  roleFields,
  roleKey,
  roleOfId,
  roleWarnings,
  shownRole,
  writtenRole,
  type Role,
} from './role.ts';
import { forgetAll, forgetExpired, secretIdFields, SecretIds, shownSecretId } from './secret-ids.ts';

export interface AppRoleParts {
  readonly clock: Clock;
  readonly random: Random;
}

type SecretIdValues = FieldValues<typeof secretIdFields>;

export class AppRole implements AuthMethod {
  readonly type = 'approle';
  readonly paths: readonly PathRow[];
  readonly #parts: AppRoleParts;
  readonly #secretIds: SecretIds;

  constructor(parts: AppRoleParts) {
    const { clock, random } = parts;
    this.#parts = parts;
    this.#secretIds = new SecretIds(clock, random);
    const login = new AppRoleLogin(clock, this.#secretIds);
    this.paths = [
      enginePath({
        pattern: 'login',
        operations: ['update'],
        summary: 'Logs in with a role id and a secret id.',
        fields: { role_id: 'string', secret_id: 'string' },
        open: true,
        handle: async (call, { role_id: roleId = '', secret_id: secretId = '' }) => ({
          auth: await login.login(call, roleId.trim(), secretId.trim()),
        }),
      }),
      ...this.#rolePaths(),
      ...rolePartPaths(clock),
      ...this.#secretIdPaths(),
      enginePath({
        pattern: 'tidy/secret-id',
        operations: ['update'],
        summary: 'Forgets secret ids that have ended. They are forgotten by themselves at their end, too.',
        fields: {},
        handle: async () => ({
          status: 202,
          warnings: [
            "Tidy operation successfully started. Any information from the operation will be printed to Vault's server logs.",
          ],
        }),
      }),
    ];
  }

  async roleOfLogin({ role_id: id }: Readonly<Record<string, unknown>>, folder: Folder): Promise<string | undefined> {
    return typeof id === 'string' && id !== '' ? (await roleOfId(folder, id.trim()))?.name : undefined;
  }

  async renewLogin({ internal }: RenewedLogin, _: Mount, folder: Folder): Promise<LoginToken> {
    const name = internal['role_name'] ?? '';
    const role = await loadRole(folder, name);
    if (role === undefined) throw renewalRefused(`role "${name}" does not exist during renewal`);
    return loginToken(role.token, '');
  }

  /** Secret ids that have ended, and all those of a role that is gone. */
  async due(name: string, _: Mount, folder: Folder): Promise<undefined> {
    if (!name.startsWith('role-gone/')) return forgetExpired(folder, name).then(() => undefined);
    const [, uid = '', roleName = ''] = name.split('/');
    if ((await loadRole(folder, roleName))?.uid !== uid) await forgetAll(folder, uid);
    return undefined;
  }

  close(): void {}

  #rolePaths(): readonly PathRow[] {
    return [
      listPath('role', 'Lists the roles.', 'role/'),
      enginePath({
        pattern: 'role/:role_name',
        operations: ['read', 'update', 'delete'],
        summary: 'A role: who may log in, and what the tokens may do.',
        fields: roleFields,
        exists: async ({ folder, params }) => (await loadRole(folder, params['role_name']!)) !== undefined,
        handle: (call, values) => this.#role(call, values),
      }),
      enginePath({
        pattern: 'role/:role_name/role-id',
        operations: ['read', 'update'],
        summary: 'The role id.',
        fields: { role_name: 'string', role_id: 'string' },
        handle: (call, { role_id: roleId = '' }) => roleIdPath(call, roleId, this.#parts.clock),
      }),
    ];
  }

  async #role(call: EngineCall, values: FieldValues<typeof roleFields>): Promise<EngineAnswer> {
    const { operation, folder, params } = call;
    const name = params['role_name']!;
    if (operation === 'read') {
      const role = await loadRole(folder, name);
      return role === undefined ? {} : { data: shownRole(role) };
    }
    if (operation === 'delete') return deleteRole(folder, name, this.#parts.clock);
    const { maxSeconds } = mountTtls(call.mount);
    const fresh = newRole(name, this.#parts.random);
    const role = await changeRole(folder, name, this.#parts.clock, (before) =>
      writtenRole(before ?? fresh, values, before === undefined, maxSeconds),
    );
    return { warnings: roleWarnings(values, role, maxSeconds) };
  }

  #secretIdPaths(): readonly PathRow[] {
    const ids = this.#secretIds;
    const make = async (call: EngineCall, values: SecretIdValues, custom?: string): Promise<EngineAnswer> => {
      const name = call.params['role_name']!;
      const role = await loadRole(call.folder, name);
      if (role === undefined) throw brokerFailure('no-route', `role "${name}" does not exist`);
      return { data: await ids.make(call.folder, role, values, mountTtls(call.mount).maxSeconds, custom) };
    };
    return [
      enginePath({
        pattern: 'role/:role_name/secret-id',
        operations: ['list', 'update'],
        summary: 'Makes a secret id; lists the accessors of those that live.',
        fields: { ...secretIdFields, ...pageFields },
        handle: async (call, values) => {
          if (call.operation !== 'list') return make(call, values);
          const name = call.params['role_name']!;
          const role = await loadRole(call.folder, name);
          if (role === undefined) throw brokerFailure('bad-request', `role "${name}" does not exist`);
          return listed(await ids.accessors(call.folder, role), values);
        },
      }),
      enginePath({
        pattern: 'role/:role_name/custom-secret-id',
        operations: ['update'],
        summary: 'Makes a secret id that the caller chose.',
        fields: { ...secretIdFields, secret_id: 'string' },
        handle: async (call, { secret_id: secretId = '', ...values }) => {
          if (secretId === '') throw brokerFailure('bad-request', 'missing secret_id');
          return make(call, values, secretId);
        },
      }),
      ...this.#lookupPaths(),
    ];
  }

  #lookupPaths(): readonly PathRow[] {
    const ids = this.#secretIds;
    const bySecretId = { role_name: 'string', secret_id: 'string' } as const;
    const byAccessor = { role_name: 'string', secret_id_accessor: 'string' } as const;
    return [
      enginePath({
        pattern: 'role/:role_name/secret-id/lookup',
        operations: ['update'],
        summary: 'Tells about a secret id.',
        fields: bySecretId,
        handle: async (call, { secret_id: secretId }) => {
          const role = await roleFor(call, secretId, 'secret_id');
          const found = await ids.bySecretId(call.folder, role, secretId!);
          return found === undefined ? {} : { data: shownSecretId(found) };
        },
      }),
      enginePath({
        pattern: 'role/:role_name/secret-id/destroy',
        operations: ['update', 'delete'],
        summary: 'Ends a secret id.',
        fields: bySecretId,
        handle: async (call, { secret_id: secretId }) => {
          const role = await roleFor(call, secretId, 'secret_id');
          const found = await ids.bySecretId(call.folder, role, secretId!);
          if (found !== undefined) await ids.end(call.folder, role, found);
          return {};
        },
      }),
      enginePath({
        pattern: 'role/:role_name/secret-id-accessor/lookup',
        operations: ['update'],
        summary: 'Tells about the secret id of an accessor.',
        fields: byAccessor,
        handle: async (call, { secret_id_accessor: accessor }) => {
          const role = await roleFor(call, accessor, 'secret_id_accessor');
          const found = await ids.byAccessor(call.folder, role, accessor!);
          if (found !== undefined) return { data: shownSecretId(found) };
          // Vault answers so: 404 with the reason in the data.
          return { status: 404, data: { error: unknownAccessor(accessor!) } };
        },
      }),
      enginePath({
        pattern: 'role/:role_name/secret-id-accessor/destroy',
        operations: ['update', 'delete'],
        summary: 'Ends the secret id of an accessor.',
        fields: byAccessor,
        handle: async (call, { secret_id_accessor: accessor }) => {
          const role = await roleFor(call, accessor, 'secret_id_accessor');
          const found = await ids.byAccessor(call.folder, role, accessor!);
          if (found === undefined) throw methodFailed(unknownAccessor(accessor!));
          await ids.end(call.folder, role, found);
          return {};
        },
      }),
    ];
  }
}

function unknownAccessor(accessor: string): string {
  return `failed to find accessor entry for secret_id_accessor: "${accessor}"`;
}

/** The role of the path, once the other thing that a call needs was given. */
async function roleFor({ folder, params }: EngineCall, given: string | undefined, field: string): Promise<Role> {
  if (given === undefined || given === '') throw brokerFailure('bad-request', `missing ${field}`);
  const name = params['role_name']!;
  const role = await loadRole(folder, name);
  if (role === undefined) throw methodFailed(`role "${name}" does not exist`);
  return role;
}

async function roleIdPath(
  { operation, folder, params }: EngineCall,
  roleId: string,
  clock: Clock,
): Promise<EngineAnswer> {
  const name = params['role_name']!;
  const role = await loadRole(folder, name);
  if (operation === 'read') return role === undefined ? {} : { data: { role_id: role.roleId } };
  if (role === undefined) throw gone();
  if (roleId === '') throw brokerFailure('bad-request', 'missing role_id');
  await changeRole(folder, name, clock, (now) => {
    if (now === undefined) throw gone();
    return { ...now, roleId };
  });
  return {};
}

// First the promise to forget the secret ids, then the role, which ends their use. Should this break off
// in between, `due` looks whether the role is really gone.
async function deleteRole(folder: Folder, name: string, clock: Clock): Promise<EngineAnswer> {
  const role = await loadRole(folder, name);
  if (role === undefined) return {};
  const promise = `role-gone/${role.uid}/${role.name}`;
  await folder.schedule(promise, clock.now() + 60_000);
  await folder.change<Role>(roleKey(name), (now) => (now?.uid === role.uid ? undefined : now));
  await dropIndex(folder, role);
  await folder.schedule(promise, clock.now());
  return {};
}
