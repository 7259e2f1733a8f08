// Trusted access of AWS services, and the member accounts that administer them.
// https://docs.aws.amazon.com/organizations/latest/userguide/orgs_integrate_delegated_admin.html
import type * as Sdk from '@aws-sdk/client-organizations';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import { accountShape, needMember } from './accounts.ts';
import { delegatedServices, delegations, serviceAccess } from './delegation-rows.ts';
import { constraintViolation, invalidInput, organizationsFailure } from './failures.ts';
import { pairId } from './model.ts';
import { pageOf } from './page.ts';
import { permission, permissionOnNode } from './permissions.ts';

/** `ServicePrincipal` of the input as a condition key. */
function serviceKey(service: string | undefined) {
  return { 'organizations:ServicePrincipal': service };
}

/** @throws InvalidInputException */
function checkService(service: string): void {
  if (!/^[a-z0-9][a-z0-9.-]*\.amazonaws\.com(?:\.cn)?$/.test(service)) {
    throw invalidInput('You specified an unrecognized service principal.', 'UNRECOGNIZED_SERVICE_PRINCIPAL');
  }
}

const anyService = 'Any name of the form of a service principal is taken.';

const enableAwsServiceAccess = operation<Parsed<Sdk.EnableAWSServiceAccessRequest>, void>({
  depth: anyService,
  permissions: (input) => [permission('EnableAWSServiceAccess', '*', serviceKey(input.ServicePrincipal))],
  handle: (input, call) => {
    checkService(input.ServicePrincipal);
    const table = call.world.table(serviceAccess);
    if (table.get('', input.ServicePrincipal) === undefined) {
      table.put('', input.ServicePrincipal, { at: call.clock.now() });
    }
  },
});

const disableAwsServiceAccess = operation<Parsed<Sdk.DisableAWSServiceAccessRequest>, void>({
  depth: anyService,
  permissions: (input) => [permission('DisableAWSServiceAccess', '*', serviceKey(input.ServicePrincipal))],
  handle: (input, call) => {
    checkService(input.ServicePrincipal);
    call.world.table(serviceAccess).delete('', input.ServicePrincipal);
  },
});

const listAwsServiceAccess = operation<
  Parsed<Sdk.ListAWSServiceAccessForOrganizationRequest>,
  Sdk.ListAWSServiceAccessForOrganizationResponse
>({
  permissions: () => [permission('ListAWSServiceAccessForOrganization')],
  handle: (input, call) => {
    const rows = function* (after: string | undefined) {
      for (const [name, { at }] of call.world.table(serviceAccess).list('', after)) {
        yield [name, { ServicePrincipal: name, DateEnabled: new Date(at) }] as const;
      }
    };
    const { items, ...page } = pageOf(rows, input);
    return { EnabledServicePrincipals: items, ...page };
  },
});

const registerDelegatedAdministrator = operation<Parsed<Sdk.RegisterDelegatedAdministratorRequest>, void>({
  depth: anyService,
  permissions: (input, call) => [
    permissionOnNode(call, 'RegisterDelegatedAdministrator', input.AccountId, serviceKey(input.ServicePrincipal)),
  ],
  handle: (input, call) => {
    const { AccountId: account, ServicePrincipal: service } = input;
    checkService(service);
    const { state } = needMember(call, account);
    if (account === call.world.managementAccount) {
      throw constraintViolation(
        'You cannot register master account/yourself as delegated administrator for your organization.',
        'CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR',
      );
    }
    if (state !== 'ACTIVE') {
      throw constraintViolation(
        'You cannot register a suspended account as a delegated administrator.',
        'CANNOT_REGISTER_SUSPENDED_ACCOUNT_AS_DELEGATED_ADMINISTRATOR',
      );
    }
    if (call.world.table(serviceAccess).get('', service) === undefined) {
      throw constraintViolation(
        'You must enable service access before you delegate an administrator for this service. Call the AWS API EnableAWSServiceAccess first.',
        'SERVICE_ACCESS_NOT_ENABLED',
      );
    }
    const table = call.world.table(delegations);
    if (table.get('', pairId(account, service)) !== undefined) {
      throw organizationsFailure('AccountAlreadyRegisteredException');
    }
    table.put('', pairId(account, service), { at: call.clock.now() });
  },
});

const deregisterDelegatedAdministrator = operation<Parsed<Sdk.DeregisterDelegatedAdministratorRequest>, void>({
  permissions: (input, call) => [
    permissionOnNode(call, 'DeregisterDelegatedAdministrator', input.AccountId, serviceKey(input.ServicePrincipal)),
  ],
  handle: (input, call) => {
    checkService(input.ServicePrincipal);
    needMember(call, input.AccountId);
    const table = call.world.table(delegations);
    const id = pairId(input.AccountId, input.ServicePrincipal);
    if (table.get('', id) === undefined) throw organizationsFailure('AccountNotRegisteredException');
    table.delete('', id);
  },
});

/** Accounts that administer `service`, or any service, each with the time it began. */
function* administratorsAfter(
  call: Call,
  service: string | undefined,
  after = '',
): Generator<readonly [string, Sdk.DelegatedAdministrator]> {
  let last = '';
  for (const [key, { at }] of call.world.table(delegations).list('')) {
    const [account = '', name] = key.split(' ');
    if (account <= after || account === last || (service !== undefined && name !== service)) continue;
    last = account;
    const { Paths: _, ...shape } = accountShape(call, needMember(call, account));
    yield [account, { ...shape, DelegationEnabledDate: new Date(at) }];
  }
}

const listDelegatedAdministrators = operation<
  Parsed<Sdk.ListDelegatedAdministratorsRequest>,
  Sdk.ListDelegatedAdministratorsResponse
>({
  permissions: (input) => [permission('ListDelegatedAdministrators', '*', serviceKey(input.ServicePrincipal))],
  handle: (input, call) => {
    if (input.ServicePrincipal !== undefined) checkService(input.ServicePrincipal);
    const { items, ...page } = pageOf((after) => administratorsAfter(call, input.ServicePrincipal, after), input);
    return { DelegatedAdministrators: items, ...page };
  },
});

const listDelegatedServicesForAccount = operation<
  Parsed<Sdk.ListDelegatedServicesForAccountRequest>,
  Sdk.ListDelegatedServicesForAccountResponse
>({
  permissions: (input, call) => [permissionOnNode(call, 'ListDelegatedServicesForAccount', input.AccountId)],
  handle: (input, call) => {
    needMember(call, input.AccountId);
    const rows = (after: string | undefined) => delegatedServices(call.world, input.AccountId, after);
    const { items, ...page } = pageOf(function* (after) {
      for (const [name, at] of rows(after)) {
        yield [name, { ServicePrincipal: name, DelegationEnabledDate: new Date(at) }] as const;
      }
    }, input);
    if (items.length === 0 && input.NextToken === undefined) {
      throw organizationsFailure('AccountNotRegisteredException');
    }
    return { DelegatedServices: items, ...page };
  },
});

export const delegationOperations = {
  EnableAWSServiceAccess: enableAwsServiceAccess,
  DisableAWSServiceAccess: disableAwsServiceAccess,
  ListAWSServiceAccessForOrganization: listAwsServiceAccess,
  RegisterDelegatedAdministrator: registerDelegatedAdministrator,
  DeregisterDelegatedAdministrator: deregisterDelegatedAdministrator,
  ListDelegatedAdministrators: listDelegatedAdministrators,
  ListDelegatedServicesForAccount: listDelegatedServicesForAccount,
};
