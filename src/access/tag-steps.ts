// The calls that set and take away tags.
import { ranks, tagList, type Call, type StepDraft } from './calls.ts';
import { isGivenTag } from './ownership.ts';
import type { Tags } from './resources.ts';

/** Tags that must be set. Tags of others stay; marks and tags that an entry gave go when they no longer hold. */
export function tagChanges(want: Tags, seen: Tags): { readonly set: Tags; readonly stale: string[] } {
  const set = Object.fromEntries(Object.entries(want).filter(([key, value]) => seen[key] !== value));
  // To IAM, keys of roles and users that differ in case alone are one: the tag that is set takes the place of the other.
  const wanted = new Set(Object.keys(want).map((key) => key.toLowerCase()));
  const stale = Object.keys(seen).filter(
    (key) => !wanted.has(key.toLowerCase()) && (key.startsWith('stint:') || isGivenTag(seen, key) === true),
  );
  return { set, stale };
}

/** The calls for changed tags, by the operations that set and take away; none where nothing changed. */
export function tagCalls(
  { tag, untag }: { readonly tag: string; readonly untag: string },
  name: Call['input'],
  want: Tags,
  seen: Tags,
  rank: number,
): StepDraft[] {
  const { set, stale } = tagChanges(want, seen);
  const hadOf = (keys: readonly string[]): Tags =>
    Object.fromEntries(Object.entries(seen).filter(([key]) => keys.includes(key)));
  const tagging = (tags: Tags): Call[] =>
    Object.keys(tags).length === 0 ? [] : [{ operation: tag, input: { ...name, Tags: tagList(tags) } }];
  const untagging = (keys: readonly string[]): Call[] =>
    keys.length === 0 ? [] : [{ operation: untag, input: { ...name, TagKeys: keys } }];
  const fresh = Object.keys(set).filter((key) => seen[key] === undefined);
  return [
    ...tagging(set).map((call) => ({
      ...call,
      rank,
      inverse: [...tagging(hadOf(Object.keys(set))), ...untagging(fresh)],
    })),
    ...untagging(stale).map((call) => ({ ...call, rank, inverse: tagging(hadOf(stale)) })),
  ];
}

/** The calls for changed tags of the thing in IAM that `name` names; none where nothing changed. */
export function tagSteps(
  noun: 'Role' | 'User' | 'InstanceProfile' | 'OpenIDConnectProvider' | 'SAMLProvider',
  name: Call['input'],
  want: Tags,
  seen: Tags,
): StepDraft[] {
  return tagCalls({ tag: `tag${noun}`, untag: `untag${noun}` }, name, want, seen, ranks.tag);
}
