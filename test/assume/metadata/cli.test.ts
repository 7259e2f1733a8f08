// `stint metadata` as a user starts it: real processes, a real command that asks the real server.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
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
  type CountingSts,
  type Ended,
} from '../support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/x
source_profile = central
region = eu-west-1
[profile coded]
role_arn = arn:aws:iam::222222222222:role/y
source_profile = central
mfa_serial = arn:aws:iam::111111111111:mfa/alice
duration_seconds = 7200
`;

/** Asks the server until `done` says so, and prints what it saw on the way, each change once. */
const asker = `
const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri, AWS_CONTAINER_AUTHORIZATION_TOKEN: token } = process.env;
const ask = async () => {
  const response = await fetch(uri, { headers: { authorization: token } });
  const body = await response.json();
  return body.AccessKeyId ?? response.status + ' ' + body.Code;
};
let last = '';
for (let changes = 0; changes < Number(process.argv[1] ?? 1);) {
  const seen = await ask();
  if (seen !== last) { console.log(seen); last = seen; changes++; }
  await new Promise((resolve) => setTimeout(resolve, 20));
}
`;
const ask = (changes: number): readonly string[] => [
  process.execPath,
  '--input-type=module',
  '-e',
  asker,
  String(changes),
];

async function world(t: TestContext, credentials?: string): Promise<{ sts: CountingSts; env: Record<string, string> }> {
  const sts = await startSts(t);
  return { sts, env: childEnvironment(temporaryHome(t, config, credentials), sts) };
}

/** The STS dates its sessions so that those of `seconds` end in `left`. */
function shorten(sts: CountingSts, seconds: number, left: number): void {
  sts.now = () => Date.now() - (seconds - left) * 1000;
}

test('the command finds the session at the server, and nothing that programs would take before it', async (t) => {
  const { env } = await world(t);
  const script = `env | grep -E '^(AWS|STINT)' | sed -E 's/[A-Za-z0-9_-]{40}/TOKEN/; s/:[0-9]{4,5}/:PORT/' | sort; exec "$@"`;
  const before = { AWS_PROFILE: 'central', AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 'x', AWS_ROLE_ARN: 'r' };
  const args = ['metadata', 'dev', '--', 'sh', '-c', script, 'sh', ...ask(1)];
  const { stdout, stderr, code } = await runStint('main', args, { ...env, ...before });
  assert.deepEqual(stdout.split('\n'), [
    'AWS_CONTAINER_AUTHORIZATION_TOKEN=TOKEN',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1:PORT/credentials',
    'AWS_DEFAULT_REGION=eu-west-1',
    'AWS_ENDPOINT_URL=http://127.0.0.1:PORT',
    'AWS_REGION=eu-west-1',
    'STINT_TARGET=dev',
    'ASIA0000000000000001',
    '',
  ]);
  assert.deepEqual([stderr, code], ['', 0]);
});

test('with --imds the command finds an instance, also where the metadata service was switched off', async (t) => {
  const { env } = await world(t);
  const script =
    'echo "$AWS_EC2_METADATA_SERVICE_ENDPOINT $AWS_EC2_METADATA_V1_DISABLED ${AWS_EC2_METADATA_DISABLED-on}"';
  const { stdout } = await runStint('main', ['metadata', 'dev', '--imds', '--', 'sh', '-c', script], {
    ...env,
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/ true on\n$/);
});

test("the command's code and its death by SIGINT are metadata's", async (t) => {
  const { env } = await world(t);
  const end = (script: string): Promise<Ended> => runStint('main', ['metadata', 'dev', '--', 'sh', '-c', script], env);
  const [seven, killed, interrupted] = await Promise.all(['exit 7', 'kill -KILL $$', 'kill -INT $$'].map(end));
  assert.deepEqual([seven!.code, killed!.code, interrupted!.signal], [7, 137, 'SIGINT']);
  assert.equal((await runStint('main', ['metadata', 'dev', '--', 'no-such-command'], env)).code, 127);
});

test('a command that lives longer than its session goes on with the next one', async (t) => {
  const { sts, env } = await world(t);
  shorten(sts, 3600, 2);
  const { stdout, stderr, code } = await runStint('main', ['metadata', 'dev', '--', ...ask(3)], env);
  assert.deepEqual([code, stderr], [0, '']);
  const serials = stdout
    .trim()
    .split('\n')
    .map((key) => Number(key.slice(4)));
  assert.equal(new Set(serials).size, 3);
  assert.deepEqual(
    serials.toSorted((one, other) => one - other),
    serials,
  );
});

test('a command never becomes another role because a file was edited', async (t) => {
  const { sts, env } = await world(t);
  shorten(sts, 3600, 5);
  const edit = `sed -i 's|role/x|role/other|' "$HOME/.aws/config"; exec "$@"`;
  const args = ['metadata', 'dev', '--', 'sh', '-c', edit, 'sh', ...ask(2)];
  const { stdout, stderr } = await runStint('main', args, env);
  assert.equal(stdout, 'ASIA0000000000000001\n403 target-changed\n');
  assert.match(stderr, /^warning\[target-changed\]: .* means another role than at the start/);
});

test('a daemon that the command leaves behind does not hold stint, and finds the server gone', async (t) => {
  const { env } = await world(t);
  const gone = join(env['HOME']!, 'gone');
  const wait = 'while kill -0 "$1" 2>/dev/null; do sleep 0.02; done';
  const daemon = `(${wait}; curl -s "$AWS_CONTAINER_CREDENTIALS_FULL_URI"; echo "$?" >"$2.new"; mv "$2.new" "$2") &`;
  const script = `set -- "$PPID" '${gone}'; ${daemon} exit 3`;
  assert.equal(
    (await runStint('main', ['metadata', 'dev', '--', 'sh', '-c', `(${script}) >/dev/null 2>&1`], env)).code,
    3,
  );
  const { stdout } = await runProgram('sh', ['-c', 'until cat "$1" 2>/dev/null; do sleep 0.02; done', 'sh', gone], env);
  // 7: the connection was refused.
  assert.equal(stdout, '7\n');
});

test('long-term keys are never handed out: a session is made of them', async (t) => {
  const { sts, env } = await world(t);
  const { stdout, code } = await runStint('main', ['metadata', 'central', '--', ...ask(1)], env);
  assert.deepEqual([stdout, code], ['ASIA0000000000000001\n', 0]);
  assert.deepEqual(
    sts.calls.map(({ action, parameters }) => [action, parameters.get('DurationSeconds')]),
    [['GetSessionToken', '43200']],
  );
});

for (const [file, hidden] of Object.entries({
  credentials: 'AWS_SHARED_CREDENTIALS_FILE',
  config: 'AWS_CONFIG_FILE',
})) {
  test(`keys of [default] in the ${file} file, which every SDK takes first, are hidden from the command, and it is said`, async (t) => {
    const { env } = await world(t);
    const path = join(env['HOME']!, '.aws', file);
    const other = file === 'config' ? config : `[central]\n${keys}`;
    writeFileSync(path, `[default]\n${keys}${other}`);
    const script = 'echo "${AWS_CONFIG_FILE-own} ${AWS_SHARED_CREDENTIALS_FILE-own}"';
    const { stdout, stderr } = await runStint('main', ['metadata', 'dev', '--', 'sh', '-c', script], env);
    assert.equal(stdout, hidden === 'AWS_CONFIG_FILE' ? '/dev/null own\n' : 'own /dev/null\n');
    assert.match(stderr, new RegExp(`^note: \`\\[default\\]\` of \`${path}\` has credentials`));
  });
}

