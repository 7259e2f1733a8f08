// The examples, each from nothing to nothing on the embedded AWS: planned, applied, planned again to nothing, used by
// those whom they let in and tried by those whom they do not, changed behind Stint's back and mended, destroyed.
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetRoleCommand,
  ListOpenIDConnectProvidersCommand,
  ListRolesCommand,
  ListUsersCommand,
  PutRolePolicyCommand,
  UpdateAssumeRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { compilePolicy, contextOf, evaluate, preparePrincipal } from '../../src/policy/index.ts';
import { allow, clientsOf, document, keysOf, refused, type Clients } from '../cloud/iam/clients.ts';
import { testToken } from '../cloud/sts/issuer.ts';
import { control } from '../cloud/support.ts';
import { become, lastLine, startExample, type Example } from './example-support.ts';

const nothing = 'Plan: 0 to add, 0 to change, 0 to destroy';

async function plansNothing(example: Example): Promise<void> {
  const { code, stdout, stderr } = await example.withConfig('plan', '--detailed-exitcode');
  assert.equal(code, 0, stdout + stderr);
  assert.equal(lastLine(stdout), nothing);
}

/** Plans exactly what is given, applies it, and then plans nothing more; answers the plan. */
async function applies(example: Example, summary: string): Promise<string> {
  const { code, stdout, stderr } = await example.withConfig('plan', '--detailed-exitcode');
  assert.equal(code, 3, stderr + stdout);
  assert.equal(lastLine(stdout), `Plan: ${summary}`);
  const applied = await example.withConfig('apply', '--yes');
  assert.equal(applied.code, 0, applied.stderr);
  await plansNothing(example);
  return stdout;
}

/** What is not AWS's own and was not there before. */
async function rolesOf({ iam }: Clients): Promise<string[]> {
  const { Roles } = await iam.send(new ListRolesCommand({}));
  return Roles!.filter(({ Path }) => !Path!.startsWith('/aws-service-role/')).map(({ RoleName }) => RoleName!);
}

const denied = (call: Promise<unknown>) => refused(call, 'AccessDenied', 'is not authorized to perform');
const shop = { dev: '200000000001', test: '200000000002', prod: '200000000003' };
const shared = '100000000005';
const central = '100000000001';

