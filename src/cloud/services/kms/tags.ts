// Tags of keys.
import type * as Sdk from '@aws-sdk/client-kms';
import { operation, type Call } from '../../call.ts';
import type { Parsed } from '../iam/shapes.ts';
import type { Tag } from '../iam/model.ts';
import { keyPermission } from './access.ts';
import type { Keys } from './conditions.ts';
import { tagFailure, validation } from './failures.ts';
import { needKey } from './lookup.ts';
import { saveKey } from './model.ts';
import { pageOfList } from './page.ts';
import { refusePendingDeletion } from './state.ts';

type TagList = readonly Sdk.Tag[] | undefined;

/** @throws ValidationException, TagException */
export function checkTags(given: TagList, most: number): readonly Tag[] {
  const list = given ?? [];
  list.forEach(({ TagKey, TagValue }, index) => {
    checkTagLength(TagKey ?? '', `tags.${index + 1}.member.tagKey`, 1, 128);
    checkTagLength(TagValue ?? '', `tags.${index + 1}.member.tagValue`, 0, 256);
  });
  if (list.length > most) throw tagFailure('Too many tags');
  if (list.some(({ TagKey }) => /^aws:/i.test(TagKey ?? ''))) throw tagFailure('Tags beginning with aws: are reserved');
  // Keys of KMS tags are case-sensitive.
  if (new Set(list.map(({ TagKey }) => TagKey)).size < list.length) throw tagFailure('Duplicate tag keys');
  return list.map(({ TagKey = '', TagValue = '' }) => ({ Key: TagKey, Value: TagValue }));
}

function checkTagLength(text: string, place: string, least: number, most: number): void {
  const length = Array.from(text).length;
  if (length >= least && length <= most) return;
  const bound = length < least ? `greater than or equal to ${least}` : `less than or equal to ${most}`;
  throw validation(
    `1 validation error detected: Value '${text}' at '${place}' failed to satisfy constraint: Member must have length ${bound}`,
  );
}

/** `aws:RequestTag/…` and `aws:TagKeys`. */
export function requestTags(given: TagList): Keys {
  if (given === undefined || given.length === 0) return {};
  return {
    ...Object.fromEntries(given.map(({ TagKey, TagValue }) => [`aws:RequestTag/${TagKey}`, TagValue ?? ''])),
    'aws:TagKeys': given.map(({ TagKey }) => TagKey ?? ''),
  };
}

const tagResource = operation<Parsed<Sdk.TagResourceRequest>, void>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:TagResource', needKey(call, input.KeyId, { aliases: false }), {
      context: requestTags(input.Tags),
    }),
  ],
  handle: (input, call) => {
    const key = taggable(call, input.KeyId);
    const most = call.world.quotas.TagsPerResource;
    const added = checkTags(input.Tags, most);
    const names = new Set(added.map((tag) => tag.Key));
    const tags = [...key.tags.filter((tag) => !names.has(tag.Key)), ...added];
    if (tags.length > most) throw tagFailure('Too many tags');
    saveKey(call.world, { ...key, tags });
  },
});

function taggable(call: Call, keyId: string) {
  const { key } = needKey(call, keyId, { aliases: false });
  refusePendingDeletion(call, key);
  return key;
}

const untagResource = operation<Parsed<Sdk.UntagResourceRequest>, void>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:UntagResource', needKey(call, input.KeyId, { aliases: false }), {
      context: { 'aws:TagKeys': input.TagKeys },
    }),
  ],
  handle: (input, call) => {
    const key = taggable(call, input.KeyId);
    if (input.TagKeys.some((name) => /^aws:/i.test(name))) throw tagFailure('Tags beginning with aws: are reserved');
    saveKey(call.world, { ...key, tags: key.tags.filter((tag) => !input.TagKeys.includes(tag.Key)) });
  },
});

const listResourceTags = operation<Parsed<Sdk.ListResourceTagsRequest>, Sdk.ListResourceTagsResponse>({
  permissions: (input, call) => [
    keyPermission(call, 'kms:ListResourceTags', needKey(call, input.KeyId, { aliases: false })),
  ],
  handle: (input, call) => {
    const { key } = needKey(call, input.KeyId, { aliases: false });
    const tags = key.tags.map(({ Key, Value }) => ({ TagKey: Key, TagValue: Value }));
    const { items, page } = pageOfList(tags, input, { usual: 50, most: 50 });
    return { Tags: items, ...page };
  },
});

export const tagOperations = {
  TagResource: tagResource,
  UntagResource: untagResource,
  ListResourceTags: listResourceTags,
};
