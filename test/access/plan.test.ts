import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { compileDefinition, planText, type Plan, type Wanted } from '../../src/access/index.ts';
import type { Call } from '../../src/access/calls.ts';
import { definitionSchema, type Definition } from '../../src/access/model.ts';
import { planAdoption, planChanges, planRemoval } from '../../src/access/plan.ts';
import { resourceArn, type SeenAccount, type SeenResource } from '../../src/access/resources.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

interface Case {
  readonly name: string;
  /** Members laid over the base definition. */
  readonly before?: object;
  readonly after: object;
  readonly changes?: readonly string[];
  readonly details?: Readonly<Record<string, readonly string[]>>;
  readonly calls?: readonly string[];
  readonly access?: object;
  readonly findings?: readonly string[];
  readonly hints?: readonly string[];
}

interface CaseFile {
  readonly base: object;
  readonly cases: readonly Case[];
}

const file = JSON.parse(readFileSync(new URL('../cases/access/plan.json', import.meta.url), 'utf8')) as CaseFile;

function wantedOf(over: object): Wanted {
  return compileDefinition(definitionSchema.parse({ ...file.base, ...over }) satisfies Definition, now);
}

/** What AWS shows once everything wanted is there: the same, with ARNs and AWS's own ids. */
function seenOf(wanted: Wanted): SeenAccount[] {
  return wanted.accounts.map(({ id, name, stage, resources, console }) => ({
    id,
    name,
    stage,
    resources: resources.map((resource): SeenResource => {
      if (resource.kind === 'password-policy') return resource;
      const arn = resourceArn(wanted.partition, id, resource);
      const login = resource.kind === 'user' && console.includes(resource.name) ? { loginProfile: true } : {};
      return { ...resource, ...login, arn, uniqueId: `AROA${resource.name.toUpperCase().padEnd(17, 'X')}` };
    }),
  }));
}

const emptyOf = (wanted: Wanted): SeenAccount[] => seenOf(wanted).map((account) => ({ ...account, resources: [] }));

const callsOf = (plan: Plan): string[] => plan.steps.map(({ id }) => id);

describe('plans', () => {
  for (const it of file.cases) {
    test(it.name, () => {
      const after = wantedOf(it.after);
      const seen = it.before === undefined ? emptyOf(after) : seenOf(wantedOf(it.before));
      const plan = planChanges(after, seen);
      const marks = { add: '+', change: '~', destroy: '-' };
      if (it.changes !== undefined) {
        assert.deepEqual(
          plan.changes.map(({ id, action }) => `${marks[action]} ${id}`),
          it.changes,
        );
      }
      for (const [id, lines] of Object.entries(it.details ?? {})) {
        const change = plan.changes.find((change) => change.id === id);
        assert.deepEqual(
          change?.details.map(({ sign, text }) => `${sign} ${text}`),
          lines,
        );
      }
      if (it.calls !== undefined) assert.deepEqual(callsOf(plan), it.calls);
      if (it.access !== undefined) assert.deepEqual(plan.access, it.access);
      if (it.findings !== undefined) {
        assert.deepEqual(
          plan.findings.map(({ severity, code, account, resource }) =>
            [severity, code, account, resource].join(' ').trimEnd(),
          ),
          it.findings,
        );
      }
      for (const hint of it.hints ?? [])
        assert.ok(
          plan.findings.some((finding) => finding.hint?.includes(hint)),
          hint,
        );
    });
  }
});

test('a plan against what was wanted is empty, whatever the order in which AWS shows lists and statements', () => {
  const wanted = wantedOf({});
  const shuffled = seenOf(wanted).map((account) => ({
    ...account,
    resources: account.resources.toReversed().map((resource) => {
      if (!('attached' in resource)) return resource;
      const text = JSON.stringify(resource.inline).replaceAll(
        '"Action":"s3:ListAllMyBuckets"',
        '"Action":["S3:listallmybuckets"]',
      );
      return {
        ...resource,
        attached: resource.attached.toReversed(),
        inline: JSON.parse(text) as typeof resource.inline,
      };
    }),
  }));
  const plan = planChanges(wanted, shuffled);
  assert.deepEqual(plan.changes, []);
  assert.deepEqual(plan.steps, []);
  assert.equal(planText(plan).split('\n').at(-1), 'Plan: 0 to add, 0 to change, 0 to destroy');
});

