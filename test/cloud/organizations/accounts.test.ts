// Accounts that calls make, move, close and take out of the organisation.
import * as Iam from '@aws-sdk/client-iam';
import * as Org from '@aws-sdk/client-organizations';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, document, keysOf, makeUser, refused, type Clients } from '../iam/clients.ts';
import { control } from '../support.ts';

let cloud: Cloud;
let management: Clients;
before(async () => {
  cloud = await startCloud();
  management = clientsOf(cloud, central);
});
after(() => cloud.stop());

const prod = '444444444444';

async function makeAccount(org: Org.OrganizationsClient, AccountName: string, more: object = {}): Promise<string> {
  const Email = `${AccountName}@example.com`;
  const { CreateAccountStatus: begun } = await org.send(new Org.CreateAccountCommand({ AccountName, Email, ...more }));
  assert.equal(begun?.State, 'IN_PROGRESS');
  assert.match(begun.Id!, /^car-[0-9a-z]{32}$/);
  assert.equal(begun.AccountId, undefined);
  const { CreateAccountStatus: ended } = await org.send(
    new Org.DescribeCreateAccountStatusCommand({ CreateAccountRequestId: begun.Id }),
  );
  assert.equal(ended?.State, 'SUCCEEDED');
  return ended.AccountId!;
}

async function rootOf(org: Org.OrganizationsClient): Promise<string> {
  return (await org.send(new Org.ListRootsCommand({}))).Roots![0]!.Id!;
}

async function makeUnit(ParentId: string, Name: string): Promise<string> {
  const { OrganizationalUnit } = await management.organizations.send(
    new Org.CreateOrganizationalUnitCommand({ ParentId, Name }),
  );
  return OrganizationalUnit!.Id!;
}

async function enter(clients: Clients, account: string, role = 'OrganizationAccountAccessRole'): Promise<Clients> {
  const RoleArn = `arn:aws:iam::${account}:role/${role}`;
  const { Credentials } = await clients.sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'alice' }));
  return clientsOf(cloud, keysOf(Credentials!));
}

test('a new account stands under the root and is entered by its role, which the management account alone may assume', async () => {
  const { organizations } = management;
  const Tags = [{ Key: 'team', Value: 'core' }];
  const id = await makeAccount(organizations, 'vended', { RoleName: 'Vend', Tags });
  const { Account } = await organizations.send(new Org.DescribeAccountCommand({ AccountId: id }));
  assert.deepEqual(
    [Account?.Name, Account?.Email, Account?.Status, Account?.State, Account?.JoinedMethod],
    ['vended', 'vended@example.com', 'ACTIVE', 'ACTIVE', 'CREATED'],
  );
  assert.equal(Account?.Arn, `arn:aws:organizations::${central}:account/o-stintlocal/${id}`);
  const { Parents } = await organizations.send(new Org.ListParentsCommand({ ChildId: id }));
  assert.deepEqual(Parents, [{ Id: await rootOf(organizations), Type: 'ROOT' }]);
  const tags = await organizations.send(new Org.ListTagsForResourceCommand({ ResourceId: id }));
  assert.deepEqual(tags.Tags, Tags);
  const { Policies } = await organizations.send(
    new Org.ListPoliciesForTargetCommand({ TargetId: id, Filter: 'SERVICE_CONTROL_POLICY' }),
  );
  assert.deepEqual(
    Policies?.map((policy) => policy.Id),
    ['p-FullAWSAccess'],
  );
  const inside = await enter(management, id, 'Vend');
  assert.equal((await inside.sts.send(new GetCallerIdentityCommand({}))).Account, id);
  assert.deepEqual((await inside.iam.send(new Iam.ListUsersCommand({}))).Users, []);
  await refused(enter(clientsOf(cloud, dev), id, 'Vend'), 'AccessDenied');
});

test('an address that is taken makes the request fail, and requests are listed by state', async () => {
  const { organizations } = management;
  await makeAccount(organizations, 'first');
  const { CreateAccountStatus } = await organizations.send(
    new Org.CreateAccountCommand({ AccountName: 'again', Email: 'FIRST@example.com' }),
  );
  const { CreateAccountStatus: ended } = await organizations.send(
    new Org.DescribeCreateAccountStatusCommand({ CreateAccountRequestId: CreateAccountStatus!.Id }),
  );
  assert.deepEqual(
    [ended?.State, ended?.FailureReason, ended?.AccountId],
    ['FAILED', 'EMAIL_ALREADY_EXISTS', undefined],
  );
  const failed = await organizations.send(new Org.ListCreateAccountStatusCommand({ States: ['FAILED'] }));
  assert.deepEqual(
    failed.CreateAccountStatuses?.map((status) => status.AccountName),
    ['again'],
  );
  await refused(
    organizations.send(new Org.DescribeCreateAccountStatusCommand({ CreateAccountRequestId: 'car-12345678' })),
    'CreateAccountStatusNotFound',
  );
  await refused(
    organizations.send(
      new Org.CreateAccountCommand({ AccountName: 'x', Email: 'x@example.com', RoleName: 'AWSServiceRoleForX' }),
    ),
    'InvalidInput',
  );
});

