// The paths `role/:role_name/…` that read, write or reset one thing of a role, as one table.
// Texts: OpenBao `builtin/credential/approle/path_role.go`.
import type { Clock, Json } from '../../../base/index.ts';
import { enginePath, type EngineAnswer, type EngineCall, type PathRow } from '../../engines/engine.ts';
import { brokerFailure } from '../../failures.ts';
import { readFields, type FieldSchema } from '../../fields.ts';
import { cidrOf } from '../../addresses.ts';
import { mountTtls } from '../../mounts.ts';
import { sanitizePolicies } from '../../tokens/policy-names.ts';
import { oldFields, writtenParameters, type TokenParameters } from '../token-parameters.ts';
import {
  changeRole,
  checkCidrs,
  checkConstraints,
  checkPeriod,
  checkUses,
  loadRole,
  orNull,
  type Role,
} from './role.ts';
import { severalErrors } from '../../go-errors.ts';

interface RolePart {
  /** Last segment of the path. */
  readonly path: string;
  readonly summary: string;
  readonly fields: FieldSchema;
  /** What one of must be given; the first is named when none is. Empty: nothing has to be. */
  readonly needs: readonly string[];
  readonly show: (role: Role) => Readonly<Record<string, Json>>;
  readonly warnings?: readonly string[];
  readonly write?: (role: Role, body: Readonly<Record<string, unknown>>, maxTtlSeconds: number) => Role;
  readonly reset?: (role: Role) => Role;
}

type TokenWrite = Parameters<typeof writtenParameters>[1];

function token(role: Role, change: Partial<TokenParameters>): Role {
  return { ...role, token: { ...role.token, ...change } };
}

/** A write of the token parameters that this part has. */
function writeToken(fields: FieldSchema): (role: Role, body: Readonly<Record<string, unknown>>) => Role {
  return (role, body) => ({ ...role, token: writtenParameters(role.token, readFields(fields, body) as TokenWrite) });
}

/** Old names are shown only where they were used. */
function withOld(role: Role, name: 'policies' | 'period', shown: Readonly<Record<string, Json>>): typeof shown {
  return role.token.oldNames.includes(name) ? { ...shown, [name]: role.token[name] } : shown;
}

const cidrsPart = (path: string, field: 'bound_cidr_list' | 'secret_id_bound_cidrs'): RolePart => ({
  path,
  summary: 'The addresses from which the role may log in.',
  fields: { [field]: 'list' },
  needs: [],
  show: (role) => ({ [field]: orNull(role.secretIdBoundCidrs) }),
  write: (role, body) => {
    const cidrs = readFields({ [field]: 'list' } as const, body)[field];
    if (cidrs === undefined) return role;
    if (cidrs.length === 0) throw brokerFailure('bad-request', 'missing bound_cidr_list');
    checkCidrs(cidrs, (text) => brokerFailure('bad-request', text));
    return { ...role, secretIdBoundCidrs: cidrs };
  },
  reset: (role) => ({ ...role, secretIdBoundCidrs: [] }),
});

const policyFields = { token_policies: 'list', ...oldFields('policies') } as const;
const periodFields = { token_period: 'seconds', ...oldFields('period') } as const;

