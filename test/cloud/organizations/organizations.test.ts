import * as Iam from '@aws-sdk/client-iam';
import * as Org from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import {
  allow,
  central,
  clientsOf,
  dev,
  document,
  keysOf,
  makeUser,
  refused,
  rootKeys,
  type Clients,
} from '../iam/clients.ts';

let cloud: Cloud;
let management: Clients;
before(async () => {
  cloud = await startCloud();
  management = clientsOf(cloud, central);
});
after(() => cloud.stop());

const scp = 'SERVICE_CONTROL_POLICY';

async function makePolicy(Name: string, Content: string): Promise<string> {
  const input = { Name, Content, Description: '', Type: scp } as const;
  const { Policy } = await management.organizations.send(new Org.CreatePolicyCommand(input));
  return Policy!.PolicySummary!.Id!;
}

test('the tree is read from the root down, and back up', async () => {
  const { organizations } = management;
  const { Roots } = await organizations.send(new Org.ListRootsCommand({}));
  const root = Roots![0]!.Id!;
  assert.match(root, /^r-[0-9a-z]{4}$/);
  const { OrganizationalUnits } = await organizations.send(
    new Org.ListOrganizationalUnitsForParentCommand({ ParentId: root }),
  );
  const workloads = OrganizationalUnits!.find((unit) => unit.Name === 'Workloads')!;
  assert.match(workloads.Id!, /^ou-[0-9a-z]{4}-[0-9a-z]{8}$/);
  const { Parents } = await organizations.send(new Org.ListParentsCommand({ ChildId: dev }));
  const input = { ParentId: Parents![0]!.Id!, ChildType: 'ACCOUNT' } as const;
  const { Children } = await organizations.send(new Org.ListChildrenCommand(input));
  assert.deepEqual(Children, [{ Id: dev, Type: 'ACCOUNT' }]);
  const { OrganizationalUnit } = await organizations.send(
    new Org.DescribeOrganizationalUnitCommand({ OrganizationalUnitId: workloads.Id }),
  );
  assert.equal(OrganizationalUnit?.Arn, workloads.Arn);
  const ids: string[] = [];
  for await (const page of Org.paginateListAccounts({ client: organizations, pageSize: 3 }, {})) {
    ids.push(...page.Accounts!.map((account) => account.Id!));
  }
  assert.deepEqual(ids, ['111111111111', '222222222222', '333333333333', '444444444444']);
});

test('what does not exist is refused by its kind', async () => {
  const { organizations } = management;
  const AccountId = '999999999999';
  await refused(organizations.send(new Org.DescribeAccountCommand({ AccountId })), 'AccountNotFound');
  await refused(organizations.send(new Org.DescribePolicyCommand({ PolicyId: 'p-12345678' })), 'PolicyNotFound');
  await refused(organizations.send(new Org.ListParentsCommand({ ChildId: AccountId })), 'ChildNotFound');
  await refused(
    organizations
      .send(new Org.ListRootsCommand({ NextToken: 'x' }))
      .then(() => organizations.send(new Org.ListAccountsCommand({ NextToken: 'made-up' }))),
    'InvalidInput',
  );
});

test('members may ask which organisation they are in, and nothing else', async () => {
  const { organizations } = clientsOf(cloud, dev);
  const { Organization } = await organizations.send(new Org.DescribeOrganizationCommand({}));
  assert.deepEqual([Organization?.Id, Organization?.MasterAccountId], ['o-stintlocal', central]);
  await refused(organizations.send(new Org.ListAccountsCommand({})), 'AccessDenied', "You don't have permissions");
});

test('FullAWSAccess is attached to the root, every unit and every account', async () => {
  const { Targets } = await management.organizations.send(
    new Org.ListTargetsForPolicyCommand({ PolicyId: 'p-FullAWSAccess' }),
  );
  const kinds = Targets!.map((target) => target.Type);
  assert.equal(kinds.filter((kind) => kind === 'ACCOUNT').length, 4);
  assert.ok(kinds.includes('ROOT') && kinds.includes('ORGANIZATIONAL_UNIT'));
});

test('a guard rail binds members below its target, root users too, but not the management account', async () => {
  const { organizations } = management;
  const PolicyId = await makePolicy('no-users', document({ Effect: 'Deny', Action: 'iam:CreateUser', Resource: '*' }));
  const { Roots } = await organizations.send(new Org.ListRootsCommand({}));
  const TargetId = Roots![0]!.Id;
  await organizations.send(new Org.AttachPolicyCommand({ PolicyId, TargetId }));
  const create = (clients: Clients, UserName: string) => clients.iam.send(new Iam.CreateUserCommand({ UserName }));
  const said = 'with an explicit deny in a service control policy';
  await refused(create(clientsOf(cloud, dev), 'one'), 'AccessDenied', said);
  await refused(create(clientsOf(cloud, rootKeys(cloud, dev)), 'one'), 'AccessDenied', said);
  await create(management, 'one');
  const Path = '/aws-service-role/';
  const { iam } = clientsOf(cloud, dev);
  await iam.send(new Iam.UpdateUserCommand({ UserName: 'admin', NewPath: Path }));
  await refused(create(clientsOf(cloud, dev), 'one'), 'AccessDenied', said);
  await iam.send(new Iam.UpdateUserCommand({ UserName: 'admin', NewPath: '/' }));
  await refused(organizations.send(new Org.AttachPolicyCommand({ PolicyId, TargetId })), 'DuplicatePolicyAttachment');
  await refused(organizations.send(new Org.DeletePolicyCommand({ PolicyId })), 'PolicyInUse');
  const Content = document({ Effect: 'Deny', Action: 'iam:CreateGroup', Resource: '*' });
  await organizations.send(new Org.UpdatePolicyCommand({ PolicyId, Content }));
  await create(clientsOf(cloud, dev), 'one');
  await organizations.send(new Org.DetachPolicyCommand({ PolicyId, TargetId }));
  await organizations.send(new Org.DeletePolicyCommand({ PolicyId }));
});

