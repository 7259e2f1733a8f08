import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
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
import { awsAuth, told } from './aws-auth-mount.ts';
import { account } from './aws-support.ts';
import { signedIdentity, type LoginBody } from './signed-identity.ts';
import type { Reply } from './support.ts';

function authOf(reply: Reply): Readonly<Record<string, unknown>> {
  assert.equal(reply.status, 200, JSON.stringify(reply.body));
  return reply.body['auth'] as Readonly<Record<string, unknown>>;
}

const userArn = `arn:aws:iam::${account}:user/people/ann`;

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

  test('requests that say more than who calls are refused before anything is sent', async (t) => {
    const { cloud, role, login, user } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    const url = `${cloud.endpoint}/`;
    const good = signedIdentity({ keys, url });
    const encode = (text: string): string => Buffer.from(text).toString('base64');
    const body = (text: string): Partial<LoginBody> => ({ iam_request_body: encode(text) });
    const header = (more: Record<string, string>): Partial<LoginBody> => ({
      iam_request_headers: { ...good.iam_request_headers, ...more },
    });
    for (const [change, text] of [
      [{ iam_http_request_method: 'GET' }, "invalid iam_http_request_method; currently only 'POST' is supported"],
      [{ iam_http_request_method: '' }, 'missing iam_http_request_method'],
      [{ iam_request_url: '%%%' }, 'failed to base64 decode iam_request_url'],
      [{ iam_request_url: encode(`${url}?Action=GetCallerIdentity`) }, 'invalid request'],
      [{ iam_request_url: encode(`${url}other`) }, 'invalid request'],
      [{ iam_request_url: encode('no address') }, 'error parsing iam_request_url'],
      [
        { iam_request_url: encode('https://evil.example/') },
        'error making upstream request: `evil.example` is not an address of STS',
      ],
      [{ iam_request_url: encode('https://sts.amazonaws.com.evil.example/') }, /is not an address of STS$/],
      [{ iam_request_url: encode('https://iam.amazonaws.com/') }, /is not an address of STS$/],
      [body('Action=GetUser&Version=2011-06-15'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&Action=AssumeRole'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&RoleArn=x'), 'iam request body is invalid'],
      [body('Version=2011-06-15'), 'iam request body is invalid'],
      [body('Action=GetCallerIdentity&Version=2011-06-15;Action=AssumeRole'), 'invalid semicolon separator in query'],
      [{ iam_request_headers: {} }, 'missing iam_request_headers'],
      [header({ 'X-Amz-Target': 'x' }), 'invalid request header: X-Amz-Target'],
      [header({ 'Bad Header': 'x' }), /^invalid request header/],
      [header({ 'X-Any': 'line\r\nHost: evil' }), /^invalid request header/],
      [{ pkcs7: 'x' }, 'supplied auth values for both ec2 and iam auth types'],
    ] as const) {
      const [status, error] = told(await login({ role: 'dev', ...good, ...change }));
      assert.equal(status, 400);
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(String(error), text);
    }
    assert.deepEqual(told(await login({ role: 'dev', pkcs7: 'x' })), [400, 'logins of type ec2 are not supported']);
    assert.deepEqual(told(await login({ role: 'dev' })), [400, "didn't supply required authentication values"]);
    authOf(await login({ role: 'dev', ...good }));
  });

  test('what was changed after it was signed, is too old, or was signed with other keys is refused by STS', async (t) => {
    const { cloud, role, login, user } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    const url = `${cloud.endpoint}/`;
    const good = signedIdentity({ keys, url });
    const other = signedIdentity({ keys: { ...keys, secretAccessKey: 'x'.repeat(40) }, url });
    const old = signedIdentity({ keys, url, at: new Date(Date.now() - 3_600_000) });
    const moved = { ...good, iam_request_url: Buffer.from('https://sts.amazonaws.com/').toString('base64') };
    const later = { ...good, iam_request_headers: { ...good.iam_request_headers, 'X-Amz-Date': '20300101T000000Z' } };
    for (const body of [other, old, moved, later]) {
      const [status, error] = told(await login({ role: 'dev', ...body }));
      assert.equal(status, 400);
      assert.match(String(error), /^error making upstream request: received error code 40[03] from STS: /);
    }
  });

  test('with a server id, a request that was signed for another server is worth nothing', async (t) => {
    const { cloud, role, login, user, config } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    await config({ iam_server_id_header_value: 'here.example' });
    const url = `${cloud.endpoint}/`;
    const name = 'X-Vault-AWS-IAM-Server-ID';
    const text = (problem: string): string => `error validating ${name} header: ${problem}`;
    const without = signedIdentity({ keys, url });
    assert.deepEqual(told(await login({ role: 'dev', ...without })), [400, text(`missing header "${name}"`)]);
    const elsewhere = signedIdentity({ keys, url, headers: { [name]: 'there.example' } });
    assert.deepEqual(told(await login({ role: 'dev', ...elsewhere })), [
      400,
      text('expected "here.example" but got "there.example"'),
    ]);
    const headers: Record<string, string> = { ...without.iam_request_headers, [name]: 'here.example' };
    const added = { ...without, iam_request_headers: headers };
    assert.deepEqual(told(await login({ role: 'dev', ...added })), [400, text("vault header wasn't signed")]);
    const forged = {
      ...added,
      iam_request_headers: {
        ...headers,
        Authorization: `SignedHeaders=${name.toLowerCase()}, ${headers['Authorization']}`,
      },
    };
    assert.deepEqual(told(await login({ role: 'dev', ...forged })), [400, text("vault header wasn't signed")]);
    authOf(await login({ role: 'dev', ...signedIdentity({ keys, url, headers: { [name]: 'here.example' } }) }));
  });

  test('the STS that is asked is the configured one, without redirects, and its answer is read strictly', async (t) => {
    const { role, login, user, config } = await awsAuth((end) => t.after(end));
    const keys = await user('ann');
    await role('dev', { bound_iam_principal_arn: userArn });
    let answer: RequestListener = () => {};
    let asked = 0;
    const sts = createServer((request, response) => {
      asked++;
      answer(request, response);
    });
    await new Promise<void>((resolve) => sts.listen(0, '127.0.0.1', resolve));
    t.after(() => sts.close());
    const url = `http://127.0.0.1:${(sts.address() as AddressInfo).port}/`;
    await config({ sts_endpoint: url, max_retries: 1 });
    const result = `<GetCallerIdentityResult><Arn>${userArn}</Arn><UserId>AIDAX</UserId><Account>${account}</Account></GetCallerIdentityResult>`;
    const xml = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</GetCallerIdentityResponse>`;
    const say =
      (status: number, headers: Record<string, string>, body: string): RequestListener =>
      (_, response) =>
        response.writeHead(status, headers).end(body);
    const xmlType = { 'content-type': 'text/xml' };
    for (const [next, error, calls] of [
      [say(302, { location: 'http://127.0.0.1:9/', ...xmlType }, ''), 'received error code 302 from STS: ', 1],
      [say(200, { 'content-type': 'application/json' }, '{}'), 'body of GetCallerIdentity is invalid', 1],
      [say(200, xmlType, 'hello'), 'error parsing STS response', 1],
      [say(200, xmlType, `<a>${xml}</a>`), 'error parsing STS response', 1],
      [say(200, xmlType, xml.replace('<UserId>AIDAX</UserId>', '')), 'error parsing STS response', 1],
      [
        say(200, xmlType, xml.replace('<Arn>', '<Arn>arn:aws:iam::1:user/x</Arn><Arn>')),
        'error parsing STS response',
        1,
      ],
      [say(200, xmlType, 'x'.repeat(100_000)), /^error making request: /, 2],
      [say(503, xmlType, 'busy'), 'received error code 503 from STS: busy', 2],
      [(request) => void request.socket.destroy(), 'error making request: ECONNRESET', 2],
    ] as const satisfies readonly (readonly [RequestListener, string | RegExp, number])[]) {
      answer = next;
      asked = 0;
      const [status, text] = told(await login({ role: 'dev', ...signedIdentity({ keys, url }) }));
      const said = String(text).replace('error making upstream request: ', '');
      assert.equal(status, 400);
      if (typeof error === 'string') assert.equal(said, error);
      else assert.match(said, error);
      assert.equal(asked, calls, said);
    }
    answer = (request, response) => {
      assert.deepEqual([request.headers['x-forwarded-for'], request.headers.accept], [undefined, undefined]);
      say(200, xmlType, xml)(request, response);
    };
    const body = signedIdentity({ keys, url });
    const more = { ...body.iam_request_headers, Accept: 'application/json', 'X-Forwarded-For': '10.0.0.1' };
    const refused = told(await login({ role: 'dev', ...body, iam_request_headers: more }));
    assert.deepEqual(refused, [400, `IAM Principal "${userArn}" does not belong to the role "dev"`]);
  });

  test('a role is checked in the words of Vault, and read as it was written', async (t) => {
    const { role, broker, user } = await awsAuth((end) => t.after(end));
    await user('ann');
    for (const [body, text] of [
      [{}, 'at least one bound parameter should be specified on the role'],
      [{ auth_type: 'x' }, 'unrecognized auth_type: x'],
      [{ bound_ami_id: 'ami-1' }, 'specified bound_ami_id but not specifying ec2 auth_type or inferring ec2_instance'],
      [{ bound_region: 'x' }, 'specified bound_region but not specifying ec2 auth_type'],
      [
        { auth_type: 'ec2', bound_iam_principal_arn: userArn },
        'specified bound_iam_principal_arn but not specifying iam auth_type',
      ],
      [{ inferred_entity_type: 'ec2_instance' }, 'specified inferred_entity_type but not inferred_aws_region'],
      [{ inferred_entity_type: 'x', inferred_aws_region: 'y' }, 'specified invalid inferred_entity_type: x'],
      [{ inferred_aws_region: 'x' }, 'specified inferred_aws_region but not inferred_entity_type'],
      [{ bound_iam_principal_arn: userArn, role_tag: 'x' }, 'tried to enable role_tag when not using ec2 auth method'],
      [
        { bound_iam_principal_arn: `arn:aws:iam::${account}:user/none` },
        /^unable to resolve ARN "arn:aws:iam::222222222222:user\/none" to internal ID: NoSuchEntity: /,
      ],
      [
        { bound_iam_principal_arn: 'x' },
        /to internal ID: unrecognized arn: contains 1 colon-separated parts, expected 6$/,
      ],
    ] as const) {
      const [status, error] = told(await role('dev', body));
      assert.equal(status, 400);
      if (typeof text === 'string') assert.equal(error, text);
      else assert.match(String(error), text);
    }
    assert.equal((await role('Dev', { bound_iam_principal_arn: userArn, ttl: '5m', period: '1h' })).status, 204);
    const read = (await broker.call('GET', '/v1/auth/aws/role/dev')).body.data;
    assert.match(String((read['bound_iam_principal_id'] as string[])[0]), /^AIDA/);
    assert.deepEqual(
      [read['auth_type'], read['bound_iam_principal_arn'], read['ttl'], read['token_ttl'], read['period']],
      ['iam', [userArn], 300, 300, 3600],
    );
    const locked = 'changing resolve_aws_unique_ids from true to false is not allowed';
    assert.deepEqual(told(await role('dev', { resolve_aws_unique_ids: false })), [400, locked]);
    assert.deepEqual(told(await role('dev', { auth_type: 'ec2' })), [
      400,
      'changing auth_type on a role is not allowed',
    ]);
    for (const path of ['role', 'roles']) {
      assert.deepEqual((await broker.call('LINK', `/v1/auth/aws/${path}`)).body.data, { keys: ['dev'] });
    }
    assert.equal((await broker.call('DELETE', '/v1/auth/aws/role/DEV')).status, 204);
    assert.equal((await broker.call('GET', '/v1/auth/aws/role/dev')).status, 404);
  });

  test('configuration is merged, read without its secret, and checked', async (t) => {
    const { broker, config } = await awsAuth((end) => t.after(end));
    const { call } = broker;
    await config({ allowed_sts_header_values: 'x-amz-user-agent', max_retries: 3, use_sts_region_from_client: true });
    const { body } = await call('GET', '/v1/auth/aws/config/client');
    assert.deepEqual(body.data['allowed_sts_header_values'], ['X-Amz-User-Agent']);
    assert.ok(!('secret_key' in body.data) && body.data['access_key'] !== '');
    assert.equal((await config({ sts_endpoint: 'file:///etc/passwd' })).status, 400);
    await call('DELETE', '/v1/auth/aws/config/client');
    assert.equal((await call('GET', '/v1/auth/aws/config/client')).status, 404);
    const identity = (await call('GET', '/v1/auth/aws/config/identity')).body.data;
    const usual = ['account_id', 'auth_type'];
    assert.deepEqual(identity, {
      iam_alias: 'role_id',
      iam_metadata: usual,
      ec2_alias: 'role_id',
      ec2_metadata: usual,
    });
    const tune = (settings: Record<string, unknown>): Promise<Reply> =>
      call('POST', '/v1/auth/aws/config/identity', { body: settings });
    assert.deepEqual(told(await tune({ iam_alias: 'x' })), [
      400,
      'iam_alias of "x" not in set of allowed values: [role_id unique_id full_arn]',
    ]);
    assert.equal((await tune({ iam_metadata: 'default,client_arn' })).status, 400);
    assert.match(String((await tune({ iam_metadata: 'x' })).body.errors[0]), /^"x" contains an unavailable field/);
    assert.equal((await tune({ iam_alias: 'full_arn', iam_metadata: ['client_arn'] })).status, 204);
    const sts = '/v1/auth/aws/config/sts';
    assert.deepEqual(told(await call('POST', `${sts}/111111111111`, { body: {} })), [400, 'missing sts role']);
    await call('POST', `${sts}/111111111111`, { body: { sts_role: 'arn:aws:iam::111111111111:role/x' } });
    assert.deepEqual((await call('LINK', sts)).body.data, { keys: ['111111111111'] });
    await call('DELETE', `${sts}/111111111111`);
    assert.equal((await call('GET', `${sts}/111111111111`)).status, 404);
    assert.deepEqual(told(await call('POST', '/v1/auth/aws/config/rotate-root')), [
      400,
      "can't update client config because it's unset",
    ]);
  });
});
