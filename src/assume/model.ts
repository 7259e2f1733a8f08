// The words of this room: credentials, where they come from, the chain of roles, and the request that
// names one session. Types only.
import type { Millis, Secret } from '../base/index.ts';

/** Process environment, handed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** AWS credentials. Long-term when there is no session token. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly sessionToken?: Secret | undefined;
  /** When AWS ends them; unknown for long-term keys and for session tokens found in files or the environment. */
  readonly expiration?: Millis | undefined;
  /** The lease of a server that they live under, and the server's address. */
  readonly lease?: { readonly id: string; readonly server: string } | undefined;
}

/** What may be said about a session that is lent. */
export interface BorrowWishes {
  readonly ttlSeconds?: number | undefined;
  readonly sessionName?: string | undefined;
}

/** What a `TargetSource` tells of a target that is lent. */
export interface LentTarget {
  /** Address of the server. */
  readonly server: string;
  /** What is asked: `aws/creds/deploy`. */
  readonly path: string;
  /** Tells tokens apart without telling one: what one person was lent is not kept for another. */
  readonly borrower: string;
  /** Takes the lease. Rejects with a coded Failure. */
  readonly borrow: (wishes: BorrowWishes) => Promise<Credentials>;
}

/** Where a person signs in to IAM Identity Center: an `[sso-session]`, or a profile that says it all itself. */
export interface SsoSession {
  /** Name of the section; undefined for a profile without one. */
  readonly name?: string | undefined;
  readonly startUrl: string;
  readonly region: string;
  /** As configured; empty when nothing is. */
  readonly scopes: readonly string[];
  /** `file:line` that says so. */
  readonly place: string;
  /** Endpoint of the tokens. */
  readonly oidcUrl: string;
  /** Endpoint of accounts, roles and their credentials. */
  readonly portalUrl: string;
  readonly caBundle?: string | undefined;
}

/** The credentials a chain begins with. */
export type Source =
  | {
      readonly kind: 'keys';
      readonly from: string;
      readonly profile?: string | undefined;
      readonly credentials: Credentials;
    }
  | {
      readonly kind: 'process';
      readonly from: string;
      readonly profile: string;
      readonly command: string;
      /** `file:line` of the setting. */
      readonly place: string;
    }
  | {
      /** A token of an identity provider; the first role is assumed with it, by AssumeRoleWithWebIdentity. */
      readonly kind: 'web-identity';
      readonly from: string;
      readonly token: { readonly file: string } | { readonly process: string; readonly profile: string };
      /** `file:line` of the setting, or the name of the variable. */
      readonly place: string;
      /** Issuer, subject and audience of the token as it is now; undefined when only reading it will tell. */
      readonly subject?: string | undefined;
    }
  | {
      /** The metadata service of an EC2 instance. */
      readonly kind: 'instance';
      readonly from: string;
      readonly url: string;
      /** The address is not AWS's own. */
      readonly isChosen: boolean;
      readonly allowsVersion1: boolean;
      readonly patience: Millis;
      readonly attempts: number;
      /** What names it; undefined when nothing does, and it is the last that SDKs try. */
      readonly place?: string | undefined;
    }
  | {
      /** The endpoint that a container of ECS or EKS has for its credentials. */
      readonly kind: 'container';
      readonly from: string;
      readonly url: string;
      readonly place: string;
      /** Which task, pod or token it is for, as text without a secret; undefined when nothing tells. */
      readonly subject?: string | undefined;
    }
  | {
      /** A role of IAM Identity Center. */
      readonly kind: 'sso';
      readonly from: string;
      readonly profile: string;
      readonly session: SsoSession;
      readonly accountId: string;
      readonly roleName: string;
      readonly place: string;
    }
  | {
      /** What `aws login` left. */
      readonly kind: 'login';
      readonly from: string;
      readonly profile: string;
      /** The identity that signed in, which names the file. */
      readonly loginSession: string;
      /** Configured endpoint of the sign-in service; undefined for AWS's own in the region of the sign-in. */
      readonly url?: string | undefined;
      /** The profile's, for sign-ins that do not tell theirs. */
      readonly region?: string | undefined;
      readonly caBundle?: string | undefined;
      readonly place: string;
    }
  | ({ readonly kind: 'lent'; readonly from: string } & LentTarget & BorrowWishes);

/** The token of an identity provider, instead of keys. */
export interface IdentityToken {
  readonly identityToken: Secret;
}

/** What prints the codes of an MFA device, and where that is said. */
export type MfaCommand =
  | { readonly kind: 'process'; readonly line: string; readonly place: string }
  | {
      readonly kind: 'ykman';
      /** The OATH account on the YubiKey; the ARN of the device unless given. */
      readonly account?: string | undefined;
      readonly place: string;
    };

/** One role of a chain, with everything AssumeRole is told about it. */
export interface RoleLink {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds?: number | undefined;
  readonly externalId?: string | undefined;
  readonly sourceIdentity?: string | undefined;
  /** The source identity is the user name of whoever assumes the role, as its trust demands. */
  readonly callerIdentity?: true | undefined;
  readonly policy?: string | undefined;
  readonly policyArns?: readonly string[] | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
  readonly transitiveTags?: readonly string[] | undefined;
}

/** Where STS is, and how to get there. */
export interface StsEndpoint {
  readonly url: string;
  /** The region of the signature's scope. */
  readonly signingRegion: string;
  /** Path of a PEM file that replaces Node's list of authorities. */
  readonly caBundle?: string | undefined;
}

/** Where the parts of a request are said: `file:line`, or the variable; undefined for what was typed. */
export interface RequestPlaces {
  role(arn: string): string | undefined;
  mfa(serial: string): string | undefined;
  keys(accessKeyId: string): string | undefined;
  /** Of the web identity token. */
  token(): string | undefined;
}

/** Everything that decides which session is meant: two equal requests may share one, unequal ones never. */
export interface SessionRequest {
  /** What the person typed; for messages and `forget`, not part of the identity. */
  readonly target: string;
  readonly source: Source;
  readonly mfaSerial?: string | undefined;
  /** Where its codes come from; not part of the identity. */
  readonly mfaCommand?: MfaCommand | undefined;
  /** Seconds that the MFA sign-in may be old; the session that it opens lasts no longer. */
  readonly mfaMaxAge?: number | undefined;
  /** Seconds that the session with MFA lasts, from which roles are assumed, when somebody named them. */
  readonly mfaSeconds?: number | undefined;
  /** First the role that the source assumes, last the target. Empty: the source itself is the target. */
  readonly roles: readonly RoleLink[];
  /** For a target without a role: how long its GetSessionToken session lasts. */
  readonly durationSeconds?: number | undefined;
  readonly sts: StsEndpoint;
  /** The region to work in; undefined when nothing names one. */
  readonly region?: string | undefined;
  /** Settings of the profile that its keys alone would lose, as the variables SDKs read: `AWS_ENDPOINT_URL`… */
  readonly settings: Readonly<Record<string, string>>;
  /** For messages; not part of the identity. */
  readonly places?: RequestPlaces | undefined;
}
