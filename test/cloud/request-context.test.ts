// The global condition keys, as the engine sees them for each kind of caller.
import { Trail } from '../../src/cloud/trail.ts';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AdjustableClock, Secret, systemClock, systemRandom } from '../../src/base/index.ts';
import type { Call, Permission } from '../../src/cloud/call.ts';
import type { Credential, Session } from '../../src/cloud/credential.ts';
import { IssuerKeys } from '../../src/cloud/issuer-keys.ts';
import { accountInfo } from '../../src/cloud/organization.ts';
import { defaultQuotas } from '../../src/cloud/quotas.ts';
import { requestContext } from '../../src/cloud/request-context.ts';
import { seedOrganization } from '../../src/cloud/services/organizations/seed.ts';
import { State } from '../../src/cloud/state.ts';
import type { World } from '../../src/cloud/world.ts';
import type { Principal } from '../../src/policy/index.ts';

const now = Date.parse('2027-01-01T00:00:00Z');
const clock = new AdjustableClock({ now: () => now });
const state = new State();
const accounts = [
  accountInfo({ id: '111111111111', name: 'central', stage: 'central', ou: '' }),
  accountInfo({ id: '222222222222', name: 'dev', stage: 'dev', ou: 'Workloads/Dev' }),
];
const world: World = {
  organizationId: 'o-exampleorg1',
  managementAccount: '111111111111',
  partition: 'aws',
  region: 'us-east-1',
  quotas: defaultQuotas,
  accounts: () => accounts,
  account: (id) => accounts.find((account) => account.id === id),
  table: (name) => state.table(name),
  get seen() {
    return this;
  },
};

await state.transaction(() => seedOrganization(world, accounts));

const session: Session = {
  token: new Secret('token'),
  issuedAt: now - 60_000,
  expiresAt: now + 60_000,
  tags: [],
  transitiveTagKeys: [],
};

function callOf(principal: Principal, extra: Partial<Call> = {}): Call {
  return {
    requestId: 'request',
    service: 'sts',
    operation: 'AssumeRole',
    account: 'account' in principal ? principal.account : '',
    partition: 'aws',
    region: 'eu-central-1',
    principal,
    world,
    clock,
    random: systemRandom,
    refusal: () => undefined,
    decodeAuthorizationMessage: () => undefined,
    issuerKeys: new IssuerKeys({ own: {}, outside: false, wall: systemClock }),
    trail: new Trail(),
    http: { host: '127.0.0.1', sourceIp: '127.0.0.1', userAgent: 'cli', secure: false, signing: () => undefined },
    ...extra,
  };
}

function credentialOf(kind: 'user' | 'role', given: Partial<Session> | undefined): Credential {
  const common = {
    accessKeyId: 'ASIAEXAMPLE',
    secretAccessKey: new Secret('secret'),
    account: '222222222222',
    status: 'Active' as const,
    session: given === undefined ? undefined : { ...session, ...given },
  };
  return kind === 'user'
    ? { ...common, kind, userId: 'AIDAEXAMPLE' }
    : { ...common, kind, roleId: 'AROAEXAMPLE', sessionName: 'alice' };
}

const star: Permission = { action: 'sts:GetSessionToken', resource: '*' };

function keysOf(call: Call, permission: Permission = star, tags: readonly { key: string; value: string }[] = []) {
  return Object.fromEntries(requestContext(call, permission, tags));
}

const root: Principal = { type: 'Root', account: '222222222222', arn: 'arn:aws:iam::222222222222:root' };
const user: Principal = {
  type: 'User',
  account: '222222222222',
  arn: 'arn:aws:iam::222222222222:user/team/alice',
  userId: 'AIDAEXAMPLE',
  userName: 'alice',
};
const role: Principal = {
  type: 'AssumedRole',
  account: '222222222222',
  arn: 'arn:aws:sts::222222222222:assumed-role/reader/alice',
  roleArn: 'arn:aws:iam::222222222222:role/team/reader',
  roleId: 'AROAEXAMPLE',
  sessionName: 'alice',
  serviceLinked: false,
};
const federated: Principal = {
  type: 'FederatedUser',
  account: '222222222222',
  arn: 'arn:aws:sts::222222222222:federated-user/alice',
  name: 'alice',
  issuerArn: root.arn,
};

// IAM user guide, "Using policy variables", table "Principal key values".
const callers: readonly [Principal, Record<string, string | undefined>][] = [
  [root, { 'aws:principaltype': 'Account', 'aws:userid': '222222222222', 'aws:principalarn': root.arn }],
  [
    user,
    {
      'aws:principaltype': 'User',
      'aws:userid': 'AIDAEXAMPLE',
      'aws:username': 'alice',
      'aws:principalarn': 'arn:aws:iam::222222222222:user/team/alice',
    },
  ],
  [role, { 'aws:principaltype': 'AssumedRole', 'aws:userid': 'AROAEXAMPLE:alice', 'aws:principalarn': role.roleArn }],
  [
    federated,
    { 'aws:principaltype': 'FederatedUser', 'aws:userid': '222222222222:alice', 'aws:principalarn': federated.arn },
  ],
  [
    { type: 'Anonymous' },
    { 'aws:principaltype': 'Anonymous', 'aws:userid': 'anonymous', 'aws:principalaccount': 'anonymous' },
  ],
];

