// Listing the keys of a bucket: one walk over the ordered keys, and the API's three answers around it.
import type {
  ListObjectsCommandInput,
  ListObjectsOutput,
  ListObjectsV2CommandInput,
  ListObjectsV2Output,
  ListObjectVersionsCommandInput,
  ListObjectVersionsOutput,
  _Object,
} from '@aws-sdk/client-s3';
import { operation, type Call, type Permission } from '../../call.ts';
import { bucketOf, permission } from './access.ts';
import { invalidArgument } from './failures.ts';
import { objects, type Bucket, type StoredObject } from './model.ts';
import { canonicalId, fromToken, toToken } from './names.ts';

interface Wanted {
  readonly prefix: string;
  readonly delimiter: string;
  /** Only what comes after this key or common prefix. */
  readonly after: string;
  readonly most: number;
}

interface Page {
  readonly objects: readonly StoredObject[];
  readonly prefixes: readonly string[];
  /** The last key or common prefix of a page that another one follows. */
  readonly next?: string | undefined;
}

/** Above every key that starts with `prefix`. */
const above = (prefix: string): string => `${prefix}\uffff`;

/**
 * Keys and common prefixes in the order of UTF-16 code units. The keys below a common prefix are jumped
 * over, so the cost is what is shown and not what lies below it.
 */
function* entries(call: Call, bucket: Bucket, { prefix, delimiter, after }: Wanted): Generator<StoredObject | string> {
  const table = call.world.table(objects);
  const base = `${bucket.name}/`;
  const exact = after < prefix ? table.get(bucket.owner, base + prefix) : undefined;
  if (exact !== undefined) yield exact;
  let place = after < prefix ? prefix : delimiter !== '' && after.endsWith(delimiter) ? above(after) : after;
  for (;;) {
    let common: string | undefined;
    for (const [id, object] of table.list(bucket.owner, base + place)) {
      if (!id.startsWith(base + prefix)) return;
      const cut = delimiter === '' ? -1 : object.key.indexOf(delimiter, prefix.length);
      if (cut >= 0) {
        common = object.key.slice(0, cut + delimiter.length);
        break;
      }
      yield object;
    }
    if (common === undefined) return;
    yield common;
    place = above(common);
  }
}

function pageOf(call: Call, bucket: Bucket, wanted: Wanted): Page {
  const found: StoredObject[] = [];
  const prefixes: string[] = [];
  let last = wanted.after;
  if (wanted.most === 0) return { objects: found, prefixes };
  for (const entry of entries(call, bucket, wanted)) {
    if (found.length + prefixes.length === wanted.most) return { objects: found, prefixes, next: last };
    if (typeof entry === 'string') prefixes.push(entry);
    else found.push(entry);
    last = typeof entry === 'string' ? entry : entry.key;
  }
  return { objects: found, prefixes };
}

interface ListInput {
  readonly Bucket?: string | undefined;
  readonly ExpectedBucketOwner?: string | undefined;
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly MaxKeys?: number | undefined;
  readonly EncodingType?: string | undefined;
}

function listPermission(action: string, input: ListInput, call: Call): readonly Permission[] {
  const context = {
    's3:prefix': input.Prefix,
    's3:delimiter': input.Delimiter,
    's3:max-keys': input.MaxKeys === undefined ? undefined : String(input.MaxKeys),
  };
  return [permission(call, action, bucketOf(call, input), undefined, context)];
}

function wantedOf(input: ListInput, after: string | undefined): Wanted {
  const most = input.MaxKeys ?? 1000;
  if (most < 0 || most > 2 ** 31 - 1) {
    throw invalidArgument('Argument maxKeys must be an integer between 0 and 2147483647', 'maxKeys', String(most));
  }
  if (input.EncodingType !== undefined && input.EncodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', input.EncodingType);
  }
  return {
    prefix: input.Prefix ?? '',
    delimiter: input.Delimiter ?? '',
    after: after ?? '',
    most: Math.min(most, 1000),
  };
}

/** With `encoding-type=url` keys come percent-encoded, except for the slash. */
function encoder(input: ListInput): (text: string) => string {
  return input.EncodingType === 'url'
    ? (text) => encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+')
    : (text) => text;
}

