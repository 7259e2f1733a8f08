// What `tools/build.ts` makes, as a clone and as an installed package. The longest test file: its folder's name lets it
// start early, for files run in the order of their names.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { parse } from 'yaml';
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

test('the script stint-credentials finds its second half, wherever a link to it lies', async (t) => {
  const folder = temporaryFolder(t);
  const home = join(folder, 'home');
  mkdirSync(join(home, '.aws'), { recursive: true });
  writeFileSync(join(home, '.aws', 'config'), '[profile none]\nregion = eu-west-1\n');
  const link = join(folder, 'stint-credentials');
  symlinkSync(join(cloned, 'dist', 'cli', 'stint-credentials'), link);
  const failed = run(link, ['none'], { env: { ...environment(folder), HOME: home } });
  await assert.rejects(failed, (error: { readonly stderr: string }) =>
    error.stderr.startsWith('error[no-credentials]'),
  );
});

test('what is built is less than 15 MB', () => {
  const dist = join(cloned, 'dist');
  // Without what V8 made of it in the tests before.
  const files = globSync('**/*', { cwd: dist, exclude: ['cli/code/**'] }).map((name) => statSync(join(dist, name)));
  const bytes = files.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0);
  assert.ok(bytes < 15_000_000, `${bytes} bytes`);
});

test('what V8 compiled of the daily path is kept beside it, is no part of the package, and is used', async (t) => {
  const folder = temporaryFolder(t);
  const env = { ...environment(folder), HOME: folder };
  const list = (): Promise<unknown> => run('node', [join(cloned, 'dist', 'cli', 'main.js'), 'ls', '--names'], { env });
  await list();
  const [code = ''] = globSync('dist/cli/code/ls.*', { cwd: cloned });
  assert.ok(code.includes(process.version), code);
  const { ino } = statSync(join(cloned, code));
  await list();
  assert.equal(statSync(join(cloned, code)).ino, ino, 'a file that was not good for anything would be written anew');
  const packed = await run('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], { cwd: cloned, env });
  assert.doesNotMatch(packed.stdout, /dist\/cli\/code/);
  assert.match(packed.stdout, /dist\/cli\/hot\.cjs/);
});

test('every command is an importable file, and what is started is executable', () => {
  const cli = join(cloned, 'dist', 'cli');
  for (const name of ['main.js', 'stint-credentials']) assert.ok((statSync(join(cli, name)).mode & 0o111) !== 0, name);
  const sources = globSync('*.ts', { cwd: join(root, 'src/cli/commands') });
  for (const name of sources) assert.ok(statSync(join(cli, 'commands', name.replace(/\.ts$/, '.js'))).isFile());
});

/** Starts a built command that says in one line of JSON when it is ready. */
async function startBuilt<Ready>(t: TestContext, folder: string, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(cloned, 'dist', 'cli', 'main.js'), ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return JSON.parse(line) as Ready;
}

test('what is built plans, applies, lends and borrows: packages that are loaded late have their names', async (t) => {
  const folder = temporaryFolder(t);
  const home = { ...environment(folder), HOME: folder, STINT_HOME: join(folder, 'home') };
  const credentialsFile = join(folder, 'cloud.json');
  const started = ['cloud', 'start', '--port', '0', '--json', '--credentials-file', credentialsFile];
  const { endpoint } = await startBuilt<{ endpoint: string }>(t, folder, started, home);
  const { accounts } = JSON.parse(readFileSync(credentialsFile, 'utf8')) as {
    accounts: Readonly<Record<string, { accessKeyId: string; secretAccessKey: string }>>;
  };
  const { accessKeyId, secretAccessKey } = accounts['111111111111']!;
  const env: NodeJS.ProcessEnv = {
    ...home,
    AWS_ENDPOINT_URL: endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const { address, rootToken } = await startBuilt<{ address: string; rootToken: string }>(
    t,
    folder,
    ['server', '--dev', '--listen', '127.0.0.1:0', '--json'],
    env,
  );
  const stint = async (...args: readonly string[]): Promise<string> => {
    const main = join(cloned, 'dist', 'cli', 'main.js');
    const all = { ...env, STINT_ADDR: address, STINT_TOKEN: rootToken };
    return (await run(process.execPath, [main, ...args], { cwd: folder, env: all })).stdout;
  };
  const config = join(cloned, 'examples', 'tutorial', 'stint.config.ts');
  assert.match(await stint('plan', '--config', config), /^Plan: 11 to add, 0 to change, 0 to destroy$/m);
  await stint('apply', '--yes', '--config', config);
  assert.match(await stint('plan', '--config', config), /^Plan: 0 to add, 0 to change, 0 to destroy$/m);
  await stint('secrets', 'enable', 'aws');
  const keys = [`access_key=${accessKeyId}`, `secret_key=${secretAccessKey}`, 'region=us-east-1'];
  await stint('write', 'aws/config/root', ...keys, `iam_endpoint=${endpoint}`, `sts_endpoint=${endpoint}`);
  const reader = 'policy_arns=arn:aws:iam::aws:policy/ReadOnlyAccess';
  await stint('write', 'aws/roles/user', 'credential_type=iam_user', reader);
  assert.match(await stint('whoami', 'lend:user'), /user\/vault-root-user-/);
  assert.match(await stint('exec', 'lend:*', '--', 'printenv', 'AWS_ACCESS_KEY_ID'), /^lend:user \| AKIA/);
  await stint('forget', 'lend:user');
  await stint('init', '--from-aws', '--config', join(folder, 'found.yaml'));
  await stint('drift', '--config', config);
});

test('the built server has the web page', async (t) => {
  const folder = temporaryFolder(t);
  const args = [
    join(cloned, 'dist', 'cli', 'main.js'),
    'server',
    '--dev',
    '--listen',
    '127.0.0.1:0',
    '--storage',
    'data',
    '--json',
  ];
  const server = spawn(process.execPath, args, {
    cwd: folder,
    env: environment(folder),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => server.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: server.stdout }), 'line')) as [string];
  const { address } = JSON.parse(line) as { address: string };
  const response = await fetch(`${address}/ui/`, { headers: { connection: 'close' } });
  assert.equal(await response.text(), readFileSync(join(cloned, 'dist', 'ui', 'index.html'), 'utf8'));
});

