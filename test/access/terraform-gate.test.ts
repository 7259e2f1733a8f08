import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { runStint } from '../cli/support.ts';
import { judgeTerraformPlan } from '../../src/access/index.ts';

const cases = new URL('../cases/access/terraform/', import.meta.url);
const textOf = (file: string): string => readFileSync(new URL(file, cases), 'utf8');

/** What is said of a plan, but for suggestions: severity, code and what it is about. */
async function told(file: string): Promise<string[]> {
  const { findings } = await judgeTerraformPlan(file, textOf(file));
  return findings
    .filter(({ severity }) => severity !== 'suggestion')
    .map(({ severity, code, accounts, resource = '' }) => [severity, code, ...accounts, resource].join(' ').trimEnd());
}

const expected: Readonly<Record<string, readonly string[]>> = {
  'part-1/plan.json': [
    'warning secret-in-state',
    'warning secret-in-state',
    'error lock-out provider aws aws_iam_user.administrator',
  ],
  'part-2/plan.json': ['warning imdsv2-not-required', 'warning bare-account-trust 222222222222 aws_iam_role.test_role'],
  'part-2/twice.plan.json': [
    'warning imdsv2-not-required',
    'error duplicate-name 222222222222 aws_iam_role.test_role',
    'warning bare-account-trust 222222222222 aws_iam_role.test_role',
  ],
  'estate/plan.json': ['info terraform-exclusive-attachment', 'info terraform-unknown dev aws_iam_role.deploy'],
  // Only sessions and a condition change: what was there before is not judged again.
  'estate/change.plan.json': ['info terraform-exclusive-attachment'],
};

describe('a plan of Terraform is judged by what it makes and changes:', () => {
  for (const [file, lines] of Object.entries(expected)) {
    test(file, async () => assert.deepEqual(await told(file), lines));
  }
});

test('what a plan changes of guard rails is told, with what they bind, though the plan knows none of the accounts', async () => {
  const made = await judgeTerraformPlan('f', textOf('organization/plan.json'));
  assert.deepEqual(made.access.slice(-6), [
    '  guard rail stay is made',
    '    + deny organizations:LeaveOrganization on *',
    '    + binds the whole organisation',
    '    + description Nobody leaves',
    '  guard rail tagged is made',
    '    + deny s3:DeleteBucket on *',
  ]);
  assert.ok(made.access.includes('    + binds account 444444444444'));
  const changed = await judgeTerraformPlan('f', textOf('organization/change.plan.json'));
  assert.deepEqual(changed.access, [
    '  guard rail frozen',
    '    - deny ec2:RunInstances, iam:CreateUser on * if aws:PrincipalArn ArnNotLike arn:aws:iam::*:role/OrganizationAccountAccessRole',
    '    + deny ec2:RunInstances, iam:CreateUser on * if aws:PrincipalArn ArnNotLike arn:aws:iam::*:role/*',
  ]);
  assert.deepEqual([made.gain, changed.gain], [false, true]);
});

test('how much was judged is told', async () => {
  assert.equal((await judgeTerraformPlan('f', textOf('estate/change.plan.json'))).judged, 4);
  assert.equal((await judgeTerraformPlan('f', textOf('estate/plan.json'))).judged, 20);
});

test('a policy that a plan changes is judged with its place, and no secret is told', async () => {
  const text = textOf('estate/change.plan.json');
  const wide = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action: 's3:NoSuchAction', Resource: '*' }],
  });
  const plan = JSON.parse(text) as {
    resource_changes: { address: string; change: { after: Record<string, unknown> } }[];
  };
  plan.resource_changes.find(({ address }) => address === 'module.dev.aws_iam_role_policy.queue[0]')!.change.after[
    'policy'
  ] = wide;
  const { findings } = await judgeTerraformPlan('f', JSON.stringify(plan));
  const found = findings.find(({ message }) => message.includes('s3:NoSuchAction'));
  assert.ok(found);
  assert.deepEqual(found.accounts, ['dev']);
  assert.equal(found.resource, 'module.dev.aws_iam_role.worker[0]');
  assert.equal(found.path, '$.Statement[0].Action');
  assert.match(found.message, /^policy queue: /);
  for (const file of Object.keys(expected)) {
    assert.doesNotMatch(JSON.stringify(await judgeTerraformPlan(file, textOf(file))), /FAKE-?SECRET/);
  }
});

test('who gains what by a plan is told, and what is known only after apply is nobody’s gain', async () => {
  const changed = await judgeTerraformPlan('f', textOf('estate/change.plan.json'));
  assert.deepEqual(
    changed.access.filter((line) => /^ {2}\S/.test(line)),
    ['  trust of roles reader, support in dev, test'],
  );
  const fresh = await judgeTerraformPlan('f', textOf('estate/plan.json'));
  assert.equal(fresh.gain, true);
  assert.doesNotMatch(fresh.access.join('\n'), /everyone may become|deploy/);
  const first = await judgeTerraformPlan('f', textOf('part-1/plan.json'));
  assert.match(
    first.access.join('\n'),
    /new group Administrators in provider aws\n {4}\+ AdministratorAccess, with MFA:/,
  );
});

test('`stint lint --terraform-plan` is a gate: 1 with an error, else 0, and JSON for programs', async () => {
  const run = (...args: readonly string[]) => runStint(args, { cwd: '/', env: {} });
  const plan = (file: string): string => new URL(file, cases).pathname;
  const bad = await run('lint', '--terraform-plan', plan('part-2/twice.plan.json'));
  assert.equal(bad.code, 1, bad.stderr);
  assert.match(bad.stdout, /error\[duplicate-name\]: aws_iam_role\.test_role in 222222222222: two are named/);
  const good = await run(
    'lint',
    '--terraform-plan',
    plan('estate/change.plan.json'),
    plan('estate/plan.json'),
    '--json',
  );
  assert.equal(good.code, 0, good.stderr);
  const { files } = JSON.parse(good.stdout) as { files: { kind: string; access: string[] }[] };
  assert.deepEqual(
    files.map(({ kind, access }) => [kind, access.length > 0]),
    [
      ['terraform plan', true],
      ['terraform plan', true],
    ],
  );
  const refused = await run('lint', '--terraform-plan', plan('part-2/main.tf'));
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /error\[terraform-unreadable\]/);
});
