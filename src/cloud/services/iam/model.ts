// IAM's entities and tables. Names are ids within an account and compare without case, so the id of
// a row is the lower-case name; each value keeps the name as it was given.
import type { Millis } from '../../../base/index.ts';
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
  readonly user: string;
  readonly createdAt: Millis;
  readonly passwordResetRequired: boolean;
  /** Salted scrypt of the password; the password itself is not kept. */
  readonly hash: string;
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
/** Id: access key id. */
export const accessKeys = tableName<AccessKey>('iam.access-key');
export const loginProfiles = tableName<LoginProfile>('iam.login-profile');
/** Id: `policy`. */
export const passwordPolicies = tableName<PasswordPolicy>('iam.password-policy');
/** Account `''`; id: unique id of a user or role that exists → its account and lower-case name. */
export const principalIds = tableName<{
  readonly account: string;
  readonly kind: 'user' | 'role';
  readonly name: string;
}>('iam.principal-id');
/** Account `''`; id: access key id. Every credential that can sign. */
export const credentials = tableName<Credential>('iam.credential');
