// S3's entities and tables. A bucket's name is unique in the world, so one table says whose it is and
// another, per owner, holds it; objects lie in the owner's partition in the order of bucket and key.
import type { Millis } from '../../../base/index.ts';
import { tableName } from '../../world.ts';

/** Documents that S3 keeps for a bucket and does not act on, by the member that carries them in a put. */
export type StoredDocuments = Readonly<Record<string, unknown>>;

export interface PublicAccessBlock {
  readonly BlockPublicAcls: boolean;
  readonly IgnorePublicAcls: boolean;
  readonly BlockPublicPolicy: boolean;
  readonly RestrictPublicBuckets: boolean;
}

export interface Bucket {
  readonly name: string;
  readonly owner: string;
  readonly region: string;
  readonly createdAt: Millis;
  readonly tags: Readonly<Record<string, string>>;
  /** Policy as stored: user and role principals are kept as unique ids. */
  readonly policy?: string | undefined;
  readonly publicAccessBlock?: PublicAccessBlock | undefined;
  readonly documents: StoredDocuments;
}

/** Encryption with a key of KMS. */
export interface ObjectEncryption {
  readonly algorithm: 'aws:kms' | 'aws:kms:dsse';
  readonly keyArn: string;
  /** S3 asks KMS for the bucket, not for each object. */
  readonly bucketKey: boolean;
  /** What the writer adds to the encryption context. */
  readonly context?: Readonly<Record<string, string>> | undefined;
}

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly body: Uint8Array;
  /** With its quotes, as it stands in the header. */
  readonly etag: string;
  readonly lastModified: Millis;
  /** By the SDK's member name: `{ChecksumCRC32: 'base64'}`. */
  readonly checksum: Readonly<Record<string, string>>;
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE';
  /** `x-amz-meta-…`, without the prefix. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly headers: ContentHeaders;
  readonly storageClass: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Absent: with keys of S3 itself. */
  readonly encryption?: ObjectEncryption | undefined;
  /** Of a multipart upload: what it was put together from, in order. */
  readonly parts?: readonly ObjectPart[] | undefined;
}

export interface ObjectPart {
  readonly number: number;
  readonly size: number;
  readonly checksum: Readonly<Record<string, string>>;
}

/** Headers that S3 keeps with an object and gives back as they came. */
export interface ContentHeaders {
  readonly CacheControl?: string | undefined;
  readonly ContentDisposition?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLanguage?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly Expires?: Millis | undefined;
  readonly WebsiteRedirectLocation?: string | undefined;
}

/** A multipart upload that is under way. */
export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly startedAt: Millis;
  readonly algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';
  /** Nobody asked for the algorithm: S3 took it itself. */
  readonly unstated?: boolean | undefined;
  readonly checksumType: 'FULL_OBJECT' | 'COMPOSITE';
  readonly encryption?: ObjectEncryption | undefined;
  readonly described: Pick<StoredObject, 'metadata' | 'headers' | 'storageClass' | 'tags'>;
}

export interface Part {
  readonly number: number;
  readonly body: Uint8Array;
  readonly etag: string;
  readonly checksum: Readonly<Record<string, string>>;
  readonly modifiedAt: Millis;
}

/** Account: the owner. Id: the bucket's name. */
export const buckets = tableName<Bucket>('s3.bucket');
/** Account `''`; id: the bucket's name → its owner. */
export const bucketOwners = tableName<string>('s3.bucket-owner');
/** Account: the bucket's owner. Id: `BUCKET/KEY`. */
export const objects = tableName<StoredObject>('s3.object');
/** Account: the bucket's owner; id: `bytes` → how many bytes its objects hold in memory. */
export const usage = tableName<number>('s3.usage');
/** Account: the bucket's owner. Id: `BUCKET/KEY`, NUL, the upload's id. */
export const uploads = tableName<Upload>('s3.upload');
/** Account: the bucket's owner. Id: `partRow`. */
export const parts = tableName<Part>('s3.part');

/** The upload's id, `/`, the part's number in five digits. */
export const partRow = (id: string, number: number): string => `${id}/${String(number).padStart(5, '0')}`;
