// What users of other tools complain about with many accounts; the numbers are those of the list the tests were made from.
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { age } from './ready-support.ts';
import { childEnvironment, keys, runStint, startSts, temporaryHome } from './support.ts';

const account = (index: number): string => String(200_000_000_000 + index);
const profiles = (count: number): string =>
  Array.from(
    { length: count },
    (_, index) =>
      `[profile account${index}]\nrole_arn = arn:aws:iam::${account(index)}:role/admin\nsource_profile = central\n`,
  ).join('');

test('47 (99designs/aws-vault#423): a role of any account is had without a profile for it', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, '', `[default]\n${keys}`), sts);
  for (const target of ['222222222222:admin', 'arn:aws:iam::333333333333:role/team/admin']) {
    const { code, stderr } = await runStint('stint-credentials', [target], env);
    assert.deepEqual([code, stderr], [0, '']);
  }
  assert.deepEqual(
    sts.calls.map(({ parameters }) => parameters.get('RoleArn')),
    ['arn:aws:iam::222222222222:role/admin', 'arn:aws:iam::333333333333:role/team/admin'],
  );
});

test('48 (99designs/aws-vault#296): several accounts in one run, each by its own credential_process at the same time', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, profiles(4)), sts);
  const ended = await Promise.all([0, 1, 2, 3].map((index) => runStint('stint-credentials', [`account${index}`], env)));
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  assert.equal(new Set(ended.map(({ stdout }) => stdout)).size, 4);
  assert.equal(sts.calls.length, 4);
});

test('49 (synfinatic/aws-sso-cli#448): listing 800 accounts asks nobody', async (t) => {
  const sts = await startSts(t);
  const { code, stdout } = await runStint('main', ['ls'], childEnvironment(temporaryHome(t, profiles(800)), sts));
  assert.equal(code, 0);
  assert.equal(stdout.trimEnd().split('\n').length, 802);
  assert.equal(sts.calls.length, 0);
});

test('50 (synfinatic/aws-sso-cli#574): a list of names that is kept is not used once a file has changed', async (t) => {
  const home = temporaryHome(t, profiles(2));
  const env = childEnvironment(home);
  const file = join(home, '.cache/stint/sessions/ready/names');
  age(home);
  await runStint('main', ['ls', '--names'], env);
  const before = readFileSync(file, 'utf8');
  appendFileSync(join(home, '.aws', 'config'), '[profile new]\nregion = eu-west-1\n');
  const { stdout } = await runStint('main', ['ls', '--names'], env);
  assert.match(stdout, /^new$/m);
  age(home);
  await runStint('main', ['ls', '--names'], env);
  assert.notEqual(readFileSync(file, 'utf8'), before);
});
