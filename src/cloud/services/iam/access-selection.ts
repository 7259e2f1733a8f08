// Which services, and which of their actions, policies could open: what service last accessed reports are about.
// This is discovery and not authorization: conditions of an Allow are taken as met, those of a Deny as not met.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
import { serviceModel } from '../../protocol/models.ts';
import type { ServiceId } from '../../call.ts';
import names from './service-names.json' with { type: 'json' };

/** Namespace → name of every service, of the Service Authorization Reference. */
const serviceNames: Readonly<Record<string, string>> = names;

export function serviceName(namespace: string): string | undefined {
  return Object.hasOwn(serviceNames, namespace) ? serviceNames[namespace] : undefined;
}

interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: unknown;
}

function listOf<Item>(value: Item | readonly Item[] | undefined): readonly Item[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item];
}

/** What a few policies say together. */
export class Selection {
  readonly #allows: readonly Statement[];
  /** Patterns that are refused whatever the resource and the circumstances. */
  readonly #denied: readonly RegExp[];

  /** `documents` were checked when they were stored. */
  constructor(documents: readonly string[]) {
    const statements = documents.flatMap((text) =>
      listOf((JSON.parse(text) as { Statement: Statement | readonly Statement[] }).Statement),
    );
    this.#allows = statements.filter((statement) => statement.Effect === 'Allow');
    const refusals = statements.filter(
      ({ Effect, Resource, Condition }) =>
        Effect === 'Deny' && Condition === undefined && listOf(Resource).includes('*'),
    );
    this.#denied = refusals.flatMap((statement) => listOf(statement.Action).map(patternOf));
  }

  /** True when some action of the service could be allowed. */
  opens(namespace: string): boolean {
    if (this.#denies(`${namespace}:*`)) return false;
    return this.#allows.some(({ Action, NotAction }) =>
      NotAction === undefined
        ? listOf(Action).some((action) => opensBy(action, namespace) && !this.#denies(action))
        : !listOf(NotAction).some((action) => patternOf(action).test(`${namespace}:*`)),
    );
  }

  /** True when this action could be allowed. */
  allows(action: string): boolean {
    if (this.#denies(action)) return false;
    return this.#allows.some(({ Action, NotAction }) =>
      NotAction === undefined
        ? listOf(Action).some((pattern) => patternOf(pattern).test(action))
        : !listOf(NotAction).some((pattern) => patternOf(pattern).test(action)),
    );
  }

  /** Services that could be reached, in order of namespace. */
  services(): readonly string[] {
    return Object.keys(serviceNames).filter((namespace) => this.opens(namespace));
  }

  /** Whether a pattern covers another one: `*` in the covered one stands for itself. */
  #denies(action: string): boolean {
    return this.#denied.some((pattern) => pattern.test(action));
  }
}

function opensBy(action: string, namespace: string): boolean {
  const colon = action.indexOf(':');
  return colon === -1 ? action === '*' : patternOf(action.slice(0, colon)).test(namespace);
}

function patternOf(text: string): RegExp {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'is');
}

// Actions on data are not tracked, and those of S3 have names that are not those of its operations.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-action-last-accessed.html
const untracked: Readonly<Partial<Record<ServiceId, RegExp>>> = {
  dynamodb: /Item$|Items$|^(Query|Scan|ExecuteStatement|BatchExecuteStatement|ExecuteTransaction)$/,
};

const trackedOfS3: readonly string[] = [
  'CreateBucket',
  'DeleteBucket',
  'DeleteBucketPolicy',
  'DeleteBucketWebsite',
  'GetAnalyticsConfiguration',
  'GetBucketAcl',
  'GetBucketCORS',
  'GetBucketLocation',
  'GetBucketLogging',
  'GetBucketNotification',
  'GetBucketObjectLockConfiguration',
  'GetBucketOwnershipControls',
  'GetBucketPolicy',
  'GetBucketPolicyStatus',
  'GetBucketPublicAccessBlock',
  'GetBucketRequestPayment',
  'GetBucketTagging',
  'GetBucketVersioning',
  'GetBucketWebsite',
  'GetEncryptionConfiguration',
  'GetInventoryConfiguration',
  'GetLifecycleConfiguration',
  'GetMetricsConfiguration',
  'GetReplicationConfiguration',
  'ListAllMyBuckets',
  'PutAnalyticsConfiguration',
  'PutBucketAcl',
  'PutBucketCORS',
  'PutBucketLogging',
  'PutBucketNotification',
  'PutBucketObjectLockConfiguration',
  'PutBucketOwnershipControls',
  'PutBucketPolicy',
  'PutBucketPublicAccessBlock',
  'PutBucketRequestPayment',
  'PutBucketTagging',
  'PutBucketVersioning',
  'PutBucketWebsite',
  'PutEncryptionConfiguration',
  'PutInventoryConfiguration',
  'PutLifecycleConfiguration',
  'PutMetricsConfiguration',
  'PutReplicationConfiguration',
];

const embedded: readonly string[] = ['iam', 'sts', 'organizations', 'kms', 'ec2', 'dynamodb', 'cloudtrail'];

/** The tracked actions of a service that `selection` could allow, in order of name; of a service that is not embedded none. */
export function trackedActions(namespace: string, selection: Selection): readonly string[] {
  return allTracked(namespace).filter((action) => selection.allows(`${namespace}:${action}`));
}

function allTracked(namespace: string): readonly string[] {
  if (namespace === 's3') return trackedOfS3;
  if (!embedded.includes(namespace)) return [];
  const service = namespace as ServiceId;
  return Object.keys(serviceModel(service).operations)
    .filter((name) => untracked[service]?.test(name) !== true)
    .sort();
}