function contentsOf(page: Page, encode: (text: string) => string): _Object[] {
  return page.objects.map((object) => ({
    Key: encode(object.key),
    LastModified: new Date(object.lastModified),
    ETag: object.etag,
    Size: object.body.length,
    StorageClass: object.storageClass as NonNullable<_Object['StorageClass']>,
    ChecksumAlgorithm: Object.keys(object.checksum).map((name) => name.slice('Checksum'.length)) as NonNullable<
      _Object['ChecksumAlgorithm']
    >,
    ChecksumType: object.checksumType,
  }));
}

/** What all three answers share; encoded where the client asked for it. */
function frameOf(bucket: Bucket, input: ListInput, page: Page) {
  const encode = encoder(input);
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ''),
    MaxKeys: Math.min(input.MaxKeys ?? 1000, 1000),
    IsTruncated: page.next !== undefined,
    ...(input.Delimiter === undefined ? {} : { Delimiter: encode(input.Delimiter) }),
    ...(input.EncodingType === undefined ? {} : { EncodingType: 'url' as const }),
    ...(page.prefixes.length === 0 ? {} : { CommonPrefixes: page.prefixes.map((one) => ({ Prefix: encode(one) })) }),
  };
}

export const ListObjectsV2 = operation<ListObjectsV2CommandInput, ListObjectsV2Output>({
  permissions: (input, call) => listPermission('s3:ListBucket', input, call),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const token = input.ContinuationToken;
    const page = pageOf(call, bucket, wantedOf(input, token === undefined ? input.StartAfter : fromToken(token)));
    const encode = encoder(input);
    const owner = input.FetchOwner === true ? { Owner: { ID: canonicalId(bucket.owner) } } : {};
    return {
      ...frameOf(bucket, input, page),
      KeyCount: page.objects.length + page.prefixes.length,
      ...(page.objects.length === 0 ? {} : { Contents: contentsOf(page, encode).map((one) => ({ ...one, ...owner })) }),
      ...(token === undefined ? {} : { ContinuationToken: token }),
      ...(input.StartAfter === undefined ? {} : { StartAfter: encode(input.StartAfter) }),
      ...(page.next === undefined ? {} : { NextContinuationToken: toToken(page.next) }),
    };
  },
});

export const ListObjects = operation<ListObjectsCommandInput, ListObjectsOutput>({
  permissions: (input, call) => listPermission('s3:ListBucket', input, call),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    const page = pageOf(call, bucket, wantedOf(input, input.Marker));
    const encode = encoder(input);
    return {
      ...frameOf(bucket, input, page),
      Marker: encode(input.Marker ?? ''),
      ...(page.objects.length === 0
        ? {}
        : {
            Contents: contentsOf(page, encode).map((one) => ({ ...one, Owner: { ID: canonicalId(bucket.owner) } })),
          }),
      // "This element is returned only if you have the delimiter request parameter specified."
      ...(page.next === undefined || input.Delimiter === undefined ? {} : { NextMarker: encode(page.next) }),
    };
  },
});

export const ListObjectVersions = operation<ListObjectVersionsCommandInput, ListObjectVersionsOutput>({
  permissions: (input, call) => listPermission('s3:ListBucketVersions', input, call),
  handle(input, call) {
    const bucket = bucketOf(call, input);
    if (input.VersionIdMarker !== undefined && input.KeyMarker === undefined) {
      throw invalidArgument(
        'A version-id marker cannot be specified without a key marker.',
        'version-id-marker',
        input.VersionIdMarker,
      );
    }
    const page = pageOf(call, bucket, wantedOf(input, input.KeyMarker));
    const encode = encoder(input);
    return {
      ...frameOf(bucket, input, page),
      KeyMarker: encode(input.KeyMarker ?? ''),
      VersionIdMarker: input.VersionIdMarker ?? '',
      ...(page.objects.length === 0
        ? {}
        : {
            Versions: contentsOf(page, encode).map(({ StorageClass: _class, ...one }) => ({
              ...one,
              StorageClass: 'STANDARD' as const,
              VersionId: 'null',
              IsLatest: true,
              Owner: { ID: canonicalId(bucket.owner) },
            })),
          }),
      ...(page.next === undefined ? {} : { NextKeyMarker: encode(page.next), NextVersionIdMarker: 'null' }),
    };
  },
  depth: 'every object has the one version `null`',
});
