// What a token is to be, and what comes of it. Pure.
import type { Json, Millis } from '../../base/index.ts';
import { brokerFailure } from '../failures.ts';
import type { Token, TokenType } from '../model.ts';
import type { SealedToken } from './batch.ts';
import { lesser, systemTtls, tokenTtl, type MountTtls } from './ttl.ts';

export interface TokenPlan {
  /** Given only by root; else a fresh one is made. Never for a batch token. */
  readonly id?: string;
  /** `service` when left out. */
  readonly type?: TokenType;
  /** The final list; see `sanitizePolicies`. */
  readonly policies: readonly string[];
  readonly displayName: string;
  /** The API path that makes it, such as `auth/userpass/login/alice`. */
  readonly path: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Name of the token it ends with; null for an orphan, as every login's is. */
  readonly parent: string | null;
  readonly entityId?: string;
  /** The role of `auth/token/create/:role`. */
  readonly role?: string;
  readonly boundCidrs?: readonly string[];
  /** 0: the mount's default, or for ever when the policies hold `root`. */
  readonly ttlSeconds: number;
  /** A login's role may set it; 0 and left out: the mount's. */
  readonly maxTtlSeconds?: number;
  readonly explicitMaxTtlSeconds: number;
  readonly periodSeconds: number;
  /** What a token role says besides; of two the lesser holds. */
  readonly roleLimits?: { readonly explicitMaxTtlSeconds: number; readonly periodSeconds: number };
  readonly renewable: boolean;
  readonly uses: number;
  /** Limits of the auth method's mount; the system's when left out. */
  readonly mountTtls?: MountTtls;
  /** Of the auth method whose login makes it; the token ends with that mount. */
  readonly mountId?: string;
  /** Handed back to that method when the token is renewed. */
  readonly loginFacts?: Readonly<Record<string, string>>;
  /** Put into its cubbyhole in the same commit. */
  readonly cubbyhole?: Readonly<Record<string, Json>>;
}

/** The service token that a plan makes, under this name and accessor. */
export function serviceToken(
  plan: TokenPlan,
  { name, accessor }: Pick<Token, 'name' | 'accessor'>,
  ttlSeconds: number,
  now: Millis,
): Token {
  const { policies, displayName, path, meta, parent, periodSeconds } = plan;
  return {
    version: 2,
    name,
    accessor,
    type: 'service',
    policies,
    displayName,
    path,
    meta,
    parent,
    entityId: plan.entityId ?? '',
    role: plan.role ?? '',
    // As Vault has it: a root token that never ends is bound to no address.
    boundCidrs: ttlSeconds === 0 ? [] : (plan.boundCidrs ?? []),
    createdAt: now,
    expiresAt: ttlSeconds === 0 ? null : now + ttlSeconds * 1000,
    creationTtlSeconds: ttlSeconds,
    explicitMaxTtlSeconds: plan.explicitMaxTtlSeconds,
    maxTtlSeconds: plan.maxTtlSeconds ?? 0,
    periodSeconds,
    renewable: plan.renewable && ttlSeconds > 0,
    lastRenewedAt: null,
    usesLeft: plan.uses,
    leavesChildren: false,
    ...(plan.mountId === undefined ? {} : { mountId: plan.mountId }),
    ...(plan.loginFacts === undefined ? {} : { loginFacts: plan.loginFacts }),
  };
}

/** What a batch token that a plan makes carries in itself. */
export function batchContent(plan: TokenPlan, ttlSeconds: number, now: Millis): SealedToken {
  const { policies, displayName, path, meta, parent, entityId = '', role = '', boundCidrs = [] } = plan;
  const createdAt = now;
  const creationTtlSeconds = ttlSeconds;
  return { policies, displayName, path, meta, parent, entityId, role, boundCidrs, createdAt, creationTtlSeconds };
}

/** How long the token lives at first; 0 is for ever. @throws Failure `bad-request`. */
export function firstTtl(plan: TokenPlan, now: Millis): { ttlSeconds: number; warning: string | undefined } {
  const explicitMaxTtlSeconds = lesser(plan.explicitMaxTtlSeconds, plan.roleLimits?.explicitMaxTtlSeconds ?? 0);
  const periodSeconds = lesser(plan.periodSeconds, plan.roleLimits?.periodSeconds ?? 0);
  if (plan.ttlSeconds === 0 && periodSeconds === 0 && plan.policies.includes('root')) {
    return { ttlSeconds: explicitMaxTtlSeconds, warning: undefined };
  }
  const verdict = tokenTtl({
    incrementSeconds: 0,
    ttlSeconds: plan.ttlSeconds,
    maxTtlSeconds: plan.maxTtlSeconds ?? 0,
    explicitMaxTtlSeconds,
    periodSeconds,
    mount: plan.mountTtls ?? systemTtls,
    issuedAt: now,
    now,
  });
  if (!verdict.allowed) throw brokerFailure('bad-request', verdict.reason);
  return verdict;
}
