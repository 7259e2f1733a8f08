// Settings of a bucket as rows of data: each is a document that is put, got and perhaps deleted. What AWS
// answers when nothing was put is part of the row; Terraform reads all of them.
import { operation, type Call, type Operation, type Permission } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { fromKept, toKept } from '../../kept-document.ts';
import { bucketOf, permission } from './access.ts';
import { invalidArgument, malformedXml, notImplemented } from './failures.ts';
import { buckets, type Bucket } from './model.ts';
import {
  checkAcceleration,
  checkCors,
  checkLifecycle,
  checkLogging,
  checkNotification,
  checkWebsite,
  refuseObjectLock,
  refuseReplication,
} from './setting-checks.ts';

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
  check?(document: Document, call: Call, bucket: Bucket): void;
  /** A member beside the document that belongs to it, and what it is when it is not given. */
  readonly beside?: readonly [member: string, otherwise: string];
  /** Permissions besides the one to change the bucket. */
  readonly passes?: (document: Document) => readonly Permission[];
}

/** `Enabled` in a document whose effect is not there is refused, so that nobody relies on it. */
function refuseEnabled(what: string): (document: Document) => void {
  return (document) => {
    const status = document['Status'];
    if (status === 'Enabled') throw notImplemented(what);
    if (status !== undefined && status !== 'Suspended') throw malformedXml();
    if (status === undefined)
      throw awsFailure('IllegalVersioningConfigurationException', 'The Versioning element must be specified', {
        status: 400,
      });
  };
}

function checkEncryption(document: Document): void {
  const rules = document['Rules'] as
    | readonly { ApplyServerSideEncryptionByDefault?: { SSEAlgorithm?: string; KMSMasterKeyID?: string } }[]
    | undefined;
  if (rules === undefined || rules.length !== 1) throw malformedXml();
  const { SSEAlgorithm = 'AES256', KMSMasterKeyID } = rules[0]!.ApplyServerSideEncryptionByDefault ?? {};
  if (!['AES256', 'aws:kms', 'aws:kms:dsse'].includes(SSEAlgorithm)) throw malformedXml();
  if (KMSMasterKeyID === undefined || SSEAlgorithm !== 'AES256') return;
  throw invalidArgument(
    'a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse',
    'ApplyServerSideEncryptionByDefault',
  );
}

function checkOwnership(document: Document): void {
  const rules = document['Rules'] as readonly { ObjectOwnership?: string }[] | undefined;
  const wanted = rules?.[0]?.ObjectOwnership;
  if (rules?.length !== 1 || !['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'].includes(wanted ?? '')) {
    throw malformedXml();
  }
}

function checkPayer(document: Document): void {
  if (document['Payer'] !== 'BucketOwner' && document['Payer'] !== 'Requester') throw malformedXml();
}

function checkAbac(document: Document): void {
  if (document['Status'] !== 'Enabled' && document['Status'] !== 'Disabled') throw malformedXml();
}

/** Who sets up replication passes its role to S3 ("Setting up permissions for live replication"). */
function passReplicationRole(document: Document): readonly Permission[] {
  const role = document['Role'];
  if (typeof role !== 'string' || role === '') return [];
  return [{ action: 'iam:PassRole', resource: role, context: { 'iam:PassedToService': 's3.amazonaws.com' } }];
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
    check: checkCors,
  },
  {
    get: 'GetBucketWebsite',
    put: 'PutBucketWebsite',
    delete: 'DeleteBucketWebsite',
    may: ['s3:GetBucketWebsite', 's3:PutBucketWebsite', 's3:DeleteBucketWebsite'],
    member: 'WebsiteConfiguration',
    absent: ['NoSuchWebsiteConfiguration', 'The specified bucket does not have a website configuration'],
    check: checkWebsite,
  },
  {
    get: 'GetBucketLifecycleConfiguration',
    put: 'PutBucketLifecycleConfiguration',
    delete: 'DeleteBucketLifecycle',
    may: ['s3:GetLifecycleConfiguration', 's3:PutLifecycleConfiguration'],
    member: 'LifecycleConfiguration',
    absent: ['NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist'],
    check: checkLifecycle,
    beside: ['TransitionDefaultMinimumObjectSize', 'all_storage_classes_128K'],
  },
  {
    get: 'GetBucketReplication',
    put: 'PutBucketReplication',
    delete: 'DeleteBucketReplication',
    may: ['s3:GetReplicationConfiguration', 's3:PutReplicationConfiguration'],
    member: 'ReplicationConfiguration',
    answer: 'ReplicationConfiguration',
    absent: ['ReplicationConfigurationNotFoundError', 'The replication configuration was not found'],
    check: refuseReplication,
    passes: passReplicationRole,
  },
  {
    get: 'GetObjectLockConfiguration',
    put: 'PutObjectLockConfiguration',
    may: ['s3:GetBucketObjectLockConfiguration', 's3:PutBucketObjectLockConfiguration'],
    member: 'ObjectLockConfiguration',
    answer: 'ObjectLockConfiguration',
    absent: ['ObjectLockConfigurationNotFoundError', 'Object Lock configuration does not exist for this bucket'],
    check: refuseObjectLock,
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
    check: checkAcceleration,
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
    check: checkLogging,
  },
  {
    get: 'GetBucketNotificationConfiguration',
    put: 'PutBucketNotificationConfiguration',
    may: ['s3:GetBucketNotification', 's3:PutBucketNotification'],
    member: 'NotificationConfiguration',
    absent: {},
    check: checkNotification,
  },
  {
    get: 'GetBucketAbac',
    put: 'PutBucketAbac',
    may: ['s3:GetBucketAbac', 's3:PutBucketAbac'],
    member: 'AbacStatus',
    answer: 'AbacStatus',
    absent: { Status: 'Disabled' },
    check: checkAbac,
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
  const given = (input: BucketInput): Document | undefined =>
    (input as Document)[setting.member] as Document | undefined;
  return operation<BucketInput, object>({
    permissions: (input, call) => [
      permission(call, setting.may[1], bucketOf(call, input)),
      ...(setting.passes?.(given(input) ?? {}) ?? []),
    ],
    handle(input, call) {
      const document = given(input);
      if (document === undefined) throw awsFailure('MissingRequestBodyError', 'Request Body is empty', { status: 400 });
      const bucket = bucketOf(call, input);
      setting.check?.(document, call, bucket);
      const beside = besideOf(setting, input as Document);
      change(call, bucket, setting.member, toKept({ ...document, ...beside }));
      return beside;
    },
    depth: 'checked, kept and shown; nothing acts on it',
  });
}

function besideOf({ beside }: Setting, input: Document): Document {
  return beside === undefined ? {} : { [beside[0]]: input[beside[0]] ?? beside[1] };
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
