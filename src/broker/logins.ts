// Logins: what an auth method proved becomes a token. One way for all methods.
import { enveloped, type Answer, type Call } from './call.ts';
import type { Login } from './engines/engine.ts';
import type { Identity } from './identity/identity.ts';
import type { Mount } from './model.ts';
import { authPrefix, mountTtls } from './mounts.ts';
import { wireAuth } from './routes/token-wire.ts';
import type { Tokens } from './tokens.ts';

export interface LoginParts {
  readonly tokens: Tokens;
  readonly identity: Identity;
}

export class Logins {
  readonly #parts: LoginParts;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** Makes the token of a login and answers with it. */
  async answer(call: Call, mount: Mount, login: Login): Promise<Answer> {
    const { token: settings } = login;
    const ttls = mountTtls(mount);
    const policies = [...new Set([...(settings.noDefaultPolicy ? [] : ['default']), ...login.policies])].toSorted();
    const { entityId, policies: identityPolicies } = await this.#entityOf(mount, login);
    const made = await this.#parts.tokens.create({
      policies,
      entityId,
      displayName: [mount.path.slice(authPrefix.length).replaceAll('/', '-'), login.displayName]
        .filter(Boolean)
        .join('-'),
      path: call.path,
      meta: login.metadata,
      parent: null,
      ttlSeconds: Math.min(settings.ttlSeconds || ttls.defaultSeconds, settings.maxTtlSeconds || ttls.maxSeconds),
      explicitMaxTtlSeconds: settings.explicitMaxTtlSeconds,
      periodSeconds: settings.periodSeconds,
      renewable: login.renewable,
      uses: settings.uses,
      mountId: mount.id,
    });
    const warnings = [...made.warnings, ...(login.warnings ?? [])];
    return enveloped(call, { auth: wireAuth(made, identityPolicies), warnings, mountType: mount.type });
  }

  // A method that does not say who the caller is gives a token without an entity.
  async #entityOf(mount: Mount, { alias, groups }: Login): Promise<{ entityId: string; policies: readonly string[] }> {
    if (alias.name === '') return { entityId: '', policies: [] };
    const { accessor: mountAccessor, local = false } = mount;
    return this.#parts.identity.onLogin({ mountAccessor, local, groups, ...alias });
  }
}
