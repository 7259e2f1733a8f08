import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, central, clientsOf, dev, document, makeUser, refused, trust, type Clients } from './clients.ts';

let cloud: Cloud;
let admin: Clients;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
});
after(() => cloud.stop());

const arn = (rest: string): string => `arn:aws:iam::${dev}:${rest}`;

test("names are unique ignoring case, in AWS's words", async () => {
  const { iam } = admin;
  const AssumeRolePolicyDocument = trust({ Service: 'ec2.amazonaws.com' });
  const PolicyDocument = document(allow('s3:GetObject'));
  await iam.send(new Iam.CreateUserCommand({ UserName: 'Twin' }));
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'Twin' }));
  await iam.send(new Iam.CreateRoleCommand({ RoleName: 'Twin', AssumeRolePolicyDocument }));
  await iam.send(new Iam.CreatePolicyCommand({ PolicyName: 'Twin', PolicyDocument }));
  await iam.send(new Iam.CreateInstanceProfileCommand({ InstanceProfileName: 'Twin' }));
  const code = 'EntityAlreadyExists';
  await refused(iam.send(new Iam.CreateUserCommand({ UserName: 'TWIN' })), code, 'User with name TWIN already exists.');
  await refused(
    iam.send(new Iam.CreateGroupCommand({ GroupName: 'twin' })),
    code,
    'Group with name twin already exists.',
  );
  await refused(
    iam.send(new Iam.CreateRoleCommand({ RoleName: 'twin', AssumeRolePolicyDocument })),
    code,
    'Role with name twin already exists.',
  );
  await refused(
    iam.send(new Iam.CreatePolicyCommand({ PolicyName: 'twin', Path: '/other/', PolicyDocument })),
    code,
    'A policy called twin already exists. Duplicate names are not allowed.',
  );
  await refused(
    iam.send(new Iam.CreateInstanceProfileCommand({ InstanceProfileName: 'twin' })),
    code,
    'Instance Profile twin already exists.',
  );
});

test("what does not exist is named in AWS's words", async () => {
  const { iam } = admin;
  const code = 'NoSuchEntity';
  const policy = arn('policy/ghost');
  await refused(
    iam.send(new Iam.GetUserCommand({ UserName: 'ghost' })),
    code,
    'The user with name ghost cannot be found.',
  );
  await refused(
    iam.send(new Iam.GetGroupCommand({ GroupName: 'ghost' })),
    code,
    'The group with name ghost cannot be found.',
  );
  await refused(
    iam.send(new Iam.GetRoleCommand({ RoleName: 'ghost' })),
    code,
    'The role with name ghost cannot be found.',
  );
  await refused(
    iam.send(new Iam.GetInstanceProfileCommand({ InstanceProfileName: 'ghost' })),
    code,
    'Instance Profile ghost cannot be found.',
  );
  await refused(iam.send(new Iam.GetPolicyCommand({ PolicyArn: policy })), code, `Policy ${policy} was not found.`);
  await refused(
    iam.send(new Iam.GetPolicyVersionCommand({ PolicyArn: policy, VersionId: 'v1' })),
    code,
    `Policy ${policy} version v1 does not exist or is not attachable.`,
  );
  await refused(
    iam.send(new Iam.GetLoginProfileCommand({ UserName: 'admin' })),
    code,
    'Login Profile for User admin cannot be found.',
  );
  await refused(
    iam.send(new Iam.GetUserPolicyCommand({ UserName: 'admin', PolicyName: 'ghost' })),
    code,
    'The user policy with name ghost cannot be found.',
  );
  await refused(
    iam.send(new Iam.AttachUserPolicyCommand({ UserName: 'admin', PolicyArn: policy })),
    code,
    `Policy ${policy} does not exist or is not attachable.`,
  );
  const misprint = 'arn:aws:iam:aws:policy/AmazonS3FullAccess';
  await refused(
    iam.send(new Iam.AttachUserPolicyCommand({ UserName: 'admin', PolicyArn: misprint })),
    'InvalidInput',
    `ARN ${misprint} is not valid.`,
  );
});