test('the web page is part of the package, and refers to files that are there', () => {
  const page = join(cloned, 'dist', 'ui');
  const html = readFileSync(join(page, 'index.html'), 'utf8');
  const files = [...html.matchAll(/(?:src|href)="\/ui\/([^"]+)"/g)].map(([, name]) => name!);
  assert.deepEqual(files.map((name) => name.replace(/-\w+\./, '.')).sort(), ['app.js', 'style.css']);
  for (const name of files) assert.ok(statSync(join(page, name)).size > 1000, name);
  assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|style="|https?:/, 'nothing inline, nothing from elsewhere');
  const script = readFileSync(
    join(
      page,
      files.find((name) => name.endsWith('.js'))!,
    ),
    'utf8',
  );
  assert.doesNotMatch(script, /\beval\(|new Function\(/);
});

interface ActionStep {
  readonly run: string;
  readonly shell: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly ActionStep[] };
}

test('the GitHub Action leaves an embedded AWS running, and the environment that leads to it', async (t) => {
  const folder = temporaryFolder(t);
  const { inputs, runs } = parse(readFileSync(join(cloned, 'action.yml'), 'utf8')) as Action;
  assert.equal(runs.using, 'composite');
  const given: Readonly<Record<string, string>> = { port: '0' };
  const filled = (text: string): string =>
    text
      .replace(/\$\{\{ github\.action_path \}\}/g, cloned)
      .replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name: string) => given[name] ?? inputs[name]!.default);
  const files = Object.fromEntries(['ENV', 'OUTPUT', 'PATH'].map((name) => [`GITHUB_${name}`, join(folder, name)]));
  let log = '';
  for (const step of runs.steps) {
    assert.equal(step.shell, 'bash');
    const env = Object.fromEntries(Object.entries(step.env).map(([name, value]) => [name, filled(value)]));
    const surroundings = { ...environment(mkdtempSync(join(folder, 'step-'))), ...files, RUNNER_TEMP: folder, ...env };
    log += (await run('bash', ['-c', filled(step.run)], { cwd: folder, env: surroundings })).stdout;
  }
  const left = Object.fromEntries(
    readFileSync(files['GITHUB_ENV']!, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  ) as Record<string, string>;
  const bin = readFileSync(files['GITHUB_PATH']!, 'utf8').trim();
  const later = { env: { ...environment(mkdtempSync(join(folder, 'later-'))), ...left }, cwd: folder };
  try {
    assert.match((await run(join(bin, 'stint'), ['cloud', 'status'], later)).stdout, /enforcement on/);
    const sts = new STSClient({
      endpoint: left['AWS_ENDPOINT_URL']!,
      region: left['AWS_REGION']!,
      credentials: { accessKeyId: left['AWS_ACCESS_KEY_ID']!, secretAccessKey: left['AWS_SECRET_ACCESS_KEY']! },
    });
    assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, 'arn:aws:iam::222222222222:user/admin');
    assert.match(readFileSync(files['GITHUB_OUTPUT']!, 'utf8'), /^endpoint=http:\/\/127\.0\.0\.1:\d+$/m);
    assert.deepEqual(
      log.split('\n').filter((line) => line.includes(left['AWS_SECRET_ACCESS_KEY']!)),
      [`::add-mask::${left['AWS_SECRET_ACCESS_KEY']}`],
    );
  } finally {
    await run(join(bin, 'stint'), ['cloud', 'stop'], later);
  }
});
