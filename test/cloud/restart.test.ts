// The state directory under a whole embedded AWS: what is promised of restarts, resets and second processes.
import assert from 'node:assert/strict';
import { CreateOpenIDConnectProviderCommand, CreateRoleCommand, ListRolesCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { startCloud, type Cloud, type Organization } from '../../src/cloud/index.ts';
import { adminOf, central, control, dev, iamOf, stsOf, trustOf, type Keys } from './support.ts';

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-restart-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function createRole(cloud: Cloud, name: string): Promise<void> {
  const command = new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: trustOf(central) });
  await iamOf(cloud, adminOf(cloud, dev)).send(command);
}

async function roleNames(cloud: Cloud): Promise<(string | undefined)[]> {
  const { Roles } = await iamOf(cloud, adminOf(cloud, dev)).send(new ListRolesCommand({}));
  return Roles!.map(({ RoleName }) => RoleName);
}

async function session(cloud: Cloud, role: string): Promise<Keys> {
  const command = new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${dev}:role/${role}`, RoleSessionName: 'alice' });
  const { Credentials } = await stsOf(cloud, adminOf(cloud, central)).send(command);
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken };
}

test('a restart on the same state has the same roles, sessions, keys and control token', async (context) => {
  const state = scratch(context);
  const first = await startCloud({ state });
  await createRole(first, 'reader');
  const keys = await session(first, 'reader');
  const { credentials } = first;
  await first.stop();
  await using second = await startCloud({ state });
  assert.deepEqual({ ...second.credentials, endpoint: '' }, { ...credentials, endpoint: '' });
  assert.deepEqual(await roleNames(second), ['OrganizationAccountAccessRole', 'reader']);
  const { Arn } = await stsOf(second, keys).send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:sts::${dev}:assumed-role/reader/alice`);
});

