// The examples after their definition was lost, and after somebody changed things by hand: what Stint made is read back
// into a definition with which nothing is planned; drift is told, taken over, and put right.
import {
  AddClientIDToOpenIDConnectProviderCommand,
  AttachRolePolicyCommand,
  DeleteRolePolicyCommand,
  PutGroupPolicyCommand,
  RemoveRoleFromInstanceProfileCommand,
  RemoveUserFromGroupCommand,
  UpdateAccountPasswordPolicyCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from '@aws-sdk/client-iam';
import { ListPoliciesCommand, UpdatePolicyCommand } from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { allow, document } from '../cloud/iam/clients.ts';
import { driftIsTold } from './example-drift.ts';
import { become, readsBack, startExample, type Example } from './example-support.ts';

async function applied(t: TestContext, config: string, ownOrganization: boolean): Promise<Example> {
  const example = await startExample(t, config, ownOrganization);
  const { code, stderr } = await example.withConfig('apply', '--yes', '--passwords', join(example.folder, 'passwords'));
  assert.equal(code, 0, stderr);
  return example;
}

test('the company of 20 accounts', async (t) => {
  const [central, shopProd] = ['100000000001', '200000000003'];
  const example = await applied(t, 'company/stint.config.yaml', true);

  await t.test('is read back from what it made, as short as it was, with its guard rails', async () => {
    const text = await readsBack(example);
    const lines = [
      '  operator:\n    in: { ou: Workloads, except: [ payments-prod ] }',
      '    per: [ { in: { stage: prod }, trust: [ { group: developers, expires: 2029-12-31 } ] } ]',
      // The people of `auditors` and `finance` are the same: what the groups may assume tells them apart.
      '  billing: { in: [ central ], trust: [ { group: finance } ], managed: [ Billing ], owner: finance }',
      '    use: [ deny-leave-organization, protect-cloudtrail, protect-stint ]',
      '  workloads: { on: { ou: Workloads }, type: scp, use: [ deny-root, deny-users, imdsv2 ] }',
      '  own-data: { on: { ou: Workloads/Prod }, type: rcp, use: [ require-organization ] }',
      '  break-glass-1: { groups: [ everybody ], reason: MFA device in the safe, marked: break-glass }',
    ];
    for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line);
    const own = readFileSync(example.config, 'utf8').split('\n').length;
    assert.ok(text.split('\n').length < 1.5 * own);
  });

  await t.test('drift is told with who made it, taken over, and put right', async () => {
    const { iam } = await become(example, example.admin(central), `${shopProd}/OrganizationAccountAccessRole`);
    const PolicyArn = 'arn:aws:iam::aws:policy/AdministratorAccess';
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'operator', PolicyArn }));
    await iam.send(new UpdateRoleCommand({ RoleName: 'monitoring', MaxSessionDuration: 7200 }));
    const { iam: people, organizations } = example.admin(central);
    await people.send(new RemoveUserFromGroupCommand({ UserName: 'erin', GroupName: 'responders' }));
    const { Policies } = await organizations.send(new ListPoliciesCommand({ Filter: 'SERVICE_CONTROL_POLICY' }));
    const PolicyId = Policies!.find(({ Name }) => Name === 'stint-company-regions')!.Id!;
    const Content = document({ Effect: 'Deny', Action: 'ec2:*', Resource: '*' });
    await organizations.send(new UpdatePolicyCommand({ PolicyId, Content }));
    const entries = await driftIsTold(example, {
      'shop-prod/role/operator': 'AttachRolePolicy',
      'shop-prod/role/monitoring': 'UpdateRole',
      'central/user/erin': 'RemoveUserFromGroup',
      'central/organization-policy/stint-company-regions': 'UpdatePolicy',
    });
    assert.deepEqual(Object.keys(entries).sort(), ['guardrails', 'people', 'roles']);
    assert.deepEqual(entries['people']!['erin'], { groups: ['everybody'] });
    assert.deepEqual(entries['roles']!['monitoring'], {
      in: { stage: 'prod' },
      trust: [{ account: '900000000009', externalId: 'examplecorp-7f3a' }],
      statements: [{ Effect: 'Allow', Action: ['cloudwatch:GetMetricData', 'cloudwatch:ListMetrics'], Resource: '*' }],
      owner: 'platform',
      reason: 'contract 2026-114',
      per: [{ in: ['shop-prod'], session: '2h' }],
    });
  });
});

