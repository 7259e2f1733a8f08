// Conditional headers and ranges of RFC 9110 (sections 13 and 14) as S3 answers them.
import { awsFailure } from '../../failures.ts';
import { notImplemented } from './failures.ts';
import type { StoredObject } from './model.ts';

export interface Preconditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: Date | undefined;
  readonly IfUnmodifiedSince?: Date | undefined;
}

function etagMatches(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((one) => one.trim().replace(/^W\//, ''))
    .some((one) => one === '*' || one === etag || `"${one}"` === etag);
}

/** HTTP dates have no fraction of a second. */
const second = (millis: number): number => Math.floor(millis / 1000);

function preconditionFailed(condition: string): Error {
  return awsFailure('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    status: 412,
    fields: { Condition: condition },
  });
}

/**
 * For reads.
 * @throws PreconditionFailed 412, NotModified 304 (without a body)
 */
export function checkRead(conditions: Preconditions, object: StoredObject): void {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  const modified = second(object.lastModified);
  if (IfMatch !== undefined) {
    if (!etagMatches(IfMatch, object.etag)) throw preconditionFailed('If-Match');
  } else if (IfUnmodifiedSince !== undefined && modified > second(IfUnmodifiedSince.getTime())) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (IfNoneMatch !== undefined) {
    if (etagMatches(IfNoneMatch, object.etag)) throw notModified(object);
  } else if (IfModifiedSince !== undefined && modified <= second(IfModifiedSince.getTime())) {
    throw notModified(object);
  }
}

function notModified(object: StoredObject): Error {
  return awsFailure('NotModified', 'Not Modified', { status: 304, fields: { ETag: object.etag } });
}

/**
 * For the source of a copy: every failed condition is a 412, also where a read would be a 304 (CopyObject).
 * @throws PreconditionFailed 412
 */
export function checkCopySource(conditions: Preconditions, object: StoredObject): void {
  try {
    checkRead(conditions, object);
  } catch {
    throw preconditionFailed('x-amz-copy-source-If');
  }
}

/**
 * For writes: `If-None-Match: *` writes only what is not there, `If-Match` only over that version.
 * @throws PreconditionFailed 412, NoSuchKey 404 by `missing` when there is nothing to match
 */
export function checkWrite(conditions: Preconditions, object: StoredObject | undefined, missing: () => Error): void {
  const { IfMatch, IfNoneMatch } = conditions;
  // "Amazon S3 … expects the * (asterisk) character" (PutObject, If-None-Match).
  if (IfNoneMatch !== undefined && IfNoneMatch !== '*') throw notImplemented('If-None-Match with an ETag');
  if (IfNoneMatch !== undefined && object !== undefined && etagMatches(IfNoneMatch, object.etag)) {
    throw preconditionFailed('If-None-Match');
  }
  if (IfMatch === undefined) return;
  if (object === undefined) throw missing();
  if (!etagMatches(IfMatch, object.etag)) throw preconditionFailed('If-Match');
}

export interface Slice {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/**
 * The part that a `Range` header asks for; undefined for the whole: no header, several ranges, or one S3
 * does not read, which it ignores.
 * @throws InvalidRange 416 when nothing of it exists
 */
export function sliceOf(range: string | undefined, size: number): Slice | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  if (match === null || (match[1] === '' && match[2] === '')) return undefined;
  const [, first, last] = match as unknown as [string, string, string];
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const to = first === '' || last === '' ? size : Math.min(size, Number(last) + 1);
  if (from >= size || (first === '' && Number(last) === 0)) {
    throw awsFailure('InvalidRange', 'The requested range is not satisfiable', {
      status: 416,
      fields: { RangeRequested: range, ActualObjectSize: String(size) },
    });
  }
  return { from, to };
}
