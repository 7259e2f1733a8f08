// Plan, apply, change and destroy with exactly the generated rights, on an AWS that enforces them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { executorPolicy, executorTrust } from '../../src/access/index.ts';
import type { ExecutorScope } from '../../src/access/executor-rights.ts';
import { openAccounts, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { failureOf } from '../base/support.ts';
import { central, dev, startWorld, wantedOf, type World } from './apply-support.ts';

const hub = `arn:aws:iam::${central}:user/hub`;
const scope: ExecutorScope = {
  partition: 'aws',
  definition: 'default',
  organization: 'o-stintlocal',
  hubAccount: central,
  hubPrincipal: hub,
};
const account = { central: { id: central, stage: 'central', central: true }, dev: { id: dev, stage: 'dev' } };
const allow = (Action: string): object => ({ Effect: 'Allow', Action, Resource: '*' });

const first = {
  accounts: account,
  stages: ['central', 'dev'],
  groups: { developers: { policies: ['reader'] }, operators: { managed: ['ReadOnlyAccess'] } },
  people: { alice: { groups: ['developers'], boundary: 'ReadOnlyAccess', statements: [allow('s3:*')], owner: 'bob' } },
  roles: {
    app: {
      in: ['dev'],
      trust: [{ service: 'ec2.amazonaws.com' }],
      managed: ['ReadOnlyAccess'],
      statements: [allow('s3:Get*')],
      boundary: 'ReadOnlyAccess',
      owner: 'bob',
      instanceProfile: true,
    },
    test_role: { in: ['dev'], trust: [{ group: 'developers' }] },
  },
};
const second = {
  ...first,
  policies: { reader: { statements: [allow('s3:List*')] } },
  groups: { developers: { policies: ['reader'] } },
  people: { alice: { groups: [], managed: ['ReadOnlyAccess'] } },
  roles: {
    app: { in: ['dev'], trust: [{ group: 'developers' }], session: '2h', instanceProfile: true },
    test_role: { in: ['dev'], trust: [{ group: 'developers' }], boundary: 'ReadOnlyAccess' },
  },
};

let world: World;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());

