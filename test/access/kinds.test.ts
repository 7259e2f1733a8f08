// Every kind of thing that a definition makes, on the embedded AWS: made, planned to nothing, changed, planned to
// nothing again, destroyed; and how entries that are renamed, protected, shared or only watched are dealt with.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApplyResult, Plan, Wanted } from '../../src/access/index.ts';
import type { ApplyContext } from '../../src/access/apply.ts';
import { failureOf } from '../base/support.ts';
import { metadataOf } from '../cloud/sts/saml.ts';
import { central, changesOf, dev, prod, wantedOf, World } from './world.ts';

const ec2 = [{ service: 'ec2.amazonaws.com' }];
const readAll = [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }];

const world = new World();
const apply = (wanted: Wanted, over?: Partial<ApplyContext>): Promise<ApplyResult> => world.apply(wanted, over);
const planOf = (wanted: Wanted): Promise<Plan> => world.plan(wanted);

interface Life {
  readonly name: string;
  readonly first: object;
  readonly made: readonly string[];
  readonly second: object;
  readonly changed: readonly string[];
}

const cluster = `arn:aws:eks:eu-west-1:${dev}:cluster/shop`;
const anchor = `arn:aws:rolesanywhere:eu-west-1:${dev}:trust-anchor/11111111-2222-3333-4444-555555555555`;
const github = { github: { issuer: 'https://token.actions.githubusercontent.com' } };
const deploy = { in: ['dev'], trust: [{ oidc: { repository: 'acme/shop', environment: 'dev' } }] };
const metadata = metadataOf('https://idp.example.com').padEnd(1000, ' ');
const renewed = metadataOf('https://idp.example.com', { validUntil: '2040-01-01T00:00:00Z' }).padEnd(1000, ' ');
const stay = { on: ['dev'], type: 'scp', use: ['deny-leave-organization'] };