const parts: readonly RolePart[] = [
  {
    path: 'local-secret-ids',
    summary: 'Whether secret ids stay on this cluster; chosen when the role is made.',
    fields: {},
    needs: [],
    show: (role) => ({ local_secret_ids: role.localSecretIds }),
  },
  {
    path: 'policies',
    summary: 'The policies of the tokens.',
    fields: policyFields,
    needs: ['token_policies', 'policies'],
    show: (role) => withOld(role, 'policies', { token_policies: role.token.policies }),
    write: (role, body) => {
      const written = writeToken(policyFields)(role, body);
      return token(written, { policies: sanitizePolicies(written.token.policies, false) });
    },
    reset: (role) => token(role, { policies: [] }),
  },
  {
    ...cidrsPart('bound-cidr-list', 'bound_cidr_list'),
    warnings: [
      'The "bound_cidr_list" field is deprecated and will be removed. Please use "secret_id_bound_cidrs" instead.',
    ],
  },
  cidrsPart('secret-id-bound-cidrs', 'secret_id_bound_cidrs'),
  {
    path: 'token-bound-cidrs',
    summary: 'The addresses from which the tokens may be used.',
    fields: { token_bound_cidrs: 'list' },
    needs: [],
    show: (role) => ({ token_bound_cidrs: orNull(role.token.boundCidrs) }),
    write: (role, body) => {
      const given = readFields({ token_bound_cidrs: 'list' }, body).token_bound_cidrs;
      const bad = given?.find((block) => cidrOf(block) === undefined);
      if (bad === undefined) return writeToken({ token_bound_cidrs: 'list' })(role, body);
      const text = `error parsing address "${bad}": Unable to convert "${bad}" to an IPv4 or IPv6 address, or a UNIX Socket`;
      throw brokerFailure('bad-request', `failed to parse token_bound_cidrs: ${text}`);
    },
    reset: (role) => token(role, { boundCidrs: [] }),
  },
  {
    path: 'bind-secret-id',
    summary: 'Whether a login needs a secret id.',
    fields: { bind_secret_id: 'boolean' },
    needs: ['bind_secret_id'],
    show: (role) => ({ bind_secret_id: role.bindSecretId }),
    write: (role, body) => ({
      ...role,
      bindSecretId: readFields({ bind_secret_id: 'boolean' }, body).bind_secret_id ?? role.bindSecretId,
    }),
    reset: (role) => ({ ...role, bindSecretId: true }),
  },
  {
    path: 'secret-id-num-uses',
    summary: 'How many logins a secret id is good for; 0: any number.',
    fields: { secret_id_num_uses: 'int' },
    needs: ['secret_id_num_uses'],
    show: (role) => ({ secret_id_num_uses: role.secretIdUses }),
    write: (role, body) => {
      const { secret_id_num_uses: secretIdUses = 0 } = readFields({ secret_id_num_uses: 'int' }, body);
      checkUses({ secretIdUses });
      return { ...role, secretIdUses };
    },
    reset: (role) => ({ ...role, secretIdUses: 0 }),
  },
  {
    path: 'secret-id-ttl',
    summary: 'How long a secret id is good for; 0: for ever.',
    fields: { secret_id_ttl: 'seconds' },
    needs: ['secret_id_ttl'],
    show: (role) => ({ secret_id_ttl: role.secretIdTtl }),
    write: (role, body) => ({
      ...role,
      secretIdTtl: readFields({ secret_id_ttl: 'seconds' }, body).secret_id_ttl ?? 0,
    }),
    reset: (role) => ({ ...role, secretIdTtl: 0 }),
  },
  {
    path: 'period',
    summary: 'The period of the tokens; with one they may be renewed for ever.',
    fields: periodFields,
    needs: ['period', 'token_period'],
    show: (role) => withOld(role, 'period', { token_period: role.token.period }),
    write: (role, body, maxTtlSeconds) => {
      const written = writeToken(periodFields)(role, body);
      checkPeriod(written.token, maxTtlSeconds);
      return written;
    },
    reset: (role) => token(role, { period: 0 }),
  },
  {
    path: 'token-num-uses',
    summary: 'How often the tokens may be used; 0: any number of times.',
    fields: { token_num_uses: 'int' },
    needs: ['token_num_uses'],
    show: (role) => ({ token_num_uses: role.token.uses }),
    write: writeToken({ token_num_uses: 'int' }),
    reset: (role) => token(role, { uses: 0 }),
  },
  {
    path: 'token-ttl',
    summary: 'The first time to live of the tokens.',
    fields: { token_ttl: 'seconds' },
    needs: ['token_ttl'],
    show: (role) => ({ token_ttl: role.token.ttl }),
    write: (role, body) => {
      const { token_ttl: ttl = 0 } = readFields({ token_ttl: 'seconds' }, body);
      checkOrder(ttl, role.token.maxTtl, 'token_ttl should not be greater than token_max_ttl');
      return token(role, { ttl });
    },
    reset: (role) => token(role, { ttl: 0 }),
  },
  {
    path: 'token-max-ttl',
    summary: 'The longest life of the tokens.',
    fields: { token_max_ttl: 'seconds' },
    needs: ['token_max_ttl'],
    show: (role) => ({ token_max_ttl: role.token.maxTtl }),
    write: (role, body) => {
      const { token_max_ttl: maxTtl = 0 } = readFields({ token_max_ttl: 'seconds' }, body);
      checkOrder(role.token.ttl, maxTtl, 'token_max_ttl should be greater than or equal to token_ttl');
      return token(role, { maxTtl });
    },
    reset: (role) => token(role, { maxTtl: 0 }),
  },
];

function checkOrder(ttl: number, maxTtl: number, text: string): void {
  if (maxTtl > 0 && ttl > maxTtl) throw brokerFailure('bad-request', text);
}

/** A row for each part of a role. */
export function rolePartPaths(clock: Clock): readonly PathRow[] {
  return parts.map((part) =>
    enginePath({
      pattern: `role/:role_name/${part.path}`,
      operations: part.write === undefined ? ['read'] : ['read', 'update', 'delete'],
      summary: part.summary,
      fields: { role_name: 'string', ...part.fields },
      handle: (call) => handlePart(part, call, clock),
    }),
  );
}

async function handlePart(part: RolePart, call: EngineCall, clock: Clock): Promise<EngineAnswer> {
  const { operation, folder, params } = call;
  const name = params['role_name']!;
  const role = await loadRole(folder, name);
  if (operation === 'read') {
    return role === undefined ? {} : { data: part.show(role), warnings: part.warnings ?? [] };
  }
  if (operation === 'delete') {
    if (role !== undefined) await edit(call, clock, (now) => part.reset!(now));
    return {};
  }
  if (role === undefined) throw gone();
  checkGiven(part, call.body);
  const { maxSeconds } = mountTtls(call.mount);
  await edit(call, clock, (now) => part.write!(now, call.body, maxSeconds));
  return {};
}

function checkGiven({ needs, fields }: RolePart, body: Readonly<Record<string, unknown>>): void {
  const given = readFields(fields, body);
  if (needs.length > 0 && needs.every((name) => given[name] === undefined)) {
    throw brokerFailure('bad-request', `missing ${needs[0]}`);
  }
}

/** @throws Failure `no-route` when the role is gone, `method-failed` when it would let everybody in. */
function edit({ folder, params }: EngineCall, clock: Clock, change: (role: Role) => Role): Promise<Role> {
  return changeRole(folder, params['role_name']!, clock, (now) => {
    if (now === undefined) throw gone();
    return checkConstraints(change(now));
  });
}

/** As Vault answers a write to a part of a role that is not there. */
export function gone(): Error {
  return brokerFailure('no-route', severalErrors('unsupported path'), { hint: 'create the role first' });
}
