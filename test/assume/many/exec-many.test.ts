// `stint exec` for many targets: its commands are real processes, its STS is on loopback and counts. Stint itself is one
// where signals and readers are the point.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runStint, type Finished } from '../../cli/support.ts';
import {
  childEnvironment,
  mainFile,
  runStint as startStint,
  startSts,
  temporaryHome,
  type CountingSts,
} from '../support.ts';

/** `count` profiles `prod-1/reader`…, each a role of an account of its own, and `dev`. */
function profiles(count: number, extra = ''): string {
  const one = (at: number): string =>
    `[profile prod-${at}/reader]\nrole_arn = arn:aws:iam::5${String(at).padStart(11, '0')}:role/reader\nsource_profile = central\n${extra}`;
  return `${Array.from({ length: count }, (_, at) => one(at + 1)).join('')}[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\n`;
}

interface World {
  readonly sts: CountingSts;
  readonly env: Record<string, string>;
  readonly run: (...args: readonly string[]) => Promise<Finished>;
}

async function world(t: TestContext, config: string): Promise<World> {
  const sts = await startSts(t);
  const env = childEnvironment(temporaryHome(t, config), sts);
  return { sts, env, run: (...args) => runStint(['exec', ...args], { cwd: env['HOME']!, env }) };
}

const lines = (text: string): readonly string[] => text.trimEnd().split('\n').sort();

test('a command runs for every target of a pattern, each in its own session, its lines labelled', async (t) => {
  const { sts, run } = await world(t, profiles(3));
  const { stdout, stderr, code } = await run(
    'prod-*/*',
    '--',
    'sh',
    '-c',
    'echo "$STINT_TARGET $AWS_ACCESS_KEY_ID"; echo e >&2',
  );
  assert.equal(code, 0);
  assert.equal(sts.calls.length, 3);
  const keys = new Set(lines(stdout).map((line) => line.split(' ').at(-1)));
  assert.equal(keys.size, 3);
  assert.deepEqual(
    lines(stdout).map((line) => line.replace(/ ASIA\d+$/, '')),
    [1, 2, 3].map((at) => `prod-${at}/reader | prod-${at}/reader`),
  );
  assert.deepEqual(
    // A slow machine is told how long it took.
    lines(stderr).map((line) => line.replace(/; the longest took \d+s$/, '')),
    ['3 targets: 3 ok', ...[1, 2, 3].map((at) => `prod-${at}/reader | e`)].sort(),
  );
});

test('the code is 1 when one failed, and the summary says which, how and why', async (t) => {
  const { sts, run } = await world(t, profiles(4));
  sts.refuse = ({ parameters }) =>
    parameters.get('RoleArn')?.includes(':500000000003:') === true
      ? { status: 403, code: 'AccessDenied', message: 'no' }
      : undefined;
  const script = 'case $STINT_TARGET in *-1/*) exit 7;; *-2/*) kill -TERM $$;; esac';
  const { stderr, code } = await run('prod-*/*', '--', 'sh', '-c', script);
  assert.equal(code, 1);
  const summary = stderr.slice(stderr.indexOf('4 targets:')).split('\n');
  assert.deepEqual(summary.slice(0, 3), [
    '4 targets: 1 ok, 3 failed',
    '  prod-1/reader: exit code 7',
    '  prod-2/reader: killed by SIGTERM',
  ]);
  assert.match(summary[3]!, /^ {2}prod-3\/reader: error\[access-denied\]: /);
  assert.match(summary[4]!, /^hint: /);
});

test('--json prints one object per target, and stdout holds nothing else', async (t) => {
  const { run } = await world(t, profiles(2));
  const script = 'echo out; echo err >&2; case $STINT_TARGET in *-1/*) exit 3;; *) kill -KILL $$;; esac';
  const { stdout, code } = await run('prod-*/*', '--json', '--', 'sh', '-c', script);
  assert.equal(code, 1);
  const objects = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .sort((a, b) => String(a['target']).localeCompare(String(b['target'])));
  for (const object of objects) assert.equal(typeof object['durationMs'], 'number');
  const rest = objects.map(({ durationMs: _taken, ...object }) => object);
  const both = { stdout: 'out\n', stderr: 'err\n' };
  assert.deepEqual(rest, [
    { target: 'prod-1/reader', account: '500000000001', exitCode: 3, signal: null, ...both },
    { target: 'prod-2/reader', account: '500000000002', exitCode: 137, signal: 'SIGKILL', ...both },
  ]);
});

