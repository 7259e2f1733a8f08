// Inviting an account that stands alone, and its answer.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_accounts_invites.html
import type * as Sdk from '@aws-sdk/client-organizations';
import { randomText } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { requestTagKeys } from '../iam/tags.ts';
import { handshakeViolation, invalidInput, organizationsFailure } from './failures.ts';
import { handshakes, type HandshakeRow } from './handshake-rows.ts';
import { accountEmails, accountRows } from './model.ts';
import { pageOf } from './page.ts';
import { permission, permissionOnNode, permissionToTag } from './permissions.ts';
import { putNodeTags, withTags } from './tags.ts';
import { idAlphabet, memberOf, organizationArn, placeAccount, rootIdOf } from './tree.ts';

const dayMillis = 86_400_000;
/** An invitation that nobody answers ends after 15 days; what has ended is shown for 30 more. */
const openMillis = 15 * dayMillis;
const shownMillis = openMillis + 30 * dayMillis;

type State = HandshakeRow['state'] | 'EXPIRED';

function stateOf(row: HandshakeRow, call: Call): State {
  return row.state === 'OPEN' && call.clock.now() >= row.requestedAt + openMillis ? 'EXPIRED' : row.state;
}

function arnOf(call: Call, id: string): string {
  return organizationArn(call.world, 'handshake', `/invite/${id}`);
}

function shapeOf(row: HandshakeRow, call: Call): Sdk.Handshake {
  const { world } = call;
  const management = world.account(world.managementAccount);
  const resources: Sdk.HandshakeResource[] = [
    {
      Type: 'ORGANIZATION',
      Value: world.organizationId,
      Resources: [
        { Type: 'MASTER_EMAIL', Value: management?.email },
        { Type: 'MASTER_NAME', Value: management?.name },
        { Type: 'ORGANIZATION_FEATURE_SET', Value: 'ALL' },
      ],
    },
    { Type: row.target.type, Value: row.target.id },
  ];
  if (row.notes !== undefined) resources.push({ Type: 'NOTES', Value: row.notes });
  return {
    Id: row.id,
    Arn: arnOf(call, row.id),
    Parties: [
      { Id: world.organizationId.slice(2), Type: 'ORGANIZATION' },
      { Id: row.target.id, Type: row.target.type },
    ],
    State: stateOf(row, call),
    RequestedTimestamp: new Date(row.requestedAt),
    ExpirationTimestamp: new Date(row.requestedAt + openMillis),
    Action: 'INVITE',
    Resources: resources,
  };
}

/** The number of the account that is meant. @throws InvalidInputException */
function invitedAccount(call: Call, { Id = '', Type }: Sdk.HandshakeParty): string {
  if (Type === 'ORGANIZATION') {
    throw invalidInput(
      'You specified the wrong type of entity (account, organization, or email) as a party.',
      'INVALID_PARTY_TYPE_TARGET',
    );
  }
  const account = Type === 'EMAIL' ? call.world.table(accountEmails).get('', Id.toLowerCase())?.account : Id;
  if (account !== undefined && call.world.account(account) !== undefined) return account;
  throw Type === 'EMAIL'
    ? invalidInput(
        'You specified an invalid email address for the invited account owner.',
        'INVALID_EMAIL_ADDRESS_TARGET',
      )
    : invalidInput('You provided a value that does not match the required pattern.', 'INVALID_PATTERN_TARGET_ID');
}

const inviteAccountToOrganization = operation<
  Parsed<Sdk.InviteAccountToOrganizationRequest>,
  Sdk.InviteAccountToOrganizationResponse
>({
  depth: 'Only accounts that this AWS knows can be invited; no mail is sent.',
  permissions: (input, call) => [
    permissionOnNode(call, 'InviteAccountToOrganization', input.Target.Id ?? '', requestTagKeys(input.Tags)),
    ...permissionToTag(call, 'account', '/*', input.Tags),
  ],
  handle: (input, call) => {
    const account = invitedAccount(call, input.Target);
    if (memberOf(call.world, account) !== undefined) {
      throw handshakeViolation(
        'The handshake request is invalid because the invited account is already a member of an organization.',
        'ALREADY_IN_AN_ORGANIZATION',
      );
    }
    for (const [, row] of call.world.table(handshakes).list('')) {
      if (row.account === account && stateOf(row, call) === 'OPEN') {
        throw organizationsFailure('DuplicateHandshakeException');
      }
    }
    const row: HandshakeRow = {
      id: `h-${randomText(call.random, 8, idAlphabet)}`,
      account,
      target: { type: input.Target.Type === 'EMAIL' ? 'EMAIL' : 'ACCOUNT', id: input.Target.Id ?? '' },
      notes: input.Notes,
      tags: withTags(call, [], input.Tags),
      state: 'OPEN',
      requestedAt: call.clock.now(),
    };
    call.world.table(handshakes).put('', row.id, row);
    return { Handshake: shapeOf(row, call) };
  },
});