test('a renamed user keeps its id, keys, groups, policies and its place in trust policies', async () => {
  const { iam } = admin;
  const keys = await makeUser(admin, 'old', allow('iam:GetUser'));
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'club' }));
  await iam.send(new Iam.AddUserToGroupCommand({ GroupName: 'club', UserName: 'old' }));
  const PolicyArn = 'arn:aws:iam::aws:policy/IAMReadOnlyAccess';
  await iam.send(new Iam.AttachUserPolicyCommand({ UserName: 'old', PolicyArn }));
  await iam.send(
    new Iam.CreateRoleCommand({ RoleName: 'friend', AssumeRolePolicyDocument: trust({ AWS: arn('user/old') }) }),
  );
  const { User: before } = await iam.send(new Iam.GetUserCommand({ UserName: 'old' }));
  await iam.send(new Iam.UpdateUserCommand({ UserName: 'old', NewUserName: 'new', NewPath: '/team/' }));
  const { User } = await clientsOf(cloud, keys).iam.send(new Iam.GetUserCommand({}));
  assert.deepEqual([User?.Arn, User?.UserId], [arn('user/team/new'), before?.UserId]);
  const { Groups } = await iam.send(new Iam.ListGroupsForUserCommand({ UserName: 'new' }));
  assert.deepEqual(
    Groups?.map((group) => group.GroupName),
    ['club'],
  );
  const { PolicyUsers } = await iam.send(new Iam.ListEntitiesForPolicyCommand({ PolicyArn }));
  assert.deepEqual(
    PolicyUsers?.map((user) => user.UserName),
    ['new'],
  );
  const { Role } = await iam.send(new Iam.GetRoleCommand({ RoleName: 'friend' }));
  assert.ok(decodeURIComponent(Role!.AssumeRolePolicyDocument!).includes(arn('user/team/new')));
});

test('a group keeps its members when it is renamed, and takes its own name again', async () => {
  const { iam } = admin;
  await makeUser(admin, 'member');
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'first' }));
  await iam.send(new Iam.AddUserToGroupCommand({ GroupName: 'first', UserName: 'member' }));
  await iam.send(new Iam.UpdateGroupCommand({ GroupName: 'first', NewGroupName: 'first' }));
  await iam.send(new Iam.UpdateGroupCommand({ GroupName: 'first', NewGroupName: 'second' }));
  const { Users } = await iam.send(new Iam.GetGroupCommand({ GroupName: 'second' }));
  assert.deepEqual(
    Users?.map((user) => user.UserName),
    ['member'],
  );
  await refused(
    iam.send(new Iam.DeleteGroupCommand({ GroupName: 'second' })),
    'DeleteConflict',
    'Cannot delete entity, must remove users from group first.',
  );
  await iam.send(new Iam.RemoveUserFromGroupCommand({ GroupName: 'second', UserName: 'member' }));
  await iam.send(new Iam.DeleteGroupCommand({ GroupName: 'second' }));
});

