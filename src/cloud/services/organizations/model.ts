// The organisation's own tables: units, accounts, policies and what is said about them. All rows belong to
// account `''`. The organisation file fills them at the start (seed.ts); calls change them from then on.
import type { Millis } from '../../../base/index.ts';
import { tableName, type Account } from '../../world.ts';
import type { Tag } from '../iam/model.ts';

/** Policies that take part in authorization. */
export type AuthorizationPolicyType = 'SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY';
/** Policies that are merged along the tree and read by other services. */
export type ManagementPolicyType =
  | 'TAG_POLICY'
  | 'BACKUP_POLICY'
  | 'AISERVICES_OPT_OUT_POLICY'
  | 'CHATBOT_POLICY'
  | 'DECLARATIVE_POLICY_EC2';
export type PolicyType = AuthorizationPolicyType | ManagementPolicyType;

export interface OrganizationPolicy {
  /** `p-` and 8 characters. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: PolicyType;
  readonly content: string;
  readonly tags: readonly Tag[];
  /** Absent for the policies AWS made. */
  readonly changedAt?: Millis;
}

/** How and where an account belongs to the organisation. */
export interface Membership {
  readonly method: 'CREATED' | 'INVITED';
  readonly at: Millis;
  /** Node id of the root or unit it is in. */
  readonly parent: string;
}

export interface AccountRow extends Account {
  /** `CLOSED`: its credentials are dead. */
  readonly state: 'ACTIVE' | 'CLOSED';
  /** Absent: it stands alone. */
  readonly member?: Membership | undefined;
  /** When CreateAccount made it. */
  readonly createdAt?: Millis;
}

export interface Unit {
  /** `ou-ROOT-UNIT`. */
  readonly id: string;
  readonly name: string;
  /** Node id; a unit never moves. */
  readonly parent: string;
}

/** A CreateAccount and what came of it. */
export interface AccountRequest {
  /** `car-…`. */
  readonly id: string;
  readonly name: string;
  readonly requestedAt: Millis;
  /** Absent when it failed. */
  readonly account?: string;
  readonly failure?: 'EMAIL_ALREADY_EXISTS' | 'ACCOUNT_LIMIT_EXCEEDED';
}

/** Id: account number. Rows stay for ever: an account that was closed or left is still known. */
export const accountRows = tableName<AccountRow>('organizations.account');
/** Id: mail address in lower case → account number. */
export const accountEmails = tableName<{ readonly account: string }>('organizations.email');
/** Id: unit id. */
export const units = tableName<Unit>('organizations.unit');
/** Id: parent, a space, kind, a space, id: what lies directly under a node, for lists. */
export const children = tableName<true>('organizations.child');
/** Id: the request's. */
export const accountRequests = tableName<AccountRequest>('organizations.account-request');
/** Id: policy id. */
export const organizationPolicies = tableName<OrganizationPolicy>('organizations.policy');
/** Id: policy type, a space, name → policy id. */
export const policyNames = tableName<{ readonly id: string }>('organizations.policy-name');
/** Id: policy type, a space, node id → ids of attached policies, oldest first. Without a row the default policy is attached. */
export const attachments = tableName<{ readonly policies: readonly string[] }>('organizations.attached');
/** Id: policy id, a space, node id; of policies that AWS did not make. */
export const policyTargets = tableName<true>('organizations.target');
/** Id: policy type, when it was switched on or off by a call. */
export const policyTypes = tableName<{ readonly enabled: boolean }>('organizations.policy-type');
/** Id: node id. */
export const nodeTags = tableName<{ readonly tags: readonly Tag[] }>('organizations.node-tags');

/** Makes one id of two parts; a prefix of the first part and a space lists what belongs to it. */
export function pairId(first: string, second: string): string {
  return `${first} ${second}`;
}
