// Central root access of an organisation: which of its two features are switched on, and by whom they may be.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-user.html#id_root-user-access-management
import type * as Sdk from '@aws-sdk/client-iam';
import { operation, type Call, type Operation } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName, type World } from '../../world.ts';
import { delegations, serviceAccess } from '../organizations/delegation-rows.ts';
import { pairId } from '../organizations/model.ts';
import { memberOf } from '../organizations/tree.ts';
import { permissionOnAll } from './entities.ts';

export type OrganizationsFeature = 'RootCredentialsManagement' | 'RootSessions';

/** Account `''`; id: the organisation's. */
const features = tableName<{ readonly enabled: readonly OrganizationsFeature[] }>('iam.organizations-features');

/** The features in force; `sts:AssumeRoot` needs `RootSessions`. */
export function organizationsFeatures(world: World): readonly OrganizationsFeature[] {
  return world.table(features).get('', world.organizationId)?.enabled ?? [];
}

interface FeaturesAnswer {
  readonly OrganizationId: string;
  readonly EnabledFeatures: OrganizationsFeature[];
}

const servicePrincipal = 'iam.amazonaws.com';

/** True for the management account and for a member that administers IAM for the organisation. */
export function mayReachMembers(world: World, account: string): boolean {
  if (account === world.managementAccount) return true;
  return world.table(delegations).get('', pairId(account, servicePrincipal)) !== undefined;
}

/**
 * @throws OrganizationNotFoundException, AccountNotManagementOrDelegatedAdministratorException,
 * ServiceAccessNotEnabledException
 */
function checkCaller({ account, world }: Call): void {
  if (memberOf(world, account) === undefined) {
    throw awsFailure('OrganizationNotFoundException', `Account ${account} is not part of an organization.`);
  }
  if (!mayReachMembers(world, account)) {
    throw awsFailure(
      'AccountNotManagementOrDelegatedAdministratorException',
      `Input account ${account} is neither management account nor delegated admin.`,
    );
  }
  if (world.table(serviceAccess).get('', servicePrincipal) === undefined) {
    throw awsFailure(
      'ServiceAccessNotEnabledException',
      `Trusted Access for IAM not enabled by organization of input account ${account}.`,
    );
  }
}

/** Only the management account switches on; a delegated administrator may switch off. @throws CallerIsNotManagementAccountException */
function checkMayEnable({ account, world }: Call): void {
  if (account === world.managementAccount) return;
  throw awsFailure(
    'CallerIsNotManagementAccountException',
    `Caller account ${account} is not management account of the organization and cannot enable IAM features.`,
  );
}

function featuresAnswer(world: World): FeaturesAnswer {
  return { OrganizationId: world.organizationId, EnabledFeatures: [...organizationsFeatures(world)] };
}

/** Saves the features in the order in which AWS names them. */
function setFeature(world: World, feature: OrganizationsFeature, on: boolean): void {
  const known = organizationsFeatures(world);
  const all: readonly OrganizationsFeature[] = ['RootSessions', 'RootCredentialsManagement'];
  const enabled = all.filter((one) => (one === feature ? on : known.includes(one)));
  world.table(features).put('', world.organizationId, { enabled });
}

function change(action: string, feature: OrganizationsFeature, on: boolean): Operation {
  return operation<object, FeaturesAnswer>({
    permissions: () => [permissionOnAll(action)],
    handle: (_input, call) => {
      checkCaller(call);
      if (on) checkMayEnable(call);
      setFeature(call.world, feature, on);
      return featuresAnswer(call.world);
    },
  });
}

const listOrganizationsFeatures = operation<object, Sdk.ListOrganizationsFeaturesResponse>({
  permissions: () => [permissionOnAll('ListOrganizationsFeatures')],
  handle: (_input, call) => {
    checkCaller(call);
    return featuresAnswer(call.world);
  },
});

export const organizationsFeatureOperations = {
  ListOrganizationsFeatures: listOrganizationsFeatures,
  EnableOrganizationsRootCredentialsManagement: change(
    'EnableOrganizationsRootCredentialsManagement',
    'RootCredentialsManagement',
    true,
  ),
  DisableOrganizationsRootCredentialsManagement: change(
    'DisableOrganizationsRootCredentialsManagement',
    'RootCredentialsManagement',
    false,
  ),
  EnableOrganizationsRootSessions: change('EnableOrganizationsRootSessions', 'RootSessions', true),
  DisableOrganizationsRootSessions: change('DisableOrganizationsRootSessions', 'RootSessions', false),
};
