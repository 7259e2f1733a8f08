import * as Iam from '@aws-sdk/client-iam';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { allow, clientsOf, dev, document, makeUser, refused, trust } from './clients.ts';

let cloud: Cloud;
let iam: Iam.IAMClient;
before(async () => {
  cloud = await startCloud();
  iam = clientsOf(cloud, dev).iam;
});
after(() => cloud.stop());

type Input = Iam.GetAccountAuthorizationDetailsRequest;
const details = (input: Input) => iam.send(new Iam.GetAccountAuthorizationDetailsCommand(input));

/** Kinds and names of a page. */
function namesOf(page: Iam.GetAccountAuthorizationDetailsResponse): readonly string[] {
  return [
    ...page.UserDetailList!.map((one) => `user ${one.UserName}`),
    ...page.RoleDetailList!.map((one) => `role ${one.RoleName}`),
    ...page.GroupDetailList!.map((one) => `group ${one.GroupName}`),
    ...page.Policies!.map((one) => `policy ${one.PolicyName}`),
  ];
}

test('the details of an account come user by user, role by role, group by group, then policies that are in use', async () => {
  await makeUser(clientsOf(cloud, dev), 'u', allow('s3:*'));
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'g' }));
  await iam.send(new Iam.CreateRoleCommand({ RoleName: 'r', AssumeRolePolicyDocument: trust({ AWS: dev }) }));
  const PolicyDocument = document(allow('s3:*'));
  const { Policy } = await iam.send(
    new Iam.CreatePolicyCommand({ PolicyName: 'p', PolicyDocument, Description: 'not shown here' }),
  );
  await iam.send(new Iam.CreatePolicyVersionCommand({ PolicyArn: Policy!.Arn, PolicyDocument }));
  const all = await details({});
  assert.equal(all.IsTruncated, false);
  const expected = [
    'user admin',
    'user u',
    'role OrganizationAccountAccessRole',
    'role r',
    'group g',
    'policy p',
    'policy AdministratorAccess',
  ];
  assert.deepEqual(namesOf(all), expected);
  const [custom] = all.Policies!;
  assert.equal(custom!.Description, undefined);
  assert.deepEqual(
    custom!.PolicyVersionList!.map((version) => version.VersionId),
    ['v2', 'v1'],
  );
  const [admin, user] = all.UserDetailList!;
  assert.equal(admin!.UserPolicyList, undefined);
  assert.equal(user!.UserPolicyList!.length, 1);
  assert.deepEqual(all.GroupDetailList![0]!.GroupPolicyList, []);
  const seen: string[] = [];
  let Marker: string | undefined;
  do {
    const page: Iam.GetAccountAuthorizationDetailsResponse = await details({ MaxItems: 2, Marker });
    seen.push(...namesOf(page));
    Marker = page.Marker;
  } while (Marker !== undefined);
  assert.deepEqual(seen, expected);
});

test('a filter names kinds in any order; a marker goes on with the filter it was given for only', async () => {
  assert.deepEqual(namesOf(await details({ Filter: ['Group', 'LocalManagedPolicy'] })), ['group g', 'policy p']);
  assert.deepEqual(namesOf(await details({ Filter: ['AWSManagedPolicy'] })), ['policy AdministratorAccess']);
  const { Marker } = await details({ Filter: ['User', 'Role'], MaxItems: 1 });
  const next = await details({ Filter: ['Role', 'User'], Marker });
  assert.deepEqual(namesOf(next), ['user u', 'role OrganizationAccountAccessRole', 'role r']);
  await refused(details({ Filter: ['User'], Marker }), 'ValidationError', 'Marker and Filter do not match');
  await refused(details({ Filter: ['user' as never] }), 'ValidationError');
});

test('the summary counts what there is, and a managed policy in use once', async () => {
  const { SummaryMap } = await iam.send(new Iam.GetAccountSummaryCommand({}));
  const { Users, Groups, Roles, Policies, PolicyVersionsInUse, Providers, ServerCertificates } = SummaryMap!;
  assert.deepEqual([Users, Groups, Roles, Policies, PolicyVersionsInUse], [2, 1, 2, 1, 1]);
  assert.deepEqual([Providers, ServerCertificates, SummaryMap!.AccountPasswordPresent], [0, 0, 0]);
  assert.equal(Object.keys(SummaryMap!).length, 34);
});
