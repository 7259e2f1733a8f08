// Accounts that move, leave and end.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { needMember } from './accounts.ts';
import { forgetNode } from './attachments.ts';
import { isDelegatedAdministrator } from './delegation-rows.ts';
import { constraintViolation, organizationsFailure } from './failures.ts';
import { accountRows } from './model.ts';
import { permission, permissionOnNode } from './permissions.ts';
import { nodeById, placeAccount, type Member } from './tree.ts';

const dayMillis = 86_400_000;

/** True for a root or unit that exists. */
function isParent(call: Call, id: string): boolean {
  const node = nodeById(call.world, id);
  return node !== undefined && node.kind !== 'ACCOUNT';
}

const moveAccount = operation<Parsed<Sdk.MoveAccountRequest>, void>({
  permissions: (input, call) =>
    [input.AccountId, input.SourceParentId, input.DestinationParentId].map((id) =>
      permissionOnNode(call, 'MoveAccount', id),
    ),
  handle: (input, call) => {
    const row = needMember(call, input.AccountId);
    if (!isParent(call, input.SourceParentId)) throw organizationsFailure('SourceParentNotFoundException');
    if (!isParent(call, input.DestinationParentId)) throw organizationsFailure('DestinationParentNotFoundException');
    if (row.member.parent === input.DestinationParentId) throw organizationsFailure('DuplicateAccountException');
    // An account that is somewhere else is not found in the source.
    if (row.member.parent !== input.SourceParentId) throw organizationsFailure('AccountNotFoundException');
    placeAccount(call.world, row, { ...row.member, parent: input.DestinationParentId });
  },
});

/** @throws MasterCannotLeaveOrganizationException, ConstraintViolationException */
function checkMayLeave(call: Call, row: Member): void {
  if (row.id === call.world.managementAccount) throw organizationsFailure('MasterCannotLeaveOrganizationException');
  if (isDelegatedAdministrator(call.world, row.id)) {
    throw constraintViolation(
      'You attempted to remove an account that is registered as a delegated administrator for a service integrated with your organization. To complete this operation, you must first deregister this account as a delegated administrator.',
      'CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG',
    );
  }
  const days = call.world.quotas.DaysUntilCreatedAccountMayLeave;
  if (row.createdAt !== undefined && call.clock.now() < row.createdAt + days * dayMillis) {
    throw constraintViolation('This operation requires a wait period.  Try again later.', 'WAIT_PERIOD_ACTIVE');
  }
}

/** The account stands alone from now on: no policy of the organisation binds it, and its tags are gone. */
function leave(call: Call, row: Member): void {
  checkMayLeave(call, row);
  forgetNode(call, row.id);
  // Who has left and was invited back is no new account.
  const { createdAt: _, ...rest } = row;
  placeAccount(call.world, rest, undefined);
}

const removeAccountFromOrganization = operation<Parsed<Sdk.RemoveAccountFromOrganizationRequest>, void>({
  depth: 'What a standalone account needs (payment, contact) is taken as given.',
  permissions: (input, call) => [permissionOnNode(call, 'RemoveAccountFromOrganization', input.AccountId)],
  handle: (input, call) => leave(call, needMember(call, input.AccountId)),
});

const leaveOrganization = operation<object, void>({
  depth: 'What a standalone account needs (payment, contact) is taken as given.',
  permissions: () => [permission('LeaveOrganization')],
  handle: (_input, call) => leave(call, needMember(call, call.account)),
});

const closeAccount = operation<Parsed<Sdk.CloseAccountRequest>, void>({
  depth: 'Closed at once: PENDING_CLOSURE is never seen.',
  permissions: (input, call) => [permissionOnNode(call, 'CloseAccount', input.AccountId)],
  handle: (input, call) => {
    const row = needMember(call, input.AccountId);
    if (row.id === call.world.managementAccount) {
      throw constraintViolation('You attempted to close the management account.', 'CANNOT_CLOSE_MANAGEMENT_ACCOUNT');
    }
    if (row.state !== 'ACTIVE') throw organizationsFailure('AccountAlreadyClosedException');
    call.world.table(accountRows).put('', row.id, { ...row, state: 'CLOSED' });
  },
});

export const membershipOperations = {
  MoveAccount: moveAccount,
  RemoveAccountFromOrganization: removeAccountFromOrganization,
  LeaveOrganization: leaveOrganization,
  CloseAccount: closeAccount,
};
