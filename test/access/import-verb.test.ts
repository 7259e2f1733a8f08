import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runStint, type Finished } from '../cli/support.ts';
import { cases, files } from './import-support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-import-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const stint = (cwd: string, ...args: readonly string[]): Promise<Finished> =>
  runStint(args, { cwd, env: { PATH: process.env['PATH'], STINT_HOME: join(folder, 'home') } });

/** Everything in the folder, as one text. */
const everythingIn = (path: string): string =>
  readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((it) => it.isFile())
    .map((it) => readFileSync(join(it.parentPath, it.name), 'utf8'))
    .join('\n');

test('`stint init --from-terraform` writes a definition that loads, and no secret of any file goes anywhere', async () => {
  for (const [index, file] of files.entries()) {
    const cwd = join(folder, `run-${index}`);
    mkdirSync(cwd);
    const path = new URL(file, cases).pathname;
    const { code, stdout, stderr } = await stint(cwd, 'init', '--from-terraform', path);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^stint\.config\.yaml: \d+ accounts, /);
    assert.equal((await stint(cwd, 'output')).code, 0);
    const json = await stint(cwd, 'init', '--from-terraform', path, '--force', '--json');
    for (const text of [stdout, stderr, json.stdout, json.stderr, everythingIn(cwd)])
      assert.doesNotMatch(text, /FAKE-?SECRET/);
  }
});

test('a file that exists is not written over, and nothing is left behind when something is refused', async () => {
  const cwd = join(folder, 'refused');
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'stint.config.yaml'), '# mine');
  const state = new URL('estate/state.json', cases).pathname;
  const taken = await stint(cwd, 'init', '--from-terraform', state);
  assert.match(taken.stderr, /error\[definition-exists\].*\nhint: .*--force/);
  assert.equal(readFileSync(join(cwd, 'stint.config.yaml'), 'utf8'), '# mine');
  assert.match(
    (await stint(cwd, 'init', '--from-terraform', 'absent.json', '--force')).stderr,
    /error\[terraform-unreadable\]/,
  );
  assert.match(
    (await stint(cwd, 'init', '--from-terraform', state, '--config', 'no/such/folder.yaml')).stderr,
    /error\[definition-unwritable\]/,
  );
  assert.equal((await stint(cwd, 'init', '--from-aws', '--from-terraform', state)).code, 2);
  assert.equal((await stint(cwd, 'init', '--source', '.')).code, 2);
  const nameless = await stint(cwd, 'init', '--force', '--from-terraform', new URL('part-1/plan.json', cases).pathname);
  assert.match(nameless.stderr, /error\[terraform-no-accounts\]/);
  assert.deepEqual(readdirSync(cwd), ['stint.config.yaml']);
});

test('accounts get the names that are given for them', async () => {
  const cwd = join(folder, 'named');
  mkdirSync(cwd);
  const state = new URL('part-2/state.json', cases).pathname;
  const { code, stderr } = await stint(
    cwd,
    'init',
    '--from-terraform',
    state,
    '--account',
    '222222222222=shop-prod:prod',
  );
  assert.equal(code, 0, stderr);
  assert.match(stderr, /error\[bare-account-trust\] shop-prod role\/test_role/, 'an error in production');
  assert.match(
    readFileSync(join(cwd, 'stint.config.yaml'), 'utf8'),
    /shop-prod: \{ id: '222222222222', stage: prod \}/,
  );
});

test('a plain `stint init` writes a definition to go on from', async () => {
  const cwd = join(folder, 'plain');
  mkdirSync(cwd);
  assert.equal((await stint(cwd, 'init')).code, 0);
  assert.equal((await stint(cwd, 'output')).code, 0);
});