test('--json tells of a target that cannot be assumed, and of a command that is not there', async (t) => {
  const { run } = await world(
    t,
    `${profiles(1)}[profile prod-9/broken]\nrole_arn = arn:aws:iam::999999999999:role/x\nsource_profile = nobody\n`,
  );
  const { stdout, code } = await run('prod-*/*', '--json', '--', 'no-such-command');
  assert.equal(code, 1);
  const objects = lines(stdout).map(
    (line) => JSON.parse(line) as { target: string; exitCode: unknown; error: { code: string } },
  );
  assert.deepEqual(
    objects.map(({ target, exitCode, error }) => [target, exitCode, error.code]),
    [
      ['prod-1/reader', 127, 'command-not-found'],
      ['prod-9/broken', null, 'unknown-profile'],
    ],
  );
});

test('lists, --target and patterns go together, each target once', async (t) => {
  const { sts, run } = await world(t, profiles(3));
  const { stdout } = await run('dev,prod-1/reader', '--target', 'prod-[12]/*', '--', 'echo', 'x');
  assert.deepEqual(lines(stdout), ['dev | x', 'prod-1/reader | x', 'prod-2/reader | x']);
  assert.equal(sts.calls.length, 3);
});

test('48 (99designs/aws-vault#296): several accounts in one run: targets of --target alone need no first one', async (t) => {
  const { run } = await world(t, profiles(1));
  const { stdout } = await run('--target', 'dev', '--target', 'prod-1/reader', '--', 'echo', 'a', '--', 'b');
  assert.deepEqual(lines(stdout), ['dev | a -- b', 'prod-1/reader | a -- b']);
});

test('one plain name is run as ever: no label, no summary, the code as it is', async (t) => {
  const { env } = await world(t, profiles(1));
  const args = ['exec', 'prod-1/reader', '--', 'sh', '-c', 'echo x; exit 9'];
  const { stdout, stderr, code } = await startStint('main', args, env);
  assert.deepEqual([stdout, stderr, code], ['x\n', '', 9]);
});

test('a profile whose name looks like a pattern is that profile', async (t) => {
  const { env } = await world(t, profiles(2).replace('prod-1/reader', 'prod-*'));
  const { stdout } = await startStint('main', ['exec', 'prod-*', '--', 'sh', '-c', 'echo "$STINT_TARGET"'], env);
  assert.equal(stdout, 'prod-*\n');
});

for (const [what, args, code, text] of [
  [
    'a pattern for which there is nothing',
    ['prdo-1/*', '--', 'touch', 'x'],
    1,
    /no target matches `prdo-1\/\*`\nhint: did you mean `prod-1\/\*`\?/,
  ],
  [
    'a name in a list that nobody knows',
    ['prod-1/reader,dve', '--', 'touch', 'x'],
    1,
    /no target `dve`.*\nhint: did you mean `dev`\?/,
  ],
  [
    'a stage where there is no definition',
    ['--stage', 'prod', '--', 'touch', 'x'],
    1,
    /no target is of the stage `prod`\nhint: stages come from the definition/,
  ],
  [
    'no job at a time',
    ['prod-*/*', '--jobs', '0', '--', 'touch', 'x'],
    2,
    /`--jobs` does not take `0`\nhint: it takes 1 to 256/,
  ],
  ['many targets and no command', ['prod-*/*'], 2, /a command is needed/],
  ['no target', ['--', 'touch', 'x'], 2, /target/],
] as const) {
  test(`${what} is an error before anything runs`, async (t) => {
    const { sts, run } = await world(t, profiles(2));
    const ended = await run(...args);
    assert.equal(ended.code, code);
    assert.match(ended.stderr, text);
    assert.deepEqual([ended.stdout, sts.calls.length], ['', 0]);
  });
}

