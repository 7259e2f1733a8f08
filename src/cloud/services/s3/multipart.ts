// Multipart uploads: parts are kept apart until they are put together, and count as bytes of the owner meanwhile.
import type {
  AbortMultipartUploadCommandInput,
  CompleteMultipartUploadCommandInput,
  CompleteMultipartUploadOutput,
  CreateMultipartUploadCommandInput,
  CreateMultipartUploadOutput,
  UploadPartCommandInput,
  UploadPartCopyCommandInput,
  UploadPartCopyOutput,
  UploadPartOutput,
} from '@aws-sdk/client-s3';
import { randomText } from '../../../base/index.ts';
import { operation, type Call, type Permission } from '../../call.ts';
import { bucketOf, findObject, matchPermissions, objectOf, permission, writeContext } from './access.ts';
import {
  checkAlgorithm,
  checkedChecksum,
  compositeChecksum,
  md5,
  sentAlgorithm,
  type ChecksumName,
} from './checksum.ts';
import { checkCopySource, checkWrite, copiedSlice } from './conditions.ts';
import { checkMode, namedParts } from './completion.ts';
import { checkSourceOwner, copySource } from './copy.ts';
import { checkKeyUsable, encryptionHeaders, encryptionOf, readKeyPermissions } from './encryption.ts';
import { invalidArgument, invalidRequest, noSuchKey } from './failures.ts';
import { partRow, parts, uploads, type Bucket, type Part, type Upload } from './model.ts';
import { count, storeObject } from './storage.ts';
import { drop, uploadOf, uploadRow, type UploadName } from './upload-rows.ts';
import { checkUpload, describedBy, uploadPermissions } from './upload.ts';

type PartInput = Omit<UploadPartCommandInput, 'Body'> & { readonly Body?: Uint8Array };
const mostParts = 10_000;

interface PartPlace extends UploadName {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
  readonly IfMatch?: string | undefined;
}

/** Adding to an upload; one with a key of KMS also needs `kms:Decrypt` ("Uploading large objects using multipart upload"). */
function partPermissions(input: PartPlace, call: Call): readonly Permission[] {
  const bucket = bucketOf(call, input);
  const key = input.Key ?? '';
  const upload = call.world.table(uploads).get(bucket.owner, uploadRow(bucket, input));
  return [
    permission(call, 's3:PutObject', bucket, key, writeContext(call, input)),
    ...matchPermissions(call, bucket, key, input.IfMatch),
    ...readKeyPermissions(call, { bucket: bucket.name, key }, upload?.encryption),
  ];
}

export const CreateMultipartUpload = operation<CreateMultipartUploadCommandInput, CreateMultipartUploadOutput>({
  permissions: (input, call) => uploadPermissions(call, bucketOf(call, input), input),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    checkUpload(input);
    const algorithm: string = input.ChecksumAlgorithm ?? 'CRC64NVME';
    checkAlgorithm(algorithm);
    if (input.ChecksumType !== undefined && input.ChecksumAlgorithm === undefined) {
      throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
    }
    const composite = input.ChecksumAlgorithm !== undefined && algorithm !== 'CRC64NVME';
    checkChecksumType(algorithm, input.ChecksumType);
    const upload: Upload = {
      id: randomText(call.random, 64),
      key: input.Key ?? '',
      startedAt: call.clock.now(),
      algorithm,
      ...(input.ChecksumAlgorithm === undefined ? { unstated: true } : {}),
      checksumType: input.ChecksumType ?? (composite ? 'COMPOSITE' : 'FULL_OBJECT'),
      encryption: encryptionOf(call, bucket, input),
      described: describedBy(input),
    };
    checkKeyUsable(call, upload.encryption);
    call.world.table(uploads).put(bucket.owner, uploadRow(bucket, { Key: upload.key, UploadId: upload.id }), upload);
    return {
      Bucket: bucket.name,
      Key: upload.key,
      UploadId: upload.id,
      ...encryptionHeaders(upload.encryption),
      ...(input.ChecksumAlgorithm === undefined
        ? {}
        : { ChecksumAlgorithm: input.ChecksumAlgorithm, ChecksumType: upload.checksumType }),
    };
  },
});