test('workloads of GitHub Actions, EKS, ECS and with certificates', async (t) => {
  const prod = '444444444444';
  const example = await applied(t, 'github-eks/stint.config.ts', false);

  await t.test('are read back from what they made, providers by their names', async () => {
    const text = await readsBack(example);
    const lines = [
      '  github: { issuer: https://token.actions.githubusercontent.com, owner: platform }',
      '    trust: [ { serviceAccount: { issuer: eks-prod, namespace: kube-system, name: external-dns } } ]',
      '      - { oidc: { repository: example@1234567/shop@7654321, environment: prod }, only: [ prod ] }',
    ];
    for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line);
  });

  await t.test('drift is told with who made it, taken over, and put right', async () => {
    const { iam } = example.admin(prod);
    const OpenIDConnectProviderArn = `arn:aws:iam::${prod}:oidc-provider/token.actions.githubusercontent.com`;
    await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ OpenIDConnectProviderArn, ClientID: 'other' }));
    const own = { Effect: 'Allow', Principal: { AWS: prod }, Action: 'sts:AssumeRole' };
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'deploy', PolicyDocument: document(own) }));
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'nightly-report', PolicyName: 'stint' }));
    const entries = await driftIsTold(example, {
      'prod/oidc-provider/token.actions.githubusercontent.com': 'AddClientIDToOpenIDConnectProvider',
      'prod/role/deploy': 'UpdateAssumeRolePolicy',
      'prod/role/nightly-report': 'DeleteRolePolicy',
    });
    const { per } = entries['providers']!['github'] as { per: readonly object[] };
    assert.deepEqual(per, [{ in: ['prod'], audiences: ['other', 'sts.amazonaws.com'] }]);
    const { trust } = entries['roles']!['deploy'] as { trust: readonly object[] };
    assert.deepEqual(trust.at(-1), { account: 'prod', only: ['prod'] });
  });
});

test('the tutorial', async (t) => {
  const example = await applied(t, 'tutorial/stint.config.ts', false);

  await t.test('is read back from what it made, from the default session to the instance profile', async () => {
    const text = await readsBack(example);
    const lines = [
      '  session: 1h',
      '  Administrator: { groups: [ Administrators ], console: true }',
      '    instanceProfile: test_profile',
    ];
    for (const line of lines) assert.ok(text.includes(`\n${line}\n`), line);
    assert.doesNotMatch(text, /stint-imdsv2/);
  });

  await t.test('drift is told with who made it, taken over, and put right', async () => {
    const { iam } = example.admin('222222222222');
    await iam.send(new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName: 'test_profile', RoleName: 'app' }));
    await iam.send(new DeleteRolePolicyCommand({ RoleName: 'app', PolicyName: 'stint-imdsv2' }));
    const { iam: people } = example.admin('111111111111');
    await people.send(new UpdateAccountPasswordPolicyCommand({ MinimumPasswordLength: 6 }));
    const PolicyDocument = document(allow('s3:*'));
    await people.send(new PutGroupPolicyCommand({ GroupName: 'developers', PolicyName: 'more', PolicyDocument }));
    const entries = await driftIsTold(
      example,
      {
        'dev/role/app': 'DeleteRolePolicy',
        'dev/instance-profile/test_profile': 'RemoveRoleFromInstanceProfile',
        'central/password-policy/password policy': 'UpdateAccountPasswordPolicy',
        'central/group/developers': 'PutGroupPolicy',
      },
      // No entry makes a profile that holds no role.
      ['dev/instance-profile/test_profile'],
    );
    assert.deepEqual(entries['groups']!['developers'], {
      inline: { more: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] },
    });
  });
});
