// auth/token/…: making, looking up, renewing and revoking tokens, with Vault's shapes and texts.
import type { Clock } from '../../base/index.ts';
import type { Access } from '../access.ts';
import { done, enveloped, param, served, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { severalErrors } from '../go-errors.ts';
import type { Identity } from '../identity/identity.ts';
import type { Lending } from '../lending.ts';
import type { Token } from '../model.ts';
import { authPrefix, mountTtls, type Mounts } from '../mounts.ts';
import type { Handlers } from '../pipeline.ts';
import type { Policies } from '../policies.ts';
import { planCreate, type CreateFields } from '../tokens/create.ts';
import type { TokenRole, TokenRoles } from '../tokens/role.ts';
import { spent } from '../tokens/record.ts';
import { lesser, systemTtls, type MountTtls } from '../tokens/ttl.ts';
import type { RenewTerms, Tokens } from '../tokens.ts';
import { authOf, lookupData, wireAuth } from './token-wire.ts';

export interface TokenParts {
  readonly tokens: Tokens;
  readonly roles: TokenRoles;
  readonly policies: Policies;
  readonly access: Pick<Access, 'capabilities'>;
  readonly mounts: Pick<Mounts, 'get' | 'ofLogin'>;
  readonly identity: Identity;
  readonly lending: Lending;
  readonly clock: Clock;
}

type Names =
  | 'tokenCreate'
  | 'tokenOrphan'
  | 'tokenCreateRole'
  | 'tokenLookup'
  | 'tokenLookupSelf'
  | 'tokenLookupName'
  | 'tokenRenew'
  | 'tokenRenewSelf'
  | 'tokenRenewName'
  | 'tokenAccessors'
  | 'tokenRevoke'
  | 'tokenRevokeSelf'
  | 'tokenRevokeName'
  | 'tokenRevokeOrphan';

export function tokenHandlers(parts: TokenParts): Pick<Handlers, Names> {
  return { ...makers(parts), ...lookups(parts), ...renewals(parts), ...revocations(parts) };
}

const createFields = {
  id: 'string',
  policies: 'strings',
  meta: 'map',
  ttl: 'string',
  lease: 'string',
  explicit_max_ttl: 'string',
  period: 'string',
  display_name: 'string',
  num_uses: 'int',
  renewable: 'boolean',
  no_parent: 'boolean',
  no_default_policy: 'boolean',
  type: 'string',
  entity_alias: 'string',
} as const;

const byId = { token: 'string' } as const;
const byAccessor = { accessor: 'string' } as const;
const increment = { increment: 'seconds' } as const;

function makers(parts: TokenParts): Pick<Handlers, 'tokenCreate' | 'tokenOrphan' | 'tokenCreateRole'> {
  return {
    tokenCreate: served('Make a token.', createFields, (call, fields) => create(parts, call, fields, undefined)),
    tokenOrphan: served('Make a token without a parent.', createFields, (call, fields) =>
      create(parts, call, fields, undefined),
    ),
    tokenCreateRole: served(
      'Make a token as a role has it.',
      { ...createFields, role_name: 'string' },
      async (call, fields) => {
        const name = param(call, 'role_name');
        const role = await parts.roles.get(name);
        if (role === undefined) throw brokerFailure('bad-request', `unknown role ${name}`);
        return create(parts, call, fields, role);
      },
    ),
  };
}

async function create(
  parts: TokenParts,
  call: Call,
  fields: CreateFields,
  role: TokenRole | undefined,
): Promise<Answer> {
  const caller = tokenOf(call);
  const decided = planCreate({
    fields,
    caller,
    sudo: await hasSudo(parts, caller, call.path),
    orphanPath: call.path === 'auth/token/create-orphan',
    path: call.path,
    role,
  });
  const { entityAlias, inheritedEntityId } = decided;
  const entityId = entityAlias === undefined ? inheritedEntityId : await entityOfAlias(parts, entityAlias);
  const made = await parts.tokens.create({ ...decided.plan, entityId, mountTtls: await ownTtls(parts) });
  const missing = await missingPolicies(parts.policies, made.token.policies);
  const warnings = [...decided.warnings, ...made.warnings, ...missing];
  const identityPolicies = await identityPoliciesOf(parts, made.token);
  const answer = enveloped(call, { auth: wireAuth(made, identityPolicies), warnings, mountType: 'token' });
  return { ...answer, takeBack: () => parts.lending.endToken(made.token.name) };
}

async function entityOfAlias({ identity, mounts }: TokenParts, name: string): Promise<string> {
  const mount = await mounts.get(`${authPrefix}token`);
  if (mount === undefined) throw brokerFailure('bad-request', 'auth token mount accessor not found');
  const { accessor: mountAccessor } = mount;
  return (await identity.onLogin({ mountAccessor, local: false, name, metadata: {} })).entityId;
}

/** What the token's entity adds to its policies now. */
async function identityPoliciesOf({ identity }: TokenParts, { entityId }: Token): Promise<readonly string[]> {
  return (await identity.caller(entityId))?.policies ?? [];
}

async function hasSudo({ access }: TokenParts, token: Token, path: string): Promise<boolean> {
  const capabilities = await access.capabilities(token, path);
  return capabilities.includes('root') || capabilities.includes('sudo');
}

async function missingPolicies(policies: Policies, names: readonly string[]): Promise<readonly string[]> {
  const custom = names.filter((name) => name !== 'default' && name !== 'root');
  const known = await Promise.all(custom.map(async (name) => policies.exists(name)));
  return custom.filter((_, index) => !known[index]).map((name) => `Policy "${name}" does not exist`);
}

function lookups(
  parts: TokenParts,
): Pick<Handlers, 'tokenLookup' | 'tokenLookupSelf' | 'tokenLookupName' | 'tokenAccessors'> {
  const { tokens, clock } = parts;
  const answer = async (call: Call, token: Token, id: string): Promise<Answer> => {
    const policies = token.entityId === '' ? [] : await identityPoliciesOf(parts, token);
    const data = lookupData(token, id, clock.now(), policies);
    return enveloped(call, { data, mountType: 'token' });
  };
  return {
    tokenLookup: served('What is known of a token; of the one that asks when none is named.', byId, async (call) => {
      const id = namedId(call);
      if (id === '') return answer(call, tokenOf(call), ownId(call));
      const token = await tokens.lookup(id);
      if (token === undefined) throw brokerFailure('bad-token', 'bad token');
      return answer(call, token, id);
    }),
    tokenLookupSelf: served('What is known of the token that asks.', byId, async (call) =>
      answer(call, tokenOf(call), ownId(call)),
    ),
    // By accessor: whoever knows only that learns all about the token but its id.
    tokenLookupName: served('What is known of the token with an accessor.', byAccessor, async (call, { accessor }) =>
      answer(call, await ofAccessor(parts, accessor), ''),
    ),
    tokenAccessors: served('List the accessors of all tokens.', {}, async (call) => {
      const keys = await tokens.accessors();
      if (keys.length === 0) throw brokerFailure('not-found', '');
      return enveloped(call, { data: { keys }, mountType: 'token' });
    }),
  };
}

/** The token the body names; empty when it names none. */
function namedId({ body }: Call): string {
  if (!Object.hasOwn(body, 'token')) return '';
  if (typeof body['token'] === 'string') return body['token'];
  throw brokerFailure('bad-token', 'invalid token');
}

function ownId(call: Call): string {
  return call.tokenId?.reveal() ?? '';
}

async function ofAccessor({ tokens }: TokenParts, accessor: string | undefined): Promise<Token> {
  if (accessor === undefined || accessor === '') throw brokerFailure('bad-request', severalErrors('missing accessor'));
  const token = await tokens.byAccessor(accessor);
  if (token === undefined) throw brokerFailure('bad-request', severalErrors('invalid accessor'));
  return token;
}

function renewals(parts: TokenParts): Pick<Handlers, 'tokenRenew' | 'tokenRenewSelf' | 'tokenRenewName'> {
  return {
    tokenRenew: served('Let a token live longer.', { ...byId, ...increment }, async (call, fields) => {
      const id = namedId(call);
      if (id === '') throw brokerFailure('bad-request', 'missing token ID');
      const token = await parts.tokens.lookup(id);
      if (token === undefined) throw brokerFailure('bad-request', 'token not found');
      return renew(parts, call, id, token, fields.increment);
    }),
    tokenRenewSelf: served('Let the token that asks live longer.', { ...byId, ...increment }, (call, fields) =>
      renew(parts, call, ownId(call), tokenOf(call), fields.increment),
    ),
    tokenRenewName: served(
      'Let the token with an accessor live longer.',
      { ...byAccessor, ...increment },
      async (call, fields) => renew(parts, call, '', await ofAccessor(parts, fields.accessor), fields.increment),
    ),
  };
}

async function renew(parts: TokenParts, call: Call, id: string, before: Token, incrementSeconds = 0): Promise<Answer> {
  if (before.type === 'batch') throw brokerFailure('bad-request', 'batch tokens cannot be renewed');
  if (before.usesLeft === spent) throw brokerFailure('bad-request', 'token not found');
  if (!before.renewable) throw brokerFailure('lease-not-renewable', 'lease is not renewable');
  const { token, warnings } = await parts.tokens.renew(before.name, incrementSeconds, await termsOf(parts, before));
  const seconds = ((token.expiresAt ?? 0) - (token.lastRenewedAt ?? 0)) / 1000;
  const auth = authOf(token, id, seconds, await identityPoliciesOf(parts, token));
  return enveloped(call, { auth, warnings, mountType: 'token' });
}

/** Limits of the mount `auth/token/`, which may be tuned like any other. */
async function ownTtls({ mounts }: TokenParts): Promise<MountTtls> {
  const mount = await mounts.get('auth/token');
  return mount === undefined ? systemTtls : mountTtls(mount);
}

/** What the login or role behind a token allows now, or what the token was made with. */
async function termsOf(parts: TokenParts, token: Token): Promise<RenewTerms> {
  if (token.mountId !== undefined) return loginTerms(parts, token);
  const role = token.role === '' ? undefined : await parts.roles.get(token.role);
  if (role === undefined && token.role !== '') {
    throw notRenewed(`original token role "${token.role}" could not be found, not renewing`);
  }
  return {
    ttlSeconds: lastTtlSeconds(token),
    maxTtlSeconds: token.maxTtlSeconds,
    explicitMaxTtlSeconds: lesser(token.explicitMaxTtlSeconds, role?.explicitMaxTtlSeconds ?? 0),
    periodSeconds: lesser(token.periodSeconds, role?.periodSeconds ?? 0),
    mountTtls: await ownTtls(parts),
  };
}

/** A renewal that asks for nothing gives what the one before it gave. */
function lastTtlSeconds({ creationTtlSeconds, expiresAt, lastRenewedAt }: Token): number {
  return expiresAt === null || lastRenewedAt === null ? creationTtlSeconds : (expiresAt - lastRenewedAt) / 1000;
}

function notRenewed(reason: string): Error {
  return brokerFailure('token-not-renewed', severalErrors(`failed to renew entry: ${reason}`));
}

async function loginTerms({ mounts }: TokenParts, token: Token): Promise<RenewTerms> {
  const found = await mounts.ofLogin(token.path);
  if (found === undefined || found.mount.id !== token.mountId) {
    throw notRenewed('the auth method of this token is gone, not renewing');
  }
  const { policies, meta: metadata, loginFacts: internal = {} } = token;
  const allowed = await found.method.renewLogin({ internal, policies, metadata }, found.mount, found.folder);
  return { ...allowed, mountTtls: mountTtls(found.mount) };
}

function revocations(
  parts: TokenParts,
): Pick<Handlers, 'tokenRevoke' | 'tokenRevokeSelf' | 'tokenRevokeName' | 'tokenRevokeOrphan'> {
  const { lending, tokens } = parts;
  const end = async (token: Token | undefined, leavesChildren = false): Promise<Answer> => {
    if (token?.type === 'batch') throw brokerFailure('bad-request', 'batch tokens cannot be revoked');
    if (token !== undefined) await lending.endToken(token.name, leavesChildren);
    return done();
  };
  return {
    tokenRevoke: served('End a token, its children and their leases.', byId, async (call) => {
      const id = namedId(call);
      if (id === '') throw brokerFailure('bad-request', 'missing token ID');
      // A token that is not there is as good as revoked, as in Vault.
      return end(await tokens.lookup(id));
    }),
    tokenRevokeSelf: served('End the token that asks.', {}, (call) => end(tokenOf(call))),
    tokenRevokeName: served('End the token with an accessor.', byAccessor, async (call, { accessor = '' }) => {
      if (accessor === '') throw brokerFailure('bad-request', severalErrors('missing accessor'));
      const token = await tokens.byAccessor(accessor);
      if (token !== undefined) return end(token);
      return enveloped(call, { warnings: ['No token found with this accessor'], mountType: 'token' });
    }),
    tokenRevokeOrphan: served('End a token; its children live on as orphans.', byId, async (call) => {
      const id = namedId(call);
      if (id === '') throw brokerFailure('bad-request', 'missing token ID');
      if (!(await hasSudo(parts, tokenOf(call), call.path))) {
        throw brokerFailure('bad-request', 'root or sudo privileges required to revoke and orphan');
      }
      const token = await tokens.lookup(id);
      if (token === undefined) throw brokerFailure('bad-request', 'token to revoke not found');
      return end(token, true);
    }),
  };
}
