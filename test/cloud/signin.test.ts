// The sign-in endpoint: from temporary credentials to a console session, and the page of a switch-role link.
import {
  AssumeRoleCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
  type Credentials,
} from '@aws-sdk/client-sts';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateRoleCommand, DeleteRoleCommand } from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { adminOf as clientsOfAdmin } from './clients.ts';
import { adminOf, control, iamOf, send, stsOf, trustOf, type Answer, type Keys } from './support.ts';

let cloud: Cloud;
before(async () => void (cloud = await startCloud()));
after(() => cloud.stop());
beforeEach(() => cloud.clock.reset());

const dev = '222222222222';
const central = '111111111111';

function keysOf(made: Credentials | undefined): Keys {
  return { accessKeyId: made!.AccessKeyId!, secretAccessKey: made!.SecretAccessKey!, sessionToken: made!.SessionToken };
}

async function assume(keys: Keys, account = dev, role = 'OrganizationAccountAccessRole'): Promise<Keys> {
  const input = { RoleArn: `arn:aws:iam::${account}:role/${role}`, RoleSessionName: 'alice' };
  return keysOf((await stsOf(cloud, keys).send(new AssumeRoleCommand(input))).Credentials);
}

const session = (): Promise<Keys> => assume(adminOf(cloud, central));

function sessionJson({ accessKeyId, secretAccessKey, sessionToken }: Keys): string {
  return JSON.stringify({ sessionId: accessKeyId, sessionKey: secretAccessKey, sessionToken });
}

function ask(
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
  path = 'federation',
): Promise<Answer> {
  return send(`${cloud.endpoint}/${path}?${new URLSearchParams(parameters).toString()}`, { headers });
}

function askToken(keys: Keys, more: Record<string, string> = {}): Promise<Answer> {
  return ask({ Action: 'getSigninToken', Session: sessionJson(keys), ...more });
}

async function tokenOf(keys: Keys, more: Record<string, string> = {}): Promise<string> {
  const { status, text } = await askToken(keys, more);
  assert.equal(status, 200, text);
  return (JSON.parse(text) as { SigninToken: string }).SigninToken;
}

function login(SigninToken: string, Destination = 'https://console.aws.amazon.com/s3/home'): Promise<Answer> {
  return ask({ Action: 'login', Issuer: 'https://example.com', Destination, SigninToken });
}

test('a role session becomes a link that opens once and says whose console it is', async () => {
  cloud.clock.freeze(true);
  const token = await tokenOf(await session(), { SessionDuration: '7200' });
  const { status, text, headers } = await login(token);
  assert.equal(status, 200);
  assert.match(text, /222222222222 \(dev\)/);
  assert.match(text, /arn:aws:sts::222222222222:assumed-role\/OrganizationAccountAccessRole\/alice/);
  assert.match(headers['content-security-policy'] as string, /default-src 'none'.*frame-ancestors 'none'/);
  assert.match(headers['set-cookie']![0]!, /HttpOnly; SameSite=Lax; Max-Age=7200$/);
  const again = await login(token);
  assert.equal(again.status, 400);
  assert.match(again.text, /Link made by.*https:\/\/example\.com/);
});

test('a destination on this machine is gone to, with the session in a cookie; a page of it says who is signed in', async () => {
  const opened = await login(await tokenOf(await session()), 'http://127.0.0.1:8200/ui/');
  assert.deepEqual([opened.status, opened.headers['location']], [302, 'http://127.0.0.1:8200/ui/']);
  const cookie = opened.headers['set-cookie']![0]!.split(';')[0]!;
  const link = { account: '444444444444', roleName: 'test_role', displayName: '<b>prod</b>' };
  const shown = await ask(link, { cookie }, 'switchrole');
  assert.equal(shown.status, 200);
  assert.match(shown.text, /444444444444 \(prod\)/);
  assert.match(shown.text, /arn:aws:iam::444444444444:role\/test_role/);
  assert.match(shown.text, /assumed-role\/OrganizationAccountAccessRole\/alice/);
  assert.ok(shown.text.includes('&lt;b&gt;prod&lt;/b&gt;') && !shown.text.includes('<b>'));
  const out = await ask({ Action: 'logout' }, { cookie });
  assert.match(out.headers['set-cookie']![0]!, /Max-Age=0/);
  assert.match((await ask(link, { cookie }, 'switchrole')).text, /nobody/);
});

test('a token ends after 15 minutes of emulated time, and with the role it came from', async () => {
  const late = await tokenOf(await session());
  const timely = await tokenOf(await session());
  cloud.clock.advance(14 * 60_000);
  assert.equal((await login(timely)).status, 200);
  cloud.clock.advance(60_000);
  assert.equal((await login(late)).status, 400);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  await iam.send(new CreateRoleCommand({ RoleName: 'brief', AssumeRolePolicyDocument: trustOf(central) }));
  const token = await tokenOf(await assume(adminOf(cloud, central), dev, 'brief'));
  await iam.send(new DeleteRoleCommand({ RoleName: 'brief' }));
  assert.equal((await login(token)).status, 400);
});

test('a federated session takes no SessionDuration, and neither does one of role chaining', async () => {
  const sts = stsOf(cloud, adminOf(cloud, dev));
  const federated = keysOf((await sts.send(new GetFederationTokenCommand({ Name: 'alice' }))).Credentials);
  assert.equal((await askToken(federated, { SessionDuration: '3600' })).status, 400);
  const { text } = await login(await tokenOf(federated));
  assert.match(text, /arn:aws:sts::222222222222:federated-user\/alice/);
  const iam = iamOf(cloud, adminOf(cloud, dev));
  await iam.send(new CreateRoleCommand({ RoleName: 'second', AssumeRolePolicyDocument: trustOf(dev) }));
  const chained = await assume(await session(), dev, 'second');
  assert.equal((await askToken(chained, { SessionDuration: '900' })).status, 400);
  await tokenOf(chained);
});

