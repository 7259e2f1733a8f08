// Ways of several steps, who counts as an administrator, and what a change opens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Directory,
  Escalations,
  newEscalations,
  type AccountDetails,
  type AuthorizationDetails,
  type EscalationPath,
  type NamedDocument,
  type RoleDetails,
} from '../../../src/policy/index.ts';
import { statements } from './world.ts';

const accountId = (index: number): string => String(100_000_000_001 + index);
const allow = (
  action: string | readonly string[],
  resource: string | readonly string[] = '*',
  condition?: object,
): object => ({
  Effect: 'Allow',
  Action: action,
  Resource: resource,
  ...(condition === undefined ? {} : { Condition: condition }),
});
const policy = (name: string, ...list: readonly object[]): NamedDocument => ({ name, document: statements(...list) });
const admin: NamedDocument = {
  name: 'AdministratorAccess',
  arn: 'arn:aws:iam::aws:policy/AdministratorAccess',
  document: statements(allow('*')),
};

function role(
  account: string,
  name: string,
  principal: object | string,
  policies: readonly NamedDocument[],
  more: Partial<RoleDetails> = {},
): RoleDetails {
  return {
    arn: `arn:aws:iam::${account}:role/${name}`,
    name,
    path: '/',
    trust: statements({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' }),
    policies,
    tags: {},
    ...more,
  };
}

function user(account: string, name: string, policies: readonly NamedDocument[], groups: readonly string[] = []) {
  return { arn: `arn:aws:iam::${account}:user/${name}`, name, path: '/', groups, policies, tags: {} };
}

const inAccount = (id: string, parts: Partial<AccountDetails>): AccountDetails => ({
  id,
  partition: 'aws',
  users: [],
  groups: [],
  roles: [],
  scps: [],
  rcps: [],
  ...parts,
});

const central = accountId(0);
const prod = accountId(1);
const root = (account: string): object => ({ AWS: `arn:aws:iam::${account}:root` });

/** alice may assume `deployer` in prod, which may hand the role `builder` to Lambda; `builder` is an administrator. */
function chain(changes: { readonly pass?: boolean; readonly mfa?: boolean } = {}): AuthorizationDetails {
  const { pass = true, mfa = false } = changes;
  const deployer = role(prod, 'deployer', root(central), [
    policy(
      'deploy',
      allow(['lambda:CreateFunction', 'lambda:InvokeFunction'], `arn:aws:lambda:*:${prod}:function:app-*`),
    ),
    ...(pass
      ? [
          policy(
            'pass',
            allow('iam:PassRole', `arn:aws:iam::${prod}:role/builder`, {
              StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' },
            }),
          ),
        ]
      : []),
  ]);
  const trust = statements({
    Effect: 'Allow',
    Principal: root(central),
    Action: 'sts:AssumeRole',
    ...(mfa ? { Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } } } : {}),
  });
  return {
    accounts: [
      inAccount(central, {
        users: [user(central, 'alice', [policy('assume', allow('sts:AssumeRole', deployer.arn))])],
      }),
      inAccount(prod, {
        roles: [{ ...deployer, trust }, role(prod, 'builder', { Service: 'lambda.amazonaws.com' }, [admin])],
      }),
    ],
  };
}

const text = ({ from, to, gain, certain, steps }: EscalationPath): string =>
  `${from.name} ${gain} ${to?.name ?? '-'} ${certain ? 'surely' : 'perhaps'}: ${steps.map(({ method, to: next }) => `${method.id}>${next?.name ?? '-'}`).join(' ')}`;
const waysOf = (details: AuthorizationDetails): string[] => new Escalations(new Directory(details)).all().map(text);

test('a way leads through several principals and accounts, with the statement of each step', () => {
  const details = chain();
  assert.deepEqual(waysOf(details), [
    'alice administrator builder surely: assume>deployer lambda-create-function>builder',
    'deployer administrator builder surely: lambda-create-function>builder',
  ]);
  const [way] = new Escalations(new Directory(details)).all();
  assert.deepEqual(
    way!.steps.flatMap(({ grants }) => grants.map(({ action, by }) => `${action} by ${by?.policy} ${by?.statement}`)),
    [
      'sts:AssumeRole by assume 0',
      'iam:PassRole by pass 0',
      'lambda:CreateFunction by deploy 0',
      'lambda:InvokeFunction by deploy 0',
    ],
  );
});

test('a demand for MFA stops nobody who wants it', () => {
  assert.deepEqual(waysOf(chain({ mfa: true })), waysOf(chain()));
});

test('a change that opens a way is told, one that closes it is not', () => {
  const opened = (before: AuthorizationDetails, after: AuthorizationDetails): string[] =>
    newEscalations(new Escalations(new Directory(before)), new Escalations(new Directory(after))).map(text);
  assert.deepEqual(opened(chain({ pass: false }), chain()), waysOf(chain()));
  assert.deepEqual(opened(chain(), chain({ pass: false })), []);
  assert.deepEqual(opened(chain(), chain()), []);
});

test('an administrator has no way up, and to assume roles by right is none', () => {
  const boss = role(prod, 'boss', root(central), [admin]);
  const details: AuthorizationDetails = {
    accounts: [
      inAccount(central, {
        users: [
          user(central, 'alice', [admin]),
          user(central, 'bob', [policy('assume', allow('sts:AssumeRole', boss.arn))]),
        ],
      }),
      inAccount(prod, { roles: [boss] }),
    ],
  };
  assert.deepEqual(waysOf(details), []);
  const directory = new Directory(details);
  const escalations = new Escalations(directory);
  const bob = directory.find('bob');
  assert.equal(escalations.isAdministrator(directory.find('alice')), true);
  assert.equal(escalations.isAdministrator(bob), false);
  assert.deepEqual(
    [...escalations.closure(bob, true)].map(({ name }) => name),
    ['boss'],
  );
});

