// Which services, and which of their actions, policies could open: what service last accessed reports are about.
// This is discovery and not authorization: conditions of an Allow are taken as met, those of a Deny as not met.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
import { wildcardMatcher } from '../../../policy/index.ts';
import { serviceModel } from '../../protocol/models.ts';
import type { ServiceId } from '../../call.ts';
import names from './service-names.json' with { type: 'json' };

/** Namespace → name of every service, of the Service Authorization Reference. */
const serviceNames: Readonly<Record<string, string>> = names;

export function serviceName(namespace: string): string | undefined {
  return Object.hasOwn(serviceNames, namespace) ? serviceNames[namespace] : undefined;
}

/** Every namespace, in order. */
export function everyService(): readonly string[] {
  return Object.keys(serviceNames);
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

/** An action as a policy names it: `s3:Get*`, `*`. */
interface Pattern {
  readonly text: string;
  /** Undefined: of every service. */
  readonly namespace: string | undefined;
  readonly matches: (action: string) => boolean;
}

function patternOf(text: string): Pattern {
  const [namespace = ''] = text.toLowerCase().split(':', 1);
  return {
    text,
    namespace: /[*?]/.test(namespace) ? undefined : namespace,
    matches: wildcardMatcher(text, { ignoreCase: true }),
  };
}

/** What a few policies say together. */
export class Selection {
  /** Patterns of Allow by namespace; those of every service under `''`. */
  readonly #allowed = new Map<string, Pattern[]>();
  /** One list for each Allow of everything but these. */
  readonly #allowedBut: readonly (readonly Pattern[])[];
  /** What is refused whatever the resource and the circumstances. */
  readonly #denied: readonly Pattern[];

  /** `documents` were checked when they were stored. */
  constructor(documents: readonly string[]) {
    const statements = documents.flatMap((text) =>
      listOf((JSON.parse(text) as { Statement: Statement | readonly Statement[] }).Statement),
    );
    const allows = statements.filter((statement) => statement.Effect === 'Allow');
    for (const pattern of allows.flatMap((statement) => listOf(statement.Action).map(patternOf))) {
      const key = pattern.namespace ?? '';
      const known = this.#allowed.get(key);
      if (known === undefined) this.#allowed.set(key, [pattern]);
      else known.push(pattern);
    }
    this.#allowedBut = allows
      .filter((statement) => statement.NotAction !== undefined)
      .map((statement) => listOf(statement.NotAction).map(patternOf));
    this.#denied = statements
      .filter(
        ({ Effect, Resource, Condition }) =>
          Effect === 'Deny' && Condition === undefined && listOf(Resource).includes('*'),
      )
      .flatMap((statement) => listOf(statement.Action).map(patternOf));
  }

  /** True when some action of the service could be allowed. */
  opens(namespace: string): boolean {
    const whole = `${namespace}:*`;
    if (this.#denies(whole)) return false;
    return (
      this.#patternsFor(namespace).some((pattern) => !this.#denies(pattern.text)) ||
      this.#allowedBut.some((exceptions) => !matches(exceptions, whole))
    );
  }

  /** True when this action could be allowed. */
  allows(namespace: string, name: string): boolean {
    const action = `${namespace}:${name}`;
    if (this.#denies(action)) return false;
    return (
      matches(this.#patternsFor(namespace), action) ||
      this.#allowedBut.some((exceptions) => !matches(exceptions, action))
    );
  }

  /** Services that could be reached, in order of namespace. */
  services(): readonly string[] {
    return everyService().filter((namespace) => this.opens(namespace));
  }

  #patternsFor(namespace: string): readonly Pattern[] {
    return [...(this.#allowed.get(namespace) ?? []), ...(this.#allowed.get('') ?? [])];
  }

  /** A pattern is refused when one that is refused covers it: `*` in it then stands for itself. */
  #denies(action: string): boolean {
    return matches(this.#denied, action);
  }
}

function matches(patterns: readonly Pattern[], action: string): boolean {
  return patterns.some((pattern) => pattern.matches(action));
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
  return allTracked(namespace).filter((action) => selection.allows(namespace, action));
}

function allTracked(namespace: string): readonly string[] {
  if (namespace === 's3') return trackedOfS3;
  if (!embedded.includes(namespace)) return [];
  const service = namespace as ServiceId;
  return Object.keys(serviceModel(service).operations)
    .filter((name) => untracked[service]?.test(name) !== true)
    .sort();
}
