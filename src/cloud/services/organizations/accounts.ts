// Reading the organisation: itself, its root, units and accounts.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call, type Permission } from '../../call.ts';
import type { Tag } from '../iam/model.ts';
import type { Parsed } from '../iam/shapes.ts';
import { organizationsFailure } from './failures.ts';
import { isEnabled } from './in-force.ts';
import { organizationTags, type PolicyType } from './model.ts';
import { pageOf } from './page.ts';
import { childrenOf, nodeById, organizationArn, treeOf, type Node } from './tree.ts';

const types: readonly PolicyType[] = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'];

/** Permission for `action` on a node; on `*` when the action names none. */
export function permission(action: string, resource = '*', context: Permission['context'] = {}): Permission {
  return { action: `organizations:${action}`, resource, context };
}

/** `aws:ResourceTag/…` of what carries these tags. */
export function ownTagKeys(tags: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map((tag) => [`aws:ResourceTag/${tag.Key}`, tag.Value]));
}

/** Permission on the node with this id, whether it exists or not. */
export function permissionOnNode(
  call: Call,
  action: string,
  id: string,
  context: Permission['context'] = {},
): Permission {
  const node = nodeById(call.world, id);
  if (node === undefined) return permission(action, organizationArn(call.world, 'unknown', `/${id}`), context);
  const tags = call.world.table(organizationTags).get('', node.key)?.tags ?? [];
  return permission(action, node.arn, { ...ownTagKeys(tags), ...context });
}

function accountShape(call: Call, node: Node): Sdk.Account {
  return {
    Id: node.id,
    Arn: node.arn,
    Name: node.name,
    Email: node.account?.email,
    Status: 'ACTIVE',
    State: 'ACTIVE',
    JoinedMethod: node.id === call.world.managementAccount ? 'INVITED' : 'CREATED',
    JoinedTimestamp: new Date(0),
  };
}

function unitShape(node: Node): Sdk.OrganizationalUnit {
  return { Id: node.id, Arn: node.arn, Name: node.name };
}

export function rootShape(call: Call): Sdk.Root {
  const root = treeOf(call.world).get('root')!;
  const enabled = types.filter((type) => isEnabled(call.world, type));
  return {
    Id: root.id,
    Arn: root.arn,
    Name: root.name,
    PolicyTypes: enabled.map((Type) => ({ Type, Status: 'ENABLED' })),
  };
}

const describeOrganization = operation<object, Sdk.DescribeOrganizationResponse>({
  permissions: () => [permission('DescribeOrganization')],
  handle: (_input, call) => {
    const { world } = call;
    const management = world.managementAccount;
    return {
      Organization: {
        Id: world.organizationId,
        Arn: organizationArn(world, 'organization'),
        FeatureSet: 'ALL',
        MasterAccountId: management,
        MasterAccountArn: organizationArn(world, 'account', `/${management}`),
        MasterAccountEmail: world.account(management)?.email,
        AvailablePolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }],
      },
    };
  },
});

const listAccounts = operation<Parsed<Sdk.ListAccountsRequest>, Sdk.ListAccountsResponse>({
  permissions: () => [permission('ListAccounts')],
  handle: (input, call) => {
    const accounts = [...treeOf(call.world).values()].filter((node) => node.kind === 'ACCOUNT');
    const { items, ...page } = pageOf(accounts, input);
    return { Accounts: items.map((node) => accountShape(call, node)), ...page };
  },
});

const describeAccount = operation<Parsed<Sdk.DescribeAccountRequest>, Sdk.DescribeAccountResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'DescribeAccount', input.AccountId)],
  handle: (input, call) => {
    const node = nodeById(call.world, input.AccountId);
    if (node?.kind !== 'ACCOUNT') throw organizationsFailure('AccountNotFoundException');
    return { Account: accountShape(call, node) };
  },
});

const listRoots = operation<Parsed<Sdk.ListRootsRequest>, Sdk.ListRootsResponse>({
  permissions: () => [permission('ListRoots')],
  handle: (_input, call) => ({ Roots: [rootShape(call)] }),
});

