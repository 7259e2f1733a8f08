// Kept sessions and secrets under attack: by other users of the machine, by a full disk, by signals, by the clock.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/base/index.ts';
import { SessionCache } from '../../src/assume/cache.ts';
import {
  childEnvironment,
  credentialsFile,
  keys,
  mainFile,
  runProgram,
  runStint,
  startSts,
  temporaryHome,
} from './support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = central
`;
const sessions = (home: string): string => join(home, '.cache/stint/sessions');

function keptFile(home: string): string {
  const name = readdirSync(sessions(home)).find((each) => each.endsWith('.json'))!;
  return join(sessions(home), name);
}

test('a kept session that others may read or write, or that is a pipe or huge, is not used', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  await runStint('stint-credentials', ['dev'], env);
  const file = keptFile(home);
  const spoil: Readonly<Record<string, () => void | Promise<void>>> = {
    readable: () => chmodSync(file, 0o604),
    writable: () => chmodSync(file, 0o620),
    pipe: async () => {
      rmSync(file);
      await runProgram('mkfifo', ['-m', '600', file], env);
    },
    folder: () => {
      rmSync(file);
      mkdirSync(file);
    },
    huge: () => writeFileSync(file, `${readFileSync(file, 'utf8')}${' '.repeat(2_000_000)}`),
  };
  for (const [what, work] of Object.entries(spoil)) {
    const before = sts.calls.length;
    await work();
    const { code, stderr } = await runStint('stint-credentials', ['dev'], env);
    assert.deepEqual([code, sts.calls.length], [0, before + 1], `${what}: ${stderr}`);
    if (what === 'folder') rmSync(file, { recursive: true });
    await runStint('stint-credentials', ['dev'], env);
    assert.equal(statSync(file).mode & 0o777, 0o600, what);
  }
});

test('files and folders of another user are refused', (t) => {
  const home = temporaryHome(t, config);
  const folder = join(home, 'sessions');
  const cache = new SessionCache(folder, systemClock);
  cache.prepare();
  t.mock.method(process as { getuid: () => number }, 'getuid', () => 4711);
  assert.throws(() => cache.prepare(), { code: 'cache-unsafe' });
});

test('a link to a folder of one’s own is the owner’s: another user’s is refused', (t) => {
  const home = temporaryHome(t, config);
  mkdirSync(join(home, 'real'), { mode: 0o700 });
  symlinkSync('real', join(home, 'link'));
  const fs = process.getBuiltinModule('node:fs');
  new SessionCache(join(home, 'link'), systemClock).prepare();
  const { lstatSync } = fs;
  t.mock.method(fs, 'lstatSync', ((path: string) =>
    Object.assign(lstatSync(path), { uid: 4711 })) as typeof fs.lstatSync);
  assert.throws(() => new SessionCache(join(home, 'link'), systemClock).prepare(), { code: 'cache-unsafe' });
});

test('in a home that everybody may write, the folder is still private', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  chmodSync(home, 0o777);
  mkdirSync(sessions(home), { recursive: true });
  for (const each of ['.cache', '.cache/stint', '.cache/stint/sessions']) chmodSync(join(home, each), 0o777);
  await runProgram('sh', ['-c', `umask 0; exec "$0" "$1" dev`, process.execPath, credentialsFile], {
    ...childEnvironment(home, sts),
  });
  assert.equal(statSync(sessions(home)).mode & 0o777, 0o700);
  for (const name of readdirSync(sessions(home)))
    assert.equal(statSync(join(sessions(home), name)).mode & 0o077, 0, name);
});

test('a link that waits where a draft is written is not followed', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  await runStint('stint-credentials', ['dev'], env);
  const file = keptFile(home);
  const precious = join(home, 'precious');
  writeFileSync(precious, 'mine');
  // The name of the draft holds the process id, which only the process itself knows before.
  const script = `ln -s '${precious}' "${file}.$$.tmp"; exec "$0" "$1" dev --refresh`;
  const { code } = await runProgram('sh', ['-c', script, process.execPath, credentialsFile], env);
  assert.equal(code, 0);
  assert.equal(readFileSync(precious, 'utf8'), 'mine');
  assert.deepEqual(
    readdirSync(sessions(home)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('a disk that is full costs the keeping, not the session, and leaves what was kept', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = childEnvironment(home, sts);
  await runStint('stint-credentials', ['dev'], env);
  const before = readFileSync(keptFile(home), 'utf8');
  const { code, stdout, stderr } = await runProgram(
    'bash',
    ['-c', 'ulimit -f 0; exec "$0" "$1" dev --refresh', process.execPath, credentialsFile],
    { ...env, NODE_COMPILE_CACHE: '' },
  );
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as { AccessKeyId: string }).AccessKeyId, 'ASIA0000000000000002');
  assert.match(stderr, /^note: sessions? c(?:annot|ould not) be kept.*\((?:EFBIG|ERR_SQLITE_ERROR)\)/m);
  assert.equal(readFileSync(keptFile(home), 'utf8'), before);
  assert.deepEqual(
    readdirSync(sessions(home)).filter((name) => name.endsWith('.tmp')),
    [],
  );
});

test('killed at any moment while it keeps a session, it leaves the old one or the new one', async (t) => {
  const home = temporaryHome(t, config);
  const folder = join(home, 'sessions');
  const script = `
    import { SessionCache } from '${join(import.meta.dirname, '../../src/assume/cache.ts')}';
    import { Secret, systemClock } from '${join(import.meta.dirname, '../../src/base/index.ts')}';
    const request = { target: 'x', source: {}, roles: [], sts: {}, settings: {} };
    const cache = new SessionCache(${JSON.stringify(folder)}, systemClock);
    for (let n = 0; ; n++) {
      const sessionToken = new Secret(String(n).repeat(20000));
      cache.write('id', request, { accessKeyId: String(n), secretAccessKey: new Secret('s'), sessionToken, expiration: 4e12 });
      if (n === 1) process.stdout.write('ready');
    }
  `;
  writeFileSync(join(home, 'loop.mjs'), script);
  for (let round = 0; round < 8; round++) {
    const child = spawn(process.execPath, [join(home, 'loop.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (let turn = 0; turn < round * 30; turn++) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const kept = new SessionCache(folder, systemClock).read('id')!;
    const { accessKeyId, sessionToken } = kept.credentials;
    assert.equal(sessionToken?.reveal(), accessKeyId.repeat(20_000));
  }
});

/** What every user of the machine may see of processes: their arguments; and what their owner may: their variables. */
function processTexts(): readonly { readonly pid: number; readonly text: string }[] {
  if (!existsSync('/proc/self/environ')) {
    const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8' }).split('\n');
    return lines.map((line) => ({ pid: Number.parseInt(line, 10), text: line }));
  }
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, 'latin1');
    } catch {
      return '';
    }
  };
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => ({ pid: Number(pid), text: `${read(pid, 'cmdline')}\0${read(pid, 'environ')}` }));
}

/** Looks at the processes that belong to `home`, which are told by their variables; at least one has to. */
function assertUnseen(home: string, secrets: readonly string[], allowed?: number): void {
  const ours = processTexts().filter(({ text }) => text.includes(home));
  assert.notEqual(ours.length, 0);
  for (const { pid, text } of ours) {
    if (pid === allowed) continue;
    for (const secret of secrets) assert.equal(text.includes(secret), false, `process ${pid} shows a secret`);
  }
}

const longTerm = /aws_secret_access_key = (\S+)/.exec(keys)![1]!;

test('no secret is in arguments or variables of any process while a session is fetched and sealed', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const plain = childEnvironment(home, sts);
  const [bin, here, on] = [join(home, 'bin'), join(home, 'here'), join(home, 'on')];
  mkdirSync(bin);
  await runProgram('mkfifo', [here, on], plain);
  // A `pass` that waits with the key in its hands.
  const pass = `#!/bin/sh
