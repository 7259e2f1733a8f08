import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { chooseRun, planUndo, runState, undoScope, type ApplyResult, type Run } from '../../src/access/index.ts';
import { failureOf } from '../base/support.ts';
import { accessLines, central, definition, dev, startWorld, wantedOf, type World } from './apply-support.ts';

let world: World;

before(async () => {
  world = await startWorld();
});
after(() => world.stop());
beforeEach(() => world.reset());

const runOf = ({ run }: ApplyResult): Run => chooseRun(world.folder, run);

function undo(run: Run): Promise<ApplyResult> {
  return world.apply({
    mode: 'undo',
    wanted: undoScope(run),
    undoes: run.run,
    planFrom: (seen) => planUndo(run, seen),
  });
}

const findingsOf = ({ plan }: ApplyResult): string[] =>
  plan.findings.map(({ code, account, resource, message }) => `${code} ${account} ${resource} ${message}`);

/** Everything that the accounts show, but for what AWS gives out by itself. */
async function everything(): Promise<unknown> {
  const accounts = [];
  for (const account of definition.stages) {
    const { iam } = await world.accountsAs().account(definition.accounts[account as 'dev'].id);
    const { UserDetailList, GroupDetailList, RoleDetailList, Policies } = await iam.getAccountAuthorizationDetails({
      Filter: ['User', 'Group', 'Role', 'LocalManagedPolicy'],
    });
    const { InstanceProfiles } = await iam.listInstanceProfiles({});
    const own = [UserDetailList, GroupDetailList, RoleDetailList, InstanceProfiles].map((list) => list ?? []);
    const documents = (Policies ?? []).map(({ PolicyName, PolicyVersionList }) => [
      PolicyName,
      PolicyVersionList?.find(({ IsDefaultVersion }) => IsDefaultVersion)?.Document,
    ]);
    accounts.push([own, documents]);
  }
  const given = new Set(['UserId', 'RoleId', 'GroupId', 'InstanceProfileId', 'CreateDate', 'RoleLastUsed']);
  return JSON.parse(JSON.stringify(accounts, (key, value: unknown) => (given.has(key) ? undefined : value)));
}

test('an apply from nothing is undone to nothing, and undoing that brings everything back', async () => {
  const empty = await everything();
  const first = await world.apply();
  const full = await everything();
  const undone = await undo(runOf(first));
  assert.deepEqual(findingsOf(undone), []);
  assert.deepEqual(await everything(), empty);
  assert.equal((await undo(runOf(first))).outcome, undefined);

  const redone = await undo(runOf(undone));
  assert.deepEqual(await everything(), full);
  assert.deepEqual((await world.planNow()).changes, []);
  assert.equal(chooseRun(world.folder, redone.run).undoes, undone.run);
});

test('changes and removals are undone to what was before', async () => {
  await world.apply();
  const before = await everything();
  const { chained: _, back: __, app, ...roles } = definition.roles;
  const changed = wantedOf({
    roles: { ...roles, app2: { ...app, managed: [], session: '2h' } },
    policies: { reader: { statements: [{ Effect: 'Allow', Action: 's3:List*', Resource: '*' }] } },
    people: { alice: { groups: ['Administrators'], owner: 'bob' } },
    passwordPolicy: { in: ['central'], minimumLength: 14 },
  });
  const run = runOf(await world.apply({ wanted: changed }));
  const undone = await undo(run);
  const kept = findingsOf(undone).filter((text) => /^(?:not-undoable|changed-since) /.test(text));
  assert.ok(
    kept.every((text) => text.includes('purgeUserCredentials')),
    kept.join('\n'),
  );
  // Whom an undo gives what back is told like what an apply gives.
  const told = accessLines(undone.plan).join('\n');
  assert.match(told, /\+ .*s3:Get\*/);
  assert.match(told, /- .*s3:List\*/);
  assert.deepEqual(await everything(), before);
  assert.deepEqual((await world.planNow()).changes, []);
});

