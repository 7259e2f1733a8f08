// A change of access told briefly: what is folded is the same, and what is dangerous is never folded away.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessBriefLines,
  accessDiff,
  Directory,
  loadCatalog,
  type AccountDetails,
  type NamedDocument,
} from '../../../src/policy/index.ts';

const catalog = await loadCatalog();
const [central, dev, prod] = ['111111111111', '222222222222', '444444444444'];
const names = new Map([
  [central, 'central'],
  [dev, 'dev'],
  [prod, 'prod'],
]);
const policy = (name: string, ...Statement: readonly object[]): NamedDocument => ({
  name,
  document: { Version: '2012-10-17', Statement },
});
const allow = (Action: string | readonly string[], Resource = '*', more: object = {}): object => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
});
const mfa = {
  Bool: { 'aws:MultiFactorAuthPresent': 'true' },
  NumericLessThanEquals: { 'aws:MultiFactorAuthAge': '3600' },
};
const own = { StringEqualsIfExists: { 'sts:SourceIdentity': '${aws:username}' } };
const fence = { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } };
const as = (...people: readonly string[]): object => ({
  ArnLike: { 'aws:PrincipalArn': people.map((name) => `arn:aws:iam::${central}:user/${name}`) },
});

interface Role {
  readonly condition?: object;
  readonly policies?: readonly NamedDocument[];
}

function account(id: string, parts: Partial<AccountDetails>): AccountDetails {
  const empty = { users: [], groups: [], roles: [], scps: [], rcps: [] };
  return { id, name: names.get(id)!, partition: 'aws', ...empty, ...parts };
}

function withRole(id: string, { condition, policies = [] }: Role): AccountDetails {
  const Condition = condition === undefined ? {} : { Condition: condition };
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS: central }, Action: 'sts:AssumeRole', ...Condition }],
  };
  const role = { arn: `arn:aws:iam::${id}:role/reader`, name: 'reader', path: '/', trust, policies, tags: {} };
  return account(id, { roles: [role] });
}

function lines(before: readonly AccountDetails[], after: readonly AccountDetails[]): readonly string[] {
  const details = (accounts: readonly AccountDetails[]): Directory => new Directory({ organization: 'o-1', accounts });
  return accessBriefLines(catalog, accessDiff(catalog, details(before), details(after)), {
    label: (accounts) => accounts.join(', '),
    nameOf: (id) => names.get(id) ?? id,
  });
}

const empty = (...ids: readonly string[]): AccountDetails[] => ids.map((id) => account(id, {}));

test('only a way in with every guard is called guarded', () => {
  const whole = { ...mfa, ...own, ...fence, ...as('alice', 'bob') };
  assert.deepEqual(lines(empty(dev), [withRole(dev, { condition: whole })]), [
    '  guarded: with MFA of the last 1h, under their own name as source identity, within the organisation',
    '  + alice, bob of central may become role reader in dev, guarded',
  ]);
  const { NumericLessThanEquals: _, ...ageless } = whole as Record<string, object>;
  for (const [condition, told] of [
    [{ ...own, ...fence, ...as('alice') }, 'with source identity ${aws:username}, within organisation o-1'],
    [{ ...mfa, ...fence, ...as('alice') }, 'with MFA, with MFA of the last 1h, within organisation o-1'],
    [{ ...mfa, ...own, ...as('alice') }, 'with MFA, with MFA of the last 1h, with source identity ${aws:username}'],
    [{ ...ageless, ...as('alice') }, 'with MFA, with source identity ${aws:username}, within organisation o-1'],
  ] as const) {
    assert.deepEqual(lines(empty(dev), [withRole(dev, { condition })]), [
      `  + alice of central may become role reader in dev, ${told}`,
    ]);
  }
  assert.deepEqual(lines(empty(dev), [withRole(dev, {})]), [
    '  + everybody whom central lets may become role reader in dev',
  ]);
});

test('a guard that is taken away tells both sides', () => {
  const condition = { ...mfa, ...own, ...fence, ...as('alice') };
  const [line] = lines([withRole(dev, { condition })], [withRole(dev, { condition: as('alice') })]);
  assert.match(line!, /^ {2}\+ alice of central may become role reader in dev \(formerly .*with MFA/);
});

test('rights that differ by account are told apart, and equal ones once', () => {
  const reads = { policies: [policy('p', allow('s3:GetObject'))] };
  const writes = { policies: [policy('p', allow(['s3:GetObject', 's3:PutObject']))] };
  const bare = [withRole(dev, {}), withRole(prod, {})];
  assert.deepEqual(lines(bare, [withRole(dev, reads), withRole(prod, reads)]), [
    '  role reader in dev, prod',
    '    + data exposure          s3:GetObject',
  ]);
  assert.deepEqual(lines(bare, [withRole(dev, reads), withRole(prod, writes)]), [
    '  role reader in dev',
    '    + data exposure          s3:GetObject',
    '  role reader in prod',
    '    + data exposure          s3:GetObject',
    '    + write                  s3:PutObject',
  ]);
});

test('of many lines of a kind the rest is counted, with the services, and permission management has the most', () => {
  const services = [
    'iam:PutRolePolicy',
    'iam:AttachRolePolicy',
    'kms:CreateGrant',
    's3:PutBucketPolicy',
    'sns:AddPermission',
  ];
  const statements = services.map((action, index) =>
    allow(action, '*', { Condition: { IpAddress: { 'aws:SourceIp': `198.51.100.${index}` } } }),
  );
  const found = lines([withRole(dev, {})], [withRole(dev, { policies: [policy('p', ...statements)] })]);
  assert.equal(found.length, 5);
  assert.match(found.at(-1)!, /^ {4}\+ permission management {2}2 more actions of \w+, \w+$/);
});

test('who joins a group that is there already is told what that gives', () => {
  const power = { arn: `arn:aws:iam::${central}:group/power`, name: 'power', policies: [policy('p', allow('iam:*'))] };
  const alice = (groups: readonly string[]): AccountDetails['users'][number] => ({
    arn: `arn:aws:iam::${central}:user/alice`,
    name: 'alice',
    path: '/',
    groups,
    policies: [],
    tags: {},
  });
  const [head, ...rest] = lines(
    [account(central, { groups: [power], users: [alice([])] })],
    [account(central, { groups: [power], users: [alice(['power'])] })],
  );
  assert.equal(head, '  person alice in central joins power');
  assert.match(rest[0]!, /^ {4}\+ permission management {2}iam:\* \(\d+\)$/);
  // One that comes with the group is told of the group.
  assert.deepEqual(
    lines(
      [account(central, { users: [alice([])] })],
      [account(central, { groups: [power], users: [alice(['power'])] })],
    ).filter((line) => /alice|group/.test(line)),
    ['  new group power in central', '  person alice joins power'],
  );
});

test('a closed trust lets nobody in, and closing it is a loss', () => {
  const open = { ...as('alice') };
  const closed = { ArnEquals: { 'aws:PrincipalArn': `arn:aws:iam::${dev}:user/stint/nobody` } };
  assert.deepEqual(lines(empty(dev), [withRole(dev, { condition: closed })]), []);
  assert.deepEqual(lines([withRole(dev, { condition: open })], [withRole(dev, { condition: closed })]), [
    '  - alice of central may no longer become role reader in dev',
  ]);
});
