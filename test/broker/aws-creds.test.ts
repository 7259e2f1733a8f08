// creds/:name and sts/:name over HTTP: which path lends what of which role, names, limits explained, and
// AWS's refusals in Vault's words.
import assert from 'node:assert/strict';
import { CreateRoleCommand, GetUserCommand, PutGroupPolicyCommand, CreateGroupCommand } from '@aws-sdk/client-iam';
import { describe, test, type TestContext } from 'node:test';
import { account, configureAws, testCloud, type TestCloud } from './aws-support.ts';
import { testBroker, type Reply, type TestBroker } from './support.ts';

interface World extends TestCloud {
  readonly call: TestBroker['call'];
  readonly role: (body: object) => Promise<Reply>;
  readonly ask: (path: string, body?: object) => Promise<Reply>;
}

const roleArn = `arn:aws:iam::${account}:role/target`;
const document = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
});

async function lending(t: TestContext): Promise<World> {
  const cloud = await testCloud((end) => t.after(end));
  const broker = await testBroker((end) => t.after(end));
  await configureAws(broker, cloud.cloud);
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: account }, Action: ['sts:AssumeRole', 'sts:TagSession'] }],
  };
  const input = { RoleName: 'target', AssumeRolePolicyDocument: JSON.stringify(trust), MaxSessionDuration: 3600 };
  await cloud.admin.send(new CreateRoleCommand(input));
  return {
    ...cloud,
    call: broker.call,
    role: (body) => broker.call('POST', '/v1/aws/roles/x', { body }),
    ask: (path, body) =>
      body === undefined ? broker.call('GET', `/v1/aws/${path}`) : broker.call('POST', `/v1/aws/${path}`, { body }),
  };
}

function refusedWith({ status, body }: Reply, wanted: number, text: string | RegExp): void {
  assert.equal(status, wanted, JSON.stringify(body));
  if (typeof text === 'string') assert.equal(body.errors[0], text);
  else assert.match(body.errors[0]!, text);
}

function textsOf({ body }: Reply): string {
  return `${body.errors.join('\n')}\n${String(body['hint'])}`;
}

