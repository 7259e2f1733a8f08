// What people read of a plan: the company of 20 accounts from nothing, so that one person can judge it.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { compileDefinition, loadDefinition, planJson, planText, type Plan } from '../../src/access/index.ts';
import { accountLabel } from '../../src/access/account-label.ts';
import { accessOf, meaningOf } from '../../src/access/meaning.ts';
import { definitionSchema } from '../../src/access/model.ts';
import { planChanges } from '../../src/access/plan.ts';
import { planFindings } from '../../src/access/plan-findings.ts';
import type { Wanted } from '../../src/access/compile.ts';
import type { SeenAccount } from '../../src/access/resources.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const company = new URL('../../examples/company/', import.meta.url).pathname;
const organization = {
  management: '100000000001',
  root: 'r-1',
  units: { Workloads: 'ou-1', 'Workloads/Prod': 'ou-2' },
  policyTypes: ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'],
};

/** What a plan from empty accounts says. */
async function planOf(wanted: Wanted, seen: readonly SeenAccount[]): Promise<Plan> {
  const plan = planChanges(wanted, seen);
  const access = await accessOf(plan, wanted, seen);
  const caller = { arn: `arn:aws:iam::100000000001:user/admin`, account: '100000000001', partition: 'aws' } as const;
  const findings = planFindings({ wanted, accounts: wanted.accounts, access, caller, mode: 'apply', blocks: true });
  return { ...plan, meaning: meaningOf(access), findings: [...plan.findings, ...findings] };
}

const empty = ({ accounts }: Wanted): SeenAccount[] =>
  accounts.map(({ id, name, stage }) => ({
    id,
    name,
    stage,
    resources: [],
    ...(id === organization.management ? { organization } : {}),
  }));

let plan: Plan;
let text: string;
before(async () => {
  const { definition } = await loadDefinition({
    cwd: company,
    variables: { given: {}, env: {} },
    library: new URL('../../src/index.ts', import.meta.url),
  });
  const wanted = compileDefinition(definition, now);
  plan = await planOf(wanted, empty(wanted));
  text = planText(plan);
});

/** The lines of a part of the text, which an empty line ends. */
function part(title: string): string[] {
  const lines = text.split('\n');
  const from = lines.indexOf(title);
  assert.notEqual(from, -1, `no part ${title}`);
  return lines.slice(from + 1, lines.indexOf('', from));
}

test('the first plan of 20 accounts is read on a few screens', () => {
  const lines = text.split('\n').length;
  assert.ok(lines <= 150, `${lines} lines`);
  assert.ok(planText(plan, { full: true }).split('\n').length > 1000);
  assert.match(text, /`--full` tells every account and every line/);
});

test('everything that is made is named, and where', () => {
  const changes = part('changes');
  const label = accountLabel(plan.accounts);
  const alike = Map.groupBy(plan.changes, ({ kind, name }) => `${kind} ${name}`);
  for (const same of alike.values()) {
    const { name } = same[0]!;
    const where = label(same.map(({ account }) => account));
    const told = changes.some((line) => line.includes(name) && line.includes(`in ${where}`));
    assert.ok(told, `${name} in ${where}\n${changes.join('\n')}`);
  }
});

test('who may become what is told in a line each, and what guards it once', () => {
  const access = part('access');
  assert.deepEqual(
    access.filter((line) => /^ {2}guarded:|auditor in|monitoring in|developer in/.test(line)),
    [
      '  + auditors gains auditor in all 20 accounts; log-reader in log-archive',
      '  + developers gains reader in stages dev, test, prod (15 accounts); developer in stage dev (5 accounts)',
      '  guarded: with MFA of the last 8h in stages central, core, dev, test (15 accounts), 1h in stage prod (5 accounts), under their own name as source identity, within the organisation',
      '  + carol of central may become role auditor in all 20 accounts, until 2030-01-01, guarded',
      '  + bob, dave of central may become role reader in stages dev, test (10 accounts); developer in stage dev (5 accounts), guarded',
      '  + everybody whom account 900000000009 lets may become role monitoring in stage prod (5 accounts), with the external id',
      '  new role auditor in stages central, core (5 accounts)',
      '  new role auditor in stages dev, test, prod (15 accounts)',
      '  new role developer in stage dev (5 accounts)',
      '  new role monitoring in stage prod (5 accounts)',
    ],
  );
});

