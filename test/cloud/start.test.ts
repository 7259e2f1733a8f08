import assert from 'node:assert/strict';
import { IAMClient, CreateRoleCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { test } from 'node:test';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';

const central = '111111111111';
const dev = '222222222222';

function options(cloud: Cloud, keys: { accessKeyId?: string; secretAccessKey?: string; sessionToken?: string }) {
  const { accessKeyId = '', secretAccessKey = '', sessionToken } = keys;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  return { endpoint: cloud.endpoint, region: 'us-east-1', maxAttempts: 1, credentials };
}

/** The keys of a session in the role `name` of dev, which trusts central. */
async function devSession(cloud: Cloud, name: string) {
  const admin = cloud.credentials.accounts[dev]!;
  const trust = {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: { AWS: central }, Action: 'sts:AssumeRole' },
  };
  const iam = new IAMClient(options(cloud, admin));
  await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument: JSON.stringify(trust) }));
  const sts = new STSClient(options(cloud, cloud.credentials.accounts[central]!));
  const RoleArn = `arn:aws:iam::${dev}:role/${name}`;
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice' }));
  const { AccessKeyId, SecretAccessKey, SessionToken } = Credentials!;
  return { accessKeyId: AccessKeyId!, secretAccessKey: SecretAccessKey!, sessionToken: SessionToken! };
}

test('a role of another account is assumed, and does no more than its policies allow', async () => {
  await using cloud = await startCloud();
  const session = options(cloud, await devSession(cloud, 'reader'));
  const { Arn } = await new STSClient(session).send(new GetCallerIdentityCommand({}));
  assert.equal(Arn, `arn:aws:sts::${dev}:assumed-role/reader/alice`);
  await assert.rejects(new IAMClient(session).send(new ListUsersCommand({})), {
    name: 'AccessDenied',
    message:
      `User: arn:aws:sts::${dev}:assumed-role/reader/alice is not authorized to perform: iam:ListUsers ` +
      `on resource: arn:aws:iam::${dev}:user/ because no identity-based policy allows the iam:ListUsers action`,
  });
});

test('a session ends on the emulated clock', async () => {
  await using cloud = await startCloud();
  cloud.clock.freeze(true);
  const sts = new STSClient(options(cloud, await devSession(cloud, 'reader')));
  cloud.clock.advance(3_599_000);
  await sts.send(new GetCallerIdentityCommand({}));
  cloud.clock.advance(1000);
  await assert.rejects(sts.send(new GetCallerIdentityCommand({})), { name: 'ExpiredToken' });
});

test('every account of the default organisation has an admin user and a root user', async () => {
  await using cloud = await startCloud();
  for (const [id, { arn, root, ...admin }] of Object.entries(cloud.credentials.accounts)) {
    const asAdmin = await new STSClient(options(cloud, admin)).send(new GetCallerIdentityCommand({}));
    assert.deepEqual([asAdmin.Account, asAdmin.Arn], [id, arn]);
    const asRoot = await new STSClient(options(cloud, root)).send(new GetCallerIdentityCommand({}));
    assert.deepEqual([asRoot.Account, asRoot.Arn, asRoot.UserId], [id, `arn:aws:iam::${id}:root`, id]);
  }
});

test('a client and an environment for an account come by its name or id, as admin or root', async () => {
  await using cloud = await startCloud();
  const arnOf = async (account: string, root?: boolean) =>
    (await new STSClient(cloud.clientConfig(account, { root })).send(new GetCallerIdentityCommand({}))).Arn;
  assert.deepEqual(
    [await arnOf('dev'), await arnOf(dev), await arnOf('dev', true)],
    [`arn:aws:iam::${dev}:user/admin`, `arn:aws:iam::${dev}:user/admin`, `arn:aws:iam::${dev}:root`],
  );
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[dev]!;
  assert.deepEqual(cloud.env('dev'), {
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
  });
  assert.throws(() => cloud.clientConfig('dov'), { code: 'unknown-account', hint: 'did you mean `dev`?' });
});

test('it ends with the test that asked for it', async (context) => {
  let endpoint = '';
  await context.test('the test', async (inner) => {
    ({ endpoint } = await startCloud({ after: (stop) => inner.after(stop) }));
    assert.equal((await fetch(`${endpoint}/_stint/health`)).status, 200);
  });
  await assert.rejects(fetch(`${endpoint}/_stint/health`));
});