test('not more than --jobs run at a time', async (t) => {
  const { env, run } = await world(t, profiles(12));
  const count = join(env['HOME']!, 'running');
  const script = `mkdir -p '${count}'; : >'${count}/'$$; ls '${count}' | wc -l; sleep 0.05; rm '${count}/'$$`;
  const { stdout, code } = await run('prod-*/*', '--jobs', '3', '--', 'sh', '-c', script);
  assert.equal(code, 0);
  const most = Math.max(...lines(stdout).map((line) => Number(line.split('|')[1])));
  assert.ok(most >= 1 && most <= 3, `${most} at once`);
});

test('--fail-fast starts nothing more after the first failure, ends what runs, and says what was left', async (t) => {
  const { env, run } = await world(t, profiles(6));
  // The first one fails when the second one runs.
  const script =
    'case $STINT_TARGET in prod-1/*) until [ -e "$0" ]; do sleep 0.01; done; exit 5;; *) : >"$0"; exec sleep 60;; esac';
  const args = ['prod-*/*', '--jobs', '2', '--fail-fast', '--', 'sh', '-c', script, join(env['HOME']!, 'runs')];
  const { stderr, code } = await run(...args);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /6 targets: 0 ok, 2 failed, 4 not started\n {2}prod-1\/reader: exit code 5\n {2}prod-2\/reader: killed by SIGTERM\n/,
  );
  assert.match(stderr, / {2}not started: prod-3\/reader, prod-4\/reader, prod-5\/reader, prod-6\/reader\n/);
});

test('MFA is asked for once for all, and a code that was typed is not used twice', async (t) => {
  const { sts, run } = await world(t, profiles(10, 'mfa_serial = arn:aws:iam::111111111111:mfa/alice\n'));
  const { code } = await run('prod-*/*', '--mfa-code', '123456', '--', 'true');
  assert.equal(code, 0);
  const codes = sts.calls.map(({ action, parameters }) => [action, parameters.get('TokenCode')]);
  assert.deepEqual(
    codes.filter(([, given]) => given !== null),
    [['GetSessionToken', '123456']],
  );
  assert.equal(codes.length, 11);
});

test('sessions that each need a code of their own get the typed one once; the others say so', async (t) => {
  const { sts, run } = await world(
    t,
    profiles(3, 'mfa_serial = arn:aws:iam::111111111111:mfa/alice\nduration_seconds = 7200\n'),
  );
  const { stderr, code } = await run('prod-*/*', '--jobs', '1', '--mfa-code', '123456', '--', 'true');
  assert.equal(code, 1);
  assert.deepEqual(
    sts.calls.map(({ parameters }) => parameters.get('TokenCode')),
    ['123456'],
  );
  assert.match(stderr, /3 targets: 1 ok, 2 failed\n/);
  assert.equal(stderr.match(/^ {2}prod-[23]\/reader: error\[mfa-reused\]/gm)?.length, 2);
});

test('a note that holds for all targets is said once', async (t) => {
  const held = '[profile held]\naws_access_key_id = ASIAHELD\naws_secret_access_key = s\naws_session_token = t\n';
  const coded = profiles(3, 'mfa_serial = arn:aws:iam::111111111111:mfa/alice\n').replaceAll('= central', '= held');
  const { run } = await world(t, coded + held);
  const { stderr, code } = await run('prod-*/*', '--', 'true');
  assert.equal(code, 0, stderr);
  assert.equal(stderr.match(/^note: /gm)?.length, 1, stderr);
});

test('after a code was refused, it is not asked again for each of the others', async (t) => {
  const { sts, run } = await world(t, profiles(5, 'mfa_serial = arn:aws:iam::111111111111:mfa/alice\n'));
  const message = 'MultiFactorAuthentication failed with invalid MFA one time pass code.';
  sts.refuse = () => ({ status: 403, code: 'AccessDenied', message });
  const { stderr, code } = await run('prod-*/*', '--mfa-code', '123456', '--', 'true');
  assert.equal(code, 1);
  assert.equal(sts.calls.length, 1);
  assert.match(stderr, /5 targets: 0 ok, 5 failed\n/);
});

