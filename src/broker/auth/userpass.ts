// The auth method `userpass`: people with a name and a password. Names are the same in upper and lower
// case. Paths, texts and order of the checks: OpenBao `builtin/credential/userpass`.
import type { Clock, Random } from '../../base/index.ts';
import {
  enginePath,
  type AuthMethod,
  type EngineAnswer,
  type EngineCall,
  type Folder,
  type Login,
  type LoginToken,
  type PathRow,
  type RenewedLogin,
} from '../engines/engine.ts';
import { brokerFailure } from '../failures.ts';
import type { FieldValues } from '../fields.ts';
import type { Mount } from '../model.ts';
import { Lockout, lockoutRule, type Caller } from './lockout.ts';
import { listPath, checkAddress, loginToken, methodFailed, renewalRefused } from './logins.ts';
import { checkBcrypt, hashPassword, isPassword } from './passwords.ts';
import {
  noTokenParameters,
  oldFields,
  samePolicies,
  shownParameters,
  tokenFields,
  writtenParameters,
  type TokenParameters,
} from './token-parameters.ts';
import { sanitizePolicies } from '../tokens/policy-names.ts';
import { Turns } from './turns.ts';

interface User {
  readonly version: 1;
  /** Made by passwords.ts; empty: nobody can log in. */
  readonly passwordHash: string;
  readonly token: TokenParameters;
}

const passwordFields = { username: 'string', password: 'string', password_hash: 'string' } as const;
const userFields = {
  ...passwordFields,
  ...tokenFields,
  ...oldFields('policies', 'ttl', 'max_ttl', 'bound_cidrs'),
} as const;

const policyFields = { username: 'string', token_policies: 'list', ...oldFields('policies') } as const;

export interface UserpassParts {
  readonly clock: Clock;
  readonly random: Random;
}

export class Userpass implements AuthMethod {
  readonly type = 'userpass';
  readonly paths: readonly PathRow[];
  readonly #random: Random;
  readonly #lockout: Lockout;
  /** Two hashes fill the cores of a small machine. */
  readonly #turns = new Turns({ atOnce: 2, waiting: 64, perAddress: 32 });

  constructor({ clock, random }: UserpassParts) {
    this.#random = random;
    this.#lockout = new Lockout(clock);
    this.paths = [
      listPath('users', 'Lists the users.', 'user/'),
      enginePath({
        pattern: 'users/:username',
        operations: ['read', 'update', 'delete'],
        summary: 'A user: the password, and what the tokens of its logins may do.',
        fields: userFields,
        exists: async ({ folder, params }) => (await loadUser(folder, params['username']!)) !== undefined,
        handle: (call, values) => this.#user(call, values),
      }),
      enginePath({
        pattern: 'users/:username/password',
        operations: ['update'],
        summary: 'Sets the password of a user.',
        fields: passwordFields,
        handle: (call, values) => this.#setPassword(call, values),
      }),
      enginePath({
        pattern: 'users/:username/policies',
        operations: ['update'],
        summary: 'Sets the policies of a user.',
        fields: policyFields,
        handle: ({ folder, params }, values) =>
          changeUser(folder, params['username']!, (user) => ({ ...user, token: withPolicies(user.token, values) })),
      }),
      enginePath({
        pattern: 'login/:username',
        operations: ['update'],
        summary: 'Logs in with a password.',
        fields: { username: 'string', password: 'string' },
        open: true,
        handle: async (call, { password = '' }) => ({ auth: await this.#login(call, password) }),
      }),
    ];
  }

  async renewLogin({ metadata, policies }: RenewedLogin, _: Mount, folder: Folder): Promise<LoginToken> {
    const user = await loadUser(folder, metadata['username'] ?? '');
    if (user === undefined) throw renewalRefused('the user no longer exists');
    if (!samePolicies(user.token.policies, policies)) throw renewalRefused('policies have changed, not renewing');
    return loginToken(user.token, '');
  }

  close(): void {}

  async #user(call: EngineCall, values: FieldValues<typeof userFields>): Promise<EngineAnswer> {
    const { operation, folder, params } = call;
    const name = userKey(params['username']!);
    if (operation === 'read') {
      const user = await loadUser(folder, params['username']!);
      return user === undefined ? {} : { data: shownParameters(user.token) };
    }
    if (operation === 'delete') {
      await folder.change<User>(name, () => undefined);
      return {};
    }
    const given = hasPassword(values);
    if (operation === 'create' && !given) throw noPassword();
    // Read before the hash is made, for that takes a while: a rule that is broken is told at once.
    writtenParameters(noTokenParameters, values);
    const passwordHash = given ? await this.#newHash(call, values) : undefined;
    await folder.change<User>(name, (before) => ({
      version: 1,
      passwordHash: passwordHash ?? before?.passwordHash ?? '',
      token: writtenParameters(before?.token ?? noTokenParameters, values),
    }));
    return {};
  }

  async #setPassword(call: EngineCall, values: PasswordValues): Promise<EngineAnswer> {
    const { folder, params } = call;
    if ((await loadUser(folder, params['username']!)) === undefined) throw noUser();
    const passwordHash = await this.#newHash(call, values);
    return changeUser(folder, params['username']!, (user) => ({ ...user, passwordHash }));
  }