test('what are no live role or federated credentials gets no token', async () => {
  const admin = adminOf(cloud, dev);
  const own = keysOf((await stsOf(cloud, admin).send(new GetSessionTokenCommand({}))).Credentials);
  const good = await session();
  const refused: Record<string, Keys> = {
    'a long-term key': { ...admin, sessionToken: 'x' },
    'a session of GetSessionToken': own,
    'a wrong secret': { ...good, secretAccessKey: 'x'.repeat(40) },
    'a wrong token': { ...good, sessionToken: 'x' },
    'an unknown key': { ...good, accessKeyId: 'ASIAIOSFODNN7EXAMPLE' },
  };
  for (const [what, keys] of Object.entries(refused)) assert.equal((await askToken(keys)).status, 400, what);
  for (const Session of ['', '{}', '[]', 'null', '{"sessionId":1}', '<x>']) {
    const answer = await ask({ Action: 'getSigninToken', Session });
    assert.equal(answer.status, 400, Session);
    assert.match(answer.headers['content-type']!, /^text\/html/);
  }
  for (const SessionDuration of ['899', '43201', '1h', '-1', '']) {
    assert.equal((await askToken(good, { SessionDuration })).status, 400, SessionDuration);
  }
  cloud.clock.advance(3_600_000);
  assert.equal((await askToken(good)).status, 400);
});

test('made-up tokens, foreign destinations and odd links get a page, never a redirect', async () => {
  for (const token of ['', 'x', '%00', 'A'.repeat(5000)]) assert.equal((await login(token)).status, 400);
  for (const destination of ['', 'javascript:alert(1)', '//evil.example', 'http://a@127.0.0.1/', 'ftp://localhost/']) {
    const answer = await login(await tokenOf(await session()), destination);
    assert.deepEqual([answer.status, answer.headers['location']], [400, undefined], destination);
  }
  const foreign = await login(await tokenOf(await session()), 'https://evil.example/"><script>');
  assert.deepEqual([foreign.status, foreign.headers['location']], [200, undefined]);
  assert.ok(!foreign.text.includes('<script>'));
  for (const account of ['', '1', 'A_B', '../x']) {
    assert.equal((await ask({ account, roleName: 'r' }, {}, 'switchrole')).status, 400);
  }
  assert.equal((await ask({ account: dev, roleName: '"><script>' }, {}, 'switchrole')).status, 400);
});

test('the endpoint answers under the sign-in hosts of each partition, by form too, and a HEAD takes nothing', async () => {
  const keys = await session();
  for (const host of ['signin.aws.amazon.com', 'eu-central-1.signin.aws.amazon.com', 'signin.amazonaws-us-gov.com']) {
    const body = new URLSearchParams({ Action: 'getSigninToken', Session: sessionJson(keys) }).toString();
    const headers = { host, 'content-type': 'application/x-www-form-urlencoded' };
    const made = await send(`${cloud.endpoint}/federation`, { method: 'POST', headers, body });
    assert.equal(made.status, 200, host);
  }
  const SigninToken = await tokenOf(keys);
  const link = { Action: 'login', Destination: 'http://localhost/', SigninToken };
  const url = `${cloud.endpoint}/federation?${new URLSearchParams(link).toString()}`;
  assert.equal((await send(url, { method: 'HEAD' })).status, 200);
  assert.equal((await send(url, { method: 'DELETE' })).status, 400);
  assert.equal((await send(url)).status, 302);
});

test('a bucket called federation is a bucket', async () => {
  const { s3 } = clientsOfAdmin(cloud, dev);
  await s3.send(new CreateBucketCommand({ Bucket: 'federation' }));
  await s3.send(new PutObjectCommand({ Bucket: 'federation', Key: 'k', Body: 'text' }));
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'federation', Key: 'k' }));
  assert.equal(await Body!.transformToString(), 'text');
  assert.match((await send(`${cloud.endpoint}/federation`)).text, /<Code>AccessDenied<\/Code>/);
});

test('sign-ins are events, refused ones too, without a token in them', async () => {
  const token = await tokenOf(await session());
  await login(token);
  await login(token);
  const { body } = await control(cloud, 'GET', 'events');
  const events = (body['events'] as Record<string, unknown>[])
    .filter((event) => event['service'] === 'signin')
    .slice(-3);
  assert.deepEqual(
    events.map((event) => [event['operation'], event['account'], event['errorCode']]),
    [
      ['GetSigninToken', dev, null],
      ['ConsoleLogin', dev, null],
      ['ConsoleLogin', '', 'BadRequest'],
    ],
  );
  assert.ok(!JSON.stringify(body).includes(token));
});

test('signing out goes on to an address of this machine, and to no other', async () => {
  const next = `${cloud.endpoint}/federation?Action=login&SigninToken=x`;
  const out = await ask({ Action: 'logout', redirect_uri: next }, {}, 'oauth');
  assert.deepEqual([out.status, out.headers['location']], [302, next]);
  assert.match(String(out.headers['set-cookie']), /^stint-console=;.*Max-Age=0/);
  for (const other of ['https://example.com/', 'http://127.0.0.1.example.com/', 'javascript:alert(1)', '//x', '']) {
    const stays = await ask({ Action: 'logout', redirect_uri: other }, {}, 'oauth');
    assert.deepEqual([stays.status, stays.headers['location']], [200, undefined], other);
  }
});
