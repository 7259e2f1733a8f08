// The login of `approle`: a role id, and a secret id where the role asks for one.
// Texts and order of the checks: OpenBao `builtin/credential/approle/path_login.go`.
import type { Clock } from '../../../base/index.ts';
import type { EngineCall, Login } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import { addressIsIn } from '../../addresses.ts';
import { Lockout, lockoutRule, type Caller } from '../lockout.ts';
import { loginToken } from '../logins.ts';
import { roleOfId, type Role } from './role.ts';
import { checkWithin, type SecretIds, type UsedSecretId } from './secret-ids.ts';

export class AppRoleLogin {
  readonly #lockout: Lockout;
  readonly #secretIds: SecretIds;

  constructor(clock: Clock, secretIds: SecretIds) {
    this.#lockout = new Lockout(clock);
    this.#secretIds = secretIds;
  }

  /** @throws Failure `login-refused` with Vault's text, `login-locked`. */
  async login(call: EngineCall, roleId: string, secretId: string): Promise<Login> {
    // Vault answers so, with 500.
    if (roleId === '') throw brokerFailure('method-failed', 'missing role_id');
    const caller = { folder: call.folder, mountId: call.mount.id, alias: roleId, rule: lockoutRule(call.mount) };
    await this.#lockout.check(caller);
    const role = await roleOfId(call.folder, roleId);
    if (role === undefined) throw refused();
    const used = role.bindSecretId ? await this.#used(caller, role, secretId, call.remoteAddress) : undefined;
    checkSource(call.remoteAddress, role.secretIdBoundCidrs, 'role');
    await this.#lockout.forget(caller);
    return answer(role, used, call.remoteAddress);
  }

  async #used(caller: Caller, role: Role, secretId: string, remoteAddress: string): Promise<UsedSecretId> {
    if (secretId === '') throw brokerFailure('login-refused', 'missing secret_id');
    const used = await this.#secretIds.use(caller.folder, role, secretId);
    if (used === undefined) {
      await this.#lockout.failed(caller, true);
      throw refused();
    }
    // Again: the role may have been narrowed since the secret id was made.
    checkWithin(used.cidrs, role.secretIdBoundCidrs);
    checkSource(remoteAddress, used.cidrs, 'secret ID');
    return used;
  }
}

function refused(): Error {
  return brokerFailure('login-refused', 'invalid role or secret ID');
}

function checkSource(remoteAddress: string, cidrs: readonly string[], of: string): void {
  if (cidrs.length === 0 || addressIsIn(remoteAddress, cidrs)) return;
  throw brokerFailure(
    'login-refused',
    `source address "${remoteAddress}" unauthorized through CIDR restrictions on the ${of}`,
  );
}

function answer(role: Role, used: UsedSecretId | undefined, remoteAddress: string): Login {
  const metadata = { ...used?.metadata, role_name: role.name };
  const ofSecretId = used?.tokenCidrs ?? [];
  return {
    displayName: '',
    policies: role.token.policies,
    metadata,
    alias: { name: role.roleId, metadata },
    groups: [],
    token: loginToken(role.token, remoteAddress, ofSecretId.length > 0 ? ofSecretId : role.token.boundCidrs),
    renewable: true,
    internal: { role_name: role.name },
  };
}