test('what everybody may do is grouped by kind of access, the rest of a kind counted', () => {
  const access = part('access');
  const backup = access.findIndex((line) => line.startsWith('  new workload backup in '));
  assert.match(
    access[backup + 1]!,
    /AWSBackupServiceRolePolicyForBackup: 4 permission management, 5 data exposure, \d+ write, \d+ read; partly /,
  );
  const kinds = ['permission management', 'data exposure', 'write', 'read'];
  const deploy = access.findIndex((line) => line.startsWith('  new role deploy in '));
  assert.ok(kinds.slice(0, 1).every((kind) => access[deploy + 2]!.includes(kind)));
  // No right to manage permissions is folded into a count without its kind.
  assert.ok(access.every((line) => !/more actions? of/.test(line) || kinds.some((kind) => line.includes(kind))));
});

test('what ends is a list of its own, the soonest first', () => {
  const [first, ...rest] = part('expires');
  assert.equal(first, '  2029-12-31  trust of role reader in group developers in stage prod (5 accounts): INC-7');
  assert.ok(rest.length > 0 && rest.every((line) => line.startsWith('  2030-01-01  ')));
  const { expires } = planJson(plan) as { expires: readonly { what: string; accounts: string[]; when: string }[] };
  assert.deepEqual(expires[0], {
    what: 'trust of role reader in group developers',
    accounts: ['shop-prod', 'payments-prod', 'search-prod', 'data-prod', 'mobile-prod'],
    when: '2029-12-31T00:00:00Z',
    reason: 'INC-7',
  });
});

test('those whom the definition marks are told once, and no way up leads through them', () => {
  assert.match(
    text,
    /^admin by definition \(`marked`\): user break-glass-1, user break-glass-2 in central; role administrator in all 20 accounts; role break-glass in all accounts but central \(19\)$/m,
  );
  const ways = text.split('\n').filter((line) => line.includes('[escalation]'));
  assert.ok(ways.length > 0);
  assert.ok(
    ways.every((line) => /perhaps/.test(line)),
    ways.join('\n'),
  );
});

test('a way up to an administrator by definition that is no assumption stands out', async () => {
  const wanted = compileDefinition(
    definitionSchema.parse({
      version: 1,
      accounts: { dev: { id: '222222222222', stage: 'dev', central: true } },
      people: { alice: {} },
      roles: {
        owner: {
          in: ['dev'],
          trust: [{ service: 'lambda.amazonaws.com' }, { person: 'alice' }],
          managed: ['AdministratorAccess'],
          marked: 'admin',
        },
        deployer: {
          in: ['dev'],
          trust: [{ person: 'alice' }],
          statements: [
            { Effect: 'Allow', Action: ['lambda:CreateFunction', 'lambda:InvokeFunction'], Resource: '*' },
            { Effect: 'Allow', Action: 'iam:PassRole', Resource: 'arn:aws:iam::222222222222:role/owner' },
          ],
        },
      },
    }),
    now,
  );
  const { findings } = await planOf(wanted, empty(wanted));
  assert.deepEqual(
    findings
      .filter(({ code }) => code === 'escalation' || code === 'admin-by-definition')
      .map(({ severity, code, resource }) => `${severity} ${code} ${resource}`),
    ['info admin-by-definition role/owner', 'warning escalation role/deployer'],
  );
});

test('first passwords are said to be made where there is a place for them', () => {
  assert.match(
    text,
    /^note: alice, bob, carol in central have no console password yet; `stint apply --passwords FILE`/m,
  );
  const given = planText(plan, { passwords: true });
  assert.match(given, /^note: alice, bob, carol in central get first console passwords$/m);
  assert.doesNotMatch(given, /no console password/);
});

test('accounts are called by their stages only where that is all of them', () => {
  const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3', 'c1', 'c2', 'c3', 'c4', 'c5'].map((name) => ({
    id: name,
    name,
    stage: name[0]!,
  }));
  const label = accountLabel(all);
  const named = (pattern: RegExp): string[] => all.map(({ name }) => name).filter((name) => pattern.test(name));
  assert.equal(label(named(/./)), 'all 11 accounts');
  assert.equal(label(named(/[^5]$/)), 'all accounts but c5 (10)');
  assert.equal(label(named(/^c/)), 'stage c (5 accounts)');
  assert.equal(label(named(/^[ab]/)), 'stages a, b (6 accounts)');
  assert.equal(label(named(/^(?:a[12]|c)/)), 'stages a, c but a3 (7 accounts)');
  assert.equal(label(named(/[12]$/)), 'a1, a2, b1 and 3 more');
  assert.equal(label(['b1', 'a1']), 'a1, b1');
  assert.equal(accountLabel(all, true)(named(/^c/)), 'c1, c2, c3, c4, c5');
});
