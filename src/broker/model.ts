// The broker's words and the shapes of what it keeps. Every stored shape carries a version.
//
// mount     an engine at a path (`aws/`), with its own configuration, roles and leases
// token     what a caller proves itself with; policies say what it may do
// lease     the time-boxed grant of credentials; it is written before anything is made in AWS
// strength  how a kind of lease dies: `deletes` (IAM user), `denies` (deny statement), `expires` (only time ends it)
// claim     one node's right, for a while, to act on a lease
// settle    after this time AWS can no longer be late in showing what a grant made
import type { Millis } from '../base/index.ts';

export type LeaseState = 'granting' | 'active' | 'revoking' | 'unverified' | 'dead' | 'stuck' | 'expired';
export type RevokeStrength = 'deletes' | 'denies' | 'expires';
/** `forced`: by `revoke-force`, so that Vault's API forgets the lease while the server goes on ending it. */
export type EndReason = 'expired' | 'revoked' | 'abandoned' | 'forced';

export interface Claim {
  readonly node: string;
  readonly until: Millis;
}

export interface LeaseStep {
  readonly state: LeaseState;
  readonly at: Millis;
}

export interface Lease {
  readonly version: 1;
  /** `<mount>/creds/<role>/<24 base62>`, as Vault names leases. */
  readonly id: string;
  readonly mountPath: string;
  readonly mountId: string;
  readonly role: string;
  /** The engine's kind of credential, for example `iam_user`. */
  readonly kind: string;
  readonly strength: RevokeStrength;
  readonly state: LeaseState;
  /** Blind name of the token it was lent to; the lease ends with it. */
  readonly tokenName: string;
  readonly displayName: string;
  readonly startedAt: Millis;
  /** When the credentials stop, or in `granting` would stop at the latest. */
  readonly expiresAt: Millis;
  readonly ttlSeconds: number;
  readonly renewable: boolean;
  readonly lastRenewedAt: Millis | null;
  /** True once the credentials were durably recorded, so somebody may hold them. */
  readonly confirmed: boolean;
  /** True once a revoke saw the thing in AWS and removed it. */
  readonly removed: boolean;
  readonly endReason: EndReason | null;
  /** Failed tries in the present state. */
  readonly attempts: number;
  readonly lastError: string | null;
  /** When the sweeper looks again; null when the lease has ended. */
  readonly dueAt: Millis | null;
  readonly claim: Claim | null;
  /** What the engine must know to end the lease, written before its first AWS call. No secret. */
  readonly facts: Readonly<Record<string, string>>;
  /** Kept for the probe until the lease has ended, then erased. */
  readonly secret: Readonly<Record<string, string>> | null;
  readonly steps: readonly LeaseStep[];
  /** Present when it was lent to a batch token: it is never renewed beyond that token's end. */
  readonly latestAt?: Millis;
  /** Key of the slot it holds of a rule for the number of leases. */
  readonly quotaSlot?: string;
}

export interface MountConfig {
  readonly defaultTtlSeconds: number;
  readonly maxTtlSeconds: number;
  readonly forceNoCache: boolean;
  readonly listingVisibility: string;
  /** Of an auth method; empty stands for `default-service`. */
  readonly tokenType?: string;
  /** Of an auth method with passwords; 0 stands for the usual. */
  readonly userLockout?: UserLockout;
  readonly auditNonHmacRequestKeys?: readonly string[];
  readonly auditNonHmacResponseKeys?: readonly string[];
  readonly passthroughRequestHeaders?: readonly string[];
  readonly allowedResponseHeaders?: readonly string[];
}

/** When somebody who gives wrong credentials again and again is refused for a while. */
export interface UserLockout {
  readonly threshold: number;
  readonly durationSeconds: number;
  readonly counterResetSeconds: number;
  readonly disabled: boolean;
}

export interface Mount {
  readonly version: 1;
  /** Without the closing slash; that of an auth method begins with `auth/`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly id: string;
  readonly config: MountConfig;
  readonly options?: Readonly<Record<string, string>>;
  readonly local?: boolean;
  readonly sealWrap?: boolean;
  /** True from the start of a disable: nothing new is lent. */
  readonly tainted: boolean;
}

/** A service token is a record in the store; a batch token carries all it is in its own id. */
export type TokenType = 'service' | 'batch';

export interface Token {
  readonly version: 2;
  /** Blind name of the token's id: the id itself is stored nowhere. */
  readonly name: string;
  /** Empty for a batch token, which has none. */
  readonly accessor: string;
  readonly type: TokenType;
  readonly policies: readonly string[];
  readonly displayName: string;
  /** The API path that made it. */
  readonly path: string;
  readonly meta: Readonly<Record<string, string>>;
  /** Name of the token that made it and takes it along when it ends; null for an orphan. */
  readonly parent: string | null;
  /** Empty when it stands for no entity. */
  readonly entityId: string;
  /** The role of `auth/token/create/:role` it was made with; else empty. */
  readonly role: string;
  /** Addresses it may be used from; none: from everywhere. */
  readonly boundCidrs: readonly string[];
  readonly createdAt: Millis;
  readonly expiresAt: Millis | null;
  readonly creationTtlSeconds: number;
  readonly explicitMaxTtlSeconds: number;
  /** The longest life its login's role gives it; 0: the mount's. */
  readonly maxTtlSeconds: number;
  readonly periodSeconds: number;
  readonly renewable: boolean;
  readonly lastRenewedAt: Millis | null;
  /** Calls left; 0 is unlimited, -1 none. */
  readonly usesLeft: number;
  /** Key of the slot it holds of a rule for the number of leases. */
  readonly quotaSlot?: string;
  /** Of the auth method whose login made it. */
  readonly mountId?: string;
  /** What that method must know to renew it. */
  readonly loginFacts?: Readonly<Record<string, string>>;
  /** Its children outlive it as orphans: set by `revoke-orphan` before anything else is done. */
  readonly leavesChildren: boolean;
}

/**
 * Vault's words for what a request does. A POST or PUT is `update`, and `create` where the path says that
 * nothing is there yet; `help` asks what a path is for.
 */
export type Operation = 'create' | 'read' | 'list' | 'update' | 'patch' | 'delete' | 'help';

/** The system's default and longest lease: 768 h, as Vault has it. */
export const systemMaxTtlSeconds = 768 * 3600;
