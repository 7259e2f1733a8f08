// The auth method `aws`: IAM principals prove who they are by a signed request to STS.
import type { Clock, Millis, Random } from '../../../base/index.ts';
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
import type { Mount } from '../../model.ts';
import { mountTtls } from '../../mounts.ts';
import { listPath } from '../logins.ts';
import { AuthClients } from './clients.ts';
import { configPaths } from './config.ts';
import { Instances } from './instances.ts';
import { AwsLogin } from './login.ts';
import { awsText, Principals, type Place } from './principals.ts';
import {
  loadRole,
  newRole,
  principalsToResolve,
  roleFields,
  roleKey,
  roleWarnings,
  shownRole,
  writtenRole,
  type Role,
  type RoleValues,
} from './role.ts';
import { cleanUp, rotateRoot, rotationName } from './rotation.ts';
import { loginFields } from './signed-request.ts';

export interface AwsMethodParts {
  readonly clock: Clock;
  readonly random: Random;
}

export class AwsMethod implements AuthMethod {
  readonly type = 'aws';
  readonly paths: readonly PathRow[];
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #clients = new AuthClients();
  readonly #principals: Principals;
  readonly #login: AwsLogin;

  constructor({ clock, random }: AwsMethodParts) {
    this.#clock = clock;
    this.#random = random;
    this.#principals = new Principals(this.#clients, clock);
    this.#login = new AwsLogin(this.#principals, new Instances(this.#clients));
    this.paths = [
      enginePath({
        pattern: 'login',
        operations: ['update'],
        summary: 'Logs in with a signed GetCallerIdentity.',
        fields: loginFields,
        open: true,
        handle: async (call, values) => ({ auth: await this.#login.login(call, values) }),
      }),
      ...configPaths,
      enginePath({
        pattern: 'config/rotate-root',
        operations: ['update'],
        summary: 'Makes new keys for `config/client` and deletes the former ones.',
        fields: {},
        handle: (call) => rotateRoot(call, clock),
      }),
      ...['role', 'roles'].map((pattern) => listPath(pattern, 'Lists the roles.', 'role/')),
      enginePath({
        pattern: 'role/:role',
        operations: ['read', 'update', 'delete'],
        summary: 'A role: who may log in, and what the tokens may do.',
        fields: roleFields,
        exists: async ({ folder, params }) => (await loadRole(folder, params['role']!)) !== undefined,
        handle: (call, values) => this.#role(call, values),
      }),
    ];
  }

  renewLogin(login: RenewedLogin, mount: Mount, folder: Folder): Promise<LoginToken> {
    return this.#login.renew(login, mount.id, folder);
  }

  async due(name: string, _: Mount, folder: Folder): Promise<Millis | undefined> {
    return name === rotationName ? cleanUp(folder, this.#clock) : undefined;
  }

  close(): void {
    this.#clients.close();
  }

  async #role(call: EngineCall, values: RoleValues): Promise<EngineAnswer> {
    const { operation, folder, params, mount } = call;
    const name = params['role']!;
    if (operation === 'read') {
      const role = await loadRole(folder, name);
      return role === undefined ? {} : { data: shownRole(role) };
    }
    if (operation === 'delete') {
      await folder.change<Role>(roleKey(name), () => undefined);
      return {};
    }
    const { maxSeconds } = mountTtls(mount);
    const fresh = newRole(this.#random);
    const edit = (before: Role | undefined): Role =>
      writtenRole(before ?? fresh, values, before === undefined, maxSeconds);
    // IAM is asked before the role is stored, and again when somebody else changed its principals meanwhile.
    for (;;) {
      const before = await loadRole(folder, name);
      const wanted = principalsToResolve(edit(before));
      const isSame =
        before !== undefined && before.principalIds.length > 0 && values.bound_iam_principal_arn === undefined;
      const ids = isSame ? before.principalIds : await this.#resolve({ mountId: mount.id, folder }, wanted);
      let written: Role | undefined;
      await folder.change<Role>(roleKey(name), (now) => {
        const role = edit(now);
        written = sameList(principalsToResolve(role), wanted) ? { ...role, principalIds: ids } : undefined;
        return written ?? now;
      });
      if (written !== undefined) return { warnings: roleWarnings(written, maxSeconds) };
    }
  }

  async #resolve(place: Place, arns: readonly string[]): Promise<readonly string[]> {
    const ids: string[] = [];
    for (const arn of arns) {
      const id = await this.#principals.uniqueId(place, arn).catch((error: unknown) => {
        throw brokerFailure('bad-request', `unable to resolve ARN "${arn}" to internal ID: ${awsText(error)}`, {
          hint: 'the keys of `config/client` need `iam:GetUser` and `iam:GetRole`; or write `resolve_aws_unique_ids=false`',
        });
      });
      ids.push(id);
    }
    return ids;
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