type Party = 'sender' | 'recipient' | 'either';

/** The handshake, when the caller is that party of it. @throws HandshakeNotFoundException, AccessDeniedException */
function needHandshake(call: Call, id: string, as: Party): HandshakeRow {
  const row = call.world.table(handshakes).get('', id);
  const parties = { sender: call.world.managementAccount, recipient: row?.account };
  const isParty = call.account === parties.sender || call.account === parties.recipient;
  if (row === undefined || call.clock.now() >= row.requestedAt + shownMillis || !isParty) {
    throw organizationsFailure('HandshakeNotFoundException');
  }
  if (as !== 'either' && call.account !== parties[as]) throw organizationsFailure('AccessDeniedException');
  return row;
}

/** @throws HandshakeAlreadyInStateException, InvalidHandshakeTransitionException */
function settle(call: Call, row: HandshakeRow, state: Exclude<HandshakeRow['state'], 'OPEN'>): Sdk.Handshake {
  const before = stateOf(row, call);
  if (before === state) throw organizationsFailure('HandshakeAlreadyInStateException');
  if (before !== 'OPEN') throw organizationsFailure('InvalidHandshakeTransitionException');
  const settled = { ...row, state };
  call.world.table(handshakes).put('', row.id, settled);
  return shapeOf(settled, call);
}

interface ById {
  readonly HandshakeId: string;
}

function permissionOn(action: string) {
  return (input: ById, call: Call) => [permission(action, arnOf(call, input.HandshakeId))];
}

const acceptHandshake = operation<ById, Sdk.AcceptHandshakeResponse>({
  permissions: permissionOn('AcceptHandshake'),
  handle: (input, call) => {
    const { world } = call;
    const row = needHandshake(call, input.HandshakeId, 'recipient');
    const Handshake = settle(call, row, 'ACCEPTED');
    const account = world.table(accountRows).get('', row.account)!;
    placeAccount(world, account, { method: 'INVITED', at: call.clock.now(), parent: rootIdOf(world) });
    putNodeTags(call, row.account, row.tags);
    return { Handshake };
  },
});

const declineHandshake = operation<ById, Sdk.DeclineHandshakeResponse>({
  permissions: permissionOn('DeclineHandshake'),
  handle: (input, call) => ({
    Handshake: settle(call, needHandshake(call, input.HandshakeId, 'recipient'), 'DECLINED'),
  }),
});

const cancelHandshake = operation<ById, Sdk.CancelHandshakeResponse>({
  permissions: permissionOn('CancelHandshake'),
  handle: (input, call) => ({ Handshake: settle(call, needHandshake(call, input.HandshakeId, 'sender'), 'CANCELED') }),
});

const describeHandshake = operation<ById, Sdk.DescribeHandshakeResponse>({
  permissions: permissionOn('DescribeHandshake'),
  handle: (input, call) => ({ Handshake: shapeOf(needHandshake(call, input.HandshakeId, 'either'), call) }),
});

type ListInput = Parsed<Sdk.ListHandshakesForAccountRequest>;

function pageOfHandshakes(
  input: ListInput,
  call: Call,
  account: string | undefined,
): Sdk.ListHandshakesForAccountResponse {
  const { ActionType: action, ParentHandshakeId: parent } = input.Filter ?? {};
  if (action !== undefined && parent !== undefined) {
    throw invalidInput('You can specify only one filter parameter for the operation.', 'MAX_LIMIT_EXCEEDED_FILTER');
  }
  const matches = (action === undefined || action === 'INVITE') && parent === undefined;
  const { items, ...page } = pageOf(function* (after) {
    for (const [id, row] of call.world.table(handshakes).list('', after)) {
      const isShown = call.clock.now() < row.requestedAt + shownMillis;
      if (matches && isShown && (account ?? row.account) === row.account) yield [id, shapeOf(row, call)] as const;
    }
  }, input);
  return { Handshakes: items, ...page };
}

const listHandshakesForAccount = operation<ListInput, Sdk.ListHandshakesForAccountResponse>({
  permissions: () => [permission('ListHandshakesForAccount')],
  handle: (input, call) => pageOfHandshakes(input, call, call.account),
});

const listHandshakesForOrganization = operation<ListInput, Sdk.ListHandshakesForOrganizationResponse>({
  permissions: () => [permission('ListHandshakesForOrganization')],
  handle: (input, call) => pageOfHandshakes(input, call, undefined),
});

export const handshakeOperations = {
  InviteAccountToOrganization: inviteAccountToOrganization,
  AcceptHandshake: acceptHandshake,
  DeclineHandshake: declineHandshake,
  CancelHandshake: cancelHandshake,
  DescribeHandshake: describeHandshake,
  ListHandshakesForAccount: listHandshakesForAccount,
  ListHandshakesForOrganization: listHandshakesForOrganization,
};
