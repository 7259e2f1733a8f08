import * as Iam from '@aws-sdk/client-iam';
import { AssumeRoleCommand, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';
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
  trust,
  type Clients,
} from './clients.ts';

let cloud: Cloud;
let admin: Clients;
let iam: Iam.IAMClient;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, dev);
  iam = admin.iam;
});
after(() => cloud.stop());

const arnOf = (kind: string, name: string) => `arn:aws:iam::${dev}:${kind}/${name}`;

async function reportOn(Arn: string, Granularity?: 'ACTION_LEVEL') {
  const { JobId } = await iam.send(new Iam.GenerateServiceLastAccessedDetailsCommand({ Arn, Granularity }));
  await control(cloud, 'POST', 'clock', { advance: '2s' });
  const report = await iam.send(new Iam.GetServiceLastAccessedDetailsCommand({ JobId, MaxItems: 1000 }));
  assert.equal(report.JobStatus, 'COMPLETED');
  return { JobId: JobId!, services: report.ServicesLastAccessed!, report };
}

test('a report names the services that policies open, and when the user asked for them last, allowed or not', async () => {
  const keys = await makeUser(
    admin,
    'busy',
    allow(['iam:GetUser', 'iam:ListUsers', 's3:GetObject', 'sqs:SendMessage', 'sts:GetCallerIdentity']),
    { Effect: 'Deny', Action: 'sqs:*', Resource: '*' },
    { Effect: 'Deny', Action: 'iam:ListUsers', Resource: '*' },
  );
  const own = clientsOf(cloud, keys);
  await own.iam.send(new Iam.GetUserCommand({}));
  await refused(own.iam.send(new Iam.ListUsersCommand({})), 'AccessDenied');
  const { services, report } = await reportOn(arnOf('user', 'busy'), 'ACTION_LEVEL');
  assert.equal(report.JobType, 'ACTION_LEVEL');
  assert.deepEqual(
    services.map((service) => [service.ServiceNamespace, service.ServiceName, service.TotalAuthenticatedEntities]),
    [
      ['iam', 'AWS Identity and Access Management', 1],
      ['s3', 'Amazon S3', 0],
      ['sts', 'AWS Security Token Service', 0],
    ],
  );
  const [used, unused] = services;
  assert.equal(used!.LastAuthenticatedEntity, arnOf('user', 'busy'));
  assert.equal(used!.LastAuthenticatedRegion, 'us-east-1');
  assert.ok(Math.abs(used!.LastAuthenticated!.getTime() - Date.now()) < 120_000);
  assert.deepEqual(
    used!.TrackedActionsLastAccessed!.map((one) => [one.ActionName, one.LastAccessedTime !== undefined]),
    [['GetUser', true]],
  );
  assert.ok(!('LastAuthenticated' in unused!) && !('TrackedActionsLastAccessed' in unused!));
  const own2 = clientsOf(cloud, keys).sts;
  await own2.send(new GetCallerIdentityCommand({}));
  const again = await reportOn(arnOf('user', 'busy'));
  assert.deepEqual(
    again.services.map((service) => service.TotalAuthenticatedEntities),
    [1, 0, 1],
  );
});

test('behind a policy are the users and roles that have it, members of groups too', async () => {
  const { Policy } = await iam.send(
    new Iam.CreatePolicyCommand({ PolicyName: 'shared', PolicyDocument: document(allow('iam:GetUser')) }),
  );
  const PolicyArn = Policy!.Arn!;
  const keys = await makeUser(admin, 'member');
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'crew' }));
  await iam.send(new Iam.AddUserToGroupCommand({ GroupName: 'crew', UserName: 'member' }));
  await iam.send(new Iam.AttachGroupPolicyCommand({ GroupName: 'crew', PolicyArn }));
  await iam.send(new Iam.CreateRoleCommand({ RoleName: 'worker', AssumeRolePolicyDocument: trust({ AWS: dev }) }));
  await iam.send(new Iam.AttachRolePolicyCommand({ RoleName: 'worker', PolicyArn }));
  await clientsOf(cloud, keys).iam.send(new Iam.GetUserCommand({}));
  const { JobId, services } = await reportOn(PolicyArn);
  assert.deepEqual(
    services.map((one) => [one.ServiceNamespace, one.TotalAuthenticatedEntities]),
    [['iam', 1]],
  );
  const withEntities = (ServiceNamespace: string) =>
    iam.send(new Iam.GetServiceLastAccessedDetailsWithEntitiesCommand({ JobId, ServiceNamespace }));
  const { EntityDetailsList } = await withEntities('iam');
  assert.deepEqual(
    EntityDetailsList!.map((one) => [one.EntityInfo!.Type, one.EntityInfo!.Name, one.LastAuthenticated !== undefined]),
    [
      ['USER', 'member', true],
      ['ROLE', 'worker', false],
    ],
  );
  await refused(withEntities('nosuchservice'), 'InvalidInput', 'Invalid service namespace: [nosuchservice]');
  assert.deepEqual(
    (await reportOn(arnOf('group', 'crew'))).services.map((one) => one.ServiceNamespace),
    ['iam'],
  );
});