test('a token of the test issuer is good after a restart, and so is the provider that takes it', async (context) => {
  const state = scratch(context);
  const first = await startCloud({ state });
  const Url = 'https://issuer.example.com';
  const { OpenIDConnectProviderArn: Federated } = await iamOf(first, adminOf(first, dev)).send(
    new CreateOpenIDConnectProviderCommand({ Url, ClientIDList: ['my-app'] }),
  );
  const statement = { Effect: 'Allow', Principal: { Federated }, Action: 'sts:AssumeRoleWithWebIdentity' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
  await iamOf(first, adminOf(first, dev)).send(new CreateRoleCommand({ RoleName: 'web', AssumeRolePolicyDocument }));
  const { body } = await control(first, 'POST', 'tokens', { issuer: Url, subject: 'alice', audience: 'my-app' });
  await first.stop();
  await using second = await startCloud({ state });
  const { Audience } = await stsOf(second, adminOf(second, dev)).send(
    new AssumeRoleWithWebIdentityCommand({
      RoleArn: `arn:aws:iam::${dev}:role/web`,
      RoleSessionName: 'alice',
      WebIdentityToken: body['token'] as string,
    }),
  );
  assert.equal(Audience, 'my-app');
});

test('a session that had ended on the moved clock is not alive again after a restart', async (context) => {
  const state = scratch(context);
  const first = await startCloud({ state });
  await createRole(first, 'reader');
  const keys = await session(first, 'reader');
  await control(first, 'POST', 'clock', { advance: '2h' });
  await first.stop();
  const second = await startCloud({ state });
  await assert.rejects(stsOf(second, keys).send(new GetCallerIdentityCommand({})), { name: 'ExpiredToken' });
  await control(second, 'POST', 'clock', { freeze: true });
  const { now } = (await control(second, 'GET', 'clock')).body;
  await second.stop();
  await using third = await startCloud({ state });
  assert.deepEqual((await control(third, 'GET', 'clock')).body, { now, frozen: true });
});

test('a reset is kept: after a restart nothing of before is back', async (context) => {
  const state = scratch(context);
  const first = await startCloud({ state });
  await createRole(first, 'reader');
  await control(first, 'POST', 'clock', { advance: '2h' });
  await control(first, 'POST', 'reset');
  await createRole(first, 'after');
  await first.stop();
  await using second = await startCloud({ state });
  assert.deepEqual(await roleNames(second), ['after', 'OrganizationAccountAccessRole']);
  assert.ok(Math.abs(second.clock.now() - Date.now()) < 60_000);
});

test('no secret stands in clear in the state', async (context) => {
  const state = scratch(context);
  const cloud = await startCloud({ state });
  await createRole(cloud, 'reader');
  const keys = await session(cloud, 'reader');
  await cloud.stop();
  const secrets = [keys.secretAccessKey, keys.sessionToken!, cloud.controlToken];
  for (const account of Object.values(cloud.credentials.accounts)) {
    secrets.push(account.secretAccessKey, account.root.secretAccessKey);
  }
  for (const name of readdirSync(state)) {
    const text = readFileSync(join(state, name));
    for (const secret of secrets) assert.ok(!text.includes(secret), name);
  }
});

const failsWith = (code: string) => (error: unknown) => {
  assert.ok(isFailure(error), String(error));
  assert.deepEqual([error.code, (error.hint ?? '').length > 0], [code, true]);
  return true;
};

test('a second embedded AWS on the same state is refused, and the first goes on', async (context) => {
  const state = scratch(context);
  await using first = await startCloud({ state });
  await assert.rejects(startCloud({ state }), failsWith('state-in-use'));
  await createRole(first, 'reader');
});

test('a start that fails gives the state back', async (context) => {
  const state = scratch(context);
  await using other = await startCloud();
  const port = Number(new URL(other.endpoint).port);
  await assert.rejects(startCloud({ state, port }), failsWith('port-in-use'));
  await assert.rejects(startCloud({ state, credentialsFile: '/dev/null/x' }), failsWith('credentials-unwritable'));
  await (await startCloud({ state })).stop();
});

const account = (id: string, name: string) => ({ id, name, stage: name, ou: '', email: `${name}@example.com` });

test('accounts may be added to the organisation of a state; nothing else of it may change', async (context) => {
  const state = scratch(context);
  const organization: Organization = {
    id: 'o-exampleorg1',
    management: central,
    accounts: [account(central, 'central'), account(dev, 'dev')],
    quotas: {},
  };
  const first = await startCloud({ state, organization });
  await createRole(first, 'reader');
  await first.stop();
  const grown = { ...organization, accounts: [...organization.accounts, account('555555555555', 'audit')] };
  const second = await startCloud({ state, organization: grown });
  assert.equal(second.credentials.accounts[dev]!.accessKeyId, first.credentials.accounts[dev]!.accessKeyId);
  await stsOf(second, adminOf(second, '555555555555')).send(new GetCallerIdentityCommand({}));
  await second.stop();
  const bad: Partial<Parameters<typeof startCloud>[0]>[] = [
    { organization },
    { organization: { ...grown, id: 'o-exampleorg2' } },
    { organization: { ...grown, management: dev } },
    { region: 'cn-north-1' },
  ];
  for (const options of bad)
    await assert.rejects(startCloud({ state, ...options }), failsWith('organization-mismatch'));
  await using third = await startCloud({ state });
  assert.equal(Object.keys(third.credentials.accounts).length, 3);
  assert.deepEqual(await roleNames(third), ['OrganizationAccountAccessRole', 'reader']);
});

test('quotas of the organisation hold', async () => {
  const quotas = { RolesPerAccount: 2 };
  const organization: Organization = { id: 'o-exampleorg1', management: dev, accounts: [account(dev, 'dev')], quotas };
  await using cloud = await startCloud({ organization });
  await createRole(cloud, 'first');
  await createRole(cloud, 'second');
  await assert.rejects(createRole(cloud, 'third'), { name: 'LimitExceededException' });
});

test('ARNs are of the partition that the region is in', async () => {
  await using cloud = await startCloud({ region: 'cn-north-1' });
  const { Arn } = await stsOf(cloud, adminOf(cloud, dev)).send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws-cn:iam::${dev}:user/admin`);
});