const describeOrganizationalUnit = operation<
  Parsed<Sdk.DescribeOrganizationalUnitRequest>,
  Sdk.DescribeOrganizationalUnitResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'DescribeOrganizationalUnit', input.OrganizationalUnitId)],
  handle: (input, call) => {
    const node = nodeById(call.world, input.OrganizationalUnitId);
    if (node?.kind !== 'ORGANIZATIONAL_UNIT') throw organizationsFailure('OrganizationalUnitNotFoundException');
    return { OrganizationalUnit: unitShape(node) };
  },
});

/** @throws ParentNotFoundException */
function needParent(call: Call, id: string): Node {
  const node = nodeById(call.world, id);
  if (node === undefined || node.kind === 'ACCOUNT') throw organizationsFailure('ParentNotFoundException');
  return node;
}

const listOrganizationalUnitsForParent = operation<
  Parsed<Sdk.ListOrganizationalUnitsForParentRequest>,
  Sdk.ListOrganizationalUnitsForParentResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'ListOrganizationalUnitsForParent', input.ParentId)],
  handle: (input, call) => {
    const units = childrenOf(call.world, needParent(call, input.ParentId), 'ORGANIZATIONAL_UNIT');
    const { items, ...page } = pageOf(units, input);
    return { OrganizationalUnits: items.map(unitShape), ...page };
  },
});

const listAccountsForParent = operation<Parsed<Sdk.ListAccountsForParentRequest>, Sdk.ListAccountsForParentResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListAccountsForParent', input.ParentId)],
  handle: (input, call) => {
    const accounts = childrenOf(call.world, needParent(call, input.ParentId), 'ACCOUNT');
    const { items, ...page } = pageOf(accounts, input);
    return { Accounts: items.map((node) => accountShape(call, node)), ...page };
  },
});

const listChildren = operation<Parsed<Sdk.ListChildrenRequest>, Sdk.ListChildrenResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListChildren', input.ParentId)],
  handle: (input, call) => {
    const parent = needParent(call, input.ParentId);
    const { items, ...page } = pageOf(childrenOf(call.world, parent, input.ChildType), input);
    return { Children: items.map((node) => ({ Id: node.id, Type: input.ChildType })), ...page };
  },
});

const listParents = operation<Parsed<Sdk.ListParentsRequest>, Sdk.ListParentsResponse>({
  permissions: (input, call) => [permissionOnNode(call, 'ListParents', input.ChildId)],
  handle: (input, call) => {
    const parent = treeOf(call.world).get(nodeById(call.world, input.ChildId)?.parent ?? '');
    if (parent === undefined || parent.kind === 'ACCOUNT') throw organizationsFailure('ChildNotFoundException');
    return { Parents: [{ Id: parent.id, Type: parent.kind }] };
  },
});

/** Reading an organisation as a whole asks for these; nothing here grants them. */
const listAwsServiceAccess = operation<object, Sdk.ListAWSServiceAccessForOrganizationResponse>({
  depth: 'Always empty: no service is given access.',
  permissions: () => [permission('ListAWSServiceAccessForOrganization')],
  handle: () => ({ EnabledServicePrincipals: [] }),
});

const listDelegatedAdministrators = operation<object, Sdk.ListDelegatedAdministratorsResponse>({
  depth: 'Always empty: there are no delegated administrators.',
  permissions: () => [permission('ListDelegatedAdministrators')],
  handle: () => ({ DelegatedAdministrators: [] }),
});

export const accountOperations = {
  ListAWSServiceAccessForOrganization: listAwsServiceAccess,
  ListDelegatedAdministrators: listDelegatedAdministrators,
  DescribeOrganization: describeOrganization,
  ListAccounts: listAccounts,
  DescribeAccount: describeAccount,
  ListRoots: listRoots,
  DescribeOrganizationalUnit: describeOrganizationalUnit,
  ListOrganizationalUnitsForParent: listOrganizationalUnitsForParent,
  ListAccountsForParent: listAccountsForParent,
  ListChildren: listChildren,
  ListParents: listParents,
};
