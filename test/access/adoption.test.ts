// What was there before Stint, on the embedded AWS: put into a definition, watched, taken over by name.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { openAccounts, type Account, type AwsAccounts } from '../../src/aws/index.ts';
import { systemClock, systemRandom } from '../../src/base/index.ts';
import { startCloud, type Cloud } from '../../src/cloud/index.ts';
import { runStint, type Finished } from '../cli/support.ts';
import { entityId, metadataOf } from '../cloud/sts/saml.ts';

const [central, dev, testing] = ['111111111111', '222222222222', '333333333333'];
const folder = mkdtempSync(join(tmpdir(), 'stint-adoption-'));
let cloud: Cloud;
let runs = 0;
let cwd: string;

before(async () => {
  cloud = await startCloud();
});
after(async () => {
  await cloud.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  const response = await fetch(`${cloud.endpoint}/_stint/reset`, {
    method: 'POST',
    headers: { 'x-stint-control': cloud.controlToken },
  });
  assert.ok(response.ok);
  cwd = join(folder, `${++runs}`);
  mkdirSync(cwd);
});

function environment(): Record<string, string | undefined> {
  const { accessKeyId, secretAccessKey } = cloud.credentials.accounts[central]!;
  return {
    PATH: process.env['PATH'],
    STINT_HOME: join(folder, 'home'),
    AWS_ENDPOINT_URL: cloud.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
}

const stint = (...args: readonly string[]): Promise<Finished> => runStint(args, { cwd, env: environment() });

async function ok(...args: readonly string[]): Promise<Finished> {
  const finished = await stint(...args);
  assert.equal(finished.code, 0, `stint ${args.join(' ')}\n${finished.stdout}\n${finished.stderr}`);
  return finished;
}

function accounts(): AwsAccounts {
  return openAccounts({
    env: environment(),
    clock: systemClock,
    random: systemRandom,
    sleep: () => Promise.resolve(),
    entryRoles: ['OrganizationAccountAccessRole'],
  });
}

const trust = (principal: object, Condition?: object): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: principal, Action: 'sts:AssumeRole', ...(Condition && { Condition }) }],
  });
const allow = (Action: string): string =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] });

async function makeRole({ iam }: Account, RoleName: string, document: string, more: object = {}): Promise<void> {
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: document, ...more });
}

