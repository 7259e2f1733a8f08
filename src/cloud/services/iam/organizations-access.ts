// Service last accessed reports of an organisation: which services its policies leave open for a root, unit or
// account, and which accounts asked for them last. A report shows the moment it was asked for.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateOrganizationsAccessReport.html
import type * as Sdk from '@aws-sdk/client-iam';
import { uuid, type Millis } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { tableName } from '../../world.ts';
import { coveredAccounts, openServices, reportEntity } from './organizations-access-scope.ts';
import { serviceName } from './access-selection.ts';
import { permissionOnAll } from './entities.ts';
import { accessDenied, noSuchEntity } from './failures.ts';
import { accountUses } from './last-used.ts';
import { jobOwner } from './owners.ts';
import { pageOfList } from './page.ts';
import type { Parsed } from './shapes.ts';

interface ServiceUse {
  readonly namespace: string;
  /** How many accounts asked for it. */
  readonly accounts: number;
  readonly latest?: { readonly at: Millis; readonly region: string; readonly path: string } | undefined;
}

interface Report {
  readonly owner: string;
  readonly entityPath: string;
  readonly policyId?: string | undefined;
  readonly createdAt: Millis;
  readonly readyAt: Millis;
  /** In order of namespace; absent when the report failed. */
  readonly services?: readonly ServiceUse[] | undefined;
  readonly failure?: { readonly Code: string; readonly Message: string } | undefined;
}

/** Id: the job's. */
const reports = tableName<Report>('iam.organizations-access-report');
/** Id: the account. Its newest report: one is made at a time. */
const newest = tableName<{ readonly jobId: string }>('iam.organizations-access-newest');

const makingMillis = 1000;
/** For so long the same question gets the same report. */
const reuseMillis = 60_000;

/** @throws AccessDenied */
function checkCaller({ account, world }: Call): void {
  if (account === world.managementAccount) return;
  throw accessDenied('The account making the request is not the management account of the organization.');
}

interface AccountUses {
  readonly path: string;
  readonly uses: ReturnType<typeof accountUses>;
}

/** What the report says of one service. */
function useOf(namespace: string, covered: readonly AccountUses[]): ServiceUse {
  let accounts = 0;
  let latest: ServiceUse['latest'];
  for (const { uses, path } of covered) {
    const use = uses.get(namespace);
    if (use === undefined) continue;
    accounts += 1;
    if (latest === undefined || use.at > latest.at) latest = { at: use.at, region: use.region, path };
  }
  return { namespace, accounts, latest };
}

function contentOf(
  call: Call,
  input: Sdk.GenerateOrganizationsAccessReportRequest,
): Pick<Report, 'services' | 'failure'> {
  const entity = reportEntity(call, input);
  if ('Code' in entity) return { failure: entity };
  const covered = coveredAccounts(call.world, entity).map(({ account, path }) => ({
    path,
    uses: accountUses(call.world, account, call.clock.now()),
  }));
  return { services: openServices(call.world, entity).map((namespace) => useOf(namespace, covered)) };
}

const generateOrganizationsAccessReport = operation<
  Parsed<Sdk.GenerateOrganizationsAccessReportRequest>,
  Sdk.GenerateOrganizationsAccessReportResponse
>({
  permissions: (input, call) => [
    {
      action: 'iam:GenerateOrganizationsAccessReport',
      resource: `arn:${call.partition}:iam::${call.account}:access-report/${input.EntityPath}`,
      context: { 'iam:OrganizationsPolicyId': input.OrganizationsPolicyId },
    },
  ],
  handle: (input, call) => {
    checkCaller(call);
    const { world, account } = call;
    if (!input.EntityPath.startsWith(`${world.organizationId}/`)) {
      throw accessDenied('The organization in the entity path is not that of the account making the request.');
    }
    const now = call.clock.now();
    const owner = jobOwner(call);
    const question = { owner, entityPath: input.EntityPath, policyId: input.OrganizationsPolicyId };
    const known = world.table(newest).get(account, account)?.jobId ?? '';
    const before = world.table(reports).get(account, known);
    if (before !== undefined && isSame(before, question) && now < before.createdAt + reuseMillis)
      return { JobId: known };
    if (before !== undefined && now < before.readyAt) {
      throw awsFailure(
        'ReportGenerationLimitExceeded',
        'The maximum number of concurrent requests for this account are already running.',
      );
    }
    const id = uuid(call.random);
    const report: Report = { ...question, ...contentOf(call, input), createdAt: now, readyAt: now + makingMillis };
    world.table(reports).put(account, id, report);
    world.table(newest).put(account, account, { jobId: id });
    return { JobId: id };
  },
});

function isSame(a: Report, b: Pick<Report, 'owner' | 'entityPath' | 'policyId'>): boolean {
  return a.owner === b.owner && a.entityPath === b.entityPath && a.policyId === b.policyId;
}

const orders: Readonly<Record<string, (a: ServiceUse, b: ServiceUse) => number>> = {
  SERVICE_NAMESPACE_ASCENDING: (a, b) => (a.namespace < b.namespace ? -1 : 1),
  SERVICE_NAMESPACE_DESCENDING: (a, b) => (a.namespace < b.namespace ? 1 : -1),
  LAST_AUTHENTICATED_TIME_ASCENDING: (a, b) => (a.latest?.at ?? 0) - (b.latest?.at ?? 0),
  LAST_AUTHENTICATED_TIME_DESCENDING: (a, b) => (b.latest?.at ?? 0) - (a.latest?.at ?? 0),
};

function detailShape({ namespace, accounts, latest }: ServiceUse): Sdk.AccessDetail {
  return {
    ServiceName: serviceName(namespace),
    ServiceNamespace: namespace,
    ...(latest === undefined
      ? {}
      : { Region: latest.region, EntityPath: latest.path, LastAuthenticatedTime: new Date(latest.at) }),
    TotalAuthenticatedEntities: accounts,
  };
}

const getOrganizationsAccessReport = operation<
  Parsed<Sdk.GetOrganizationsAccessReportRequest>,
  Sdk.GetOrganizationsAccessReportResponse
>({
  permissions: () => [permissionOnAll('GetOrganizationsAccessReport')],
  handle: (input, call) => {
    checkCaller(call);
    const report = call.world.table(reports).get(call.account, input.JobId);
    if (report?.owner !== jobOwner(call)) throw noSuchEntity(`The job with id ${input.JobId} cannot be found.`);
    const head = { JobCreationDate: new Date(report.createdAt) };
    if (call.clock.now() < report.readyAt) return { JobStatus: 'IN_PROGRESS', ...head };
    const done = { ...head, JobCompletionDate: new Date(report.readyAt) };
    const { services, failure } = report;
    if (services === undefined) return { JobStatus: 'FAILED', ...done, ErrorDetails: failure };
    const sorted = [...services].sort(orders[input.SortKey ?? 'SERVICE_NAMESPACE_ASCENDING']);
    const { items, ...page } = pageOfList(sorted, input, (use) => use.namespace);
    return {
      JobStatus: 'COMPLETED',
      ...done,
      NumberOfServicesAccessible: services.length,
      NumberOfServicesNotAccessed: services.filter((use) => use.accounts === 0).length,
      AccessDetails: items.map(detailShape),
      ...page,
    };
  },
});

export const organizationsAccessOperations = {
  GenerateOrganizationsAccessReport: generateOrganizationsAccessReport,
  GetOrganizationsAccessReport: getOrganizationsAccessReport,
};
