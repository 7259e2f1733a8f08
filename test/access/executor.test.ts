// Plan, apply, change and destroy with exactly the generated rights, on an AWS that enforces them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { chooseRun, executorPolicy, executorTrust, hubPolicy, planUndo, undoScope } from '../../src/access/index.ts';
import type { ExecutorScope } from '../../src/access/executor-rights.ts';
import type { Document } from '../../src/access/resources.ts';
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
const denyNothing = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: 'sns:Publish', Resource: '*' }],
});
const allow = (Action: string): object => ({ Effect: 'Allow', Action, Resource: '*' });

const stay = { on: ['dev'], type: 'scp', use: ['deny-leave-organization'] };
const prod = { on: { ou: 'Workloads/Prod' }, type: 'scp', use: ['protect-cloudtrail'] };

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
  guardrails: { stay: { ...stay, owner: 'bob' }, prod, 'require-organization': { on: 'organization', type: 'rcp' } },
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
  guardrails: { stay: { ...stay, use: ['deny-root'], tags: { team: 'ops' } }, prod },
};

let world: World;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());

/** The hub user, and executors in both accounts with these rights; the hub has those of `ofHub` beside. */
async function hubWith(policy: object, ofHub: object = hubPolicy(scope, false)): Promise<AwsAccounts> {
  await world.reset();
  const PolicyDocument = JSON.stringify(policy);
  const admin = await world.accountsAs().account(central);
  await admin.iam.createUser({ UserName: 'hub' });
  const { Policy } = await admin.iam.createPolicy({ PolicyName: 'executor', PolicyDocument });
  await admin.iam.attachUserPolicy({ UserName: 'hub', PolicyArn: Policy!.Arn! });
  const enter = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: 'arn:aws:iam::*:role/stint-executor' }],
  };
  await admin.iam.putUserPolicy({ UserName: 'hub', PolicyName: 'enter', PolicyDocument: JSON.stringify(enter) });
  await admin.iam.putUserPolicy({
    UserName: 'hub',
    PolicyName: 'organization',
    PolicyDocument: JSON.stringify(ofHub),
  });
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
  readonly service: string;
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

const denied = async (): Promise<Event[]> =>
  (await called()).filter(({ errorCode }) => errorCode?.includes('AccessDenied'));

test('a definition comes, changes and goes with exactly the generated rights', async () => {
  const accounts = await hubWith(executorPolicy(scope, false));
  await world.apply({ accounts, wanted: wantedOf(first) });
  await world.apply({ accounts, wanted: wantedOf(second) });
  const { iam } = await world.accountsAs().account(central);
  await iam.createAccessKey({ UserName: 'alice' });
  await iam.createLoginProfile({ UserName: 'alice', Password: 'Secret-Secret-1' });
  await world.apply({ accounts, mode: 'destroy', wanted: wantedOf(second) });
  assert.deepEqual(await denied(), []);
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
  const theirRail = { Name: 'theirs', Description: '', Type: 'SERVICE_CONTROL_POLICY', Content: denyNothing } as const;
  const made = await (await world.accountsAs().organizations()).createPolicy(theirRail);
  const PolicyId = made.Policy!.PolicySummary!.Id!;
  const organizations = await accounts.organizations();
  const Tags = [{ Key: 'stint:definition', Value: 'default' }];
  refused.push(
    () => organizations.updatePolicy({ PolicyId, Description: 'ours' }),
    () => organizations.deletePolicy({ PolicyId }),
    () => organizations.attachPolicy({ PolicyId, TargetId: dev }),
    () => organizations.untagResource({ ResourceId: PolicyId, TagKeys: ['team'] }),
    () => organizations.tagResource({ ResourceId: dev, Tags }),
    () => organizations.createPolicy({ ...theirRail, Name: 'untagged' }),
    () => organizations.createPolicy({ ...theirRail, Name: 'backup', Type: 'BACKUP_POLICY', Tags }),
    () => organizations.detachPolicy({ PolicyId: 'p-FullAWSAccess', TargetId: dev }),
  );
  for (const call of refused) await assert.rejects(call, { name: /AccessDenied/ });
});

test('the twin for plan and drift plans, and can write nothing', async () => {
  const accounts = await hubWith(executorPolicy(scope, true), hubPolicy(scope, true));
  const wanted = wantedOf(first);
  assert.ok((await world.planNow({ accounts, wanted })).changes.length > 5);
  await assert.rejects(world.apply({ accounts, wanted }), { name: /AccessDenied/ });
  assert.ok(!(await world.holdings(dev)).some((text) => /app|lease/.test(text)));
});

