// Settings of a bucket as rows of data: each is a document that is put, got and perhaps deleted. What AWS
// answers when nothing was put is part of the row; Terraform reads all of them.
import { operation, type Call, type Operation } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { fromKept, toKept } from '../../kept-document.ts';
import { bucketOf, permission } from './access.ts';
import { invalidArgument, invalidRequest, notImplemented } from './failures.ts';
import { buckets, type Bucket } from './model.ts';

interface BucketInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
}
type Document = Readonly<Record<string, unknown>>;

interface Setting {
  /** Operations by their full names; one that is absent is not offered. */
  readonly get: string;
  readonly put?: string;
  readonly delete?: string;
  /** IAM's permission to read and to change; to delete, where that has one of its own. */
  readonly may: readonly [get: string, change: string, remove?: string];
  /** Member of the put that carries the document; also its name in the bucket's row. */
  readonly member: string;
  /** Member of the get that carries it; absent: the members of the document are those of the answer. */
  readonly answer?: string;
  /** What a bucket without the setting answers: a document, or the 404. */
  readonly absent: Document | readonly [code: string, message: string];
  /** Refuses documents AWS refuses, and those this S3 would have to ignore. */
  readonly check?: (document: Document) => void;
}

/** `Enabled` in a document whose effect is not there is refused, so that nobody relies on it. */
function refuseEnabled(what: string): (document: Document) => void {
  return (document) => {
    const status = document['Status'];
    if (status === 'Enabled') throw notImplemented(what);
    if (status !== 'Suspended')
      throw awsFailure('IllegalVersioningConfigurationException', 'The Versioning element must be specified', {
        status: 400,
      });
  };
}

function checkEncryption(document: Document): void {
  const rules = document['Rules'] as
    | readonly { ApplyServerSideEncryptionByDefault?: { SSEAlgorithm?: string } }[]
    | undefined;
  if (rules === undefined || rules.length !== 1)
    throw awsFailure(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
      { status: 400 },
    );
  const algorithm = rules[0]!.ApplyServerSideEncryptionByDefault?.SSEAlgorithm ?? 'AES256';
  if (algorithm !== 'AES256') throw notImplemented('encryption with AWS KMS keys');
}

function checkOwnership(document: Document): void {
  const rules = document['Rules'] as readonly { ObjectOwnership?: string }[] | undefined;
  const wanted = rules?.[0]?.ObjectOwnership;
  if (rules?.length !== 1 || !['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'].includes(wanted ?? '')) {
    throw invalidArgument('The ObjectOwnership value is not valid', 'ObjectOwnership', wanted);
  }
}

function checkPayer(document: Document): void {
  if (document['Payer'] !== 'BucketOwner') throw notImplemented('requester pays');
}

const defaultEncryption: Document = {
  Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }],
};

