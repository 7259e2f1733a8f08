// Policies that were there before Stint: taken over by name, and later taken out of the definition again.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { planAdoption, type Plan, type Wanted } from '../../src/access/index.ts';
import type { Account } from '../../src/aws/index.ts';
import { failureOf } from '../base/support.ts';
import { accessLines } from './apply-support.ts';
import { changesOf, dev, wantedOf, World } from './world.ts';

const world = new World();

const statements = [{ Effect: 'Allow', Action: 'sqs:SendMessage', Resource: '*' }];
const PolicyArn = `arn:aws:iam::${dev}:policy/old/limits`;
const foreignArn = `arn:aws:iam::${dev}:policy/old/foreign`;
const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
const service = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
});

const held = (mode: string): Wanted =>
  wantedOf({
    policies: { limits: { path: '/old/', statements } },
    roles: { app: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], policies: ['limits'], mode } },
  });
const without = (mode: string): Wanted =>
  wantedOf({ roles: { app: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], mode } } });

let iam: Account['iam'];

beforeEach(async () => {
  ({ iam } = await world.accounts.account(dev));
  for (const PolicyName of ['limits', 'foreign']) await iam.createPolicy({ PolicyName, Path: '/old/', PolicyDocument });
});

const adopt = (wanted: Wanted): Promise<{ readonly plan: Plan }> =>
  world.apply(wanted, {
    planFrom: (seen) => planAdoption(wanted, seen, { ids: new Set(['dev/policy/limits']), withChanges: false }),
  });

async function attached(): Promise<(string | undefined)[]> {
  const { AttachedPolicies = [] } = await iam.listAttachedRolePolicies({ RoleName: 'app' });
  return AttachedPolicies.map((it) => it.PolicyArn);
}

for (const [mode, left] of [
  ['exclusive', []],
  ['additive', [foreignArn]],
] as const) {
  test(`a policy taken over, then taken out, goes from a role in mode ${mode}, and then altogether; what others attached ${mode === 'additive' ? 'stays' : 'goes'}`, async () => {
    await adopt(held(mode));
    await world.apply(held(mode));
    await iam.attachRolePolicy({ RoleName: 'app', PolicyArn: foreignArn });
    const { plan } = await world.apply(without(mode));
    assert.deepEqual(changesOf(plan), ['~ dev/role/app', '- dev/policy/limits']);
    assert.ok(accessLines(plan).some((line) => /- .*sqs:SendMessage/.test(line)) !== (mode === 'additive'));
    assert.deepEqual(await attached(), left);
    await assert.rejects(iam.getPolicy({ PolicyArn }), { name: 'NoSuchEntityException' });
    assert.ok((await iam.getPolicy({ PolicyArn: foreignArn })).Policy !== undefined);
    assert.deepEqual(changesOf(await world.plan(without(mode))), []);
  });
}

test('a policy taken over that others came to use is not deleted from under them', async () => {
  await adopt(held('exclusive'));
  await world.apply(held('exclusive'));
  await iam.createRole({ RoleName: 'theirs', AssumeRolePolicyDocument: service });
  await iam.attachRolePolicy({ RoleName: 'theirs', PolicyArn });
  const failure = await failureOf(world.apply(without('exclusive')));
  assert.equal(failure.code, 'findings-block');
  assert.match(failure.message, /policy-in-use\] dev policy\/limits: is still used by role theirs/);
  assert.deepEqual(await attached(), [PolicyArn]);
});

test('a taking over says that it changes nobody’s access, and one with changes whose', async () => {
  const { plan } = await adopt(held('exclusive'));
  assert.deepEqual([changesOf(plan), accessLines(plan)], [['~ dev/policy/limits'], []]);
  const wider = wantedOf({
    policies: {
      limits: { path: '/old/', statements: [{ ...statements[0], Action: ['sqs:SendMessage', 'sqs:PurgeQueue'] }] },
    },
    roles: { theirs: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }], policies: ['limits'] } },
  });
  await iam.untagPolicy({ PolicyArn, TagKeys: ['stint:definition', 'stint:id'] });
  await iam.createRole({ RoleName: 'theirs', AssumeRolePolicyDocument: service });
  await iam.attachRolePolicy({ RoleName: 'theirs', PolicyArn });
  const taken = await world.apply(wider, {
    planFrom: (seen) => planAdoption(wider, seen, { ids: new Set(['dev/policy/limits']), withChanges: true }),
  });
  const lines = accessLines(taken.plan).join('\n');
  assert.match(lines, /theirs/);
  assert.match(lines, /\+ .*sqs:PurgeQueue/);
});
