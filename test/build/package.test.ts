// What `tools/build.ts` makes, as a clone and as an installed package. The longest test file: its folder's name lets it
// start early, for files run in the order of their names.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { startRegistry } from './registry.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-package-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

let cloned = '';

// A copy of what git tracks, with the installed packages and built as `npm ci` builds it.
before(async () => {
  cloned = join(mkdtempSync(join(tmpdir(), 'stint-package-')), 'clone');
  const { stdout } = await run('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root });
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(cloned, file)), { recursive: true });
    cpSync(join(root, file), join(cloned, file));
  }
  symlinkSync(join(root, 'node_modules'), join(cloned, 'node_modules'));
  await run('npm', ['run', 'prepare'], { cwd: cloned });
});

after(() => rmSync(dirname(cloned), { recursive: true, force: true }));

/** An environment whose `node` is the one that runs the tests, and nothing of npm's own variables. */
function environment(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, 'node-bin');
  mkdirSync(bin, { recursive: true });
  symlinkSync(process.execPath, join(bin, 'node'));
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  return {
    ...Object.fromEntries(kept),
    PATH: `${bin}:${process.env['PATH']}`,
    npm_config_cache: join(folder, 'cache'),
  };
}

test('npx stint works in a clone, and after npm pack and install in an empty folder', async (t) => {
  const help = /usage: stint <command>/;
  const folder = temporaryFolder(t);
  const env = environment(folder);
  // It is built already; without this, npx would build it again.
  const npx = ['--ignore-scripts', '--no', '--', 'stint', '--help'];
  assert.match((await run('npx', npx, { cwd: cloned, env })).stdout, help);

  await using registry = await startRegistry(root);
  const { stdout: packed } = await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: cloned,
    env,
  });
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  writeFileSync(join(empty, 'package.json'), '{"private":true,"type":"module"}');
  await run('npm', ['install', '--registry', registry.url, '--no-audit', '--no-fund', join('..', packed.trim())], {
    cwd: empty,
    env,
  });
  assert.match((await run('npx', ['--no', '--', 'stint', '--help'], { cwd: empty, env })).stdout, help);

  writeFileSync(
    join(empty, 'imports.js'),
    "import * as a from 'stint'; import * as b from 'stint/policy'; import * as c from 'stint/cloud'; console.log([a, b, c].map((m) => typeof m).join());",
  );
  assert.equal((await run('node', ['imports.js'], { cwd: empty, env })).stdout, 'object,object,object\n');
});

test('every command is one executable or importable file, and the entry is executable', () => {
  const cli = join(cloned, 'dist', 'cli');
  assert.ok((statSync(join(cli, 'main.js')).mode & 0o111) !== 0);
  const sources = globSync('*.ts', { cwd: join(root, 'src/cli/commands') });
  for (const name of sources) assert.ok(statSync(join(cli, 'commands', name.replace(/\.ts$/, '.js'))).isFile());
});