test('what a role was used for is told of the role, and its last use of GetRole', async () => {
  await iam.send(new Iam.CreateRoleCommand({ RoleName: 'once', AssumeRolePolicyDocument: trust({ AWS: dev }) }));
  const PolicyDocument = document(allow('iam:ListRoles'));
  await iam.send(new Iam.PutRolePolicyCommand({ RoleName: 'once', PolicyName: 'p', PolicyDocument }));
  const lastUsed = async () => (await iam.send(new Iam.GetRoleCommand({ RoleName: 'once' }))).Role!.RoleLastUsed;
  assert.deepEqual(await lastUsed(), {});
  const { Credentials } = await admin.sts.send(
    new AssumeRoleCommand({ RoleArn: arnOf('role', 'once'), RoleSessionName: 'session' }),
  );
  assert.deepEqual(await lastUsed(), {});
  await clientsOf(cloud, keysOf(Credentials!)).iam.send(new Iam.ListRolesCommand({}));
  assert.equal((await lastUsed())!.Region, 'us-east-1');
  const { services } = await reportOn(arnOf('role', 'once'));
  assert.equal(services[0]!.LastAuthenticatedEntity, arnOf('role', 'once'));
});

test('a refused call counts as use of the key that signed it', async () => {
  const { accessKeyId: AccessKeyId, ...rest } = await makeUser(admin, 'refused');
  await refused(
    clientsOf(cloud, { accessKeyId: AccessKeyId, ...rest }).iam.send(new Iam.ListUsersCommand({})),
    'AccessDenied',
  );
  const { AccessKeyLastUsed } = await iam.send(new Iam.GetAccessKeyLastUsedCommand({ AccessKeyId }));
  assert.equal(AccessKeyLastUsed!.ServiceName, 'iam');
});

test("the root user's key tells of its last use too, to its own account", async () => {
  const { accessKeyId: AccessKeyId, ...rest } = rootKeys(cloud, dev);
  const used = (client: Clients) => client.iam.send(new Iam.GetAccessKeyLastUsedCommand({ AccessKeyId }));
  await clientsOf(cloud, { accessKeyId: AccessKeyId, ...rest }).sts.send(new GetCallerIdentityCommand({}));
  const { UserName, AccessKeyLastUsed } = await used(admin);
  assert.deepEqual([UserName, AccessKeyLastUsed!.ServiceName], [undefined, 'sts']);
  await refused(used(clientsOf(cloud, central)), 'NoSuchEntity');
});

test('which policies grant a service, document by document', async () => {
  await makeUser(admin, 'granted', allow(['s3:*', 'ec2:Describe*']), {
    Effect: 'Deny',
    Action: 'ec2:*',
    Resource: '*',
  });
  await iam.send(new Iam.CreateGroupCommand({ GroupName: 'granting' }));
  const PolicyDocument = document({ Effect: 'Allow', NotAction: 's3:*', Resource: '*' });
  await iam.send(new Iam.PutGroupPolicyCommand({ GroupName: 'granting', PolicyName: 'rest', PolicyDocument }));
  await iam.send(new Iam.AddUserToGroupCommand({ GroupName: 'granting', UserName: 'granted' }));
  const PolicyArn = 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess';
  await iam.send(new Iam.AttachUserPolicyCommand({ UserName: 'granted', PolicyArn }));
  const list = async (...ServiceNamespaces: string[]) =>
    (
      await iam.send(
        new Iam.ListPoliciesGrantingServiceAccessCommand({ Arn: arnOf('user', 'granted'), ServiceNamespaces }),
      )
    ).PoliciesGrantingServiceAccess!;
  assert.deepEqual(await list('s3', 'ec2', 's3'), [
    {
      ServiceNamespace: 's3',
      Policies: [
        { PolicyName: 'AmazonS3ReadOnlyAccess', PolicyType: 'MANAGED', PolicyArn },
        { PolicyName: 'own', PolicyType: 'INLINE', EntityType: 'USER', EntityName: 'granted' },
      ],
    },
    {
      ServiceNamespace: 'ec2',
      Policies: [{ PolicyName: 'rest', PolicyType: 'INLINE', EntityType: 'GROUP', EntityName: 'granting' }],
    },
  ]);
  await refused(list('nosuchservice'), 'InvalidInput', 'Invalid service namespace: [nosuchservice]');
});

test('a report on everything comes in pages, on nothing that exists is refused', async () => {
  const { JobId, services } = await reportOn(arnOf('user', 'admin'));
  assert.ok(services.length > 400);
  const first = await iam.send(new Iam.GetServiceLastAccessedDetailsCommand({ JobId }));
  assert.equal(first.ServicesLastAccessed!.length, 100);
  const next = await iam.send(new Iam.GetServiceLastAccessedDetailsCommand({ JobId, Marker: first.Marker }));
  assert.equal(next.ServicesLastAccessed![0]!.ServiceNamespace, services[100]!.ServiceNamespace);
  const generate = (Arn: string) => iam.send(new Iam.GenerateServiceLastAccessedDetailsCommand({ Arn }));
  await refused(generate(arnOf('role', 'nobody')), 'NoSuchEntity', 'The role with name nobody cannot be found.');
  await refused(generate(arnOf('mfa', 'device-of-nobody')), 'InvalidInput');
  await refused(
    iam.send(new Iam.GetServiceLastAccessedDetailsCommand({ JobId: '00000000-0000-0000-0000-000000000000' })),
    'NoSuchEntity',
  );
});
