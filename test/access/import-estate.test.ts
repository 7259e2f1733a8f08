// Accounts as years and other people left them: whatever AWS lets them hold becomes a definition that loads, whose plan
// changes nothing, and which tells by name what it does not say.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { parse } from 'yaml';
import { compileDefinition, foundInAws, importFound } from '../../src/access/index.ts';
import { definitionSchema } from '../../src/access/model.ts';
import type { Account } from '../../src/aws/index.ts';
import { runStint, type Finished } from '../cli/support.ts';
import { central, dev, prod, World } from './world.ts';

const world = new World();
let cwd: string;
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'stint-estate-'));
});
after(() => rmSync(cwd, { recursive: true, force: true }));
beforeEach(() => rmSync(join(cwd, 'stint.config.yaml'), { force: true }));

type Iam = Account['iam'];

interface RoleCase {
  readonly name: string;
  readonly path?: string;
  readonly description?: string;
  readonly session?: number;
  readonly tags?: Readonly<Record<string, string>>;
  readonly trust?: readonly object[];
  readonly document?: object;
  readonly itself?: true;
  readonly trusts?: string;
  readonly inline?: Readonly<Record<string, readonly object[]>>;
  readonly managed?: readonly string[];
  readonly own?: readonly string[];
  readonly boundary?: string;
  readonly profiles?: readonly string[];
  /** What the plan tells of it, where no entry says all of it. */
  readonly watched?: string;
}

const { roles } = parse(readFileSync(new URL('../cases/access/import-estate.yaml', import.meta.url), 'utf8')) as {
  readonly roles: readonly RoleCase[];
};

const documentOf = (Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement });
const lambda = [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }];
const reads = [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }];
const trustIn = (AWS: string): string =>
  documentOf([{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }]);
const policyArn = (path: string): string => `arn:aws:iam::${dev}:policy/${path}`;

async function makePolicies(iam: Iam): Promise<void> {
  const PolicyDocument = documentOf(reads);
  for (const PolicyName of ['five-versions', 'a+b=c,d.e@f', 'bound', 'carried-by-nobody']) {
    await iam.createPolicy({ PolicyName, PolicyDocument, Description: 'déjà vu' });
  }
  await iam.createPolicy({ PolicyName: 'same-path', Path: '/p1/', PolicyDocument });
  for (const Action of ['s3:GetObjectAcl', 's3:PutObject', 's3:ListBucket', 's3:DeleteObject']) {
    await iam.createPolicyVersion({
      PolicyArn: policyArn('five-versions'),
      PolicyDocument: documentOf([{ ...reads[0], Action }]),
      SetAsDefault: Action === 's3:PutObject',
    });
  }
}

async function makeRole(iam: Iam, it: RoleCase): Promise<void> {
  const RoleName = it.name;
  const trust = it.document === undefined ? documentOf(it.trust ?? lambda) : JSON.stringify(it.document);
  await iam.createRole({
    RoleName,
    AssumeRolePolicyDocument: it.trusts === undefined ? trust : trustIn(`arn:aws:iam::${dev}:role/${it.trusts}`),
    MaxSessionDuration: it.session ?? 3600,
    Tags: Object.entries(it.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
    ...(it.path === undefined ? {} : { Path: it.path }),
    ...(it.description === undefined ? {} : { Description: it.description }),
    ...(it.boundary === undefined ? {} : { PermissionsBoundary: policyArn(it.boundary) }),
  });
  if (it.itself === true) {
    await iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: trustIn(`arn:aws:iam::${dev}:role/${RoleName}`) });
  }
  for (const [PolicyName, statements] of Object.entries(it.inline ?? {})) {
    await iam.putRolePolicy({ RoleName, PolicyName, PolicyDocument: documentOf(statements) });
  }
  for (const name of it.managed ?? []) {
    await iam.attachRolePolicy({ RoleName, PolicyArn: `arn:aws:iam::aws:policy/${name}` });
  }
  for (const name of it.own ?? []) {
    const path = name === 'same-path' ? `p1/${name}` : name;
    await iam.attachRolePolicy({ RoleName, PolicyArn: policyArn(path) });
  }
  for (const InstanceProfileName of it.profiles ?? []) {
    await iam.createInstanceProfile({ InstanceProfileName });
    await iam.addRoleToInstanceProfile({ InstanceProfileName, RoleName });
  }
}