test('a trust policy shows the id of a deleted user, and does not trust a namesake', async () => {
  const { iam } = admin;
  await makeUser(admin, 'gone');
  await iam.send(
    new Iam.CreateRoleCommand({ RoleName: 'loyal', AssumeRolePolicyDocument: trust({ AWS: arn('user/gone') }) }),
  );
  const { AccessKeyMetadata } = await iam.send(new Iam.ListAccessKeysCommand({ UserName: 'gone' }));
  await refused(
    iam.send(new Iam.DeleteUserCommand({ UserName: 'gone' })),
    'DeleteConflict',
    'Cannot delete entity, must delete access keys first.',
  );
  const AccessKeyId = AccessKeyMetadata![0]!.AccessKeyId!;
  await iam.send(new Iam.DeleteAccessKeyCommand({ UserName: 'gone', AccessKeyId }));
  await iam.send(new Iam.DeleteUserCommand({ UserName: 'gone' }));
  const keys = await makeUser(admin, 'gone');
  const { Role } = await iam.send(new Iam.GetRoleCommand({ RoleName: 'loyal' }));
  const shown = decodeURIComponent(Role!.AssumeRolePolicyDocument!);
  assert.match(shown, /"AWS":"AIDA[A-Z2-7]{17}"/);
  const { AssumeRoleCommand } = await import('@aws-sdk/client-sts');
  const command = new AssumeRoleCommand({ RoleArn: arn('role/loyal'), RoleSessionName: 'gone' });
  await refused(clientsOf(cloud, keys).sts.send(command), 'AccessDenied', 'no role trust policy allows');
  await refused(
    iam.send(new Iam.UpdateAssumeRolePolicyCommand({ RoleName: 'loyal', PolicyDocument: shown })),
    'MalformedPolicyDocument',
    'Invalid principal in policy: "AWS":"AIDA',
  );
});

const untrusted: readonly (readonly [string, unknown, string])[] = [
  ['a user that does not exist', { AWS: arn('user/nobody') }, `"AWS":"${arn('user/nobody')}"`],
  ['a group', { AWS: arn('group/club') }, `"AWS":"${arn('group/club')}"`],
  ['a service that is none', { Service: 'ec2' }, '"SERVICE":"ec2"'],
];
for (const [what, principal, shown] of untrusted) {
  test(`a trust policy cannot name ${what}`, async () => {
    const input = { RoleName: 'untrusted', AssumeRolePolicyDocument: trust(principal) };
    await refused(
      admin.iam.send(new Iam.CreateRoleCommand(input)),
      'MalformedPolicyDocument',
      `Invalid principal in policy: ${shown}`,
    );
  });
}

test('a managed policy has five versions at most, one in force', async () => {
  const { iam } = admin;
  const PolicyDocument = document(allow('s3:GetObject'));
  const { Policy } = await iam.send(new Iam.CreatePolicyCommand({ PolicyName: 'versions', PolicyDocument }));
  const PolicyArn = Policy!.Arn!;
  for (let version = 2; version <= 5; version++) {
    await iam.send(new Iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault: version === 3 }));
  }
  await refused(
    iam.send(new Iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument })),
    'LimitExceeded',
    'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
  );
  const { Versions } = await iam.send(new Iam.ListPolicyVersionsCommand({ PolicyArn }));
  assert.deepEqual(
    Versions?.map((version) => `${version.VersionId}${version.IsDefaultVersion === true ? '*' : ''}`),
    ['v5', 'v4', 'v3*', 'v2', 'v1'],
  );
  await refused(
    iam.send(new Iam.DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v3' })),
    'DeleteConflict',
    'Cannot delete the default version of a policy.',
  );
  await refused(iam.send(new Iam.DeletePolicyCommand({ PolicyArn })), 'DeleteConflict', 'more than one version');
  await iam.send(new Iam.DeletePolicyVersionCommand({ PolicyArn, VersionId: 'v1' }));
  const { PolicyVersion } = await iam.send(new Iam.CreatePolicyVersionCommand({ PolicyArn, PolicyDocument }));
  assert.equal(PolicyVersion?.VersionId, 'v6');
});

test('sizes count without white space, and the texts name the quota', async () => {
  const { iam } = admin;
  await makeUser(admin, 'large');
  const filler = (length: number): string => document(allow('s3:GetObject', `arn:aws:s3:::${'b'.repeat(length)}`));
  const put = (PolicyDocument: string) =>
    iam.send(new Iam.PutUserPolicyCommand({ UserName: 'large', PolicyName: 'large', PolicyDocument }));
  await put(filler(1800).replace('{', `{${' '.repeat(4000)}`));
  await refused(put(filler(2100)), 'LimitExceeded', 'Maximum policy size of 2048 bytes exceeded for user large');
  await refused(
    iam.send(new Iam.CreatePolicyCommand({ PolicyName: 'large', PolicyDocument: filler(6200) })),
    'LimitExceeded',
    'Cannot exceed quota for PolicySize: 6144',
  );
  await refused(
    iam.send(
      new Iam.CreateRoleCommand({
        RoleName: 'large',
        AssumeRolePolicyDocument: trust(
          { AWS: central },
          { Condition: { StringEquals: { 'aws:username': 'x'.repeat(2100) } } },
        ),
      }),
    ),
    'LimitExceeded',
    'Cannot exceed quota for ACLSizePerRole: 2048',
  );
});

