// Conditional headers and ranges of RFC 9110 (sections 13 and 14) as S3 answers them.
import { awsFailure } from '../../failures.ts';
import { invalidArgument, invalidRequest, unacceptedHeader } from './failures.ts';
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

/** The header that does not hold, by the order of precedence that GetObject documents. */
function failedCondition(conditions: Preconditions, object: StoredObject): string | undefined {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  const modified = second(object.lastModified);
  if (IfMatch !== undefined) {
    if (!etagMatches(IfMatch, object.etag)) return 'If-Match';
  } else if (IfUnmodifiedSince !== undefined && modified > second(IfUnmodifiedSince.getTime())) {
    return 'If-Unmodified-Since';
  }
  if (IfNoneMatch !== undefined) return etagMatches(IfNoneMatch, object.etag) ? 'If-None-Match' : undefined;
  if (IfModifiedSince === undefined || modified > second(IfModifiedSince.getTime())) return undefined;
  return 'If-Modified-Since';
}

/**
 * For reads.
 * @throws PreconditionFailed 412, NotModified 304 (without a body)
 */
export function checkRead(conditions: Preconditions, object: StoredObject): void {
  const failed = failedCondition(conditions, object);
  if (failed === 'If-None-Match' || failed === 'If-Modified-Since') throw notModified(object);
  if (failed !== undefined) throw preconditionFailed(failed);
}

function notModified(object: StoredObject): Error {
  return awsFailure('NotModified', 'Not Modified', { status: 304, fields: { ETag: object.etag } });
}

/**
 * For the source of a copy: every failed condition is a 412, also where a read would be a 304 (CopyObject).
 * @throws PreconditionFailed 412
 */
export function checkCopySource(input: CopyConditions, object: StoredObject): void {
  const {
    CopySourceIfMatch: IfMatch,
    CopySourceIfNoneMatch: IfNoneMatch,
    CopySourceIfModifiedSince: IfModifiedSince,
    CopySourceIfUnmodifiedSince: IfUnmodifiedSince,
  } = input;
  const failed = failedCondition({ IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince }, object);
  if (failed !== undefined) throw preconditionFailed(`x-amz-copy-source-${failed}`);
}

export interface CopyConditions {
  readonly CopySourceIfMatch?: string | undefined;
  readonly CopySourceIfNoneMatch?: string | undefined;
  readonly CopySourceIfModifiedSince?: Date | undefined;
  readonly CopySourceIfUnmodifiedSince?: Date | undefined;
}

/**
 * For writes: `If-None-Match: *` writes only what is not there, `If-Match` only over that version.
 * @throws PreconditionFailed 412, NoSuchKey 404 by `missing` when there is nothing to match
 */
export function checkWrite(conditions: Preconditions, object: StoredObject | undefined, missing: () => Error): void {
  const { IfMatch, IfNoneMatch } = conditions;
  checkWriteHeaders(IfMatch, IfNoneMatch);
  if (IfNoneMatch !== undefined && object !== undefined && etagMatches(IfNoneMatch, object.etag)) {
    throw preconditionFailed('If-None-Match');
  }
  if (IfMatch === undefined) return;
  if (object === undefined) throw missing();
  if (!etagMatches(IfMatch, object.etag)) throw preconditionFailed('If-Match');
}

/** "Amazon S3 … expects the * (asterisk) character" (PutObject, If-None-Match), and an ETag for If-Match. */
function checkWriteHeaders(match: string | undefined, noneMatch: string | undefined): void {
  if (match !== undefined && noneMatch !== undefined) {
    throw unacceptedHeader('If-Match,If-None-Match', 'Multiple conditional request headers present in the request');
  }
  if (match === '*') throw unaccepted('If-Match');
  if (noneMatch !== undefined && noneMatch !== '*') throw unaccepted('If-None-Match');
}

const unaccepted = (header: string): Error =>
  unacceptedHeader(header, `We don't accept the provided value of ${header} header for this API`);

/**
 * For deletes, which take `If-Match: *` for any object.
 * @throws PreconditionFailed 412, NoSuchKey 404 by `missing`
 */
export function checkDelete(match: string, object: StoredObject | undefined, missing: () => Error): void {
  if (object === undefined) throw missing();
  if (!etagMatches(match, object.etag)) throw preconditionFailed('If-Match');
}

export interface Slice {
  readonly from: number;
  /** Not included. */
  readonly to: number;
}

/**
 * The part of a source that a copy of it takes.
 * @throws InvalidArgument, InvalidRequest; both 400
 */
export function copiedSlice(range: string, size: number): Slice {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  const refused = (message: string): Error => invalidArgument(message, 'x-amz-copy-source-range', range);
  if (first === undefined || Number(last) < Number(first)) {
    throw refused(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
    );
  }
  if (Number(first) >= size) throw invalidRequest('The specified copy range is invalid for the source object size');
  if (Number(last) >= size) throw refused(`Range specified is not valid for source object of size: ${size}`);
  return { from: Number(first), to: Number(last) + 1 };
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
