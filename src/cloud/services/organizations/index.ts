// Organizations: the accounts, their tree, and the policies that bind them.
import type { Service } from '../../call.ts';
import { accountOperations } from './accounts.ts';
import { attachmentOperations } from './attachments.ts';
import { withCallers } from './callers.ts';
import { creationOperations } from './creation.ts';
import { delegationOperations } from './delegation.ts';
import { effectivePolicyOperations } from './effective-policies.ts';
import { handshakeOperations } from './handshakes.ts';
import { membershipOperations } from './membership.ts';
import { organizationOperations } from './organization.ts';
import { policyOperations } from './policies.ts';
import { resourcePolicyOperations } from './resource-policy.ts';
import { tagOperations } from './tags.ts';
import { unitOperations } from './units.ts';

export const organizations: Service = {
  id: 'organizations',
  operations: withCallers({
    ...organizationOperations,
    ...accountOperations,
    ...creationOperations,
    ...membershipOperations,
    ...handshakeOperations,
    ...unitOperations,
    ...policyOperations,
    ...attachmentOperations,
    ...effectivePolicyOperations,
    ...delegationOperations,
    ...resourcePolicyOperations,
    ...tagOperations,
  }),
};
