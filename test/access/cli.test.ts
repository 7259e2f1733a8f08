import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { finish, runStint, spawnStint, type Child, type Finished, type Surroundings } from '../cli/support.ts';

const tutorial = new URL('../../examples/tutorial/stint.config.ts', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'stint-cli-'));
let cloud: Cloud;

before(async () => {
  cloud = await startCloud();
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => control('reset', {}));

async function control(path: string, body: object, method = 'POST'): Promise<void> {
  const response = await fetch(`${cloud.endpoint}/_stint/${path}`, {
    method,
    headers: { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.ok(response.ok, await response.text());
}

/** The central account's credentials and no terminal. */
function surroundings(): Surroundings {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts['111111111111']!;
  const env = {
    PATH: process.env['PATH'],
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return { cwd: folder, env };
}

const stint = (...args: readonly string[]): Promise<Finished> => runStint(args, surroundings());
const start = (...args: readonly string[]): Child => spawnStint(args, surroundings());
const withTutorial = (...args: readonly string[]): Promise<Finished> => stint(...args, '--config', tutorial);
const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1)!;

test('the tutorial: plan, apply, an empty second plan, outputs, destroy', async () => {
  const first = await finish(start('plan', '--detailed-exitcode', '--config', tutorial));
  assert.equal(first.code, 3, first.stderr);
  assert.equal(lastLine(first.stdout), 'Plan: 11 to add, 0 to change, 0 to destroy');
  assert.match(first.stdout, /developers gains test_role in dev, test, prod/);

  const refused = await withTutorial('apply');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /error\[confirmation-needed\]: .*\nhint: .*`--yes`/);

  const applied = await withTutorial('apply', '--yes', '--passwords', 'passwords');
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(
    applied.stderr,
    /organisation o-stintlocal, as arn:aws:iam::111111111111:user\/admin; writing to central/,
  );
  assert.match(applied.stdout, /^test_role_arn = arn:aws:iam::222222222222:role\/test_role$/m);
  assert.equal(statSync(join(folder, 'passwords')).mode & 0o777, 0o600);
  const password = readFileSync(join(folder, 'passwords'), 'utf8').trim().split(' ')[2]!;
  const runs = join(folder, 'home', 'runs');
  const journals = readdirSync(runs).map((name) => readFileSync(join(runs, name), 'utf8'));
  assert.equal(journals.length, 1);
  for (const text of [applied.stdout, applied.stderr, ...journals]) assert.ok(!text.includes(password));

  const second = await withTutorial('plan', '--detailed-exitcode', '--json');
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual((JSON.parse(second.stdout) as { summary: object }).summary, { add: 0, change: 0, destroy: 0 });
  assert.equal((await withTutorial('output', 'test_role_arn')).stdout, 'arn:aws:iam::222222222222:role/test_role\n');

  const destroyed = await withTutorial('destroy', '--yes', '--json');
  assert.equal(destroyed.code, 0, destroyed.stderr);
  assert.deepEqual((JSON.parse(destroyed.stdout) as { summary: object }).summary, { add: 0, change: 0, destroy: 11 });
});

test('killed in the middle of a call, the next apply comes to the same end', async () => {
  await control('faults', {
    service: 'iam',
    operation: 'CreateRole',
    account: '222222222222',
    nth: 2,
    count: 1,
    when: 'after',
    hang: true,
  });
  // The call that hangs shows in the journal, which is written before it.
  const runs = join(folder, 'home', 'runs');
  mkdirSync(runs, { recursive: true });
  const known = readdirSync(runs);
  const watcher = watch(runs, { recursive: true });
  const run = start('apply', '--yes', '--config', tutorial);
  const ended = finish(run);
  const hangs = (): boolean =>
    readdirSync(runs).some(
      (name) => !known.includes(name) && readFileSync(join(runs, name), 'utf8').includes('dev/role/app#createRole'),
    );
  while (!hangs()) await once(watcher, 'change');
  watcher.close();
  run.kill('SIGKILL');
  assert.equal((await ended).code, null);
  await control('faults', {}, 'DELETE');
  assert.equal((await withTutorial('apply', '--yes')).code, 0);
  const plan = await withTutorial('plan', '--detailed-exitcode');
  assert.equal(plan.code, 0, plan.stdout);
});

test('a broken definition ends with its place and the cure, and nothing is called', async () => {
  writeFileSync(join(folder, 'broken.yaml'), 'version: 1\naccounts: { a: { id: "111111111111", stag: dev } }\n');
  const { code, stderr, stdout } = await stint('plan', '--config', 'broken.yaml');
  assert.equal(code, 1);
  assert.equal(stdout, '');
  assert.match(stderr, /^error\[definition-invalid\]: broken\.yaml:2:38: unknown key `stag` in `accounts\.a`/);
  assert.match(stderr, /\nhint: did you mean `stage`\?/);
});

test('a plan with an error finding ends with 1', async () => {
  const roles =
    'roles: { r: { in: [p], trust: [{ service: ec2.amazonaws.com }], managed: ["arn:aws:iam:aws:policy/AmazonS3FullAccess"] } }';
  writeFileSync(
    join(folder, 'misprint.yaml'),
    `version: 1\naccounts: { p: { id: "111111111111", stage: prod } }\n${roles}\n`,
  );
  const { code, stdout } = await stint('plan', '--config', 'misprint.yaml');
  assert.equal(code, 1);
  assert.match(
    stdout,
    /error\[policy-arn-misprint\] p role\/r: .*\n  at misprint\.yaml:3:\d+\n(?:  .*\n)+?  hint: did you mean `arn:aws:iam::aws:policy\/AmazonS3FullAccess`\?/,
  );
});

test('wrong usage ends with 2', async () => {
  assert.equal((await finish(start('plan', '--nonsense'))).code, 2);
});
