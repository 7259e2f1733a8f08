// `undo`, `drift`, and the flags of runs, as people type them.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'stint-run-cli-'));
const dev = '222222222222';
let cloud: Cloud;

const definition = `
version: 1
organization: o-stintlocal
accounts:
  central: { id: "111111111111", stage: central, central: true }
  dev: { id: "${dev}", stage: dev }
groups: { developers: {} }
people: { alice: { groups: [developers] } }
roles:
  reader:
    in: [dev]
    trust: [{ group: developers }]
    statements: [{ Effect: Allow, Action: "s3:Get*", Resource: "*" }]
`;

before(async () => {
  cloud = await startCloud();
  writeFileSync(join(folder, 'stint.config.yaml'), definition);
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  rmSync(join(folder, 'home'), { recursive: true, force: true });
  const headers = { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' };
  await fetch(`${cloud.endpoint}/_stint/reset`, { method: 'POST', headers, body: '{}' });
});

function environment(): Record<string, string> {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts['111111111111']!;
  return {
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

const stint = (...args: readonly string[]): Promise<Finished> => runStint(args, { cwd: folder, env: environment() });

async function iamOfDev() {
  const accounts = openAccounts({
    env: environment(),
    clock: systemClock,
    random: systemRandom,
    sleep: async () => undefined,
  });
  return (await accounts.account(dev)).iam;
}

/** What somebody does by hand in dev. */
async function byHand(): Promise<void> {
  const iam = await iamOfDev();
  await iam.attachRolePolicy({ RoleName: 'reader', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' });
}

test('undo lists runs, takes the last one back, and takes the undo back', async () => {
  assert.match((await stint('undo')).stderr, /error\[run-unknown\]/);
  const applied = await stint('apply', '--yes', '--json');
  assert.equal(applied.code, 0, applied.stderr);
  const { run } = JSON.parse(applied.stdout) as { run: string };
  const events = applied.stderr.split('\n').filter((line) => line.startsWith('{"time"'));
  assert.ok(events.some((line) => line.includes('"type":"step"')) && events.every((line) => JSON.parse(line) !== null));

  const refused = await stint('undo');
  assert.match(refused.stderr, /role reader[\s\S]*error\[confirmation-needed\]/);
  const undone = await stint('undo', '--yes');
  assert.equal(undone.code, 0, undone.stderr);
  assert.match(undone.stderr, new RegExp(`Undone: ${run}`));
  const list = (await stint('undo', '--list')).stdout.trim().split('\n');
  assert.deepEqual(
    list.map((line) => line.split('  ').slice(1, 3).join(' ')),
    [`undo of ${run} default`, 'apply default'],
  );
  assert.match(list[1]!, /undone by/);
  assert.equal((await stint('plan', '--detailed-exitcode')).code, 3);
  assert.equal((await stint('undo', '--yes')).code, 0);
  assert.equal((await stint('plan', '--detailed-exitcode')).code, 0);
  const near = await stint('undo', `${run.slice(0, -1)}?`);
  assert.match(near.stderr, new RegExp(`hint: did you mean .${run}.`));
});

test('drift tells what, who and when; it is reverted, or shown as what the definition would say', async () => {
  assert.equal((await stint('apply', '--yes')).code, 0);
  assert.equal((await stint('drift')).code, 0);
  await byHand();
  const found = await stint('drift');
  assert.equal(found.code, 3, found.stderr);
  assert.match(found.stdout, /^dev\/role\/reader was changed\n {4}\+ AdministratorAccess\n/);
  assert.match(
    found.stdout,
    /\d\dZ arn:aws:sts::222222222222:assumed-role\/OrganizationAccountAccessRole\/\S+ AttachRolePolicy/,
  );
  const json = JSON.parse((await stint('drift', '--json')).stdout) as { drift: { traces: { event: string }[] }[] };
  assert.equal(json.drift[0]!.traces[0]!.event, 'AttachRolePolicy');

  const adopted = await stint('drift', '--adopt');
  assert.match(adopted.stdout, /roles:\n {2}reader:[\s\S]*managed: \[ AdministratorAccess \]/);
  assert.equal((await stint('drift', '--adopt', '--revert')).code, 2);
  const reverted = await stint('drift', '--revert', '--yes');
  assert.equal(reverted.code, 0, reverted.stderr);
  assert.equal((await stint('drift')).code, 0);
});

test('who made a new version of a policy is told, and many small calls do not hide the one that matters', async () => {
  const policy = 'policies: { p: { statements: [{ Effect: Allow, Action: "s3:Put*", Resource: "*" }] } }\n';
  const more = definition.replace('    in: [dev]\n', '    in: [dev]\n    policies: [p]\n') + policy;
  writeFileSync(join(folder, 'more.yaml'), more);
  assert.equal((await stint('apply', '--yes', '--config', 'more.yaml')).code, 0);
  const iam = await iamOfDev();
  const Statement = [{ Effect: 'Allow', Action: '*', Resource: '*' }];
  await iam.createPolicyVersion({
    PolicyArn: `arn:aws:iam::${dev}:policy/stint/default/p`,
    PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement }),
    SetAsDefault: true,
  });
  await iam.deleteRolePolicy({ RoleName: 'reader', PolicyName: 'stint' });
  for (let count = 0; count < 10; count += 1)
    await iam.tagRole({ RoleName: 'reader', Tags: [{ Key: 'n', Value: `${count}` }] });
  const { stdout } = await stint('drift', '--json', '--config', 'more.yaml');
  const { drift } = JSON.parse(stdout) as { drift: { id: string; traces: { who: string; event: string }[] }[] };
  const events = Object.fromEntries(drift.map(({ id, traces }) => [id, traces.map(({ event }) => event)]));
  assert.equal(events['dev/policy/p']?.[0], 'CreatePolicyVersion');
  assert.deepEqual(events['dev/role/reader']?.slice(0, 2), ['TagRole', 'DeleteRolePolicy']);
});

test('what AWS has and no entry can say is never told to be taken out', async () => {
  const guardrail = 'guardrails: { g: { on: [dev], type: scp, use: [deny-leave-organization] } }\n';
  writeFileSync(join(folder, 'more.yaml'), `${definition}${guardrail}`);
  assert.equal((await stint('apply', '--yes', '--config', 'more.yaml')).code, 0);
  const accounts = openAccounts({
    env: environment(),
    clock: systemClock,
    random: systemRandom,
    sleep: async () => undefined,
  });
  const organizations = await accounts.organizations();
  const { Policies = [] } = await organizations.listPolicies({ Filter: 'SERVICE_CONTROL_POLICY' });
  const PolicyId = Policies.find(({ Name }) => Name === 'stint-default-g')!.Id!;
  await organizations.attachPolicy({ PolicyId, TargetId: '333333333333' });
  await organizations.detachPolicy({ PolicyId, TargetId: dev });
  const { stdout } = await stint('drift', '--adopt', '--config', 'more.yaml');
  assert.match(stdout, /# central\/organization-policy\/stint-default-g: no entry says it as AWS has it\./);
  assert.doesNotMatch(stdout, /Take out/);
});

test('of a statement that somebody changed, drift and plan tell what in it is otherwise, `--full` both whole', async () => {
  assert.equal((await stint('apply', '--yes')).code, 0);
  const iam = await iamOfDev();
  const Statement = [{ Effect: 'Allow', Action: ['s3:Put*', 's3:get*'], Resource: ['*'] }];
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
  await iam.putRolePolicy({ RoleName: 'reader', PolicyName: 'stint', PolicyDocument });
  const drift = (await stint('drift')).stdout;
  assert.match(
    drift,
    /^dev\/role\/reader was changed\n {4}~ statement 1 \(allow s3:Get\*\) of inline policy stint\n {8}\+ s3:Put\*\n {4}20/,
  );
  const full = (await stint('drift', '--full')).stdout;
  assert.match(full, /was changed\n {4}\+ allow s3:Put\*, s3:get\* on \*\n {4}- allow s3:Get\* on \*\n/);
  const { stdout } = await stint('plan');
  assert.match(stdout, /role reader in dev\n {6}~ statement 1 \(.*\) of inline policy stint\n {10}- s3:Put\*\n/);
  assert.match(
    (await stint('plan', '--full')).stdout,
    /- allow s3:Put\*, s3:get\* on \*\n {6}\+ allow s3:Get\* on \*\n/,
  );
});

test('a tolerance that is none is wrong usage', async () => {
  for (const text of ['many', '-1', '101%', '1.5']) {
    const { code, stderr } = await stint('apply', '--yes', `--tolerate=${text}`);
    assert.deepEqual([code, stderr.split('\n')[0]], [2, `error[invalid-option]: \`${text}\` is no tolerance`]);
  }
});