test('each kind of caller has the keys that AWS documents for it, and no other', () => {
  const watched = ['aws:principaltype', 'aws:userid', 'aws:username', 'aws:principalarn'];
  for (const [principal, expected] of callers) {
    const keys = keysOf(callOf(principal));
    for (const key of watched) assert.equal(keys[key], expected[key], `${principal.type} ${key}`);
    const account = 'account' in principal ? '222222222222' : expected['aws:principalaccount'];
    assert.equal(keys['aws:principalaccount'], account);
  }
});

test('keys of multi-factor authentication are those of temporary credentials only', () => {
  const keys = (credential: Credential) => {
    const context = keysOf(callOf(credential.kind === 'user' ? user : role, { credential }));
    return [
      context['aws:multifactorauthpresent'],
      context['aws:multifactorauthage'],
      context['aws:tokenissuetime'],
      context['aws:sourceidentity'],
    ];
  };
  assert.deepEqual(keys(credentialOf('user', undefined)), [undefined, undefined, undefined, undefined]);
  assert.deepEqual(keys(credentialOf('user', {})), ['false', undefined, '2026-12-31T23:59:00Z', undefined]);
  assert.deepEqual(keys(credentialOf('user', { mfaAt: now - 90_500 })), [
    'true',
    '90',
    '2026-12-31T23:59:00Z',
    undefined,
  ]);
  assert.deepEqual(keys(credentialOf('role', { sourceIdentity: 'alice' })), [
    'false',
    undefined,
    '2026-12-31T23:59:00Z',
    'alice',
  ]);
});

test('the organisation of caller and resource is told by id and path, and not for accounts outside of it', () => {
  const own = keysOf(callOf(role), {
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::b/k',
    resourceAccount: '111111111111',
  });
  assert.equal(own['aws:principalorgid'], 'o-exampleorg1');
  assert.match(String(own['aws:principalorgpaths']), /^o-exampleorg1\/r-[a-z0-9]{4}\/ou-[a-z0-9-]+\/ou-[a-z0-9-]+\/$/);
  assert.ok(Array.isArray(own['aws:principalorgpaths']));
  assert.equal(own['aws:resourceaccount'], '111111111111');
  assert.match(String(own['aws:resourceorgpaths']), /^o-exampleorg1\/r-[a-z0-9]{4}\/$/);
  const foreign = keysOf(callOf(role), { action: 'sts:AssumeRole', resource: 'arn:aws:iam::999999999999:role/x' });
  assert.deepEqual([foreign['aws:resourceaccount'], foreign['aws:resourceorgid']], ['999999999999', undefined]);
  const aws = keysOf(callOf(role), { action: 'iam:GetPolicy', resource: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
  assert.deepEqual([aws['aws:resourceaccount'], aws['aws:resourceorgid']], ['aws', undefined]);
  assert.equal(keysOf(callOf(role))['aws:resourceaccount'], '222222222222');
});

test('time, address, region and client are those of the call; global services have one region', () => {
  const keys = keysOf(callOf(user));
  assert.deepEqual(
    [
      'currenttime',
      'epochtime',
      'sourceip',
      'securetransport',
      'useragent',
      'requestedregion',
      'viaawsservice',
      'referer',
    ].map((name) => keys[`aws:${name}`]),
    ['2027-01-01T00:00:00Z', '1798761600', '127.0.0.1', 'false', 'cli', 'eu-central-1', 'false', undefined],
  );
  assert.equal(keysOf(callOf(user, { service: 'iam' }))['aws:requestedregion'], 'us-east-1');
  const china = { service: 'iam', partition: 'aws-cn' } as const;
  assert.equal(keysOf(callOf(user, china))['aws:requestedregion'], 'cn-north-1');
});

test("tags of the caller are keys in any case, the later one wins, and the service's keys stand beside them", () => {
  const tags = [
    { key: 'Team', value: 'role' },
    { key: 'TEAM', value: 'session' },
  ];
  const context = { 'aws:RequestTag/Cost': '1', 'aws:TagKeys': ['Cost'], 'sts:RoleSessionName': undefined };
  const keys = keysOf(callOf(role), { ...star, context }, tags);
  assert.equal(keys['aws:principaltag/team'], 'session');
  assert.equal(keys['aws:requesttag/cost'], '1');
  assert.deepEqual(keys['aws:tagkeys'], ['Cost']);
  assert.ok(!('sts:rolesessionname' in keys));
});
