// CreateAccount and what became of it. AWS makes accounts in the background: the answer says IN_PROGRESS, the first
// look at the request says how it ended. Here the account is there as soon as the answer is.
import type * as Sdk from '@aws-sdk/client-organizations';
import { randomText } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import { makeAccessRole } from '../iam/seed.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { constraintViolation, invalidInput, organizationsFailure } from './failures.ts';
import { accountEmails, accountRequests, accountRows, type AccountRequest, type AccountRow } from './model.ts';
import { pageOf } from './page.ts';
import { permission, permissionToTag } from './permissions.ts';
import { rememberEmail } from './seed.ts';
import { putNodeTags, withTags } from './tags.ts';
import { idAlphabet, placeAccount, rootIdOf } from './tree.ts';

const defaultRole = 'OrganizationAccountAccessRole';

const createAccount = operation<Parsed<Sdk.CreateAccountRequest>, Sdk.CreateAccountResponse>({
  permissions: (input, call) => [
    permission('CreateAccount', '*', requestTagKeys(input.Tags)),
    ...permissionToTag(call, 'account', '/*', input.Tags),
  ],
  handle: (input, call) => {
    const { world } = call;
    const roleName = input.RoleName ?? defaultRole;
    if (roleName.startsWith('AWSServiceRoleFor')) {
      throw invalidInput(
        "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.",
        'INVALID_ROLE_NAME',
      );
    }
    const tags = withTags(call, [], input.Tags);
    if (world.table(accountRows).count('') >= world.quotas.AccountsPerOrganization) {
      throw constraintViolation(
        'You have exceeded the allowed number of AWS accounts.',
        'ACCOUNT_NUMBER_LIMIT_EXCEEDED',
      );
    }
    const request: AccountRequest = {
      id: `car-${randomText(call.random, 32, idAlphabet)}`,
      name: input.AccountName,
      requestedAt: call.clock.now(),
      ...(world.table(accountEmails).get('', input.Email.toLowerCase()) === undefined
        ? { account: makeAccount(call, input, roleName) }
        : { failure: 'EMAIL_ALREADY_EXISTS' }),
    };
    if (request.account !== undefined) putNodeTags(call, request.account, tags);
    world.table(accountRequests).put('', request.id, request);
    const { id: Id, name: AccountName, requestedAt } = request;
    const RequestedTimestamp = new Date(requestedAt);
    return { CreateAccountStatus: { Id, AccountName, State: 'IN_PROGRESS', RequestedTimestamp } };
  },
});

/** The new account's number. It holds one role, by which the management account enters, and nothing else. */
function makeAccount(call: Call, input: { AccountName: string; Email: string }, roleName: string): string {
  const { world } = call;
  const at = call.clock.now();
  const row: AccountRow = {
    id: freshAccountId(call),
    name: input.AccountName,
    email: input.Email,
    stage: '',
    state: 'ACTIVE',
    createdAt: at,
  };
  rememberEmail(world, row);
  placeAccount(world, row, { method: 'CREATED', at, parent: rootIdOf(world) });
  makeAccessRole({ world, account: row.id, clock: call.clock, random: call.random }, roleName);
  return row.id;
}

function freshAccountId(call: Call): string {
  for (;;) {
    const id = randomText(call.random, 1, '123456789') + randomText(call.random, 11, '0123456789');
    if (call.world.table(accountRows).get('', id) === undefined) return id;
  }
}

function statusShape({ id, name, requestedAt, account, failure }: AccountRequest): Sdk.CreateAccountStatus {
  return {
    Id: id,
    AccountName: name,
    State: failure === undefined ? 'SUCCEEDED' : 'FAILED',
    RequestedTimestamp: new Date(requestedAt),
    CompletedTimestamp: new Date(requestedAt),
    AccountId: account,
    FailureReason: failure,
  };
}

const describeCreateAccountStatus = operation<
  Parsed<Sdk.DescribeCreateAccountStatusRequest>,
  Sdk.DescribeCreateAccountStatusResponse
>({
  permissions: () => [permission('DescribeCreateAccountStatus')],
  handle: (input, call) => {
    const request = call.world.table(accountRequests).get('', input.CreateAccountRequestId);
    if (request === undefined) throw organizationsFailure('CreateAccountStatusNotFoundException');
    return { CreateAccountStatus: statusShape(request) };
  },
});

const listCreateAccountStatus = operation<
  Parsed<Sdk.ListCreateAccountStatusRequest>,
  Sdk.ListCreateAccountStatusResponse
>({
  permissions: () => [permission('ListCreateAccountStatus')],
  handle: (input, call) => {
    const { items, ...page } = pageOf(function* (after) {
      for (const [id, request] of call.world.table(accountRequests).list('', after)) {
        const shape = statusShape(request);
        if (input.States?.includes(shape.State!) ?? true) yield [id, shape] as const;
      }
    }, input);
    return { CreateAccountStatuses: items, ...page };
  },
});

/** As AWS answers an organisation whose management account has no account in GovCloud: none has one here. */
const createGovCloudAccount = operation<Parsed<Sdk.CreateGovCloudAccountRequest>, Sdk.CreateGovCloudAccountResponse>({
  depth: 'Refused: no account here is linked with one in GovCloud.',
  permissions: (input, call) => [
    permission('CreateGovCloudAccount', '*', requestTagKeys(input.Tags)),
    ...permissionToTag(call, 'account', '/*', input.Tags),
  ],
  handle: () => {
    throw constraintViolation(
      'To complete this operation, the management account must have an associated account in the AWS GovCloud (US-West) Region.',
      'MASTER_ACCOUNT_NOT_GOVCLOUD_ENABLED',
    );
  },
});

export const creationOperations = {
  CreateAccount: createAccount,
  CreateGovCloudAccount: createGovCloudAccount,
  DescribeCreateAccountStatus: describeCreateAccountStatus,
  ListCreateAccountStatus: listCreateAccountStatus,
};
