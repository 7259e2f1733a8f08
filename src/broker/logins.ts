// Logins: what an auth method proved becomes a token. One way for all methods.
import { planLogin } from './auth/login-plan.ts';
import { enveloped, type Answer, type Call } from './call.ts';
import type { Login } from './engines/engine.ts';
import type { Identity } from './identity/identity.ts';
import type { Lending } from './lending.ts';
import type { Mount } from './model.ts';
import { wireAuth } from './routes/token-wire.ts';
import type { Tokens } from './tokens.ts';

export interface LoginParts {
  readonly tokens: Tokens;
  readonly identity: Identity;
  readonly lending: Pick<Lending, 'endToken'>;
}

export class Logins {
  readonly #parts: LoginParts;

  constructor(parts: LoginParts) {
    this.#parts = parts;
  }

  /** Makes the token of a login and answers with it. */
  async answer(call: Call, mount: Mount, login: Login): Promise<Answer> {
    const plan = planLogin(mount, login, call.path);
    const { entityId, policies: identityPolicies } = await this.#entityOf(mount, login);
    const made = await this.#parts.tokens.create({ ...plan, entityId });
    const warnings = [...made.warnings, ...(login.warnings ?? [])];
    const answer = enveloped(call, { auth: wireAuth(made, identityPolicies), warnings, mountType: mount.type });
    return { ...answer, takeBack: () => this.#parts.lending.endToken(made.token.name) };
  }

  // A method that does not say who the caller is gives a token without an entity.
  async #entityOf(mount: Mount, { alias, groups }: Login): Promise<{ entityId: string; policies: readonly string[] }> {
    if (alias.name === '') return { entityId: '', policies: [] };
    const { accessor: mountAccessor, local = false } = mount;
    return this.#parts.identity.onLogin({ mountAccessor, local, groups, ...alias });
  }
}
