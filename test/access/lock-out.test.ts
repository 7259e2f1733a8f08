// The lock-out guard: a change must leave its maker, an administrator, the break-glass and everybody's MFA a way in.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lockOut } from '../../src/access/lock-out.ts';
import {
  Directory,
  Escalations,
  type AccountDetails,
  type AuthorizationDetails,
  type NamedDocument,
  type RoleDetails,
  type UserDetails,
} from '../../src/policy/index.ts';

const [central, prod] = ['111111111111', '444444444444'];
const admin: NamedDocument = {
  name: 'AdministratorAccess',
  arn: 'arn:aws:iam::aws:policy/AdministratorAccess',
  document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
};
const policy = (name: string, ...Statement: readonly object[]): NamedDocument => ({
  name,
  document: { Version: '2012-10-17', Statement },
});
const assume = (...resources: readonly string[]): NamedDocument =>
  policy('assume', { Effect: 'Allow', Action: 'sts:AssumeRole', Resource: resources });
const user = (name: string, policies: readonly NamedDocument[], more: Partial<UserDetails> = {}): UserDetails => ({
  arn: `arn:aws:iam::${central}:user/${name}`,
  name,
  path: '/',
  groups: [],
  policies,
  tags: {},
  ...more,
});
const roleArn = (account: string, name: string): string => `arn:aws:iam::${account}:role/${name}`;
function role(
  account: string,
  name: string,
  trusted: string,
  policies: readonly NamedDocument[] = [admin],
  condition?: object,
): RoleDetails {
  const Condition = condition === undefined ? {} : { Condition: condition };
  const Statement = [{ Effect: 'Allow', Principal: { AWS: trusted }, Action: 'sts:AssumeRole', ...Condition }];
  return {
    arn: roleArn(account, name),
    name,
    path: '/',
    trust: { Version: '2012-10-17', Statement },
    policies,
    tags: {},
  };
}
const account = (id: string, name: string, parts: Partial<AccountDetails>): AccountDetails => ({
  id,
  name,
  partition: 'aws',
  users: [],
  groups: [],
  roles: [],
  scps: [],
  rcps: [],
  ...parts,
});

interface State {
  readonly users?: readonly UserDetails[];
  readonly roles?: readonly RoleDetails[];
}
const state = ({ users = [user('boss', [admin])], roles = [executor] }: State = {}): AuthorizationDetails => ({
  accounts: [account(central, 'central', { users }), account(prod, 'prod', { roles })],
});
const root = `arn:aws:iam::${central}:root`;
const executor = role(prod, 'OrganizationAccountAccessRole', root);
const boss = `arn:aws:iam::${central}:user/boss`;

const stateOf = (details: AuthorizationDetails): Escalations => new Escalations(new Directory(details));

const judge = (before: AuthorizationDetails, after: AuthorizationDetails, caller = boss, forced = false): string[] =>
  lockOut(stateOf(before), stateOf(after), caller, {
    entryRoles: ['OrganizationAccountAccessRole'],
    forced,
  }).reasons.map(({ code, account: id, resource = '' }) =>
    `${code} ${id === prod ? 'prod' : 'central'} ${resource}`.trim(),
  );

test('a change that keeps every way in is let through', () => {
  assert.deepEqual(
    lockOut(stateOf(state()), stateOf(state()), boss, { entryRoles: ['OrganizationAccountAccessRole'] }),
    {
      ok: true,
      reasons: [],
    },
  );
  const more = state({ roles: [executor, role(prod, 'reader', root, [])] });
  assert.deepEqual(judge(state(), more), []);
});

test('the role by which an account is entered may not go, nor its trust or rights change', () => {
  const elsewhere = role(prod, executor.name, roleArn(central, 'other'));
  const weaker = { ...executor, policies: [policy('s3', { Effect: 'Allow', Action: 's3:*', Resource: '*' })] };
  for (const changed of [elsewhere, weaker]) {
    assert.ok(judge(state(), state({ roles: [changed] })).includes(`executor-changed prod role/${executor.name}`));
  }
  assert.ok(judge(state(), state({ roles: [] })).includes(`executor-changed prod role/${executor.name}`));
});

