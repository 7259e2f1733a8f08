import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadProfiles } from '../../src/assume/profiles.ts';
import { childEnvironment, runStint, runStintHere, startSts, temporaryHome } from './support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = central
region = eu-west-3
[profile settings]
region = eu-west-1
`;

test('`--write-profile` writes what SDKs read, and replaces only what it wrote', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const file = join(home, '.aws/credentials');
  const before = readFileSync(file, 'utf8');
  const done = await runStintHere(['credentials', 'dev', '--write-profile', 'settings'], env);
  assert.deepEqual([done.code, done.stdout], [0, '']);
  assert.match(
    done.stderr,
    /^note: .*mode 644.*\nwrote `\[settings\]` to .*credentials, until \d{4}-.*; as it was before: /,
  );
  const { profiles } = loadProfiles({ HOME: home }, (path) => readFileSync(path, 'utf8'));
  const written = profiles.get('settings')!.settings;
  assert.deepEqual(
    ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token'].map((key) => written.get(key)?.value),
    ['ASIA0000000000000001', `secret/1<&>'"$`, 'token 1 `x`'],
  );
  const again = await runStintHere(['credentials', 'dev', '--write-profile', 'settings', '--refresh'], env);
  assert.equal(again.code, 0);
  assert.match(readFileSync(file, 'utf8'), /ASIA0000000000000002/);
  assert.doesNotMatch(readFileSync(file, 'utf8'), /ASIA0000000000000001/);
  assert.ok(readFileSync(file, 'utf8').startsWith(before));
  const cleaned = await runStintHere(['credentials', '--clean'], env);
  assert.match(cleaned.stderr, /^nothing of Stint has ended/);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/expiration = .*/, 'expiration = 2020-01-01T00:00:00Z'));
  assert.equal((await runStintHere(['credentials', '--clean'], env)).stderr, 'removed settings\n');
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('a name that is taken, or none, is refused before a session is fetched', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const refused = async (name: string): Promise<string> => {
    const { code, stderr, stdout } = await runStintHere(['credentials', 'dev', '--write-profile', name], env);
    assert.notEqual(code, 0);
    assert.equal(stdout, '');
    return /^error\[([\w-]+)\]/.exec(stderr)?.[1] ?? stderr;
  };
  assert.equal(await refused('dev'), 'invalid-option');
  for (const name of ['a]', '', ' a', 'a\nb', '#a', 'a  b', 'x'.repeat(200)]) {
    assert.equal(await refused(name), 'invalid-option', JSON.stringify(name));
  }
  writeFileSync(join(home, '.aws/config'), `${config}[profile sso]\nsso_session = x\n`);
  assert.equal(await refused('sso'), 'section-foreign');
  assert.equal(sts.calls.length, 0);
  assert.equal(await refused('central'), 'section-foreign');
});

test('where no lock can be taken, for its folder cannot be written, the section is written all the same', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  // A file where the folder should be: as unwritable as a folder of somebody else, for root too.
  writeFileSync(join(home, 'cache'), '');
  const env = { ...childEnvironment(home, sts), XDG_CACHE_HOME: join(home, 'cache') };
  const { code, stderr } = await runStintHere(['credentials', 'dev', '--write-profile', 'w'], env);
  assert.deepEqual([code, stderr.includes('wrote `[w]`')], [0, true], stderr);
  assert.match(readFileSync(join(home, '.aws/credentials'), 'utf8'), /^\[w\]\nmanager = stint$/m);
});

test('five writers at once leave five sections', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const names = ['p1', 'p2', 'p3', 'p4', 'p5'];
  const ended = await Promise.all(
    names.map((name) => runStint('main', ['credentials', 'dev', '--write-profile', name], env)),
  );
  assert.deepEqual(
    ended.map(({ code }) => code),
    [0, 0, 0, 0, 0],
  );
  const text = readFileSync(join(home, '.aws/credentials'), 'utf8');
  assert.deepEqual([...text.matchAll(/^\[(p\d)\]/gm)].map((match) => match[1]!).toSorted(), names);
});

test('caches of other tools stay as they are, whatever Stint does', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const theirs = ['.aws/cli/cache/0a1b.json', '.aws/boto/cache/2c3d.json', '.awsume/cache/aws-credentials-AKIA'];
  for (const name of theirs) {
    mkdirSync(join(home, name, '..'), { recursive: true });
    writeFileSync(join(home, name), `{"Credentials":{"of":"${name}"}}`, { mode: 0o600 });
  }
  const look = (): readonly unknown[] =>
    theirs.map((name) => {
      const { mtimeMs, mode, ino } = statSync(join(home, name));
      return [readFileSync(join(home, name), 'utf8'), mtimeMs, mode, ino, readdirSync(join(home, name, '..'))];
    });
  const before = look();
  for (const args of [
    ['credentials', 'dev'],
    ['credentials', 'dev', '--write-profile', 'p', '--refresh'],
    ['credentials', '--clean'],
    ['forget', 'dev'],
    ['forget', '--all'],
    ['ls'],
  ]) {
    assert.equal((await runStintHere(args, env)).code, 0);
  }
  assert.deepEqual(look(), before);
});
