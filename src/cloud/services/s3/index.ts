// S3 of the embedded AWS: buckets and objects, and what is set on them.
import type { Service } from '../../call.ts';
import * as buckets from './buckets.ts';
import { CopyObject } from './copy.ts';
import * as listing from './listing.ts';
import * as multipartListing from './multipart-listing.ts';
import * as multipart from './multipart.ts';
import * as objectAttributes from './object-attributes.ts';
import * as objects from './objects.ts';
import * as policy from './policy.ts';
import { settingOperations } from './settings.ts';
import * as tagging from './tagging.ts';

export const s3: Service = {
  id: 's3',
  operations: {
    ListBuckets: buckets.ListBuckets,
    CreateBucket: buckets.CreateBucket,
    HeadBucket: buckets.HeadBucket,
    GetBucketLocation: buckets.GetBucketLocation,
    DeleteBucket: buckets.DeleteBucket,
    PutObject: objects.PutObject,
    GetObject: objects.GetObject,
    HeadObject: objects.HeadObject,
    CopyObject,
    DeleteObject: objects.DeleteObject,
    DeleteObjects: objects.DeleteObjects,
    ListObjects: listing.ListObjects,
    ListObjectsV2: listing.ListObjectsV2,
    ListObjectVersions: listing.ListObjectVersions,
    CreateMultipartUpload: multipart.CreateMultipartUpload,
    UploadPart: multipart.UploadPart,
    UploadPartCopy: multipart.UploadPartCopy,
    CompleteMultipartUpload: multipart.CompleteMultipartUpload,
    AbortMultipartUpload: multipart.AbortMultipartUpload,
    ListParts: multipartListing.ListParts,
    ListMultipartUploads: multipartListing.ListMultipartUploads,
    PutBucketPolicy: policy.PutBucketPolicy,
    GetBucketPolicy: policy.GetBucketPolicy,
    DeleteBucketPolicy: policy.DeleteBucketPolicy,
    GetBucketPolicyStatus: policy.GetBucketPolicyStatus,
    ...objectAttributes,
    ...tagging,
    ...settingOperations,
  },
};
