// What S3 refuses of the documents that are set on a bucket, in its words. A document whose effect is not there
// is refused too, unless it only speaks of what other services would do.
import type {
  AccelerateConfiguration,
  BucketLifecycleConfiguration,
  BucketLoggingStatus,
  CORSConfiguration,
  LifecycleRule,
  LifecycleRuleAndOperator,
  NotificationConfiguration,
  RoutingRule,
  WebsiteConfiguration,
} from '@aws-sdk/client-s3';
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { findBucket } from './access.ts';
import { invalidArgument, invalidRequest, malformedXml } from './failures.ts';
import type { Bucket } from './model.ts';

const corsMethods: readonly string[] = ['GET', 'PUT', 'HEAD', 'POST', 'DELETE'];

/** S3 user guide, "Elements of a CORS configuration". @throws MalformedXML, InvalidRequest 400 */
export function checkCors({ CORSRules: rules = [] }: Partial<CORSConfiguration>): void {
  if (rules.length === 0 || rules.length > 100) throw malformedXml();
  for (const { AllowedMethods: methods = [], AllowedOrigins: origins = [], AllowedHeaders: headers = [] } of rules) {
    if (methods.length === 0 || origins.length === 0) throw malformedXml();
    const method = methods.find((one) => !corsMethods.includes(one));
    if (method !== undefined) {
      throw invalidRequest(`Found unsupported HTTP method in CORS config. Unsupported method is ${method}`);
    }
    const stars = (text: string): number => text.split('*').length - 1;
    const origin = origins.find((one) => stars(one) > 1);
    if (origin !== undefined) throw invalidRequest(`AllowedOrigin "${origin}" can not have more than one wildcard.`);
    const header = headers.find((one) => stars(one) > 1);
    if (header !== undefined) throw invalidRequest(`AllowedHeader "${header}" can not have more than one wildcard.`);
  }
}

/** S3 user guide, "Lifecycle configuration elements". @throws MalformedXML, InvalidArgument, InvalidRequest 400 */
export function checkLifecycle({ Rules: rules = [] }: Partial<BucketLifecycleConfiguration>): void {
  if (rules.length === 0 || rules.length > 1000) throw malformedXml();
  const ids = rules.flatMap(({ ID }) => (ID === undefined ? [] : [ID]));
  if (new Set(ids).size < ids.length) {
    throw invalidArgument('Rule ID must be unique. Found same ID for more than one rule');
  }
  if (ids.some((id) => id.length > 255)) throw invalidArgument('ID length should not exceed allowed limit of 255');
  rules.forEach(checkRule);
}

const stated = (members: object | undefined): number =>
  Object.values(members ?? {}).filter((one) => one !== undefined).length;

function checkTags(and: LifecycleRuleAndOperator | undefined): void {
  const keys = (and?.Tags ?? []).map(({ Key }) => Key);
  if (new Set(keys).size < keys.length) throw invalidRequest('Duplicate Tag Keys are not allowed.');
}

function checkRule(rule: LifecycleRule): void {
  if (rule.Status !== 'Enabled' && rule.Status !== 'Disabled') throw malformedXml();
  // A rule says what it is for: by a filter, or by the prefix that rules of old have.
  if (rule.Filter === undefined && rule.Prefix === undefined) throw malformedXml();
  if (stated(rule.Filter) > 1) throw malformedXml();
  if (rule.NoncurrentVersionExpiration !== undefined && stated(rule.NoncurrentVersionExpiration) === 0) {
    throw malformedXml();
  }
  checkTags(rule.Filter?.And);
  const actions = [
    rule.Expiration,
    rule.NoncurrentVersionExpiration,
    rule.AbortIncompleteMultipartUpload,
    ...(rule.Transitions ?? []),
    ...(rule.NoncurrentVersionTransitions ?? []),
  ].filter((one) => one !== undefined);
  if (actions.length === 0) throw invalidRequest('At least one action needs to be specified in a rule');
  const { Expiration: expiration } = rule;
  if (expiration?.Days !== undefined && expiration.Days <= 0) {
    throw invalidArgument("'Days' for Expiration action must be a positive integer");
  }
  if (expiration?.Date !== undefined && expiration.Date.getTime() % 86_400_000 !== 0) {
    throw invalidArgument("'Date' must be at midnight GMT");
  }
  const set = [expiration?.Days, expiration?.Date, expiration?.ExpiredObjectDeleteMarker].filter(
    (one) => one !== undefined,
  );
  if (expiration !== undefined && set.length !== 1) throw malformedXml();
}