test('who may become an administrator by right gains nothing by another way there', () => {
  const details = chain();
  const boss = role(prod, 'boss', root(central), [admin]);
  const [home, away] = details.accounts;
  const alice = user(central, 'alice', [
    ...home!.users[0]!.policies,
    policy('boss', allow('sts:AssumeRole', boss.arn)),
  ]);
  const more: AuthorizationDetails = {
    accounts: [
      { ...home!, users: [alice] },
      { ...away!, roles: [...away!.roles, boss] },
    ],
  };
  assert.deepEqual(waysOf(more), ['deployer administrator builder surely: lambda-create-function>builder']);
});

test('rights behind a boundary make no administrator', () => {
  const bounded = { boundary: policy('bounds', allow('s3:*')) };
  const details: AuthorizationDetails = {
    accounts: [inAccount(prod, { roles: [role(prod, 'boxed', root(prod), [admin], bounded)] })],
  };
  const directory = new Directory(details);
  assert.equal(new Escalations(directory).isAdministrator(directory.find('boxed')), false);
});

test('leave to attach policies to whoever has the boundary is no way to any rights', () => {
  const condition = { StringEquals: { 'iam:PermissionsBoundary': `arn:aws:iam::${prod}:policy/bounds` } };
  const delegated = policy(
    'delegated',
    allow(['iam:AttachRolePolicy', 'iam:PutRolePolicy'], `arn:aws:iam::${prod}:role/*`, condition),
  );
  const details: AuthorizationDetails = {
    accounts: [
      inAccount(prod, {
        roles: [
          role(prod, 'maker', root(prod), [delegated]),
          role(prod, 'free', { Service: 'ec2.amazonaws.com' }, [admin]),
        ],
      }),
    ],
  };
  assert.deepEqual(waysOf(details), []);
});

test('a policy that nobody could read makes ways uncertain, never hidden', () => {
  const details: AuthorizationDetails = {
    accounts: [
      inAccount(prod, {
        users: [user(prod, 'eve', [{ name: 'riddle', unknown: true }])],
        roles: [role(prod, 'boss', root(prod), [admin])],
      }),
    ],
  };
  const ways = waysOf(details);
  assert.ok(
    ways.some((way) => way.startsWith('eve any-permission - perhaps')),
    ways.join('\n'),
  );
  assert.ok(!ways.some((way) => way.includes('surely')));
});

test('a group that holds the rights of its members is joined once, and its rights lead on', () => {
  const details: AuthorizationDetails = {
    accounts: [
      inAccount(prod, {
        users: [
          user(prod, 'eve', [policy('join', allow('iam:AddUserToGroup', `arn:aws:iam::${prod}:group/keys`))]),
          user(prod, 'boss', [admin]),
        ],
        groups: [
          {
            arn: `arn:aws:iam::${prod}:group/keys`,
            name: 'keys',
            policies: [policy('keys', allow('iam:CreateAccessKey'))],
          },
        ],
      }),
    ],
  };
  assert.deepEqual(waysOf(details), [
    'eve administrator boss surely: add-user-to-group>keys create-access-key>boss',
    'eve principal keys surely: add-user-to-group>keys',
  ]);
});

/** Every account: a role for each of many purposes; the central one holds the people. */
function large(accounts: number, roles: number): AuthorizationDetails {
  const shared = policy('app', allow(['s3:GetObject', 'logs:PutLogEvents', 'lambda:InvokeFunction']));
  const ids = Array.from({ length: accounts }, (_, index) => accountId(index));
  const trust = statements({ Effect: 'Allow', Principal: root(ids[0]!), Action: 'sts:AssumeRole' });
  const names = Array.from({ length: roles }, (_, index) => `app-${index}`);
  const arns = ids.flatMap((id) => names.map((name) => `arn:aws:iam::${id}:role/${name}`));
  return {
    accounts: ids.map((id, index) =>
      inAccount(id, {
        users: index === 0 ? Array.from({ length: 20 }, (_, person) => user(id, `person-${person}`, [], ['team'])) : [],
        groups:
          index === 0
            ? [
                {
                  arn: `arn:aws:iam::${id}:group/team`,
                  name: 'team',
                  policies: [policy('assume', allow('sts:AssumeRole', arns))],
                },
              ]
            : [],
        roles: names.map((name, place) => ({
          ...role(id, name, root(ids[0]!), [
            shared,
            ...(place === 0 ? [admin] : []),
            ...(place % 5 === 1
              ? [policy('deploy', allow(['lambda:*', 'iam:PassRole'], `arn:aws:iam::${id}:role/app-1*`))]
              : []),
          ]),
          trust:
            place % 3 === 2
              ? statements({
                  Effect: 'Allow',
                  Principal: { Service: 'lambda.amazonaws.com' },
                  Action: 'sts:AssumeRole',
                })
              : trust,
        })),
      }),
    ),
  };
}

test('200 accounts of 50 roles are searched in seconds', () => {
  const details = large(200, 50);
  const started = process.cpuUsage();
  const ways = new Escalations(new Directory(details)).all();
  const { user: own, system } = process.cpuUsage(started);
  assert.ok(ways.length > 0);
  assert.ok(own + system < 20_000_000, `${(own + system) / 1e6} s of CPU for ${ways.length} ways`);
});
