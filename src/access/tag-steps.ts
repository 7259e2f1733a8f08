// The calls that set and take away tags.
import { ranks, tagList, type Call, type StepDraft } from './calls.ts';
import type { Tags } from './resources.ts';

/** Tags that must be set. Tags of others stay; of ours, those that no longer hold go. */
export function tagChanges(want: Tags, seen: Tags): { readonly set: Tags; readonly stale: string[] } {
  const set = Object.fromEntries(Object.entries(want).filter(([key, value]) => seen[key] !== value));
  const stale = Object.keys(seen).filter((key) => key.startsWith('stint:') && want[key] === undefined);
  return { set, stale };
}

/** The calls for changed tags of the thing that `name` names; none where nothing changed. */
export function tagSteps(
  noun: 'Role' | 'User' | 'InstanceProfile' | 'OpenIDConnectProvider' | 'SAMLProvider',
  name: Call['input'],
  want: Tags,
  seen: Tags,
): StepDraft[] {
  const { set, stale } = tagChanges(want, seen);
  const had = Object.fromEntries(Object.entries(seen).filter(([key]) => key in set || stale.includes(key)));
  const steps: StepDraft[] = [];
  if (Object.keys(set).length > 0) {
    const inverse = [{ operation: `tag${noun}`, input: { ...name, Tags: tagList(had) } }];
    steps.push({ operation: `tag${noun}`, input: { ...name, Tags: tagList(set) }, rank: ranks.tag, inverse });
  }
  if (stale.length > 0) {
    const inverse = [{ operation: `tag${noun}`, input: { ...name, Tags: tagList(had) } }];
    steps.push({ operation: `untag${noun}`, input: { ...name, TagKeys: stale }, rank: ranks.tag, inverse });
  }
  return steps;
}
