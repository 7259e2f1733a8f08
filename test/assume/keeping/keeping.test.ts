// One suite for every way of keeping sessions: plain files, and files sealed with a key of each keyring.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isFailure, Secret, systemClock } from '../../../src/base/index.ts';
import { requestIdentity, SessionCache } from '../../../src/assume/cache.ts';
import { chosenKeyring } from '../../../src/assume/keeping/choose.ts';
import { forgetKey, KeyringSealing, openKeyring, openSealing } from '../../../src/assume/keeping/index.ts';
import { keyringNames } from '../../../src/assume/keeping/keyring.ts';
import type { SessionRequest } from '../../../src/assume/model.ts';
import { childEnvironment, runStint, startSts, temporaryHome } from '../support.ts';
import { readyHome } from '../ready-support.ts';
import { keyringTools, type KeyringTools } from './keyring-tools.ts';

const request: SessionRequest = {
  target: 'dev',
  source: {
    kind: 'keys',
    from: 'x',
    credentials: { accessKeyId: 'AKIA1', secretAccessKey: new Secret('long-term secret') },
  },
  roles: [{ roleArn: 'arn:aws:iam::222222222222:role/x', sessionName: 'alice' }],
  sts: { url: 'https://sts.amazonaws.com', signingRegion: 'us-east-1' },
  region: 'eu-west-1',
  settings: {},
};
const identity = requestIdentity(request);
const session = {
  accessKeyId: 'ASIA1',
  secretAccessKey: new Secret('the secret'),
  sessionToken: new Secret('the token'),
  expiration: Math.ceil(Date.now() / 1000) * 1000 + 3_600_000,
};

interface World {
  readonly tools: KeyringTools;
  readonly folder: string;
  readonly env: Record<string, string>;
  readonly notes: string[];
  /** A cache as another process would open it. */
  readonly open: (keyring?: string) => SessionCache;
  readonly files: () => readonly string[];
}

