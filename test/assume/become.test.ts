// `stint exec` from a kept session becomes its command, and leaves to the ordinary way what it is not sure of.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { programFile, runnerOf } from '../../src/assume/become.ts';
import { age, readyHome } from './ready-support.ts';
import { mainFile, runProgram, runStint, type Ended } from './support.ts';

const config = `[profile dev]
role_arn = arn:aws:iam::222222222222:role/test_role
source_profile = central
`;

const linux = { skip: process.platform === 'linux' ? false : 'execve is used on Linux only' };

interface Place {
  readonly env: Record<string, string>;
  readonly home: string;
  readonly exec: (...command: readonly string[]) => Promise<Ended>;
}

/** A home in which the target `dev` is kept. */
async function place(t: TestContext): Promise<Place> {
  const { env, home, ready } = await readyHome(t, config);
  await runStint('stint-credentials', ['dev'], env, home);
  assert.ok(readFileSync(join(ready, 't.dev')));
  return { env, home, exec: (...command) => runStint('main', ['exec', 'dev', '--', ...command], env, home) };
}

test('the command has the process of Stint, its signals as a shell gives them, and the session', linux, async (t) => {
  const { env } = await place(t);
  const script = 'echo $$ $STINT_TARGET; grep SigIgn /proc/self/status';
  const child = spawn(process.execPath, [mainFile, 'exec', 'dev', '--', 'sh', '-c', script], { env });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  await once(child, 'close');
  assert.equal(out, `${child.pid} dev\nSigIgn:\t0000000000000000\n`);
});

test('exit codes and signals are the command’s own', linux, async (t) => {
  const { exec } = await place(t);
  assert.equal((await exec('sh', '-c', 'exit 7')).code, 7);
  assert.equal((await exec('sh', '-c', 'kill -TERM $$')).signal, 'SIGTERM');
});

test('a script without a first line, a missing command and one that may not be run go the ordinary way', async (t) => {
  const { exec, home } = await place(t);
  const plain = join(home, 'plain');
  writeFileSync(plain, 'echo "plain $STINT_TARGET"\n');
  chmodSync(plain, 0o755);
  assert.equal((await exec(plain)).stdout, 'plain dev\n');
  const broken = join(home, 'broken');
  writeFileSync(broken, '#!/no/such/interpreter\n');
  chmodSync(broken, 0o755);
  assert.equal((await exec(broken)).code, 127);
  const missing = await exec('no-such-command');
  assert.equal(missing.code, 127);
  assert.match(missing.stderr, /^error\[command-not-found\]/);
  const closed = join(home, 'closed');
  writeFileSync(closed, '#!/bin/sh\n');
  assert.equal((await exec(closed)).code, 126);
});

test('arguments that are so long that the system may not take them go the ordinary way', async (t) => {
  const { exec } = await place(t);
  const long = Array.from({ length: 10 }, () => 'x'.repeat(120_000));
  const { code, stdout } = await exec('sh', '-c', 'echo $#', 'sh', ...long);
  assert.deepEqual([code, stdout], [0, '10\n']);
});

test('a session of another target is taken out of the variables of the command', async (t) => {
  const { env, home } = await place(t);
  age(home);
  const before = {
    AWS_ACCESS_KEY_ID: 'ASIAOLD',
    AWS_SECRET_ACCESS_KEY: 'old',
    AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:1',
    STINT_ORIGIN:
      '{"key":"ASIAOLD","base":"named","exported":{"AWS_ENDPOINT_URL_S3":"http://127.0.0.1:1"},"before":{}}',
  };
  const script = 'echo "$AWS_ENDPOINT_URL_S3|$AWS_ACCESS_KEY_ID"';
  const { stdout } = await runProgram(process.execPath, [mainFile, 'exec', 'dev', '--', 'sh', '-c', script], {
    ...env,
    ...before,
  });
  assert.equal(stdout, '|ASIA0000000000000001\n');
});

test('what runs a file is its loader or the program in its first line, and nothing else is sure', linux, () => {
  const loader = runnerOf(readFileSync(process.execPath).subarray(0, 4096));
  assert.match(loader!, /^\/.*ld/);
  assert.equal(runnerOf(Buffer.from('#! /usr/bin/env node\nx')), '/usr/bin/env');
  for (const text of ['', 'echo\n', '#!\n', '\x7fELF\x01\x01', 'MZ'])
    assert.equal(runnerOf(Buffer.from(text)), undefined);
  const other = Buffer.from(readFileSync(process.execPath).subarray(0, 4096));
  other.writeUInt16LE(8, 18);
  assert.equal(runnerOf(other), undefined, 'another machine');
});

test('a command is looked up as a shell does', () => {
  assert.match(programFile('sh', process.env['PATH'])!, /\/sh$/);
  assert.equal(programFile('/bin/sh', ''), '/bin/sh');
  assert.equal(programFile('no-such-command', process.env['PATH']), undefined);
  assert.equal(programFile('/', '/'), undefined, 'a folder');
});
