// auth/token/roles/…: what auth/token/create/:role gives, with Vault's shapes.
import { done, enveloped, param, served, type Answer, type Call, type Served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { WireValue } from '../http/wire.ts';
import type { Handlers } from '../pipeline.ts';
import type { RoleFields, TokenRole, TokenRoles } from '../tokens/role.ts';

export interface TokenRoleParts {
  readonly roles: TokenRoles;
}

const roleFields = {
  role_name: 'string',
  allowed_policies: 'list',
  disallowed_policies: 'list',
  allowed_policies_glob: 'list',
  disallowed_policies_glob: 'list',
  orphan: 'boolean',
  renewable: 'boolean',
  path_suffix: 'string',
  period: 'seconds',
  explicit_max_ttl: 'seconds',
  bound_cidrs: 'list',
  allowed_entity_aliases: 'list',
  token_period: 'seconds',
  token_explicit_max_ttl: 'seconds',
  token_bound_cidrs: 'list',
  token_type: 'string',
  token_no_default_policy: 'boolean',
  token_num_uses: 'int',
} as const;

// Names as Vault allows them (sdk/framework, GenericNameRegex).
const namePattern = /^\w(?:[\w.-]*\w)?$/;

export function tokenRoleHandlers({ roles }: TokenRoleParts): Pick<Handlers, 'tokenRoles' | 'tokenRole'> {
  const exists = async (call: Call): Promise<boolean> => (await roles.get(param(call, 'role_name'))) !== undefined;
  const role: Served = served(
    'What tokens of a role are like.',
    roleFields,
    async (call, fields) => {
      const name = roleName(call);
      if (call.operation === 'read') return read(call, await roles.get(name));
      if (call.operation === 'delete') {
        await roles.delete(name);
        return done();
      }
      return write(roles, call, name, fields);
    },
    exists,
  );
  return {
    tokenRoles: served('List the token roles.', {}, async (call) => {
      const keys = await roles.names();
      if (keys.length === 0) throw brokerFailure('not-found', '');
      return enveloped(call, { data: { keys }, mountType: 'token' });
    }),
    tokenRole: role,
  };
}

function roleName(call: Call): string {
  const name = param(call, 'role_name');
  if (namePattern.test(name)) return name;
  throw brokerFailure('no-route', severalErrors('unsupported path'));
}

async function write(roles: TokenRoles, call: Call, name: string, fields: RoleFields): Promise<Answer> {
  // Left out and null are not the same here, as in Vault.
  if (call.body['token_type'] === null) throw brokerFailure('bad-request', "Invalid 'token_type' value: null");
  const warnings = await roles.write(name, fields);
  return warnings.length === 0 ? done() : enveloped(call, { warnings, mountType: 'token' });
}

function read(call: Call, role: TokenRole | undefined): Answer {
  if (role === undefined) throw brokerFailure('not-found', '');
  return enveloped(call, { data: roleData(role), mountType: 'token' });
}

function roleData(role: TokenRole): Readonly<Record<string, WireValue>> {
  return {
    name: role.name,
    allowed_policies: role.allowedPolicies,
    allowed_policies_glob: role.allowedPoliciesGlob,
    disallowed_policies: role.disallowedPolicies,
    disallowed_policies_glob: role.disallowedPoliciesGlob,
    orphan: role.orphan,
    renewable: role.renewable,
    path_suffix: role.pathSuffix,
    period: role.oldPeriodSeconds,
    token_period: role.periodSeconds,
    explicit_max_ttl: role.oldExplicitMaxTtlSeconds,
    token_explicit_max_ttl: role.explicitMaxTtlSeconds,
    token_type: role.tokenType,
    token_no_default_policy: role.tokenNoDefaultPolicy,
    allowed_entity_aliases: role.allowedEntityAliases,
    ...(role.boundCidrs.length === 0 ? {} : { token_bound_cidrs: role.boundCidrs }),
    ...(role.oldBoundCidrs.length === 0 ? {} : { bound_cidrs: role.oldBoundCidrs }),
    ...(role.tokenNumUses === 0 ? {} : { token_num_uses: role.tokenNumUses }),
  };
}
