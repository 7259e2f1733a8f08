// The one place that writes and removes objects: it keeps the count of bytes, so that memory has a bound.
import { awsFailure } from '../../failures.ts';
import type { Call } from '../../call.ts';
import { objects, usage, type Bucket, type StoredObject } from './model.ts';

const idOf = (bucket: Bucket, key: string): string => `${bucket.name}/${key}`;

/** @throws QuotaExceeded 400 when the account's objects would hold more bytes than its quota */
export function storeObject(call: Call, bucket: Bucket, object: StoredObject): void {
  const table = call.world.table(objects);
  const before = table.get(bucket.owner, idOf(bucket, object.key))?.body.length ?? 0;
  count(call, bucket, object.body.length - before);
  table.put(bucket.owner, idOf(bucket, object.key), object);
}

/** Removes the object; a key that is not there is no failure. */
export function removeObject(call: Call, bucket: Bucket, key: string): void {
  const table = call.world.table(objects);
  const before = table.get(bucket.owner, idOf(bucket, key));
  if (before === undefined) return;
  count(call, bucket, -before.body.length);
  table.delete(bucket.owner, idOf(bucket, key));
}

/** Adds `bytes` (negative: takes away) to what the owner's bodies hold. */
export function count(call: Call, bucket: Bucket, bytes: number): void {
  const table = call.world.table(usage);
  const held = (table.get(bucket.owner, 'bytes') ?? 0) + bytes;
  const most = call.world.quotas.S3BytesPerAccount;
  if (bytes > 0 && held > most) {
    throw awsFailure(
      'QuotaExceeded',
      `The embedded AWS keeps at most ${most} bytes of objects per account: raise S3BytesPerAccount under quotas in the organisation file`,
      { status: 400 },
    );
  }
  table.put(bucket.owner, 'bytes', held);
}