test('what another definition or nobody made is never taken over and never removed', () => {
  const wanted = wantedOf({});
  const seen = seenOf(wanted).map((account) => ({
    ...account,
    resources: account.resources.map((resource) =>
      resource.kind === 'role' ? { ...resource, tags: { 'stint:definition': 'other' } } : resource,
    ),
  }));
  const plan = planChanges(wanted, seen);
  assert.deepEqual(plan.steps, []);
  const errors = plan.findings.filter(({ code }) => code === 'foreign-resource');
  assert.equal(errors.length, 3);
  assert.match(errors[0]!.message, /belongs to the definition `other`/);
  const removed = planRemoval(wanted, seen).changes.map(({ kind }) => kind);
  assert.ok(!removed.includes('role') && removed.includes('group'));
});

test('a group of another definition is known by its path, is no thing of nobody, and is not taken over', () => {
  const wanted = wantedOf({});
  const seen = seenOf(wanted).map((account) => ({
    ...account,
    resources: account.resources.map((it) => (it.kind === 'group' ? { ...it, path: '/stint/other/' } : it)),
  }));
  const [told] = planChanges(wanted, seen).findings.filter(({ resource }) => resource === 'group/developers');
  assert.deepEqual([told?.severity, told?.code], ['error', 'foreign-resource']);
  assert.match(told!.message, /belongs to the definition `other`/);
  assert.doesNotMatch(told!.hint!, /stint import/);
  const adoption = { ids: new Set(['central/group/developers']), withChanges: true };
  const taken = planAdoption(wanted, seen, adoption);
  assert.deepEqual(taken.steps, []);
  assert.match(taken.findings.map(({ message }) => message).join(), /belongs to the definition `other`/);
});

test('a clash of names is found without regard to case', () => {
  const wanted = wantedOf({});
  const seen = emptyOf(wanted).map((account) =>
    account.name !== 'dev'
      ? account
      : {
          ...account,
          resources: seenOf(wanted)
            .find(({ name }) => name === 'dev')!
            .resources.flatMap((it) => (it.kind === 'role' ? [{ ...it, name: it.name.toUpperCase(), tags: {} }] : [])),
        },
  );
  const codes = planChanges(wanted, seen)
    .findings.filter(({ severity }) => severity === 'error')
    .map(({ code }) => code);
  assert.deepEqual(codes, ['foreign-resource', 'foreign-resource']);
});

test('a trust in a deleted principal is told and written anew; a living one shown by its id is no change', () => {
  const over = { roles: { r: { in: ['dev'], trust: [{ person: 'alice' }] } } };
  const wanted = wantedOf(over);
  const withPrincipal = (principal: string): SeenAccount[] =>
    JSON.parse(
      JSON.stringify(seenOf(wanted)).replaceAll('"AWS":"arn:aws:iam::111111111111:user/alice"', `"AWS":"${principal}"`),
    ) as SeenAccount[];
  assert.deepEqual(planChanges(wanted, withPrincipal('AROAALICEXXXXXXXXXXXX')).steps, []);
  const plan = planChanges(wanted, withPrincipal('AIDADELETEDXXXXXXXXXX'));
  assert.deepEqual(callsOf(plan), ['dev/role/r#updateAssumeRolePolicy']);
  assert.ok(plan.findings.some(({ code }) => code === 'deleted-principal'));
});

test('a removal takes later stages first, empties everything before deleting it, and takes only what is ours', () => {
  const wanted = wantedOf({});
  const seen = seenOf(wanted);
  const foreign: SeenResource = {
    kind: 'user',
    name: 'admin',
    path: '/',
    groups: [],
    attached: [],
    inline: {},
    tags: {},
    arn: 'arn:aws:iam::111111111111:user/admin',
  };
  const plan = planRemoval(
    wanted,
    seen.map((account) =>
      account.name === 'central' ? { ...account, resources: [...account.resources, foreign] } : account,
    ),
  );
  assert.deepEqual(callsOf(plan), [
    'prod/role/test_role#deleteRolePolicy',
    'prod/role/test_role#deleteRole',
    'dev/role/app#removeRoleFromInstanceProfile',
    'dev/instance-profile/test_profile#deleteInstanceProfile',
    'dev/role/test_role#deleteRolePolicy',
    'dev/role/test_role#deleteRole',
    'dev/role/app#detachRolePolicy',
    'dev/role/app#deleteRolePolicy',
    'dev/role/app#deleteRole',
    'central/user/alice#purgeUserCredentials',
    'central/user/alice#removeUserFromGroup',
    'central/user/alice#deleteUser',
    'central/group/developers#deleteGroupPolicy',
    'central/group/developers#deleteGroup',
    'central/password-policy/password policy#deleteAccountPasswordPolicy',
  ]);
});

