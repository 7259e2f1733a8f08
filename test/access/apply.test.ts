import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { openJournal, readPlanFile, writePlanFile, type Journal, type Wanted } from '../../src/access/index.ts';
import type { ApplyContext } from '../../src/access/apply.ts';
import { isFailure, systemClock } from '../../src/base/index.ts';
import { failureOf } from '../base/support.ts';
import { central, definition, dev, prod, startWorld, wantedOf, type World } from './apply-support.ts';

let world: World;
let runs = 0;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());
beforeEach(() => world.reset());

const apply: World['apply'] = (over) => world.apply(over);
const planNow: World['planNow'] = (over) => world.planNow(over);
const holdings: World['holdings'] = (account) => world.holdings(account);
const accountsAs: World['accountsAs'] = (account) => world.accountsAs(account);
const openAs: World['openAs'] = (key, secret) => world.openAs(key, secret);
const fault: World['fault'] = (operation, more) => world.fault(operation, more);
const control: World['control'] = (method, path, body) => world.control(method, path, body);
const reset = (): Promise<void> => world.reset();

test('an apply makes everything, a second plan is empty, and AWS lets in whom the definition lets in', async () => {
  const { plan, outcome } = await apply();
  assert.equal(outcome!.done, plan.steps.length);
  assert.deepEqual((await planNow()).changes, []);
  assert.equal((await apply()).outcome, undefined);

  const { iam } = await accountsAs().account(central);
  const { AccessKey } = await iam.createAccessKey({ UserName: 'alice' });
  const alice = openAs(AccessKey!.AccessKeyId!, AccessKey!.SecretAccessKey!);
  const { sts } = await alice.account(central);
  const become = async (account: string): Promise<string | undefined> => {
    const answer = await sts.assumeRole({
      RoleArn: `arn:aws:iam::${account}:role/test_role`,
      RoleSessionName: 'alice',
    });
    return answer.AssumedRoleUser?.Arn;
  };
  assert.equal(await become(dev), `arn:aws:sts::${dev}:assumed-role/test_role/alice`);
  await assert.rejects(become(prod), { name: 'AccessDenied' });
  // Not the accounts of the apply: these would wait until the role that they have just made lets them in.
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[central]!;
  const admin = await openAs(accessKeyId, secretAccessKey).account(central);
  await assert.rejects(
    admin.sts.assumeRole({ RoleArn: `arn:aws:iam::${dev}:role/test_role`, RoleSessionName: 'admin' }),
    { name: 'AccessDenied' },
  );
});

test('a destroy leaves nothing of ours and everything of others, credentials of people included', async () => {
  const before = await Promise.all([central, dev, prod].map(holdings));
  await apply();
  const { iam } = await accountsAs().account(central);
  await iam.createAccessKey({ UserName: 'alice' });
  await iam.createLoginProfile({ UserName: 'alice', Password: 'Secret-Secret-1' });
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'alice' });
  assert.ok(VirtualMFADevice?.SerialNumber);
  await iam.putUserPolicy({ UserName: 'alice', PolicyName: 'by-hand', PolicyDocument: policyText });
  await apply({ mode: 'destroy' });
  assert.deepEqual(await Promise.all([central, dev, prod].map(holdings)), before);
  assert.equal((await apply({ mode: 'destroy' })).outcome, undefined);
  await assert.rejects(iam.getAccountPasswordPolicy({}), { name: 'NoSuchEntityException' });
});

const policyText = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
});

test('a foreign thing of a wanted name stops everything before the first write', async () => {
  const { iam } = await accountsAs().account(prod);
  const trust = policyText
    .replace('"Resource":"*"', '"Principal":{"Service":"ec2.amazonaws.com"}')
    .replace('s3:*', 'sts:AssumeRole');
  await iam.createRole({ RoleName: 'TEST_role', AssumeRolePolicyDocument: trust });
  const before = await holdings(central);
  const failure = await failureOf(apply());
  assert.equal(failure.code, 'findings-block');
  assert.match(
    failure.message,
    /foreign-resource\] prod role\/test_role: `TEST_role` exists already and was not made by Stint/,
  );
  assert.deepEqual(await holdings(central), before);
  await apply({ mode: 'destroy' });
  assert.ok((await holdings(prod)).includes('role TEST_role'));
});

