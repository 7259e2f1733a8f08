import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { EC2Client, RunInstancesCommand, StopInstancesCommand } from '@aws-sdk/client-ec2';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { authOf, awsAuth, told, userArn } from './aws-auth-mount.ts';
import { account } from './aws-support.ts';
import { signedIdentity } from './signed-identity.ts';
import type { Reply } from './support.ts';

describe('the auth method aws', () => {
  test('a user proves who she is by a signed request', async (t) => {
    const { cloud, role, login, user, broker } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    assert.equal((await role('Dev', { bound_iam_principal_arn: userArn, token_policies: 'dev' })).status, 204);
    const auth = authOf(await login({ role: 'dev', ...signedIdentity({ keys, url: `${cloud.endpoint}/` }) }));
    assert.deepEqual(auth['token_policies'], ['default', 'dev']);
    const { role_id: roleId, ...metadata } = auth['metadata'] as Record<string, string>;
    assert.match(roleId!, /^[0-9a-f-]{36}$/);
    assert.deepEqual(metadata, { account_id: account, auth_type: 'iam' });
    const self = await broker.call('GET', '/v1/auth/token/lookup-self', { token: String(auth['client_token']) });
    assert.equal(self.body.data['display_name'], 'aws-ann');
  });

  test('the name of the principal is the role when none is named, and headers may come in base64', async (t) => {
    const { cloud, role, login, user } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('ann', { bound_iam_principal_arn: [userArn] });
    const body = signedIdentity({ keys, url: 'https://sts.amazonaws.com/' });
    const headers = Buffer.from(JSON.stringify(body.iam_request_headers)).toString('base64');
    authOf(await login({ ...body, iam_request_headers: headers }));
    const lists = Object.entries(body.iam_request_headers).map(([name, value]) => [name, [value]]);
    authOf(await login({ ...body, iam_request_headers: Object.fromEntries(lists) as unknown }));
    assert.ok(cloud.endpoint);
  });

  test('a session of a role logs in by its role, and a pattern stands for what begins so', async (t) => {
    const { cloud, admin, role, login } = await awsAuth((end) => t.after(end));
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
    };
    await admin.send(
      new CreateRoleCommand({ RoleName: 'web', Path: '/apps/', AssumeRolePolicyDocument: JSON.stringify(trust) }),
    );
    const sts = new STSClient({
      endpoint: cloud.endpoint,
      region: 'us-east-1',
      credentials: cloud.credentials.accounts[account]!,
    });
    t.after(() => sts.destroy());
    const { Credentials: made } = await sts.send(
      new AssumeRoleCommand({ RoleArn: `arn:aws:iam::${account}:role/apps/web`, RoleSessionName: 'one' }),
    );
    const keys = {
      accessKeyId: made!.AccessKeyId!,
      secretAccessKey: made!.SecretAccessKey!,
      sessionToken: made!.SessionToken!,
    };
    const arn = (pattern: string): string => `arn:aws:iam::${account}:role/${pattern}`;
    const url = `${cloud.endpoint}/`;
    for (const [bound, resolve, status] of [
      [arn('apps/web'), true, 200],
      [arn('apps/*'), true, 200],
      [arn('other/*'), true, 400],
      [arn('web'), false, 200],
      [arn('apps/web'), false, 400],
      [`arn:aws:iam::${account}:*`, true, 200],
    ] as const) {
      await role(`r${bound.length}${String(resolve)}`, {
        bound_iam_principal_arn: bound,
        resolve_aws_unique_ids: resolve,
      });
      const reply = await login({ role: `r${bound.length}${String(resolve)}`, ...signedIdentity({ keys, url }) });
      assert.equal(reply.status, status, `${bound} ${String(resolve)}`);
    }
  });

  test('a user that is deleted and made again under the same name is somebody else', async (t) => {
    const { cloud, admin, role, login, user } = await awsAuth((end) => t.after(end));
    const first = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    authOf(await login({ role: 'dev', ...signedIdentity({ keys: first, url: `${cloud.endpoint}/` }) }));
    await admin.send(new DeleteAccessKeyCommand({ UserName: 'ann', AccessKeyId: first.accessKeyId }));
    await admin.send(new DeleteUserCommand({ UserName: 'ann' }));
    const keys = await user('ann');
    assert.deepEqual(told(await login({ role: 'dev', ...signedIdentity({ keys, url: `${cloud.endpoint}/` }) })), [
      400,
      `IAM Principal "${userArn}" does not belong to the role "dev"`,
    ]);
  });

  test('somebody of the same name in another account is somebody else', async (t) => {
    const { cloud, as, role, login, user, broker } = await awsAuth((end) => t.after(end));
    await user('ann');
    const other = '333333333333';
    const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[other]!;
    const there = as(accessKeyId, secretAccessKey);
    await there.send(new CreateUserCommand({ UserName: 'ann', Path: '/people/' }));
    const { AccessKey: key } = await there.send(new CreateAccessKeyCommand({ UserName: 'ann' }));
    const keys = { accessKeyId: key!.AccessKeyId!, secretAccessKey: key!.SecretAccessKey! };
    const body = { role: 'dev', ...signedIdentity({ keys, url: `${cloud.endpoint}/` }) };
    const wrongAccount = `unable to fetch client for account ID "${other}" -- default client is for account "${account}"`;
    await role('dev', { bound_iam_principal_arn: `arn:aws:iam::${account}:user/people/*` });
    assert.match(String(told(await login(body))[1]), new RegExp(wrongAccount));
    const theirs = { bound_iam_principal_arn: `arn:aws:iam::${other}:user/people/ann` };
    assert.match(String(told(await role('theirs', theirs))[1]), new RegExp(`${wrongAccount}$`));
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' }],
    };
    await there.send(new CreateRoleCommand({ RoleName: 'look', AssumeRolePolicyDocument: JSON.stringify(trust) }));
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iam:Get*', Resource: '*' }],
    });
    await there.send(new PutRolePolicyCommand({ RoleName: 'look', PolicyName: 'look', PolicyDocument }));
    const sts = { sts_role: `arn:aws:iam::${other}:role/look` };
    await broker.call('POST', `/v1/auth/aws/config/sts/${other}`, { body: sts });
    assert.equal((await role('theirs', theirs)).status, 204);
    authOf(await login({ ...body, role: 'theirs' }));
    assert.deepEqual(told(await login(body)), [
      400,
      `IAM Principal "arn:aws:iam::${other}:user/people/ann" does not belong to the role "dev"`,
    ]);
  });

  test('a role may ask that the caller is an instance that runs', async (t) => {
    const { cloud, admin, role, login, config } = await awsAuth((end) => t.after(end));
    const { endpoint } = cloud;
    const trust = {
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${account}:root` }, Action: 'sts:AssumeRole' }],
    };
    await admin.send(new CreateRoleCommand({ RoleName: 'web', AssumeRolePolicyDocument: JSON.stringify(trust) }));
    const settings = { endpoint, region: 'us-east-1', credentials: cloud.credentials.accounts[account]! };
    const [ec2, sts] = [new EC2Client(settings), new STSClient(settings)];
    t.after(() => [ec2, sts].forEach((client) => client.destroy()));
    const { Instances: [instance] = [] } = await ec2.send(
      new RunInstancesCommand({ ImageId: 'ami-0123456789abcdef0', MinCount: 1, MaxCount: 1, InstanceType: 't3.micro' }),
    );
    await config({ endpoint });
    const roleArn = `arn:aws:iam::${account}:role/web`;
    const inferred = {
      bound_iam_principal_arn: roleArn,
      inferred_entity_type: 'ec2_instance',
      inferred_aws_region: 'us-east-1',
    };
    await role('any', inferred);
    await role('image', { ...inferred, bound_ami_id: instance!.ImageId });
    await role('other', { ...inferred, bound_ami_id: 'ami-00000000' });
    const theirs = { ...settings, credentials: cloud.credentials.accounts['333333333333']! };
    const elsewhere = { iam: new IAMClient(theirs), sts: new STSClient(theirs) };
    t.after(() => [elsewhere.iam, elsewhere.sts].forEach((client) => client.destroy()));
    await elsewhere.iam.send(
      new CreateRoleCommand({
        RoleName: 'web',
        AssumeRolePolicyDocument: JSON.stringify(trust).replaceAll(account, '333333333333'),
      }),
    );
    const as = async (RoleSessionName: string, name: string, of = account): Promise<Reply> => {
      const client = of === account ? sts : elsewhere.sts;
      const RoleArn = roleArn.replace(account, of);
      const { Credentials: made } = await client.send(new AssumeRoleCommand({ RoleArn, RoleSessionName }));
      const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = made!;
      const keys = { accessKeyId: accessKeyId!, secretAccessKey: secretAccessKey!, sessionToken: sessionToken! };
      return login({ role: name, ...signedIdentity({ keys, url: `${endpoint}/` }) });
    };
    const id = instance!.InstanceId!;
    authOf(await as(id, 'any'));
    authOf(await as(id, 'image'));
    assert.deepEqual(told(await as(id, 'other')), [
      400,
      `error validating instance: AMI ID "${instance!.ImageId!}" does not belong to role "other"`,
    ]);
    assert.match(
      String(told(await as('i-0123456789abcdef0', 'any'))[1]),
      /^failed to verify i-0123456789abcdef0 as a valid EC2 instance in region us-east-1: InvalidInstanceID/,
    );
    assert.match(String(told(await as('me', 'any'))[1]), /^failed to verify me as a valid EC2 instance/);
    await role('loose', {
      inferred_entity_type: 'ec2_instance',
      inferred_aws_region: 'us-east-1',
      bound_ami_id: instance!.ImageId,
    });
    authOf(await as(id, 'loose'));
    assert.match(
      String(told(await as(id, 'loose', '333333333333'))[1]),
      /unable to fetch client for account ID "333333333333"/,
    );
    await ec2.send(new StopInstancesCommand({ InstanceIds: [id] }));
    assert.match(String(told(await as(id, 'any'))[1]), /instance is not in 'running' state$/);
  });

  test('a token is renewed as long as its role is bound to the caller', async (t) => {
    const { cloud, role, login, user, broker } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    const bound = (pattern: string): string => `arn:aws:iam::${account}:user/${pattern}`;
    await role('dev', { bound_iam_principal_arn: bound('people/*'), token_ttl: '10m' });
    const auth = authOf(await login({ role: 'dev', ...signedIdentity({ keys, url: `${cloud.endpoint}/` }) }));
    const renew = (): Promise<Reply> =>
      broker.call('POST', '/v1/auth/token/renew-self', { token: String(auth['client_token']), body: {} });
    assert.equal(authOf(await renew())['lease_duration'], 600);
    await role('dev', { bound_iam_principal_arn: bound('others/*') });
    const text = `role "dev" no longer bound to ARN "${bound('ann')}"`;
    assert.deepEqual(told(await renew()), [500, `1 error occurred:\n\t* failed to renew entry: ${text}\n\n`]);
    await role('dev', { bound_iam_principal_arn: userArn, token_ttl: '5m' });
    assert.equal(authOf(await renew())['lease_duration'], 300);
    await broker.call('DELETE', '/v1/auth/aws/role/dev');
    assert.match(String(told(await renew())[1]), /role entry not found/);
  });
});
