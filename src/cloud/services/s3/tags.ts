// Tags of buckets and objects: the header form, the XML form, and the limits of both.
import type { Tag } from '@aws-sdk/client-s3';
import { awsFailure } from '../../failures.ts';
import { invalidArgument } from './failures.ts';

export type Tags = Readonly<Record<string, string>>;

const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

function invalidTag(message: string): Error {
  return awsFailure('InvalidTag', message, { status: 400 });
}

function checkTag(key: string, value: string): void {
  if (key === '' || key.length > 128) throw invalidTag('The TagKey you have provided is invalid');
  if (value.length > 256 || !allowed.test(value)) throw invalidTag('The TagValue you have provided is invalid');
  if (!allowed.test(key)) throw invalidTag('The TagKey you have provided is invalid');
  if (key.toLowerCase().startsWith('aws:')) throw invalidTag('System tags cannot be added/updated by requester');
}

function collect(pairs: Iterable<readonly [string, string]>, most: number): Tags {
  const tags: Record<string, string> = {};
  let count = 0;
  for (const [key, value] of pairs) {
    checkTag(key, value);
    if (Object.hasOwn(tags, key)) throw invalidTag('Cannot provide multiple Tags with the same key');
    tags[key] = value;
    count += 1;
  }
  if (count > most) {
    throw awsFailure(
      'BadRequest',
      most === 10 ? 'Object tags cannot be greater than 10' : `Bucket tag count cannot be greater than ${most}`,
      { status: 400 },
    );
  }
  return tags;
}

/** The `x-amz-tagging` header, `team=core&cost=low`. An object has at most 10 tags. */
export function tagsOfHeader(header: string | undefined): Tags {
  if (header === undefined || header === '') return {};
  const pairs: [string, string][] = [];
  for (const part of header.split('&')) {
    const [key = '', value = ''] = part.split('=').map(decodeForm);
    pairs.push([key, value]);
  }
  return collect(pairs, 10);
}

function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      'x-amz-tagging',
      text,
    );
  }
}

/** A `TagSet` as tags; at most 10 for an object, 50 for a bucket. */
export function tagsOfSet(set: readonly Tag[] | undefined, of: 'object' | 'bucket'): Tags {
  const pairs = (set ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? ''] as const);
  return collect(pairs, of === 'object' ? 10 : 50);
}

export function tagSet(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
