// IAM's entities and tables. Names are ids within an account and compare without case, so the id of
// a row is the lower-case name; each value keeps the name as it was given.
import type { Millis, Secret } from '../../../base/index.ts';
import type { Credential } from '../../credential.ts';
import { tableName } from '../../world.ts';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** What users, groups and roles share. */
export interface Identity {
  readonly name: string;
  readonly path: string;
  /** Unique id: `AIDA…`, `AGPA…`, `AROA…`. */
  readonly id: string;
  readonly arn: string;
  readonly createdAt: Millis;
  /** Inline policies: name → document text as given. */
  readonly inline: Readonly<Record<string, string>>;
  /** ARNs of attached managed policies, in order of attachment. */
  readonly attached: readonly string[];
}

export interface User extends Identity {
  readonly tags: readonly Tag[];
  readonly boundary?: string | undefined;
  /** Lower-case names of its groups. */
  readonly groups: readonly string[];
  readonly passwordLastUsedAt?: Millis | undefined;
}

export interface Group extends Identity {
  /** Lower-case names of its members. */
  readonly members: readonly string[];
}

export interface Role extends Identity {
  readonly tags: readonly Tag[];
  readonly boundary?: string | undefined;
  readonly description?: string | undefined;
  /** Trust policy as stored: user and role principals are kept as unique ids. */
  readonly trust: string;
  readonly maxSessionSeconds: number;
  readonly lastUsed?: { readonly at: Millis; readonly region: string } | undefined;
}

export interface PolicyVersion {
  /** `v1`, `v2`… */
  readonly id: string;
  readonly document: string;
  readonly createdAt: Millis;
}

/** A customer managed policy. AWS's own live in the data of managed-policies and are the same in every account. */
export interface ManagedPolicy {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly arn: string;
  readonly description?: string | undefined;
  readonly createdAt: Millis;
  readonly updatedAt: Millis;
  readonly defaultVersion: string;
  readonly nextVersion: number;
  readonly versions: readonly PolicyVersion[];
  readonly tags: readonly Tag[];
}

export interface InstanceProfile {
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly arn: string;
  readonly createdAt: Millis;
  /** Lower-case name of the one role it may hold. */
  readonly role?: string | undefined;
  readonly tags: readonly Tag[];
}

export interface AccessKey {
  readonly id: string;
  /** Lower-case user name; absent for a root key. */
  readonly user?: string | undefined;
  readonly status: 'Active' | 'Inactive';
  readonly createdAt: Millis;
  readonly lastUsed?: { readonly at: Millis; readonly service: string; readonly region: string } | undefined;
}

export interface LoginProfile {
  readonly createdAt: Millis;
  /** When the password was last set; absent: at the creation. */
  readonly changedAt?: Millis | undefined;
  readonly passwordResetRequired: boolean;
  /** Salted hashes of the password and, newest first, of those before it; the passwords themselves are not kept. */
  readonly hashes: readonly string[];
}

export interface PasswordPolicy {
  readonly MinimumPasswordLength: number;
  readonly RequireSymbols: boolean;
  readonly RequireNumbers: boolean;
  readonly RequireUppercaseCharacters: boolean;
  readonly RequireLowercaseCharacters: boolean;
  readonly AllowUsersToChangePassword: boolean;
  readonly MaxPasswordAge?: number | undefined;
  readonly PasswordReusePrevention?: number | undefined;
  readonly HardExpiry?: boolean | undefined;
}

export const users = tableName<User>('iam.user');
export const groups = tableName<Group>('iam.group');
export const roles = tableName<Role>('iam.role');
export const managedPolicies = tableName<ManagedPolicy>('iam.policy');
export const instanceProfiles = tableName<InstanceProfile>('iam.instance-profile');
/** Id: `USER/KEYID`, the user's lower-case name; `/KEYID` for a root key. One user's keys stand together. */
export const accessKeys = tableName<AccessKey>('iam.access-key');
/** Id: the user's lower-case name; empty for the root user. */
export const loginProfiles = tableName<LoginProfile>('iam.login-profile');
/** Id: the account. When it was made. */
export const accountCreations = tableName<{ readonly createdAt: Millis }>('iam.account');
/** Id: the account. */
export const passwordPolicies = tableName<PasswordPolicy>('iam.password-policy');
/** Account `''`; id: unique id of a user or role that exists → its account and lower-case name. */
export const principalIds = tableName<{
  readonly account: string;
  readonly kind: 'user' | 'role';
  readonly name: string;
}>('iam.principal-id');
/** Account `''`; id: access key id. Every credential that can sign. */
export const credentials = tableName<Credential>('iam.credential');
/** Account `''`; id: end of a session in milliseconds (16 digits), a space, its access key id. In order of their ends. */
export const sessionEnds = tableName<true>('iam.session-end');

/** How often a managed policy is in use, so that no count has to walk the account. Id: policy ARN. */
export const policyUsage = tableName<{ readonly attached: number; readonly boundaries: number }>('iam.policy-usage');
/** Who uses a managed policy. Id: `ARN attached|boundary user|group|role NAME`, names in lower case. */
export const policyUsers = tableName<true>('iam.policy-users');
/** Which instance profiles hold a role. Id: `ROLE/PROFILE`, both in lower case. */
export const profilesOfRole = tableName<true>('iam.profiles-of-role');
/** Id: the account. */
export const accountAliases = tableName<{ readonly alias: string }>('iam.account-alias');
/** Account `''`; id: alias → the account that has it. */
export const aliasOwners = tableName<{ readonly account: string }>('iam.alias-owner');

export interface MfaDevice {
  /** `arn:aws:iam::ACCOUNT:mfa/PATH/NAME`. */
  readonly serialNumber: string;
  readonly name: string;
  readonly path: string;
  /** Shared secret of RFC 6238 in base32. */
  readonly seed: Secret;
  readonly createdAt: Millis;
  /** Lower-case user name, or `''` for the root user; absent while unassigned. */
  readonly user?: string | undefined;
  readonly enabledAt?: Millis | undefined;
  /** The last time step whose code was accepted: no code works twice (RFC 6238, section 5.2). */
  readonly lastStep?: number | undefined;
  readonly tags: readonly Tag[];
}

/** Id: serial number. */
export const mfaDevices = tableName<MfaDevice>('iam.mfa-device');
/** Which devices a user has. Id: `USER/SERIAL`; `/SERIAL` for the root user. */
export const mfaOfUser = tableName<true>('iam.mfa-of-user');