test('the last way of a person to administer an account may not go; one of two may', () => {
  const deputy = role(prod, 'deputy', root);
  assert.deepEqual(judge(state({ roles: [deputy] }), state({ roles: [] })), [
    'caller-locked-out prod',
    'no-administrator prod',
  ]);
  assert.deepEqual(judge(state({ roles: [executor, deputy] }), state({ roles: [executor] })), []);
});

test('an account that nobody administered before is nobody’s loss', () => {
  assert.deepEqual(judge(state({ users: [], roles: [] }), state({ users: [], roles: [] })), []);
});

test('an edit of trust that shuts out its own maker is refused unless it is forced', () => {
  const open = role(prod, 'admin', boss);
  const shut = role(prod, 'admin', `arn:aws:iam::${central}:user/deputy`);
  const users = [user('boss', [assume(open.arn)]), user('deputy', [assume(open.arn)])];
  const [before, after] = [state({ users, roles: [open] }), state({ users, roles: [shut] })];
  assert.deepEqual(judge(before, after), ['caller-locked-out prod']);
  assert.deepEqual(judge(before, after, boss, true), []);
  assert.deepEqual(judge(before, after, `arn:aws:iam::${central}:user/deputy`), []);
});

test('a session counts as its role', () => {
  const runner = role(central, 'runner', root, [assume(executor.arn)]);
  const before = {
    accounts: [
      account(central, 'central', { users: [user('boss', [admin])], roles: [runner] }),
      account(prod, 'prod', { roles: [executor] }),
    ],
  };
  const after = {
    accounts: [
      account(central, 'central', { users: [user('boss', [admin])], roles: [{ ...runner, policies: [] }] }),
      before.accounts[1]!,
    ],
  };
  assert.deepEqual(judge(before, after, `arn:aws:sts::${central}:assumed-role/runner/ci`), ['caller-locked-out prod']);
});

test('the break-glass user keeps his way into every account that he had', () => {
  const marked = { tags: { 'stint:marked': 'break-glass' } };
  const glass = role(prod, 'glass', `arn:aws:iam::${central}:user/glass`);
  const users = [user('boss', [admin]), user('glass', [assume(glass.arn)], marked)];
  const before = state({ users, roles: [executor, glass] });
  assert.deepEqual(judge(before, state({ users, roles: [executor] })), ['no-break-glass prod user/glass']);
  assert.deepEqual(judge(before, state({ users: [users[0]!], roles: [executor, glass] })), [
    'no-break-glass prod user/glass',
  ]);
});

test('nobody loses setting up MFA or changing a forced password without MFA', () => {
  const own = policy('self', {
    Effect: 'Allow',
    Action: ['iam:ChangePassword', 'iam:*MFA*'],
    Resource: ['arn:aws:iam::*:user/${aws:username}', 'arn:aws:iam::*:mfa/${aws:username}'],
  });
  const deny = (...spared: readonly string[]): NamedDocument =>
    policy('deny', {
      Effect: 'Deny',
      NotAction: spared,
      Resource: '*',
      Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
    });
  const withPolicies = (...policies: readonly NamedDocument[]): AuthorizationDetails =>
    state({ users: [user('boss', [admin]), user('alice', policies)] });
  const all = ['iam:ChangePassword', 'iam:CreateVirtualMFADevice', 'iam:EnableMFADevice'];
  assert.deepEqual(judge(withPolicies(own), withPolicies(own, deny(...all))), []);
  assert.deepEqual(judge(withPolicies(own), withPolicies(own, deny(...all.slice(1)))), [
    'user-locked-out central user/alice',
  ]);
  const other = policy('other', { Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' });
  assert.deepEqual(judge(withPolicies(own, other), withPolicies(other)), ['user-locked-out central user/alice']);
  // Whoever keeps nothing is let go.
  assert.deepEqual(judge(withPolicies(own), withPolicies()), []);
  assert.deepEqual(judge(withPolicies(), withPolicies(deny())), []);
});