case $1 in
  show) cat '${home}/key' 2>/dev/null || { echo "Error: is not in the password store." >&2; exit 1; } ;;
  insert) cat > '${home}/key'; echo "$$" > '${here}'; cat '${on}' ;;
esac
`;
  writeFileSync(join(bin, 'pass'), pass, { mode: 0o755 });
  const env = { ...plain, STINT_KEYRING: 'pass', PATH: `${bin}:${plain['PATH']}` };
  const asked = Promise.withResolvers<void>();
  sts.refuse = () => (asked.resolve(), undefined);
  const running = runStint('stint-credentials', ['dev'], env);
  await asked.promise;
  const waiting = readFile(here);
  assertUnseen(home, [longTerm]);
  await waiting;
  const key = readFileSync(join(home, 'key'), 'utf8').trim();
  assert.match(key, /^[0-9a-f]{64}$/);
  try {
    assertUnseen(home, [longTerm, key, 'secret/1<&', 'token 1 `x`']);
  } finally {
    await writeFile(on, '');
  }
  const { code, stdout } = await running;
  assert.equal(code, 0);
  assert.match(stdout, /secret\/1/);
});

test('the child of exec alone has the session, in its variables and not in its arguments', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const child = spawn(process.execPath, [mainFile, 'exec', 'dev', '--', 'sh', '-c', 'echo $$; read line'], {
    env: childEnvironment(home, sts),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const pid = Number(await new Promise<Buffer>((resolve) => child.stdout.once('data', resolve)));
  const [seen] = processTexts().filter((each) => each.pid === pid);
  assert.ok(seen!.text.includes('secret/1<&'));
  t.after(() => child.kill());
  assertUnseen(home, [longTerm, 'secret/1<&', 'token 1 `x`'], pid);
  child.stdin.end('\n');
  await new Promise((resolve) => child.once('close', resolve));
});

test('what is told when the keeping breaks in an unusual place holds no secret', async (t) => {
  const sts = await startSts(t);
  const home = temporaryHome(t, config);
  const env = { ...childEnvironment(home, sts), STINT_DEBUG: '1' };
  await runStint('stint-credentials', ['dev'], env);
  const file = keptFile(home);
  rmSync(file);
  mkdirSync(join(file, 'x'), { recursive: true });
  const { stderr } = await runStint('main', ['credentials', 'dev', '--verbose'], env);
  assert.match(stderr, /^note: the session could not be kept \(E\w+\)$/m);
  for (const secret of [longTerm, 'secret/2', 'token 2']) assert.equal(stderr.includes(secret), false);
});