test('units are made to a depth of five, with names of their own, and go when they are empty', async () => {
  const { organizations } = management;
  let parent = await rootOf(organizations);
  const line: string[] = [];
  for (const name of ['one', 'two', 'three', 'four', 'five']) line.push((parent = await makeUnit(parent, name)));
  await refused(makeUnit(parent, 'six'), 'ConstraintViolation');
  await refused(makeUnit(line[0]!, 'two'), 'DuplicateOrganizationalUnit', 'An OU with the same name already exists.');
  const removal = (id: string) =>
    organizations.send(new Org.DeleteOrganizationalUnitCommand({ OrganizationalUnitId: id }));
  await refused(removal(line[0]!), 'OrganizationalUnitNotEmpty');
  const renamed = await organizations.send(
    new Org.UpdateOrganizationalUnitCommand({ OrganizationalUnitId: line[4], Name: 'last' }),
  );
  assert.deepEqual([renamed.OrganizationalUnit?.Id, renamed.OrganizationalUnit?.Name], [line[4], 'last']);
  for (const id of line.reverse()) await removal(id);
  await refused(removal(line[0]!), 'OrganizationalUnitNotFound');
});

test('an account that moves is bound by what hangs above it, at once', async () => {
  const { organizations } = management;
  const root = await rootOf(organizations);
  const sandbox = await makeUnit(root, 'Sandbox');
  const { Policy } = await organizations.send(
    new Org.CreatePolicyCommand({
      Name: 'no-groups',
      Description: '',
      Type: 'SERVICE_CONTROL_POLICY',
      Content: document({ Effect: 'Deny', Action: 'iam:CreateGroup', Resource: '*' }),
    }),
  );
  await organizations.send(new Org.AttachPolicyCommand({ PolicyId: Policy!.PolicySummary!.Id, TargetId: sandbox }));
  const { Parents } = await organizations.send(new Org.ListParentsCommand({ ChildId: dev }));
  const home = Parents![0]!.Id!;
  const move = (SourceParentId: string, DestinationParentId: string) =>
    organizations.send(new Org.MoveAccountCommand({ AccountId: dev, SourceParentId, DestinationParentId }));
  const iam = clientsOf(cloud, dev).iam;
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'before' }));
  await refused(move(root, sandbox), 'AccountNotFound');
  await refused(move(home, home), 'DuplicateAccount');
  await refused(move('r-zzzz', sandbox), 'SourceParentNotFound');
  await refused(move(home, 'ou-zzzz-12345678'), 'DestinationParentNotFound');
  await move(home, sandbox);
  await refused(
    iam.send(new Iam.CreateGroupCommand({ GroupName: 'there' })),
    'AccessDenied',
    Policy!.PolicySummary!.Arn,
  );
  const { Account } = await organizations.send(new Org.DescribeAccountCommand({ AccountId: dev }));
  assert.deepEqual(Account?.Paths, [`o-stintlocal/${root}/${sandbox}/${dev}/`]);
  await move(sandbox, home);
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'after' }));
});

test('a new account may leave after four days; then it stands alone until it is invited and accepts', async () => {
  const { organizations } = management;
  const id = await makeAccount(organizations, 'leaver');
  const inside = await enter(management, id);
  const user = await makeUser(inside, 'stay', allow('*'));
  const alone = clientsOf(cloud, user);
  const remove = new Org.RemoveAccountFromOrganizationCommand({ AccountId: id });
  await refused(organizations.send(remove), 'ConstraintViolation');
  await control(cloud, 'POST', 'clock', { advance: '96h' });
  await organizations.send(remove);
  await refused(organizations.send(remove), 'AccountNotFound');
  await refused(alone.organizations.send(new Org.DescribeOrganizationCommand({})), 'AWSOrganizationsNotInUse');
  const invite = (Id: string) =>
    organizations.send(
      new Org.InviteAccountToOrganizationCommand({ Target: { Type: 'ACCOUNT', Id }, Notes: 'come back' }),
    );
  await refused(invite(dev), 'HandshakeConstraintViolation', 'already a member');
  const { Handshake } = await invite(id);
  assert.equal(Handshake?.State, 'OPEN');
  await refused(invite(id), 'DuplicateHandshake');
  const HandshakeId = Handshake.Id;
  await refused(organizations.send(new Org.AcceptHandshakeCommand({ HandshakeId })), 'AccessDenied');
  const listed = await alone.organizations.send(new Org.ListHandshakesForAccountCommand({}));
  assert.deepEqual(
    listed.Handshakes?.map((row) => row.Id),
    [HandshakeId],
  );
  await alone.organizations.send(new Org.AcceptHandshakeCommand({ HandshakeId }));
  await refused(organizations.send(new Org.CancelHandshakeCommand({ HandshakeId })), 'InvalidHandshakeTransition');
  const { Account } = await organizations.send(new Org.DescribeAccountCommand({ AccountId: id }));
  assert.equal(Account?.JoinedMethod, 'INVITED');
  await alone.organizations.send(new Org.LeaveOrganizationCommand({}));
  const second = await invite(id);
  await control(cloud, 'POST', 'clock', { advance: '361h' });
  const late = new Org.AcceptHandshakeCommand({ HandshakeId: second.Handshake!.Id });
  await refused(alone.organizations.send(late), 'InvalidHandshakeTransition');
});