/** Only the CRCs of parts give the CRC of the whole; CRC64NVME knows nothing else ("Checking object integrity in Amazon S3"). */
function checkChecksumType(algorithm: ChecksumName, type: string | undefined): void {
  const isCrc64 = algorithm === 'CRC64NVME';
  const fits = type === undefined || (type === 'FULL_OBJECT' ? algorithm.startsWith('CRC') : !isCrc64);
  if (fits) return;
  throw invalidRequest(
    `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  );
}

/** Keeps one part in the place of any with its number. */
function storePart(
  call: Call,
  bucket: Bucket,
  upload: Upload,
  number: number | undefined,
  body: Uint8Array,
  given: object,
): Part {
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > mostParts) {
    throw invalidArgument(
      'Part number must be an integer between 1 and 10000, inclusive',
      'partNumber',
      String(number),
    );
  }
  const sent = sentAlgorithm(given);
  if (sent !== undefined && upload.unstated === undefined && sent !== upload.algorithm) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${upload.algorithm.toLowerCase()}, actual checksum Type: ${sent.toLowerCase()}`,
    );
  }
  const table = call.world.table(parts);
  const id = partRow(upload.id, number);
  const checksum = checkedChecksum({ ChecksumAlgorithm: upload.algorithm, ...given }, body);
  count(call, bucket, body.length - (table.get(bucket.owner, id)?.body.length ?? 0));
  const part: Part = { number, body, etag: `"${md5(body)}"`, checksum, modifiedAt: call.clock.now() };
  table.put(bucket.owner, id, part);
  return part;
}

export const UploadPart = operation<PartInput, UploadPartOutput>({
  permissions: partPermissions,
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const upload = uploadOf(call, bucket, input);
    checkKeyUsable(call, upload.encryption);
    const body = input.Body ?? new Uint8Array();
    const { etag, checksum } = storePart(call, bucket, upload, input.PartNumber, body, input);
    return { ETag: etag, ...checksum, ...encryptionHeaders(upload.encryption) };
  },
});

export const UploadPartCopy = operation<UploadPartCopyCommandInput, UploadPartCopyOutput>({
  permissions: (input, call) => [
    ...copySource(call, input.CopySource, false).permissions,
    ...partPermissions(input, call),
  ],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const upload = uploadOf(call, bucket, input);
    const from = copySource(call, input.CopySource, false);
    checkSourceOwner(input, from.bucket);
    const source = objectOf(call, from.bucket, from.key);
    checkCopySource(input, source);
    const { body, encryption } = source;
    checkKeyUsable(call, encryption);
    checkKeyUsable(call, upload.encryption);
    const slice = input.CopySourceRange === undefined ? undefined : copiedSlice(input.CopySourceRange, body.length);
    const copied = slice === undefined ? body : body.slice(slice.from, slice.to);
    const part = storePart(call, bucket, upload, input.PartNumber, copied, {});
    return {
      CopyPartResult: { ETag: part.etag, LastModified: new Date(part.modifiedAt), ...part.checksum },
      ...encryptionHeaders(upload.encryption),
    };
  },
});

export const CompleteMultipartUpload = operation<CompleteMultipartUploadCommandInput, CompleteMultipartUploadOutput>({
  permissions: partPermissions,
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const upload = uploadOf(call, bucket, input);
    checkKeyUsable(call, upload.encryption);
    const named = namedParts(call, bucket, upload, input);
    checkWrite(input, findObject(call, bucket, upload.key), () => noSuchKey(upload.key));
    const body = new Uint8Array(Buffer.concat(named.map((part) => part.body)));
    checkMode(upload, input, body.length);
    const digests = Buffer.concat(named.map((part) => Buffer.from(part.etag.replaceAll('"', ''), 'hex')));
    const etag = `"${md5(digests)}-${named.length}"`;
    const checksum =
      upload.checksumType === 'COMPOSITE'
        ? compositeChecksum(
            upload.algorithm,
            named.map((part) => part.checksum),
          )
        : checkedChecksum({ ...input, ChecksumAlgorithm: upload.algorithm }, body);
    drop(call, bucket, upload);
    storeObject(call, bucket, {
      bucket: bucket.name,
      key: upload.key,
      body,
      etag,
      lastModified: call.clock.now(),
      checksum,
      checksumType: upload.checksumType,
      encryption: upload.encryption,
      parts: named.map((part) => ({ number: part.number, size: part.body.length, checksum: part.checksum })),
      ...upload.described,
    });
    return {
      Bucket: bucket.name,
      Key: upload.key,
      Location: `http://${call.http.host}/${bucket.name}/${encodeURIComponent(upload.key)}`,
      ETag: etag,
      ...checksum,
      ChecksumType: upload.checksumType,
      ...encryptionHeaders(upload.encryption),
    };
  },
});

export const AbortMultipartUpload = operation<AbortMultipartUploadCommandInput, object>({
  permissions: (input, call) => [permission(call, 's3:AbortMultipartUpload', bucketOf(call, input), input.Key ?? '')],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    drop(call, bucket, uploadOf(call, bucket, input));
    return {};
  },
});