test('attachments are counted, listed by entity, limited, and hold a policy back from deletion', async () => {
  const { iam } = admin;
  await makeUser(admin, 'carrier');
  const made: string[] = [];
  for (let index = 0; index < 11; index++) {
    const input = { PolicyName: `attached${index}`, PolicyDocument: document(allow('s3:GetObject')) };
    const { Policy } = await iam.send(new Iam.CreatePolicyCommand(input));
    made.push(Policy!.Arn!);
  }
  const attach = (PolicyArn: string) => iam.send(new Iam.AttachUserPolicyCommand({ UserName: 'carrier', PolicyArn }));
  for (const policy of made.slice(0, 10)) await attach(policy);
  await attach(made[0]!);
  await refused(attach(made[10]!), 'LimitExceeded', 'Cannot exceed quota for PoliciesPerUser: 10');
  await iam.send(new Iam.PutUserPermissionsBoundaryCommand({ UserName: 'carrier', PermissionsBoundary: made[0] }));
  const { Policy } = await iam.send(new Iam.GetPolicyCommand({ PolicyArn: made[0] }));
  assert.deepEqual([Policy?.AttachmentCount, Policy?.PermissionsBoundaryUsageCount], [1, 1]);
  await refused(
    iam.send(new Iam.DeletePolicyCommand({ PolicyArn: made[0] })),
    'DeleteConflict',
    'Cannot delete a policy attached to entities.',
  );
  await refused(
    iam.send(new Iam.DetachUserPolicyCommand({ UserName: 'carrier', PolicyArn: made[10] })),
    'NoSuchEntity',
    `Policy ${made[10]} was not found.`,
  );
  const { PolicyUsers } = await iam.send(
    new Iam.ListEntitiesForPolicyCommand({ PolicyArn: made[0], PolicyUsageFilter: 'PermissionsBoundary' }),
  );
  assert.deepEqual(
    PolicyUsers?.map((user) => user.UserName),
    ['carrier'],
  );
  const { Policies } = await iam.send(new Iam.ListPoliciesCommand({ Scope: 'Local', OnlyAttached: true }));
  assert.equal(Policies?.length, 10);
});

test("AWS's own policies are listed, read and attached, and changed by nobody", async () => {
  const { iam } = admin;
  const PolicyArn = 'arn:aws:iam::aws:policy/job-function/Billing';
  const { Policy } = await iam.send(new Iam.GetPolicyCommand({ PolicyArn }));
  assert.equal(Policy?.Path, '/job-function/');
  const { PolicyVersion } = await iam.send(
    new Iam.GetPolicyVersionCommand({ PolicyArn, VersionId: Policy?.DefaultVersionId }),
  );
  assert.ok(JSON.parse(decodeURIComponent(PolicyVersion!.Document!)));
  let count = 0;
  for await (const page of Iam.paginateListPolicies({ client: iam, pageSize: 1000 }, { Scope: 'AWS' })) {
    count += page.Policies?.length ?? 0;
  }
  assert.ok(count > 1500, `${count}`);
  const input = { PolicyArn, PolicyDocument: document(allow('*')) };
  await refused(iam.send(new Iam.CreatePolicyVersionCommand(input)), 'AccessDenied', 'iam:CreatePolicyVersion');
});