const settings: readonly Setting[] = [
  {
    get: 'GetBucketCors',
    put: 'PutBucketCors',
    delete: 'DeleteBucketCors',
    may: ['s3:GetBucketCORS', 's3:PutBucketCORS'],
    member: 'CORSConfiguration',
    absent: ['NoSuchCORSConfiguration', 'The CORS configuration does not exist'],
  },
  {
    get: 'GetBucketWebsite',
    put: 'PutBucketWebsite',
    delete: 'DeleteBucketWebsite',
    may: ['s3:GetBucketWebsite', 's3:PutBucketWebsite', 's3:DeleteBucketWebsite'],
    member: 'WebsiteConfiguration',
    absent: ['NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration'],
  },
  {
    get: 'GetBucketLifecycleConfiguration',
    put: 'PutBucketLifecycleConfiguration',
    delete: 'DeleteBucketLifecycle',
    may: ['s3:GetLifecycleConfiguration', 's3:PutLifecycleConfiguration'],
    member: 'LifecycleConfiguration',
    absent: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
  },
  {
    get: 'GetBucketReplication',
    may: ['s3:GetReplicationConfiguration', 's3:PutReplicationConfiguration'],
    member: 'ReplicationConfiguration',
    answer: 'ReplicationConfiguration',
    absent: ['ReplicationConfigurationNotFoundError', 'The replication configuration was not found'],
  },
  {
    get: 'GetObjectLockConfiguration',
    may: ['s3:GetBucketObjectLockConfiguration', 's3:PutBucketObjectLockConfiguration'],
    member: 'ObjectLockConfiguration',
    answer: 'ObjectLockConfiguration',
    absent: ['ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket'],
  },
  {
    get: 'GetBucketEncryption',
    put: 'PutBucketEncryption',
    delete: 'DeleteBucketEncryption',
    may: ['s3:GetEncryptionConfiguration', 's3:PutEncryptionConfiguration'],
    member: 'ServerSideEncryptionConfiguration',
    answer: 'ServerSideEncryptionConfiguration',
    // Every bucket since January 2023 encrypts with SSE-S3, and goes back to it when the setting is deleted.
    absent: defaultEncryption,
    check: checkEncryption,
  },
  {
    get: 'GetBucketVersioning',
    put: 'PutBucketVersioning',
    may: ['s3:GetBucketVersioning', 's3:PutBucketVersioning'],
    member: 'VersioningConfiguration',
    absent: {},
    check: refuseEnabled('versioning'),
  },
  {
    get: 'GetBucketAccelerateConfiguration',
    put: 'PutBucketAccelerateConfiguration',
    may: ['s3:GetAccelerateConfiguration', 's3:PutAccelerateConfiguration'],
    member: 'AccelerateConfiguration',
    absent: {},
  },
  {
    get: 'GetBucketRequestPayment',
    put: 'PutBucketRequestPayment',
    may: ['s3:GetBucketRequestPayment', 's3:PutBucketRequestPayment'],
    member: 'RequestPaymentConfiguration',
    absent: { Payer: 'BucketOwner' },
    check: checkPayer,
  },
  {
    get: 'GetBucketLogging',
    put: 'PutBucketLogging',
    may: ['s3:GetBucketLogging', 's3:PutBucketLogging'],
    member: 'BucketLoggingStatus',
    absent: {},
    check: (document) => {
      if (document['LoggingEnabled'] !== undefined) throw notImplemented('server access logs');
    },
  },
  {
    get: 'GetBucketNotificationConfiguration',
    put: 'PutBucketNotificationConfiguration',
    may: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
    member: 'NotificationConfiguration',
    absent: {},
    check: (document) => {
      if (Object.keys(document).length > 0) throw notImplemented('event notifications');
    },
  },
  {
    get: 'GetBucketOwnershipControls',
    put: 'PutBucketOwnershipControls',
    delete: 'DeleteBucketOwnershipControls',
    may: ['s3:GetBucketOwnershipControls', 's3:PutBucketOwnershipControls'],
    member: 'OwnershipControls',
    answer: 'OwnershipControls',
    absent: ['OwnershipControlsNotFoundError', 'The bucket ownership controls were not found'],
    check: checkOwnership,
  },
];

function getOperation(setting: Setting): Operation {
  return operation<BucketInput, Document>({
    permissions: (input, call) => [permission(call, setting.may[0], bucketOf(call, input))],
    handle(input, call) {
      const bucket = bucketOf(call, input);
      const stored = bucket.documents[setting.member] ?? setting.absent;
      if (Array.isArray(stored)) {
        const [code, message] = stored as unknown as readonly [string, string];
        throw awsFailure(code, message, { status: 404, fields: { BucketName: bucket.name } });
      }
      const document = fromKept(stored) as Document;
      return setting.answer === undefined ? document : { [setting.answer]: document };
    },
  });
}

function putOperation(setting: Setting): Operation {
  return operation<BucketInput, object>({
    permissions: (input, call) => [permission(call, setting.may[1], bucketOf(call, input))],
    handle(input, call) {
      const document = (input as Document)[setting.member] as Document | undefined;
      if (document === undefined) throw invalidRequest('Missing required body for this request');
      setting.check?.(document);
      change(call, bucketOf(call, input), setting.member, toKept(document));
      return {};
    },
    depth: 'checked, kept and shown; nothing acts on it',
  });
}

function deleteOperation(setting: Setting): Operation {
  return operation<BucketInput, object>({
    permissions: (input, call) => [permission(call, setting.may[2] ?? setting.may[1], bucketOf(call, input))],
    handle(input, call) {
      change(call, bucketOf(call, input), setting.member, undefined);
      return {};
    },
  });
}

function change(call: Call, bucket: Bucket, member: string, document: unknown): void {
  const { [member]: _before, ...others } = bucket.documents;
  const documents = document === undefined ? others : { ...others, [member]: document };
  call.world.table(buckets).put(bucket.owner, bucket.name, { ...bucket, documents });
}

/** Operations by name, made from the rows. */
export const settingOperations: Readonly<Record<string, Operation>> = Object.fromEntries(
  settings.flatMap((setting) => [
    [setting.get, getOperation(setting)],
    ...(setting.put === undefined ? [] : [[setting.put, putOperation(setting)]]),
    ...(setting.delete === undefined ? [] : [[setting.delete, deleteOperation(setting)]]),
  ]),
) as Readonly<Record<string, Operation>>;
