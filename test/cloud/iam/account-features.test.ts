import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, makeUser, refused } from './clients.ts';

let cloud: Cloud;
before(async () => {
  cloud = await startCloud();
});
after(() => cloud.stop());

test('the management account switches central root access on and off; a member cannot even read it', async () => {
  const { iam } = clientsOf(cloud, central);
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
  const member = clientsOf(cloud, dev).iam;
  for (const command of [
    new Iam.ListOrganizationsFeaturesCommand({}),
    new Iam.EnableOrganizationsRootSessionsCommand({}),
  ]) {
    await refused(member.send(command as never), 'AccountNotManagementOrDelegatedAdministrator');
  }
});

test('the features of the organisation need their own permissions', async () => {
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