test('the company of 20 accounts', async (t) => {
  const example = await startExample(t, 'company/stint.config.yaml', true);
  const passwords = join(example.folder, 'passwords');
  const applied = await example.withConfig('apply', '--yes', '--passwords', passwords);
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stderr, /^Applied: 228 added, 0 changed, 0 destroyed\.$/m);
  await plansNothing(example);
  assert.deepEqual(Object.keys(JSON.parse((await example.withConfig('output', '--json')).stdout) as object), [
    'pipeline',
    'shop_deploy',
    'shop_instance_profile',
  ]);

  await t.test('people get in with MFA, each where the definition says so', async () => {
    const bob = await example.person('bob', 'with MFA');
    const reader = await become(example, bob, `${shop.prod}/reader`);
    const me = await reader.sts.send(new GetCallerIdentityCommand({}));
    assert.equal(me.Arn, `arn:aws:sts::${shop.prod}:assumed-role/reader/test`);
    assert.ok((await rolesOf(reader)).includes('deploy'));
    await denied(reader.iam.send(new DeleteRolePolicyCommand({ RoleName: 'deploy', PolicyName: 'stint' })));
    await become(example, bob, `${shop.dev}/reader`, { DurationSeconds: 4 * 3600 });
    await refused(become(example, bob, `${shop.prod}/reader`, { DurationSeconds: 2 * 3600 }), 'ValidationError');
    await become(example, bob, `${shop.prod}/operator`);
    await denied(become(example, bob, '200000000013/operator'));
    await denied(become(example, bob, `${shop.prod}/administrator`));
    await denied(become(example, await example.person('bob', 'without MFA'), `${shop.dev}/reader`));
  });

  await t.test('auditors look at everything and read nothing that customers stored', async () => {
    const carol = await example.person('carol', 'with MFA');
    for (const account of Object.keys(example.cloud.credentials.accounts)) {
      const auditor = await become(example, carol, `${account}/auditor`);
      assert.ok((await rolesOf(auditor)).includes('auditor'));
    }
  });

  await t.test('machines get in along the trust of roles, and their boundary holds', async () => {
    const { iam } = example.admin(shop.dev);
    const role = await iam.send(new GetRoleCommand({ RoleName: 'deploy' }));
    assert.match(
      role.Role!.PermissionsBoundary!.PermissionsBoundaryArn!,
      /:policy\/stint\/company\/workload-boundary$/,
    );
    // Nobody is CodeBuild here: an administrator lets himself into its role, and the apply below throws him out.
    const entered = await become(example, example.admin(central), `${shared}/OrganizationAccountAccessRole`);
    const open = document({ Effect: 'Allow', Principal: { AWS: central }, Action: 'sts:AssumeRole' });
    await entered.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'pipeline', PolicyDocument: open }));
    const pipeline = await become(example, example.admin(central), `${shared}/pipeline`);
    const deploy = await become(example, pipeline, `${shop.dev}/deploy`);
    const made = { RoleName: 'api', Path: '/app/', AssumeRolePolicyDocument: document(trustedLambda) };
    await refused(
      deploy.iam.send(new CreateRoleCommand(made)),
      'AccessDenied',
      'explicit deny in a permissions boundary',
    );
    const PermissionsBoundary = `arn:aws:iam::${shop.dev}:policy/stint/company/workload-boundary`;
    await deploy.iam.send(new CreateRoleCommand({ ...made, PermissionsBoundary }));
    await deploy.iam.send(new DeleteRoleCommand({ RoleName: 'api' }));
  });

  await t.test('an administrator of a member account cannot change what Stint made', async () => {
    const alice = await example.person('alice', 'with MFA');
    const administrator = await become(example, alice, `${shop.prod}/administrator`);
    const attach = { RoleName: 'reader', PolicyArn: 'arn:aws:iam::aws:policy/AdministratorAccess' };
    await refused(
      administrator.iam.send(new AttachRolePolicyCommand(attach)),
      'AccessDenied',
      'service control policy',
    );
  });

  await t.test('what is changed by hand is shown by the plan and mended by the apply', async () => {
    const entered = await become(example, example.admin(central), `${shop.test}/OrganizationAccountAccessRole`);
    const wide = document({ Effect: 'Allow', Principal: { AWS: central }, Action: 'sts:AssumeRole' });
    await entered.iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'deploy', PolicyDocument: wide }));
    const more = { RoleName: 'reader', PolicyName: 'more', PolicyDocument: document(allow('s3:*')) };
    await entered.iam.send(new PutRolePolicyCommand(more));
    const stdout = await applies(example, '0 to add, 3 to change, 0 to destroy');
    assert.match(stdout, /^  ~ role reader in shop-test\n      - allow s3:\* on \*\n/m);
    assert.match(
      stdout,
      /^  ~ role deploy in .*\n      - trust account 100000000001\n      \+ trust .*100000000005 role\/pipeline/m,
    );
    assert.match(stdout, /^  ~ role pipeline in shared\n      - trust account 100000000001$/m);
    await denied(become(example, example.admin(central), `${shared}/pipeline`));
  });

  await t.test('when the incident is over, developers leave production', async () => {
    const only = ['apply', '--yes', '--account', 'shop-test', 'shop-prod'];
    const over = await example.withConfig(...only, '--var', 'incident_ends=2020-01-01');
    assert.equal(lastLine(over.stderr), 'Applied: 0 added, 1 changed, 0 destroyed.');
    const dave = await example.person('dave', 'with MFA');
    await become(example, dave, `${shop.test}/reader`);
    await denied(become(example, dave, `${shop.prod}/reader`));
    assert.equal((await example.withConfig(...only)).code, 0);
    await become(example, dave, `${shop.prod}/reader`);
  });

  await t.test('nothing is destroyed while parts are protected, and all of it after', async () => {
    const refusal = await example.withConfig('destroy', '--yes');
    assert.equal(refusal.code, 1);
    const told = (refusal.stdout + refusal.stderr).split('\n').filter((line) => line.includes('[protected]'));
    const once =
      /^error\[protected\]: 51 things in 20 accounts are protected: no plan removes them \(user\/break-glass-1 in/;
    assert.match(told.join('\n'), once);
    const open = join(example.folder, 'open.yaml');
    const text = readFileSync(example.config, 'utf8').replaceAll(
      /(?:, |\n +)?(?:protect: true|marked: break-glass)/g,
      '',
    );
    writeFileSync(open, text);
    const opened = await example.stint('apply', '--yes', '--config', open);
    assert.equal(opened.code, 0, opened.stderr + opened.stdout);
    const destroyed = await example.stint('destroy', '--yes', '--config', open);
    assert.equal(destroyed.code, 0, destroyed.stderr + destroyed.stdout);
    assert.equal(lastLine(destroyed.stderr), 'Destroyed: 228.');
    for (const account of Object.keys(example.cloud.credentials.accounts)) {
      const expected = account === central ? [] : ['OrganizationAccountAccessRole'];
      assert.deepEqual(await rolesOf(example.admin(account)), expected);
    }
    const { Users } = await example.admin(central).iam.send(new ListUsersCommand({}));
    assert.deepEqual(
      Users!.map(({ UserName }) => UserName),
      ['admin'],
    );
  });
});

