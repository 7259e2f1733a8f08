import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { AdjustableClock, isFailure } from '../../../src/base/index.ts';
import { runCredentialProcess, splitCommand } from '../../../src/assume/sources/credential-process.ts';
import type { Credentials, Environment } from '../../../src/assume/model.ts';
import { temporaryHome } from '../support.ts';

const words: Readonly<Record<string, readonly string[]>> = {
  '/bin/get --a b': ['/bin/get', '--a', 'b'],
  '  "/path with blanks/get"   "two words" ': ['/path with blanks/get', 'two words'],
  'get --name="a b" c': ['get', '--name=a b', 'c'],
  "get 'single $HOME \\' x": ['get', 'single $HOME \\', 'x'],
  'get "say \\"hi\\"" "back\\\\slash" "keep\\n"': ['get', 'say "hi"', 'back\\slash', 'keep\\n'],
  'get a\\ b': ['get', 'a b'],
  'get "" x': ['get', '', 'x'],
  'get $HOME ~ `id` ; rm | x > y': ['get', '$HOME', '~', '`id`', ';', 'rm', '|', 'x', '>', 'y'],
};

for (const [line, expected] of Object.entries(words)) {
  test(`credential_process is split without a shell: ${line}`, () => {
    assert.deepEqual(splitCommand(line, 'f:1'), expected);
  });
}

for (const line of ['', '   ', 'get "open', "get 'open", 'get "a\\"']) {
  test(`credential_process that cannot be split is refused with its place: ${JSON.stringify(line)}`, () => {
    assert.throws(
      () => splitCommand(line, 'config:7'),
      (error) => isFailure(error) && error.code === 'config-syntax' && error.message.startsWith('config:7'),
    );
  });
}

const now = Date.parse('2026-01-01T00:00:00Z');

async function run(t: TestContext, script: string, env: Environment = {}): Promise<Credentials> {
  const file = join(temporaryHome(t, ''), 'get it');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  const source = { kind: 'process', from: 'x', profile: 'dev', command: `"${file}" 'a b'`, place: 'config:3' } as const;
  return runCredentialProcess(source, { PATH: process.env['PATH'], ...env }, new AdjustableClock({ now: () => now }));
}

test('the credentials that a process prints, with its arguments and environment', async (t) => {
  const script = `printf '{"Version":1,"AccessKeyId":"ASIA1","SecretAccessKey":"%s","SessionToken":"%s","Expiration":"2026-01-01T01:00:00+00:00"}' "$1" "$X"`;
  const found = await run(t, script, { X: 'y' });
  assert.deepEqual(
    [found.accessKeyId, found.secretAccessKey.reveal(), found.sessionToken?.reveal(), found.expiration],
    ['ASIA1', 'a b', 'y', now + 3_600_000],
  );
});

test('keys without token and end are long-term keys', async (t) => {
  const found = await run(t, `echo '{"Version":1,"AccessKeyId":"AKIA1","SecretAccessKey":"s","SessionToken":null}'`);
  assert.deepEqual([found.sessionToken, found.expiration], [undefined, undefined]);
});

const faults: Readonly<Record<string, string>> = {
  'exit 3': 'exit code 3',
  'kill -9 $$': 'SIGKILL',
  'echo hunter2': 'did not print JSON',
  'echo null': 'Version',
  [`echo '{"Version":"1","AccessKeyId":"A","SecretAccessKey":"hunter2"}'`]: 'Version',
  [`echo '{"Version":1,"AccessKeyId":"A"}'`]: 'SecretAccessKey',
  [`echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","SessionToken":5}'`]: 'SessionToken',
  [`echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"2025-12-31T23:59:59Z"}'`]:
    'have ended',
  [`echo '{"Version":1,"AccessKeyId":"A","SecretAccessKey":"hunter2","Expiration":"soon"}'`]: 'no time',
  'yes 0123456789 2>/dev/null': 'far more than it should',
};

for (const [script, says] of Object.entries(faults)) {
  test(`a credential_process that fails is told with its place and without its output: ${script}`, async (t) => {
    await assert.rejects(run(t, script), (error) => {
      assert.ok(isFailure(error), String(error));
      assert.equal(error.code, 'process-failed');
      assert.ok(error.message.startsWith('config:3') && error.message.includes(says), error.message);
      assert.ok(!JSON.stringify(error).includes('hunter2'));
      return true;
    });
  });
}

test('a credential_process that does not exist is told', async () => {
  const source = { kind: 'process', from: 'x', profile: 'dev', command: '/nowhere/get', place: 'config:3' } as const;
  await assert.rejects(
    runCredentialProcess(source, {}, { now: () => now }),
    (error) => isFailure(error) && error.code === 'process-failed' && error.message.includes('ENOENT'),
  );
});
