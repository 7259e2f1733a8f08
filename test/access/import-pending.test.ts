// A definition that is lost while things it had taken out wait for their end: reading it back neither makes them live
// again nor forgets them, and the plan afterwards does what was promised.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { runStint, type Finished } from '../cli/support.ts';
import { base, central, dev, wantedOf, World } from './world.ts';

const world = new World();
const day = 86_400_000;
let cwd: string;

before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'stint-pending-'));
});
after(() => rmSync(cwd, { recursive: true, force: true }));
beforeEach(() => rmSync(join(cwd, 'stint.config.yaml'), { force: true }));

const service = (name: string) => [{ service: `${name}.amazonaws.com` }];
const statements = [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }];
const living = {
  stays: {
    in: ['dev', 'prod'],
    trust: service('lambda'),
    policies: ['shared'],
    owner: 'ops',
    reason: 'asked for in INC-7',
  },
};
const whole = {
  policies: { shared: { statements }, own: { statements } },
  groups: { developers: {}, Administrators: { managed: ['AdministratorAccess'] } },
  people: { alice: { groups: ['developers'] }, root: { groups: ['Administrators'] } },
  roles: {
    ...living,
    app: { in: ['dev', 'prod'], trust: service('ec2'), policies: ['shared', 'own'], instanceProfile: 'app-host' },
  },
};
const less = {
  ...whole,
  policies: { shared: whole.policies.shared },
  people: { root: whole.people.root },
  roles: living,
};

/** Applies everything, then less so many days ago, with these defaults. Returns when that was. */
async function takeOut(days: number, defaults: object): Promise<number> {
  const now = Date.now() - days * day;
  await world.apply(wantedOf({ ...whole, defaults }, now));
  await world.apply(wantedOf({ ...less, defaults }, now));
  return now;
}

function stint(...args: readonly string[]): Promise<Finished> {
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[central]!;
  const env = {
    PATH: process.env['PATH'],
    STINT_HOME: join(cwd, 'home'),
    AWS_ENDPOINT_URL: world.cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return runStint(args, { cwd, env });
}

async function ok(...args: readonly string[]): Promise<Finished> {
  const finished = await stint(...args);
  assert.equal(finished.code, 0, finished.stderr + finished.stdout);
  return finished;
}

interface Read {
  readonly roles: Readonly<Record<string, object>>;
  readonly people: Readonly<Record<string, object>>;
  readonly policies: Readonly<Record<string, object>>;
  readonly defaults?: { readonly grace?: string };
}

const file = (): string => join(cwd, 'stint.config.yaml');
const definition = (): Read => parse(readFileSync(file(), 'utf8')) as Read;

interface PlanJson {
  readonly changes: readonly { readonly id: string; readonly action: string }[];
  readonly findings: readonly { readonly code: string; readonly account?: string; readonly resource?: string }[];
}

async function plan(): Promise<{ changes: string[]; pending: string[] }> {
  const { stdout } = await stint('plan', '--json');
  const { changes, findings } = JSON.parse(stdout) as PlanJson;
  return {
    changes: changes.map(({ action, id }) => `${action} ${id}`),
    pending: findings
      .filter(({ code }) => code === 'pending-deletion')
      .map(({ account, resource }) => `${account} ${resource}`)
      .toSorted(),
  };
}

/** What goes of an account once the time is over, in no order. */
const gone = (account: string): string[] => [
  `destroy ${account}/instance-profile/app-host`,
  `destroy ${account}/policy/own`,
  `destroy ${account}/role/app`,
];

const everything = [
  'central user/alice',
  'dev instance-profile/app-host',
  'dev policy/own',
  'dev role/app',
  'prod instance-profile/app-host',
  'prod policy/own',
  'prod role/app',
];

test('what waits for its end is in no entry, and each is told with when it goes and how it comes back; the plan leaves it waiting', async () => {
  const taken = await takeOut(6, { grace: '14d' });
  const { stderr } = await ok('init', '--from-aws');
  const read = definition();
  assert.deepEqual(
    [Object.keys(read.roles), Object.keys(read.people), Object.keys(read.policies), read.defaults?.grace],
    [['stays'], ['admin', 'root'], ['shared'], '14d'],
  );
  const ends = new Date(taken + 14 * day).toISOString().slice(0, 10);
  assert.match(
    stderr,
    new RegExp(
      `info\\[pending-deletion\\] role/app: was taken out of the definition on \\S+Z and can do nothing any more: it is in no entry, and an apply after ${ends}T\\S+Z removes it \\(in dev, prod\\)\\n  hint: to have it back, with the id that it has: \`stint undo\` the run that took it out, or write \`roles\\.app\` and whom it trusts again`,
    ),
  );
  assert.match(stderr, /central user\/alice: was taken out.*\n  hint: .* or write `people\.alice` again/);
  assert.match(stderr, /policy\/own: hangs on role app, which was taken out of the definition/);
  assert.deepEqual(await plan(), { changes: [], pending: everything });
});

test('who answers for a role and why it is there stand in its tags, and are read back', async () => {
  await takeOut(1, {});
  const { iam } = await world.accounts.account(dev);
  const { Tags = [] } = await iam.listRoleTags({ RoleName: 'stays' });
  const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
  assert.deepEqual([tags['stint:owner'], tags['stint:reason']], ['ops', 'asked for in INC-7']);
  await ok('init', '--from-aws');
  const { owner, reason } = definition().roles['stays'] as { owner?: string; reason?: string };
  assert.deepEqual([owner, reason], ['ops', 'asked for in INC-7']);
});

test('written again, it is as before, with the id that it had', async () => {
  const { iam } = await world.accounts.account(dev);
  await takeOut(1, { grace: '14d' });
  const id = (await iam.getRole({ RoleName: 'app' })).Role?.RoleId;
  await ok('init', '--from-aws');
  const entry = '  app: { in: [ dev, prod ], trust: [ { service: ec2.amazonaws.com } ], instanceProfile: app-host }\n';
  writeFileSync(file(), readFileSync(file(), 'utf8').replace(/^roles:\n/m, `$&${entry}`));
  await ok('apply', '--yes');
  const { Role } = await iam.getRole({ RoleName: 'app' });
  assert.equal(Role?.RoleId, id);
  assert.match(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''), /"ec2\.amazonaws\.com"/);
  assert.deepEqual(
    (Role?.Tags ?? []).filter(({ Key }) => Key?.startsWith('stint:delete')),
    [],
  );
});

