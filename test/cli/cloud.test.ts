// `stint cloud …` as a person starts it: processes, files and exit codes.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import type { CloudCredentials } from '../../src/cloud/index.ts';
import { finish, runStint, spawnStint, type Child, type Finished, type Surroundings } from './support.ts';

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'stint-cli-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The home is `folder`; no AWS settings of the machine. */
function surroundings(folder: string): Surroundings {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|STINT|XDG)_/.test(name));
  return { cwd: folder, env: { ...Object.fromEntries(kept), HOME: folder, STINT_HOME: join(folder, 'home') } };
}

function stint(folder: string, ...args: readonly string[]): Promise<Finished> {
  return runStint(args, surroundings(folder));
}

/** The same as a process of its own. */
function stintProcess(folder: string, ...args: readonly string[]): Promise<Finished> {
  return finish(spawnStint(args, surroundings(folder)));
}

interface Running {
  readonly child: Child;
  readonly ready: { readonly ready: boolean; readonly endpoint: string; readonly credentialsFile: string };
  readonly credentials: CloudCredentials;
  readonly ended: Promise<Finished>;
}

async function start(context: TestContext, folder: string, ...args: readonly string[]): Promise<Running> {
  const child = spawnStint(['cloud', 'start', '--port', '0', '--json', ...args], surroundings(folder));
  const ended = finish(child);
  context.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), ended])) as [string];
  assert.ok(typeof line === 'string', JSON.stringify(await Promise.race([ended, Promise.resolve()])));
  const ready = JSON.parse(line) as Running['ready'];
  return {
    child,
    ready,
    credentials: JSON.parse(readFileSync(ready.credentialsFile, 'utf8')) as CloudCredentials,
    ended,
  };
}

test('start prints one ready line, has written the credentials before it, and ends with 0 on SIGTERM', async (context) => {
  const folder = scratch(context);
  const { child, ready, credentials, ended } = await start(context, folder);
  assert.deepEqual(Object.keys(ready), ['ready', 'endpoint', 'credentialsFile']);
  assert.equal(ready.credentialsFile, join(folder, 'home/cloud/credentials.json'));
  assert.equal(statSync(ready.credentialsFile).mode & 0o777, 0o600);
  assert.equal(credentials.endpoint, ready.endpoint);
  assert.deepEqual(Object.keys(credentials.accounts), ['111111111111', '222222222222', '333333333333', '444444444444']);
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await ended;
  assert.deepEqual([code, stdout.trimEnd().split('\n').length], [0, 1]);
  assert.match(stderr, /enforcement is ON/);
  for (const { secretAccessKey } of Object.values(credentials.accounts)) assert.ok(!stderr.includes(secretAccessKey));
  assert.ok(!stderr.includes(credentials.controlToken));
});

test('the verbs find the running embedded AWS by themselves', async (context) => {
  const folder = scratch(context);
  const { ended } = await start(context, folder, '--enforce', 'report', '--quiet');
  const status = await stintProcess(folder, 'cloud', 'status');
  assert.deepEqual([status.code, /enforcement report/.test(status.stdout)], [0, true]);
  const set = await stint(folder, 'cloud', 'freeze', '--json');
  assert.equal((JSON.parse(set.stdout) as { frozen: boolean }).frozen, true);
  const moved = await stint(folder, 'cloud', 'advance', '--to', '2027-01-01T00:00:00Z');
  assert.equal(moved.stdout, '2027-01-01T00:00:00Z\n');
  const advanced = await stint(folder, 'cloud', 'advance', '30m');
  assert.equal(advanced.stdout, '2027-01-01T00:30:00Z\n');
  const fault = await stint(
    folder,
    'cloud',
    'faults',
    'add',
    'iam',
    'CreateUser',
    '--nth',
    '2',
    '--error',
    'Throttling:400',
  );
  assert.match(fault.stdout, /^fault-\w+\n$/);
  const listed = await stint(folder, 'cloud', 'faults');
  assert.match(listed.stdout, /before iam:CreateUser/);
  assert.equal((await stint(folder, 'cloud', 'faults', 'remove', fault.stdout.trim())).code, 0);
  const order = ['--subject', 'alice', '--audience', 'my-app', '--claim', 'team=blue', '--claim', 'actor_id=7'];
  const token = await stint(folder, 'cloud', 'token', ...order, '--expires-in', '5m');
  const claims = JSON.parse(Buffer.from(token.stdout.split('.')[1]!, 'base64url').toString()) as Record<
    string,
    unknown
  >;
  assert.deepEqual([claims['sub'], claims['aud'], claims['team'], claims['actor_id']], ['alice', 'my-app', 'blue', 7]);
  assert.match(claims['iss'] as string, /^http:\/\/127\.0\.0\.1:\d+\/_stint\/oidc$/);
  const bare = await stint(folder, 'cloud', 'token', ...order.slice(0, 4), '--claim', 'team');
  assert.deepEqual([bare.code, bare.stderr.startsWith('error[missing-argument]')], [2, true]);
  const events = await stint(folder, 'cloud', 'events', '--json');
  assert.deepEqual(JSON.parse(events.stdout), { events: [], next: 0 });
  assert.equal((await stint(folder, 'cloud', 'reset')).code, 0);
  const unknown = await stint(folder, 'cloud', 'explain', 'nothing');
  assert.deepEqual([unknown.code, /^error\[no-such-explanation\]: .+\nhint: .+\n$/.test(unknown.stderr)], [1, true]);
  assert.equal((await stint(folder, 'cloud', 'stop')).code, 0);
  assert.equal((await ended).code, 0);
  const gone = await stint(folder, 'cloud', 'status');
  assert.deepEqual([gone.code, gone.stderr.startsWith('error[cloud-not-running]')], [1, true]);
});

