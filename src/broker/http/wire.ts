// The shapes on the wire: Vault's envelope and Stint's additions. Types only, so that the web page
// may import them.

export type WireValue = null | boolean | number | string | readonly WireValue[] | { readonly [key: string]: WireValue };

export interface WireAuth {
  readonly client_token: string;
  readonly accessor: string;
  readonly policies: readonly string[];
  /** Left out when there are none, as the next. */
  readonly token_policies?: readonly string[];
  readonly identity_policies?: readonly string[];
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly lease_duration: number;
  readonly renewable: boolean;
  readonly entity_id: string;
  readonly token_type: 'service' | 'batch';
  readonly orphan: boolean;
  readonly mfa_requirement: null;
  readonly num_uses: number;
}

/** Where an answer that was wrapped can be had. */
export interface WireWrapInfo {
  readonly token: string;
  readonly accessor: string;
  readonly ttl: number;
  readonly creation_time: string;
  readonly creation_path: string;
  readonly wrapped_accessor?: string;
}

/** Every successful body of the Vault API. */
export interface WireEnvelope {
  readonly request_id: string;
  readonly lease_id: string;
  readonly renewable: boolean;
  readonly lease_duration: number;
  readonly data: { readonly [key: string]: WireValue } | null;
  readonly wrap_info: WireWrapInfo | null;
  readonly warnings: readonly string[] | null;
  readonly auth: WireAuth | null;
  readonly mount_type: string;
}

/** Where the hint of a 404 stands. */
export const hintHeader = 'X-Stint-Hint';

/** Every refused or failed request: Vault's texts, and Stint's cure beside them, where clients of Vault do not look; not beside a 404. */
export interface WireErrors {
  readonly errors: readonly string[];
  readonly hint?: string;
}

/** A lease as `GET /v1/stint/leases` shows it. Times are ISO 8601 in UTC. */
export interface WireLease {
  readonly id: string;
  readonly state: 'granting' | 'active' | 'revoking' | 'unverified' | 'dead' | 'stuck' | 'expired';
  readonly strength: 'deletes' | 'denies' | 'expires';
  /** Path of the mount that lent it, which may be gone. */
  readonly mount: string;
  readonly role: string;
  readonly kind: string;
  readonly display_name: string;
  readonly started_at: string;
  readonly expires_at: string;
  readonly renewable: boolean;
  readonly aws: WireThing;
  readonly end_reason: 'expired' | 'revoked' | 'abandoned' | 'forced' | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly next_look_at: string | null;
  readonly steps: readonly { readonly state: string; readonly at: string }[];
}

/** What a lease is in AWS, as far as it is known. No secret. */
export interface WireThing {
  readonly user: string | null;
  readonly session: string | null;
  readonly role_arn: string | null;
  /** Empty for the mount's own account. */
  readonly account: string;
  readonly access_key: string | null;
}

/** The data of `GET /v1/stint/leases` and of `GET /v1/stint/leases/PREFIX`. */
export interface WireLeasePage {
  /** Those that are stuck come first. */
  readonly leases: readonly WireLease[];
  /** For `after` of the next page, with the same path and filter; null when nothing follows. */
  readonly next: string | null;
  /** How many leases below the path are stuck, whatever the filter says. Counted no further than 10,000. */
  readonly stuck: number;
  readonly looked_at: number;
  /** The server's clock. */
  readonly now: string;
}
