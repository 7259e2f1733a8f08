// Definitions that were lost: whatever one says, what it makes is read back into one with which nothing is planned.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { compileDefinition, importFound, type Imported } from '../../src/access/index.ts';
import type { Found } from '../../src/access/import/found.ts';
import { definitionSchema, type Definition } from '../../src/access/model.ts';
import { planChanges } from '../../src/access/plan.ts';
import { referenceProblems } from '../../src/access/references.ts';
import { resourceArn, type SeenAccount, type SeenResource } from '../../src/access/resources.ts';
import { metadataOf } from '../cloud/sts/saml.ts';

const now = Date.parse('2027-01-01T00:00:00Z');
const units = { Workloads: 'ou-1', 'Workloads/Dev': 'ou-2', 'Workloads/Test': 'ou-3', 'Workloads/Prod': 'ou-4' };
const policyTypes = ['SERVICE_CONTROL_POLICY', 'RESOURCE_CONTROL_POLICY'];
const organization = { management: '111111111111', root: 'r-1', units, policyTypes };

const frame = {
  version: 1,
  name: 'lost',
  organization: 'o-stintlocal',
  accounts: {
    central: { id: '111111111111', stage: 'central', central: true },
    dev: { id: '222222222222', stage: 'dev', ou: 'Workloads/Dev' },
    test: { id: '333333333333', stage: 'test', ou: 'Workloads/Test' },
    prod: { id: '444444444444', stage: 'prod', ou: 'Workloads/Prod' },
  },
};

function definitionOf(members: object): Definition {
  const definition = definitionSchema.parse({ ...frame, ...members });
  assert.deepEqual(referenceProblems(definition), []);
  return definition;
}

/** What AWS holds once the definition is applied. */
function appliedOf(definition: Definition): SeenAccount[] {
  const wanted = compileDefinition(definition, now);
  return wanted.accounts.map(({ id, name, stage, resources }): SeenAccount => ({
    id,
    name,
    stage,
    resources: resources.map(({ mode: _mode, was: _was, protect: _protect, ...it }): SeenResource => ({
      ...(it as SeenResource),
      arn: resourceArn(wanted.partition, id, it as SeenResource),
    })),
    ...(id === organization.management ? { organization } : {}),
  }));
}

function foundOf(definition: Definition, seen: readonly SeenAccount[]): Found {
  return {
    name: 'lost',
    partition: 'aws',
    organization: 'o-stintlocal',
    central: 'central',
    management: 'central',
    accounts: seen.map((account) => {
      const ou = definition.accounts[account.name]?.ou;
      return { ...account, ...(ou === undefined ? {} : { ou }), logins: new Set(), partly: new Map() };
    }),
    variables: {},
    addresses: new Map(),
  };
}

/** What is planned with the definition that was made, on what it was made of. */
function planned({ definition }: Imported, seen: readonly SeenAccount[]): string[] {
  const plan = planChanges(compileDefinition(definitionOf(definition), now), seen);
  return plan.changes.map(({ action, id, details }) => `${action} ${id}: ${details.map((it) => it.text).join('; ')}`);
}

type Parts = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface Case {
  readonly name: string;
  readonly definition: object;
  readonly same: Readonly<Record<string, readonly string[]>>;
}

const text = readFileSync(new URL('../cases/access/read-back.yaml', import.meta.url), 'utf8');
const metadata = JSON.stringify(metadataOf('https://idp.example.com/saml'));
const cases = parse(text.replaceAll('METADATA', () => metadata)) as readonly Case[];

describe('read back:', () => {
  for (const { name, definition: members, same } of cases) {
    test(name, () => {
      const definition = definitionOf(members);
      const seen = appliedOf(definition);
      const made = importFound({ found: foundOf(definition, seen), findings: [] }, now);
      assert.deepEqual(planned(made, seen), []);
      const [own, back] = [members as Parts, made.definition as Parts];
      assert.doesNotMatch(JSON.stringify(back), /"mode"|"statement"/);
      for (const [part, names] of Object.entries(same)) {
        for (const key of names) assert.deepEqual(back[part]?.[key], own[part]![key], `${part} ${key}`);
      }
    });
  }
});

