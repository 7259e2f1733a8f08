// Credentials as the embedded AWS stores them: every access key id it ever made resolves here.
import type { Millis, Secret } from '../base/index.ts';

export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

/** What temporary credentials carry besides the key. */
export interface Session {
  readonly token: Secret;
  readonly issuedAt: Millis;
  readonly expiresAt: Millis;
  /** When MFA was given for this session; absent: `aws:MultiFactorAuthPresent` is false. */
  readonly mfaAt?: Millis | undefined;
  /** Inline session policies and managed policy ARNs; absent when none were passed. */
  readonly policies?: readonly string[] | undefined;
  readonly policyArns?: readonly string[] | undefined;
  readonly tags: readonly SessionTag[];
  readonly transitiveTagKeys: readonly string[];
  readonly sourceIdentity?: string | undefined;
  /** Set for the credentials of an EC2 instance: these do not count as chaining. */
  readonly instanceId?: string | undefined;
  /** Condition keys that these credentials bring into every request: from which instance they came. */
  readonly originKeys?: Readonly<Record<string, string>> | undefined;
  readonly federatedProvider?: string | undefined;
  /** True for a role that was assumed with another role's session. */
  readonly chained?: boolean | undefined;
  /** Set for a root session of AssumeRoot: the policy that leaves it one task. It denies only, for the root user may everything. */
  readonly taskPolicyArn?: string | undefined;
}

/**
 * `root` and `user` may be long-term (no session) or GetSessionToken's (with one); `role` and
 * `federated-user` always have a session.
 */
export type Credential = {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly account: string;
  readonly status: 'Active' | 'Inactive';
  readonly session?: Session | undefined;
} & (
  | { readonly kind: 'root' }
  | { readonly kind: 'user'; readonly userId: string }
  | { readonly kind: 'role'; readonly roleId: string; readonly sessionName: string }
  /** `issuerUserId` absent: issued by the root user. */
  | { readonly kind: 'federated-user'; readonly name: string; readonly issuerUserId?: string | undefined }
);
