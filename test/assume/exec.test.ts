import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  childEnvironment,
  keys,
  mainFile,
  runProgram,
  runStint,
  startSts,
  temporaryHome,
  type Ended,
} from './support.ts';

const config =
  '[profile dev]\nrole_arn = arn:aws:iam::222222222222:role/x\nsource_profile = central\nregion = eu-west-1\n';

async function exec(t: TestContext, command: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
  const env = childEnvironment(temporaryHome(t, config), await startSts(t));
  return runStint('main', ['exec', 'dev', '--', ...command], { ...env, ...more });
}

test('57 (Netflix/weep#24): a command inline: exec gives it the session and none of what competes with it', async (t) => {
  const script =
    'echo "$AWS_ACCESS_KEY_ID|$AWS_SESSION_TOKEN|$AWS_REGION|${AWS_PROFILE-none}|${AWS_ROLE_ARN-none}|$MINE|$1"';
  const { stdout, stderr, code } = await exec(t, ['sh', '-c', script, 'sh', '--flag'], {
    AWS_PROFILE: 'central',
    AWS_ROLE_ARN: 'x',
    MINE: 'kept',
  });
  assert.deepEqual(
    [stdout, stderr, code],
    ['ASIA0000000000000001|token 1 `x`|eu-west-1|none|none|kept|--flag\n', '', 0],
  );
});

test("58 (linaro-its/aws2-wrap#14): exec ends with the command's own code", async (t) => {
  assert.equal((await exec(t, ['sh', '-c', 'exit 7'])).code, 7);
});

test('exec ends with 128 + n when a signal ended the command', async (t) => {
  assert.equal((await exec(t, ['sh', '-c', 'kill -TERM $$'])).code, 143);
  assert.equal((await exec(t, ['sh', '-c', 'kill -KILL $$'])).code, 137);
});

test('exec dies of SIGINT when its command did, so that a script around it stops', async (t) => {
  const { code, signal } = await exec(t, ['sh', '-c', 'kill -INT $$']);
  assert.deepEqual([code, signal], [null, 'SIGINT']);
});

test('a command that handles SIGINT and goes on has its own code', async (t) => {
  const { code, signal } = await exec(t, ['sh', '-c', 'trap "exit 4" INT; kill -INT $$']);
  assert.deepEqual([code, signal], [4, null]);
});

test('exec tells a command that is not found (127) from one that cannot be run (126)', async (t) => {
  const missing = await exec(t, ['no-such-command']);
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /^error\[command-not-found\]: `no-such-command` is not found/);
  const file = join(temporaryHome(t, ''), 'plain');
  writeFileSync(file, 'x');
  chmodSync(file, 0o644);
  assert.equal((await exec(t, [file])).code, 126);
  const within = await exec(t, [join(file, 'x')]);
  assert.equal(within.code, 126);
  assert.match(within.stderr, /^error\[command-not-found\]: `.*` cannot be run \(ENOTDIR\)\nhint: /);
});

test('exec inside exec starts from what the first one started from', async (t) => {
  const sts = await startSts(t);
  const other = '[profile other]\nrole_arn = arn:aws:iam::333333333333:role/y\nsource_profile = central\n';
  const env = childEnvironment(temporaryHome(t, config + other), sts);
  const inner = [process.execPath, mainFile, 'exec', 'other', '--', 'sh', '-c', 'echo "$STINT_TARGET|$AWS_REGION"'];
  const { stdout, stderr, code } = await runStint('main', ['exec', 'dev', '--', ...inner], env);
  assert.deepEqual([stdout, stderr, code], ['other|\n', '', 0]);
  assert.deepEqual(
    sts.calls.map(({ by, parameters }) => [by, parameters.get('RoleArn')]),
    [
      ['AKIAIOSFODNN7EXAMPLE', 'arn:aws:iam::222222222222:role/x'],
      ['AKIAIOSFODNN7EXAMPLE', 'arn:aws:iam::333333333333:role/y'],
    ],
  );
});

test('exec hands its stdin on as it is, also a pipe that stays open', async (t) => {
  const env = childEnvironment(temporaryHome(t, config), await startSts(t));
  const child = spawn(
    process.execPath,
    [mainFile, 'exec', 'dev', '--', 'sh', '-c', 'read a; echo "got $a"; read b; echo "got $b"'],
    {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    },
  );
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (chunk.includes('got one')) child.stdin.end('two\n');
  });
  child.stdin.write('one\n');
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  assert.deepEqual([await promise, stdout], [0, 'got one\ngot two\n']);
});

test('exec without a command, or with a target that does not exist, starts nothing', async (t) => {
  const env = childEnvironment(temporaryHome(t, config), await startSts(t));
  assert.equal((await runStint('main', ['exec', 'dev'], env)).code, 2);
  const { code, stdout } = await runStint('main', ['exec', 'dvv', '--', 'echo', 'started'], env);
  assert.deepEqual([code, stdout], [1, '']);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGWINCH'] as const) {
  test(`exec passes ${signal} on to the command, and its answer back`, async (t) => {
    const env = childEnvironment(temporaryHome(t, config), await startSts(t));
    const script = `trap 'echo caught; exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.01; done`;
    const child = spawn(process.execPath, [mainFile, 'exec', 'dev', '--', 'sh', '-c', script], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const { promise, resolve } = Promise.withResolvers<number | null>();
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk;
      if (chunk.includes('ready')) child.kill(signal);
    });
    child.on('close', resolve);
    assert.equal(await promise, 9);
    assert.equal(stdout, 'ready\ncaught\n');
  });
}

test('SIGTSTP stops the command and exec with it, SIGCONT lets both go on', async (t) => {
  const env = childEnvironment(temporaryHome(t, config), await startSts(t));
  const script = "trap 'echo stopped' TSTP; trap 'echo on; exit 5' CONT; echo ready; while :; do sleep 0.01; done";
  const child = spawn(process.execPath, [mainFile, 'exec', 'dev', '--', 'sh', '-c', script], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  let [stdout, state] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (chunk.includes('ready')) child.kill('SIGTSTP');
    if (!chunk.includes('stopped')) return;
    void stateOf(child.pid!, 'T').then((seen) => {
      state = seen;
      child.kill('SIGCONT');
    });
  });
  child.on('close', resolve);
  assert.equal(await promise, 5);
  assert.deepEqual([stdout, state], ['ready\nstopped\non\n', 'T']);
});

/** The state of a process as `ps` tells it, once it is `wanted`; the last one seen after 5 s. */
async function stateOf(pid: number, wanted: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { stdout } = await runProgram('ps', ['-o', 'state=', '-p', String(pid)], childEnvironment('/'));
    const state = stdout.trim();
    if (state === wanted || tries === 500) return state;
  }
}

test('secrets are in no argument list: the command sees only its own words', async (t) => {
  const { stdout } = await exec(t, ['sh', '-c', 'ps -o args= -p $PPID,$$ 2>/dev/null || true; echo end']);
  for (const secret of ['secret/1', 'token 1', keys.split('= ').at(-1)!.trim()]) assert.ok(!stdout.includes(secret));
});
