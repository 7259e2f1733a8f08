// The login of `aws`: a signed GetCallerIdentity tells who calls, the role says who may.
// Texts and order of the checks: OpenBao plugins `auth/aws/path_login.go`.
import type { EngineCall, Folder, Login, LoginToken, RenewedLogin } from '../../engines/engine.ts';
import { checkAddress, loginToken, renewalRefused } from '../logins.ts';
import { loadClientConfig, loadIdentityConfig, type IdentityConfig } from './config.ts';
import type { Instances } from './instances.ts';
import { canonicalArn, parsePrincipal, type Principal } from './principal.ts';
import { awsText, type Principals } from './principals.ts';
import { askCaller, type CallerIdentity } from './relay.ts';
import { loadRole, type Role } from './role.ts';
import { readSignedRequest, refused, stsFor, type LoginValues } from './signed-request.ts';

/** Tries at STS when the configuration names none. */
const usualRetries = 2;

export class AwsLogin {
  readonly #principals: Principals;
  readonly #instances: Instances;

  constructor(principals: Principals, instances: Instances) {
    this.#principals = principals;
    this.#instances = instances;
  }

  /** @throws Failure `login-refused` with Vault's text, `permission-denied`. */
  async login(call: EngineCall, values: LoginValues): Promise<Login> {
    checkKind(values);
    const { config } = await loadClientConfig(call.folder);
    const allowedHeaders = config.allowedHeaders.map((name) => name.toLowerCase());
    const signed = readSignedRequest(values, { serverId: config.serverId, allowedHeaders });
    const endpoint = stsFor(signed, { endpoint: config.stsEndpoint, useClientRegion: config.useStsRegionFromClient });
    const identity = await askCaller(endpoint, signed, config.maxRetries < 0 ? usualRetries : config.maxRetries);
    const caller = parsedCaller(identity);
    const roleName = (values.role || caller.name).toLowerCase();
    const role = await loadRole(call.folder, roleName);
    if (role === undefined) throw refused(`entry for role ${roleName} not found`);
    checkAddress(role.token, call.remoteAddress);
    if (role.authType !== 'iam') throw refused(`auth method iam not allowed for role ${roleName}`);
    await this.#checkBound(call, roleName, role, identity, caller);
    const instance = await this.#instances.inferred(call, roleName, role, caller);
    const config2 = await loadIdentityConfig(call.folder);
    return answer(call, config2, { roleName, role, identity, caller, instance });
  }

  /** @throws Failure `renewal-refused` when the role is gone or does not let the caller in any more. */
  async renew({ internal }: RenewedLogin, mountId: string, folder: Folder): Promise<LoginToken> {
    const roleName = internal['role_name'] ?? '';
    const role = await loadRole(folder, roleName);
    if (role === undefined) throw renewalRefused('role entry not found');
    const arn = internal['canonical_arn'] ?? '';
    const caller = parsePrincipal(arn);
    await this.#instances.stillRuns({ mountId, folder }, role, internal);
    const place = { mountId, folder };
    const bound = await this.#principals
      .isBound(place, role, caller, internal['client_user_id'] ?? '')
      .catch((error: unknown) => {
        const text = `error looking up full ARN of entity ${arn} when updating login for role "${roleName}": ${awsText(error)}`;
        throw renewalRefused(text);
      });
    if (!bound) throw renewalRefused(`role "${roleName}" no longer bound to ARN "${arn}"`);
    return loginToken(role.token, '');
  }

  async #checkBound(
    { mount, folder }: EngineCall,
    roleName: string,
    role: Role,
    identity: CallerIdentity,
    caller: Principal,
  ): Promise<void> {
    const place = { mountId: mount.id, folder };
    const bound = await this.#principals.isBound(place, role, caller, uniqueIdOf(identity)).catch((error: unknown) => {
      const text = `error looking up full ARN of entity ${canonicalArn(caller)} when attempting login for role "${roleName}": ${awsText(error)}`;
      throw refused(text, 'the keys of `config/client` need `iam:GetUser` and `iam:GetRole`');
    });
    if (!bound) throw refused(`IAM Principal "${identity.arn}" does not belong to the role "${roleName}"`);
  }
}

function checkKind(values: LoginValues): void {
  const isIam = [
    values.iam_http_request_method,
    values.iam_request_url,
    values.iam_request_body,
    values.iam_request_headers,
  ].every((value) => value !== undefined);
  const { pkcs7, identity, signature } = values;
  const isEc2 = pkcs7 !== undefined || (identity !== undefined && signature !== undefined);
  if (isEc2 && isIam) throw refused('supplied auth values for both ec2 and iam auth types');
  if (isEc2) {
    throw refused(
      'logins of type ec2 are not supported',
      'log in with type iam, and bind the role to instances by `inferred_entity_type=ec2_instance`',
    );
  }
  if (!isIam) throw refused("didn't supply required authentication values");
}

function parsedCaller({ arn }: CallerIdentity): Principal {
  try {
    return parsePrincipal(arn);
  } catch (error) {
    throw refused(`error parsing arn "${arn}": ${(error as Error).message}`);
  }
}

/** Of the user or role; the name of a session stands behind it. */
function uniqueIdOf({ userId }: CallerIdentity): string {
  return userId.split(':')[0]!;
}

interface Proved {
  readonly roleName: string;
  readonly role: Role;
  readonly identity: CallerIdentity;
  readonly caller: Principal;
  /** Id of the instance that the session was taken for, or empty. */
  readonly instance: string;
}

function answer({ remoteAddress }: EngineCall, config: IdentityConfig, proved: Proved): Login {
  const { roleName, role, identity, caller, instance } = proved;
  const facts = {
    account_id: caller.account,
    auth_type: 'iam',
    canonical_arn: canonicalArn(caller),
    client_arn: identity.arn,
    client_user_id: uniqueIdOf(identity),
    inferred_aws_region: role.inferredRegion,
    inferred_entity_id: instance,
    inferred_entity_type: instance === '' ? '' : role.inferredType,
  };
  const told = Object.fromEntries(
    Object.entries(facts).filter(([name, value]) => value !== '' && config.iamMetadata.includes(name)),
  );
  const aliases: Readonly<Record<string, string>> = {
    role_id: role.roleId,
    unique_id: facts.client_user_id,
    full_arn: identity.arn,
  };
  return {
    displayName: caller.session === '' ? caller.name : `${caller.name}/${caller.session}`,
    policies: role.token.policies,
    metadata: { role_id: role.roleId, ...told },
    alias: { name: aliases[config.iamAlias]!, metadata: told },
    groups: [],
    token: loginToken(role.token, remoteAddress),
    renewable: true,
    internal: {
      role_name: roleName,
      canonical_arn: facts.canonical_arn,
      client_user_id: facts.client_user_id,
      account_id: caller.account,
      inferred_entity_id: instance,
      inferred_aws_region: role.inferredRegion,
    },
  };
}