test('lines of many commands that write at once are never mixed within a line', async (t) => {
  const { run } = await world(t, profiles(6));
  const script =
    'i=0; while [ $i -lt 300 ]; do printf "%s" "$STINT_TARGET-"; echo "$i-$STINT_TARGET"; i=$((i+1)); done';
  const { stdout } = await run('prod-*/*', '--', 'sh', '-c', script);
  const seen = stdout.trimEnd().split('\n');
  assert.equal(seen.length, 1800);
  for (const line of seen) assert.match(line, /^(prod-\d\/reader) \| \1-\d+-\1$/);
});

test('a command that leaves a daemon behind, or closes its stdout, ends when it ends', async (t) => {
  const { run } = await world(t, profiles(2));
  const script = 'case $STINT_TARGET in *-1/*) sleep 60 & echo left; exit 4;; *) exec >&-; sleep 0.3; exit 5;; esac';
  const { stdout, stderr } = await run('prod-*/*', '--', 'sh', '-c', script);
  assert.equal(stdout, 'prod-1/reader | left\n');
  assert.match(stderr, /2 targets: 0 ok, 2 failed\n {2}prod-1\/reader: exit code 4\n {2}prod-2\/reader: exit code 5\n/);
});

test('all that a command printed before its end arrives, also through a slow reader', async (t) => {
  const { env } = await world(t, profiles(2));
  const script =
    'i=0; while [ $i -lt 4000 ]; do echo "line $i of a text that is long enough to fill the pipe"; i=$((i+1)); done';
  const main = `'${process.execPath}' '${mainFile}' exec 'prod-*/*' -- sh -c '${script}' 2>/dev/null | (sleep 1; wc -l)`;
  const child = spawn('sh', ['-c', main], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  assert.equal(Number(stdout), 8000);
});

test('a reader that goes away ends no command', async (t) => {
  const { env } = await world(t, profiles(2));
  const done = join(env['HOME']!, 'done');
  const script = `i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done; echo x >>"${done}"`;
  const main = `'${process.execPath}' '${mainFile}' exec 'prod-*/*' -- sh -c '${script}' 2>/dev/null | head -1; cat '${done}'`;
  const child = spawn('sh', ['-c', main], { env, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  assert.match(stdout, /^prod-\d\/reader \| line 0\nx\nx\n$/);
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends all commands and starts no more`, async (t) => {
    const { env } = await world(t, profiles(5));
    const script = `trap 'echo caught; exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.01; done`;
    const child = spawn(process.execPath, [mainFile, 'exec', 'prod-*/*', '--jobs', '2', '--', 'sh', '-c', script], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    let [stdout, stderr] = ['', ''];
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      const before = stdout.match(/ready/g)?.length ?? 0;
      stdout += chunk;
      if (before < 2 && stdout.match(/ready/g)?.length === 2) child.kill(signal);
    });
    const ended = await new Promise((resolve) => child.on('close', (code, by) => resolve([code, by])));
    assert.deepEqual(ended, signal === 'SIGINT' ? [null, 'SIGINT'] : [143, null]);
    assert.equal(stdout.match(/caught/g)?.length, 2);
    assert.match(stderr, /5 targets: 0 ok, 2 failed, 3 not started\n/);
  });
}

test('a second signal kills commands that do not heed the first', async (t) => {
  const { env } = await world(t, profiles(2));
  const script = "trap '' INT; echo ready; while :; do sleep 0.01; done";
  const child = spawn(process.execPath, [mainFile, 'exec', 'prod-*/*', '--', 'sh', '-c', script], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (stdout.match(/ready/g)?.length === 2) child.kill('SIGINT');
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    if (chunk.includes('once more kills them')) child.kill('SIGINT');
  });
  assert.equal(await new Promise((resolve) => child.on('close', (_, by) => resolve(by))), 'SIGINT');
  assert.equal(stderr.match(/killed by SIGKILL$/gm)?.length, 4);
});