test('a password policy that is not the one wanted is not removed', () => {
  const wanted = wantedOf({});
  const other = seenOf(wantedOf({ passwordPolicy: { in: ['central'], minimumLength: 20 } }));
  assert.ok(!callsOf(planRemoval(wanted, other)).some((id) => id.includes('deleteAccountPasswordPolicy')));
});

test('a removal stops at a policy that something of others still carries', () => {
  const wanted = wantedOf({
    policies: { p: { statements: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] } },
    groups: { developers: { policies: ['p'] } },
  });
  const carrier: SeenResource = {
    kind: 'role',
    name: 'theirs',
    path: '/',
    trust: { Version: '2012-10-17', Statement: [] },
    sessionSeconds: 3600,
    description: '',
    attached: ['arn:aws:iam::111111111111:policy/stint/default/p'],
    inline: {},
    tags: {},
  };
  const seen = seenOf(wanted).map((it) =>
    it.name === 'central' ? { ...it, resources: [...it.resources, carrier] } : it,
  );
  const finding = planRemoval(wanted, seen).findings.find(({ code }) => code === 'policy-in-use');
  assert.match(finding!.message, /still used by role theirs/);
});

test('a policy is created with its description', () => {
  const policies = { p: { description: 'reads', statements: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }] } };
  const wanted = wantedOf({ policies, groups: { developers: { policies: ['p'] } } });
  const create = planChanges(wanted, emptyOf(wanted)).steps.find(({ operation }) => operation === 'createPolicy');
  assert.equal(create?.input['Description'], 'reads');
  assert.deepEqual(planChanges(wanted, seenOf(wanted)).changes, []);
});

test('of a full set of policy versions the oldest makes room', () => {
  const policies = (action: string): object => ({
    policies: { p: { statements: [{ Effect: 'Allow', Action: action, Resource: '*' }] } },
    groups: { developers: { policies: ['p'] } },
  });
  const seen = seenOf(wantedOf(policies('s3:*'))).map((account) => ({
    ...account,
    resources: account.resources.map((it) =>
      it.kind === 'policy' ? { ...it, oldVersions: ['v1', 'v2', 'v3', 'v4'], defaultVersion: 'v5' } : it,
    ),
  }));
  const plan = planChanges(wantedOf(policies('s3:Get*')), seen);
  assert.deepEqual(
    plan.steps.map(({ operation, input }) => [operation, input['VersionId']]),
    [
      ['deletePolicyVersion', 'v1'],
      ['createPolicyVersion', undefined],
    ],
  );
  const [{ operation, input }] = plan.steps[1]!.inverse as [Call];
  assert.deepEqual([operation, input['SetAsDefault']], ['createPolicyVersion', true]);
  assert.match(input['PolicyDocument'] as string, /"s3:\*"/);
  assert.deepEqual(input['PolicyArn'], plan.steps[1]!.input['PolicyArn']);
});

