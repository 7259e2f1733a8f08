// What CloudTrail calls a call: whether it is a management event, a read, and where its history is.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-management-events-with-cloudtrail.html
import type { ServiceId } from '../../call.ts';

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html, "object-level actions"
const objectEvents =
  /^(?:AbortMultipartUpload|CompleteMultipartUpload|CopyObject|CreateMultipartUpload|DeleteObject|DeleteObjects|DeleteObjectTagging|GetObject|GetObjectAcl|GetObjectAttributes|GetObjectLegalHold|GetObjectRetention|GetObjectTagging|HeadBucket|HeadObject|ListMultipartUploads|ListObjects|ListObjectsV2|ListObjectVersions|ListParts|PutObject|PutObjectAcl|PutObjectLegalHold|PutObjectRetention|PutObjectTagging|UploadPart|UploadPartCopy)$/;

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html, "data plane events"
const itemEvents =
  /^(?:BatchGetItem|BatchWriteItem|DeleteItem|GetItem|PutItem|Query|Scan|TransactGetItems|TransactWriteItems|UpdateItem)$/;

/** Data events are in no event history. */
export function isManagementEvent(service: ServiceId, operation: string): boolean {
  if (service === 's3') return !objectEvents.test(operation);
  return service !== 'dynamodb' || !itemEvents.test(operation);
}

const reads =
  /^(?:Get|List|Describe|Lookup|Head|Simulate|Assume|Generate(?:DataKey|CredentialReport|Service|Organizations|Random|Mac))/;
const kmsReads = /^(?:Encrypt|Decrypt|ReEncrypt|Sign|Verify|VerifyMac)$/;

export function isRead(service: ServiceId, operation: string): boolean {
  return reads.test(operation) || (service === 'kms' && kmsReads.test(operation));
}

/** STS makes nothing and yet shows what it gave; other reads do not. */
export function showsAnswer(service: ServiceId, operation: string): boolean {
  if (!isRead(service, operation)) return true;
  return service === 'sts' && /^(?:Assume|GetSessionToken|GetFederationToken)/.test(operation);
}

const globalServices: ReadonlySet<ServiceId> = new Set(['iam', 'organizations']);
const homeRegions: Readonly<Record<string, string>> = { 'aws-us-gov': 'us-gov-west-1', 'aws-cn': 'cn-north-1' };

/** "Global service events": services without regions are in the history of one region. */
export function historyRegion(service: ServiceId, partition: string, region: string): string {
  return globalServices.has(service) ? (homeRegions[partition] ?? 'us-east-1') : region;
}

/** S3's actions have names from before the SDK's. */
const s3Names: Readonly<Record<string, string>> = {
  DeletePublicAccessBlock: 'DeleteBucketPublicAccessBlock',
  GetBucketAccelerateConfiguration: 'GetAccelerateConfiguration',
  GetBucketLifecycleConfiguration: 'GetBucketLifecycle',
  GetBucketNotificationConfiguration: 'GetBucketNotification',
  GetObjectLockConfiguration: 'GetBucketObjectLockConfiguration',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutBucketAccelerateConfiguration: 'PutAccelerateConfiguration',
  PutBucketLifecycleConfiguration: 'PutBucketLifecycle',
  PutBucketNotificationConfiguration: 'PutBucketNotification',
  PutObjectLockConfiguration: 'PutBucketObjectLockConfiguration',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
};

export function eventName(service: ServiceId, operation: string): string {
  return service === 's3' ? (s3Names[operation] ?? operation) : operation;
}
