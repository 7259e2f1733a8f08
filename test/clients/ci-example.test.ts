// docs/test-your-iam.md, as its reader types it: the three commands of the page, over the files of examples/ci.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cleanEnvironment, root, run, temporaryFolder } from './support.ts';
import { mirrorOf, skipUnlessMirrored, terraform } from './terraform-cli.ts';

/** The commands of the page's first example. */
function commandsOfPage(): readonly string[] {
  const page = readFileSync(join(root, 'docs/test-your-iam.md'), 'utf8');
  const example = /```console\n(.*?)```/s.exec(page)![1]!;
  return example.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
}

test('the page on testing IAM in CI does what it shows', { skip: skipUnlessMirrored('aws') }, async (t) => {
  const folder = temporaryFolder(t);
  cpSync(join(root, 'examples/ci'), folder, { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  // `npx stint` of a project that has it installed is this command; the port is a free one.
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const shim = `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'src/cli/main.ts')}" "$@"\n`;
  writeFileSync(join(bin, 'stint'), shim, { mode: 0o755 });
  const commands = commandsOfPage();
  assert.equal(commands.length, 3);
  const script = [
    'set -e',
    `"${terraform}" init -no-color -plugin-dir="${mirrorOf('aws')}" >/dev/null`,
    ...commands.map((line) => line.replaceAll('npx stint', 'stint').replace('--detach', '--detach --port 0')),
  ].join('\n');
  const env = cleanEnvironment({
    STINT_HOME: join(folder, 'home'),
    CHECKPOINT_DISABLE: '1',
    TF_CLI_CONFIG_FILE: '/dev/null',
  });
  // A runner of tests that is told it runs inside another one reports to that one.
  const { NODE_TEST_CONTEXT: _, ...outside } = env;
  const typed = { ...outside, PATH: `${bin}:${env['PATH']}` };
  const { code, stdout, stderr } = await run('bash', ['-c', script], typed, folder);
  const stopped = await run(join(bin, 'stint'), ['cloud', 'stop'], typed, folder);
  assert.equal(code, 0, `${stdout}\n${stderr}`);
  assert.equal(stopped.code, 0);
  assert.match(stdout, /3 added, 0 changed, 0 destroyed/);
  assert.match(stdout, /pass 2\n/);
});