const lives: readonly Life[] = [
  {
    name: 'an OIDC provider, made where a role trusts it',
    first: { providers: github, roles: { deploy } },
    made: ['+ dev/oidc-provider/token.actions.githubusercontent.com', '+ dev/role/deploy'],
    second: {
      providers: {
        github: {
          ...github.github,
          audiences: ['sts.amazonaws.com', 'other'],
          thumbprints: ['a'.repeat(40)],
          owner: 'ops',
        },
      },
      roles: { deploy },
    },
    changed: ['~ dev/oidc-provider/token.actions.githubusercontent.com'],
  },
  {
    name: 'an OIDC provider with audiences of its own in one account',
    first: {
      providers: { github: { ...github.github, per: [{ in: { stage: 'prod' }, audiences: ['release'] }] } },
      roles: {
        deploy: {
          ...deploy,
          in: ['dev', 'prod'],
          per: [{ in: ['prod'], trust: [{ oidc: { ...deploy.trust[0]!.oidc, audience: 'release' } }] }],
        },
      },
    },
    made: [
      '+ dev/oidc-provider/token.actions.githubusercontent.com',
      '+ dev/role/deploy',
      '+ prod/oidc-provider/token.actions.githubusercontent.com',
      '+ prod/role/deploy',
    ],
    second: {
      providers: { github: { ...github.github, per: [{ in: ['prod'], audiences: ['release', 'night'] }] } },
      roles: {
        deploy: {
          ...deploy,
          in: ['dev', 'prod'],
          per: [{ in: ['prod'], trust: [{ oidc: { ...deploy.trust[0]!.oidc, audience: 'release' } }] }],
        },
      },
    },
    changed: ['~ prod/oidc-provider/token.actions.githubusercontent.com'],
  },
  {
    name: 'a SAML provider and the role of those who sign in by it',
    first: {
      providers: { okta: { saml: metadata } },
      roles: { guest: { in: ['dev'], trust: [{ saml: { provider: 'okta' } }] } },
    },
    made: ['+ dev/saml-provider/okta', '+ dev/role/guest'],
    second: {
      providers: { okta: { saml: renewed } },
      roles: { guest: { in: ['dev'], trust: [{ saml: { provider: 'okta' } }] } },
    },
    changed: ['~ dev/saml-provider/okta'],
  },
  {
    name: 'roles of pods, service accounts and certificates',
    first: {
      roles: {
        pod: { in: ['dev'], trust: [{ pod: { cluster, namespace: 'shop', serviceAccount: 'web' } }] },
        irsa: {
          in: ['dev'],
          trust: [
            { serviceAccount: { issuer: 'oidc.eks.eu-west-1.amazonaws.com/id/ABC', namespace: 'shop', name: 'web' } },
          ],
        },
        machine: { in: ['dev'], trust: [{ certificate: { anchor, commonName: 'build-1' } }] },
      },
    },
    made: ['+ dev/role/pod', '+ dev/role/irsa', '+ dev/role/machine'],
    second: {
      roles: {
        pod: { in: ['dev'], trust: [{ pod: { cluster, namespace: 'shop', serviceAccount: 'api' } }] },
        irsa: {
          in: ['dev'],
          trust: [
            { serviceAccount: { issuer: 'oidc.eks.eu-west-1.amazonaws.com/id/ABC', namespace: 'shop', name: 'web' } },
          ],
        },
        machine: { in: ['dev'], trust: [{ certificate: { anchor, commonName: 'build-*' } }] },
      },
    },
    changed: ['~ dev/role/pod', '~ dev/role/machine'],
  },
  {
    name: 'guard rails of both kinds, on accounts, units and the whole organisation',
    first: {
      guardrails: {
        stay,
        imdsv2: { on: { ou: 'Workloads/Prod' }, type: 'scp', statements: [] },
        'require-organization': { on: 'organization', type: 'rcp' },
      },
    },
    made: [
      '+ central/organization-policy/stint-default-stay',
      '+ central/organization-policy/stint-default-imdsv2',
      '+ central/organization-policy/stint-default-require-organization',
    ],
    second: {
      guardrails: {
        stay: {
          ...stay,
          on: ['prod'],
          owner: 'ops',
          statements: [{ Effect: 'Deny', Action: 'ec2:RunInstances', Resource: '*' }],
        },
        imdsv2: { on: { ou: 'Workloads/Prod' }, type: 'scp', statements: [] },
      },
    },
    changed: [
      '~ central/organization-policy/stint-default-stay',
      '- central/organization-policy/stint-default-require-organization',
    ],
  },
  {
    name: 'a role that differs by account',
    first: {
      groups: { developers: {} },
      people: { alice: { groups: ['developers'] } },
      roles: {
        reader: {
          in: { except: ['central'] },
          trust: [{ group: 'developers' }],
          managed: ['ReadOnlyAccess'],
          session: '4h',
          per: [{ in: { stage: 'prod' }, session: '1h', expires: '2099-01-01', reason: 'INC-7' }],
        },
      },
    },
    made: ['+ central/group/developers', '+ central/user/alice', '+ dev/role/reader', '+ prod/role/reader'],
    second: {
      groups: { developers: {} },
      people: { alice: { groups: ['developers'] } },
      roles: {
        reader: {
          in: { except: ['central'] },
          trust: [{ group: 'developers' }],
          managed: ['ReadOnlyAccess'],
          session: '4h',
        },
      },
    },
    changed: ['~ prod/role/reader'],
  },
  {
    name: 'people, groups, roles and policies under new names',
    first: {
      policies: { old_policy: { statements: readAll } },
      groups: { old_group: { policies: ['old_policy'] } },
      people: { bob: { groups: ['old_group'] } },
      roles: {
        old_role: { in: ['dev'], trust: [{ group: 'old_group' }], policies: ['old_policy'], protect: true },
        chained: { in: ['prod'], trust: [{ role: 'dev/old_role' }] },
      },
    },
    made: [
      '+ central/policy/old_policy',
      '+ central/group/old_group',
      '+ central/user/bob',
      '+ dev/policy/old_policy',
      '+ dev/role/old_role',
      '+ prod/role/chained',
    ],
    second: {
      policies: { new_policy: { statements: readAll, was: 'old_policy' } },
      groups: { new_group: { policies: ['new_policy'], was: 'old_group' } },
      people: { robert: { groups: ['new_group'], was: 'bob' } },
      roles: {
        new_role: { in: ['dev'], trust: [{ group: 'new_group' }], policies: ['new_policy'], was: 'old_role' },
        chained: { in: ['prod'], trust: [{ role: 'dev/new_role' }] },
      },
    },
    changed: [
      '+ central/policy/new_policy',
      '~ central/group/new_group',
      '~ central/user/robert',
      '- central/policy/old_policy',
      '+ dev/policy/new_policy',
      '+ dev/role/new_role',
      '- dev/policy/old_policy',
      '- dev/role/old_role',
      '~ prod/role/chained',
    ],
  },
];

