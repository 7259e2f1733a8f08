// Tags of buckets and objects: the header form, the XML form, and the limits of both.
import type { Tag } from '@aws-sdk/client-s3';
import { awsFailure } from '../../failures.ts';
import { invalidArgument } from './failures.ts';

export type Tags = Readonly<Record<string, string>>;

const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Of an object or a bucket: how many there may be, and what S3 says of tags that only it may set. */
type Owner = 'object' | 'bucket';
const most: Readonly<Record<Owner, number>> = { object: 10, bucket: 50 };
const ofSystem: Readonly<Record<Owner, string>> = {
  object: 'Your TagKey cannot be prefixed with aws:',
  bucket: 'System tags cannot be added/updated by requester',
};

function invalidTag(message: string, TagKey: string, TagValue?: string): Error {
  const fields = { TagKey, ...(TagValue === undefined ? {} : { TagValue }) };
  return awsFailure('InvalidTag', message, { status: 400, fields });
}

function checkTag(key: string, value: string, of: Owner): void {
  if (key === '' || key.length > 128 || !allowed.test(key)) {
    throw invalidTag('The TagKey you have provided is invalid', key);
  }
  if (value.length > 256 || !allowed.test(value)) {
    throw invalidTag('The TagValue you have provided is invalid', key, value);
  }
  if (key.toLowerCase().startsWith('aws:')) throw invalidTag(ofSystem[of], key);
}

function collect(pairs: Iterable<readonly [string, string]>, of: Owner): Tags {
  const tags: Record<string, string> = {};
  let count = 0;
  for (const [key, value] of pairs) {
    checkTag(key, value, of);
    if (Object.hasOwn(tags, key)) throw invalidTag('Cannot provide multiple Tags with the same key', key);
    tags[key] = value;
    count += 1;
  }
  if (count > most[of]) {
    throw awsFailure(
      'BadRequest',
      of === 'object' ? 'Object tags cannot be greater than 10' : 'Bucket tag count cannot be greater than 50',
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
    const [key = '', value = '', ...more] = part.split('=').map((text) => decodeForm(text, header));
    if (more.length > 0 || pairs.some(([other]) => other === key)) throw badHeader(header);
    pairs.push([key, value]);
  }
  return collect(pairs, 'object');
}

function badHeader(header: string): Error {
  return invalidArgument(
    "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
    'x-amz-tagging',
    header,
  );
}

function decodeForm(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw badHeader(header);
  }
}

/** A `TagSet` as tags; at most 10 for an object, 50 for a bucket. */
export function tagsOfSet(set: readonly Tag[] | undefined, of: Owner): Tags {
  const pairs = (set ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? ''] as const);
  return collect(pairs, of);
}

export function tagSet(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}
