// Service last accessed reports: which services a user, group, role or policy could reach, and when the principals
// behind it last asked for them. A report shows the moment it was asked for.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html
import type * as Sdk from '@aws-sdk/client-iam';
import { uuid, type Millis } from '../../../base/index.ts';
import { operation, type Call } from '../../call.ts';
import { tableName } from '../../world.ts';
import { Selection, serviceName, trackedActions } from './access-selection.ts';
import { needSubject, permissionOnSubject } from './access-subjects.ts';
import { permissionOnAll } from './entities.ts';
import { invalidInput, noSuchEntity } from './failures.ts';
import { usesOf, type ActionUse } from './last-used.ts';
import { principalIds, roles, users } from './model.ts';
import { jobOwner } from './owners.ts';
import { pageOfList } from './page.ts';
import type { Parsed } from './shapes.ts';

interface Job {
  /** Who asked; nobody else reads it. */
  readonly owner: string;
  readonly granularity: 'SERVICE_LEVEL' | 'ACTION_LEVEL';
  readonly createdAt: Millis;
  readonly readyAt: Millis;
  readonly documents: readonly string[];
  /** Unique ids of the users and roles behind it. */
  readonly entities: readonly string[];
  readonly uses: readonly ActionUse[];
}

/** Id: the job's. */
const jobs = tableName<Job>('iam.access-job');

const makingMillis = 1000;

const generateServiceLastAccessedDetails = operation<
  Parsed<Sdk.GenerateServiceLastAccessedDetailsRequest>,
  Sdk.GenerateServiceLastAccessedDetailsResponse
>({
  permissions: (input, call) => [permissionOnSubject(call, 'GenerateServiceLastAccessedDetails', input.Arn)],
  handle: (input, call) => {
    const { sources, entities } = needSubject(call, input.Arn);
    const now = call.clock.now();
    const id = uuid(call.random);
    call.world.table(jobs).put(call.account, id, {
      owner: jobOwner(call),
      granularity: input.Granularity ?? 'SERVICE_LEVEL',
      createdAt: now,
      readyAt: now + makingMillis,
      documents: sources.map((source) => source.document),
      entities,
      uses: entities.flatMap((entity) => [...usesOf(call, entity, now)]),
    });
    return { JobId: id };
  },
});

/** @throws NoSuchEntity */
function needJob(call: Call, id: string): Job {
  const job = call.world.table(jobs).get(call.account, id);
  if (job?.owner !== jobOwner(call)) throw noSuchEntity(`The job with id ${id} cannot be found.`);
  return job;
}

/** What a report shows from the start; undefined while it is being made. */
function readyHead(call: Call, job: Job) {
  if (call.clock.now() < job.readyAt) return undefined;
  return {
    JobStatus: 'COMPLETED' as const,
    JobCreationDate: new Date(job.createdAt),
    JobCompletionDate: new Date(job.readyAt),
  };
}

function pendingAnswer(job: Job) {
  return { JobStatus: 'IN_PROGRESS' as const, JobCreationDate: new Date(job.createdAt) };
}

function latestOf(uses: readonly ActionUse[]): ActionUse | undefined {
  return uses.reduce<ActionUse | undefined>(
    (best, use) => (best === undefined || use.at > best.at ? use : best),
    undefined,
  );
}

function entityRow(call: Call, id: string) {
  const known = call.world.table(principalIds).get('', id);
  if (known === undefined) return undefined;
  const { world, account } = call;
  return known.kind === 'user'
    ? world.table(users).get(account, known.name)
    : world.table(roles).get(account, known.name);
}

function serviceShape(call: Call, job: Job, selection: Selection, namespace: string): Sdk.ServiceLastAccessed {
  const uses = job.uses.filter((use) => use.service === namespace);
  const latest = latestOf(uses);
  const actions = job.granularity === 'ACTION_LEVEL' ? trackedActions(namespace, selection) : [];
  return {
    ServiceName: serviceName(namespace),
    ServiceNamespace: namespace,
    ...(latest === undefined
      ? {}
      : {
          LastAuthenticated: new Date(latest.at),
          LastAuthenticatedEntity: entityRow(call, latest.principalId)?.arn,
          LastAuthenticatedRegion: latest.region,
        }),
    TotalAuthenticatedEntities: new Set(uses.map((use) => use.principalId)).size,
    ...(actions.length === 0
      ? {}
      : { TrackedActionsLastAccessed: actions.map((action) => actionShape(call, uses, action)) }),
  };
}

