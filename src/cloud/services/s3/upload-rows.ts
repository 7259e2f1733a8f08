// Multipart uploads under way and their parts, as rows: found, walked, dropped.
import type { Call } from '../../call.ts';
import { awsFailure } from '../../failures.ts';
import { partRow, parts, uploads, type Bucket, type Part, type Upload } from './model.ts';
import { count } from './storage.ts';

export interface UploadName {
  readonly Key?: string | undefined;
  readonly UploadId?: string | undefined;
}

export const uploadRow = (bucket: Bucket, { Key, UploadId }: UploadName): string =>
  `${bucket.name}/${Key ?? ''}\0${UploadId ?? ''}`;

/** @throws NoSuchUpload 404 */
export function uploadOf(call: Call, bucket: Bucket, name: UploadName): Upload {
  const upload = call.world.table(uploads).get(bucket.owner, uploadRow(bucket, name));
  if (upload !== undefined) return upload;
  throw awsFailure(
    'NoSuchUpload',
    'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
    { status: 404, fields: { UploadId: name.UploadId } },
  );
}

/** In order of their numbers, from the one behind `after`. */
export function* partsOf(call: Call, bucket: Bucket, upload: Upload, after = 0): Generator<Part> {
  const prefix = `${upload.id}/`;
  for (const [id, part] of call.world.table(parts).list(bucket.owner, partRow(upload.id, after))) {
    if (!id.startsWith(prefix)) return;
    yield part;
  }
}

/** The upload and its parts go; their bytes are free again. */
export function drop(call: Call, bucket: Bucket, upload: Upload): void {
  for (const { number, body } of partsOf(call, bucket, upload)) {
    count(call, bucket, -body.length);
    call.world.table(parts).delete(bucket.owner, partRow(upload.id, number));
  }
  call.world.table(uploads).delete(bucket.owner, uploadRow(bucket, { Key: upload.key, UploadId: upload.id }));
}

/** What is left of uploads when their bucket goes. */
export function dropUploads(call: Call, bucket: Bucket): void {
  const prefix = `${bucket.name}/`;
  for (const [id, upload] of call.world.table(uploads).list(bucket.owner, prefix)) {
    if (!id.startsWith(prefix)) return;
    drop(call, bucket, upload);
  }
}