/** The roles of the cases in dev, with the policies and providers that they need. */
async function makeRoles(): Promise<Iam> {
  const { iam } = await world.accounts.account(dev);
  await makePolicies(iam);
  await iam.createOpenIDConnectProvider({ Url: 'https://id.example.com/realm', ClientIDList: ['a'] });
  await iam.createRole({ RoleName: 'deleted-role', AssumeRolePolicyDocument: documentOf(lambda) });
  for (const it of roles) await makeRole(iam, it);
  await iam.deleteRole({ RoleName: 'deleted-role' });
  await iam.createInstanceProfile({ InstanceProfileName: 'empty' });
  await iam.createServiceLinkedRole({ AWSServiceName: 'autoscaling.amazonaws.com' });
  return iam;
}

function stint(...args: readonly string[]): Promise<Finished> {
  const { accessKeyId, secretAccessKey } = world.cloud.credentials.accounts[central]!;
  const env = {
    PATH: process.env['PATH'],
    STINT_HOME: join(cwd, 'home'),
    AWS_ENDPOINT_URL: world.cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  return runStint(args, { cwd, env });
}

async function init(): Promise<Finished> {
  const finished = await stint('init', '--from-aws', '--force');
  assert.equal(finished.code, 0, finished.stderr);
  return finished;
}

interface PlanJson {
  readonly changes: readonly { readonly id: string }[];
  readonly findings: readonly { readonly code: string; readonly resource?: string; readonly message: string }[];
}

async function plan(): Promise<PlanJson> {
  const { stdout, stderr } = await stint('plan', '--json');
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as PlanJson;
}

/** What of the plan is not as written, by thing. */
const driftOf = ({ findings }: PlanJson): Map<string, string> =>
  new Map(
    findings.filter(({ code }) => code === 'observed-drift').map(({ resource, message }) => [resource!, message]),
  );

function assertNothingPlanned(planned: PlanJson): void {
  assert.deepEqual(planned.changes, []);
  assert.ok(
    !planned.findings.some(({ code }) => ['foreign-resource', 'misplaced', 'import-incomplete'].includes(code)),
  );
  const drift = driftOf(planned);
  assert.deepEqual(
    [...drift.keys()].toSorted(),
    roles.flatMap(({ name, watched }) => (watched === undefined ? [] : [`role/${name}`])).toSorted(),
  );
  for (const { name, watched = '' } of roles) assert.ok((drift.get(`role/${name}`) ?? watched).includes(watched), name);
}

test('whatever roles there are, the definition of them changes nothing, and names what it does not say', async () => {
  await makeRoles();
  const { stderr } = await init();
  const told = [
    /info\[not-taken-over\] dev instance-profile\/two: is a second profile of role two-profiles/,
    /info\[not-taken-over\] dev instance-profile\/empty: holds no role/,
    /info\[not-taken-over\]: policy a\+b=c,d\.e@f of dev is not taken over/,
    /info\[not-taken-over\]: policy carried-by-nobody of dev is not taken over: nothing carries it/,
    /left out: 1 service-linked roles/,
  ];
  for (const line of told) assert.match(stderr, line);
  assert.doesNotMatch(stderr, /`roles\.\S+ is not taken over/);
  assertNothingPlanned(await plan());
});

test('taken over all at once, they get marks and nothing else; read back again, nothing is planned either', async () => {
  const iam = await makeRoles();
  await init();
  const names = roles.filter(({ watched }) => watched === undefined).map(({ name }) => `dev/role/${name}`);
  const taken = await stint(
    'import',
    ...names,
    'policy/five-versions',
    'policy/same-path',
    'dev/instance-profile/one',
    '--yes',
  );
  assert.equal(taken.code, 0, taken.stderr);
  assertNothingPlanned(await plan());
  const { Role } = await iam.getRole({ RoleName: 'tagged' });
  assert.ok(Role?.Tags?.some(({ Key, Value }) => Key === 'stint:definition' && Value === 'default'));
  const versions = await iam.listPolicyVersions({ PolicyArn: policyArn('five-versions') });
  assert.equal(versions.Versions?.length, 5);
  await init();
  assertNothingPlanned(await plan());
});

test('a role with as many tags as AWS takes is not taken over, before anything is written', async () => {
  const { iam } = await world.accounts.account(dev);
  const Tags = Array.from({ length: 49 }, (_, index) => ({ Key: `k${index}`, Value: 'v' }));
  for (const RoleName of ['crowded', 'plain']) {
    const more = RoleName === 'crowded' ? { Tags } : {};
    await iam.createRole({ RoleName, AssumeRolePolicyDocument: documentOf(lambda), ...more });
  }
  await init();
  const { code, stderr } = await stint('import', 'dev/role/plain', 'dev/role/crowded', '--yes');
  assert.equal(code, 1);
  assert.match(stderr, /error\[not-adopted\] dev role\/crowded: .*it has 49 tags, and AWS takes 50.*: 1 too many/);
  assert.deepEqual((await iam.listRoleTags({ RoleName: 'plain' })).Tags, []);
});

test('people and groups with names of every kind, and with policies of their own', async () => {
  const { iam } = await world.accounts.account(central);
  const PolicyDocument = documentOf(reads);
  for (const GroupName of ['devs', 'g+1=2,3.4@5']) {
    await iam.createGroup({ GroupName, Path: '/teams/' });
    await iam.putGroupPolicy({ GroupName, PolicyName: 'own', PolicyDocument });
  }
  for (const UserName of ['bob@example.com', 'u'.repeat(64), '+49', 'svc=1,2']) {
    await iam.createUser({ UserName, Path: '/p/', Tags: [{ Key: 'mail', Value: 'a@b.c' }] });
    await iam.putUserPolicy({ UserName, PolicyName: 'mine', PolicyDocument });
    await iam.addUserToGroup({ UserName, GroupName: 'devs' });
  }
  await iam.addUserToGroup({ UserName: '+49', GroupName: 'g+1=2,3.4@5' });
  const { iam: other } = await world.accounts.account(dev);
  await other.createUser({ UserName: 'local' });
  const { stderr } = await init();
  assert.match(
    stderr,
    /warning\[not-taken-over\] central group\/g\+1=2,3\.4@5: no entry of a definition can have this name/,
  );
  assert.match(stderr, /warning\[outside-central\] dev user\/local/);
  const planned = await plan();
  assert.deepEqual(planned.changes, []);
  assert.deepEqual(
    [...driftOf(planned)],
    [['user/+49', 'is only watched, and is not as written: - member of g+1=2,3.4@5']],
  );
});

test('one issuer whose audiences differ by account is one entry that says so, and is taken over as it is', async () => {
  const Url = 'https://token.actions.githubusercontent.com';
  const lists = { [dev]: ['sts.amazonaws.com'], [prod]: ['other', 'third'], '333333333333': [] };
  for (const [account, ClientIDList] of Object.entries(lists)) {
    const { iam } = await world.accounts.account(account);
    await iam.createOpenIDConnectProvider({ Url, ClientIDList, ThumbprintList: ['a'.repeat(40)] });
  }
  await init();
  const { providers } = parse(readFileSync(join(cwd, 'stint.config.yaml'), 'utf8')) as {
    providers: { github: object };
  };
  assert.deepEqual(providers.github, {
    in: ['dev', 'test', 'prod'],
    issuer: Url,
    audiences: ['sts.amazonaws.com'],
    thumbprints: ['a'.repeat(40)],
    per: [
      { in: ['test'], audiences: [] },
      { in: ['prod'], audiences: ['other', 'third'] },
    ],
  });
  const planned = await plan();
  assert.deepEqual([planned.changes, [...driftOf(planned)]], [[], []]);
  const taken = await stint('import', 'oidc-provider/token.actions.githubusercontent.com', '--yes');
  assert.equal(taken.code, 0, taken.stderr);
  assert.deepEqual((await plan()).changes, []);
});

test('reads that AWS throttles are tried again, and accounts that hold nothing are no trouble', async () => {
  for (const operation of ['GetAccountAuthorizationDetails', 'ListRoles', 'GetLoginProfile', 'ListInstanceProfiles']) {
    const error = { code: 'Throttling', status: 400 };
    await world.control('faults', { service: 'iam', operation, account: dev, nth: 1, count: 3, when: 'before', error });
  }
  const { found, findings } = await foundInAws(world.accounts, undefined, []);
  const made = importFound({ found, findings }, Date.now());
  assert.deepEqual(
    made.findings.filter(({ code }) => code === 'account-unreadable'),
    [],
  );
  const definition = definitionSchema.parse(made.definition);
  assert.deepEqual(Object.keys(definition.accounts), ['central', 'dev', 'test', 'prod']);
  assert.deepEqual(
    compileDefinition(definition, Date.now()).accounts.map(({ name }) => name),
    Object.keys(definition.accounts),
  );
});