test('lists come in pages that neither repeat nor leave out', async () => {
  const { iam } = admin;
  for (let index = 0; index < 7; index++)
    await iam.send(new Iam.CreateUserCommand({ UserName: `page${index}`, Path: '/page/' }));
  const names: string[] = [];
  for await (const page of Iam.paginateListUsers({ client: iam, pageSize: 3 }, { PathPrefix: '/page/' })) {
    assert.ok((page.Users?.length ?? 0) <= 3);
    names.push(...(page.Users ?? []).map((user) => user.UserName!));
  }
  assert.deepEqual(
    names,
    [0, 1, 2, 3, 4, 5, 6].map((index) => `page${index}`),
  );
  await refused(iam.send(new Iam.ListUsersCommand({ Marker: 'made-up' })), 'ValidationError', 'Invalid Marker.');
});

test('account authorization details page through every kind, filtered or not', async () => {
  const { iam } = admin;
  const seen = { UserDetailList: 0, GroupDetailList: 0, RoleDetailList: 0, Policies: 0 };
  for await (const page of Iam.paginateGetAccountAuthorizationDetails({ client: iam, pageSize: 4 }, {})) {
    for (const kind of Object.keys(seen) as (keyof typeof seen)[]) seen[kind] += page[kind]?.length ?? 0;
  }
  const { Users } = await iam.send(new Iam.ListUsersCommand({ MaxItems: 1000 }));
  const { Roles } = await iam.send(new Iam.ListRolesCommand({}));
  assert.deepEqual([seen.UserDetailList, seen.RoleDetailList], [Users?.length, Roles?.length]);
  const aws = await iam.send(new Iam.GetAccountAuthorizationDetailsCommand({ Filter: ['AWSManagedPolicy'] }));
  assert.equal(aws.UserDetailList?.length, 0);
  assert.ok(aws.Policies?.some((policy) => policy.PolicyName === 'AdministratorAccess'));
});

test('tags on creation need the permission to tag, and tags decide what a user may touch', async () => {
  const keys = await makeUser(admin, 'tagger', allow(['iam:CreateUser', 'iam:GetUser']), {
    Effect: 'Allow',
    Action: 'iam:DeleteUser',
    Resource: '*',
    Condition: { StringEquals: { 'aws:ResourceTag/team': 'blue' } },
  });
  const { iam } = clientsOf(cloud, keys);
  const Tags = [{ Key: 'Team', Value: 'blue' }];
  await refused(iam.send(new Iam.CreateUserCommand({ UserName: 'tagged', Tags })), 'AccessDenied', 'iam:TagUser');
  await iam.send(new Iam.CreateUserCommand({ UserName: 'tagged' }));
  await refused(iam.send(new Iam.DeleteUserCommand({ UserName: 'tagged' })), 'AccessDenied', 'iam:DeleteUser');
  await admin.iam.send(new Iam.TagUserCommand({ UserName: 'tagged', Tags }));
  await iam.send(new Iam.DeleteUserCommand({ UserName: 'tagged' }));
});

test('tags compare without case, and keys of AWS are reserved', async () => {
  const { iam } = admin;
  const RoleName = 'tagged-role';
  await iam.send(new Iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust({ AWS: dev }) }));
  const tag = (...keys: string[]) =>
    iam.send(new Iam.TagRoleCommand({ RoleName, Tags: keys.map((Key, index) => ({ Key, Value: `${index}` })) }));
  await tag('Stage', 'owner');
  await tag('STAGE');
  await refused(tag('a', 'A'), 'InvalidInput', 'Duplicate tag keys found.');
  await refused(tag('aws:mine'), 'InvalidInput', 'aws:');
  await iam.send(new Iam.UntagRoleCommand({ RoleName, TagKeys: ['OWNER'] }));
  const { Tags } = await iam.send(new Iam.ListRoleTagsCommand({ RoleName }));
  assert.deepEqual(Tags, [{ Key: 'STAGE', Value: '0' }]);
});