test('a region in [default] hides nothing', async (t) => {
  const { env } = await world(t);
  writeFileSync(join(env['HOME']!, '.aws', 'config'), `[default]\nregion = eu-west-3\noutput = text\n${config}`);
  const { stdout, stderr } = await runStint(
    'main',
    ['metadata', 'dev', '--', 'sh', '-c', 'echo "${AWS_CONFIG_FILE-own}"'],
    env,
  );
  assert.deepEqual([stdout, stderr], ['own\n', '']);
});

test('--ecs with --imds is wrong usage, and nothing is fetched', async (t) => {
  const { sts, env } = await world(t);
  const { code, stderr } = await runStint('main', ['metadata', 'dev', '--ecs', '--imds', '--', 'true'], env);
  assert.equal(code, 2);
  assert.match(stderr, /^error\[invalid-option\]: .*\nhint: /);
  assert.equal(sts.calls.length, 0);
});

test('45 (99designs/aws-vault#779): when a code is needed, the server says once which command to run, and takes the session from it', async (t) => {
  const { sts, env } = await world(t);
  shorten(sts, 7200, 5);
  const args = [mainFile, 'metadata', 'coded', '--session-name', 'a+b=c', '--mfa-code', '123456'];
  const child = spawn(process.execPath, [...args, '--', ...ask(3)], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  let elsewhere: Promise<Ended> | undefined;
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    if (elsewhere !== undefined || !stdout.includes('403')) return;
    sts.now = () => Date.now();
    const told = /run `stint (.*) >\/dev\/null` in another terminal/.exec(stderr)![1]!;
    elsewhere = runStint('main', [...told.split(' '), '--mfa-code', '654321'], env);
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  assert.equal(await promise, 0, stderr);
  assert.equal((await elsewhere)?.code, 0);
  assert.deepEqual(stdout.trim().split('\n'), ['ASIA0000000000000001', '403 mfa-needed', 'ASIA0000000000000002']);
  const lines = stderr.trim().split('\n');
  assert.equal(lines.length, 3, stderr);
  assert.match(
    lines[0]!,
    /^warning\[mfa-needed\]: the session cannot be renewed, the present one serves for \ds more: /,
  );
  assert.match(
    lines[1]!,
    /^hint: run `stint credentials coded --session-name a\+b=c --refresh >\/dev\/null` in another/,
  );
  assert.match(lines[2]!, /^note: the session is renewed, until /);
  assert.deepEqual(
    sts.calls.map(({ parameters }) => parameters.get('TokenCode')),
    ['123456', '654321'],
  );
});

/** A server without a command, once it has printed its variables. */
async function standalone(t: TestContext, env: Record<string, string>) {
  const child = spawn(process.execPath, [mainFile, 'metadata', 'dev', '--ecs'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => child.kill('SIGKILL'));
  let lines = '';
  const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve([code, signal])));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (lines += chunk));
  await new Promise<void>((resolve) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => chunk.includes('serving') && resolve());
  });
  return { child, lines, ended };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`43 (99designs/aws-vault#767, #400, #876): a server without a command serves whoever evaluates what it printed, until ${signal}`, async (t) => {
    const { env } = await world(t);
    const { child, lines, ended } = await standalone(t, env);
    const script = `AWS_PROFILE=other; ${lines}\necho "\${AWS_PROFILE-none} $AWS_REGION"; exec "$@"`;
    const { stdout } = await runProgram('sh', ['-c', script, 'sh', ...ask(1)], env);
    assert.equal(stdout, 'none eu-west-1\nASIA0000000000000001\n');
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
  });
}
