// Roles of IAM Identity Center as people have them: at a terminal, without one, and several at once.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { startIdentityCenter } from '../idc/identity-center.ts';
import { cacheFile, config, opened, openedIn, personEnvironment, putToken } from '../idc/person.ts';
import { runStint, startSts, temporaryHome } from '../support.ts';
import { runAtTerminal, startAtTerminal } from '../terminal.ts';

test('at a terminal an ended sign-in opens the default browser instead of an error, and the role is there (awsume#101, aws-vault#639, leapp#71)', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  const { code, stdout, stderr } = await runAtTerminal(['credentials', 'dev'], personEnvironment(home, idc));
  assert.equal(code, 0, stderr);
  const printed = JSON.parse(stdout);
  assert.match(printed.AccessKeyId, /^ASIA/);
  assert.match(printed.Expiration, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(openedIn(home).length, 1);
  assert.match(stderr, /signed in to `https:\/\/corp\.awsapps\.com\/start` until 20/);
});

test('the token is kept in the form of the AWS CLI, for the person alone', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  await runAtTerminal(['credentials', 'dev'], personEnvironment(home, idc));
  const file = cacheFile(home, 'corp');
  const token = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(token).sort(), [
    'accessToken',
    'clientId',
    'clientSecret',
    'expiresAt',
    'refreshToken',
    'region',
    'registrationExpiresAt',
    'startUrl',
  ]);
  assert.equal(token.startUrl, 'https://corp.awsapps.com/start');
  assert.equal(token.region, 'eu-west-1');
  for (const name of ['expiresAt', 'registrationExpiresAt'])
    assert.match(token[name], /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(`${home}/.aws/sso/cache`).mode & 0o777, 0o700);
});

test('roles of one session share its sign-in, and a role that is kept asks nobody', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const env = personEnvironment(home, idc);
  const first = await runStint('stint-credentials', ['dev'], env);
  assert.equal((await runStint('stint-credentials', ['dev'], env)).stdout, first.stdout);
  assert.equal((await runStint('stint-credentials', ['dev-admin'], env)).code, 0);
  assert.deepEqual(idc.paths, ['/federation/credentials', '/federation/credentials']);
});

test('a role assumed from a role of Identity Center lasts an hour and shares the source', async (t) => {
  const [idc, sts] = [await startIdentityCenter(t), await startSts(t)];
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const env = { ...personEnvironment(home, idc), AWS_ENDPOINT_URL_STS: sts.url };
  const { code, stderr } = await runStint('stint-credentials', ['chained'], env);
  assert.equal(code, 0, stderr);
  assert.equal(sts.calls[0]!.parameters.get('DurationSeconds'), '3600');
  const source = JSON.parse((await runStint('stint-credentials', ['dev'], env)).stdout);
  assert.equal(sts.calls[0]!.by, source.AccessKeyId);
  assert.equal(idc.calls.length, 1);
});

/** An Identity Center and an STS, and a run of the profile that goes on from a role of the first to one of the second. */
async function chained(t: TestContext) {
  const [idc, sts] = [await startIdentityCenter(t), await startSts(t)];
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const env = { ...personEnvironment(home, idc), AWS_ENDPOINT_URL_STS: sts.url };
  const sources = (): readonly string[] => sts.calls.map(({ by }) => by);
  return { idc, sts, sources, run: (...more: string[]) => runStint('stint-credentials', ['chained', ...more], env) };
}

for (const code of ['ExpiredToken', 'InvalidClientTokenId']) {
  test(`a kept role of Identity Center that AWS ended early is fetched anew for the role behind it, once: ${code}`, async (t) => {
    const { idc, sts, sources, run } = await chained(t);
    await run();
    const [first] = sources();
    sts.refuse = ({ by }) => (by === first ? { status: 403, code, message: 'ended' } : undefined);
    const ended = await run('--duration', '15m');
    assert.equal(ended.code, 0, ended.stderr);
    assert.equal(idc.calls.length, 2);
    assert.deepEqual(
      sources()
        .slice(1)
        .map((by) => by === first),
      [true, false],
    );
    sts.refuse = () => ({ status: 403, code, message: 'ended' });
    assert.match((await run('--duration', '20m')).stderr, /^error\[credentials-/);
    assert.deepEqual([idc.calls.length, sts.calls.length], [3, 5], 'asked once more, and not for ever');
  });
}

test('--refresh of a chain fetches the role of Identity Center anew as well', async (t) => {
  const { idc, sources, run } = await chained(t);
  const first = (await run()).stdout;
  const { code, stdout, stderr } = await run('--refresh');
  assert.equal(code, 0, stderr);
  assert.notEqual(stdout, first);
  assert.equal(idc.calls.length, 2);
  assert.equal(new Set(sources()).size, 2);
});

test('without a terminal one line names file and line, and the cure', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  const { code, stdout, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.deepEqual([code, stdout], [1, '']);
  assert.equal(
    stderr,
    `error[sso-sign-in-needed]: ${home}/.aws/config:6: profile \`dev\` needs a sign-in to \`https://corp.awsapps.com/start\`, and there is no terminal to sign in at\nhint: run \`stint sso login dev\` in a terminal, or \`aws sso login\`\n`,
  );
  assert.deepEqual([openedIn(home), idc.calls], [[], []]);
});

test('an ended token is renewed by its refresh token, without a terminal', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, { endsIn: -60, extra: { ours: 'kept' } });
  const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.equal(code, 0, stderr);
  assert.deepEqual(idc.paths, ['/token', '/federation/credentials']);
  const token = JSON.parse(readFileSync(cacheFile(home, 'corp'), 'utf8'));
  assert.equal(token.ours, 'kept');
  assert.ok(Date.parse(token.expiresAt) > Date.now() + 7 * 3_600_000);
  assert.equal(token.refreshToken, token.accessToken.replace('token', 'refresh'));
});