/** Names of everything that an account holds, providers and guard rails included. */
async function holdings(id: string): Promise<string[]> {
  const { iam } = await world.accounts.account(id);
  const organizations = await world.accounts.organizations();
  const details = await iam.getAccountAuthorizationDetails({ Filter: ['User', 'Group', 'Role', 'LocalManagedPolicy'] });
  const oidc = await iam.listOpenIDConnectProviders({});
  const saml = await iam.listSAMLProviders({});
  const policies = await organizations.listPolicies({ Filter: 'SERVICE_CONTROL_POLICY' });
  return [
    ...(details.UserDetailList ?? []).map(({ Arn }) => Arn!),
    ...(details.GroupDetailList ?? []).map(({ Arn }) => Arn!),
    ...(details.RoleDetailList ?? []).map(({ Arn }) => Arn!),
    ...(details.Policies ?? []).map(({ Arn }) => Arn!),
    ...(oidc.OpenIDConnectProviderList ?? []).map(({ Arn }) => Arn!),
    ...(saml.SAMLProviderList ?? []).map(({ Arn }) => Arn!),
    ...(policies.Policies ?? []).map(({ Name }) => Name!),
  ].sort();
}

const allHoldings = (): Promise<string[][]> => Promise.all([central, dev, prod].map(holdings));

describe('made, changed, changed back by undo and destroyed, with nothing to do in between', () => {
  for (const { name, first, made, second, changed } of lives) {
    test(name, async () => {
      const untouched = await allHoldings();
      assert.deepEqual(changesOf((await apply(wantedOf(first))).plan), made);
      assert.deepEqual(changesOf(await planOf(wantedOf(first))), []);
      const changing = await apply(wantedOf(second));
      assert.deepEqual(changesOf(changing.plan), changed);
      assert.deepEqual(changesOf(await planOf(wantedOf(second))), []);
      assert.deepEqual((await world.undo(changing)).plan.findings, []);
      assert.deepEqual(changesOf(await planOf(wantedOf(first))), []);
      await apply(wantedOf(second));
      await apply(wantedOf(second), { mode: 'destroy' });
      assert.deepEqual(await allHoldings(), untouched);
    });
  }
});

const holder = (over: object = {}): object => ({
  groups: { developers: { ...over, statements: readAll } },
  policies: { reader: { ...over, statements: readAll } },
  roles: { app: { in: ['dev'], trust: ec2, policies: ['reader'], ...over } },
});

test('what is protected stays when its entry goes and when all goes, until the protection is taken out', async () => {
  await apply(wantedOf(holder({ protect: true })));
  const kept = await allHoldings();
  for (const [wanted, mode] of [
    [wantedOf({}), 'apply'],
    [wantedOf(holder()), 'destroy'],
  ] as const) {
    const failure = await failureOf(apply(wanted, { mode }));
    assert.equal(failure.code, 'findings-block');
    const told = failure.message.split('\n').filter((line) => line.includes('[protected]'));
    const where =
      /3 things in 2 accounts are protected.*group\/developers in central; policy\/reader in dev; role\/app in dev/;
    assert.match(told.join('\n'), where);
    assert.match(
      failure.message,
      mode === 'apply' ? /hint: put its entry back/ : /hint: take `protect`.*apply, then destroy/,
    );
    assert.deepEqual(await allHoldings(), kept);
  }
  await apply(wantedOf(holder()));
  assert.deepEqual(changesOf(await planOf(wantedOf(holder()))), []);
  await apply(wantedOf({}));
  assert.deepEqual(changesOf(await planOf(wantedOf({}))), []);
});

/** Policies of others on our role: one attached, one inline. */
async function addByHand(): Promise<void> {
  const { iam } = await world.accounts.account(dev);
  await iam.attachRolePolicy({ RoleName: 'app', PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' });
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: readAll });
  await iam.putRolePolicy({ RoleName: 'app', PolicyName: 'by-hand', PolicyDocument });
}

