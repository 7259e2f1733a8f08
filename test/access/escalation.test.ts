// The ways up by IAM alone, really gone on the embedded AWS: where the search says yes every call succeeds, and where
// one permission is missing and it says no, one is refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { IAM } from '@aws-sdk/client-iam';
import { STS } from '@aws-sdk/client-sts';
import { observeAccount } from '../../src/access/observe.ts';
import { authorizationBefore } from '../../src/access/authorization.ts';
import { openAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { Directory, Escalations, managedDocuments } from '../../src/policy/index.ts';
import { account, arn, holderArn, statements, type EscalationCase, type Grant } from '../policy/escalation/world.ts';

const cases = JSON.parse(
  readFileSync(new URL('../cases/policy/escalation/iam.json', import.meta.url), 'utf8'),
) as EscalationCase[];

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

let cloud: Cloud;
before(async () => {
  cloud = await startCloud();
});
after(() => cloud.stop());

const clientOptions = (credentials: Keys) => ({
  endpoint: cloud.endpoint,
  region: 'us-east-1',
  credentials,
  maxAttempts: 1,
});
const iamOf = (keys: Keys): IAM => new IAM(clientOptions(keys));
const stsOf = (keys: Keys): STS => new STS(clientOptions(keys));
const adminKeys = (): Keys => cloud.credentials.accounts[account]!;

async function reset(): Promise<void> {
  const response = await fetch(`${cloud.endpoint}/_stint/reset`, {
    method: 'POST',
    headers: { 'x-stint-control': cloud.controlToken, 'content-type': 'application/json' },
    body: '{}',
  });
  assert.ok(response.ok);
}

const text = (...list: readonly object[]): string => JSON.stringify(statements(...list));
const administrator = 'arn:aws:iam::aws:policy/AdministratorAccess';
const everything = text({ Effect: 'Allow', Action: '*', Resource: '*' });
const harmless = text({ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' });
const denial = text({ Effect: 'Deny', Action: 's3:DeleteBucket', Resource: '*' });
const trusting = (principal: object): string =>
  text({ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole' });
const [user, worker, victim, target] = ['mallory', 'worker', 'victim', 'target'] as const;

async function keysOf(admin: IAM, name: string): Promise<Keys> {
  const { AccessKey } = await admin.createAccessKey({ UserName: name });
  return { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! };
}

async function assumed(keys: Keys, role: string): Promise<Keys> {
  const { Credentials } = await stsOf(keys).assumeRole({ RoleArn: arn(`role/${role}`), RoleSessionName: 'way' });
  return {
    accessKeyId: Credentials!.AccessKeyId!,
    secretAccessKey: Credentials!.SecretAccessKey!,
    sessionToken: Credentials!.SessionToken!,
  };
}

/** Makes the world of a case, as test/policy/escalation/world.ts describes it. Gives the holder's keys. */
async function build(each: EscalationCase, grants: readonly Grant[]): Promise<Keys> {
  await reset();
  const admin = iamOf(adminKeys());
  const policies = { own: harmless, theirs: harmless, bounds: everything, denial };
  await Promise.all([
    ...Object.entries(policies).map(([PolicyName, PolicyDocument]) =>
      admin.createPolicy({ PolicyName, PolicyDocument }),
    ),
    ...['team', 'admins'].map((GroupName) => admin.createGroup({ GroupName })),
  ]);
  const bounds = each.world?.boundary === true ? { PermissionsBoundary: arn('policy/bounds') } : {};
  const boundsOf = (holder: EscalationCase['holder']): typeof bounds => (each.holder === holder ? bounds : {});
  await Promise.all([
    admin.createPolicyVersion({ PolicyArn: arn('policy/own'), PolicyDocument: everything, SetAsDefault: false }),
    admin.attachGroupPolicy({ GroupName: 'admins', PolicyArn: administrator }),
    admin.createUser({ UserName: user, ...boundsOf('user') }),
    admin.createUser({ UserName: victim }),
    admin.createRole({
      RoleName: worker,
      AssumeRolePolicyDocument: trusting({ AWS: arn('root') }),
      ...boundsOf('role'),
    }),
    admin.createRole({
      RoleName: target,
      AssumeRolePolicyDocument: trusting(each.world?.trust ?? { Service: 'ec2.amazonaws.com' }),
    }),
  ]);
  await Promise.all([
    admin.addUserToGroup({ GroupName: 'team', UserName: user }),
    admin.attachUserPolicy({ UserName: victim, PolicyArn: arn('policy/theirs') }),
    admin.attachRolePolicy({ RoleName: target, PolicyArn: arn('policy/theirs') }),
  ]);
  await equip(admin, each, grants);
  return each.holder === 'user' ? keysOf(admin, user) : assumed(adminKeys(), worker);
}

/** Gives the holder what the case says. */
async function equip(admin: IAM, each: EscalationCase, grants: readonly Grant[]): Promise<void> {
  const own = grants.map(([Action, Resource]) => ({ Effect: 'Allow', Action, Resource }));
  const documents = {
    ...(own.length > 0 ? { grants: text(...own) } : {}),
    ...(each.world?.denial === 'inline' ? { denial } : {}),
  };
  const attached = ['own', ...(each.world?.denial === 'attached' ? ['denial'] : [])].map((name) =>
    arn(`policy/${name}`),
  );
  for (const [PolicyName, PolicyDocument] of Object.entries(documents)) {
    if (each.holder === 'user') await admin.putUserPolicy({ UserName: user, PolicyName, PolicyDocument });
    else await admin.putRolePolicy({ RoleName: worker, PolicyName, PolicyDocument });
  }
  for (const PolicyArn of attached) {
    if (each.holder === 'user') await admin.attachUserPolicy({ UserName: user, PolicyArn });
    else await admin.attachRolePolicy({ RoleName: worker, PolicyArn });
  }
}

/** What the search says, over what AWS shows. */
async function foundBySearch(each: EscalationCase): Promise<boolean> {
  const keys = adminKeys();
  const accounts = openAccounts({
    env: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
    },
    clock: systemClock,
    random: systemRandom,
    sleep: () => Promise.resolve(),
    entryRoles: [],
  });
  const wanted = { id: account, name: 'central', stage: 'central', resources: [], console: [] };
  const seen = await observeAccount(await accounts.account(account), wanted);
  const managed = await managedDocuments([administrator]);
  const directory = new Directory(authorizationBefore({ partition: 'aws', managed }, [seen]));
  const edges = new Escalations(directory).edgesFrom(directory.byArn(holderArn(each))!);
  const ends = each.ends.to;
  return edges.some(({ method, to }) => method.id === each.method && (ends === undefined || to?.arn === ends));
}

interface Way {
  readonly iam: IAM;
  readonly keys: Keys;
  readonly admin: IAM;
}

const assumeTarget = ({ keys }: Way): Promise<Keys> => assumed(keys, target);
const trustMe = (each: EscalationCase): string => trusting({ AWS: holderArn(each) });

/** The calls of each method, in order; keys that come of them act in the end. */
const ways: Readonly<Record<string, (way: Way, each: EscalationCase) => Promise<unknown>>> = {
  'create-policy-version': ({ iam }) =>
    iam.createPolicyVersion({ PolicyArn: arn('policy/own'), PolicyDocument: everything, SetAsDefault: true }),
  'set-default-policy-version': ({ iam }) =>
    iam.setDefaultPolicyVersion({ PolicyArn: arn('policy/own'), VersionId: 'v2' }),
  'attach-user-policy': ({ iam }) => iam.attachUserPolicy({ UserName: user, PolicyArn: administrator }),
  'attach-group-policy': ({ iam }) => iam.attachGroupPolicy({ GroupName: 'team', PolicyArn: administrator }),
  'attach-role-policy': ({ iam }) => iam.attachRolePolicy({ RoleName: worker, PolicyArn: administrator }),
  'put-user-policy': ({ iam }) => iam.putUserPolicy({ UserName: user, PolicyName: 'up', PolicyDocument: everything }),
  'put-group-policy': ({ iam }) =>
    iam.putGroupPolicy({ GroupName: 'team', PolicyName: 'up', PolicyDocument: everything }),
  'put-role-policy': ({ iam }) => iam.putRolePolicy({ RoleName: worker, PolicyName: 'up', PolicyDocument: everything }),
  'add-user-to-group': ({ iam }) => iam.addUserToGroup({ GroupName: 'admins', UserName: user }),
  'create-access-key': ({ iam }) => iam.createAccessKey({ UserName: victim }),
  'update-access-key': async ({ iam, admin }) => {
    const { accessKeyId } = await keysOf(admin, victim);
    await admin.updateAccessKey({ UserName: victim, AccessKeyId: accessKeyId, Status: 'Inactive' });
    return iam.updateAccessKey({ UserName: victim, AccessKeyId: accessKeyId, Status: 'Active' });
  },
  'create-login-profile': ({ iam }) => iam.createLoginProfile({ UserName: victim, Password: 'Correct-Horse-9' }),
  'update-login-profile': async ({ iam, admin }) => {
    await admin.createLoginProfile({ UserName: victim, Password: 'Correct-Horse-9' });
    return iam.updateLoginProfile({ UserName: victim, Password: 'Battery-Staple-9' });
  },
  'update-assume-role-policy': async (way, each) => {
    await way.iam.updateAssumeRolePolicy({ RoleName: target, PolicyDocument: trustMe(each) });
    return assumeTarget(way);
  },
  assume: assumeTarget,
  'attach-role-policy-and-assume': async (way) => {
    await way.iam.attachRolePolicy({ RoleName: target, PolicyArn: administrator });
    return assumeTarget(way);
  },
  'put-role-policy-and-assume': async (way) => {
    await way.iam.putRolePolicy({ RoleName: target, PolicyName: 'up', PolicyDocument: everything });
    return assumeTarget(way);
  },
  'create-policy-version-and-assume': async (way) => {
    await way.iam.createPolicyVersion({
      PolicyArn: arn('policy/theirs'),
      PolicyDocument: everything,
      SetAsDefault: true,
    });
    return assumeTarget(way);
  },
  'attach-role-policy-and-trust': async (way, each) => {
    await way.iam.attachRolePolicy({ RoleName: target, PolicyArn: administrator });
    await way.iam.updateAssumeRolePolicy({ RoleName: target, PolicyDocument: trustMe(each) });
    return assumeTarget(way);
  },
  'put-role-policy-and-trust': async (way, each) => {
    await way.iam.putRolePolicy({ RoleName: target, PolicyName: 'up', PolicyDocument: everything });
    await way.iam.updateAssumeRolePolicy({ RoleName: target, PolicyDocument: trustMe(each) });
    return assumeTarget(way);
  },
  'create-policy-version-and-trust': async (way, each) => {
    await way.iam.createPolicyVersion({
      PolicyArn: arn('policy/theirs'),
      PolicyDocument: everything,
      SetAsDefault: true,
    });
    await way.iam.updateAssumeRolePolicy({ RoleName: target, PolicyDocument: trustMe(each) });
    return assumeTarget(way);
  },
  'attach-user-policy-and-key': async ({ iam }) => {
    await iam.attachUserPolicy({ UserName: victim, PolicyArn: administrator });
    return keysOf(iam, victim);
  },
  'put-user-policy-and-key': async ({ iam }) => {
    await iam.putUserPolicy({ UserName: victim, PolicyName: 'up', PolicyDocument: everything });
    return keysOf(iam, victim);
  },
  'delete-user-boundary': ({ iam }) => iam.deleteUserPermissionsBoundary({ UserName: user }),
  'put-user-boundary': ({ iam }) =>
    iam.putUserPermissionsBoundary({ UserName: user, PermissionsBoundary: administrator }),
  'delete-role-boundary': ({ iam }) => iam.deleteRolePermissionsBoundary({ RoleName: worker }),
  'put-role-boundary': ({ iam }) =>
    iam.putRolePermissionsBoundary({ RoleName: worker, PermissionsBoundary: administrator }),
  'delete-user-denial': ({ iam }) => iam.deleteUserPolicy({ UserName: user, PolicyName: 'denial' }),
  'detach-user-denial': ({ iam }) => iam.detachUserPolicy({ UserName: user, PolicyArn: arn('policy/denial') }),
  'delete-role-denial': ({ iam }) => iam.deleteRolePolicy({ RoleName: worker, PolicyName: 'denial' }),
  'detach-role-denial': ({ iam }) => iam.detachRolePolicy({ RoleName: worker, PolicyArn: arn('policy/denial') }),
};

const isKeys = (value: unknown): value is Keys =>
  typeof value === 'object' && value !== null && 'secretAccessKey' in value;

/** Goes the way. Gives the keys that act in the end, or nothing when a call was refused. */
async function go(each: EscalationCase, keys: Keys): Promise<Keys | undefined> {
  try {
    const outcome = await ways[each.method]!({ iam: iamOf(keys), keys, admin: iamOf(adminKeys()) }, each);
    return isKeys(outcome) ? outcome : keys;
  } catch (error) {
    assert.ok(error instanceof Error && error.name.startsWith('AccessDenied'), String(error));
    return undefined;
  }
}

// The organisation's policies are another service's, and its management account is bound by none.
const tried = cases.filter(({ method }) => method !== 'detach-organization-policy');

for (const [index, each] of tried.entries()) {
  test(`${each.method} by a ${each.holder}: found where it can be gone, and only there (case ${index})`, async () => {
    const keys = await build(each, each.grants);
    assert.equal(await foundBySearch(each), true);
    const end = await go(each, keys);
    assert.ok(end !== undefined, 'every call succeeds');
    // Any permission means any: the holder could not make a user before.
    if (each.ends.gain === 'any-permission') await iamOf(end).createUser({ UserName: 'proof' });
    for (const place of each.grants.keys()) {
      const less = each.grants.filter((_, at) => at !== place);
      const weaker = await build(each, less);
      assert.equal(await foundBySearch(each), false);
      assert.equal(await go(each, weaker), undefined, `without ${each.grants[place]![0]}`);
    }
  });
}

test('every way by IAM alone is gone', () => {
  assert.deepEqual([...new Set(tried.map(({ method }) => method))].sort(), Object.keys(ways).sort());
});
