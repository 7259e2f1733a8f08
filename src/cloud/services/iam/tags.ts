// Tags of IAM entities: checks, merging, and the condition keys they fill.
import type { World } from '../../world.ts';
import { invalidInput, limitExceeded, validationError } from './failures.ts';
import type { Tag } from './model.ts';

/** Tags as the SDK types them. */
export type TagList = readonly { readonly Key: string | undefined; readonly Value: string | undefined }[];

export type ConditionKeys = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Checks tags of a request and gives them back as stored. Keys compare without case.
 * @throws InvalidInput, ValidationError
 */
export function checkTags(given: TagList | undefined): readonly Tag[] {
  const seen = new Set<string>();
  return (given ?? []).map(({ Key: key = '', Value: value = '' }) => {
    if (key.toLowerCase().startsWith('aws:')) {
      throw validationError('System tag keys cannot be added or removed: keys with the prefix aws: are reserved.');
    }
    if (seen.has(key.toLowerCase())) {
      throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
    }
    seen.add(key.toLowerCase());
    return { Key: key, Value: value };
  });
}

/** `tags` with `added` put over them. @throws LimitExceeded beyond 50 */
export function mergeTags(world: World, tags: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const replaced = new Set(added.map((tag) => tag.Key.toLowerCase()));
  const merged = [...tags.filter((tag) => !replaced.has(tag.Key.toLowerCase())), ...added];
  const limit = world.quotas.TagsPerResource;
  if (merged.length > limit) throw limitExceeded(`The number of tags has reached the maximum limit of ${limit}.`);
  return merged;
}

export function withoutTags(tags: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  const gone = new Set(keys.map((key) => key.toLowerCase()));
  return tags.filter((tag) => !gone.has(tag.Key.toLowerCase()));
}

/** `aws:RequestTag/…` and `aws:TagKeys`; nothing when no tags were sent. */
export function requestTagKeys(given: TagList | undefined): ConditionKeys {
  if (given === undefined || given.length === 0) return {};
  return {
    ...Object.fromEntries(given.map((tag) => [`aws:RequestTag/${tag.Key}`, tag.Value ?? ''])),
    'aws:TagKeys': given.map((tag) => tag.Key ?? ''),
  };
}

/** `aws:ResourceTag/…` and `iam:ResourceTag/…` of an entity that exists. */
export function resourceTagKeys(tags: readonly Tag[]): ConditionKeys {
  const keys: Record<string, string> = {};
  for (const tag of tags) {
    keys[`aws:ResourceTag/${tag.Key}`] = tag.Value;
    keys[`iam:ResourceTag/${tag.Key}`] = tag.Value;
  }
  return keys;
}