test('an account whose level allows less has less; its last policy stays', async () => {
  const { organizations } = management;
  const TargetId = dev;
  const PolicyId = await makePolicy('only-s3', document(allow('s3:*')));
  const detachAll = new Org.DetachPolicyCommand({ PolicyId: 'p-FullAWSAccess', TargetId });
  await refused(organizations.send(detachAll), 'ConstraintViolation', 'You cannot remove the last policy attached');
  await organizations.send(new Org.AttachPolicyCommand({ PolicyId, TargetId }));
  await organizations.send(detachAll);
  await refused(clientsOf(cloud, dev).iam.send(new Iam.ListUsersCommand({})), 'AccessDenied', 'service control policy');
  await organizations.send(new Org.AttachPolicyCommand({ PolicyId: 'p-FullAWSAccess', TargetId }));
  await organizations.send(new Org.DetachPolicyCommand({ PolicyId, TargetId }));
  await clientsOf(cloud, dev).iam.send(new Iam.ListUsersCommand({}));
});

test('a resource control policy counts once its type is switched on', async () => {
  const { organizations } = management;
  const { Roots } = await organizations.send(new Org.ListRootsCommand({}));
  const RootId = Roots![0]!.Id;
  const Type = 'RESOURCE_CONTROL_POLICY' as const;
  await organizations.send(new Org.EnablePolicyTypeCommand({ RootId, PolicyType: Type }));
  const Content = document({ Effect: 'Deny', Principal: '*', Action: 'sts:AssumeRole', Resource: '*' });
  const { Policy } = await organizations.send(
    new Org.CreatePolicyCommand({ Name: 'no-roles', Content, Description: '', Type }),
  );
  const PolicyId = Policy!.PolicySummary!.Id;
  await organizations.send(new Org.AttachPolicyCommand({ PolicyId, TargetId: dev }));
  const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const assume = (account: string) => {
    const RoleArn = `arn:aws:iam::${account}:role/OrganizationAccountAccessRole`;
    return management.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice' }));
  };
  await refused(assume(dev), 'AccessDenied', 'with an explicit deny in a resource control policy');
  const { Credentials } = await assume('333333333333');
  assert.ok(keysOf(Credentials!).sessionToken);
  await refused(
    organizations.send(new Org.DetachPolicyCommand({ PolicyId: 'p-RCPFullAWSAccess', TargetId: dev })),
    'InvalidInput',
    "You can't detach this AWS Managed Policy",
  );
  await organizations.send(new Org.DisablePolicyTypeCommand({ RootId, PolicyType: Type }));
  await assume(dev);
});

test('what is no policy, or has a taken name, is refused', async () => {
  const { organizations } = management;
  const input = { Name: 'FullAWSAccess', Description: '', Type: scp, Content: document(allow('*')) } as const;
  await refused(organizations.send(new Org.CreatePolicyCommand(input)), 'DuplicatePolicy');
  const broken = { ...input, Name: 'broken', Content: '{}' };
  await refused(organizations.send(new Org.CreatePolicyCommand(broken)), 'MalformedPolicyDocument');
  await refused(organizations.send(new Org.DeletePolicyCommand({ PolicyId: 'p-FullAWSAccess' })), 'InvalidInput');
});

test('a permission may be bound to a type of policy and to tags, on both ends of an attachment', async () => {
  const { organizations } = management;
  const keys = await makeUser(
    management,
    'guard',
    allow('organizations:AttachPolicy', '*', {
      Condition: {
        StringEquals: { 'organizations:PolicyType': scp },
        StringNotEquals: { 'aws:ResourceTag/locked': 'yes' },
      },
    }),
    allow('organizations:CreatePolicy'),
  );
  const guard = clientsOf(cloud, keys).organizations;
  const content = document({ Effect: 'Deny', Action: 'iam:CreateUser', Resource: '*' });
  const PolicyId = await makePolicy('typed', content);
  await guard.send(new Org.AttachPolicyCommand({ PolicyId, TargetId: '333333333333' }));
  await organizations.send(
    new Org.TagResourceCommand({ ResourceId: '444444444444', Tags: [{ Key: 'locked', Value: 'yes' }] }),
  );
  await refused(guard.send(new Org.AttachPolicyCommand({ PolicyId, TargetId: '444444444444' })), 'AccessDenied');
  const make = (Tags: Org.Tag[]) =>
    guard.send(new Org.CreatePolicyCommand({ Name: 'own', Content: content, Description: '', Type: scp, Tags }));
  await refused(make([{ Key: 'team', Value: 'core' }]), 'AccessDenied', 'organizations:TagResource');
  await make([]);
});

test('accounts and policies carry tags', async () => {
  const { organizations } = management;
  await organizations.send(new Org.TagResourceCommand({ ResourceId: dev, Tags: [{ Key: 'stage', Value: 'dev' }] }));
  const { Tags } = await organizations.send(new Org.ListTagsForResourceCommand({ ResourceId: dev }));
  assert.deepEqual(Tags, [{ Key: 'stage', Value: 'dev' }]);
  await organizations.send(new Org.UntagResourceCommand({ ResourceId: dev, TagKeys: ['stage'] }));
  const after = await organizations.send(new Org.ListTagsForResourceCommand({ ResourceId: dev }));
  assert.deepEqual(after.Tags, []);
});