type Resources = readonly SeenResource[];

/** The applied definition after somebody changed what accounts hold. */
function changedBy(members: object, change: (account: string, resources: Resources) => Resources) {
  const definition = definitionOf(members);
  const seen = appliedOf(definition).map((account) => ({
    ...account,
    resources: change(account.name, account.resources),
  }));
  return { seen, made: importFound({ found: foundOf(definition, seen), findings: [] }, now) };
}

/** Changes the resources of one name in one account. */
const only =
  (where: string, name: string, change: object) =>
  (account: string, resources: Resources): Resources =>
    resources.map((it) => (account === where && it.name === name ? { ...it, ...change } : it));

const lambda = { service: 'lambda.amazonaws.com' };
const app = { in: ['dev', 'test', 'prod'], trust: [lambda], owner: 'shop' };
const allow = (Action: string) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action, Resource: '*' }],
});
const foreign = (name: string, more: object = {}): SeenResource => ({
  kind: 'role',
  name,
  path: '/',
  trust: {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  },
  sessionSeconds: 3600,
  description: '',
  attached: [],
  inline: {},
  tags: {},
  arn: `arn:aws:iam::222222222222:role/${name}`,
  ...more,
});
const customer = (name: string, path: string): SeenResource => ({
  kind: 'policy',
  name,
  path,
  document: allow('sqs:*') as never,
  tags: {},
  arn: `arn:aws:iam::222222222222:policy${path}${name}`,
});
const tagsOf = (more: object): object => ({
  tags: { 'stint:definition': 'lost', 'stint:id': 'role/app', 'stint:owner': 'shop', ...more },
});

/** What somebody did by hand, and what of it is planned all the same. */
const byHand: readonly (readonly [
  what: string,
  change: (account: string, it: Resources) => Resources,
  left?: RegExp,
])[] = [
  [
    'a policy of others attached to a role',
    only('dev', 'app', { attached: ['arn:aws:iam::222222222222:policy/old/theirs'] }),
  ],
  [
    'a policy of others, which is there, attached to a role and bounding it',
    (account, resources) => {
      if (account !== 'dev') return resources;
      const [arn, boundary] = ['theirs', 'limits'].map((name) => `arn:aws:iam::222222222222:policy/old/${name}`);
      return [
        ...only('dev', 'app', { attached: [arn], boundary })(account, resources),
        customer('theirs', '/old/'),
        customer('limits', '/old/'),
      ];
    },
  ],
  ['a boundary of AWS', only('prod', 'app', { boundary: 'arn:aws:iam::aws:policy/PowerUserAccess' })],
  ['an inline policy under another name, in one account', only('test', 'app', { inline: { more: allow('s3:*') } })],
  ['an inline policy under our name', only('test', 'app', { inline: { stint: allow('s3:*') } })],
  ['another owner in a tag', only('prod', 'app', tagsOf({ 'stint:owner': 'somebody' }))],
  ['an end in a tag that is no date', only('prod', 'app', tagsOf({ 'stint:expires': 'tomorrow' }))],
  ['another session and description', only('prod', 'app', { sessionSeconds: 7200, description: 'by hand' })],
  ['a role of the same name that is not ours', (account, it) => (account === 'test' ? [foreign('app')] : it)],
  ['a role whose name differs in case only', (account, it) => (account === 'test' ? [foreign('App')] : it)],
  ['a role with a name that no entry can have', (account, it) => (account === 'dev' ? [...it, foreign('+a@b')] : it)],
  ['roles that name the same entry', (account, it) => (account === 'dev' ? [...it, foreign('app-2', tagsOf({}))] : it)],
  ['a mark that names no entry', only('dev', 'app', tagsOf({ 'stint:id': 'nonsense' }))],
  ['a mark that names a strange entry', only('dev', 'app', tagsOf({ 'stint:id': 'role/a b/c' }))],
  [
    'a policy of ours that nothing carries any more',
    (account, it) => (account === 'dev' ? [...it, { ...customer('left', '/stint/lost/') }] : it),
    /^destroy dev\/policy\/left: /,
  ],
];

