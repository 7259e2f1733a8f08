// auth/token/…: making, looking up, renewing and revoking tokens, with Vault's shapes.
import type { Clock } from '../../base/index.ts';
import { done, enveloped, served, tokenOf, type Answer, type Call } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import { readFields } from '../fields.ts';
import type { WireAuth, WireValue } from '../http/wire.ts';
import type { Lending } from '../lending.ts';
import type { Token } from '../model.ts';
import type { Handlers } from '../pipeline.ts';
import type { Policies } from '../policies.ts';
import type { MadeToken, Tokens } from '../tokens.ts';

export interface TokenParts {
  readonly tokens: Tokens;
  readonly policies: Policies;
  readonly lending: Lending;
  readonly clock: Clock;
}

type Names =
  | 'tokenCreate'
  | 'tokenOrphan'
  | 'tokenLookup'
  | 'tokenLookupSelf'
  | 'tokenLookupName'
  | 'tokenRenew'
  | 'tokenRenewSelf'
  | 'tokenRenewName'
  | 'tokenAccessors'
  | 'tokenRevoke'
  | 'tokenRevokeSelf'
  | 'tokenRevokeName';

export function tokenHandlers(parts: TokenParts): Pick<Handlers, Names> {
  const { lending, clock } = parts;
  const byId = { token: 'string' } as const;
  const renewal = { token: 'string', increment: 'seconds' } as const;
  const accessor = { accessor: 'string' } as const;
  return {
    tokenCreate: served('Make a token.', createFields, (call) => create(parts, call, false)),
    tokenOrphan: served('Make a token without a parent.', createFields, (call) => create(parts, call, true)),
    tokenLookup: served('What is known of a token.', byId, async (call) => {
      const { id, token } = await named(parts, call);
      return lookupAnswer(call, token, id, clock);
    }),
    tokenLookupSelf: served('What is known of the token that asks.', byId, async (call) =>
      lookupAnswer(call, tokenOf(call), call.tokenId?.reveal() ?? '', clock),
    ),
    // By accessor: whoever knows only that learns all about the token but its id.
    tokenLookupName: served('What is known of the token with an accessor.', accessor, async (call) =>
      lookupAnswer(call, await byAccessor(parts, call), '', clock),
    ),
    tokenRenew: served('Let a token live longer.', renewal, async (call) => {
      const { id, token } = await named(parts, call);
      return renew(parts, call, id, token);
    }),
    tokenRenewSelf: served('Let the token that asks live longer.', renewal, (call) =>
      renew(parts, call, call.tokenId?.reveal() ?? '', tokenOf(call)),
    ),
    tokenRenewName: served(
      'Let the token with an accessor live longer.',
      { ...accessor, increment: 'seconds' },
      async (call) => renew(parts, call, '', await byAccessor(parts, call)),
    ),
    tokenAccessors: served('List the accessors of all tokens.', {}, async (call) => {
      const keys = await parts.tokens.accessors();
      return enveloped(call, { data: { keys }, mountType: 'token' });
    }),
    tokenRevoke: served('End a token, its children and their leases.', byId, async (call) => {
      // A token that is not there is as good as revoked, as in Vault.
      const { token } = await asked(parts, call);
      if (token !== undefined) await lending.endToken(token.name);
      return done();
    }),
    tokenRevokeSelf: served('End the token that asks.', {}, async (call) => {
      await lending.endToken(tokenOf(call).name);
      return done();
    }),
    tokenRevokeName: served('End the token with an accessor.', accessor, async (call) => {
      await lending.endToken((await byAccessor(parts, call)).name);
      return done();
    }),
  };
}

const createFields = {
  id: 'string',
  policies: 'list',
  meta: 'map',
  ttl: 'seconds',
  explicit_max_ttl: 'seconds',
  period: 'seconds',
  display_name: 'string',
  num_uses: 'int',
  renewable: 'boolean',
  no_parent: 'boolean',
  no_default_policy: 'boolean',
  type: 'string',
  lease: 'seconds',
} as const;

async function create(parts: TokenParts, call: Call, orphanPath: boolean): Promise<Answer> {
  const fields = readFields(createFields, call.body);
  const caller = tokenOf(call);
  const root = caller.policies.includes('root');
  // Its children could be used without end.
  if (caller.usesLeft !== 0) throw brokerFailure('bad-request', 'restricted use token cannot generate child tokens');
  if ((fields.num_uses ?? 0) < 0) throw brokerFailure('bad-request', 'number of uses cannot be negative');
  const orphan = orphanPath || (fields.no_parent ?? false);
  if (orphan && !orphanPath && !root) {
    throw brokerFailure('bad-request', 'root or sudo privileges required to create orphan token');
  }
  if (fields.id !== undefined && !root) {
    throw brokerFailure('bad-request', 'root or sudo privileges required to specify token id');
  }
  if (fields.period !== undefined && fields.period > 0 && !root) {
    throw brokerFailure('bad-request', 'root or sudo privileges required to create periodic token');
  }
  if (fields.type !== undefined && fields.type !== '' && fields.type !== 'service') {
    throw brokerFailure('bad-request', `\`${fields.type}\` tokens are not supported`, {
      hint: 'leave `type` out, or use `service`',
    });
  }
  const policies = policiesOf(caller, fields.policies, fields.no_default_policy ?? false);
  const made = await parts.tokens.create({
    ...(fields.id === undefined || fields.id === '' ? {} : { id: checkId(fields.id) }),
    policies,
    displayName: `token${fields.display_name ? `-${fields.display_name.replace(/[^a-zA-Z0-9-]/g, '-')}` : ''}`,
    path: orphanPath ? 'auth/token/create-orphan' : 'auth/token/create',
    meta: fields.meta ?? {},
    parent: orphan ? null : caller.name,
    ttlSeconds: fields.ttl ?? fields.lease ?? 0,
    explicitMaxTtlSeconds: fields.explicit_max_ttl ?? 0,
    periodSeconds: fields.period ?? 0,
    renewable: fields.renewable ?? true,
    uses: fields.num_uses ?? 0,
  });
  const missing = await missingPolicies(parts.policies, policies);
  return enveloped(call, { auth: wireAuth(made), warnings: [...made.warnings, ...missing], mountType: 'token' });
}