const trustedLambda = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };

const [dev, testing, prod] = ['222222222222', '333333333333', '444444444444'] as const;
const github = 'https://token.actions.githubusercontent.com';
const repository = 'repo:example@1234567/shop@7654321';
const eks = 'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF';

/** Shows a token of an issuer, as the embedded AWS signs it. */
async function showToken(
  { cloud }: Example,
  target: string,
  issuer: string,
  subject: string,
  more: object = {},
): Promise<Clients> {
  const [account, role] = target.split('/');
  const WebIdentityToken = await testToken(cloud, { issuer, subject, ...more });
  const { sts } = clientsOf(cloud, { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'none' });
  const RoleArn = `arn:aws:iam::${account}:role/${role}`;
  const input = { RoleArn, WebIdentityToken, RoleSessionName: 'run' };
  const { Credentials } = await sts.send(new AssumeRoleWithWebIdentityCommand(input));
  return clientsOf(cloud, keysOf(Credentials!));
}

const strangers: readonly (readonly [target: string, issuer: string, subject: string])[] = [
  [`${prod}/deploy`, github, `${repository}:environment:dev`],
  [`${prod}/deploy`, github, `${repository}:environment:production`],
  [`${prod}/deploy`, github, `${repository}:ref:refs/heads/main`],
  [`${prod}/deploy`, github, `${repository}:pull_request`],
  [`${prod}/deploy`, github, 'repo:example/shop:environment:prod'],
  [`${prod}/deploy`, github, 'repo:example@1234567/shop@7654322:environment:prod'],
  [`${dev}/pull-request`, github, `${repository}:environment:dev`],
  [`${prod}/external-dns`, eks, 'system:serviceaccount:shop:external-dns'],
  [`${prod}/external-dns`, eks, 'system:serviceaccount:kube-system:default'],
];

/** Whether a service is let into a role of `prod` by its trust policy, by what the service says of its call. */
async function letsIn(
  { iam }: Clients,
  RoleName: string,
  service: string,
  said: Readonly<Record<string, string>>,
  action = 'sts:AssumeRole',
): Promise<boolean> {
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  const policy = compilePolicy(decodeURIComponent(Role!.AssumeRolePolicyDocument!), 'trust');
  const { decision } = evaluate({
    principal: { type: 'Service', service },
    policies: preparePrincipal({ identity: [], scps: [] }),
    action,
    resource: {
      arn: Role!.Arn!,
      account: prod,
      policy: { kind: 'trust', attached: { policy } },
      rcps: [],
    },
    context: contextOf(said),
  });
  return decision === 'allow';
}

const pod = {
  'aws:RequestTag/kubernetes-namespace': 'shop',
  'aws:RequestTag/kubernetes-service-account': 'orders-api',
  'aws:RequestTag/eks-cluster-arn': `arn:aws:eks:eu-central-1:${prod}:cluster/prod`,
};
const machine = {
  'aws:SourceArn': `arn:aws:rolesanywhere:eu-central-1:${prod}:trust-anchor/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9`,
  'aws:PrincipalTag/x509Subject/CN': 'backup-1.office.example.com',
};