test('drift by hand is put right: extra policies go, missing ones come back', async () => {
  await apply();
  const { iam } = await accountsAs().account(dev);
  await iam.attachRolePolicy({ RoleName: 'test_role', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' });
  await iam.putRolePolicy({ RoleName: 'test_role', PolicyName: 'by-hand', PolicyDocument: policyText });
  await iam.detachRolePolicy({ RoleName: 'app', PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' });
  await iam.updateRole({ RoleName: 'app', MaxSessionDuration: 7200 });
  const plan = await planNow();
  assert.deepEqual(
    plan.changes.map(({ id, details }) => [id, details.map(({ sign, text }) => `${sign} ${text}`)]),
    [
      ['dev/role/test_role', ['- AdministratorAccess', '- allow s3:* on *']],
      ['dev/role/app', ['+ AmazonS3ReadOnlyAccess', '~ session up to 2h -> 4h']],
    ],
  );
  await apply();
  assert.deepEqual((await planNow()).changes, []);
});

test('a changed policy gets a new version, also when AWS keeps no more', async () => {
  for (const action of ['s3:A*', 's3:B*', 's3:C*', 's3:D*', 's3:E*', 's3:F*', 's3:G*']) {
    const wanted = wantedOf({
      policies: { reader: { statements: [{ Effect: 'Allow', Action: action, Resource: '*' }] } },
    });
    // The policy stands in the central account alone.
    await apply({ wanted, only: ['central'] });
    assert.deepEqual((await planNow({ wanted, only: ['central'] })).changes, []);
  }
});

test('what leaves the definition is removed, what moves is moved', async () => {
  await apply();
  const { chained: _, back: __, app, ...roles } = definition.roles;
  const wanted = wantedOf({
    roles: { ...roles, app2: { ...app, managed: [] } },
    people: { alice: { groups: ['Administrators'] } },
  });
  await apply({ wanted });
  assert.deepEqual((await planNow({ wanted })).changes, []);
  const held = await holdings(dev);
  assert.ok(held.includes('role app2') && !held.includes('role app') && !held.includes('role chained'), held.join());
  const { iam } = await accountsAs().account(dev);
  const { InstanceProfile } = await iam.getInstanceProfile({ InstanceProfileName: 'test_profile' });
  assert.deepEqual(
    InstanceProfile?.Roles?.map(({ RoleName }) => RoleName),
    ['app2'],
  );
});

describe('a refused call', () => {
  const refusals = [
    'CreatePolicy',
    'CreateRole',
    'UpdateAssumeRolePolicy',
    'AttachGroupPolicy',
    'AddRoleToInstanceProfile',
  ];
  for (const operation of refusals) {
    test(`${operation}: the apply stops there, says so, and the next one goes on to the same end`, async () => {
      await fault(operation, { nth: 1, count: 1, error: { code: 'AccessDenied', status: 403 } });
      const failure = await failureOf(apply());
      assert.equal(failure.code, 'apply-failed');
      assert.match(failure.message, /AccessDenied/);
      const { plan } = await apply();
      assert.ok(plan.steps.length > 0);
      assert.deepEqual((await planNow()).changes, []);
    });
  }

  test('an account that fails stops alone; later waves do not start', async () => {
    const wanted = wantedOf({
      accounts: { ...definition.accounts, test: { id: '333333333333', stage: 'dev' } },
      stages: ['central', 'dev', 'prod'],
    });
    await fault('PutRolePolicy', { account: dev, error: { code: 'AccessDenied', status: 403 } });
    const failure = await failureOf(apply({ wanted }));
    assert.match(failure.message, /^dev stopped at dev\/role\/test_role#putRolePolicy: AccessDenied/);
    assert.ok((await holdings('333333333333')).includes('role test_role'), 'the other account of the wave went on');
    assert.ok(!(await holdings(prod)).includes('role test_role'), 'the later wave did not start');
  });
});

test('an answer that is lost is found out: the thing made is ours', async () => {
  for (const operation of [
    'CreateRole',
    'CreateUser',
    'CreateGroup',
    'CreatePolicy',
    'CreateInstanceProfile',
    'AddRoleToInstanceProfile',
  ]) {
    await fault(operation, { when: 'after', nth: 1, count: 1, error: { code: 'ServiceFailure', status: 500 } });
  }
  const { outcome } = await apply();
  assert.deepEqual(outcome!.failures, []);
  assert.deepEqual((await planNow()).changes, []);
});

test('throttled calls are tried again until they pass', async () => {
  for (const operation of ['CreateRole', 'GetAccountAuthorizationDetails', 'PutRolePolicy']) {
    await fault(operation, { nth: 1, count: 3, error: { code: 'Throttling', status: 400 } });
  }
  await apply();
  assert.deepEqual((await planNow()).changes, []);
});

test('a run that dies between any two calls is taken up by the next one', async () => {
  const steps = (await planNow()).steps.length;
  for (let fatal = 1; fatal < steps; fatal += 5) {
    await reset();
    const dying = (header: Parameters<ApplyContext['openJournal']>[0]): Journal => {
      const journal = openJournal(world.folder, `dying-${++runs}`, header, systemClock);
      return {
        file: journal.file,
        run: journal.run,
        begin: (step) => {
          const entry = journal.begin(step);
          if (entry > fatal) throw new Error('the machine is gone');
          return entry;
        },
        end: (entry, outcome) => journal.end(entry, outcome),
        close: (ended) => journal.close(ended),
      };
    };
    await assert.rejects(apply({ openJournal: dying }), /the machine is gone/);
    const { plan } = await apply();
    assert.ok(plan.steps.length > 0 && plan.steps.length <= steps, `after ${fatal} calls`);
    assert.deepEqual((await planNow()).changes, [], `after ${fatal} calls`);
  }
});

test('two applies at once come to one end', async () => {
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[central]!;
  // Whose call comes first differs from account to account.
  await fault('CreateInstanceProfile', { account: dev, when: 'before', nth: 1, count: 1, delayMs: 4 });
  const results = await Promise.allSettled([apply(), apply({ accounts: openAs(accessKeyId, secretAccessKey) })]);
  assert.ok(
    results.some(({ status }) => status === 'fulfilled'),
    JSON.stringify(results),
  );
  await apply();
  assert.deepEqual((await planNow()).changes, []);
});

test('a stop between two calls is told, and the next apply goes on', async () => {
  const stop = new AbortController();
  let done = 0;
  const failure = await failureOf(
    apply({ signal: stop.signal, onEvent: ({ type }) => void (type === 'step' && ++done === 5 && stop.abort()) }),
  );
  assert.equal(failure.code, 'interrupted');
  await apply();
  assert.deepEqual((await planNow()).changes, []);
});

test('the journal names every call before it is made, with what undoes it, and no secret', async () => {
  const shown: string[] = [];
  const { journal, plan } = await apply({ passwords: ({ password }) => shown.push(password.reveal()) });
  const text = readFileSync(journal!, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines[0]!['format'], 'stint-journal');
  const named = lines.flatMap(({ step }) => (typeof step === 'string' ? [step] : []));
  assert.deepEqual(named.sort(), plan.steps.map(({ id }) => id).sort());
  assert.ok(
    lines
      .filter(({ operation }) => operation === 'createRole')
      .every(({ inverse }) => (inverse as object[]).length === 1),
  );
  assert.equal(shown.length, 1);
  for (const file of readdirSync(world.folder)) {
    assert.ok(!readFileSync(join(world.folder, file), 'utf8').includes(shown[0]!), `${file} holds the password`);
  }
});

test('a first password is made once, must be changed, and is no change of the plan', async () => {
  assert.deepEqual((await planNow()).passwords, [{ account: 'central', user: 'alice' }]);
  await apply();
  const plan = await planNow();
  assert.deepEqual([plan.changes, plan.passwords.length], [[], 1]);
  let made = 0;
  await apply({ passwords: () => void made++ });
  await apply({ passwords: () => void made++ });
  assert.equal(made, 1);
  const { iam } = await accountsAs().account(central);
  const { LoginProfile } = await iam.getLoginProfile({ UserName: 'alice' });
  assert.equal(LoginProfile?.PasswordResetRequired, true);
});

test('a first password is as long as the account demands', async () => {
  const shown: number[] = [];
  await apply({
    wanted: wantedOf({ passwordPolicy: { in: ['central'], minimumLength: 40 } }),
    passwords: ({ password }) => void shown.push(password.reveal().length),
  });
  assert.deepEqual(shown, [40]);
});

test('a user put into a group of ours by hand is taken out, and one who was moved is moved back', async () => {
  await apply();
  const { iam } = await accountsAs().account(central);
  await iam.createUser({ UserName: 'stranger' });
  await iam.addUserToGroup({ UserName: 'stranger', GroupName: 'Administrators' });
  await iam.createUser({ UserName: 'lent', Tags: [{ Key: 'stint:lease', Value: 'aws/creds/x' }] });
  await iam.addUserToGroup({ UserName: 'lent', GroupName: 'Administrators' });
  await iam.updateUser({ UserName: 'alice', NewPath: '/elsewhere/' });
  const { plan } = await apply();
  assert.deepEqual(
    plan.changes.map(({ id, details }) => `${id}: ${details.map(({ text }) => text).join(', ')}`).slice(0, 2),
    [
      'central/group/Administrators: member stranger, put in by others',
      'central/user/alice: is at /elsewhere/alice -> /alice',
    ],
  );
  const { Users } = await iam.getGroup({ GroupName: 'Administrators' });
  assert.deepEqual(Users?.map(({ UserName }) => UserName).toSorted(), ['Administrator', 'lent']);
  assert.equal((await iam.getUser({ UserName: 'stranger' })).User?.UserName, 'stranger');
  assert.deepEqual((await planNow()).changes, []);
});

test('where old and new policies do not fit side by side, the old ones make room', async () => {
  const ten = (prefix: string): string[] => Array.from({ length: 10 }, (_, index) => `${prefix}-${index}`);
  const statements = [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }];
  const policies = Object.fromEntries([...ten('old'), ...ten('new')].map((name) => [name, { statements }]));
  const roleWith = (names: string[]): Wanted =>
    wantedOf({
      policies,
      groups: {},
      people: {},
      roles: { full: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], policies: names } },
    });
  await apply({ wanted: roleWith(ten('old')) });
  await apply({ wanted: roleWith(ten('new')) });
  const { iam } = await accountsAs().account(dev);
  const big = JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: 's3:Get*', Resource: `arn:aws:s3:::${'x'.repeat(10_000)}` },
  });
  await iam.deleteRolePolicy({ RoleName: 'full', PolicyName: 'stint' }).catch(() => undefined);
  await iam.putRolePolicy({ RoleName: 'full', PolicyName: 'by-hand', PolicyDocument: big });
  const wanted = wantedOf({
    policies,
    groups: {},
    people: {},
    roles: {
      full: {
        in: ['dev'],
        trust: [{ service: 'ec2.amazonaws.com' }],
        statements: [{ Effect: 'Allow', Action: 's3:Get*', Resource: `arn:aws:s3:::${'y'.repeat(500)}` }],
      },
    },
  });
  await apply({ wanted });
  assert.deepEqual((await iam.listRolePolicies({ RoleName: 'full' })).PolicyNames, ['stint']);
});

