import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { childEnvironment, credentialsFile, runStint, runStintHere, startSts, temporaryHome } from './support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = central
[profile one]
role_arn = arn:aws:iam::222222222222:role/one
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
[profile two]
role_arn = arn:aws:iam::222222222222:role/two
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
`;

test('a process killed while it holds the lock lets the waiting one go on at once', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  const asked = Promise.withResolvers<void>();
  sts.hold = (_, count) => {
    asked.resolve();
    return count === 1;
  };
  const killed = spawn(process.execPath, [credentialsFile, 'dev'], { env, stdio: 'ignore', detached: true });
  await asked.promise;
  const waiting = spawn(process.execPath, [credentialsFile, 'dev', '--explain'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = Promise.withResolvers<void>();
  waiting.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('waiting for it')) seen.resolve();
  });
  waiting.stdout.resume();
  const ended = once(waiting, 'exit');
  await seen.promise;
  assert.equal(sts.calls.length, 1);
  killed.kill('SIGKILL');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(sts.calls.length, 2);
});

test('--refresh replaces a kept session', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  const first = await runStint('stint-credentials', ['dev'], env);
  const second = await runStint('stint-credentials', ['dev', '--refresh'], env);
  assert.notEqual(first.stdout, second.stdout);
  assert.equal(sts.calls.length, 2);
  assert.equal((await runStint('stint-credentials', ['dev'], env)).stdout, second.stdout);
});

test('a kept MFA session that AWS ended before its time is replaced, once', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  await runStint('stint-credentials', ['one', '--mfa-code', '111111'], env);
  sts.refuse = ({ by }) =>
    by === 'ASIA0000000000000001' ? { status: 403, code: 'ExpiredToken', message: 'expired' } : undefined;
  const { code } = await runStint('stint-credentials', ['two', '--mfa-code', '222222'], env);
  assert.equal(code, 0);
  assert.deepEqual(
    sts.calls.slice(2).map(({ action }) => action),
    ['AssumeRole', 'GetSessionToken', 'AssumeRole'],
  );
});

test('--refresh of a role behind a role makes both anew, and asks for no second code', async (t) => {
  const sts = await startSts(t);
  const chain = `${config}[profile last]\nrole_arn = arn:aws:iam::333333333333:role/last\nsource_profile = one\n`;
  const env = childEnvironment(temporaryHome(t, chain), sts);
  await runStint('stint-credentials', ['last', '--mfa-code', '111111'], env);
  const { code, stderr } = await runStint('stint-credentials', ['last', '--refresh'], env);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    sts.calls.map(({ action }) => action),
    ['GetSessionToken', 'AssumeRole', 'AssumeRole', 'AssumeRole', 'AssumeRole'],
  );
});

test('forget of a name that nobody knows suggests one; what is kept of a target that is gone is forgotten', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  await runStintHere(['credentials', 'dev'], env);
  const unknown = await runStintHere(['forget', 'dve'], env);
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /^error\[unknown-target\]: there is no target `dve` .*\nhint: did you mean `dev`\?\n$/);
  writeFileSync(join(home, '.aws/config'), '');
  assert.match((await runStintHere(['forget', 'dev'], env)).stderr, /^forgot 1 session /);
  assert.match((await runStintHere(['forget', 'dev'], env)).stderr, /^error\[unknown-target\]/);
  writeFileSync(join(home, '.aws/config'), config);
  assert.deepEqual((await runStintHere(['forget', 'dev'], env)).code, 0);
});

test('a kept session that has ended is not served', async (t) => {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  sts.now = () => Date.now() - 3601 * 1000;
  await runStint('stint-credentials', ['dev'], env);
  await runStint('stint-credentials', ['dev'], env);
  assert.equal(sts.calls.length, 2);
});

test('where nothing can be written, the session is fetched, said not to be kept, and stdout stays data', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  writeFileSync(join(home, 'file'), '');
  const env = { ...childEnvironment(home, sts), STINT_HOME: join(home, 'file') };
  const { code, stdout, stderr } = await runStint('stint-credentials', ['dev'], env);
  assert.equal(code, 0);
  assert.equal(JSON.parse(stdout).Version, 1);
  assert.match(stderr, /^note: sessions cannot be kept in /);
});

test('without a home nothing is kept, and nothing is written anywhere', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const { HOME: _, ...env } = childEnvironment(home, sts);
  const files = {
    AWS_CONFIG_FILE: join(home, '.aws/config'),
    AWS_SHARED_CREDENTIALS_FILE: join(home, '.aws/credentials'),
  };
  assert.equal((await runStint('stint-credentials', ['dev'], { ...env, ...files })).code, 0);
  assert.deepEqual(readdirSync(home), ['.aws']);
});

test('without HOME, as in a service, the files are looked for where the system has the home', async (t) => {
  const { HOME: _, ...env } = childEnvironment(temporaryHome(t, config));
  const { code, stderr } = await runStint('stint-credentials', ['no such target'], env);
  assert.equal(code, 1);
  assert.ok(stderr.includes(`\`${userInfo().homedir}/.aws/config\``), stderr);
});

