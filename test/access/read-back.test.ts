// Definitions that were lost: whatever one says, what it makes is read back into one with which nothing is planned.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { compileDefinition, importFound, type Imported } from '../../src/access/index.ts';
import type { Found } from '../../src/access/import/found.ts';
import { definitionSchema, type Definition } from '../../src/access/model.ts';
import { reasonText } from '../../src/access/ownership.ts';
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

const reasons: readonly (readonly [what: string, reason: string, tag: string | undefined])[] = [
  ['plain words', 'asked for in INC-7', 'asked for in INC-7'],
  ['letters of any script', 'Prüfung: 監査 2027', 'Prüfung: 監査 2027'],
  ['what no tag takes', '"sales", (EMEA) & co; 50 %\nand\tmore', 'sales EMEA co 50 and more'],
  ['nothing that a tag takes', '!?!?', undefined],
  ['too much', 'x'.repeat(300), 'x'.repeat(256)],
  ['too much, with a letter of two halves at the cut', `${'x'.repeat(255)}𝒳𝒳`, 'x'.repeat(255)],
];

describe('a reason is kept as a tag:', () => {
  for (const [what, reason, tag] of reasons) {
    test(what, () => {
      assert.equal(reasonText(reason), tag);
      assert.equal(reasonText(tag), tag);
      const seen = appliedOf(definitionOf({ roles: { app: { ...app, reason } } }));
      const role = seen.flatMap(({ resources }) => resources).find(({ name }) => name === 'app')!;
      assert.equal((role as { tags: Record<string, string> }).tags['stint:reason'], tag);
    });
  }
});

/** Paths of everything that a value says, down to its texts; lists as a whole. */
function pathsOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, member]) => pathsOf(member, path === '' ? key : `${path}.${key}`));
}

test('what is not kept in AWS is what docs/access.md lists, and nothing else', () => {
  const why = { owner: 'ops', reason: 'why', expires: '2030-01-01', protect: true };
  const members = {
    defaults: {
      session: '2h',
      grace: '3d',
      mfa: { off: true, reason: 'no devices' },
      passRole: { off: true, reason: 'old' },
    },
    variables: { x: { default: 'a' } },
    groups: { g: { ...why, marked: 'admin', mode: 'additive', managed: ['ReadOnlyAccess'] } },
    people: { alice: { ...why, marked: 'break-glass', mode: 'additive', was: 'al', groups: ['g'] } },
    policies: { p: { ...why, statements: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*', reason: 'reads' }] } },
    providers: { ci: { ...why, mode: 'additive', in: ['prod'], issuer: 'https://ci.example.com', audiences: ['a'] } },
    roles: {
      r: {
        ...why,
        in: ['dev'],
        trust: [{ group: 'g', reason: 'work' }],
        policies: ['p'],
        marked: 'admin',
        mode: 'additive',
        was: 'q',
      },
      nowhere: { in: ['dev'], trust: [{ group: 'g' }], expires: '2026-01-01' },
    },
    guardrails: { rail: { ...why, on: ['dev'], type: 'scp', use: ['deny-root'], mode: 'additive' } },
    passwordPolicy: { ...why, in: ['dev'], minimumLength: 12, mode: 'additive' },
    lendables: { r: { for: '1h' } },
    outputs: { o: '${account.dev.id}' },
  };
  const { made } = changedBy(members, (_, resources) => resources);
  const back = new Set(pathsOf(made.definition));
  assert.deepEqual(
    pathsOf(members).filter((path) => !back.has(path)),
    [
      // Grace is told by what waits for its end, and nothing does here; MFA stands in each entry of trust.
      ...['grace', 'mfa.off', 'mfa.reason', 'passRole.off', 'passRole.reason'].map((it) => `defaults.${it}`),
      'variables.x.default',
      ...['owner', 'reason', 'expires', 'marked', 'mode'].map((it) => `groups.g.${it}`),
      // Whoever is the break-glass is protected without a word.
      ...['protect', 'mode', 'was'].map((it) => `people.alice.${it}`),
      'providers.ci.mode',
      'roles.r.mode',
      'roles.r.was',
      ...['in', 'trust', 'expires'].map((it) => `roles.nowhere.${it}`),
      'guardrails.rail.mode',
      ...['owner', 'reason', 'expires', 'protect', 'mode'].map((it) => `passwordPolicy.${it}`),
      'lendables.r.for',
      'outputs.o',
    ],
  );
});