function actionShape(call: Call, uses: readonly ActionUse[], action: string): Sdk.TrackedActionLastAccessed {
  const latest = latestOf(uses.filter((use) => use.action === action));
  if (latest === undefined) return { ActionName: action };
  return {
    ActionName: action,
    LastAccessedEntity: entityRow(call, latest.principalId)?.arn,
    LastAccessedTime: new Date(latest.at),
    LastAccessedRegion: latest.region,
  };
}

const getServiceLastAccessedDetails = operation<
  Parsed<Sdk.GetServiceLastAccessedDetailsRequest>,
  Partial<Sdk.GetServiceLastAccessedDetailsResponse>
>({
  depth: 'Actions are tracked of the embedded services only.',
  permissions: () => [permissionOnAll('GetServiceLastAccessedDetails')],
  handle: (input, call) => {
    const job = needJob(call, input.JobId);
    const head = readyHead(call, job);
    if (head === undefined) return pendingAnswer(job);
    const selection = new Selection(job.documents);
    const { items, ...page } = pageOfList(selection.services(), input, (namespace) => namespace);
    const services = items.map((namespace) => serviceShape(call, job, selection, namespace));
    return { ...head, JobType: job.granularity, ServicesLastAccessed: services, ...page };
  },
});

/** @throws InvalidInput */
function checkNamespaces(namespaces: readonly string[]): void {
  const unknown = namespaces.filter((namespace) => serviceName(namespace) === undefined);
  if (unknown.length > 0) throw invalidInput(`Invalid service namespace: [${unknown.join(', ')}]`);
}

/** The users and roles of a report, those that asked last first; who is gone is left out. */
function entityDetails(call: Call, job: Job, namespace: string): readonly Sdk.EntityDetails[] {
  const details = job.entities.flatMap((id) => {
    const row = entityRow(call, id);
    if (row === undefined) return [];
    const latest = latestOf(job.uses.filter((use) => use.service === namespace && use.principalId === id));
    return [{ row, latest }];
  });
  details.sort((a, b) => (b.latest?.at ?? 0) - (a.latest?.at ?? 0) || (a.row.arn < b.row.arn ? -1 : 1));
  return details.map(({ row, latest }) => ({
    EntityInfo: {
      Arn: row.arn,
      Name: row.name,
      Type: 'groups' in row ? 'USER' : 'ROLE',
      Id: row.id,
      Path: row.path,
    },
    ...(latest === undefined ? {} : { LastAuthenticated: new Date(latest.at) }),
  }));
}

const getServiceLastAccessedDetailsWithEntities = operation<
  Parsed<Sdk.GetServiceLastAccessedDetailsWithEntitiesRequest>,
  Partial<Sdk.GetServiceLastAccessedDetailsWithEntitiesResponse>
>({
  permissions: () => [permissionOnAll('GetServiceLastAccessedDetailsWithEntities')],
  handle: (input, call) => {
    const job = needJob(call, input.JobId);
    checkNamespaces([input.ServiceNamespace]);
    const head = readyHead(call, job);
    if (head === undefined) return pendingAnswer(job);
    const details = entityDetails(call, job, input.ServiceNamespace);
    const { items, ...page } = pageOfList(details, input, (detail) => detail.EntityInfo?.Id ?? '');
    return { ...head, EntityDetailsList: [...items], ...page };
  },
});

const listPoliciesGrantingServiceAccess = operation<
  Parsed<Sdk.ListPoliciesGrantingServiceAccessRequest>,
  Sdk.ListPoliciesGrantingServiceAccessResponse
>({
  permissions: (input, call) => [permissionOnSubject(call, 'ListPoliciesGrantingServiceAccess', input.Arn)],
  handle: (input, call) => {
    if (/:policy\//.test(input.Arn)) throw invalidInput(`ARN ${input.Arn} is not that of a user, group or role.`);
    const { sources } = needSubject(call, input.Arn);
    const namespaces = [...new Set(input.ServiceNamespaces)];
    checkNamespaces(namespaces);
    const selections = sources.map(({ document, shape }) => ({ shape, selection: new Selection([document]) }));
    const { items, ...page } = pageOfList(namespaces, input, (namespace) => namespace);
    return {
      PoliciesGrantingServiceAccess: items.map((namespace) => ({
        ServiceNamespace: namespace,
        Policies: selections.filter(({ selection }) => selection.opens(namespace)).map(({ shape }) => shape),
      })),
      ...page,
    };
  },
});

export const accessReportOperations = {
  GenerateServiceLastAccessedDetails: generateServiceLastAccessedDetails,
  GetServiceLastAccessedDetails: getServiceLastAccessedDetails,
  GetServiceLastAccessedDetailsWithEntities: getServiceLastAccessedDetailsWithEntities,
  ListPoliciesGrantingServiceAccess: listPoliciesGrantingServiceAccess,
};
