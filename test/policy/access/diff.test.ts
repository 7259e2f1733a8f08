// The access diff: cases as data over one role, then what it makes of groups, people and many accounts, and a property.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  accessDiff,
  accessDiffLines,
  Directory,
  isGain,
  loadCatalog,
  type AccessDiff,
  type AccountDetails,
  type AuthorizationDetails,
  type NamedDocument,
  type PolicyJson,
  type RoleDetails,
} from '../../../src/policy/index.ts';
import { globContains, globsOverlap } from '../../../src/policy/access/globs.ts';

const catalog = await loadCatalog();

const diffOf = (before: AuthorizationDetails, after: AuthorizationDetails): AccessDiff =>
  accessDiff(catalog, new Directory(before), new Directory(after));

const documentOf = (Statement: readonly object[]): PolicyJson => ({ Version: '2012-10-17', Statement });
const named = (name: string, statements: readonly object[]): NamedDocument => ({
  name,
  document: documentOf(statements),
});

interface Side {
  readonly policies: readonly (readonly object[])[];
  readonly boundary?: readonly object[];
  readonly scps?: readonly (readonly object[])[];
  readonly trust?: readonly object[];
  readonly unknown?: readonly string[];
}

const central = [{ Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: 'sts:AssumeRole' }];

function roleOf(account: string, name: string, side: Side): RoleDetails {
  return {
    arn: `arn:aws:iam::${account}:role/${name}`,
    name,
    path: '/',
    trust: documentOf(side.trust ?? central),
    policies: [
      ...side.policies.map((statements, index) => named(`p${index}`, statements)),
      ...(side.unknown ?? []).map((policy) => ({ name: policy, unknown: true as const })),
    ],
    boundary: side.boundary && named('edge', side.boundary),
    tags: {},
  };
}

function accountOf(id: string, name: string, roles: readonly RoleDetails[], side?: Side): AccountDetails {
  const scps = (side?.scps ?? []).map((statements) => [named('scp', statements)]);
  return { id, name, partition: 'aws', users: [], groups: [], roles, scps, rcps: [] };
}

const dev = '222222222222';
const oneRole = (side: Side): AuthorizationDetails => ({
  accounts: [accountOf(dev, 'dev', [roleOf(dev, 'app', side)], side)],
});

interface Case {
  readonly name: string;
  readonly before: Side;
  readonly after: Side;
  readonly lines?: readonly string[];
  readonly has?: readonly string[];
  readonly count?: number;
  readonly gain?: boolean;
}

const cases = JSON.parse(
  readFileSync(new URL('../../cases/policy/access/diff.json', import.meta.url), 'utf8'),
) as readonly Case[];

for (const { name, before, after, lines, has, count, gain } of cases) {
  test(`diff: ${name}`, () => {
    const diff = diffOf(oneRole(before), oneRole(after));
    const got = accessDiffLines(catalog, diff);
    if (lines !== undefined) assert.deepEqual(got, lines);
    for (const part of has ?? []) assert.ok(got.join('\n').includes(part), `${part} in\n${got.join('\n')}`);
    if (count !== undefined) assert.equal(got.length, count, got.join('\n'));
    if (gain !== undefined) assert.equal(isGain(diff), gain);
  });
}

