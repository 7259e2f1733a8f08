// What goes with an organisation that is deleted: everything but the accounts themselves.
import type { Call } from '../../call.ts';
import type { TableName } from '../../world.ts';
import { delegations, serviceAccess } from './delegation-rows.ts';
import { handshakes } from './handshake-rows.ts';
import {
  accountRequests,
  attachments,
  children,
  nodeTags,
  organizationPolicies,
  policyNames,
  policyTargets,
  policyTypes,
  units,
} from './model.ts';
import { resourcePolicies } from './resource-policy-row.ts';

const ended: readonly TableName<unknown>[] = [
  accountRequests,
  attachments,
  children,
  delegations,
  handshakes,
  nodeTags,
  organizationPolicies,
  policyNames,
  policyTargets,
  policyTypes,
  resourcePolicies,
  serviceAccess,
  units,
];

/** Empties the organisation's tables. */
export function dissolve(call: Call): void {
  for (const table of ended) {
    for (const [id] of call.world.table(table).list('')) call.world.table(table).delete('', id);
  }
}