test('where no variable names the person, as in a container, sessions are named after the user of the system', async (t) => {
  const sts = await startSts(t);
  const { USER: _, ...env } = childEnvironment(temporaryHome(t, config), sts);
  await runStintHere(['credentials', 'dev'], env);
  const { username } = userInfo();
  const allowed = username.replace(/[^\w+=,.@-]/g, '-').slice(0, 64);
  assert.equal(sts.calls[0]?.parameters.get('RoleSessionName'), allowed.length < 2 ? `${allowed}-stint` : allowed);
});

test('STINT_HOME and XDG_CACHE_HOME say where sessions are kept', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  await runStint('stint-credentials', ['dev'], { ...childEnvironment(home, sts), XDG_CACHE_HOME: join(home, 'xdg') });
  await runStint('stint-credentials', ['dev'], { ...childEnvironment(home, sts), STINT_HOME: join(home, 'own') });
  assert.deepEqual(readdirSync(join(home, 'xdg/stint')), ['sessions']);
  assert.deepEqual(readdirSync(join(home, 'own')), ['sessions']);
});

test('a profile whose credential_process asks Stint for that profile again is refused, not run for ever', async (t) => {
  const home = temporaryHome(
    t,
    `[profile loop]\ncredential_process = "${process.execPath}" "${credentialsFile}" loop\n`,
  );
  const { code, stderr } = await runStint('stint-credentials', ['loop'], childEnvironment(home));
  assert.equal(code, 1);
  assert.match(stderr, /error\[profile-circular\]/);
});

test('a role from a credential_process is assumed and kept, and the process is asked once', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(
    t,
    `[profile base]\ncredential_process = ./count\n[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = base\nduration_seconds = 7200\n`,
  );
  const script = join(home, 'count');
  writeFileSync(
    script,
    `#!/bin/sh\necho run >> '${home}/runs'\necho '{"Version":1,"AccessKeyId":"ASIAP","SecretAccessKey":"s","SessionToken":"t"}'\n`,
  );
  chmodSync(script, 0o755);
  writeFileSync(join(home, '.aws/config'), readFileSync(join(home, '.aws/config'), 'utf8').replace('./count', script));
  const env = childEnvironment(home, sts);
  const first = await runStint('stint-credentials', ['dev'], env);
  assert.match(first.stderr, /^note: 1h instead of 2h/);
  await runStint('stint-credentials', ['dev'], env);
  assert.equal(readFileSync(join(home, 'runs'), 'utf8'), 'run\n');
  assert.deepEqual(
    [sts.calls.length, sts.calls[0]?.by, sts.calls[0]?.parameters.get('DurationSeconds')],
    [1, 'ASIAP', '3600'],
  );
});

test('no secret is in stderr, nor in any file but the kept session and its entry for shells', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = { ...childEnvironment(home, sts), STINT_DEBUG: '1' };
  let stderr = '';
  for (const args of [
    ['dev', '--explain'],
    ['one', '--mfa-code', '987654', '--explain'],
    ['dev', '--refresh'],
  ]) {
    stderr += (await runStint('stint-credentials', args, env)).stderr;
  }
  sts.refuse = () => ({ status: 403, code: 'AccessDenied', message: 'no' });
  stderr += (await runStint('stint-credentials', ['two', '--explain', '--refresh'], env)).stderr;
  const secrets = ['secret/', 'token ', 'wJalrXUtnFEMI', '987654'];
  for (const secret of secrets) assert.ok(!stderr.includes(secret), `${secret} in ${stderr}`);
  const kept = join(home, '.cache/stint/sessions');
  for (const name of readdirSync(kept, { recursive: true }) as string[]) {
    if (statSync(join(kept, name)).isDirectory()) continue;
    const text = readFileSync(join(kept, name), 'utf8');
    for (const secret of ['wJalrXUtnFEMI', '987654']) assert.ok(!text.includes(secret));
    if (!/\.json$|^ready\/t\./.test(name)) assert.equal(text.trim(), '');
  }
});

test('a folder of kept sessions that cannot be trusted is made private again', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const folder = join(home, 'own/sessions');
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o777);
  await runStint('stint-credentials', ['dev'], { ...childEnvironment(home, sts), STINT_HOME: join(home, 'own') });
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

const injection = String.raw`{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s3cr3t\n[default]\ncredential_process = evil"}`;

test('keys that would write lines of their own are refused, wherever they come from and go to', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, '');
  writeFileSync(join(home, 'keys.json'), injection);
  const lines = [
    '[profile process]\n',
    `credential_process = cat ${home}/keys.json\n`,
    '[profile file]\naws_access_key_id = AKIA1\n  more\naws_secret_access_key = s\n',
    '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = file\n',
  ];
  writeFileSync(join(home, '.aws', 'config'), lines.join(''));
  const env = childEnvironment(home, sts);
  const before = readFileSync(join(home, '.aws', 'credentials'), 'utf8');
  for (const args of [
    ['credentials', 'process', '--write-profile', 'w'],
    ['credentials', 'process', '--format', 'env'],
    ['assume', 'process'],
    ['exec', 'file', '--', 'true'],
    ['credentials', 'dev'],
  ]) {
    const { code, stdout, stderr } = await runStint('main', args, env);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, /^error\[credentials-malformed\]: the (?:secret access key|access key id) of /);
    assert.doesNotMatch(stderr, /s3cr3t/);
  }
  assert.equal(readFileSync(join(home, '.aws', 'credentials'), 'utf8'), before);
  assert.equal(sts.calls.length, 0);
});