test('what others attached goes, stays in mode additive, and is only told in mode observe', async () => {
  const of = (mode: string, managed = ['ReadOnlyAccess']): Wanted =>
    wantedOf({ roles: { app: { in: ['dev'], trust: ec2, managed, mode } } });
  await apply(of('exclusive'));
  await addByHand();
  assert.deepEqual(changesOf(await planOf(of('additive'))), []);
  const watched = await planOf(of('observe'));
  assert.deepEqual(changesOf(watched), []);
  const drift = watched.findings.find(({ code }) => code === 'observed-drift');
  assert.match(drift?.message ?? '', /- AmazonS3ReadOnlyAccess; - allow s3:Get\* on \*/);
  const widened = await apply(of('additive', ['ReadOnlyAccess', 'AmazonSQSFullAccess']));
  assert.deepEqual(
    widened.plan.steps.map(({ operation }) => operation),
    ['attachRolePolicy'],
  );
  const strict = await apply(of('exclusive'));
  assert.deepEqual(
    strict.plan.steps.map(({ operation }) => operation),
    ['detachRolePolicy', 'detachRolePolicy', 'deleteRolePolicy'],
  );
});

test('what is only watched is not made, not taken over and not removed', async () => {
  const { iam } = await world.accounts.account(dev);
  const trust = {
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }],
  };
  await iam.createRole({
    RoleName: 'theirs',
    AssumeRolePolicyDocument: JSON.stringify(trust),
    MaxSessionDuration: 14_400,
  });
  const watching = (managed: string[]): Wanted =>
    wantedOf({
      roles: {
        theirs: { in: ['dev'], trust: ec2, managed, mode: 'observe' },
        none: { in: ['dev'], trust: ec2, mode: 'observe' },
      },
    });
  const drifts = async (wanted: Wanted): Promise<string[]> =>
    (await planOf(wanted)).findings
      .filter(({ code }) => code === 'observed-drift')
      .map(({ resource, message }) => `${resource}: ${message}`);
  assert.deepEqual(await drifts(watching([])), ['role/none: is only watched, and is not there']);
  assert.deepEqual(await drifts(watching(['ReadOnlyAccess'])), [
    'role/theirs: is only watched, and is not as written: + ReadOnlyAccess',
    'role/none: is only watched, and is not there',
  ]);
  assert.equal((await apply(watching([]))).outcome, undefined);
  assert.equal((await apply(watching([]), { mode: 'destroy' })).outcome, undefined);
});

test('a plan made after its end removes what has ended, and only that', async () => {
  const ending = {
    groups: { developers: { expires: '2030-01-01' }, lasting: {} },
    people: { alice: { groups: ['developers', 'lasting'] }, bob: { expires: '2030-01-01', groups: ['lasting'] } },
    policies: { reader: { statements: readAll, expires: '2030-01-01' }, writer: { statements: readAll } },
    roles: {
      short: { in: ['dev'], trust: [{ group: 'lasting' }], expires: '2030-01-01T12:00:00Z' },
      long: {
        in: ['dev'],
        trust: [{ group: 'developers' }, { group: 'lasting', expires: '2030-01-01' }],
        policies: ['reader', 'writer'],
        statements: [{ ...readAll[0], expires: '2030-01-01' }],
      },
    },
    providers: { github: { ...github.github, in: ['dev'], expires: '2030-01-01' } },
    guardrails: { stay: { ...stay, expires: '2030-01-01' } },
  };
  await apply(wantedOf(ending, Date.parse('2029-12-31T23:59:59Z')));
  const later = wantedOf(ending, Date.parse('2030-01-01T12:00:00Z'));
  const { plan } = await apply(later);
  assert.deepEqual(changesOf(plan), [
    '~ central/group/lasting',
    '~ central/user/alice',
    '- central/group/developers',
    '- central/user/bob',
    '- central/organization-policy/stint-default-stay',
    '~ dev/role/long',
    '- dev/policy/reader',
    '- dev/role/short',
    '- dev/oidc-provider/token.actions.githubusercontent.com',
  ]);
  assert.deepEqual(changesOf(await planOf(later)), []);
});