test('an account that is closed is suspended, and its keys are dead', async () => {
  const { organizations } = management;
  const id = await makeAccount(organizations, 'closing');
  const inside = await enter(management, id);
  await organizations.send(new Org.CloseAccountCommand({ AccountId: id }));
  await refused(inside.sts.send(new GetCallerIdentityCommand({})), 'InvalidClientTokenId');
  const { Account } = await organizations.send(new Org.DescribeAccountCommand({ AccountId: id }));
  assert.deepEqual([Account?.Status, Account?.State], ['SUSPENDED', 'CLOSED']);
  await refused(organizations.send(new Org.CloseAccountCommand({ AccountId: id })), 'AccountAlreadyClosed');
  await refused(organizations.send(new Org.CloseAccountCommand({ AccountId: central })), 'ConstraintViolation');
});

test('the management account stays, and an organisation with members is not deleted', async () => {
  const { organizations } = management;
  await refused(
    organizations.send(new Org.RemoveAccountFromOrganizationCommand({ AccountId: central })),
    'MasterCannotLeaveOrganization',
  );
  await refused(organizations.send(new Org.LeaveOrganizationCommand({})), 'MasterCannotLeaveOrganization');
  await refused(organizations.send(new Org.DeleteOrganizationCommand({})), 'OrganizationNotEmpty');
  await refused(organizations.send(new Org.CreateOrganizationCommand({})), 'AlreadyInOrganization');
  await refused(organizations.send(new Org.EnableAllFeaturesCommand({})), 'HandshakeConstraintViolation');
});

test('what calls made of the organisation survives a restart and goes with a reset', async () => {
  const state = mkdtempSync(join(tmpdir(), 'stint-organization-'));
  try {
    let id: string;
    {
      await using own = await startCloud({ state });
      const { organizations } = clientsOf(own, central);
      id = await makeAccount(organizations, 'kept');
      const { Parents } = await organizations.send(new Org.ListParentsCommand({ ChildId: prod }));
      const move = {
        AccountId: prod,
        SourceParentId: Parents![0]!.Id!,
        DestinationParentId: await rootOf(organizations),
      };
      await organizations.send(new Org.MoveAccountCommand(move));
    }
    await using own = await startCloud({ state });
    const { organizations } = clientsOf(own, central);
    await organizations.send(new Org.DescribeAccountCommand({ AccountId: id }));
    const parents = () => organizations.send(new Org.ListParentsCommand({ ChildId: prod }));
    assert.equal((await parents()).Parents![0]!.Type, 'ROOT');
    await control(own, 'POST', 'reset');
    await refused(organizations.send(new Org.DescribeAccountCommand({ AccountId: id })), 'AccountNotFound');
    assert.equal((await parents()).Parents![0]!.Type, 'ORGANIZATIONAL_UNIT');
  } finally {
    rmSync(state, { recursive: true });
  }
});

test('an empty organisation is deleted and founded again by its management account', async () => {
  await using own = await startCloud({
    organization: {
      id: 'o-alone12345',
      management: central,
      accounts: [{ id: central, name: 'central', stage: 'central', email: 'central@example.com', ou: '' }],
      quotas: {},
    },
  });
  const { organizations } = clientsOf(own, central);
  await organizations.send(new Org.DeleteOrganizationCommand({}));
  await refused(organizations.send(new Org.DescribeOrganizationCommand({})), 'AWSOrganizationsNotInUse');
  await refused(organizations.send(new Org.ListRootsCommand({})), 'AWSOrganizationsNotInUse');
  const billing = new Org.CreateOrganizationCommand({ FeatureSet: 'CONSOLIDATED_BILLING' });
  await refused(organizations.send(billing), 'ConstraintViolation');
  const { Organization } = await organizations.send(new Org.CreateOrganizationCommand({ FeatureSet: 'ALL' }));
  assert.equal(Organization?.Id, 'o-alone12345');
  assert.equal((await organizations.send(new Org.ListAccountsCommand({}))).Accounts?.length, 1);
});

test('25 units are listed in two pages, whatever changes between them', async () => {
  const { organizations } = management;
  const parent = await makeUnit(await rootOf(organizations), 'many');
  for (let index = 0; index < 25; index++) await makeUnit(parent, `unit ${index}`);
  const first = await organizations.send(
    new Org.ListChildrenCommand({ ParentId: parent, ChildType: 'ORGANIZATIONAL_UNIT' }),
  );
  assert.ok(first.Children?.length === 20);
  await organizations.send(new Org.DeleteOrganizationalUnitCommand({ OrganizationalUnitId: first.Children[0]!.Id }));
  const second = await organizations.send(
    new Org.ListOrganizationalUnitsForParentCommand({ ParentId: parent, NextToken: first.NextToken, MaxResults: 20 }),
  );
  assert.deepEqual([second.OrganizationalUnits?.length, second.NextToken], [5, undefined]);
});