describe('read back after somebody changed by hand:', () => {
  for (const [what, change, left] of byHand) {
    test(what, () => {
      const { seen, made } = changedBy({ roles: { app } }, change);
      const plan = planned(made, seen);
      assert.equal(plan.length, left === undefined ? 0 : 1, plan.join('\n'));
      if (left === undefined) return;
      assert.match(plan[0]!, left);
      const told = made.findings.filter(({ code }) => code === 'import-incomplete');
      assert.deepEqual(
        told.map(({ message }) => message),
        ['is made by no entry: the next apply removes it'],
      );
    });
  }

  test('a host of others without the default against version 1 of the metadata service, beside one of ours with it', () => {
    const web = { in: ['dev', 'prod'], trust: [{ service: 'ec2.amazonaws.com' }], instanceProfile: true };
    const profile: SeenResource = { kind: 'instance-profile', name: 'theirs', path: '/', role: 'theirs', tags: {} };
    const { seen, made } = changedBy({ roles: { web } }, (account, resources) =>
      account === 'dev' ? [...resources, foreign('theirs'), profile] : resources,
    );
    assert.deepEqual(planned(made, seen), []);
  });

  test('a guard rail of ours without one of its denies is kept as it is', () => {
    const guardrails = { all: { on: 'organization', type: 'scp', use: ['deny-root', 'protect-cloudtrail'] } };
    const { seen, made } = changedBy({ guardrails, roles: { app } }, (_, resources) =>
      resources.map((it) =>
        it.kind === 'organization-policy'
          ? { ...it, document: { ...it.document, Statement: it.document.Statement.slice(1) } }
          : it,
      ),
    );
    assert.deepEqual(planned(made, seen), []);
    const { all } = (made.definition as { guardrails: Record<string, { use: readonly string[] }> }).guardrails;
    assert.deepEqual(all!.use, ['protect-cloudtrail']);
  });
});

/** A company of many accounts: what most of them have, and what a few have otherwise. */
function manyAccounts(count: number, roles: number): object {
  const stages = ['dev', 'test', 'prod'];
  const accounts = Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const stage = stages[index % 3]!;
      const id = String(200_000_000_000 + index);
      return [`team-${index}-${stage}`, { id, stage, ou: `Workloads/${stage}` }];
    }),
  );
  const people = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`p${index}`, { groups: ['everybody'] }]));
  const role = (index: number): object => ({
    in: { ou: 'Workloads' },
    trust: [{ group: 'everybody' }, { role: 'r0' }],
    managed: ['ReadOnlyAccess'],
    statements: [{ Effect: 'Allow', Action: `s3:Get${index}*`, Resource: '*' }],
    per: [{ in: { stage: 'prod' }, session: '2h', owner: `team${index}` }],
  });
  return {
    accounts: { central: frame.accounts.central, ...accounts },
    groups: { everybody: {} },
    people,
    roles: Object.fromEntries(Array.from({ length: roles }, (_, index) => [`r${index}`, role(index)])),
  };
}

test('many accounts with many roles are as few entries as they were, also where a trust cannot name each person', () => {
  const definition = definitionOf(manyAccounts(60, 8));
  const seen = appliedOf(definition);
  const made = importFound({ found: foundOf(definition, seen), findings: [] }, now);
  assert.deepEqual(planned(made, seen), []);
  const { roles } = made.definition as { roles: Record<string, object> };
  assert.deepEqual(roles['r3'], {
    in: { ou: 'Workloads' },
    trust: [{ group: 'everybody' }, { role: 'r0' }],
    managed: ['ReadOnlyAccess'],
    statements: [{ Effect: 'Allow', Action: 's3:Get3*', Resource: '*' }],
    per: [{ in: { stage: 'prod' }, session: '2h', owner: 'team3' }],
  });
  assert.equal(Object.keys(roles).length, 8);
});
