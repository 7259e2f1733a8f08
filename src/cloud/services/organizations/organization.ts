// The organisation itself: read, founded again, ended; its root and the types of policy switched on in it.
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { needMember } from './accounts.ts';
import { forgetType } from './attachments.ts';
import { constraintViolation, handshakeViolation, invalidInput, organizationsFailure } from './failures.ts';
import { isEnabled } from './in-force.ts';
import { accountRows, policyTypes, type PolicyType } from './model.ts';
import { dissolve } from './dissolve.ts';
import { permission, permissionOnNode } from './permissions.ts';
import { factsOf, offeredTypes } from './policy-types.ts';
import { memberOf, nodeById, organizationArn, organizationExists, placeAccount, rootIdOf } from './tree.ts';

function rootShape(call: Call): Sdk.Root {
  const root = nodeById(call.world, rootIdOf(call.world))!;
  const enabled = offeredTypes.filter((type) => isEnabled(call.world, type));
  return {
    Id: root.id,
    Arn: root.arn,
    Name: root.name,
    PolicyTypes: enabled.map((Type) => ({ Type, Status: 'ENABLED' })),
  };
}

function organizationShape({ world }: Call): Sdk.Organization {
  const management = world.managementAccount;
  return {
    Id: world.organizationId,
    Arn: organizationArn(world, 'organization'),
    FeatureSet: 'ALL',
    MasterAccountId: management,
    MasterAccountArn: organizationArn(world, 'account', `/${management}`),
    MasterAccountEmail: world.account(management)?.email,
    // AWS fills only this one and says not to use it: ListRoots has the types.
    AvailablePolicyTypes: [{ Type: 'SERVICE_CONTROL_POLICY', Status: 'ENABLED' }],
  };
}

const describeOrganization = operation<object, Sdk.DescribeOrganizationResponse>({
  permissions: () => [permission('DescribeOrganization')],
  handle: (_input, call) => ({ Organization: organizationShape(call) }),
});

const createOrganization = operation<Parsed<Sdk.CreateOrganizationRequest>, Sdk.CreateOrganizationResponse>({
  depth: 'There is one organisation; its management account may found it again, with the same id.',
  permissions: () => [permission('CreateOrganization')],
  handle: (input, call) => {
    const { world } = call;
    if (memberOf(world, call.account) !== undefined) throw organizationsFailure('AlreadyInOrganizationException');
    if (input.FeatureSet === 'CONSOLIDATED_BILLING') {
      throw constraintViolation(
        'To create an organization in the specified region, you must enable all features mode.',
        'CREATE_ORGANIZATION_IN_BILLING_MODE_UNSUPPORTED_REGION',
      );
    }
    if (call.account !== world.managementAccount) {
      throw constraintViolation(
        "Your account setup isn't complete or your account isn't fully active. You must complete the account setup before you create an organization.",
        'ACCOUNT_CREATION_NOT_COMPLETE',
      );
    }
    const row = world.table(accountRows).get('', call.account)!;
    placeAccount(world, row, { method: 'INVITED', at: call.clock.now(), parent: rootIdOf(world) });
    return { Organization: organizationShape(call) };
  },
});

const deleteOrganization = operation<object, void>({
  permissions: () => [permission('DeleteOrganization')],
  handle: (_input, call) => {
    for (const [id, row] of call.world.table(accountRows).list('')) {
      if (row.member !== undefined && id !== call.world.managementAccount) {
        throw organizationsFailure('OrganizationNotEmptyException');
      }
    }
    dissolve(call);
    placeAccount(call.world, needMember(call, call.world.managementAccount), undefined);
  },
});

const enableAllFeatures = operation<object, Sdk.EnableAllFeaturesResponse>({
  permissions: () => [permission('EnableAllFeatures')],
  handle: () => {
    throw handshakeViolation(
      'The handshake request is invalid because the organization has already enabled all features.',
      'ORGANIZATION_ALREADY_HAS_ALL_FEATURES',
    );
  },
});

const listRoots = operation<Parsed<Sdk.ListRootsRequest>, Sdk.ListRootsResponse>({
  permissions: () => [permission('ListRoots')],
  handle: (input, call) => {
    if (input.NextToken !== undefined) throw invalidInput('You provided an invalid NextToken.', 'INVALID_NEXT_TOKEN');
    return { Roots: organizationExists(call.world) ? [rootShape(call)] : [] };
  },
});

/** @throws RootNotFoundException, PolicyTypeNotAvailableForOrganizationException */
function checkSwitch(call: Call, rootId: string, type: string): PolicyType {
  if (nodeById(call.world, rootId)?.kind !== 'ROOT') throw organizationsFailure('RootNotFoundException');
  if (factsOf(type) === undefined) throw organizationsFailure('PolicyTypeNotAvailableForOrganizationException');
  return type as PolicyType;
}

const enablePolicyType = operation<Parsed<Sdk.EnablePolicyTypeRequest>, Sdk.EnablePolicyTypeResponse>({
  permissions: (input, call) => [
    permissionOnNode(call, 'EnablePolicyType', input.RootId, { 'organizations:PolicyType': input.PolicyType }),
  ],
  handle: (input, call) => {
    const type = checkSwitch(call, input.RootId, input.PolicyType);
    if (isEnabled(call.world, type)) throw organizationsFailure('PolicyTypeAlreadyEnabledException');
    call.world.table(policyTypes).put('', type, { enabled: true });
    return { Root: rootShape(call) };
  },
});

const disablePolicyType = operation<Parsed<Sdk.DisablePolicyTypeRequest>, Sdk.DisablePolicyTypeResponse>({
  permissions: (input, call) => [
    permissionOnNode(call, 'DisablePolicyType', input.RootId, { 'organizations:PolicyType': input.PolicyType }),
  ],
  handle: (input, call) => {
    const type = checkSwitch(call, input.RootId, input.PolicyType);
    if (!isEnabled(call.world, type)) throw organizationsFailure('PolicyTypeNotEnabledException');
    call.world.table(policyTypes).put('', type, { enabled: false });
    // AWS forgets what was attached.
    forgetType(call, type);
    return { Root: rootShape(call) };
  },
});

export const organizationOperations = {
  DescribeOrganization: describeOrganization,
  CreateOrganization: createOrganization,
  DeleteOrganization: deleteOrganization,
  EnableAllFeatures: enableAllFeatures,
  ListRoots: listRoots,
  EnablePolicyType: enablePolicyType,
  DisablePolicyType: disablePolicyType,
};
