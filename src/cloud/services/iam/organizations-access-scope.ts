// What an organisation's access report is about: the entity its path names, the services that service control
// policies leave open there, and the accounts that count.
import type { Call, Permission } from '../../call.ts';
import type { World } from '../../world.ts';
import { attachedIds, isEnabled, policyById } from '../organizations/in-force.ts';
import { childrenOf, lineOf, nodeById } from '../organizations/tree.ts';
import { everyService, Selection } from './access-selection.ts';

const scp = 'SERVICE_CONTROL_POLICY';

/** Why a report cannot be made; it is made as a failed one. */
interface Refusal {
  readonly Code: string;
  readonly Message: string;
}

interface Scope {
  /** Id of the root, unit or account. */
  readonly node: string;
  readonly policyId?: string | undefined;
}

interface CoveredAccount {
  readonly account: string;
  readonly path: string;
}

/** The entity a report is asked about. */
export function reportEntity(
  call: Call,
  input: { readonly EntityPath?: string | undefined; readonly OrganizationsPolicyId?: string | undefined },
): Scope | Refusal {
  const { world } = call;
  const [, ...line] = (input.EntityPath ?? '').split('/');
  const node = line.at(-1) ?? '';
  if (nodeById(world, node) === undefined || lineOf(world, node).join('/') !== line.join('/')) {
    return {
      Code: 'INVALID_ORGANIZATIONS_ENTITY_PATH',
      Message: 'The entity with the specified path does not exist in your organization.',
    };
  }
  const policyId = input.OrganizationsPolicyId;
  if (policyId !== undefined && policyById(world, policyId) === undefined) {
    return {
      Code: 'INVALID_ORGANIZATIONS_POLICY',
      Message: 'The policy with the specified ID does not exist in your organization.',
    };
  }
  if (readPermissions(call, node).some((permission) => call.refusal(permission) !== undefined)) {
    return {
      Code: 'ORGANIZATIONS_REPORT_ACCESS_DENIED',
      Message: 'Requester is not authorized to perform the required AWS Organizations Describe* and List* actions.',
    };
  }
  return { node, policyId };
}

/** IAM reads the organisation in the name of the caller. */
function readPermissions(call: Call, node: string): readonly Permission[] {
  const resource = nodeById(call.world, node)?.arn ?? '*';
  return [
    { action: 'organizations:ListRoots', resource: '*' },
    { action: 'organizations:ListParents', resource },
    { action: 'organizations:ListChildren', resource },
    { action: 'organizations:ListPoliciesForTarget', resource },
  ];
}

/** Services in order of namespace. The management account is bound by no policy. */
export function openServices(world: World, { node, policyId }: Scope): readonly string[] {
  if (node === world.managementAccount || !isEnabled(world, scp)) return everyService();
  if (policyId !== undefined) return selectionOf(world, [policyId]).services();
  const levels = lineOf(world, node).map((id) => selectionOf(world, attachedIds(world, id, scp)));
  return everyService().filter((namespace) => levels.every((level) => level.opens(namespace)));
}

function selectionOf(world: World, policyIds: readonly string[]): Selection {
  return new Selection(policyIds.flatMap((id) => policyById(world, id)?.content ?? []));
}

/** The accounts whose requests count: at and under the entity, and with a policy only those it is attached above. */
export function coveredAccounts(world: World, { node, policyId }: Scope): readonly CoveredAccount[] {
  const accounts = node === world.managementAccount ? [node] : membersUnder(world, node);
  const bound = accounts.filter(
    (account) =>
      policyId === undefined ||
      node === world.managementAccount ||
      lineOf(world, account).some((id) => attachedIds(world, id, scp).includes(policyId)),
  );
  return bound.map((account) => ({ account, path: [world.organizationId, ...lineOf(world, account)].join('/') }));
}

function membersUnder(world: World, node: string): readonly string[] {
  if (nodeById(world, node)?.kind === 'ACCOUNT') return [node];
  const accounts = Array.from(childrenOf(world, node, 'ACCOUNT'), ([id]) => id);
  const units = Array.from(childrenOf(world, node, 'ORGANIZATIONAL_UNIT'), ([id]) => id);
  return [
    ...accounts.filter((id) => id !== world.managementAccount),
    ...units.flatMap((unit) => membersUnder(world, unit)),
  ];
}