test('five at once renew a token once and fetch one role once', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, { endsIn: 60 });
  const env = personEnvironment(home, idc);
  const targets = ['dev', 'dev', 'dev-admin', 'dev', 'dev-admin'];
  const ended = await Promise.all(targets.map((target) => runStint('stint-credentials', [target], env)));
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0, 0, 0],
  );
  assert.deepEqual([idc.count('/token'), idc.count('/federation/credentials')], [1, 2]);
});

test('parallel runs at a terminal open one tab (ByteNess/aws-vault#337, #445)', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  const env = personEnvironment(home, idc);
  const targets = ['dev', 'dev-admin', 'dev', 'dev-admin'];
  const ended = await Promise.all(targets.map((target) => runAtTerminal(['credentials', target], env)));
  for (const { code, stderr } of ended) assert.equal(code, 0, stderr);
  assert.equal(openedIn(home).length, 1);
});

test('when the sign-in that others wait for is given up, none of them opens the next tab', async (t) => {
  const idc = await startIdentityCenter(t);
  idc.moods.authorize = 'nothing';
  const home = temporaryHome(t, config);
  const env = personEnvironment(home, idc);
  const first = startAtTerminal(['credentials', 'dev'], env);
  await first.shows('/authorize?');
  await opened(home);
  const second = startAtTerminal(['credentials', 'dev-admin', '--explain'], env);
  await second.shows('waiting for it');
  first.type('\u0003');
  assert.equal((await first.ended).code, 130);
  const { code, stderr } = await second.ended;
  assert.equal(code, 1);
  assert.match(stderr, /error\[sso-sign-in-failed\].*came to nothing/);
  assert.equal(openedIn(home).length, 1);
  assert.ok(!existsSync(cacheFile(home, 'corp')));
});

test('a token that AWS has ended before its time is renewed, and the role asked for again', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  idc.endTokens();
  const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.equal(code, 0, stderr);
  assert.deepEqual(idc.paths, ['/federation/credentials', '/token', '/federation/credentials']);
});

test('a sign-in that AWS has ended altogether needs a person', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  idc.endSignIns();
  const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.equal(code, 1);
  assert.match(stderr, /^error\[sso-sign-in-needed\]/);
});

test('a role that is not assigned is told with file, line and the way to see which are', async (t) => {
  const idc = await startIdentityCenter(t);
  idc.accounts = [];
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.equal(code, 1);
  assert.match(stderr, /^error\[sso-refused\]: .*config:6: .*role `ReadOnly` of account 222222222222: No access/);
  assert.match(stderr, /hint: `stint sso ls`/);
});

test('what another server answers is not taken for a refusal, and no redirect is followed with the token', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const answers = [
    { status: 302, headers: { location: `${idc.url}/elsewhere` }, body: {} },
    { status: 200, body: ['x'] },
  ];
  for (const answer of answers) {
    idc.moods.instead = () => answer;
    const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
    assert.equal(code, 1);
    assert.match(stderr, /^error\[sso-failed\]: .* answered something that is not from IAM Identity Center/);
  }
  assert.deepEqual(idc.paths, ['/federation/credentials', '/federation/credentials']);
});

test('over SSH a code is shown, for any device, and no browser opens (granted#244)', async (t) => {
  const idc = await startIdentityCenter(t);
  idc.moods.device = ['authorization_pending'];
  const home = temporaryHome(t, config);
  const env = {
    ...personEnvironment(home, idc),
    BROWSER: '',
    SSH_CONNECTION: '192.0.2.1 1 192.0.2.2 22',
    DISPLAY: ':0',
  };
  const { code, stderr } = await runAtTerminal(['credentials', 'dev'], env);
  assert.equal(code, 0, stderr);
  assert.match(stderr, /in a browser on any device:/);
  assert.match(stderr, /enter the code {2}ABCD-EFGH/);
  assert.deepEqual(openedIn(home), []);
});

test('an end by Ctrl-C while the browser is waited for leaves nothing behind, and the exit code is 130', async (t) => {
  const idc = await startIdentityCenter(t);
  idc.moods.authorize = 'nothing';
  const home = temporaryHome(t, config);
  const env = personEnvironment(home, idc);
  const running = startAtTerminal(['credentials', 'dev'], env);
  await running.shows('/authorize?');
  running.type('\u0003');
  const { code, stdout, stderr } = await running.ended;
  assert.deepEqual([code, stdout], [130, ''], stderr);
  idc.moods.authorize = 'approve';
  assert.equal((await runAtTerminal(['credentials', 'dev'], env)).code, 0);
});

test('without a home the sign-in cannot be found, and that is said', async (t) => {
  const idc = await startIdentityCenter(t);
  const home = temporaryHome(t, config);
  const { HOME: _, ...env } = personEnvironment(home, idc);
  const { code, stderr } = await runStint('stint-credentials', ['dev'], {
    ...env,
    AWS_CONFIG_FILE: `${home}/.aws/config`,
  });
  assert.equal(code, 1);
  assert.match(stderr, /^error\[sso-unwritable\]: there is no home/);
});

test('a clock an hour ahead is told for what it is', async (t) => {
  const idc = await startIdentityCenter(t);
  idc.moods.now = () => Date.now() - 3 * 3_600_000;
  const home = temporaryHome(t, config);
  putToken(home, idc, {});
  const { code, stderr } = await runStint('stint-credentials', ['dev'], personEnvironment(home, idc));
  assert.equal(code, 1);
  assert.match(stderr, /^error\[clock-skew\]: .*config:6: AWS gave credentials that have ended already/);
});