test('a group with more roles than one policy holds gets as many policies as it needs', () => {
  const accounts: Record<string, object> = { central: { id: '111111111111', stage: 'central', central: true } };
  for (let index = 0; index < 20; index++)
    accounts[`a${index}`] = { id: String(200_000_000_000 + index), stage: 'dev' };
  const roles: Record<string, object> = {};
  for (let index = 0; index < 50; index++)
    roles[`role_${index}`] = { in: { stage: 'dev' }, trust: [{ group: 'developers' }] };
  const wanted = wantedOf({ accounts, stages: ['central', 'dev'], roles });
  const central = wanted.accounts[0]!.resources;
  const policies = central.filter(({ kind }) => kind === 'policy');
  assert.ok(policies.length > 1 && policies.length <= 10, String(policies.length));
  assert.deepEqual(
    wanted.findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  const plan = planChanges(wanted, emptyOf(wanted));
  assert.equal(plan.access[0]!.gains.length, 1000);
  assert.equal(plan.summary.add, 1000 + policies.length + 3);
});

test('a role that trusts one made after it is created closed and opened when the other exists', () => {
  const wanted = wantedOf({
    roles: {
      first: { in: ['dev'], trust: [{ role: 'prod/second' }] },
      second: { in: ['prod'], trust: [{ role: 'dev/first' }] },
    },
  });
  const plan = planChanges(wanted, emptyOf(wanted));
  const steps = plan.steps.filter(({ id }) => id.includes('/role/') && !id.endsWith('#putRolePolicy'));
  assert.deepEqual(
    steps.map(({ id, wave, after }) => ({ id, wave, after })),
    [
      { id: 'dev/role/first#createRole', wave: 1, after: [] },
      { id: 'prod/role/second#createRole', wave: 2, after: ['dev/role/first#createRole'] },
      { id: 'dev/role/first#updateAssumeRolePolicy', wave: 2, after: ['prod/role/second#createRole'] },
    ],
  );
  assert.match(JSON.stringify(steps[0]!.input), /stint\/nobody/);
});

test('a role of ours under another spelling is told, not taken for the wanted one', () => {
  const wanted = wantedOf({ roles: { r: { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }] } } });
  const seen = seenOf(wanted).map((account) => ({
    ...account,
    resources: account.resources.map((it) => (it.kind === 'role' ? { ...it, name: 'R' } : it)),
  }));
  const errors = planChanges(wanted, seen).findings.filter(({ severity }) => severity === 'error');
  assert.deepEqual(
    errors.map(({ code, resource }) => [code, resource]),
    [['misplaced', 'role/r']],
  );
});

test('denies come before what they hold back, and a boundary goes after it', () => {
  const role = { in: ['dev'], trust: [{ service: 'ec2.amazonaws.com' }] };
  const statements = [{ Effect: 'Deny', Action: 'iam:*', Resource: '*' }];
  const guarded = { ...role, managed: ['AdministratorAccess'], boundary: 'PowerUserAccess', statements };
  const full = wantedOf({ groups: {}, people: {}, roles: { r: guarded } });
  const bare = wantedOf({ groups: {}, people: {}, roles: { r: role } });
  const calls = (plan: Plan): string[] =>
    callsOf(plan).filter((id) => id.includes('role/r#') && !id.includes('create'));
  assert.deepEqual(calls(planChanges(full, emptyOf(full))), [
    'dev/role/r#putRolePolicy',
    'dev/role/r#attachRolePolicy',
  ]);
  const removals = ['detachRolePolicy', 'deleteRolePolicy', 'deleteRolePermissionsBoundary'];
  assert.deepEqual(
    calls(planChanges(bare, seenOf(full))),
    removals.map((it) => `dev/role/r#${it}`),
  );
  assert.deepEqual(
    calls(planRemoval(full, seenOf(full))),
    [...removals, 'deleteRole'].map((it) => `dev/role/r#${it}`),
  );
});

test('whoever comes to a role enters after what goes is gone, and whoever goes leaves before anything is granted', () => {
  const ec2 = { service: 'ec2.amazonaws.com' };
  const lambda = { service: 'lambda.amazonaws.com' };
  const ecs = { service: 'ecs-tasks.amazonaws.com' };
  const roleOf = (trust: object[], managed: string): Wanted =>
    wantedOf({ groups: {}, people: {}, roles: { r: { in: ['dev'], trust, managed: [managed] } } });
  const old = roleOf([ec2, lambda], 'AdministratorAccess');
  const trustsOf = (plan: Plan): string[] =>
    plan.steps.map(({ operation, input }) =>
      operation === 'updateAssumeRolePolicy'
        ? [...JSON.stringify(input['PolicyDocument']).matchAll(/[\w-]+\.amazonaws\.com/g)]
            .map(([name]) => name)
            .join(' ')
        : operation,
    );
  assert.deepEqual(trustsOf(planChanges(roleOf([ec2, ecs], 'ReadOnlyAccess'), seenOf(old))), [
    ec2.service,
    'attachRolePolicy',
    'detachRolePolicy',
    `${ec2.service} ${ecs.service}`,
  ]);
  assert.deepEqual(trustsOf(planChanges(roleOf([ecs], 'ReadOnlyAccess'), seenOf(old))), [
    '',
    'attachRolePolicy',
    'detachRolePolicy',
    ecs.service,
  ]);
  assert.deepEqual(trustsOf(planChanges(roleOf([ec2, ecs], 'AdministratorAccess'), seenOf(old))), [
    `${ec2.service} ${ecs.service}`,
  ]);
});