function checkId(id: string): string {
  if (/^[\x21-\x7e]{1,256}$/.test(id) && !/^(hv[sbr]|[sbr])\./.test(id)) return id;
  throw brokerFailure('bad-request', 'the token id cannot be used', {
    hint: 'use 1 to 256 printable characters, not beginning with `hvs.`, `hvb.`, `hvr.`, `s.`, `b.` or `r.`',
  });
}

// A caller cannot give what it does not have.
function policiesOf(caller: Token, asked: readonly string[] | undefined, noDefault: boolean): readonly string[] {
  const root = caller.policies.includes('root');
  const wanted = (asked ?? []).map((name) => name.toLowerCase()).filter((name) => name !== '');
  const named = wanted.length === 0 ? caller.policies : wanted;
  const beyond = named.filter((name) => name !== 'default' && !caller.policies.includes(name));
  if (!root && beyond.length > 0) throw brokerFailure('bad-request', 'child policies must be subset of parent');
  if (named.includes('root')) return ['root'];
  return [...new Set(noDefault ? named : ['default', ...named])].sort();
}

async function missingPolicies(policies: Policies, names: readonly string[]): Promise<readonly string[]> {
  const custom = names.filter((name) => name !== 'default' && name !== 'root');
  const known = await Promise.all(custom.map(async (name) => policies.exists(name)));
  return custom.filter((_, index) => !known[index]).map((name) => `Policy "${name}" does not exist`);
}

async function asked({ tokens }: TokenParts, call: Call): Promise<{ id: string; token: Token | undefined }> {
  const { token: id } = readFields({ token: 'string' }, call.body);
  if (id === undefined || id === '') throw brokerFailure('bad-request', 'missing token ID');
  return { id, token: await tokens.lookup(id) };
}

async function named(parts: TokenParts, call: Call): Promise<{ id: string; token: Token }> {
  const { id, token } = await asked(parts, call);
  if (token === undefined) throw brokerFailure('bad-token', 'bad token');
  return { id, token };
}

async function byAccessor({ tokens }: TokenParts, call: Call): Promise<Token> {
  const { accessor } = readFields({ accessor: 'string' }, call.body);
  if (accessor === undefined || accessor === '') throw brokerFailure('bad-request', 'missing accessor');
  const token = await tokens.byAccessor(accessor);
  if (token === undefined) throw brokerFailure('bad-token', 'invalid accessor');
  return token;
}

async function renew(parts: TokenParts, call: Call, id: string, { name }: Token): Promise<Answer> {
  const { increment } = readFields({ increment: 'seconds' }, call.body);
  const { token, warnings } = await parts.tokens.renew(name, increment ?? 0);
  const seconds = ((token.expiresAt ?? 0) - (token.lastRenewedAt ?? 0)) / 1000;
  return enveloped(call, { auth: authOf(token, id, seconds), warnings, mountType: 'token' });
}

/** The `auth` of the answer to a token's creation. */
export function wireAuth({ id, token }: MadeToken): WireAuth {
  // SECURITY: the one place where a token leaves: the answer to its creation.
  return authOf(token, id.reveal(), token.creationTtlSeconds);
}

function authOf(token: Token, id: string, ttlSeconds: number): WireAuth {
  return {
    client_token: id,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    identity_policies: null,
    metadata: Object.keys(token.meta).length === 0 ? null : token.meta,
    lease_duration: ttlSeconds,
    renewable: token.renewable,
    entity_id: '',
    token_type: 'service',
    orphan: token.parent === null,
    mfa_requirement: null,
    num_uses: Math.max(0, token.usesLeft),
  };
}

function ttlOf(token: Token, clock: Clock): number {
  return token.expiresAt === null ? 0 : Math.max(0, Math.floor((token.expiresAt - clock.now()) / 1000));
}

function lookupAnswer(call: Call, token: Token, id: string, clock: Clock): Answer {
  const seconds = (millis: number): number => Math.floor(millis / 1000);
  const data: Record<string, WireValue> = {
    id,
    accessor: token.accessor,
    policies: token.policies,
    path: token.path,
    meta: Object.keys(token.meta).length === 0 ? null : token.meta,
    display_name: token.displayName,
    num_uses: Math.max(0, token.usesLeft),
    orphan: token.parent === null,
    creation_time: seconds(token.createdAt),
    creation_ttl: token.creationTtlSeconds,
    expire_time: token.expiresAt === null ? null : new Date(token.expiresAt).toISOString(),
    explicit_max_ttl: token.explicitMaxTtlSeconds,
    entity_id: '',
    ttl: ttlOf(token, clock),
    type: 'service',
    ...(token.expiresAt === null
      ? {}
      : { issue_time: new Date(token.createdAt).toISOString(), renewable: token.renewable }),
    ...(token.periodSeconds === 0 ? {} : { period: token.periodSeconds }),
    ...(token.lastRenewedAt === null
      ? {}
      : { last_renewal: new Date(token.lastRenewedAt).toISOString(), last_renewal_time: seconds(token.lastRenewedAt) }),
  };
  return enveloped(call, { data, mountType: 'token' });
}