test('workloads of GitHub Actions, EKS, ECS and with certificates', async (t) => {
  const example = await startExample(t, 'github-eks/stint.config.ts', false);
  await applies(example, '15 to add, 0 to change, 0 to destroy');

  await t.test('a job gets the account of its environment, and no other', async () => {
    const stages = { dev, test: testing, prod };
    for (const [stage, account] of Object.entries(stages)) {
      const job = await showToken(example, `${account}/deploy`, github, `${repository}:environment:${stage}`);
      const me = await job.sts.send(new GetCallerIdentityCommand({}));
      assert.equal(me.Arn, `arn:aws:sts::${account}:assumed-role/deploy/run`);
      await denied(job.iam.send(new ListRolesCommand({})));
    }
    const pull = await showToken(example, `${dev}/pull-request`, github, `${repository}:pull_request`);
    assert.ok((await rolesOf(pull)).includes('deploy'));
    for (const [target, issuer, subject] of strangers) {
      await refused(showToken(example, target, issuer, subject), 'AccessDenied', 'Not authorized');
    }
    const other = { audience: 'other.example.com' };
    const call = showToken(example, `${prod}/deploy`, github, `${repository}:environment:prod`, other);
    await refused(call, 'InvalidIdentityToken', 'audience');
  });

  await t.test('a service account of the cluster gets its role', async () => {
    const subject = 'system:serviceaccount:kube-system:external-dns';
    const session = await showToken(example, `${prod}/external-dns`, eks, subject);
    const me = await session.sts.send(new GetCallerIdentityCommand({}));
    assert.equal(me.Arn, `arn:aws:sts::${prod}:assumed-role/external-dns/run`);
  });

  await t.test('pods and certificates are known by all that their service says of them', async () => {
    const admin = example.admin(prod);
    const services = {
      'orders-api': ['pods.eks.amazonaws.com', pod],
      'backup-host': ['rolesanywhere.amazonaws.com', machine],
    } as const;
    for (const [role, [service, said]] of Object.entries(services)) {
      assert.ok(await letsIn(admin, role, service, said));
      assert.ok(await letsIn(admin, role, service, said, 'sts:TagSession'));
      assert.ok(!(await letsIn(admin, role, 'ec2.amazonaws.com', said)));
      for (const key of Object.keys(said)) {
        assert.ok(!(await letsIn(admin, role, service, { ...said, [key]: 'other' })), `${role} by another ${key}`);
      }
    }
  });

  await t.test('a task of ECS gets its role', async () => {
    const start = (role: string) =>
      control(example.cloud, 'POST', 'tasks', { roleArn: `arn:aws:iam::${prod}:role/${role}` });
    assert.equal((await start('nightly-report')).status, 200);
    assert.match(JSON.stringify((await start('deploy')).body), /role-not-trusting/);
  });

  await t.test('what is changed by hand is shown by the plan and mended by the apply', async () => {
    const wide = document({
      Effect: 'Allow',
      Principal: { Federated: `arn:aws:iam::${prod}:oidc-provider/token.actions.githubusercontent.com` },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: { StringLike: { 'token.actions.githubusercontent.com:sub': 'repo:example*' } },
    });
    const { iam } = example.admin(prod);
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'deploy', PolicyDocument: wide }));
    const stranger = () => showToken(example, `${prod}/deploy`, github, 'repo:example-evil/shop:ref:refs/heads/main');
    await stranger();
    const stdout = await applies(example, '0 to add, 1 to change, 0 to destroy');
    const lost = '          - if token.actions.githubusercontent.com:sub StringLike repo:example*\n';
    assert.match(stdout, /^  ~ role deploy in prod\n      ~ statement 1 of its trust\n/m);
    assert.ok(stdout.includes(lost), stdout);
    await refused(stranger(), 'AccessDenied', 'Not authorized');
  });

  await t.test('all of it is destroyed', async () => {
    const destroyed = await example.withConfig('destroy', '--yes');
    assert.equal(lastLine(destroyed.stderr), 'Destroyed: 15.');
    for (const account of [dev, testing, prod]) {
      const { iam } = example.admin(account);
      assert.deepEqual(await rolesOf({ ...example.admin(account), iam }), ['OrganizationAccountAccessRole']);
      const { OpenIDConnectProviderList } = await iam.send(new ListOpenIDConnectProvidersCommand({}));
      assert.deepEqual(OpenIDConnectProviderList, []);
    }
  });
});