  async #newHash({ remoteAddress }: EngineCall, values: PasswordValues): Promise<string> {
    const { password = '', password_hash: made = '' } = values;
    if (password !== '' && made !== '') {
      throw brokerFailure('bad-request', 'only one of password or password_hash may be provided');
    }
    if (!hasPassword(values)) throw noPassword();
    if (made !== '') {
      checkBcrypt(made);
      return made;
    }
    return this.#turns.take(remoteAddress, () => hashPassword(password, this.#random));
  }

  async #login({ folder, mount, params, remoteAddress }: EngineCall, password: string): Promise<Login> {
    const username = params['username']!.toLowerCase();
    // Vault answers so, with 500.
    if (password === '') throw brokerFailure('method-failed', 'missing password');
    const caller = { folder, mountId: mount.id, alias: username, rule: lockoutRule(mount) };
    await this.#lockout.check(caller);
    const user = await this.#turns.take(remoteAddress, () => this.#checked(caller, username, password));
    checkAddress(user.token, remoteAddress);
    await this.#lockout.forget(caller);
    const metadata = { username };
    return {
      displayName: username,
      policies: user.token.policies,
      metadata,
      alias: { name: username, metadata: {} },
      groups: [],
      token: loginToken(user.token, remoteAddress),
      renewable: true,
      internal: {},
    };
  }

  async #checked(caller: Caller, username: string, password: string): Promise<User> {
    // Again, for who waited for his turn may have failed too often meanwhile.
    await this.#lockout.check(caller);
    const user = await loadUser(caller.folder, username);
    const right = await isPassword(password, user?.passwordHash);
    if (user !== undefined && right) return user;
    await this.#lockout.failed(caller, user !== undefined);
    throw brokerFailure('login-refused', 'invalid username or password');
  }
}

type PasswordValues = FieldValues<typeof passwordFields>;

function hasPassword({ password = '', password_hash: made = '' }: PasswordValues): boolean {
  return password !== '' || made !== '';
}

function noPassword(): Error {
  return brokerFailure('bad-request', 'must provide either password or password_hash');
}

function noUser(): Error {
  return methodFailed('username does not exist');
}

function withPolicies(token: TokenParameters, given: FieldValues<typeof policyFields>): TokenParameters {
  const written = writtenParameters(token, given);
  return { ...written, policies: sanitizePolicies(written.policies, false) };
}

function userKey(username: string): string {
  return `user/${username.toLowerCase()}`;
}

async function loadUser(folder: Folder, username: string): Promise<User | undefined> {
  return (await folder.get<User>(userKey(username)))?.value;
}

/** @throws Failure `method-failed` when there is no such user. */
async function changeUser(folder: Folder, username: string, next: (user: User) => User): Promise<EngineAnswer> {
  await folder.change<User>(userKey(username), (before) => {
    if (before === undefined) throw noUser();
    return next(before);
  });
  return {};
}
