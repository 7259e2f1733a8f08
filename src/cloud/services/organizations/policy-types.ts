// What the types of policy differ in: the policy AWS attaches by itself, sizes, numbers, and the form of the text.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
import type { QuotaName } from '../../quotas.ts';
import type { AuthorizationPolicyType, ManagementPolicyType, OrganizationPolicy, PolicyType } from './model.ts';

interface TypeFacts {
  /** Most policies of the type on one node. */
  readonly attached: QuotaName;
  /** Most characters of one policy. */
  readonly size: QuotaName;
  /** How the policy room reads it; absent for management policies. */
  readonly kind?: 'scp' | 'rcp';
  /** The top-level names of a management policy. */
  readonly topics?: readonly string[];
}

const facts: Readonly<Record<PolicyType, TypeFacts>> = {
  SERVICE_CONTROL_POLICY: {
    attached: 'ServiceControlPoliciesPerTarget',
    size: 'ServiceControlPolicySize',
    kind: 'scp',
  },
  RESOURCE_CONTROL_POLICY: {
    attached: 'ResourceControlPoliciesPerTarget',
    size: 'ResourceControlPolicySize',
    kind: 'rcp',
  },
  TAG_POLICY: { attached: 'ManagementPoliciesPerTarget', size: 'ManagementPolicySize', topics: ['tags'] },
  BACKUP_POLICY: { attached: 'ManagementPoliciesPerTarget', size: 'ManagementPolicySize', topics: ['plans'] },
  AISERVICES_OPT_OUT_POLICY: {
    attached: 'AIServicesOptOutPoliciesPerTarget',
    size: 'AIServicesOptOutPolicySize',
    topics: ['services'],
  },
  CHATBOT_POLICY: {
    attached: 'AIServicesOptOutPoliciesPerTarget',
    size: 'ManagementPolicySize',
    topics: ['chatbot'],
  },
  DECLARATIVE_POLICY_EC2: {
    attached: 'ManagementPoliciesPerTarget',
    size: 'ManagementPolicySize',
    topics: ['ec2_attributes'],
  },
};

export const offeredTypes = Object.keys(facts) as PolicyType[];

/** Undefined for a type that AWS has and that is not offered here. */
export function factsOf(type: string): TypeFacts | undefined {
  return Object.hasOwn(facts, type) ? facts[type as PolicyType] : undefined;
}

export function isManagementType(type: string): type is ManagementPolicyType {
  return factsOf(type)?.topics !== undefined;
}

const everything =
  '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}';

const defaults: Readonly<Record<AuthorizationPolicyType, OrganizationPolicy>> = {
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
    content: everything,
    tags: [],
  },
};

/** The policies AWS attaches to every node of its own accord. */
export const defaultPolicies: readonly OrganizationPolicy[] = Object.values(defaults);

export function defaultPolicyOf(type: PolicyType): OrganizationPolicy | undefined {
  return type === 'SERVICE_CONTROL_POLICY' || type === 'RESOURCE_CONTROL_POLICY' ? defaults[type] : undefined;
}

/** Made by AWS: nobody changes or deletes it. */
export function isDefault(policy: OrganizationPolicy): boolean {
  return policy.id === defaultPolicyOf(policy.type)?.id;
}