const write = [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::b/*' }];

function company(members: readonly string[], groupPolicy: readonly object[]): AuthorizationDetails {
  const users = ['alice', 'bob'].map((name) => ({
    arn: `arn:aws:iam::111111111111:user/${name}`,
    name,
    path: '/',
    groups: members.includes(name) ? ['developers'] : [],
    policies: [],
    tags: {},
  }));
  const groups = [
    {
      arn: 'arn:aws:iam::111111111111:group/developers',
      name: 'developers',
      policies: groupPolicy.length === 0 ? [] : [named('p', groupPolicy)],
    },
  ];
  return { accounts: [{ ...accountOf('111111111111', 'central', []), users, groups }] };
}

test('a change of a group is told of the group, and not of each member', () => {
  const lines = accessDiffLines(catalog, diffOf(company(['alice', 'bob'], []), company(['alice', 'bob'], write)));
  assert.deepEqual(lines, [
    '  group developers in central',
    '    + write                  s3:PutObject on arn:aws:s3:::b/*',
  ]);
});

test('who joins a group gains what the group may', () => {
  const lines = accessDiffLines(catalog, diffOf(company(['alice'], write), company(['alice', 'bob'], write)));
  assert.deepEqual(lines, ['  person bob in central', '    + write                  s3:PutObject on arn:aws:s3:::b/*']);
});

test('a resource with the name of the principal in it is told with the name', () => {
  const own = [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::home/${aws:username}/*' }];
  const lines = accessDiffLines(catalog, diffOf(company([], own), company(['bob'], own)));
  assert.deepEqual(lines, [
    '  person bob in central',
    '    + write                  s3:PutObject on arn:aws:s3:::home/bob/*',
  ]);
  const ofGroup = accessDiffLines(catalog, diffOf(company([], []), company([], own)));
  assert.deepEqual(ofGroup, [
    '  group developers in central',
    '    + write                  s3:PutObject on arn:aws:s3:::home/*/*, if the resource is arn:aws:s3:::home/${aws:username}/*',
  ]);
});

test('in a document of the old version a variable is plain text', () => {
  const old: AuthorizationDetails = {
    accounts: [
      accountOf(dev, 'dev', [
        {
          ...roleOf(dev, 'app', { policies: [] }),
          policies: [
            {
              name: 'p',
              document: {
                Version: '2008-10-17',
                Statement: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::b/${aws:username}' }],
              },
            },
          ],
        },
      ]),
    ],
  };
  const lines = accessDiffLines(catalog, diffOf(oneRole({ policies: [] }), old));
  assert.deepEqual(lines, [
    '  role app in dev',
    '    + write                  s3:PutObject on arn:aws:s3:::b/${aws:username}',
  ]);
});

test('the same change in many accounts is one line, with the account of each put aside', () => {
  const ids = Array.from({ length: 20 }, (_, index) => String(300_000_000_000 + index));
  const all = (side: (id: string) => Side): AuthorizationDetails => ({
    accounts: ids.map((id, index) => accountOf(id, `a${index}`, [roleOf(id, 'app', side(id))])),
  });
  const table = (id: string): object[] => [
    { Effect: 'Allow', Action: 'dynamodb:PutItem', Resource: `arn:aws:dynamodb:us-east-1:${id}:table/t` },
  ];
  const diff = diffOf(
    all(() => ({ policies: [] })),
    all((id) => ({ policies: [table(id)] })),
  );
  assert.deepEqual(accessDiffLines(catalog, diff), [
    '  role app in a0, a1 and 18 more',
    '    + write                  dynamodb:PutItem on arn:aws:dynamodb:us-east-1:{account}:table/t',
  ]);
  assert.equal(diff.changes[0]!.principals.length, 20);
});

test('new and removed principals gain and lose all they may', () => {
  const full: AuthorizationDetails = { accounts: [accountOf(dev, 'dev', [roleOf(dev, 'app', { policies: [write] })])] };
  const none: AuthorizationDetails = { accounts: [accountOf(dev, 'dev', [])] };
  assert.deepEqual(accessDiffLines(catalog, diffOf(none, full)), [
    '  trust of new role app in dev',
    '    + account 111111111111 may become it',
    '  new role app in dev',
    '    + write                  s3:PutObject on arn:aws:s3:::b/*',
  ]);
  const removed = diffOf(full, none);
  assert.equal(isGain(removed), false);
  assert.deepEqual(accessDiffLines(catalog, removed), [
    '  removed role app in dev',
    '    - write                  s3:PutObject on arn:aws:s3:::b/*',
    '  trust of removed role app in dev',
    '    - account 111111111111 may no longer become it',
  ]);
});

test('an account that only one side looked at is no change', () => {
  const one: AuthorizationDetails = { accounts: [accountOf(dev, 'dev', [roleOf(dev, 'app', { policies: [write] })])] };
  assert.deepEqual(diffOf({ accounts: [] }, one), { changes: [], trust: [] });
});

// Few actions and resources, so that statements meet often.
const statement = fc.record({
  Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
  Action: fc.subarray(['s3:GetObject', 's3:Put*', 's3:*', 'S3:DeleteObject', 'iam:PassRole'], { minLength: 1 }),
  Resource: fc.subarray(['*', 'arn:aws:s3:::b/*', 'arn:aws:s3:::b/x/*', 'arn:aws:s3:::c'], { minLength: 1 }),
  Condition: fc.constantFrom(undefined, undefined, { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }),
});
const side = fc.record({
  policies: fc.array(fc.array(statement, { minLength: 1, maxLength: 2 }), { maxLength: 2 }),
  boundary: fc.option(fc.array(statement, { minLength: 1, maxLength: 2 }), { nil: undefined }),
});

test('what is told as gained or lost is so when asked before and after, and nothing is kept back', () => {
  let told = 0;
  fc.assert(
    fc.property(side, side, (before, after) => {
      const [old, fresh] = [before, after].map((it) => oneRole(JSON.parse(JSON.stringify(it)) as Side));
      const { changes } = diffOf(old!, fresh!);
      const [was, is] = [old!, fresh!].map((details) => {
        const directory = new Directory(details);
        const subject = directory.find('app');
        return (action: string, resource: string): string => directory.ask(subject, { action, resource }).answer;
      });
      const grants = changes.flatMap(({ gains, loses }) => [...gains, ...loses]);
      for (const [action, resource] of [
        ['s3:GetObject', 'arn:aws:s3:::b/x/1'],
        ['s3:GetObject', 'arn:aws:s3:::b/y'],
        ['s3:PutObject', 'arn:aws:s3:::b/x/1'],
        ['s3:DeleteObject', 'arn:aws:s3:::d/1'],
        ['s3:ListBucket', 'arn:aws:s3:::c'],
        ['s3:ListBucket', 'arn:aws:s3:::d'],
        ['iam:PassRole', 'arn:aws:iam::222222222222:role/r'],
      ] as const) {
        const rank = ['denied', 'depends', 'allowed'];
        const change = Math.sign(rank.indexOf(is!(action, resource)) - rank.indexOf(was!(action, resource)));
        const names = (list: 'gains' | 'loses'): boolean =>
          changes.some((it) =>
            it[list].some(
              ({ actions, resources }) =>
                actions.includes(action) && resources.some((each) => globContains(each, resource)),
            ),
          );
        if (change > 0) assert.ok(names('gains'), `${action} ${resource} gained`);
        if (change < 0) assert.ok(names('loses'), `${action} ${resource} lost`);
      }
      for (const { actions, resources } of grants) assert.ok(actions.length > 0 && resources.length > 0);
      told += grants.length;
      if (JSON.stringify(before) === JSON.stringify(after)) assert.equal(grants.length, 0);
    }),
    { seed: 20261128, numRuns: 400 },
  );
  assert.ok(told > 200, `${told}`);
});

test('patterns that overlap or contain one another are told apart as by trying texts', () => {
  const pattern = fc.stringMatching(/^[ab*?]{0,5}$/);
  const text = fc.stringMatching(/^[ab]{0,6}$/);
  const matches = (glob: string, value: string): boolean =>
    new RegExp(`^${glob.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(value);
  fc.assert(
    fc.property(pattern, pattern, text, (one, other, value) => {
      if (matches(one, value) && matches(other, value)) assert.ok(globsOverlap(one, other));
      if (globContains(one, other) && matches(other, value))
        assert.ok(matches(one, value), `${one} contains ${other}: ${value}`);
    }),
    { seed: 20261128, numRuns: 20_000 },
  );
  assert.equal(globsOverlap('ab*c', 'abd'), false);
  assert.equal(globContains('a*', 'ab*'), true);
});