/** Credentials of an embedded AWS that does not run: what `env` and `profiles` print needs no server. */
function writtenCredentials(folder: string, accounts: CloudCredentials['accounts']): string {
  const file = join(folder, 'credentials.json');
  const credentials: CloudCredentials = {
    version: 1,
    endpoint: 'http://127.0.0.1:9',
    region: 'eu-central-1',
    controlToken: 'token',
    managementAccount: '111111111111',
    accounts,
  };
  writeFileSync(file, JSON.stringify(credentials));
  return file;
}

const devAccount = {
  name: 'dev',
  stage: 'dev',
  accessKeyId: 'AKIAEXAMPLEDEV',
  secretAccessKey: `a'b"c$d\`e\\f g`,
  arn: 'arn:aws:iam::222222222222:user/admin',
  root: { accessKeyId: 'AKIAEXAMPLEROOT', secretAccessKey: 'root-secret' },
};

test('env prints lines that a shell takes as they are, whatever stands in a secret', async (context) => {
  const folder = scratch(context);
  const file = writtenCredentials(folder, { '222222222222': devAccount });
  const { code, stdout, stderr } = await stint(folder, 'cloud', 'env', 'dev', '--credentials-file', file);
  assert.deepEqual([code, stderr], [0, '']);
  const shell = spawn(
    'sh',
    [
      '-c',
      `AWS_SESSION_TOKEN=stale AWS_PROFILE=stale; ${stdout}\nprintf '%s\\n' "$AWS_ENDPOINT_URL" "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_REGION" "$AWS_DEFAULT_REGION" "$AWS_SESSION_TOKEN$AWS_PROFILE"`,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const { accessKeyId, secretAccessKey } = devAccount;
  const lines = ['http://127.0.0.1:9', accessKeyId, secretAccessKey, 'eu-central-1', 'eu-central-1', '', ''];
  assert.equal((await finish(shell)).stdout, lines.join('\n'));
  const root = await stint(folder, 'cloud', 'env', '222222222222', '--root', '--credentials-file', file);
  assert.match(root.stdout, /AKIAEXAMPLEROOT/);
  const unknown = await stint(folder, 'cloud', 'env', 'dve', '--credentials-file', file);
  assert.deepEqual([unknown.code, unknown.stdout], [1, '']);
  assert.match(unknown.stderr, /^error\[unknown-account\]: .*`dve`\nhint: did you mean `dev`\?\n$/);
});

test('profiles are written beside the sections of others, again and again, through a link', async (context) => {
  const folder = scratch(context);
  const file = writtenCredentials(folder, { '222222222222': devAccount });
  const foreign = '# mine\n[default]\nregion = x\n\n[profile stint]\nregion = y\n[profile work]\nrole_arn = z';
  const config = join(folder, 'real-config');
  writeFileSync(config, foreign);
  chmodSync(config, 0o640);
  symlinkSync(config, join(folder, 'config'));
  const args = ['cloud', 'profiles', '--credentials-file', file, '--config-file', 'config'];
  assert.equal((await stint(folder, ...args)).code, 0);
  const once = readFileSync(config, 'utf8');
  assert.equal((await stint(folder, ...args)).code, 0);
  assert.equal(readFileSync(config, 'utf8'), once);
  assert.ok(
    once.startsWith(`${foreign}\n\n[profile stint-dev]\nregion = eu-central-1\nendpoint_url = http://127.0.0.1:9\n`),
  );
  assert.equal(statSync(config).mode & 0o777, 0o640);
  const printed = await stint(folder, 'cloud', 'profiles', '--credentials-file', file);
  assert.ok(once.endsWith(printed.stdout.trimEnd() + '\n'));
});

test('a start that cannot be is refused with its code, the cure and exit code 1', async (context) => {
  const folder = scratch(context);
  const { ready } = await start(context, folder, '--state', 'aws');
  const { port } = new URL(ready.endpoint);
  writeFileSync(join(folder, 'org.yaml'), 'version: 1\nidd: o-exampleorg1\n');
  const cases: [readonly string[], RegExp][] = [
    [['--port', port, '--credentials-file', 'c.json'], /^error\[port-in-use\]: .+\nhint: .*`--port \d+`/],
    [['--port', '0', '--state', 'aws'], /^error\[state-in-use\]/],
    [['--port', '0', '--org', 'org.yaml'], /^error\[organization-invalid\]: `org\.yaml` 2:1: .+\nhint: .*`id`/],
    [['--port', '0', '--org', 'missing.yaml'], /^error\[organization-unreadable\]/],
    [['--port', '0', '--credentials-file', 'org.yaml/c.json'], /^error\[credentials-unwritable\]/],
  ];
  const taken = await stintProcess(folder, 'cloud', 'start', ...cases[0]![0]);
  assert.deepEqual([taken.code, taken.stdout], [1, '']);
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await stint(folder, 'cloud', 'start', ...args);
    assert.deepEqual([code, stdout], [1, ''], args.join(' '));
    assert.match(stderr, message);
  }
});

test('what is typed wrongly is refused with exit code 2', async (context) => {
  const folder = scratch(context);
  const lines = [
    'cloud start --port 99999',
    'cloud start --enforce maybe',
    'cloud start --state a --memory',
    'cloud strat',
  ];
  for (const line of lines) {
    const { code, stdout, stderr } = await stint(folder, ...line.split(' '));
    assert.deepEqual([code, stdout, stderr !== ''], [2, '', true], line);
  }
});

test('killed, it starts again on its state with everything it had acknowledged', async (context) => {
  const folder = scratch(context);
  const first = await start(context, folder, '--state', 'aws', '--quiet');
  assert.equal(first.ready.credentialsFile, join(folder, 'aws/credentials.json'));
  const frozen = await stint(folder, 'cloud', 'freeze', '--state', 'aws');
  assert.equal(frozen.code, 0);
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await start(context, folder, '--state', 'aws', '--quiet');
  assert.deepEqual({ ...second.credentials, endpoint: '' }, { ...first.credentials, endpoint: '' });
  const status = await stint(folder, 'cloud', 'status', '--state', 'aws', '--json');
  assert.equal(`${(JSON.parse(status.stdout) as { now: string }).now}\n`, frozen.stdout);
});

test('start --detach returns when it answers, and stop ends what it left running', async (context) => {
  const folder = scratch(context);
  const started = await stintProcess(folder, 'cloud', 'start', '--port', '0', '--detach', '--json');
  assert.equal(started.code, 0, started.stderr);
  const { endpoint, credentialsFile } = JSON.parse(started.stdout) as { endpoint: string; credentialsFile: string };
  const status = await stint(folder, 'cloud', 'status', '--json');
  assert.equal((await stint(folder, 'cloud', 'stop')).code, 0);
  assert.equal((JSON.parse(status.stdout) as { ready: boolean }).ready, true);
  assert.equal(credentialsFile, join(folder, 'home/cloud/credentials.json'));
  assert.match(started.stderr, /log: .*cloud\.log\n/);
  await assert.rejects(fetch(`${endpoint}/_stint/health`));
});

test('start --detach says why it could not start, with exit code 1', async (context) => {
  const folder = scratch(context);
  const { ready } = await start(context, folder);
  const port = new URL(ready.endpoint).port;
  const second = await stintProcess(
    folder,
    'cloud',
    'start',
    '--port',
    port,
    '--detach',
    '--credentials-file',
    'other.json',
  );
  assert.deepEqual([second.code, second.stdout], [1, '']);
  assert.match(second.stderr, /^error\[port-in-use\]/);
});