function world(t: TestContext, keyring: string): World {
  const base = mkdtempSync(join(tmpdir(), 'stint-keeping-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const tools = keyringTools(base);
  const folder = join(base, 'sessions');
  const env = { PATH: tools.path, HOME: base };
  const notes: string[] = [];
  const note = (line: string): void => void notes.push(line);
  return {
    tools,
    folder,
    env,
    notes,
    open: (name = keyring) =>
      new SessionCache(folder, systemClock, openSealing(folder, { ...env, STINT_KEYRING: name }, note)),
    files: () => readdirSync(folder).filter((name) => name.endsWith('.json')),
  };
}

for (const keyring of ['none', ...keyringNames]) {
  test(`${keyring}: a session comes back as it was, from a private file`, (t) => {
    const { open, folder, files } = world(t, keyring);
    assert.equal(open().read(identity), undefined);
    open().write(identity, request, session);
    const kept = open().read(identity)!;
    assert.deepEqual(
      [
        kept.credentials.accessKeyId,
        kept.credentials.secretAccessKey.reveal(),
        kept.credentials.sessionToken?.reveal(),
      ],
      ['ASIA1', 'the secret', 'the token'],
    );
    assert.deepEqual([kept.credentials.expiration, kept.target], [session.expiration, 'dev']);
    assert.equal(statSync(join(folder, files()[0]!)).mode & 0o777, 0o600);
  });

  test(`${keyring}: keys of a lent user keep their lease, and have no token`, (t) => {
    const { open } = world(t, keyring);
    const lease = { id: 'aws/creds/x/1', server: 'http://s' };
    open().write(identity, request, { ...session, sessionToken: undefined, lease });
    const { credentials } = open().read(identity)!;
    assert.deepEqual([credentials.sessionToken, credentials.lease], [undefined, lease]);
    assert.deepEqual(open().list()[0]?.credentials, { expiration: session.expiration, lease });
  });

  test(`${keyring}: listing and removing need no secret`, (t) => {
    const { open, tools, files } = world(t, keyring);
    open().write(identity, request, session);
    const before = tools.calls().length;
    const [entry, ...more] = open().list();
    assert.deepEqual([entry?.target, entry?.roleArn, more], ['dev', request.roles[0]?.roleArn, []]);
    assert.equal('accessKeyId' in entry!.credentials, false);
    assert.equal(open().remove([entry!]), 1);
    assert.deepEqual(files(), []);
    assert.equal(tools.calls().length, before);
  });
}

for (const keyring of keyringNames) {
  test(`${keyring}: nothing of a session is readable in the file, the arguments or the environment of the tool`, (t) => {
    const { open, folder, files, tools, env } = world(t, keyring);
    Object.assign(env, { AWS_SECRET_ACCESS_KEY: 'a secret of the shell' });
    open().write(identity, request, session);
    open().read(identity);
    const text = readFileSync(join(folder, files()[0]!), 'utf8');
    assert.doesNotMatch(text, /the secret|the token|ASIA1/);
    const [entry] = readdirSync(tools.store);
    const key = readFileSync(join(tools.store, entry!), 'utf8').trim();
    assert.match(key, /^[0-9a-f]{64}$/);
    const log = `${tools.calls().join('\n')}${readFileSync(join(folder, '../calls.env'), 'utf8')}`;
    assert.equal(log.includes(key) || text.includes(key), false);
    assert.doesNotMatch(log, /a secret of the shell/);
  });

  test(`33, 34, 37 (99designs/aws-vault#188, #211, #219, #534, #745, fwdcloudsec/granted#160, #403, ByteNess/aws-vault#256): ${keyring} is asked once per command, has one entry for all sessions, and none for ls`, (t) => {
    const { open, tools } = world(t, keyring);
    const identities = ['one', 'two', 'three'].map((name) => requestIdentity({ ...request, mfaSerial: name }));
    for (const each of identities) open().write(each, request, session);
    assert.equal(readdirSync(tools.store).length, 1);
    const before = tools.calls().length;
    const cache = open();
    for (const each of identities) assert.notEqual(cache.read(each), undefined);
    assert.equal(tools.calls().length - before, 1);
    open().list();
    assert.equal(tools.calls().length - before, 1);
  });

  test(`35 (99designs/aws-vault#683, #736, #366, #304): ${keyring} that does not answer is told once, with the cure; nothing is kept plain`, (t) => {
    const { open, tools, notes, folder } = world(t, keyring);
    tools.lock('Cannot autolaunch D-Bus without X11 $DISPLAY\nmore');
    const cache = open();
    cache.write(identity, request, session);
    assert.equal(cache.read(identity), undefined);
    cache.write(identity, request, session);
    assert.equal(notes.length, 1);
    assert.match(
      notes[0]!,
      new RegExp(`keyring \`${keyring}\` does not answer \\(Cannot autolaunch D-Bus without X11`),
    );
    assert.match(notes[0]!, /STINT_KEYRING|pass init/);
    assert.deepEqual(readdirSync(folder), []);
    tools.lock(undefined);
    open().write(identity, request, session);
    tools.lock('locked');
    assert.equal(open().read(identity), undefined);
    tools.lock(undefined);
    assert.notEqual(open().read(identity), undefined);
  });

  test(`${keyring}: a sealed file opens for what it was sealed for, and for nothing else`, (t) => {
    const { open, folder, files } = world(t, keyring);
    open().write(identity, request, session);
    const file = join(folder, files()[0]!);
    const form = JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>;
    const write = (change: Record<string, unknown>): void =>
      writeFileSync(file, JSON.stringify({ ...form, ...change }));
    for (const change of [
      { target: 'prod' },
      { expiration: '2999-01-01T00:00:00Z' },
      { roleArn: 'arn:aws:iam::444444444444:role/x' },
      { sealed: `${form['sealed']!.startsWith('A') ? 'B' : 'A'}${form['sealed']!.slice(1)}` },
      { sealed: '' },
      { keyring: 'none' },
    ]) {
      write(change);
      assert.equal(open().read(identity), undefined, JSON.stringify(change));
    }
    write({});
    assert.notEqual(open().read(identity), undefined);
    assert.equal(open('none').read(identity), undefined);
  });

  test(`${keyring}: what was kept plain is sealed when it is next read`, (t) => {
    const { open, folder, files } = world(t, keyring);
    open('none').write(identity, request, session);
    const file = join(folder, files()[0]!);
    assert.match(readFileSync(file, 'utf8'), /the secret/);
    assert.equal(open().read(identity)?.credentials.secretAccessKey.reveal(), 'the secret');
    assert.doesNotMatch(readFileSync(file, 'utf8'), /the secret/);
    assert.equal(open().read(identity)?.credentials.secretAccessKey.reveal(), 'the secret');
  });

  test(`${keyring}: what was kept plain goes when it cannot be sealed`, (t) => {
    const { open, tools, files } = world(t, keyring);
    open('none').write(identity, request, session);
    tools.lock('locked');
    assert.equal(open().read(identity)?.credentials.secretAccessKey.reveal(), 'the secret');
    assert.deepEqual(files(), []);
  });

  test(`${keyring}: an entry of somebody else is not used, and not overwritten`, (t) => {
    const { open, tools, notes, folder, env } = world(t, keyring);
    open().write(identity, request, session);
    const entry = join(tools.store, readdirSync(tools.store)[0]!);
    writeFileSync(entry, 'my diary');
    assert.equal(open().read(identity), undefined);
    open().write(identity, request, session);
    assert.equal(readFileSync(entry, 'utf8'), 'my diary');
    assert.match(notes[0]!, /is no key/);
    forgetKey(keyring, folder, env);
    assert.equal(existsSync(entry), false);
    forgetKey(keyring, folder, env);
  });

  test(`${keyring}: two folders have two keys; a key made meanwhile by another process is the one`, (t) => {
    const { folder, env, tools } = world(t, keyring);
    const [one, other] = [openKeyring(keyring, folder, env), openKeyring(keyring, `${folder}2`, env)];
    const sealing = new KeyringSealing(one, assert.fail);
    const sealed = sealing.seal('text', 'about')!;
    new KeyringSealing(other, assert.fail).seal('text', 'about');
    assert.equal(readdirSync(tools.store).length, 2);
    const read = one.read.bind(one);
    let reads = 0;
    const late = new KeyringSealing(
      { ...one, read: () => (++reads === 1 ? undefined : read()), write: () => undefined },
      assert.fail,
    );
    assert.equal(sealing.open(late.seal('late', 'about')!, 'about'), 'late');
    assert.equal(late.open(sealed, 'about'), 'text');
  });
}

test('STINT_KEYRING chooses; `auto` takes what the desktop has, then a store of pass that was set up', () => {
  const at = (
    env: Record<string, string>,
    platform: NodeJS.Platform = 'linux',
    commands: readonly string[] = ['secret-tool', 'pass', 'security'],
  ): string | undefined =>
    chosenKeyring(env, {
      platform,
      has: (command) => commands.includes(command),
      exists: (path) => path === '/home/a/.password-store/.gpg-id' || path === '/store/.gpg-id',
    });
  assert.equal(at({}), undefined);
  assert.equal(at({ STINT_KEYRING: '' }), undefined);
  assert.equal(at({ STINT_KEYRING: 'none' }), undefined);
  assert.equal(at({ STINT_KEYRING: 'pass' }, 'linux', []), 'pass');
  const auto = { STINT_KEYRING: 'auto', HOME: '/home/a' };
  assert.equal(at(auto, 'darwin'), 'security');
  assert.equal(at({ ...auto, DBUS_SESSION_BUS_ADDRESS: 'unix:x' }), 'secret-tool');
  assert.equal(at({ ...auto, DBUS_SESSION_BUS_ADDRESS: 'unix:x' }, 'linux', ['pass']), 'pass');
  assert.equal(at(auto), 'pass');
  assert.equal(at({ ...auto, HOME: '/home/b' }), undefined);
  assert.equal(at({ ...auto, HOME: '/home/b', PASSWORD_STORE_DIR: '/store' }), 'pass');
  assert.throws(
    () => at({ STINT_KEYRING: 'secrettool' }),
    (error) => isFailure(error) && error.code === 'setting-invalid' && error.hint === 'did you mean `secret-tool`?',
  );
});

const config = '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n';

for (const keyring of keyringNames) {
  test(`36 (synfinatic/aws-sso-cli#815): \`stint\` with ${keyring}: kept sealed, used again, forgotten with its key`, async (t) => {
    const sts = await startSts(t);
    const home = temporaryHome(t, config);
    const tools = keyringTools(join(home, 'tools'));
    const env = { ...childEnvironment(home, sts), PATH: tools.path, STINT_KEYRING: keyring };
    const first = await runStint('stint-credentials', ['dev'], env);
    assert.deepEqual([first.code, first.stderr], [0, '']);
    assert.equal((await runStint('main', ['credentials', 'dev'], env)).stdout, first.stdout);
    assert.equal(sts.calls.length, 1);
    const { SecretAccessKey } = JSON.parse(first.stdout) as { SecretAccessKey: string };
    const folder = join(home, '.cache/stint');
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const path = join(folder, name);
      if (!statSync(path).isFile()) continue;
      const text = readFileSync(path, 'utf8');
      assert.equal(
        text.includes(SecretAccessKey) || text.includes(JSON.stringify(SecretAccessKey).slice(1, -1)),
        false,
        name,
      );
    }
    assert.match((await runStint('main', ['ls'], env)).stdout, /^dev .* left$/m);
    assert.equal(readdirSync(tools.store).length, 1);
    const forgot = await runStint('main', ['forget', 'dev'], { ...env, STINT_KEYRING: '' });
    assert.deepEqual([forgot.code, readdirSync(tools.store)], [0, []]);
    await runStint('main', ['credentials', 'dev'], env);
    tools.lock('locked');
    const left = await runStint('main', ['forget', '--all'], env);
    assert.equal(left.code, 1);
    assert.match(left.stderr, /^error\[keyring-unavailable\]: the keyring `[\w-]+` does not answer \(locked\)/m);
    tools.lock(undefined);
    assert.equal((await runStint('main', ['forget', '--all'], env)).code, 0);
    assert.deepEqual(readdirSync(tools.store), []);
  });
}

test('the index for shells holds nothing of a sealed session, and what it held before does not answer', async (t) => {
  const home = await readyHome(t, config);
  const tools = keyringTools(join(home.home, '.cache/tools'));
  await runStint('stint-credentials', ['dev'], home.env);
  const entries = (): readonly string[] => readdirSync(home.ready).filter((name) => name.startsWith('t.'));
  assert.equal(entries().length, 1);
  assert.equal((await home.answer('sh', 'dev')).started, false);
  assert.equal((await home.answer('sh', 'dev', { STINT_KEYRING: 'pass' })).started, true);
  assert.equal(entries().length, 1);
  const sealed = { ...home.env, PATH: tools.path, STINT_KEYRING: 'pass' };
  for (let run = 0; run < 2; run++) {
    assert.equal((await runStint('stint-credentials', ['dev'], sealed)).code, 0);
    assert.deepEqual(entries(), []);
    assert.equal((await home.answer('sh', 'dev', { STINT_KEYRING: 'pass' })).started, true);
  }
  assert.equal(home.sts.calls.length, 1);
});