test('what waits by the usual time needs no word about it, and goes when that is over', async () => {
  await takeOut(8, {});
  await ok('init', '--from-aws');
  assert.equal(definition().defaults?.grace, undefined);
  const { changes } = await plan();
  assert.deepEqual(changes.toSorted(), gone('prod'));
  await ok('apply', '--yes');
  assert.deepEqual(await plan(), { changes: [], pending: [] });
});

test('a mark that is no instant has no time left; the same mark on a thing of others means nothing', async () => {
  await takeOut(1, { grace: '14d' });
  const { iam } = await world.accounts.account(dev);
  await iam.tagRole({ RoleName: 'app', Tags: [{ Key: 'stint:deleted-at', Value: 'soon' }] });
  await iam.createRole({
    RoleName: 'theirs',
    AssumeRolePolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
    }),
    Tags: [{ Key: 'stint:deleted-at', Value: '2026-01-01T00:00:00Z' }],
  });
  const { stderr } = await ok('init', '--from-aws');
  assert.match(stderr, /dev role\/app: was taken out of the definition on 1970-01-01T00:00:00Z/);
  assert.deepEqual(Object.keys(definition().roles).toSorted(), ['stays', 'theirs']);
  const { changes } = await plan();
  assert.deepEqual(changes.toSorted(), gone('dev'));
});

test('adopting a drift in which a colleague took a role out says that its entry is to go', async () => {
  await takeOut(1, { grace: '14d' });
  const mine = { ...base, ...whole, defaults: { grace: '14d' } };
  writeFileSync(join(cwd, 'mine.json'), JSON.stringify(mine));
  const { stdout, code } = await stint('drift', '--adopt', '--config', 'mine.json');
  assert.equal(code, 3);
  assert.match(stdout, /Take out `roles\.app`: AWS has it no more\./);
  assert.doesNotMatch(stdout, /stint-deleted|stint\/nobody/);
});