test('a kind of guard rail that was switched on stays so when its rails are undone, is told, and serves again', async () => {
  const guardrails = { fence: { on: 'organization', type: 'rcp', use: ['require-organization'] } };
  const railed = wantedOf({ guardrails });
  const first = await world.apply({ wanted: railed });
  const names = first.plan.steps.map(({ operation }) => operation).filter((it) => it.startsWith('organizations.'));
  assert.deepEqual(
    names,
    ['enablePolicyType', 'createPolicy', 'attachPolicy'].map((it) => `organizations.${it}`),
  );
  const organizations = await world.accountsAs().organizations();
  const state = async (): Promise<unknown> => {
    const { Roots } = await organizations.listRoots({});
    const { Policies } = await organizations.listPolicies({ Filter: 'RESOURCE_CONTROL_POLICY' });
    const types = Roots?.[0]?.PolicyTypes?.map(({ Type }) => Type).toSorted();
    return [types, Policies?.filter(({ AwsManaged }) => AwsManaged !== true).map(({ Name }) => Name)];
  };
  const types = ['RESOURCE_CONTROL_POLICY', 'SERVICE_CONTROL_POLICY'];
  assert.deepEqual(await state(), [types, ['stint-default-fence']]);
  const undone = await undo(runOf(first));
  assert.deepEqual(await state(), [types, []]);
  assert.ok(
    findingsOf(undone).some(
      (text) => text.startsWith('not-undoable central organization-policy/') && text.includes('enablePolicyType'),
    ),
    findingsOf(undone).join('\n'),
  );
  await undo(runOf(undone));
  assert.deepEqual(await state(), [types, ['stint-default-fence']]);
  assert.deepEqual((await world.planNow({ wanted: railed })).changes, []);
  await world.apply({ wanted: railed, mode: 'destroy' });
  assert.deepEqual(await state(), [types, []]);
});

test('a kind of guard rail that somebody switches off in between is switched on again by the next apply', async () => {
  const railed = wantedOf({
    guardrails: { fence: { on: 'organization', type: 'rcp', use: ['require-organization'] } },
  });
  await world.apply({ wanted: railed });
  const organizations = await world.accountsAs().organizations();
  const { Roots } = await organizations.listRoots({});
  const RootId = Roots![0]!.Id!;
  await organizations.disablePolicyType({ RootId, PolicyType: 'RESOURCE_CONTROL_POLICY' });
  const again = await world.apply({ wanted: railed });
  const calls = again.plan.steps.map(({ operation }) => operation);
  assert.deepEqual(calls, ['organizations.enablePolicyType', 'organizations.attachPolicy']);
  assert.deepEqual((await world.planNow({ wanted: railed })).changes, []);
});

describe('what somebody has changed since the run', () => {
  test('is left as it is, and told', async () => {
    const run = runOf(await world.apply());
    const { iam } = await world.accountsAs().account(dev);
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 's3:Put*', Resource: '*' }],
    });
    await iam.putRolePolicy({ RoleName: 'test_role', PolicyName: 'by-hand', PolicyDocument });
    await iam.updateRole({ RoleName: 'back-there', MaxSessionDuration: 7200 }).catch(() => undefined);
    await iam.tagRole({ RoleName: 'app', Tags: [{ Key: 'stint:owner', Value: 'bob' }] });
    const undone = await undo(run);
    assert.deepEqual(
      undone.plan.findings.map(({ code, account, resource }) => [code, account, resource]),
      [
        ['changed-since', 'dev', 'role/test_role'],
        ['changed-since', 'dev', 'role/app'],
      ],
    );
    const held = await world.holdings(dev);
    assert.ok(held.includes('role test_role') && held.includes('role app') && !held.includes('role chained'));
    const { PolicyNames } = await iam.listRolePolicies({ RoleName: 'test_role' });
    assert.deepEqual(PolicyNames, ['by-hand'], 'what the run had put is gone, what came by hand is there');
  });

  test('is no matter where it is as before the run already', async () => {
    await world.apply();
    const run = runOf(
      await world.apply({ wanted: wantedOf({ passwordPolicy: { in: ['central'], minimumLength: 12 } }) }),
    );
    const { iam } = await world.accountsAs().account(central);
    await iam.updateAccountPasswordPolicy({ MinimumPasswordLength: 10 });
    const undone = await undo(run);
    assert.deepEqual([undone.outcome, findingsOf(undone)], [undefined, []]);
  });
});