test('only the chosen accounts are looked at and written', async () => {
  await failureOf(apply({ only: ['dve'] })).then(({ code, hint }) =>
    assert.deepEqual([code, hint], ['account-unknown', 'did you mean `dev`?']),
  );
  await apply({ only: ['central'] });
  assert.ok(!(await holdings(dev)).includes('role test_role'));
  const plan = await planNow();
  assert.deepEqual([...new Set(plan.changes.map(({ account }) => account))], ['dev', 'test', 'prod']);
});

test('credentials of another account, organisation or partition are refused before anything is read', async () => {
  const codes = await Promise.all(
    [
      { expectAccount: dev },
      { wanted: wantedOf({ organization: 'o-anotherone' }) },
      { wanted: wantedOf({ partition: 'aws-cn' }) },
    ].map(async (over) => (await failureOf(apply(over))).code),
  );
  assert.deepEqual(codes, ['wrong-account', 'wrong-organization', 'wrong-account']);
  assert.equal((await failureOf(apply({ accounts: accountsAs(dev) }))).code, 'account-not-entered');
});

test('an answer of no changes nothing', async () => {
  const before = await holdings(central);
  const no = new Error('no');
  await assert.rejects(
    apply({
      confirm: async () => {
        throw no;
      },
    }),
    no,
  );
  assert.deepEqual(await holdings(central), before);
});

