import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { childEnvironment, runStint, startSts, temporaryHome } from './support.ts';

const config = `[profile central]
region = eu-west-1
[profile dev]
role_arn = arn:aws:iam::222222222222:role/test_role
source_profile = central
[profile deep]
role_arn = arn:aws:iam::333333333333:role/deep
source_profile = dev
[profile one]
role_arn = arn:aws:iam::222222222222:role/one
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
[profile two]
role_arn = arn:aws:iam::222222222222:role/two
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
`;

test('five processes at once for one target make exactly one STS call and print the same session', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const ended = await Promise.all(Array.from({ length: 5 }, () => runStint('stint-credentials', ['dev'], env)));
  for (const { code, stderr } of ended) assert.deepEqual([code, stderr], [0, '']);
  assert.equal(new Set(ended.map(({ stdout }) => stdout)).size, 1);
  assert.equal(sts.calls.length, 1);
});

test('credentials are the JSON of credential_process: version a number, times in UTC with Z, secrets unharmed', async (t) => {
  const sts = await startSts(t);
  const { stdout } = await runStint('main', ['credentials', 'dev'], childEnvironment(temporaryHome(t, config), sts));
  const { Expiration, ...rest } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual(rest, {
    Version: 1,
    AccessKeyId: 'ASIA0000000000000001',
    SecretAccessKey: `secret/1<&>'"$`,
    SessionToken: 'token 1 `x`',
    AccountId: '222222222222',
  });
  assert.match(String(Expiration), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

test('a kept session is private, answers without a call, and is shared by both programs', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const first = await runStint('main', ['credentials', 'dev'], env);
  const second = await runStint('stint-credentials', ['dev'], env);
  assert.equal(first.stdout, second.stdout);
  assert.equal(sts.calls.length, 1);
  const folder = join(home, '.cache', 'stint', 'sessions');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  for (const name of readdirSync(folder)) {
    const stat = statSync(join(folder, name));
    assert.equal(stat.mode & 0o777, stat.isDirectory() ? 0o700 : 0o600, name);
  }
});

test('a chain is assumed link by link, and its middle is kept for the next one', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  await runStint('stint-credentials', ['deep'], env);
  await runStint('stint-credentials', ['dev'], env);
  const seen = sts.calls.map(({ by, parameters }) => [
    by,
    parameters.get('RoleArn'),
    parameters.get('RoleSessionName'),
  ]);
  assert.deepEqual(seen, [
    ['AKIAIOSFODNN7EXAMPLE', 'arn:aws:iam::222222222222:role/test_role', 'alice'],
    ['ASIA0000000000000001', 'arn:aws:iam::333333333333:role/deep', 'alice'],
  ]);
});

test('one MFA code serves every role of a source', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  const first = await runStint('stint-credentials', ['one', '--mfa-code', '123456'], env);
  const second = await runStint('stint-credentials', ['two'], env);
  assert.deepEqual([first.code, second.code], [0, 0]);
  assert.deepEqual(
    sts.calls.map(({ action, parameters }) => [action, parameters.get('TokenCode')]),
    [
      ['GetSessionToken', '123456'],
      ['AssumeRole', null],
      ['AssumeRole', null],
    ],
  );
});

test('a code that is needed and cannot be asked for is an error that names the flag', async (t) => {
  const sts = await startSts(t);
  const { code, stdout, stderr } = await runStint(
    'stint-credentials',
    ['one'],
    childEnvironment(temporaryHome(t, config), sts),
  );
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^error\[mfa-needed\].*\nhint: .*--mfa-code/);
  assert.equal(sts.calls.length, 0);
});
