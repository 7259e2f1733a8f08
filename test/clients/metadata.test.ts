// Programs under `stint metadata` and `stint exec`: the AWS SDK for JavaScript, boto3 and the AWS CLI, each finding its
// credentials by itself, in its first session and the next.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSts } from '../assume/support.ts';
import { arn, openWorld } from './role-world.ts';
import { run, skipUnless, skipWithout, stint, temporaryFolder, type Environment } from './support.ts';

const python = ['python', 'test/clients/programs/renewal.py'];
const javaScript = [process.execPath, 'test/clients/programs/renewal.mjs'];

async function seenUnder(kind: '--ecs' | '--imds', command: readonly string[], env: Environment): Promise<unknown> {
  const { code, stdout, stderr } = await stint(['metadata', 'dev', '--quiet', kind, '--', ...command], env);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test('programs find the role of stint metadata by their default chain', { skip: skipUnless('python') }, async (t) => {
  const env = await openWorld(t);
  await t.test('the AWS SDK for JavaScript', async () => {
    const seen = { arn, region: 'eu-west-1', ends: true, renewed: false };
    assert.deepEqual(await seenUnder('--ecs', [...javaScript, 'once'], env), seen);
    assert.deepEqual(await seenUnder('--imds', [...javaScript, 'once'], env), seen);
  });
  await t.test('boto3', async () => {
    const seen = { arn, region: 'eu-west-1', renewed: false };
    assert.deepEqual(await seenUnder('--ecs', [...python, 'once'], env), { method: 'container-role', ...seen });
    assert.deepEqual(await seenUnder('--imds', [...python, 'once'], env), { method: 'iam-role', ...seen });
  });
  await t.test('the AWS CLI', async () => {
    const identity = ['aws', 'sts', 'get-caller-identity', '--query', 'Arn'];
    assert.equal(await seenUnder('--ecs', identity, env), arn);
    assert.equal(await seenUnder('--imds', identity, env), arn);
  });
});

test('version 2 of the AWS CLI finds the role of stint metadata', { skip: skipWithout('aws2') }, async (t) => {
  const env = await openWorld(t);
  for (const kind of ['--ecs', '--imds'] as const) {
    const seen = (await seenUnder(kind, ['aws2', 'configure', 'export-credentials'], env)) as Record<string, unknown>;
    assert.equal(seen['Version'], 1);
    assert.match(String(seen['Expiration']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|\+00:00)$/);
  }
});

// An hour from AWS, whose clock is 59 min 50 s late: to the machine the session ends in 10 s.
const shortly = 3_590_000;

test('programs that live longer than a session go on with the next', { skip: skipUnless('python') }, async (t) => {
  const env = await openWorld(t, shortly);
  const [js, py] = await Promise.all([javaScript, python].map((command) => seenUnder('--ecs', command, env)));
  assert.deepEqual(js, { arn, region: 'eu-west-1', ends: true, renewed: true });
  assert.deepEqual(py, { method: 'container-role', arn, region: 'eu-west-1', renewed: true });
  assert.deepEqual(await seenUnder('--imds', javaScript, env), js);
});

test('the AWS CLI runs in many accounts at once', { skip: skipUnless('aws') }, async (t) => {
  const env = await openWorld(t);
  const command = ['aws', 'sts', 'get-caller-identity', '--query', 'Account', '--output', 'text'];
  const { code, stdout, stderr } = await stint(['exec', 'team-*/*', '--', ...command], env);
  assert.equal(code, 0, stderr);
  const seen = stdout.trim().split('\n').sort();
  assert.deepEqual(
    seen,
    ['2', '3', '4'].map((digit, at) => `team-${at}/admin | ${digit.repeat(12)}`),
  );
});

interface Typed {
  readonly output: string;
  readonly code: number;
}

/** Runs a script at a terminal and types `keys` when `text` has come. */
async function typeAt(script: string, typed: readonly (readonly [text: string, keys: string])[], env: Environment) {
  const main = `'${process.execPath}' '${join(import.meta.dirname, '../../src/cli/main.ts')}'`;
  const command = ['sh', '-c', script.replaceAll('stint', main)];
  const { stdout } = await run(
    'python',
    ['test/clients/programs/at_terminal.py', JSON.stringify(typed), ...command],
    env,
  );
  const { output, ...rest } = JSON.parse(stdout) as Typed;
  return { ...rest, lines: output.replaceAll('\r', '').split('\n') };
}

const ctrlC = '\u0003';
/** Counts what comes in the second after the first, for which it waits half a minute. */
const counting =
  'n=0; trap "n=\\$((n+1))" INT; echo ready; i=0; w=0; while [ $i -lt 10 ] && [ $w -lt 300 ]; do sleep 0.1; w=$((w+1)); [ $n -gt 0 ] && i=$((i+1)); done; echo "$n"';

test('at a terminal', { skip: skipUnless('python') }, async (t) => {
  const env = await openWorld(t);
  await t.test('Ctrl-C reaches the command once, also where stdin is a pipe', async () => {
    const script = `trap : INT; stint exec dev -- sh -c '${counting}'; sleep 2 | stint exec dev -- sh -c '${counting}'`;
    const { lines } = await typeAt(
      script,
      [
        ['ready', ctrlC],
        ['ready\r\n^C1\r\nready', ctrlC],
      ],
      env,
    );
    assert.deepEqual(lines.slice(0, 4), ['ready', '^C1', 'ready', '^C1']);
  });
  await t.test('a loop of a script ends with the command that died of Ctrl-C', async () => {
    const script = 'for i in 1 2 3; do stint exec dev -- sh -c "echo ready; exec sleep 20"; done; echo after';
    const { lines, code } = await typeAt(script, [['ready', ctrlC]], env);
    assert.equal(lines.filter((line) => line.includes('ready')).length, 1);
    assert.ok(!lines.includes('after'));
    assert.equal(code, -2);
  });
  await t.test('the command has the terminal itself', async () => {
    const script =
      'stint exec dev -- sh -c "test -t 0 && test -t 1 && test -t 2 && stty size && read a && echo got \\$a"';
    const { lines } = await typeAt(script, [['0 0', 'word\n']], env);
    assert.ok(lines.includes('got word'), lines.join('|'));
  });
  await t.test('MFA is asked for once for many targets, and Ctrl-C at the question ends all', async (t) => {
    const sts = await startSts(t);
    const config = join(temporaryFolder(t), 'config');
    const device = 'mfa_serial = arn:aws:iam::111111111111:mfa/alice';
    writeFileSync(
      config,
      readFileSync(env['AWS_CONFIG_FILE']!, 'utf8').replaceAll('source_profile', `${device}\nsource_profile`),
    );
    const coded = { ...env, AWS_CONFIG_FILE: config, AWS_ENDPOINT_URL: sts.url, STINT_HOME: temporaryFolder(t) };
    const script = "stint exec 'team-*/*' -- echo x";
    const left = await typeAt(script, [['MFA code of', ctrlC]], coded);
    assert.equal(left.code, -2);
    assert.ok(
      left.lines.includes('3 targets: 0 ok, 3 not started') || left.lines.includes('3 targets: 0 ok, 3 failed'),
    );
    assert.equal(sts.calls.length, 0);
    const { lines, code } = await typeAt(script, [['MFA code of', '123456\n']], coded);
    assert.deepEqual([code, lines.filter((line) => line.includes('MFA code of')).length], [0, 1]);
    assert.deepEqual(
      sts.calls.map(({ parameters }) => parameters.get('TokenCode')),
      ['123456', null, null, null],
    );
  });
  await t.test('many targets are announced, with production marked, and labels have colours', async () => {
    const { lines } = await typeAt("stint exec 'team-*/*' --jobs 2 -- echo x", [], env);
    assert.deepEqual(lines.slice(0, 4), [
      'running `echo x` for 3 targets, 2 at a time:',
      ...[0, 1, 2].map((at) => `  team-${at}/admin`),
    ]);
    assert.equal(
      lines.filter((line) => /^ESC\[\d+mteam-\d\/admin \|ESC\[0m x$/.test(line.replaceAll('\u001B', 'ESC'))).length,
      3,
    );
    const plain = await typeAt("NO_COLOR=1 stint exec 'team-0/*,team-1/*' -- echo x", [], env);
    assert.equal(plain.lines.filter((line) => /^team-\d\/admin \| x$/.test(line)).length, 2);
  });
});