test('a tag that leaves its entry goes, and one that somebody else gave stays', async () => {
  const tagged = (tags: object, personal: object): Wanted =>
    wantedOf({
      people: { alice: { tags: personal } },
      roles: { app: { in: ['dev'], trust: ec2, instanceProfile: true, tags } },
    });
  await apply(tagged({ team: 'a', access: 'admin' }, { access: 'admin' }));
  const { iam } = await world.accounts.account(dev);
  await iam.tagRole({ RoleName: 'app', Tags: [{ Key: 'cost', Value: '7' }] });
  assert.deepEqual(changesOf(await planOf(tagged({ team: 'a', access: 'admin' }, { access: 'admin' }))), []);
  const changing = await apply(tagged({ team: 'b' }, {}));
  assert.deepEqual(changesOf(changing.plan), ['~ central/user/alice', '~ dev/role/app', '~ dev/instance-profile/app']);
  assert.deepEqual(changesOf(await planOf(tagged({ team: 'b' }, {}))), []);
  const keys = async (): Promise<string[]> =>
    ((await iam.listRoleTags({ RoleName: 'app' })).Tags ?? []).map(({ Key }) => Key!).sort();
  assert.deepEqual(await keys(), ['cost', 'stint:definition', 'stint:id', 'stint:tags', 'team']);
  await world.undo(changing);
  assert.deepEqual(changesOf(await planOf(tagged({ team: 'a', access: 'admin' }, { access: 'admin' }))), []);
  await apply(tagged({}, {}));
  assert.deepEqual(await keys(), ['cost', 'stint:definition', 'stint:id']);
});

test('a tag of somebody else whose key is a word of one that an entry gave stays', async () => {
  const tagged = (tags: object): Wanted =>
    wantedOf({ roles: { app: { in: ['dev'], trust: ec2, tags: { 'Cost Center': '7', 'a=b': 'x', ...tags } } } });
  await apply(tagged({}));
  const { iam } = await world.accounts.account(dev);
  const others = ['Cost', 'Center', 'a', 'b', 'a=eb'].map((Key) => ({ Key, Value: 'theirs' }));
  await iam.tagRole({ RoleName: 'app', Tags: others });
  await apply(tagged({ team: 'a' }));
  await apply(wantedOf({ roles: { app: { in: ['dev'], trust: ec2, tags: { team: 'a' } } } }));
  const { Tags = [] } = await iam.listRoleTags({ RoleName: 'app' });
  const left = Tags.map(({ Key = '' }) => Key).filter((key) => !key.startsWith('stint:'));
  assert.deepEqual(left.sort(), [...others.map(({ Key }) => Key), 'team'].sort());
});

test('a guard rail with a name of its own goes with its entry, and one of another definition stays', async () => {
  const guardrails = { stay: { ...stay, name: 'Company SCP' } };
  await apply(wantedOf({ name: 'other', guardrails: { theirs: { ...stay, name: 'Their SCP' } } }));
  await apply(wantedOf({ guardrails }));
  assert.deepEqual(changesOf(await planOf(wantedOf({ guardrails }))), []);
  assert.deepEqual(changesOf(await planOf(wantedOf({}))), ['- central/organization-policy/Company SCP']);
  await apply(wantedOf({}));
  const left = await holdings(central);
  assert.ok(left.includes('Their SCP') && !left.includes('Company SCP'), left.join());
});

test('a provider that a role trusts and nobody made is told, until somebody makes it', async () => {
  const missing = async (over: object): Promise<string[]> =>
    (await planOf(wantedOf({ roles: { deploy }, ...over }))).findings.flatMap(({ code, severity, account, resource }) =>
      code === 'provider-missing' ? [`${severity} ${account} ${resource}`] : [],
    );
  assert.deepEqual(await missing({}), ['warning dev role/deploy']);
  assert.deepEqual(await missing({ providers: github }), []);
  await apply(wantedOf({ roles: { deploy } }));
  assert.deepEqual(await missing({}), ['warning dev role/deploy']);
  const { iam } = await world.accounts.account(dev);
  await iam.createOpenIDConnectProvider({
    Url: 'https://token.actions.githubusercontent.com',
    ClientIDList: ['sts.amazonaws.com'],
  });
  assert.deepEqual(await missing({}), []);
});

test('the last provider and the last guard rail go with an empty section', async () => {
  const roles = { deploy };
  await apply(wantedOf({ providers: github, roles, guardrails: { stay } }));
  await apply(wantedOf({ providers: { github: { ...github.github, in: ['dev'] } }, guardrails: { stay } }));
  const emptied = wantedOf({ providers: {}, guardrails: {} });
  assert.deepEqual(changesOf(await planOf(emptied)), [
    '- central/organization-policy/stint-default-stay',
    '- dev/oidc-provider/token.actions.githubusercontent.com',
  ]);
  await apply(emptied);
  assert.deepEqual(changesOf(await planOf(emptied)), []);
});