const off = { off: true, reason: 'a test without a device' };
const definition = {
  version: 1,
  organization: 'o-stintlocal',
  accounts: {
    central: { id: '111111111111', stage: 'central', central: true },
    dev: { id: '222222222222', stage: 'dev' },
    prod: { id: '444444444444', stage: 'prod' },
  },
  stages: ['central', 'dev', 'prod'],
  groups: { developers: {} },
  people: { alice: { groups: ['developers'] } },
  roles: {
    reader: { in: ['dev', 'prod'], trust: [{ group: 'developers', mfa: off }], managed: ['ReadOnlyAccess'] },
    writer: { in: ['prod'], trust: [{ group: 'developers', mfa: off }], managed: ['ReadOnlyAccess'] },
  },
};

test('roles of the definition are chosen by pattern and by stage', async (t) => {
  const { sts, env, run } = await world(t, profiles(0));
  const file = join(env['HOME']!, 'stint.config.json');
  writeFileSync(file, JSON.stringify(definition));
  env['AWS_PROFILE'] = 'central';
  const all = await run('*/reader', '--config', file, '--', 'echo', 'x');
  assert.deepEqual(lines(all.stdout), ['dev/reader | x', 'prod/reader | x'], all.stderr);
  const staged = await run('--stage', 'prod', '--config', file, '--', 'echo', 'y');
  assert.deepEqual(lines(staged.stdout), ['prod/reader | y', 'prod/writer | y'], staged.stderr);
  assert.deepEqual(
    lines(sts.calls.map(({ parameters }) => parameters.get('RoleArn')).join('\n')),
    ['222222222222:role/reader', '444444444444:role/reader', '444444444444:role/writer'].map(
      (arn) => `arn:aws:iam::${arn}`,
    ),
  );
});

test('47, 51 and 53 (99designs/aws-vault#423, broamski/aws-mfa#28, synfinatic/aws-sso-cli#743): one command over a hundred accounts and all other profiles, with few handles', async (t) => {
  const keyed = '[profile plain]\naws_access_key_id = AKIAPLAIN\naws_secret_access_key = s\n';
  const { sts, env } = await world(t, profiles(100) + keyed);
  const main = `ulimit -n 64; exec '${process.execPath}' '${mainFile}' exec '**' --json -- sh -c 'echo "$AWS_ACCESS_KEY_ID"'`;
  const child = spawn('sh', ['-c', main], { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, stderr);
  // A hundred roles, `dev`, `plain`, and `central` of the credentials file.
  assert.equal(lines(stdout).length, 103);
  assert.equal(sts.calls.length, 101);
  assert.match(stderr, /^103 targets: 103 ok/);
});

test('a command for which no file handle is left is one failure that says so', async () => {
  const script = `
    import { openSync, closeSync } from 'node:fs';
    import { execMany } from ${JSON.stringify(new URL('../../../src/assume/many/index.ts', import.meta.url).href)};
    const told = [];
    const tools = {
      jobs: 1, failFast: false, clock: { now: () => 0 }, tell: () => {}, environment: async () => ({ PATH: process.env.PATH }),
      output: () => ({ stdout: () => {}, stderr: () => {} }),
      onEnd: ({ error }) => void told.push(error.code, /EMFILE/.test(error.message)),
    };
    process.getBuiltinModule('node:child_process');
    const open = [];
    try { for (;;) open.push(openSync('/dev/null')); } catch {}
    closeSync(open.pop());
    await execMany(['a'], 'true', [], tools);
    for (const handle of open) closeSync(handle);
    console.log(JSON.stringify(told));`;
  const line = `ulimit -n 64; exec '${process.execPath}' --input-type=module -e "$0"`;
  const child = spawn('sh', ['-c', line, script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  await new Promise((resolve) => child.on('close', resolve));
  assert.deepEqual([stdout, stderr], ['["command-not-found",true]\n', '']);
});
