// Which S3 permissions are about a bucket and which about its keys, for a policy that is put on a bucket.
// Source: service authorization reference, "Actions, resources, and condition keys for Amazon S3".
import { wildcardMatcher } from '../../../policy/index.ts';

const objectActions = words(`
  AbortMultipartUpload BypassGovernanceRetention DeleteObject DeleteObjectTagging DeleteObjectVersion
  DeleteObjectVersionTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention
  GetObjectTagging GetObjectTorrent GetObjectVersion GetObjectVersionAcl GetObjectVersionAttributes
  GetObjectVersionForReplication GetObjectVersionTagging GetObjectVersionTorrent InitiateReplication
  ListMultipartUploadParts ObjectOwnerOverrideToBucketOwner PutObject PutObjectAcl PutObjectLegalHold
  PutObjectRetention PutObjectTagging PutObjectVersionAcl PutObjectVersionTagging ReplicateDelete ReplicateObject
  ReplicateTags RestoreObject UpdateObjectEncryption`);

const bucketActions = words(`
  CreateBucket CreateBucketMetadataTableConfiguration DeleteBucket DeleteBucketMetadataTableConfiguration
  DeleteBucketOwnershipControls DeleteBucketPolicy DeleteBucketWebsite GetAccelerateConfiguration
  GetAnalyticsConfiguration GetBucketAbac GetBucketAcl GetBucketCORS GetBucketLocation GetBucketLogging
  GetBucketMetadataTableConfiguration GetBucketNotification GetBucketObjectLockConfiguration
  GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock
  GetBucketRequestPayment GetBucketTagging GetBucketVersioning GetBucketWebsite GetEncryptionConfiguration
  GetIntelligentTieringConfiguration GetInventoryConfiguration GetLifecycleConfiguration GetMetricsConfiguration
  GetReplicationConfiguration ListBucket ListBucketMultipartUploads ListBucketVersions ListTagsForResource
  PutAccelerateConfiguration PutAnalyticsConfiguration PutBucketAbac PutBucketAcl PutBucketCORS PutBucketLogging
  PutBucketNotification PutBucketObjectLockConfiguration PutBucketOwnershipControls PutBucketPolicy
  PutBucketPublicAccessBlock PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite
  PutEncryptionConfiguration PutIntelligentTieringConfiguration PutInventoryConfiguration
  PutLifecycleConfiguration PutMetricsConfiguration PutReplicationConfiguration TagResource UntagResource
  UpdateBucketMetadataInventoryTableConfiguration UpdateBucketMetadataJournalTableConfiguration`);

function words(text: string): readonly string[] {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => word.toLowerCase());
}

/** Of the account, its jobs and its access points: actions of S3 that no policy of a bucket can grant. */
const otherActions = words(`
  ListAllMyBuckets GetAccountPublicAccessBlock PutAccountPublicAccessBlock CreateJob DescribeJob ListJobs
  UpdateJobPriority UpdateJobStatus CreateAccessPoint DeleteAccessPoint GetAccessPoint ListAccessPoints
  GetAccessPointPolicy PutAccessPointPolicy DeleteAccessPointPolicy GetAccessPointPolicyStatus
  CreateMultiRegionAccessPoint DeleteMultiRegionAccessPoint GetMultiRegionAccessPoint ListMultiRegionAccessPoints
  CreateStorageLensGroup GetStorageLensConfiguration PutStorageLensConfiguration DeleteStorageLensConfiguration
  ListStorageLensConfigurations GetStorageLensDashboard CreateAccessGrant DeleteAccessGrant GetAccessGrant
  ListAccessGrants GetDataAccess`);

export type ActionTarget = 'bucket' | 'object' | 'other';

/** What an action of a policy can be about, `s3:Get*` of several kinds; empty when S3 has no such action. */
export function targetsOf(action: string): readonly ActionTarget[] {
  if (action === '*') return ['bucket', 'object', 'other'];
  const name = action.slice(action.indexOf(':') + 1).toLowerCase();
  const isNamed = wildcardMatcher(name);
  const matches = (actions: readonly string[]): boolean => actions.some(isNamed);
  return [
    ...(matches(bucketActions) ? (['bucket'] as const) : []),
    ...(matches(objectActions) ? (['object'] as const) : []),
    ...(matches(otherActions) ? (['other'] as const) : []),
  ];
}