/** @throws InvalidArgument, MalformedXML 400 */
export function checkWebsite(document: WebsiteConfiguration): void {
  const { IndexDocument: index, RedirectAllRequestsTo: redirect } = document;
  if (redirect !== undefined) {
    if (index !== undefined || document.ErrorDocument !== undefined || document.RoutingRules !== undefined) {
      throw invalidArgument(
        'RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.',
        'RedirectAllRequestsTo',
        'not null',
      );
    }
    checkProtocol(redirect.Protocol);
    return;
  }
  if (index === undefined) {
    throw invalidArgument(
      'A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty',
      'IndexDocument',
      'null',
    );
  }
  if (index.Suffix === undefined || index.Suffix === '' || index.Suffix.includes('/')) {
    throw invalidArgument('The IndexDocument Suffix is not well formed', 'IndexDocument', index.Suffix);
  }
  (document.RoutingRules ?? []).forEach(checkRouting);
}

function checkProtocol(protocol: string | undefined): void {
  if (protocol === undefined || protocol === 'http' || protocol === 'https') return;
  throw invalidRequest(
    'Invalid protocol, protocol can be http or https. If not defined the protocol will be selected automatically.',
  );
}

function checkRouting({ Condition: condition, Redirect: redirect = {} }: RoutingRule): void {
  if (redirect.ReplaceKeyPrefixWith !== undefined && redirect.ReplaceKeyWith !== undefined) {
    throw invalidRequest('You can only define ReplaceKeyPrefix or ReplaceKey but not both.');
  }
  if (
    condition !== undefined &&
    condition.KeyPrefixEquals === undefined &&
    condition.HttpErrorCodeReturnedEquals === undefined
  ) {
    throw invalidRequest(
      "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't be present.",
    );
  }
  checkProtocol(redirect.Protocol);
}

/** The bucket that gets the logs has to be there and of the same owner. @throws InvalidTargetBucketForLogging 400 */
export function checkLogging({ LoggingEnabled: enabled }: BucketLoggingStatus, call: Call, bucket: Bucket): void {
  if (enabled === undefined) return;
  const target = findBucket(call, enabled.TargetBucket);
  if (target !== undefined && target.owner === bucket.owner && target.region === bucket.region) return;
  if (target !== undefined && target.owner === bucket.owner) {
    throw awsFailure('CrossLocationLoggingProhibitted', 'Cross S3 location logging not allowed. ', {
      status: 403,
      fields: { TargetBucketLocation: target.region },
    });
  }
  const message =
    target === undefined
      ? 'The target bucket for logging does not exist'
      : 'The owner for the bucket to be logged and the target bucket must be the same.';
  throw awsFailure('InvalidTargetBucketForLogging', message, {
    status: 400,
    fields: { TargetBucket: enabled.TargetBucket },
  });
}

/** Queues, topics and functions are not here to be found; EventBridge needs none. @throws InvalidArgument 400 */
export function checkNotification(document: NotificationConfiguration): void {
  const all = [
    ...(document.QueueConfigurations ?? []),
    ...(document.TopicConfigurations ?? []),
    ...(document.LambdaFunctionConfigurations ?? []),
  ];
  const odd = all
    .flatMap(({ Filter }) => Filter?.Key?.FilterRules ?? [])
    .find(({ Name }) => !['prefix', 'suffix'].includes((Name ?? '').toLowerCase()));
  if (odd !== undefined) {
    throw invalidArgument('filter rule name must be either prefix or suffix', 'FilterRule.Name', odd.Name);
  }
  const targets = [
    ...(document.QueueConfigurations ?? []).map(({ QueueArn }) => QueueArn),
    ...(document.TopicConfigurations ?? []).map(({ TopicArn }) => TopicArn),
    ...(document.LambdaFunctionConfigurations ?? []).map(({ LambdaFunctionArn }) => LambdaFunctionArn),
  ];
  if (targets.length === 0) return;
  throw invalidArgument('Unable to validate the following destination configurations', targets[0], 'null');
}

/** @throws MalformedXML, InvalidRequest 400 */
export function checkAcceleration({ Status }: AccelerateConfiguration, _call: Call, bucket: Bucket): void {
  if (Status !== 'Enabled' && Status !== 'Suspended') throw malformedXml();
  if (bucket.name.includes('.')) {
    throw invalidRequest('S3 Transfer Acceleration is not supported for buckets with periods (.) in their names');
  }
}

/** Both need versions, which are off. */
export function refuseReplication(): never {
  throw invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
}

export function refuseObjectLock(): never {
  throw awsFailure(
    'InvalidBucketState',
    "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    { status: 409 },
  );
}
