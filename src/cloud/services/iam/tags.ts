// Tags of IAM entities: checks, merging, and the condition keys they fill.
import type { World } from '../../world.ts';
import { invalidInput, limitExceeded } from './failures.ts';
import type { Tag } from './model.ts';

/** Tags as the SDK types them. */
export type TagList = readonly { readonly Key: string | undefined; readonly Value: string | undefined }[];

export type ConditionKeys = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * How keys of tags compare: those of users and roles without case, all others exactly.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html#id_tags_rules_creating
 */
export type TagCase = 'ignored' | 'exact';

function comparable(key: string, tagCase: TagCase): string {
  return tagCase === 'exact' ? key : key.toLowerCase();
}

/**
 * Checks tags of a request and gives them back as stored.
 * @throws InvalidInput
 */
export function checkTags(given: TagList | undefined, tagCase: TagCase = 'ignored'): readonly Tag[] {
  const seen = new Set<string>();
  return (given ?? []).map(({ Key: key = '', Value: value = '' }) => {
    if (key.toLowerCase().startsWith('aws:')) {
      throw invalidInput('Tag keys beginning with aws: are reserved for system use.');
    }
    if (seen.has(comparable(key, tagCase))) {
      throw invalidInput('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
    }
    seen.add(comparable(key, tagCase));
    return { Key: key, Value: value };
  });
}

/** `tags` with `added` put over them. @throws LimitExceeded beyond 50 */
export function mergeTags(
  world: World,
  tags: readonly Tag[],
  added: readonly Tag[],
  tagCase: TagCase = 'ignored',
): readonly Tag[] {
  const replaced = new Set(added.map((tag) => comparable(tag.Key, tagCase)));
  const merged = [...tags.filter((tag) => !replaced.has(comparable(tag.Key, tagCase))), ...added];
  const limit = world.quotas.TagsPerResource;
  if (merged.length > limit) throw limitExceeded(`The number of tags has reached the maximum limit of ${limit}.`);
  return merged;
}

export function withoutTags(
  tags: readonly Tag[],
  keys: readonly string[],
  tagCase: TagCase = 'ignored',
): readonly Tag[] {
  const gone = new Set(keys.map((key) => comparable(key, tagCase)));
  return tags.filter((tag) => !gone.has(comparable(tag.Key, tagCase)));
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
