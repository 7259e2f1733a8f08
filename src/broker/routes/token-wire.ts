// A token as Vault's API shows it: the `auth` of an answer, and the data of a look-up.
import type { Millis } from '../../base/index.ts';
import type { WireAuth, WireValue } from '../http/wire.ts';
import type { Token } from '../model.ts';
import { sanitizePolicies } from '../tokens/policy-names.ts';
import { rootPath } from '../tokens/record.ts';
import type { MadeToken } from '../tokens.ts';

/** The `auth` of the answer to a token's creation. `identityPolicies` are those its entity adds now. */
export function wireAuth({ id, token }: MadeToken, identityPolicies: readonly string[] = []): WireAuth {
  // SECURITY: the one place where a token leaves: the answer to its creation.
  return authOf(token, id.reveal(), token.creationTtlSeconds, identityPolicies);
}

/** The `auth` of a token; `id` is empty where the caller need not learn it. */
export function authOf(
  token: Token,
  id: string,
  ttlSeconds: number,
  identityPolicies: readonly string[] = [],
): WireAuth {
  const { policies, meta } = token;
  return {
    client_token: id,
    accessor: token.accessor,
    policies: sanitizePolicies([...policies, ...identityPolicies], false),
    ...(policies.length === 0 ? {} : { token_policies: policies }),
    ...(identityPolicies.length === 0 ? {} : { identity_policies: identityPolicies }),
    metadata: Object.keys(meta).length === 0 ? null : meta,
    lease_duration: ttlSeconds,
    renewable: token.renewable,
    entity_id: token.entityId,
    token_type: token.type,
    orphan: token.parent === null,
    mfa_requirement: null,
    num_uses: token.usesLeft,
  };
}

/** What a look-up tells of a token; never its parent. Members that Vault leaves out are left out. */
export function lookupData(
  token: Token,
  id: string,
  now: Millis,
  identityPolicies: readonly string[],
): Readonly<Record<string, WireValue>> {
  return {
    id,
    accessor: token.accessor,
    policies: token.policies,
    path: token.path,
    meta: Object.keys(token.meta).length === 0 ? null : token.meta,
    display_name: token.displayName,
    num_uses: token.usesLeft,
    orphan: token.parent === null,
    creation_time: wholeSeconds(token.createdAt),
    creation_ttl: token.creationTtlSeconds,
    expire_time: timesOf(token).expire,
    ttl: secondsLeft(token, now),
    explicit_max_ttl: token.explicitMaxTtlSeconds,
    entity_id: token.entityId,
    type: token.type,
    ...(token.role === '' ? {} : { role: token.role }),
    ...(token.periodSeconds === 0 ? {} : { period: token.periodSeconds }),
    ...(token.boundCidrs.length === 0 ? {} : { bound_cidrs: token.boundCidrs }),
    ...leaseTimes(token),
    ...(identityPolicies.length === 0 ? {} : { identity_policies: identityPolicies, external_namespace_policies: {} }),
  };
}

// Of a root token that no call made Vault keeps no lease, and so tells nothing of one.
function leaseTimes(token: Token): Readonly<Record<string, WireValue>> {
  if (token.path === rootPath && token.expiresAt === null) return {};
  const { lastRenewedAt } = token;
  return {
    issue_time: timesOf(token).issue,
    renewable: token.renewable,
    ...(lastRenewedAt === null
      ? {}
      : { last_renewal: isoText(lastRenewedAt), last_renewal_time: wholeSeconds(lastRenewedAt) }),
  };
}

interface Times {
  readonly issue: string;
  readonly expire: string | null;
}

/** A token that is read again is the same object, and a text of its times costs 1 µs each. */
const times = new WeakMap<Token, Times>();

function timesOf(token: Token): Times {
  let made = times.get(token);
  if (made === undefined) {
    const { createdAt, expiresAt } = token;
    times.set(token, (made = { issue: isoText(createdAt), expire: expiresAt === null ? null : isoText(expiresAt) }));
  }
  return made;
}

/** Vault rounds now to whole seconds first, so that a fresh token shows its whole time. */
function secondsLeft({ expiresAt }: Token, now: Millis): number {
  if (expiresAt === null) return 0;
  return Math.max(0, Math.floor((expiresAt - Math.round(now / 1000) * 1000) / 1000));
}

function wholeSeconds(at: Millis): number {
  return Math.floor(at / 1000);
}

function isoText(at: Millis): string {
  return new Date(at).toISOString();
}
