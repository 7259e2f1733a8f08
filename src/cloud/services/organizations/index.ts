// Organizations: the organisation as the file gives it, and the policies that bind its accounts.
import type { Failure } from '../../../base/index.ts';
import type { Call, Service } from '../../call.ts';
import { limited } from '../iam/session-limits.ts';
import { accountOperations } from './accounts.ts';
import { organizationsFailure } from './failures.ts';
import { policyOperations } from './policies.ts';
import { tagOperations } from './tags.ts';

/** Members may ask which organisation they are in; the rest is the management account's. */
function memberLimit(name: string, call: Call): Failure | undefined {
  const allowed = call.account === call.world.managementAccount || name === 'DescribeOrganization';
  return allowed ? undefined : organizationsFailure('AccessDeniedException');
}

export const organizations: Service = {
  id: 'organizations',
  operations: limited({ ...accountOperations, ...policyOperations, ...tagOperations }, memberLimit),
};
