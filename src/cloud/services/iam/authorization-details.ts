// GetAccountAuthorizationDetails: everything that decides about access in an account, in one paginated list.
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call } from '../../call.ts';
import { idOfMarker } from '../page.ts';
import { attachedPolicyShape } from './attachments.ts';
import { awsPolicy } from './aws-policies.ts';
import { permissionOnAll } from './entities.ts';
import { validationError } from './failures.ts';
import { profileShape, profilesHolding } from './instance-profiles.ts';
import {
  groups,
  managedPolicies,
  policyUsage,
  roles,
  users,
  type Group,
  type Identity,
  type ManagedPolicy,
  type Role,
  type User,
} from './model.ts';
import { pageOf } from './page.ts';
import { fullRoleShape, groupShape, policyShape, userShape, versionShape, type Parsed } from './shapes.ts';

type Item =
  | { readonly kind: 'User'; readonly row: User }
  | { readonly kind: 'Group'; readonly row: Group }
  | { readonly kind: 'Role'; readonly row: Role }
  | { readonly kind: 'LocalManagedPolicy' | 'AWSManagedPolicy'; readonly row: ManagedPolicy };

/** In the order of the list. */
const kinds = ['User', 'Role', 'Group', 'LocalManagedPolicy', 'AWSManagedPolicy'] as const;

function* itemsOf(call: Call, kind: Item['kind'], after: string | undefined): Generator<readonly [string, Item]> {
  const { world, account } = call;
  switch (kind) {
    case 'User':
      for (const [id, row] of world.table(users).list(account, after)) yield [id, { kind, row }];
      break;
    case 'Group':
      for (const [id, row] of world.table(groups).list(account, after)) yield [id, { kind, row }];
      break;
    case 'Role':
      for (const [id, row] of world.table(roles).list(account, after)) yield [id, { kind, row }];
      break;
    case 'LocalManagedPolicy':
      for (const [id, row] of world.table(managedPolicies).list(account, after)) yield [id, { kind, row }];
      break;
    // Of AWS's policies only those that are in use.
    default:
      for (const [arn] of world.table(policyUsage).list(account, after)) {
        const row = awsPolicy(arn, call.partition);
        if (row !== undefined) yield [arn, { kind, row }];
      }
  }
}

/** The places of the kinds that are asked for; no filter asks for all of them. */
function placesOf(filter: readonly string[]): string {
  return kinds.flatMap((kind, place) => (filter.length === 0 || filter.includes(kind) ? [place] : [])).join('');
}

/** Row ids begin with the places and the place of their kind, so a marker says for which filter it is and where to go on. */
function* allItems(call: Call, places: string, after: string | undefined): Generator<readonly [string, Item]> {
  const start = after === undefined ? 0 : Number(after[0]);
  for (const place of Array.from(places, Number).filter((one) => one >= start)) {
    const from = after !== undefined && place === start ? after.slice(1) : undefined;
    for (const [id, item] of itemsOf(call, kinds[place]!, from)) yield [`${places} ${place}${id}`, item];
  }
}

/** Where the marker goes on. @throws ValidationError when it was given for another filter */
function afterItem(marker: string | undefined, places: string): string | undefined {
  if (marker === undefined) return undefined;
  const id = idOfMarker(marker);
  if (id?.startsWith(`${places} `) !== true) throw validationError('Marker and Filter do not match');
  return id.slice(places.length + 1);
}

function inlineShape(row: Identity): { PolicyName: string; PolicyDocument: string }[] {
  return Object.entries(row.inline).map(([name, text]) => ({ PolicyName: name, PolicyDocument: text }));
}

function userDetail(call: Call, user: User): Sdk.UserDetail {
  const { PasswordLastUsed: _, ...shape } = userShape(user, 'full');
  return {
    ...shape,
    Tags: [...user.tags],
    ...(Object.keys(user.inline).length > 0 ? { UserPolicyList: inlineShape(user) } : {}),
    GroupList: user.groups.map((id) => call.world.table(groups).get(call.account, id)?.name ?? id),
    AttachedManagedPolicies: user.attached.map(attachedPolicyShape),
  };
}

function groupDetail(group: Group): Sdk.GroupDetail {
  return {
    ...groupShape(group),
    GroupPolicyList: inlineShape(group),
    AttachedManagedPolicies: group.attached.map(attachedPolicyShape),
  };
}

function roleDetail(call: Call, role: Role): Sdk.RoleDetail {
  const { Description: _, MaxSessionDuration: __, ...shape } = fullRoleShape(role, call.world);
  return {
    ...shape,
    Tags: [...role.tags],
    InstanceProfileList: [...profilesHolding(call, role.name)].map(([, profile]) => profileShape(call, profile)),
    RolePolicyList: inlineShape(role),
    AttachedManagedPolicies: role.attached.map(attachedPolicyShape),
  };
}

/** Without the description, which AWS leaves out here; newest versions first. */
function policyDetail(call: Call, policy: ManagedPolicy): Sdk.ManagedPolicyDetail {
  return {
    ...policyShape(policy, call),
    PolicyVersionList: policy.versions
      .map((version) => ({ Document: version.document, ...versionShape(policy, version) }))
      .sort((a, b) => Number(b.VersionId?.slice(1)) - Number(a.VersionId?.slice(1))),
  };
}

export const getAccountAuthorizationDetails = operation<
  Parsed<Sdk.GetAccountAuthorizationDetailsRequest>,
  Sdk.GetAccountAuthorizationDetailsResponse
>({
  permissions: () => [permissionOnAll('GetAccountAuthorizationDetails')],
  handle: (input, call) => {
    const places = placesOf(input.Filter ?? []);
    const rows = allItems(call, places, afterItem(input.Marker, places));
    const { items, ...page } = pageOf(rows, input, (item) => item);
    const answer = {
      UserDetailList: [] as Sdk.UserDetail[],
      GroupDetailList: [] as Sdk.GroupDetail[],
      RoleDetailList: [] as Sdk.RoleDetail[],
      Policies: [] as Sdk.ManagedPolicyDetail[],
    };
    for (const item of items) {
      if (item.kind === 'User') answer.UserDetailList.push(userDetail(call, item.row));
      else if (item.kind === 'Group') answer.GroupDetailList.push(groupDetail(item.row));
      else if (item.kind === 'Role') answer.RoleDetailList.push(roleDetail(call, item.row));
      else answer.Policies.push(policyDetail(call, item.row));
    }
    return { ...answer, ...page };
  },
});
