// What member accounts may do in the organisation: nothing, as delegated administrators, by the delegation policy.
import * as Org from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, document, makeUser, refused } from '../iam/clients.ts';

let cloud: Cloud;
let organizations: Org.OrganizationsClient;
before(async () => {
  cloud = await startCloud();
  organizations = clientsOf(cloud, central).organizations;
});
after(() => cloud.stop());

const service = 'config.amazonaws.com';
const scp = 'SERVICE_CONTROL_POLICY';

function register(AccountId: string, ServicePrincipal = service): Promise<unknown> {
  return organizations.send(new Org.RegisterDelegatedAdministratorCommand({ AccountId, ServicePrincipal }));
}

test('a delegated administrator reads the organisation, and changes nothing', async () => {
  const member = clientsOf(cloud, dev).organizations;
  await refused(member.send(new Org.ListAccountsCommand({})), 'AccessDenied', "You don't have permissions to access");
  await refused(register(dev), 'ConstraintViolation', 'You must enable service access before you delegate');
  await organizations.send(new Org.EnableAWSServiceAccessCommand({ ServicePrincipal: service }));
  await refused(register(central), 'ConstraintViolation');
  await refused(register('999999999999'), 'AccountNotFound');
  await register(dev);
  await refused(register(dev), 'AccountAlreadyRegistered');
  const { Accounts } = await member.send(new Org.ListAccountsCommand({}));
  assert.equal(Accounts?.length, 4);
  const unit = new Org.CreateOrganizationalUnitCommand({ ParentId: 'r-zzzz', Name: 'x' });
  await refused(member.send(unit), 'AccessDenied', "You don't have permissions to access");
  const { DelegatedAdministrators } = await organizations.send(new Org.ListDelegatedAdministratorsCommand({}));
  assert.deepEqual(
    DelegatedAdministrators?.map((admin) => [admin.Id, admin.Name]),
    [[dev, 'dev']],
  );
  const { DelegatedServices } = await organizations.send(
    new Org.ListDelegatedServicesForAccountCommand({ AccountId: dev }),
  );
  assert.deepEqual(
    DelegatedServices?.map((row) => row.ServicePrincipal),
    [service],
  );
  await refused(
    organizations.send(new Org.RemoveAccountFromOrganizationCommand({ AccountId: dev })),
    'ConstraintViolation',
    'delegated administrator',
  );
  const gone = new Org.DeregisterDelegatedAdministratorCommand({ AccountId: dev, ServicePrincipal: service });
  await organizations.send(gone);
  await refused(organizations.send(gone), 'AccountNotRegistered');
  await refused(member.send(new Org.ListAccountsCommand({})), 'AccessDenied');
});

test('services are given access, listed, and lose it', async () => {
  const ServicePrincipal = 'ram.amazonaws.com';
  await organizations.send(new Org.EnableAWSServiceAccessCommand({ ServicePrincipal }));
  const list = () => organizations.send(new Org.ListAWSServiceAccessForOrganizationCommand({}));
  const names = async () => (await list()).EnabledServicePrincipals!.map((row) => row.ServicePrincipal);
  assert.ok((await names()).includes(ServicePrincipal));
  await organizations.send(new Org.DisableAWSServiceAccessCommand({ ServicePrincipal }));
  assert.ok(!(await names()).includes(ServicePrincipal));
  await refused(
    organizations.send(new Org.EnableAWSServiceAccessCommand({ ServicePrincipal: 'nothing' })),
    'InvalidInput',
    'service principal',
  );
});

test('the delegation policy gives a member what it says, to principals whose own policies allow it too', async () => {
  const member = clientsOf(cloud, dev);
  const create = (client: Org.OrganizationsClient, Name: string, Type: Org.PolicyType = scp) => {
    const Content =
      Type === scp
        ? document({ Effect: 'Deny', Action: 'iam:CreateUser', Resource: '*' })
        : JSON.stringify({ tags: { env: { tag_key: { '@@assign': 'Env' } } } });
    return client.send(new Org.CreatePolicyCommand({ Name, Description: '', Type, Content }));
  };
  const described = new Org.DescribeResourcePolicyCommand({});
  await refused(organizations.send(described), 'ResourcePolicyNotFound');
  const Content = document({
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${dev}:root` },
    Action: ['organizations:CreatePolicy', 'organizations:ListPolicies'],
    Resource: '*',
    Condition: { StringEquals: { 'organizations:PolicyType': scp } },
  });
  const put = await organizations.send(new Org.PutResourcePolicyCommand({ Content }));
  assert.match(
    put.ResourcePolicy!.ResourcePolicySummary!.Arn!,
    /^arn:aws:organizations::111111111111:resourcepolicy\/o-stintlocal\/rp-[a-z0-9]{8}$/,
  );
  assert.equal((await organizations.send(described)).ResourcePolicy?.Content, Content);
  await create(member.organizations, 'delegated');
  await refused(create(member.organizations, 'tags', 'TAG_POLICY'), 'AccessDenied', "You don't have permissions");
  await refused(create(clientsOf(cloud, '333333333333').organizations, 'other'), 'AccessDenied');
  const reader = clientsOf(cloud, await makeUser(member, 'reader', allow('organizations:ListPolicies')));
  await refused(create(reader.organizations, 'own'), 'AccessDenied', 'because no identity-based policy allows');
  await reader.organizations.send(new Org.ListPoliciesCommand({ Filter: scp }));
  await organizations.send(new Org.DeleteResourcePolicyCommand({}));
  await refused(create(member.organizations, 'late'), 'AccessDenied');
  await refused(
    organizations.send(new Org.PutResourcePolicyCommand({ Content: document({ ...allow('iam:*'), Principal: '*' }) })),
    'InvalidInput',
  );
  await refused(organizations.send(new Org.PutResourcePolicyCommand({ Content: 'x' })), 'InvalidInput');
});