test('a run that stopped is undone as far as it went, also where an answer was lost', async () => {
  const empty = await everything();
  await world.fault('PutRolePolicy', { account: dev, error: { code: 'AccessDenied', status: 403 } });
  await failureOf(world.apply());
  const run = chooseRun(world.folder, world.lastRun());
  assert.equal(runState(run), 'stopped: apply-failed');
  const lost = { ...run, entries: run.entries.map((entry) => ({ ...entry, outcome: undefined })) };
  await undo(lost);
  assert.deepEqual(await everything(), empty);
});

describe('journals', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-runs-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const chosen = async (run: string | undefined, place = folder): Promise<Run> => chooseRun(place, run);

  test('of version 1 are read', () => {
    writeFileSync(
      join(folder, 'old.jsonl'),
      [
        {
          time: 't',
          format: 'stint-journal',
          version: 1,
          definition: 'd',
          caller: 'arn:aws:iam::1:user/a',
          mode: 'apply',
        },
        {
          time: 't',
          entry: 1,
          step: 'dev/role/r#createRole',
          account: dev,
          operation: 'createRole',
          input: {},
          inverse: [],
        },
        { time: 't', entry: 1, outcome: 'done' },
      ]
        .map((line) => `${JSON.stringify(line)}\n`)
        .join(''),
    );
    const run = chooseRun(folder, 'old');
    assert.deepEqual(run.accounts, [{ id: dev, name: 'dev', stage: 'dev' }]);
    assert.deepEqual([run.partition, run.entries[0]!.outcome, runState(run)], ['aws', 'done', 'broken off']);
  });

  test('of a killed run end in half a line, which counts for nothing', () => {
    appendFileSync(join(folder, 'old.jsonl'), '{"time":"t","entry":2,"st');
    assert.equal(chooseRun(folder, 'old').entries.length, 1);
  });

  const broken: readonly (readonly [name: string, text: string, code: string])[] = [
    ['of a newer Stint', '{"format":"stint-journal","version":3}\n', 'journal-unreadable'],
    ['damaged in the middle', '{"format":"stint-journal","version":2}\n{"entry":\n{}\n', 'journal-unreadable'],
    ['of something else', '{"version":2}\n', 'journal-unreadable'],
    ['without a line', '', 'journal-unreadable'],
  ];
  for (const [name, text, code] of broken) {
    test(`${name} are refused`, async () => {
      writeFileSync(join(folder, 'broken.jsonl'), text);
      assert.equal((await failureOf(chosen('broken'))).code, code);
    });
  }

  test('that are not there suggest the nearest', async () => {
    const failure = await failureOf(chosen('odl'));
    assert.deepEqual([failure.code, failure.hint], ['run-unknown', 'did you mean `old`?']);
    const none = await failureOf(chosen(undefined, join(folder, 'none')));
    assert.equal(none.code, 'run-unknown');
  });

  test('hold every operation that a plan may call', async () => {
    const { afterCall } = await import('../../src/access/simulate.ts');
    const sources = ['steps', 'carriers', 'removal', 'provider-steps', 'organization-steps'].map((name) =>
      readFileSync(new URL(`../../src/access/${name}.ts`, import.meta.url), 'utf8'),
    );
    const named = new Set(
      sources.flatMap((text) => [...text.matchAll(/operation: '([\w.]+)'/g)].map(([, name]) => name!)),
    );
    assert.ok(named.size > 15);
    for (const operation of named) {
      if (operation === 'purgeUserCredentials') continue;
      const effect = afterCall(new Map(), {
        operation,
        input: { PolicyDocument: '{}', AssumeRolePolicyDocument: '{}' },
      });
      assert.ok(!('unknown' in effect) || effect.unknown !== 'call', `undo does not know ${operation}`);
    }
  });
});
