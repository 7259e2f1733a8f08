// Which multipart uploads are under way, and which parts they have.
import type {
  ListMultipartUploadsCommandInput,
  ListMultipartUploadsOutput,
  ListPartsCommandInput,
  ListPartsOutput,
} from '@aws-sdk/client-s3';
import { operation } from '../../call.ts';
import { bucketOf, permission } from './access.ts';
import { invalidArgument } from './failures.ts';
import { uploads, type Part, type Upload } from './model.ts';
import { canonicalId } from './names.ts';
import { partsOf, uploadOf } from './upload-rows.ts';

/** @throws InvalidArgument 400 */
function pageSize(wanted = 1000, name: string): number {
  if (wanted >= 0) return Math.min(wanted, 1000);
  throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, String(wanted));
}

export const ListParts = operation<ListPartsCommandInput, ListPartsOutput>({
  permissions: (input, call) => [
    permission(call, 's3:ListMultipartUploadParts', bucketOf(call, input), input.Key ?? ''),
  ],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const upload = uploadOf(call, bucket, input);
    const most = pageSize(input.MaxParts, 'max-parts');
    const found: Part[] = [];
    for (const part of partsOf(call, bucket, upload, Number(input.PartNumberMarker ?? 0))) {
      found.push(part);
      if (found.length > most) break;
    }
    const page = found.slice(0, most);
    return {
      Bucket: bucket.name,
      Key: upload.key,
      UploadId: upload.id,
      PartNumberMarker: input.PartNumberMarker ?? '0',
      MaxParts: most,
      IsTruncated: found.length > most,
      ...(found.length > most ? { NextPartNumberMarker: String(page.at(-1)?.number ?? 0) } : {}),
      Parts: page.map((part) => ({
        PartNumber: part.number,
        ETag: part.etag,
        Size: part.body.length,
        LastModified: new Date(part.modifiedAt),
        ...part.checksum,
      })),
      StorageClass: upload.described.storageClass as NonNullable<ListPartsOutput['StorageClass']>,
      Owner: { ID: canonicalId(bucket.owner) },
    };
  },
});

export const ListMultipartUploads = operation<ListMultipartUploadsCommandInput, ListMultipartUploadsOutput>({
  permissions: (input, call) => [permission(call, 's3:ListBucketMultipartUploads', bucketOf(call, input))],
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const most = pageSize(input.MaxUploads, 'max-uploads');
    const found: Upload[] = [];
    const { KeyMarker = '', Prefix = '' } = input;
    // A marker without an upload id stands after every upload of its key.
    const after =
      input.UploadIdMarker === undefined
        ? `${KeyMarker}${KeyMarker === '' ? '' : '\x01'}`
        : `${KeyMarker}\0${input.UploadIdMarker}`;
    for (const [id, upload] of call.world
      .table(uploads)
      .list(bucket.owner, `${bucket.name}/${after > Prefix ? after : Prefix}`)) {
      if (!id.startsWith(`${bucket.name}/${Prefix}`)) break;
      found.push(upload);
      if (found.length > most) break;
    }
    const page = found.slice(0, most);
    const last = page.at(-1);
    return {
      Bucket: bucket.name,
      KeyMarker,
      UploadIdMarker: input.UploadIdMarker ?? '',
      Prefix,
      MaxUploads: most,
      IsTruncated: found.length > most,
      ...(found.length > most && last !== undefined ? { NextKeyMarker: last.key, NextUploadIdMarker: last.id } : {}),
      ...(page.length === 0
        ? {}
        : {
            Uploads: page.map((upload) => ({
              Key: upload.key,
              UploadId: upload.id,
              Initiated: new Date(upload.startedAt),
              StorageClass: upload.described.storageClass as 'STANDARD',
              Owner: { ID: canonicalId(bucket.owner) },
            })),
          }),
    };
  },
  depth: 'without a delimiter',
});
