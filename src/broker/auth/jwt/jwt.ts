// The auth methods `jwt` and `oidc`, which are the same one by two names: tokens that an issuer signed,
// brought along or fetched by way of a browser.
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
import { scalarText, type FieldValues } from '../../fields.ts';
import type { Mount } from '../../model.ts';
import { mountTtls } from '../../mounts.ts';
import { listPath, loginToken, renewalRefused } from '../logins.ts';
import { configFields, configKey, loadConfig, shownConfig, writtenConfig, type JwtConfig } from './config.ts';
import { checkKeySet, discover, verifierOf, type Verify } from './keys.ts';
import { loginWithToken } from './login.ts';
import { authUrlFields, callbackFields, forgetState, isState, OidcFlow } from './oidc.ts';
import { outboundText } from './outbound.ts';
import { loadRole, roleFields, roleGone, roleKey, roleWarnings, shownRole, writtenRole, type Role } from './role.ts';

export interface JwtMethodParts {
  readonly clock: Clock;
  /** Issuers know no other time. */
  readonly wall: Clock;
  readonly random: Random;
}

export class JwtMethod implements AuthMethod {
  readonly type: 'jwt' | 'oidc';
  readonly paths: readonly PathRow[];
  readonly #verifiers = new Map<string, { readonly revision: string; readonly verify: Promise<Verify> }>();

  constructor(type: 'jwt' | 'oidc', { clock, wall, random }: JwtMethodParts) {
    this.type = type;
    const flow = new OidcFlow(clock, random);
    this.paths = [
      enginePath({
        pattern: 'config',
        operations: ['read', 'update'],
        summary: 'Who signs tokens, and as whom the server asks the issuer.',
        fields: configFields,
        handle: (call, values) => this.#config(call, values),
      }),
      ...rolePaths(),
      enginePath({
        pattern: 'login',
        operations: ['update'],
        summary: 'Logs in with a token that an issuer signed.',
        fields: { role: 'string', jwt: 'string' },
        open: true,
        handle: async (call, values) => ({
          auth: await loginWithToken(call, values, (...of) => this.#verifier(...of), wall),
        }),
      }),
      enginePath({
        pattern: 'oidc/auth_url',
        operations: ['update'],
        summary: 'An address at the issuer at which somebody can log in.',
        fields: authUrlFields,
        open: true,
        handle: (call, values) => flow.authUrl(call, values),
      }),
      enginePath({
        pattern: 'oidc/callback',
        operations: ['read'],
        summary: 'Logs in with what the issuer answered.',
        fields: callbackFields,
        open: true,
        handle: async (call, values) => ({ auth: await flow.callback(call, values) }),
      }),
    ];
  }

  async roleOfLogin(body: Readonly<Record<string, unknown>>, folder: Folder): Promise<string | undefined> {
    return scalarText(body['role']) || (await loadConfig(folder))?.config.defaultRole;
  }

  async renewLogin({ internal }: RenewedLogin, _: Mount, folder: Folder): Promise<LoginToken> {
    const name = internal['role'] ?? '';
    const role = await loadRole(folder, name);
    if (role === undefined) throw renewalRefused(`role ${name} does not exist during renewal`);
    return loginToken(role.token, '');
  }

  async due(name: string, _: Mount, folder: Folder): Promise<undefined> {
    if (isState(name)) await forgetState(folder, name);
    return undefined;
  }

  close(): void {}

  #verifier(mountId: string, revision: string, config: JwtConfig): Promise<Verify> {
    const known = this.#verifiers.get(mountId);
    if (known?.revision === revision) return known.verify;
    const verify = verifierOf(config);
    this.#verifiers.set(mountId, { revision, verify });
    // An issuer that did not answer is asked again the next time.
    verify.catch(() => this.#verifiers.delete(mountId));
    return verify;
  }

  async #config(
    { operation, folder, mount }: EngineCall,
    values: FieldValues<typeof configFields>,
  ): Promise<EngineAnswer> {
    const found = await loadConfig(folder);
    if (operation === 'read') {
      if (found === undefined) return {};
      const problem = await this.#verifier(mount.id, found.revision, found.config).then(
        () => undefined,
        (error: unknown) => `failed to construct JWK validator: keyset configuration error: ${outboundText(error)}`,
      );
      const status = problem === undefined ? 'valid' : 'invalid';
      return { data: { ...shownConfig(found.config), status }, warnings: problem === undefined ? [] : [problem] };
    }
    const warning = await sourceProblem(writtenConfig(found?.config, values));
    if (warning !== undefined && values.skip_jwks_validation !== true) throw brokerFailure('bad-request', warning.full);
    await folder.change<JwtConfig>(configKey, (before) => writtenConfig(before, values));
    return { warnings: warning === undefined ? [] : [warning.short] };
  }
}

/** Why keys cannot be had from where the configuration says; undefined when they can. */
async function sourceProblem(config: JwtConfig): Promise<{ full: string; short: string } | undefined> {
  try {
    if (config.discoveryUrl !== '') await discover(config);
    if (config.jwksUrl !== '') await checkKeySet(config);
    return undefined;
  } catch (error) {
    const short = config.jwksUrl === '' ? 'error checking oidc discovery URL' : 'error checking jwks URL';
    return { short, full: config.jwksUrl === '' ? `${short}: ${outboundText(error)}` : short };
  }
}

function rolePaths(): readonly PathRow[] {
  return [
    listPath('role', 'Lists the roles.', 'role/'),
    enginePath({
      pattern: 'role/:name',
      operations: ['read', 'update', 'delete'],
      summary: 'A role: which tokens may log in, and what the token of the login may do.',
      fields: roleFields,
      exists: async ({ folder, params }) => (await loadRole(folder, params['name']!)) !== undefined,
      handle: handleRole,
    }),
  ];
}

async function handleRole(
  { operation, folder, params, mount }: EngineCall,
  values: FieldValues<typeof roleFields>,
): Promise<EngineAnswer> {
  const name = params['name']!;
  if (operation === 'read') {
    const role = await loadRole(folder, name);
    return role === undefined ? {} : { data: shownRole(role) };
  }
  if (operation === 'delete') {
    await folder.change<Role>(roleKey(name), () => undefined);
    return {};
  }
  const { maxSeconds } = mountTtls(mount);
  let warnings: readonly string[] = [];
  await folder.change<Role>(roleKey(name), (before) => {
    if (before === undefined && operation === 'update') throw roleGone();
    const role = writtenRole(before, values, maxSeconds);
    warnings = roleWarnings(role, maxSeconds);
    return role;
  });
  return { warnings };
}
