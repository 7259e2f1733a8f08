// What exists, or shall exist, in one AWS account. `compile` makes these from the definition and
// `observe` from AWS; `plan` compares the two. Everything here is plain JSON.
import { iamArn, type Partition } from '../aws/index.ts';
import type { SeenLease } from './lease-marker.ts';

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

/** How a wanted resource is dealt with. Nothing of it is compared with AWS; seen resources have none of it. */
export interface Handling {
  /** `additive`: what others attached stays. `observe`: never written, differences are only told. Else exclusive. */
  readonly mode?: 'additive' | 'observe' | undefined;
  /** Its former name in AWS. */
  readonly was?: string | undefined;
  /** No plan removes it. Kept in AWS as a tag, or in the path of a group. */
  readonly protect?: true | undefined;
}

/** Policies carried by a role, user or group. `attached` holds ARNs of managed policies. */
interface Carrier {
  readonly attached: readonly string[];
  readonly inline: Readonly<Record<string, Document>>;
}

export interface PolicyResource extends Handling {
  readonly kind: 'policy';
  readonly name: string;
  readonly path: string;
  readonly document: Document;
  /** Set when the policy is created; AWS lets nobody change it, so it is never compared. */
  readonly description?: string | undefined;
  readonly tags: Tags;
}

export interface GroupResource extends Carrier, Handling {
  readonly kind: 'group';
  readonly name: string;
  readonly path: string;
}

export interface UserResource extends Carrier, Handling {
  readonly kind: 'user';
  readonly name: string;
  readonly path: string;
  readonly groups: readonly string[];
  readonly boundary?: string | undefined;
  readonly tags: Tags;
}

export interface RoleResource extends Carrier, Handling {
  readonly kind: 'role';
  readonly name: string;
  readonly path: string;
  readonly trust: Document;
  readonly sessionSeconds: number;
  readonly description: string;
  readonly boundary?: string | undefined;
  readonly tags: Tags;
}

export interface InstanceProfileResource extends Handling {
  readonly kind: 'instance-profile';
  readonly name: string;
  readonly path: string;
  readonly role?: string | undefined;
  readonly tags: Tags;
}

/** The account's one password policy, in the words of UpdateAccountPasswordPolicy. */
export interface PasswordPolicyResource extends Handling {
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

/** An IAM OIDC provider. `name` is the issuer without `https://`, as its ARN has it. */
export interface OidcProviderResource extends Handling {
  readonly kind: 'oidc-provider';
  readonly name: string;
  readonly clientIds: readonly string[];
  /** SHA-1 of certificate authorities, small letters. Empty: AWS finds them itself, and whatever it found is right. */
  readonly thumbprints: readonly string[];
  readonly tags: Tags;
}

/** An IAM SAML provider. */
export interface SamlProviderResource extends Handling {
  readonly kind: 'saml-provider';
  readonly name: string;
  /** Its metadata document, XML. Holds certificates, no secret. */
  readonly metadata: string;
  readonly tags: Tags;
}

/** A policy of AWS Organizations, in the management account. */
export interface OrganizationPolicyResource extends Handling {
  readonly kind: 'organization-policy';
  readonly name: string;
  readonly type: 'SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY';
  readonly document: Document;
  readonly description: string;
  /** What it is attached to: `root`, `ou/Workloads/Prod`, or an account id. */
  readonly targets: readonly string[];
  readonly tags: Tags;
}

export type Resource =
  | PolicyResource
  | GroupResource
  | UserResource
  | RoleResource
  | InstanceProfileResource
  | PasswordPolicyResource
  | OidcProviderResource
  | SamlProviderResource
  | OrganizationPolicyResource;

export type Kind = Resource['kind'];

export interface AccountRef {
  readonly id: string;
  readonly name: string;
  readonly stage: string;
}

/** What one account shall hold. `console` names the users that shall have a console password. */
export interface WantedAccount extends AccountRef {
  /** Path of its unit, `Workloads/Prod`, where the definition tells: guard rails of units bind it only then. */
  readonly ou?: string | undefined;
  readonly resources: readonly Resource[];
  readonly console: readonly string[];
  /** What to look for beside what every account is asked for: things wanted here, or perhaps ours from before. */
  readonly look?: readonly ('password-policy' | 'providers' | 'organization')[] | undefined;
}

/** What one account holds: everything that bears on a plan, ours or not. */
export interface SeenAccount extends AccountRef {
  readonly resources: readonly SeenResource[];
  /** Of the management account, where guard rails are wanted or may be left over. */
  readonly organization?: SeenOrganization | undefined;
  /** Whether AWS refused to show the guard rails of the organisation. */
  readonly unread?: boolean | undefined;
  /** Whether the identity providers were read: only where something may hang on them. */
  readonly providersRead?: boolean | undefined;
  /** Marks of runs, rising by number. They are no resources: nobody wants them. */
  readonly leases?: readonly SeenLease[] | undefined;
}

/** Ids of AWS Organizations that steps need: of the root, and of units by path (`Workloads/Prod`). */
export interface SeenOrganization {
  readonly management: string;
  readonly root: string;
  readonly units: Readonly<Record<string, string>>;
  /** Kinds of policies that are switched on for the root. */
  readonly policyTypes: readonly string[];
}

export type SeenResource = Resource & {
  /** AWS's own id (`AROA…`, `AIDA…`), which outlives no deletion; absent for the password policy. */
  readonly uniqueId?: string | undefined;
  readonly arn?: string | undefined;
  /** Of a customer policy: versions other than the default, oldest first. */
  readonly oldVersions?: readonly string[] | undefined;
  readonly defaultVersion?: string | undefined;
  /** Of an organisation policy: its id. */
  readonly policyId?: string | undefined;
  /** Of a user that shall have one: whether a console password exists. */
  readonly loginProfile?: boolean | undefined;
};

/** The key of a resource within an account. IAM compares names of one kind without case. */
export function resourceKey(resource: { readonly kind: Kind; readonly name: string }): string {
  return `${resource.kind}/${resource.name.toLowerCase()}`;
}

/** ARN of a resource of an account. What IAM gives none has a text that is like no other's. */
export function resourceArn(partition: Partition, account: string, resource: Resource): string {
  if (resource.kind === 'password-policy') return `${account}/password-policy`;
  if (resource.kind === 'organization-policy') return `${account}/organization-policy/${resource.name}`;
  return iamArn(partition, account, resource.kind, resource.name, 'path' in resource ? resource.path : '/');
}
