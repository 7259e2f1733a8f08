// The organisation's own tables. Accounts and units come from the organisation file (`World.accounts`);
// policies and their attachments are kept here. All rows belong to account `''`.
import type { Tag } from '../iam/model.ts';
import { tableName, type AccountInfo } from '../../world.ts';

export type PolicyType = 'SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY';

export interface OrganizationPolicy {
  /** `p-` and 8 characters. */
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: PolicyType;
  readonly content: string;
  readonly tags: readonly Tag[];
}

/** A node of the tree that policies are attached to: `root`, `ou/PATH` or `account/ID`. */
export type NodeKey = string;

/** Id: policy id. */
export const organizationPolicies = tableName<OrganizationPolicy>('organizations.policy');
/** Id: node key, a space, policy type → ids of attached policies. Without a row the default policy is attached. */
export const attachments = tableName<{ readonly policies: readonly string[] }>('organizations.attachment');
/** Id: policy type, when it was switched on or off by a call. */
export const policyTypes = tableName<{ readonly enabled: boolean }>('organizations.policy-type');
/** Id: node key or policy id. */
export const organizationTags = tableName<{ readonly tags: readonly Tag[] }>('organizations.tags');

const allowAll =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}';

/** The policies AWS attaches to every node of its own accord. */
export const defaultPolicies: Readonly<Record<PolicyType, OrganizationPolicy>> = {
  SERVICE_CONTROL_POLICY: {
    id: 'p-FullAWSAccess',
    name: 'FullAWSAccess',
    description: 'Allows access to every operation',
    type: 'SERVICE_CONTROL_POLICY',
    content: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    tags: [],
  },
  RESOURCE_CONTROL_POLICY: {
    id: 'p-RCPFullAWSAccess',
    name: 'RCPFullAWSAccess',
    description: 'Allows all resource-based access',
    type: 'RESOURCE_CONTROL_POLICY',
    content: allowAll,
    tags: [],
  },
};

/** Made by AWS: nobody changes or deletes it. */
export function isDefault(policy: OrganizationPolicy): boolean {
  return policy.id === defaultPolicies[policy.type].id;
}

/** The nodes above and of an account: the root, each unit, the account. */
export function nodesOf(account: AccountInfo): readonly NodeKey[] {
  const units = account.ou === '' ? [] : account.ou.split('/');
  return ['root', ...units.map((_, index) => `ou/${units.slice(0, index + 1).join('/')}`), `account/${account.id}`];
}