/** An estate made by hand: the same reader in two accounts, a role that AWS owns, one that Terraform owns. */
async function makeEstate(): Promise<void> {
  const all = accounts();
  const { iam: people } = await all.account(central);
  await people.createGroup({ GroupName: 'developers' });
  await people.putGroupPolicy({ GroupName: 'developers', PolicyName: 'own', PolicyDocument: allow('iam:GetUser') });
  await people.createUser({ UserName: 'bob', Tags: [{ Key: 'team', Value: 'core' }] });
  await people.addUserToGroup({ UserName: 'bob', GroupName: 'developers' });
  for (const id of [dev, testing]) {
    const account = await all.account(id);
    await account.iam.createPolicy({ PolicyName: 'limits', Path: '/old/', PolicyDocument: allow('*') });
    const boundary = `arn:aws:iam::${id}:policy/old/limits`;
    await makeRole(account, 'reader', trust({ AWS: central }), {
      PermissionsBoundary: boundary,
      MaxSessionDuration: 7200,
    });
    await account.iam.attachRolePolicy({ RoleName: 'reader', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' });
    await account.iam.putRolePolicy({
      RoleName: 'reader',
      PolicyName: 'queue',
      PolicyDocument: allow('sqs:SendMessage'),
    });
  }
  const account = await all.account(dev);
  await makeRole(account, 'app', trust({ Service: 'ec2.amazonaws.com' }), { Path: '/apps/' });
  await account.iam.createInstanceProfile({ InstanceProfileName: 'app-profile' });
  await account.iam.addRoleToInstanceProfile({ InstanceProfileName: 'app-profile', RoleName: 'app' });
  const tags = [{ Key: 'ManagedBy', Value: 'terraform' }];
  await makeRole(account, 'theirs', trust({ Service: 'lambda.amazonaws.com' }), { Tags: tags });
  await account.iam.createServiceLinkedRole({ AWSServiceName: 'ecs.amazonaws.com' });
  await makeRole(account, 'AWSReservedSSO_Admin_0123456789abcdef', trust({ Service: 'sso.amazonaws.com' }));
}

interface PlanJson {
  readonly summary: object;
  readonly findings: readonly { readonly code: string; readonly account?: string; readonly resource?: string }[];
}

async function plan(): Promise<PlanJson> {
  return JSON.parse((await ok('plan', '--json')).stdout) as PlanJson;
}

const nothing = { add: 0, change: 0, destroy: 0 };

test('live accounts become one definition, whose plan is empty; what AWS and others own is counted or only watched', async () => {
  await makeEstate();
  const { stderr, stdout } = await ok('init', '--from-aws');
  assert.match(stdout, /^stint\.config\.yaml: 4 accounts, 3 roles, 1 policies, 1 groups, 2 people$/m);
  assert.match(stderr, /left out: 3 ways in of AWS Organizations and Control Tower/);
  assert.match(stderr, /left out: 1 service-linked roles/);
  assert.match(stderr, /left out: 1 roles of IAM Identity Center/);
  const text = readFileSync(join(cwd, 'stint.config.yaml'), 'utf8');
  assert.match(text, /organization: o-stintlocal/);
  assert.match(text, /reader:\n {4}in: \[ dev, test \]/);
  assert.match(text, /# `ManagedBy=terraform` says that another tool manages it: only watched\n {2}theirs:/);
  assert.doesNotMatch(text, /OrganizationAccountAccessRole|AWSReservedSSO|AWSServiceRole/);
  const { summary, findings } = await plan();
  assert.deepEqual(summary, nothing);
  assert.ok(!findings.some(({ code }) => code === 'foreign-resource'));
});

test('what is taken over by name gets marks and nothing else, once; the rest stays watched', async () => {
  await makeEstate();
  await ok('init', '--from-aws');
  const before = (await (await accounts().account(dev)).iam.getRole({ RoleName: 'reader' })).Role!;
  const taken = await ok(
    'import',
    'role/reader',
    'group/developers',
    'user/bob',
    'policy/limits',
    'dev/role/app',
    '--yes',
  );
  assert.deepEqual(taken.stdout.trim().split('\n').sort(), [
    'central/group/developers',
    'central/user/bob',
    'dev/policy/limits',
    'dev/role/app',
    'dev/role/reader',
    'test/policy/limits',
    'test/role/reader',
  ]);
  const { iam } = await accounts().account(dev);
  const role = (await iam.getRole({ RoleName: 'reader' })).Role!;
  assert.equal(role.RoleId, before.RoleId);
  assert.equal(role.AssumeRolePolicyDocument, before.AssumeRolePolicyDocument);
  assert.ok(role.Tags?.some(({ Key, Value }) => Key === 'stint:definition' && Value === 'default'));
  assert.deepEqual((await plan()).summary, nothing);
  assert.match((await ok('import', 'role/reader', '--yes')).stderr, /Nothing to take over/);
  const group = (await (await accounts().account(central)).iam.getGroup({ GroupName: 'developers' })).Group!;
  assert.equal(group.Path, '/stint/default/');
});

test('what was taken over is managed: a change is planned, and destroy removes it and nothing else', async () => {
  await makeEstate();
  await ok('init', '--from-aws');
  await ok('import', 'role/reader', 'policy/limits', '--yes');
  const file = join(cwd, 'stint.config.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('sqs:SendMessage', 'sqs:ReceiveMessage'));
  assert.deepEqual((await plan()).summary, { add: 0, change: 2, destroy: 0 });
  await ok('apply', '--yes');
  assert.deepEqual((await plan()).summary, nothing);
  await ok('destroy', '--yes');
  const { iam } = await accounts().account(dev);
  const names = (await iam.listRoles({})).Roles!.map(({ RoleName }) => RoleName);
  assert.ok(!names.includes('reader'));
  assert.ok(names.includes('app') && names.includes('theirs'));
});

test('what differs from the definition is not taken over, unless the change is asked for', async () => {
  await makeEstate();
  await ok('init', '--from-aws');
  const { iam } = await accounts().account(dev);
  await iam.attachRolePolicy({ RoleName: 'reader', PolicyArn: 'arn:aws:iam::aws:policy/PowerUserAccess' });
  const refused = await stint('import', 'dev/role/reader', '--yes');
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /error\[not-adopted\] dev role\/reader: cannot be taken over: it is not as the definition says: - PowerUserAccess/,
  );
  assert.ok(!(await iam.listRoleTags({ RoleName: 'reader' })).Tags?.some(({ Key }) => Key?.startsWith('stint:')));
  await ok('import', 'dev/role/reader', '--yes', '--with-changes');
  const { AttachedPolicies } = await iam.listAttachedRolePolicies({ RoleName: 'reader' });
  assert.deepEqual(
    AttachedPolicies?.map(({ PolicyName }) => PolicyName),
    ['ReadOnlyAccess'],
  );
});

test('what another tool or definition owns, what does not exist, and what nobody defined is refused with its reason', async () => {
  await makeEstate();
  await ok('init', '--from-aws');
  const file = join(cwd, 'stint.config.yaml');
  const refusal = async (...names: readonly string[]): Promise<string> => {
    const { code, stderr } = await stint('import', ...names, '--yes', '--with-changes');
    assert.equal(code, 1, stderr);
    return stderr;
  };
  assert.match(await refusal('role/theirs'), /`ManagedBy=terraform` says that another tool manages it/);
  assert.match(await refusal('role/raeder'), /error\[import-unknown\].*\nhint: did you mean `role\/reader`\?/);
  const { iam } = await accounts().account(dev);
  await iam.tagRole({ RoleName: 'app', Tags: [{ Key: 'stint:definition', Value: 'other' }] });
  assert.match(await refusal('role/app'), /belongs to the definition `other`/);
  writeFileSync(
    file,
    `${readFileSync(file, 'utf8')}  fresh: { in: [ dev ], trust: [ { service: ec2.amazonaws.com } ] }\n`,
  );
  assert.match(await refusal('role/fresh'), /AWS has no such thing; `stint apply` makes it/);
  assert.equal((await stint('import', 'role/reader')).code, 1, 'without a terminal nobody can be asked');
});

test('an account that cannot be entered is told of, and the others are read', async () => {
  await makeEstate();
  const { iam } = await accounts().account(testing);
  await iam.updateAssumeRolePolicy({
    RoleName: 'OrganizationAccountAccessRole',
    PolicyDocument: trust({ AWS: testing }),
  });
  const { stderr, stdout } = await ok('init', '--from-aws');
  assert.match(stderr, /warning\[account-unreadable\] test: was not read, so nothing of it was taken over/);
  assert.match(stdout, /3 accounts/);
  await ok('init', '--from-aws', '--account', 'central', 'dev=shop:dev', '--force');
  assert.match(
    readFileSync(join(cwd, 'stint.config.yaml'), 'utf8'),
    /shop: \{ id: '222222222222', stage: dev, ou: Workloads\/Dev \}/,
  );
  assert.match(
    (await stint('init', '--from-aws', '--account', 'absent', '--force')).stderr,
    /error\[account-unknown\]/,
  );
});

test('guard rails and SAML providers that others made are watched, taken over by name, and then changed', async () => {
  const all = accounts();
  const client = await all.organizations();
  const root = (await client.listRoots({})).Roots![0]!.Id!;
  const { OrganizationalUnit } = await client.createOrganizationalUnit({ ParentId: root, Name: 'Sandbox' });
  const deny = { Version: '2012-10-17', Statement: [{ Effect: 'Deny', Action: 'ec2:RunInstances', Resource: '*' }] };
  const { Policy } = await client.createPolicy({
    Name: 'frozen',
    Description: '',
    Type: 'SERVICE_CONTROL_POLICY',
    Content: JSON.stringify(deny),
  });
  const PolicyId = Policy!.PolicySummary!.Id!;
  await client.attachPolicy({ PolicyId, TargetId: OrganizationalUnit!.Id! });
  const { iam } = await all.account(dev);
  const SAMLMetadataDocument = metadataOf(entityId);
  await iam.createSAMLProvider({ Name: 'okta', SAMLMetadataDocument });

  await ok('init', '--from-aws');
  const { summary, findings } = await plan();
  assert.deepEqual(summary, nothing);
  const observed = findings.filter(({ code }) => code === 'observed').map(({ resource }) => resource);
  assert.ok(observed.includes('organization-policy/frozen') && observed.includes('saml-provider/okta'));
  const file = join(cwd, 'stint.config.yaml');
  assert.match(readFileSync(file, 'utf8'), /^  frozen:\n    on: \{ ou: Sandbox \}\n    type: scp$/m);

  await ok('import', 'organization-policy/frozen', 'saml-provider/okta', '--yes');
  assert.deepEqual((await plan()).summary, nothing);
  writeFileSync(file, readFileSync(file, 'utf8').replace('ec2:RunInstances', 'ec2:StartInstances'));
  await ok('apply', '--yes');
  assert.match((await client.describePolicy({ PolicyId })).Policy!.Content!, /ec2:StartInstances/);
  await ok('destroy', '--yes');
  await assert.rejects(client.describePolicy({ PolicyId }), { name: 'PolicyNotFoundException' });
});

test('a definition that was lost is read back from what it made', async () => {
  const definition = {
    version: 1,
    name: 'lost',
    organization: 'o-stintlocal',
    accounts: { central: { id: central, stage: 'central', central: true }, dev: { id: dev, stage: 'dev' } },
    groups: { developers: { managed: ['ReadOnlyAccess'] } },
    people: { alice: { groups: ['developers'] } },
    roles: {
      app: {
        in: ['dev'],
        trust: [{ service: 'lambda.amazonaws.com' }],
        statements: [{ Effect: 'Allow', Action: 's3:ListAllMyBuckets', Resource: '*' }],
      },
    },
  };
  writeFileSync(join(cwd, 'lost.json'), JSON.stringify(definition));
  await ok('apply', '--yes', '--config', 'lost.json');
  // Its name is read back as well, as long as there is one only.
  await ok('init', '--from-aws');
  const { summary, findings } = await plan();
  assert.deepEqual(summary, nothing);
  assert.deepEqual(
    findings.filter(({ code }) => code === 'observed').map(({ resource }) => resource),
    ['user/admin'],
  );
  const { stderr } = await ok('init', '--from-aws', '--force', '--name', 'other');
  assert.match(stderr, /left out: \d+ things of the Stint definition `lost`/);
});
