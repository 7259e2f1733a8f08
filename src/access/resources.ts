// What exists, or shall exist, in one AWS account. `compile` makes these from the definition and
// `observe` from AWS; `plan` compares the two. Everything here is plain JSON.

export type Texts = string | readonly string[];

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | Readonly<Record<string, Texts>>;
  readonly Action?: Texts;
  readonly NotAction?: Texts;
  readonly Resource?: Texts;
  readonly NotResource?: Texts;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, ConditionValue>>>>;
}

export type ConditionValue = string | number | boolean | readonly (string | number | boolean)[];

export interface Document {
  readonly Version: '2012-10-17' | '2008-10-17';
  readonly Statement: readonly Statement[];
}

export type Tags = Readonly<Record<string, string>>;

/** Policies carried by a role, user or group. `attached` holds ARNs of managed policies. */
interface Carrier {
  readonly attached: readonly string[];
  readonly inline: Readonly<Record<string, Document>>;
}

export interface PolicyResource {
  readonly kind: 'policy';
  readonly name: string;
  readonly path: string;
  readonly document: Document;
  /** Set when the policy is created; AWS lets nobody change it, so it is never compared. */
  readonly description?: string | undefined;
  readonly tags: Tags;
}

export interface GroupResource extends Carrier {
  readonly kind: 'group';
  readonly name: string;
  readonly path: string;
}

export interface UserResource extends Carrier {
  readonly kind: 'user';
  readonly name: string;
  readonly path: string;
  readonly groups: readonly string[];
  readonly boundary?: string | undefined;
  readonly tags: Tags;
}

export interface RoleResource extends Carrier {
  readonly kind: 'role';
  readonly name: string;
  readonly path: string;
  readonly trust: Document;
  readonly sessionSeconds: number;
  readonly description: string;
  readonly boundary?: string | undefined;
  readonly tags: Tags;
}

export interface InstanceProfileResource {
  readonly kind: 'instance-profile';
  readonly name: string;
  readonly path: string;
  readonly role?: string | undefined;
  readonly tags: Tags;
}

/** The account's one password policy, in the words of UpdateAccountPasswordPolicy. */
export interface PasswordPolicyResource {
  readonly kind: 'password-policy';
  readonly name: 'password policy';
  readonly settings: PasswordSettings;
}

export interface PasswordSettings {
  readonly MinimumPasswordLength: number;
  readonly RequireUppercaseCharacters: boolean;
  readonly RequireLowercaseCharacters: boolean;
  readonly RequireNumbers: boolean;
  readonly RequireSymbols: boolean;
  readonly AllowUsersToChangePassword: boolean;
  readonly HardExpiry: boolean;
  readonly MaxPasswordAge?: number | undefined;
  readonly PasswordReusePrevention?: number | undefined;
}

export type Resource =
  | PolicyResource
  | GroupResource
  | UserResource
  | RoleResource
  | InstanceProfileResource
  | PasswordPolicyResource;

export type Kind = Resource['kind'];

export interface AccountRef {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
}

/** What one account shall hold. `console` names the users that shall have a console password. */
export interface WantedAccount extends AccountRef {
  readonly resources: readonly Resource[];
  readonly console: readonly string[];
}

/** What one account holds: everything that bears on a plan, ours or not. */
export interface SeenAccount extends AccountRef {
  readonly resources: readonly SeenResource[];
}

export type SeenResource = Resource & {
  /** AWS's own id (`AROA…`, `AIDA…`), which outlives no deletion; absent for the password policy. */
  readonly uniqueId?: string | undefined;
  readonly arn?: string | undefined;
  /** Of a customer policy: versions other than the default, oldest first. */
  readonly oldVersions?: readonly string[] | undefined;
  readonly defaultVersion?: string | undefined;
  /** Of a user that shall have one: whether a console password exists. */
  readonly loginProfile?: boolean | undefined;
};

/** The key of a resource within an account. IAM compares names of one kind without case. */
export function resourceKey(resource: { readonly kind: Kind; readonly name: string }): string {
  return `${resource.kind}/${resource.name.toLowerCase()}`;
}