describe('a role written with `policy` or `arn`', () => {
  test('of both types lends a user by creds and a federation token by sts', async (t) => {
    const { role, ask, lentUsers } = await lending(t);
    await role({ policy: document });
    const session = await ask('sts/x');
    assert.equal(session.status, 200, JSON.stringify(session.body));
    assert.match(String(session.body['lease_id']), /^aws\/sts\/x\//);
    assert.notEqual(session.body.data['session_token'], null);
    assert.deepEqual(await lentUsers(), []);
    const user = await ask('creds/x');
    assert.deepEqual([user.status, user.body.data['session_token']], [200, null]);
    assert.equal((await lentUsers()).length, 1);
  });

  test('lends by its own path only', async (t) => {
    const { role, ask } = await lending(t);
    await role({ arn: roleArn });
    assert.equal((await ask('sts/x')).status, 200);
    const text = (type: string, path: string): string =>
      `attempted to retrieve ${type} credentials through the ${path} path; this is not allowed for legacy roles`;
    refusedWith(await ask('creds/x'), 400, text('assumed_role', 'creds'));
    await role({ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
    refusedWith(await ask('sts/x'), 400, text('iam_user', 'sts'));
    assert.equal((await ask('creds/x')).status, 200);
    // Written anew, it is as any other.
    await role({ credential_type: 'assumed_role', role_arns: roleArn, policy_arns: '' });
    assert.deepEqual([(await ask('creds/x')).status, (await ask('sts/x')).status], [200, 200]);
  });
});

test('credentials have both names of the token, an envelope of their type, and a time that is asked in many ways', async (t) => {
  const { role, ask } = await lending(t);
  await role({ credential_type: 'assumed_role', role_arns: [roleArn] });
  for (const reply of [
    await ask('sts/x?ttl=15m'),
    await ask('creds/x', { ttl: 900 }),
    await ask('creds/x', { ttl: '900' }),
    await ask(`sts/x?ttl=900s&role_arn=${roleArn}`),
  ]) {
    const { data, ...envelope } = reply.body;
    assert.deepEqual(Object.keys(data).sort(), [
      'access_key',
      'arn',
      'secret_key',
      'security_token',
      'session_token',
      'ttl',
    ]);
    assert.equal(data['security_token'], data['session_token']);
    assert.match(String(data['access_key']), /^ASIA/);
    assert.equal(data['ttl'], 900);
    assert.deepEqual(
      [envelope['renewable'], envelope['lease_duration'], envelope['mount_type'], envelope['warnings']],
      [false, 900, 'aws', null],
    );
  }
  refusedWith(await ask('creds/none'), 400, 'Role "none" not found');
  refusedWith(
    await ask('creds/x', { role_arn: 'arn:aws:iam::111111111111:role/target' }),
    400,
    'role_arn "arn:aws:iam::111111111111:role/target" not in allowed role arns for Vault role "x"',
  );
});

describe('names', () => {
  const seen = async (world: World, template: string): Promise<{ user: string; session: string; federated: Reply }> => {
    await world.call('POST', '/v1/aws/config/root', { body: { username_template: template } });
    await world.role({ credential_type: 'iam_user' });
    const creds = await world.ask('creds/x');
    const { access_key, secret_key } = creds.body.data as Record<string, string>;
    const { User } = await world
      .as(access_key!, secret_key!)
      .send(new GetUserCommand({}))
      .catch((error: Error) => {
        // A user without rights is told its own name in the refusal.
        return { User: { UserName: /user\/(\S+) is not/.exec(error.message)?.[1] } };
      });
    await world.role({ credential_type: 'assumed_role', role_arns: roleArn });
    const session = String((await world.ask('sts/x')).body.data['arn'])
      .split('/')
      .at(-1)!;
    await world.role({ credential_type: 'federation_token', role_arns: '', policy_document: document });
    return { user: User!.UserName!, session, federated: await world.ask('sts/x') };
  };

  test('follow Vault’s default template, sessions of roles too', async (t) => {
    const { user, session, federated } = await seen(await lending(t), '');
    assert.match(user, /^vault-token-x-\d{10}-\w{20}$/);
    assert.match(session, /^vault-token-x-\d{10}-\w{20}$/);
    assert.equal(federated.status, 200);
  });

  test('follow a template of one’s own', async (t) => {
    const template =
      '{{ if eq .Type "STS" }}vault-{{ random 8 }}{{ else }}vault-{{ .DisplayName | uppercase }}.{{ .PolicyName }}@{{ uuid | truncate 8 }}{{ end }}';
    const { user, session, federated } = await seen(await lending(t), template);
    assert.match(user, /^vault-TOKEN\.x@[0-9a-f]{8}$/);
    assert.match(session, /^vault-TOKEN\.x@[0-9a-f]{8}$/);
    assert.equal(federated.status, 200);
  });

  test('too long are refused as Vault refuses them, and nothing is made', async (t) => {
    const world = await lending(t);
    const { call, role, ask, lentUsers } = world;
    const internal = (text: string): string => `1 error occurred:\n\t* ${text}\n\n`;
    const tooLong = (kind: string, most: number): string =>
      internal(`the username generated by the template exceeds the ${kind} username length limits of ${most} chars`);
    await call('POST', '/v1/aws/config/root', { body: { username_template: '{{ .Type }}-{{ random 62 }}' } });
    await role({ credential_type: 'iam_user' });
    refusedWith(await ask('creds/x'), 500, tooLong('IAM', 64));
    await role({ credential_type: 'assumed_role', role_arns: roleArn });
    refusedWith(await ask('sts/x'), 500, tooLong('IAM', 64));
    assert.equal((await ask('sts/x', { role_session_name: 'given by: me' })).status, 200);
    await role({ credential_type: 'federation_token', role_arns: '', policy_document: document });
    refusedWith(await ask('sts/x'), 500, tooLong('STS', 32));
    await call('POST', '/v1/aws/config/root', { body: { username_template: '{{ .Nope }}' } });
    const place =
      'template: template:1:3: executing "template" at <.Nope>: can\'t evaluate field Nope in type aws.UsernameMetadata';
    refusedWith(await ask('sts/x'), 500, internal(`failed to generate username: unable to apply template: ${place}`));
    assert.deepEqual(await lentUsers(), []);
    const { leases } = (await call('GET', '/v1/stint/leases')).body.data as { leases: { state: string }[] };
    assert.deepEqual(
      leases.map(({ state }) => state),
      ['active'],
    );
  });
});

test('throttling is 502 with AWS’s words, as the AWS SDK for Go writes them; any other refusal is 400', async (t) => {
  const { role, ask, control, lentUsers } = await lending(t);
  const fault = (service: string, operation: string, code: string, status: number): Promise<unknown> =>
    control('POST', 'faults', {
      service,
      operation,
      when: 'before',
      count: 1,
      error: { code, status, message: 'Rate exceeded' },
      account,
    });
  await role({
    credential_type: 'iam_user',
    policy_arns: 'arn:aws:iam::aws:policy/ReadOnlyAccess',
    policy_document: document,
  });
  for (const [operation, prefix] of [
    ['CreateUser', 'Error creating IAM user: '],
    ['AttachUserPolicy', 'Error attaching user policy: '],
    ['PutUserPolicy', 'Error putting user policy: '],
    ['CreateAccessKey', 'Error creating access keys: '],
  ] as const) {
    await fault('iam', operation, 'Throttling', 400);
    refusedWith(
      await ask('creds/x'),
      502,
      new RegExp(`^${prefix}Throttling: Rate exceeded\\n\\tstatus code: 400, request id: [\\w-]+$`),
    );
    await fault('iam', operation, 'LimitExceeded', 409);
    refusedWith(
      await ask('creds/x'),
      400,
      new RegExp(`^${prefix}LimitExceeded: Rate exceeded\\n\\tstatus code: 409, request id: [\\w-]+$`),
    );
  }
  assert.deepEqual(await lentUsers(), []);
  await role({ credential_type: 'assumed_role', role_arns: roleArn });
  await fault('sts', 'AssumeRole', 'Throttling', 400);
  refusedWith(await ask('sts/x'), 502, /^Error assuming role: Throttling: Rate exceeded\n\tstatus code: 400/);
  await role({ credential_type: 'session_token', role_arns: '', policy_arns: '', policy_document: '' });
  await fault('sts', 'GetSessionToken', 'Throttling', 400);
  refusedWith(await ask('sts/x'), 502, /^Error generating STS keys: Throttling: Rate exceeded\n/);
});

describe('a limit of AWS is told with the rule that met it', () => {
  test('for times below 900 s', async (t) => {
    const { call, role, ask } = await lending(t);
    const base = { credential_type: 'assumed_role', role_arns: roleArn };
    await role(base);
    const short = await ask('sts/x', { ttl: 60 });
    refusedWith(short, 400, /^Error assuming role: ValidationError: /);
    assert.match(textsOf(short), /no session of less than 900 s: this one would last 60 s, as `ttl` asks/);
    await role({ ...base, default_sts_ttl: 300 });
    assert.match(textsOf(await ask('sts/x')), /300 s, as `default_sts_ttl` of the role says/);
    await role({ ...base, default_sts_ttl: 0, max_sts_ttl: '10m' });
    assert.match(textsOf(await ask('sts/x', { ttl: '1h' })), /600 s, as `max_sts_ttl` of the role caps it/);
    await role({ ...base, max_sts_ttl: 0 });
    await call('POST', '/v1/sys/mounts/aws/tune', { body: { default_lease_ttl: '1m', max_lease_ttl: '5m' } });
    assert.match(textsOf(await ask('sts/x')), /300 s, as `max_lease_ttl` of the mount caps it/);
  });

  test('for times above what the type or the IAM role allows', async (t) => {
    const { role, ask } = await lending(t);
    await role({ credential_type: 'assumed_role', role_arns: roleArn });
    assert.match(
      textsOf(await ask('sts/x', { ttl: '2h' })),
      /7200 s, as `ttl` asks; the IAM role’s MaxSessionDuration/,
    );
    assert.match(textsOf(await ask('sts/x', { ttl: '13h' })), /no assumed_role session of more than 43200 s/);
    await role({ credential_type: 'federation_token', role_arns: '', policy_document: document });
    assert.match(textsOf(await ask('sts/x', { ttl: '37h' })), /no federation_token session of more than 129600 s/);
    await role({ credential_type: 'session_token', policy_document: '' });
    assert.match(textsOf(await ask('sts/x', { ttl: '37h' })), /no session_token session of more than 129600 s/);
  });

  test('for session policies that groups make too large', async (t) => {
    const { admin, role, ask } = await lending(t);
    await admin.send(new CreateGroupCommand({ GroupName: 'big' }));
    const Action = Array.from({ length: 120 }, (_, index) => `s3:GetObjectNumber${index}`);
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action, Resource: '*' },
    });
    await admin.send(new PutGroupPolicyCommand({ GroupName: 'big', PolicyName: 'p', PolicyDocument }));
    await role({ credential_type: 'assumed_role', role_arns: roleArn, iam_groups: 'big' });
    const refused = await ask('sts/x');
    assert.equal(refused.status, 400);
    assert.match(
      textsOf(refused),
      /the session policy of this role, with those of its `iam_groups`, has \d{4} characters and 0 ARNs/,
    );
  });
});
