// Profiles with `login_session`: keys of `aws login`, renewed with a proof of possession.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { startSignInService, type SignInService } from '../idc/sign-in-service.ts';
import { childEnvironment, runStint, startSts, temporaryHome, type Ended } from '../support.ts';

const identity = 'arn:aws:iam::222222222222:user/alice';
const config = `[profile dev]
login_session = ${identity}
region = eu-west-1
[profile chained]
role_arn = arn:aws:iam::333333333333:role/deploy
source_profile = dev
`;

interface Machine {
  readonly service: SignInService;
  readonly home: string;
  readonly run: (target: string, ...args: string[]) => Promise<Ended>;
}

async function machine(t: TestContext, extra: Record<string, string> = {}): Promise<Machine> {
  const service = await startSignInService(t);
  const home = temporaryHome(t, config);
  const env = { ...childEnvironment(home), AWS_ENDPOINT_URL_SIGNIN: service.url, ...extra };
  return { service, home, run: (target, ...args) => runStint('stint-credentials', [target, ...args], env) };
}

test('aws login: its keys are taken as they are while they are good (leapp#621)', async (t) => {
  const { service, home, run } = await machine(t);
  service.put(home, identity, 600);
  const { code, stdout, stderr } = await run('dev');
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).AccessKeyId, 'ASIALOGIN00000000000');
  assert.equal(service.calls.length, 0);
});

test('keys that end soon are renewed with a proof of possession, and kept in the same form', async (t) => {
  const { service, home, run } = await machine(t);
  const file = service.put(home, identity, 60, { ours: 'kept' });
  const { code, stdout, stderr } = await run('dev');
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).AccessKeyId, 'ASIA0000000000000001');
  const { accessToken, refreshToken, ours, dpopKey, idToken } = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(accessToken).sort(), [
    'accessKeyId',
    'accountId',
    'expiresAt',
    'secretAccessKey',
    'sessionToken',
  ]);
  assert.equal(accessToken.accountId, '222222222222');
  assert.match(accessToken.expiresAt, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.deepEqual([refreshToken, ours, idToken, dpopKey], ['refresh-1', 'kept', 'a.b.c', service.key.privateKey]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('five at once renew once', async (t) => {
  const { service, home, run } = await machine(t);
  service.put(home, identity, -60);
  const ended = await Promise.all(Array.from({ length: 5 }, () => run('dev')));
  assert.deepEqual(new Set(ended.map(({ stdout }) => stdout)).size, 1);
  assert.equal(service.calls.length, 1);
});

test('they are the source of a role', async (t) => {
  const sts = await startSts(t);
  const { service, home, run } = await machine(t, { AWS_ENDPOINT_URL_STS: sts.url });
  service.put(home, identity, 600);
  const { code, stderr } = await run('chained');
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    [sts.calls[0]!.by, sts.calls[0]!.parameters.get('DurationSeconds')],
    ['ASIALOGIN00000000000', '3600'],
  );
});

const endings: Readonly<Record<string, readonly [refusal: string, says: RegExp]>> = {
  'has ended': ['TOKEN_EXPIRED', /the last one has ended/],
  'was made with another password': ['USER_CREDENTIALS_CHANGED', /the password has changed/],
  'may not be renewed': ['INSUFFICIENT_PERMISSIONS', /signin:CreateOAuth2Token/],
  'is refused for another reason': ['SOMETHING_NEW', /refused: SOMETHING_NEW \(SOMETHING_NEW\)/],
};

for (const [name, [word, says]] of Object.entries(endings)) {
  test(`a sign-in that ${name} is told with file, line and \`aws login\``, async (t) => {
    const { service, home, run } = await machine(t);
    service.put(home, identity, -60);
    service.refuse = word;
    const { code, stdout, stderr } = await run('dev');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /^error\[login-needed\]: .*config:2: profile `dev` needs a new sign-in: /);
    assert.match(stderr, says);
    assert.match(stderr, /hint: run `aws login --profile dev`/);
  });
}

test('keys that still work are used when they cannot be renewed', async (t) => {
  const { service, home, run } = await machine(t);
  service.put(home, identity, 60);
  service.refuse = 'TOKEN_EXPIRED';
  const { code, stdout } = await run('dev');
  assert.deepEqual([code, JSON.parse(stdout).AccessKeyId], [0, 'ASIALOGIN00000000000']);
});

const damages: Readonly<Record<string, Record<string, unknown> | string | undefined>> = {
  'that is not there': undefined,
  'that is cut off': '{"accessToken":',
  'without keys': { accessToken: {} },
  'without a refresh token': { refreshToken: '' },
  'with a key that is none': { dpopKey: '-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n' },
  'with a region that is another host': { signInRegion: 'x.evil.example/' },
};

for (const [name, damage] of Object.entries(damages)) {
  test(`a file ${name} asks for a new sign-in and repeats nothing of it`, async (t) => {
    const region = typeof damage === 'object' && 'signInRegion' in damage;
    const { service, home, run } = await machine(t, region ? { AWS_ENDPOINT_URL_SIGNIN: '' } : {});
    const file = service.put(home, identity, -60, typeof damage === 'object' ? damage : {});
    if (damage === undefined) rmSync(file);
    if (typeof damage === 'string') writeFileSync(file, damage);
    const { code, stderr } = await run('dev');
    assert.equal(code, 1);
    assert.match(stderr, /^error\[login-needed\]: .*config:2/);
    assert.doesNotMatch(stderr, /AAAA|refresh-0|first/);
    assert.equal(service.calls.length, 0);
  });
}

test('AWS_LOGIN_CACHE_DIRECTORY names the folder', async (t) => {
  const { service, home, run } = await machine(t, { AWS_LOGIN_CACHE_DIRECTORY: '/nowhere' });
  service.put(home, identity, 600);
  assert.match((await run('dev')).stderr, /nobody has signed in/);
});

test('a sign-in service that does not answer in its own words is not taken for an end', async (t) => {
  const { service, home, run } = await machine(t);
  service.put(home, identity, -60);
  service.instead = () => ({ status: 503, body: {} });
  const { code, stderr } = await run('dev');
  assert.equal(code, 1);
  assert.match(stderr, /^error\[sso-failed\]: .*HTTP 503/);
});