test('a kept plan is applied as it was, and refused once AWS has moved', async () => {
  const file = join(world.folder, 'kept.plan');
  const wanted = wantedOf();
  writePlanFile(file, wanted, await planNow());
  const planned = readPlanFile(file);
  await apply({ wanted: planned.wanted, planned });
  const failure = await failureOf(apply({ wanted: planned.wanted, planned }));
  assert.equal(failure.code, 'plan-moved');
  assert.match(failure.message, /central\/password-policy/);
});

test('a file that is no plan, or one of a newer version, is refused', async () => {
  const file = join(world.folder, 'not.plan');
  const { writeFileSync } = await import('node:fs');
  for (const text of [
    '{',
    '{}',
    'null',
    JSON.stringify({ format: 'stint-plan', version: 2, wanted: {} }),
    JSON.stringify({ format: 'stint-plan', version: 1, wanted: {} }),
  ]) {
    writeFileSync(file, text);
    assert.throws(
      () => readPlanFile(file),
      (error) => isFailure(error) && error.code === 'plan-file-invalid',
    );
  }
});

test('an account is read in three calls, one more for its password policy where one is wanted, and one for each instance profile that may be ours', async () => {
  await apply();
  const { next } = (await control('GET', 'events?after=0&limit=1000')) as { next: number };
  await planNow();
  const { events } = (await control('GET', `events?after=${next}&limit=1000`)) as {
    events: { account: string; service: string; operation: string }[];
  };
  const reads = events
    .filter(({ account, service }) => account === dev && service === 'iam')
    .map(({ operation }) => operation);
  assert.deepEqual(reads.sort(), [
    'GetAccountAuthorizationDetails',
    'GetInstanceProfile',
    'ListInstanceProfiles',
    'ListRoles',
  ]);
});
