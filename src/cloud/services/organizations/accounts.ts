// Reading accounts, and the path between an account and the root.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { organizationsFailure } from './failures.ts';
import { accountRows } from './model.ts';
import { pageOf } from './page.ts';
import { permission, permissionOnNode } from './permissions.ts';
import { childrenOf, memberOf, nodeById, organizationArn, pathOf, type Member, type Node } from './tree.ts';

export function accountShape(call: Call, row: Member): Sdk.Account {
  return {
    Id: row.id,
    Arn: organizationArn(call.world, 'account', `/${row.id}`),
    Name: row.name,
    Email: row.email,
    Status: row.state === 'ACTIVE' ? 'ACTIVE' : 'SUSPENDED',
    // The older member has one word for accounts that were closed and for those that AWS suspended.
    State: row.state,
    Paths: [pathOf(call.world, row.id)],
    JoinedMethod: row.member.method,
    JoinedTimestamp: new Date(row.member.at),
  };
}

/** @throws AccountNotFoundException when it is not in the organisation */
export function needMember(call: Call, id: string): Member {
  const row = memberOf(call.world, id);
  if (row === undefined) throw organizationsFailure('AccountNotFoundException');
  return row;
}

/** A root or unit. @throws ParentNotFoundException */
export function needParent(call: Call, id: string): Node {
  const node = nodeById(call.world, id);
  if (node === undefined || node.kind === 'ACCOUNT') throw organizationsFailure('ParentNotFoundException');
  return node;
}

function* membersAfter(call: Call, after: string | undefined): Generator<readonly [id: string, row: Member]> {
  for (const [id, row] of call.world.table(accountRows).list('', after)) {
    if (row.member !== undefined) yield [id, row as Member];
  }
}

const listAccounts = operation<Parsed<Sdk.ListAccountsRequest>, Sdk.ListAccountsResponse>({
  permissions: () => [permission('ListAccounts')],
  handle: (input, call) => {
    const { items, ...page } = pageOf((after) => membersAfter(call, after), input);
    return { Accounts: items.map((row) => accountShape(call, row)), ...page };
  },
});

const describeAccount = operation<Parsed<Sdk.DescribeAccountRequest>, Sdk.DescribeAccountResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'DescribeAccount', input.AccountId)],
  handle: (input, call) => ({ Account: accountShape(call, needMember(call, input.AccountId)) }),
});

const listAccountsForParent = operation<Parsed<Sdk.ListAccountsForParentRequest>, Sdk.ListAccountsForParentResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListAccountsForParent', input.ParentId)],
  handle: (input, call) => {
    const { id } = needParent(call, input.ParentId);
    const { items, ...page } = pageOf((after) => childrenOf(call.world, id, 'ACCOUNT', after), input);
    return { Accounts: items.map((node) => accountShape(call, needMember(call, node.id))), ...page };
  },
});

const listChildren = operation<Parsed<Sdk.ListChildrenRequest>, Sdk.ListChildrenResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListChildren', input.ParentId)],
  handle: (input, call) => {
    const { id } = needParent(call, input.ParentId);
    const { items, ...page } = pageOf((after) => childrenOf(call.world, id, input.ChildType, after), input);
    return { Children: items.map((node) => ({ Id: node.id, Type: input.ChildType })), ...page };
  },
});

const listParents = operation<Parsed<Sdk.ListParentsRequest>, Sdk.ListParentsResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListParents', input.ChildId)],
  handle: (input, call) => {
    const parent = nodeById(call.world, nodeById(call.world, input.ChildId)?.parent ?? '');
    if (parent === undefined || parent.kind === 'ACCOUNT') throw organizationsFailure('ChildNotFoundException');
    return { Parents: [{ Id: parent.id, Type: parent.kind }] };
  },
});

export const accountOperations = {
  ListAccounts: listAccounts,
  DescribeAccount: describeAccount,
  ListAccountsForParent: listAccountsForParent,
  ListChildren: listChildren,
  ListParents: listParents,
};