test('guard rails are undone by the hub, and found by its twin when a definition has none any more', async () => {
  const accounts = await hubWith(executorPolicy(scope, false));
  const { run = '' } = await world.apply({ accounts, wanted: wantedOf(first) });
  const made = chooseRun(world.folder, run);
  const undone = await world.apply({
    accounts,
    mode: 'undo',
    wanted: undoScope(made),
    undoes: run,
    planFrom: (seen) => planUndo(made, seen),
  });
  // What was switched on for the whole organisation stays so.
  assert.deepEqual(
    undone.plan.findings.map(({ code }) => code),
    ['not-undoable'],
  );
  await world.apply({ accounts, wanted: wantedOf(first) });
  assert.deepEqual(await denied(), []);
  const admin = await world.accountsAs().account(central);
  const PolicyDocument = JSON.stringify(hubPolicy(scope, true));
  await admin.iam.putUserPolicy({ UserName: 'hub', PolicyName: 'organization', PolicyDocument });
  const { guardrails: _, ...none } = first;
  const left = await world.planNow({ accounts, wanted: wantedOf(none) });
  assert.deepEqual(
    left.changes.map(({ action, kind }) => `${action} ${kind}`),
    Array(3).fill('destroy organization-policy'),
  );
});

test('without guard rails an apply needs no more of the organisation than its id', async () => {
  const Statement = [{ Effect: 'Allow', Action: 'organizations:DescribeOrganization', Resource: '*' }];
  const accounts = await hubWith(executorPolicy(scope, false), { Version: '2012-10-17', Statement });
  const { guardrails: _, ...none } = first;
  await world.apply({ accounts, wanted: wantedOf(none) });
  const { changes, findings } = await world.planNow({ accounts, wanted: wantedOf(none) });
  assert.deepEqual(changes, []);
  // What was not seen is said.
  const unread = findings.filter(({ code }) => code === 'guardrails-unread');
  assert.deepEqual(
    unread.map(({ severity, account }) => `${severity} ${account}`),
    ['info central'],
  );
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
  const used = new Set((await called()).map(({ service, operation }) => `${service}:${operation}`));
  const statements = [...executorPolicy(scope, false).Statement, ...hubPolicy(scope, false).Statement];
  const all = statements.flatMap(({ Action }) => [Action ?? []].flat());
  const unused = [...new Set(all)].filter((action) => !used.has(action));
  assert.deepEqual(
    unused.filter((action) => !Object.values(elsewhere).some((pattern) => pattern.test(action))),
    [],
  );
  assert.ok(used.size > 35, String(used.size));
});

/** What an apply cannot do without, and what it says without it. */
const refusedBy = (right: string): RegExp => new RegExp(`^apply-failed .*AccessDenied: .*${right}`, 's');
const needed: readonly (readonly [right: string, says: RegExp])[] = [
  ...['TagRole', 'TagUser', 'TagInstanceProfile', 'TagPolicy', 'PassRole', 'CreateGroup'].map(
    (name) => [`iam:${name}`, refusedBy(`iam:${name}`)] as const,
  ),
  ...['CreatePolicy', 'TagResource', 'AttachPolicy', 'EnablePolicyType'].map(
    (name) => [`organizations:${name}`, refusedBy(`organizations:${name}`)] as const,
  ),
  ['organizations:DescribeOrganization', /^wrong-organization .*organizations:DescribeOrganization/],
  ...['ListPolicies', 'ListRoots', 'ListOrganizationalUnitsForParent'].map(
    (name) => [`organizations:${name}`, /^findings-block .*not-management/s] as const,
  ),
  ...['DescribePolicy', 'ListTagsForResource', 'ListTargetsForPolicy'].map(
    (name) => [`organizations:${name}`, /^read-back-differs .*stint-default-stay/] as const,
  ),
];

const without = (policy: Document, right: string): Document => ({
  ...policy,
  Statement: policy.Statement.map((it) => ({
    ...it,
    Action: [it.Action ?? []].flat().filter((action) => action !== right),
  })).filter(({ Action }) => Action.length > 0),
});

for (const [right, says] of needed) {
  test(`without ${right} an apply stops`, async () => {
    const rights = [executorPolicy(scope, false), hubPolicy(scope, false)].map((it) => without(it, right));
    const accounts = await hubWith(rights[0]!, rights[1]);
    const failure = await failureOf(world.apply({ accounts, wanted: wantedOf(first) }));
    assert.match(`${failure.code} ${failure.message}`, says);
  });
}