test('a boundary asked for by a condition is demanded on creation', async () => {
  const boundary = 'arn:aws:iam::aws:policy/PowerUserAccess';
  const condition = { Condition: { StringEquals: { 'iam:PermissionsBoundary': boundary } } };
  const keys = await makeUser(
    admin,
    'delegate',
    allow(['iam:CreateUser', 'iam:DeleteUserPermissionsBoundary'], '*', condition),
  );
  const { iam } = clientsOf(cloud, keys);
  await refused(iam.send(new Iam.CreateUserCommand({ UserName: 'free' })), 'AccessDenied', 'iam:CreateUser');
  const { User } = await iam.send(new Iam.CreateUserCommand({ UserName: 'bound', PermissionsBoundary: boundary }));
  assert.equal(User?.PermissionsBoundary?.PermissionsBoundaryArn, boundary);
});

test('a role is put into an instance profile only by who may pass it to EC2', async () => {
  const { iam } = admin;
  const RoleName = 'worker';
  const InstanceProfileName = 'box';
  await iam.send(
    new Iam.CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust({ Service: 'ec2.amazonaws.com' }) }),
  );
  await iam.send(new Iam.CreateInstanceProfileCommand({ InstanceProfileName }));
  const add = new Iam.AddRoleToInstanceProfileCommand({ InstanceProfileName, RoleName });
  const toLambda = { Condition: { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } } };
  const wrong = await makeUser(
    admin,
    'to-lambda',
    allow('iam:AddRoleToInstanceProfile'),
    allow('iam:PassRole', '*', toLambda),
  );
  await refused(clientsOf(cloud, wrong).iam.send(add), 'AccessDenied', 'iam:PassRole');
  const toEc2 = { Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } } };
  const right = await makeUser(
    admin,
    'to-ec2',
    allow('iam:AddRoleToInstanceProfile'),
    allow('iam:PassRole', arn('role/worker'), toEc2),
  );
  await clientsOf(cloud, right).iam.send(add);
  await refused(iam.send(add), 'LimitExceeded', 'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1');
  await refused(
    iam.send(new Iam.DeleteRoleCommand({ RoleName })),
    'DeleteConflict',
    'Cannot delete entity, must remove roles from instance profile first.',
  );
  const { InstanceProfiles } = await iam.send(new Iam.ListInstanceProfilesForRoleCommand({ RoleName }));
  assert.deepEqual(
    InstanceProfiles?.map((profile) => profile.InstanceProfileName),
    ['box'],
  );
});

test('names of JavaScript are names like others', async () => {
  const { iam } = admin;
  await makeUser(admin, 'constructor', allow('iam:GetUser'));
  for (const PolicyName of ['toString', '__proto__', 'constructor']) {
    const policy = { UserName: 'constructor', PolicyName };
    const missing = `The user policy with name ${PolicyName} cannot be found.`;
    await refused(iam.send(new Iam.GetUserPolicyCommand(policy)), 'NoSuchEntity', missing);
    await refused(iam.send(new Iam.DeleteUserPolicyCommand(policy)), 'NoSuchEntity', missing);
    const PolicyDocument = document(allow('s3:GetObject'));
    await iam.send(new Iam.PutUserPolicyCommand({ ...policy, PolicyDocument }));
    const read = await iam.send(new Iam.GetUserPolicyCommand(policy));
    assert.equal(decodeURIComponent(read.PolicyDocument!), PolicyDocument);
    await iam.send(new Iam.DeleteUserPolicyCommand(policy));
    await refused(iam.send(new Iam.GetUserPolicyCommand(policy)), 'NoSuchEntity', missing);
  }
});

test('paths of AWS are refused, so that nobody makes a role no organisation policy binds', async () => {
  const input = { RoleName: 'sly', Path: '/aws-service-role/x/', AssumeRolePolicyDocument: trust({ AWS: dev }) };
  await refused(admin.iam.send(new Iam.CreateRoleCommand(input)), 'InvalidInput', 'reserved');
});
