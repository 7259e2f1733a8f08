import * as Iam from '@aws-sdk/client-iam';
import * as Organizations from '@aws-sdk/client-organizations';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCloud, type Cloud } from '../../../src/cloud/index.ts';
import { control } from '../support.ts';
import { allow, central, clientsOf, dev, document, makeUser, refused, type Clients } from './clients.ts';

let cloud: Cloud;
let admin: Clients;
let root: string;
before(async () => {
  cloud = await startCloud();
  admin = clientsOf(cloud, central);
  const { Roots } = await admin.organizations.send(new Organizations.ListRootsCommand({}));
  root = Roots![0]!.Id!;
});
after(() => cloud.stop());

async function report(EntityPath: string, OrganizationsPolicyId?: string) {
  await control(cloud, 'POST', 'clock', { advance: '2m' });
  const { JobId } = await admin.iam.send(
    new Iam.GenerateOrganizationsAccessReportCommand({ EntityPath, OrganizationsPolicyId }),
  );
  await control(cloud, 'POST', 'clock', { advance: '2s' });
  return admin.iam.send(new Iam.GetOrganizationsAccessReportCommand({ JobId, MaxItems: 1000 }));
}

const pathOf = async (account: string) => {
  const { Parents } = await admin.organizations.send(new Organizations.ListParentsCommand({ ChildId: account }));
  const line = [Parents![0]!.Id!, account];
  while (line[0] !== root) {
    const up = await admin.organizations.send(new Organizations.ListParentsCommand({ ChildId: line[0] }));
    line.unshift(up.Parents![0]!.Id!);
  }
  return ['o-stintlocal', ...line].join('/');
};

test('a report on the organisation counts the member accounts that asked for a service', async () => {
  await clientsOf(cloud, dev).iam.send(new Iam.ListUsersCommand({}));
  const { JobStatus, AccessDetails, ...rest } = await report(`o-stintlocal/${root}`);
  assert.equal(JobStatus, 'COMPLETED');
  assert.equal(rest.NumberOfServicesAccessible! - rest.NumberOfServicesNotAccessed!, 1);
  const { LastAuthenticatedTime, ...iam } = AccessDetails!.find((detail) => detail.ServiceNamespace === 'iam')!;
  assert.ok(LastAuthenticatedTime instanceof Date);
  assert.deepEqual(iam, {
    ServiceName: 'AWS Identity and Access Management',
    ServiceNamespace: 'iam',
    Region: 'us-east-1',
    EntityPath: await pathOf(dev),
    TotalAuthenticatedEntities: 1,
  });
});

test('service control policies on the way to an account say which services are in its report', async () => {
  const Content = document({ Effect: 'Deny', Action: 's3:*', Resource: '*' });
  const made = await admin.organizations.send(
    new Organizations.CreatePolicyCommand({
      Name: 'no-s3',
      Description: '',
      Type: 'SERVICE_CONTROL_POLICY',
      Content,
    }),
  );
  const { Id: PolicyId } = made.Policy!.PolicySummary!;
  await admin.organizations.send(new Organizations.AttachPolicyCommand({ PolicyId, TargetId: dev }));
  const opens = async (account: string) =>
    (await report(await pathOf(account))).AccessDetails!.some((detail) => detail.ServiceNamespace === 's3');
  assert.equal(await opens(dev), false);
  assert.equal(await opens('333333333333'), true);
  assert.equal(await opens(central), true);
  const ofPolicy = await report(`o-stintlocal/${root}`, 'p-FullAWSAccess');
  assert.equal(
    ofPolicy.AccessDetails!.find((detail) => detail.ServiceNamespace === 'iam')!.TotalAuthenticatedEntities,
    1,
  );
});

test('a report that cannot be made fails by itself; the same question is answered by the same report', async () => {
  const failed = await report('o-stintlocal/r-none/ou-none-12345678');
  assert.equal(failed.JobStatus, 'FAILED');
  assert.equal(failed.ErrorDetails!.Code, 'INVALID_ORGANIZATIONS_ENTITY_PATH');
  assert.equal((await report(`o-stintlocal/${root}`, 'p-12345678')).ErrorDetails!.Code, 'INVALID_ORGANIZATIONS_POLICY');
  await control(cloud, 'POST', 'clock', { advance: '2m' });
  const generate = (EntityPath: string) =>
    admin.iam.send(new Iam.GenerateOrganizationsAccessReportCommand({ EntityPath }));
  const { JobId } = await generate(`o-stintlocal/${root}`);
  assert.equal((await generate(`o-stintlocal/${root}`)).JobId, JobId);
  await refused(generate(await pathOf(dev)), 'ReportGenerationLimitExceeded');
});

test('the report is of the management account, and its permission is on the path', async () => {
  const EntityPath = `o-stintlocal/${root}`;
  const member = clientsOf(cloud, dev).iam;
  await refused(member.send(new Iam.GenerateOrganizationsAccessReportCommand({ EntityPath })), 'AccessDenied');
  const resource = `arn:aws:iam::${central}:access-report/${EntityPath}`;
  const keys = await makeUser(admin, 'reporter', allow('iam:*OrganizationsAccessReport', resource));
  const reporter = clientsOf(cloud, keys).iam;
  await control(cloud, 'POST', 'clock', { advance: '2m' });
  await reporter.send(new Iam.GenerateOrganizationsAccessReportCommand({ EntityPath }));
  await refused(
    reporter.send(new Iam.GenerateOrganizationsAccessReportCommand({ EntityPath: `${EntityPath}/${central}` })),
    'AccessDenied',
    `access-report/${EntityPath}/${central}`,
  );
});
