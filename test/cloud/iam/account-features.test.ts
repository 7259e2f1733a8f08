import * as Iam from '@aws-sdk/client-iam';
import * as Organizations from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, makeUser, refused } from './clients.ts';

let cloud: Cloud;
before(async () => {
  cloud = await startCloud();
});
after(() => cloud.stop());

const trustIam = () =>
  clientsOf(cloud, central).organizations.send(
    new Organizations.EnableAWSServiceAccessCommand({ ServicePrincipal: 'iam.amazonaws.com' }),
  );

test('central root access is switched by the management account, once the organisation trusts IAM', async () => {
  const { iam } = clientsOf(cloud, central);
  await refused(
    iam.send(new Iam.ListOrganizationsFeaturesCommand({})),
    'ServiceAccessNotEnabled',
    `Trusted Access for IAM not enabled by organization of input account ${central}.`,
  );
  await trustIam();
  const list = async () => {
    const { OrganizationId, EnabledFeatures } = await iam.send(new Iam.ListOrganizationsFeaturesCommand({}));
    assert.equal(OrganizationId, 'o-stintlocal');
    return EnabledFeatures;
  };
  assert.deepEqual(await list(), []);
  await iam.send(new Iam.EnableOrganizationsRootSessionsCommand({}));
  const both = await iam.send(new Iam.EnableOrganizationsRootCredentialsManagementCommand({}));
  assert.deepEqual(both.EnabledFeatures, ['RootSessions', 'RootCredentialsManagement']);
  await iam.send(new Iam.EnableOrganizationsRootSessionsCommand({}));
  await iam.send(new Iam.DisableOrganizationsRootCredentialsManagementCommand({}));
  assert.deepEqual(await list(), ['RootSessions']);
  const off = await iam.send(new Iam.DisableOrganizationsRootSessionsCommand({}));
  assert.deepEqual(off.EnabledFeatures, []);
});

test('a member reads and switches off the features only as delegated administrator of IAM', async () => {
  await trustIam();
  await clientsOf(cloud, central).iam.send(new Iam.EnableOrganizationsRootSessionsCommand({}));
  const member = clientsOf(cloud, dev).iam;
  const list = () => member.send(new Iam.ListOrganizationsFeaturesCommand({}));
  const enable = () => member.send(new Iam.EnableOrganizationsRootSessionsCommand({}));
  const outsider = `Input account ${dev} is neither management account nor delegated admin.`;
  for (const call of [list, enable]) {
    await refused(call(), 'AccountNotManagementOrDelegatedAdministrator', outsider);
  }
  await clientsOf(cloud, central).organizations.send(
    new Organizations.RegisterDelegatedAdministratorCommand({ AccountId: dev, ServicePrincipal: 'iam.amazonaws.com' }),
  );
  assert.deepEqual((await list()).EnabledFeatures, ['RootSessions']);
  await refused(
    enable(),
    'CallerIsNotManagementAccount',
    `Caller account ${dev} is not management account of the organization and cannot enable IAM features.`,
  );
  const off = await member.send(new Iam.DisableOrganizationsRootSessionsCommand({}));
  assert.deepEqual(off.EnabledFeatures, []);
});

test('the features of the organisation need their own permissions', async () => {
  await trustIam();
  const admin = clientsOf(cloud, central);
  const reader = clientsOf(cloud, await makeUser(admin, 'feature-reader', allow('iam:ListOrganizationsFeatures'))).iam;
  await reader.send(new Iam.ListOrganizationsFeaturesCommand({}));
  await refused(reader.send(new Iam.EnableOrganizationsRootSessionsCommand({})), 'AccessDenied', 'on resource: *');
});

test('tokens for services outside AWS are switched on once, with an issuer that stays', async () => {
  const { iam } = clientsOf(cloud, dev);
  const info = () => iam.send(new Iam.GetOutboundWebIdentityFederationInfoCommand({}));
  const disable = () => iam.send(new Iam.DisableOutboundWebIdentityFederationCommand({}));
  const enable = () => iam.send(new Iam.EnableOutboundWebIdentityFederationCommand({}));
  await refused(info(), 'FeatureDisabled');
  await refused(disable(), 'FeatureDisabled');
  const { IssuerIdentifier } = await enable();
  assert.match(IssuerIdentifier!, /^https:\/\/[0-9a-f-]{36}\.tokens\.sts\.global\.api\.aws$/);
  await refused(enable(), 'FeatureEnabled');
  const { $metadata: _, ...shown } = await info();
  assert.deepEqual(shown, { IssuerIdentifier, JwtVendingEnabled: true });
  await disable();
  await refused(info(), 'FeatureDisabled');
  assert.equal((await enable()).IssuerIdentifier, IssuerIdentifier);
});

test('the version of tokens of the global endpoint is of the account and stands in its summary', async () => {
  const versionOf = async (account: string) =>
    (await clientsOf(cloud, account).iam.send(new Iam.GetAccountSummaryCommand({}))).SummaryMap
      ?.GlobalEndpointTokenVersion;
  assert.equal(await versionOf(dev), 1);
  await clientsOf(cloud, dev).iam.send(
    new Iam.SetSecurityTokenServicePreferencesCommand({ GlobalEndpointTokenVersion: 'v2Token' }),
  );
  assert.equal(await versionOf(dev), 2);
  assert.equal(await versionOf(central), 1);
  await refused(
    clientsOf(cloud, dev).iam.send(
      new Iam.SetSecurityTokenServicePreferencesCommand({ GlobalEndpointTokenVersion: 'v3Token' as never }),
    ),
    'ValidationError',
  );
});