/** The hub user, and executors in both accounts with these rights. */
async function hubWith(policy: object): Promise<AwsAccounts> {
  await world.reset();
  const PolicyDocument = JSON.stringify(policy);
  const admin = await world.accountsAs().account(central);
  await admin.iam.createUser({ UserName: 'hub' });
  const { Policy } = await admin.iam.createPolicy({ PolicyName: 'executor', PolicyDocument });
  await admin.iam.attachUserPolicy({ UserName: 'hub', PolicyArn: Policy!.Arn! });
  const enter = {
    Version: '2012-10-17',
    Statement: [
      { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::*:role/stint-executor' },
      { Effect: 'Allow', Action: 'organizations:DescribeOrganization', Resource: '*' },
    ],
  };
  await admin.iam.putUserPolicy({ UserName: 'hub', PolicyName: 'enter', PolicyDocument: JSON.stringify(enter) });
  const { iam } = await world.accountsAs().account(dev);
  const own = await iam.createPolicy({ PolicyName: 'executor', PolicyDocument });
  const AssumeRolePolicyDocument = JSON.stringify(executorTrust(scope));
  await iam.createRole({ RoleName: 'stint-executor', AssumeRolePolicyDocument });
  await iam.attachRolePolicy({ RoleName: 'stint-executor', PolicyArn: own.Policy!.Arn! });
  const { AccessKey } = await admin.iam.createAccessKey({ UserName: 'hub' });
  return openAccounts({
    env: {
      AWS_ENDPOINT_URL: world.cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId,
      AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey,
    },
    clock: systemClock,
    random: systemRandom,
    sleep: async () => undefined,
    entryRoles: ['stint-executor'],
  });
}

interface Event {
  readonly operation: string;
  readonly principalArn: string | null;
  readonly errorCode: string | null;
}

/** What the hub and the executors called, and what of it was refused. */
async function called(): Promise<Event[]> {
  const events: Event[] = [];
  for (let after = 0; ;) {
    const page = (await world.control('GET', `events?after=${after}&limit=1000`)) as { events: Event[]; next: number };
    events.push(...page.events.filter(({ principalArn }) => /hub|stint-executor/.test(principalArn ?? '')));
    if (page.events.length === 0) return events;
    after = page.next;
  }
}

test('a definition comes, changes and goes with exactly the generated rights', async () => {
  const accounts = await hubWith(executorPolicy(scope, false));
  await world.apply({ accounts, wanted: wantedOf(first) });
  await world.apply({ accounts, wanted: wantedOf(second) });
  const { iam } = await world.accountsAs().account(central);
  await iam.createAccessKey({ UserName: 'alice' });
  await iam.createLoginProfile({ UserName: 'alice', Password: 'Secret-Secret-1' });
  await world.apply({ accounts, mode: 'destroy', wanted: wantedOf(second) });
  const denied = (await called()).filter(({ errorCode }) => errorCode?.includes('AccessDenied'));
  assert.deepEqual(denied, []);
  assert.deepEqual((await world.planNow({ mode: 'destroy', wanted: wantedOf(second) })).changes, []);
});

test('whatever the executors call is in the table, and things of others are out of their reach', async () => {
  const accounts = await hubWith(executorPolicy(scope, false));
  const { iam: theirs } = await world.accountsAs().account(dev);
  const { iam } = await accounts.account(dev);
  await theirs.createRole({ RoleName: 'theirs', AssumeRolePolicyDocument: JSON.stringify(executorTrust(scope)) });
  await theirs.createGroup({ GroupName: 'theirs' });
  const refused: (() => Promise<unknown>)[] = [
    () => iam.deleteRole({ RoleName: 'theirs' }),
    () => iam.attachRolePolicy({ RoleName: 'theirs', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    () =>
      iam.attachRolePolicy({ RoleName: 'stint-executor', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' }),
    () => iam.tagRole({ RoleName: 'theirs', Tags: [{ Key: 'team', Value: 'x' }] }),
    () => iam.deleteGroup({ GroupName: 'theirs' }),
    () => iam.createRole({ RoleName: 'untagged', AssumeRolePolicyDocument: JSON.stringify(executorTrust(scope)) }),
    () => iam.createAccessKey({ UserName: 'admin' }),
  ];
  for (const call of refused) await assert.rejects(call, { name: /AccessDenied/ });
});

test('the twin for plan and drift plans, and can write nothing', async () => {
  const accounts = await hubWith(executorPolicy(scope, true));
  const wanted = wantedOf(first);
  assert.ok((await world.planNow({ accounts, wanted })).changes.length > 5);
  await assert.rejects(world.apply({ accounts, wanted }), { name: /AccessDenied/ });
  assert.ok(!(await world.holdings(dev)).some((text) => /app|lease/.test(text)));
});

/** Not called by the scenario, each for a reason. */
const elsewhere = {
  'identity providers': /Provider/,
  'what people have made for themselves and goes with them':
    /^iam:(?:Deactivate|Update(?:AccessKey|User)|Delete(?:AccessKey|SSH|Service|Signing|Virtual)|CreateLoginProfile|GetLoginProfile)/,
  'a look at what stands in the way of a create': /^iam:Get(?:Group|Policy|PolicyVersion|Role|User)$/,
  'rights that AWS asks for beside the call':
    /^iam:(?:PassRole|Tag(?:Role|User|InstanceProfile|Policy)|ListPolicyTags|PutUserPermissionsBoundary)$/,
  drift: /^cloudtrail:LookupEvents$/,
};

test('every right is used by a plan, an apply, a change or a destroy, or for a reason that is written down', async () => {
  const accounts = await hubWith(executorPolicy(scope, false));
  await world.apply({ accounts, wanted: wantedOf(first) });
  await world.apply({ accounts, wanted: wantedOf(second) });
  await world.apply({ accounts, mode: 'destroy', wanted: wantedOf(second) });
  const used = new Set((await called()).map(({ operation }) => `iam:${operation}`));
  const all = executorPolicy(scope, false).Statement.flatMap(({ Action }) => [Action ?? []].flat());
  const unused = [...new Set(all)].filter((action) => !used.has(action));
  assert.deepEqual(
    unused.filter((action) => !Object.values(elsewhere).some((pattern) => pattern.test(action))),
    [],
  );
  assert.ok(used.size > 35, String(used.size));
});

for (const right of ['TagRole', 'TagUser', 'TagInstanceProfile', 'TagPolicy', 'PassRole', 'CreateGroup']) {
  test(`without iam:${right} an apply stops`, async () => {
    const policy = executorPolicy(scope, false);
    const Statement = policy.Statement.map((it) => ({
      ...it,
      Action: [it.Action ?? []].flat().filter((action) => action !== `iam:${right}`),
    })).filter(({ Action }) => Action.length > 0);
    const accounts = await hubWith({ ...policy, Statement });
    const failure = await failureOf(world.apply({ accounts, wanted: wantedOf(first) }));
    assert.match(failure.message, new RegExp(`AccessDenied: .*${right}`));
  });
}
